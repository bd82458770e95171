"""The demo, with all that can be switched on: a whole case with real clients comes to its end, and leaves nothing where
it may not.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from adapters.stage.company import NAMES, password
from adapters.stage.synapse import Synapse
from adapters.stage.troupe import CANARIES

PATIENCE = 600
"""Seconds; on a quiet machine with two cores it takes one minute."""

PEERS = ("--github", "--slack", "--mail")

Json = dict[str, Any]


def chatops(*arguments: str, within: float = 60) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("chatops")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=within, check=False)


async def test_demo(tmp_path: Path) -> None:
    folder = tmp_path / "stage"
    ended = await asyncio.to_thread(chatops, "demo", "--once", *PEERS, "--folder", str(folder), within=PATIENCE)
    every_step_was_observed(folder, ended)
    journal_and_schema_are_good(folder)
    nothing_lies_outside_the_bots_own_state(folder)
    await rooms_tell_nothing_to_whoever_looks(folder)


def every_step_was_observed(folder: Path, ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr + bot_log(folder)[-2000:]
    assert "The timeline, from the journal" in ended.stdout
    assert ended.stderr == ""
    assert not [line for line in bot_log(folder).splitlines() if " WARNING " in line or " ERROR " in line]


def journal_and_schema_are_good(folder: Path) -> None:
    config = str(folder / "bot" / "chatops.toml")
    journal = chatops("--config", config, "journal", "verify")
    assert journal.returncode == 0, journal.stdout + journal.stderr
    assert journal.stdout.rstrip().endswith("good")
    schema = chatops("--config", config, "db", "check")
    assert schema.returncode == 0, schema.stdout + schema.stderr


def nothing_lies_outside_the_bots_own_state(folder: Path) -> None:
    """Title, report and notes: in no log, in nothing that the homeserver holds, in no file of those not told.

    The announcement has words of its own, so this holds after the general release too.
    """
    assert holding(folder / "bot" / "state", *CANARIES) == set(CANARIES), "the search finds what is there"
    assert holding(folder / "homeserver", "fixes a vulnerability") == {"fixes a vulnerability"}
    for place in ("homeserver", "people", "releases", "github", "slack", "mail"):
        assert holding(folder / place, *CANARIES) == set(), place
    assert holding(folder / "bot", *CANARIES, without="state") == set()


async def rooms_tell_nothing_to_whoever_looks(folder: Path) -> None:
    """What the homeserver shows each person of the rooms they are in: state, and what was said in the open."""
    synapse = Synapse(folder / "homeserver")
    await synapse.start()
    try:
        rooms = {name: await rooms_of(synapse, name) for name in NAMES}
    finally:
        await synapse.stop()
    everything = [event for shown in rooms.values() for events in shown.values() for event in events]
    assert not [word for word in CANARIES if word in str(everything)]
    names = {event["content"].get("name") for event in everything if event["type"] == "m.room.name"}
    assert any(str(name).startswith("DynaSched DS-") for name in names), (
        "an embargo room is called by the case's number"
    )
    spoken = [event["room_id"] for event in everything if event["type"] == "m.room.message"]
    public = [
        room
        for shown in rooms.values()
        for room, events in shown.items()
        if any(e["type"] == "m.room.join_rules" and e["content"]["join_rule"] == "public" for e in events)
    ]
    assert len(set(public)) == 1
    assert set(spoken) == set(public), "in clear text in the public room only"
    told = [event["content"]["body"] for event in rooms["passer-by"][public[0]] if event["type"] == "m.room.message"]
    announced = next(number for number, body in enumerate(told) if "fixes a vulnerability" in body)
    assert not [body for body in told[:announced] if "DS-" in body or "vulnerab" in body]
    for name in ("suse", "spack"):
        assert len(rooms[name]) == 1, f"{name} was in the chat with the bot only"


# --- looking ---------------------------------------------------------------------------------------------------------


def bot_log(folder: Path) -> str:
    log = folder / "bot" / "output.log"
    return log.read_text() if log.exists() else ""


def holding(folder: Path, *words: str, without: str = "") -> set[str]:
    """Which of the words stand in any file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and without not in path.relative_to(folder).parts]
    assert files
    return {word for word in words for path in files if word.encode() in path.read_bytes()}


async def rooms_of(synapse: Synapse, name: str) -> dict[str, list[Json]]:
    """Everything that somebody's client is shown of each of their rooms, oldest first, as the server holds it."""
    login = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": name},
        "password": password(name),
    }
    async with aiohttp.ClientSession(f"{synapse.url}/_matrix/client/v3/") as http:
        async with http.post("login", json=login) as answer:
            token = (await answer.json())["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"

        async def get(path: str) -> Any:
            async with http.get(path) as answer:
                answer.raise_for_status()
                return await answer.json()

        shown = {}
        for room in (await get("joined_rooms"))["joined_rooms"]:
            where = f"rooms/{quote(room, safe='')}"
            said = (await get(f"{where}/messages?dir=b&limit=500"))["chunk"]
            shown[room] = [*await get(f"{where}/state"), *said[::-1]]
        return shown
