"""A whole short disclosure on PostgreSQL, in rooms that no other homeserver may enter."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from pathlib import Path

import pytest

from adapters.stage.synapse import Synapse
from tests.e2e.kit import house

pytestmark = pytest.mark.asyncio(loop_scope="session")

TITLE, NOTE, ADVISORY = "Overrun velvet-otter", "the fix is copper-lantern", "Any user could become root."
LINE = hashlib.sha256(b"1.0.1").hexdigest() + "  dynasched-1.0.1.tar.gz"


async def test_a_disclosure(synapse: Synapse, tmp_path: Path, postgres: str) -> None:
    apart = {"matrix": {"federate": False}}
    people = ("reporter", "fedora", "passer-by")
    async with house(synapse, tmp_path, *people, database=postgres, more=apart) as place:
        public = await place.public_room("passer-by")
        chat = await place.opens_chat("reporter")
        receipt = await place.asks("reporter", chat, f"report {TITLE}", "has arrived")
        place.case = case = re.findall(r"DS-\d{4}-\w{4}", receipt.text)[0]
        await place.reads("maintainer-2", place.security, TITLE)
        await place.commands(f"triage {case} severity=CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", "high")
        room = place.embargo = await place.door("maintainer", [place.security])
        await place["maintainer"].join(room)
        state = await place.state(place["maintainer"], room)
        assert state["m.room.create", ""]["m.federate"] is False
        await place.commands(f"contacts add fedora roles=packager address=matrix:{place['fedora'].id}", "is on the")
        await place.commands(f"invite {case} fedora", "asked")
        door = await place.takes_chat("fedora")
        question = await place.reads("fedora", door, "will you keep this private")
        await place["fedora"].reaction(question.event, "✅")
        await place["fedora"].react(door, question.event, "✅")
        assert await place.door("fedora") == room
        await place["fedora"].join(room)

        await place.bot.kill()
        told = await place["maintainer"].say(place.security, f"!dynasched tell {case} {NOTE}")
        await place.restart()
        await place.answered("maintainer", place.security, [told])
        await place.reads("fedora", room, NOTE)

        await place.commands(f"private-release {case} 1.0.1\n{LINE}", "with the members")
        await place.reads("fedora", room, LINE)
        card = await place.commands(f"announce {case} {ADVISORY}", "Read it as the public will")
        code = re.findall(r"confirm ([0-9A-Z]{6})", card.text)[0]
        await place.asks("maintainer-2", place.security, f"confirm {code}")
        await place.reads("passer-by", public, ADVISORY)
        await place.reads("fedora", room, "you may publish now")
        await place.quiet()
        assert not any(
            word in seen.text for seen in place["passer-by"].messages(public) for word in (TITLE, NOTE, "velvet-otter")
        )
        assert [state for (state,) in place.rows("SELECT DISTINCT state FROM outbox")] == ["done"]
        assert await place.bot.stop() == 0

        verified = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("chatops")),
            "journal",
            "verify",
            "--config",
            "chatops.toml",
            cwd=place.bot.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await verified.communicate()
        assert (verified.returncode, printed.decode().rpartition(":")[2].strip()) == (0, "good")
