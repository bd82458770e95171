"""``kill -9`` at named points. A proxy keeps a request from the homeserver (attempted, not done) or its answer from the
bot (done, never acknowledged); the database's write lock, or a SIGSTOP, keeps the bot between two of its own steps.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from adapters.stage.archives import archive
from adapters.stage.seen import Message
from adapters.stage.synapse import Synapse
from tests.e2e.kit import WITHIN, House, burst, house, until, verify
from tests.e2e.proxy import Proxy, Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

GUESTS = ("debian", "fedora", "passer-by")
SEED = 4


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A bot behind a proxy, a case under embargo with debian as a member, a public room, direct chats."""
    folder = tmp_path_factory.mktemp("kill")
    archive(folder / "private", "1.0.1", "Job names are no longer cut without looking.")
    releases = {"releases": {"staging": folder / "private"}}
    async with house(synapse, folder, *GUESTS, proxied=True, more=releases) as made:
        for name in ("debian", "fedora"):
            words = f"contacts add {name} roles=packager address=matrix:{made[name].id} standing=yes"
            await made.commands(words, f"{name} is on the")
            await made.takes_chat(name)
        await made.opens_case("Job names overrun the queue")
        await made.commands(f"invite {made.case} debian fedora", "told in full")
        for name in ("debian", "fedora"):
            await made.door(name)
            await made[name].join(made.embargo)
        made.public = await made.public_room("passer-by")
        levels = (await made.state(made["maintainer"], made.public))["m.room.power_levels", ""]
        levels["users"][made.bot_id] = 50
        path = f"rooms/{quote(made.public)}/state/m.room.power_levels/"
        await made.api(made["maintainer"], "PUT", path, levels)
        await made.quiet()
        yield made


def proxy(place: House) -> Proxy:
    assert place.proxy is not None
    return place.proxy


async def killed_and_back(place: House) -> None:
    await place.bot.kill()
    await place.restart()


STAGES = pytest.mark.parametrize("stage", ["request", "answer"])


@STAGES
async def test_messages_keys_and_buttons(place: House, stage: Stage) -> None:
    """A notice in a plain room, one in an encrypted chat, and the reaction under a card that can be pressed."""
    gate, debian = proxy(place), place["debian"]
    chat = place.direct["debian"]
    traps = [
        gate.trap(rf"PUT .*/rooms/{place.public}/send/m\.room\.message/", stage),
        gate.trap(rf"PUT .*/rooms/{chat}/send/m\.room\.encrypted/", stage),
        gate.trap(r"PUT .*/send/m\.reaction/", stage),
    ]
    public = await place["passer-by"].say(place.public, verify(1))
    private = await debian.say(chat, verify(2))
    card = await place["maintainer"].say(place.security, "!dynasched triage Something else")
    for trap in traps:
        await trap.caught_within(WITHIN)
    assert place.outbox()["attempted"] >= len(traps)
    await killed_and_back(place)
    await place.answered("passer-by", place.public, [public])
    await place.answered("debian", chat, [private])
    await place.answered("maintainer", place.security, [card])
    shown = await place["maintainer"].answer(card)
    pressed = [
        event["content"]["m.relates_to"]["key"]
        for event in await place.timeline(place["maintainer"], place.security)
        if event["type"] == "m.reaction" and event["content"]["m.relates_to"]["event_id"] == shown.event
    ]
    assert pressed == ["📣"]


@STAGES
async def test_the_key_of_an_encrypted_room(place: House, stage: Stage) -> None:
    """Killed when the key is on its way, or there while the message is not: then everybody can read the message."""
    trap = proxy(place).trap(r"PUT .*/sendToDevice/", stage)
    await killed_and_back(place)  # a new process makes new keys
    asked = await place["debian"].say(place.direct["debian"], verify(3))
    await trap.caught_within(WITHIN)
    await killed_and_back(place)
    await place.answered("debian", place.direct["debian"], [asked])
    assert place["debian"].locked == 0


@STAGES
async def test_rooms_and_people(place: House, stage: Stage) -> None:
    """A chat is opened, a coordinator asked into the security room, a member put out, an invitation taken, a message
    taken back: each is done once.
    """
    gate, public, maintainer = proxy(place), place.public, place["maintainer"]
    newcomer, third, member = f"suse-{stage}", f"maintainer-{stage}", {"request": "debian", "answer": "fedora"}[stage]
    await place.arrive(newcomer, third)
    before = set((await place.api(place.bot_token, "GET", "joined_rooms"))["joined_rooms"])
    other = await maintainer.open_room("other", encrypted=False, public=True)
    traps = [
        gate.trap(r"POST .*/createRoom$", stage),
        gate.trap(rf"POST .*/rooms/{place.security}/invite$", stage),
        gate.trap(rf"POST .*/rooms/{place.embargo}/kick$", stage),
        gate.trap(rf"POST .*/join/{other}$", stage),
        gate.trap(rf"PUT .*/rooms/{public}/redact/", stage),
    ]
    said = [
        await maintainer.say(place.security, f"!dynasched {words}")
        for words in (
            f"contacts add {newcomer} address=matrix:{place[newcomer].id} standing=yes",
            f"contacts add {third} roles=coordinator address=matrix:{place[third].id}",
            f"remove {place.case} {member}",
        )
    ]
    await maintainer.invite(other, place.bot_id)
    typed = await maintainer.say(public, "!dynasched triage a subject")
    for trap in traps:
        await trap.caught_within(WITHIN)
    await killed_and_back(place)

    await place.answered("maintainer", place.security, said)
    chat = await place.takes_chat(newcomer)
    await place.reads(newcomer, chat, "standing terms")
    await maintainer.joined(other, place.bot_id, WITHIN)
    await place.quiet()
    after = set((await place.api(place.bot_token, "GET", "joined_rooms"))["joined_rooms"])
    # The chat, the other room, and the new coordinator's own chat if they were told something in one.
    made = after - before - {other}
    guests = [
        sorted({key for (kind, key) in await place.state(place.bot_token, room) if kind == "m.room.member"})
        for room in made
    ]
    assert len(guests) == len({tuple(users) for users in guests}), "no room was made twice"
    assert sorted([place[newcomer].id, place.bot_id]) in guests

    async def changes(room: str, who: str, now: str) -> int:
        return sum(
            event["type"] == "m.room.member"
            and event["state_key"] == who
            and event["sender"] == place.bot_id
            and event["content"]["membership"] == now
            for event in await place.timeline(maintainer, room)
        )

    assert await changes(place.security, place[third].id, "invite") == 1
    assert await changes(place.embargo, place[member].id, "leave") == 1
    assert await changes(other, place.bot_id, "join") == 1
    redactions = [
        event
        for event in await place.timeline(maintainer, public)
        if event["type"] == "m.room.redaction" and event["content"].get("redacts", event.get("redacts")) == typed
    ]
    assert len(redactions) == 1
    assert place.outbox()["dead"] == 0


@STAGES
async def test_a_file(place: House, stage: Stage) -> None:
    """Archives go out once, whether the kill came at the upload or at the message that shows the file."""
    version = {"request": "1.0.1", "answer": "1.0.2"}[stage]
    if stage == "answer":
        archive(place.folder / "private", version, "And again.")
    traps = [
        proxy(place).trap(r"POST .*/media/v3/upload", stage),
    ]
    await place.commands(f"private-release {place.case} {version}", "hashing")
    for trap in traps:
        await trap.caught_within(WITHIN)
    await killed_and_back(place)
    await place["maintainer"].saw(
        Message,
        lambda seen: seen.room == place.embargo and seen.is_file and version in seen.body,
        what="the archive",
        within=WITHIN,
    )
    await place.quiet()
    files = [seen.body for seen in place["maintainer"].messages(place.embargo) if seen.is_file]
    assert Counter(files)[f"dynasched-{version}.tar.gz"] == 1


# --- inside the bot ---


async def test_between_the_keys_and_the_inbox(place: House) -> None:
    """The crypto store has taken a room key; the inbox and the sync token were not written."""
    await place.arrive("reporter")
    reporter = place["reporter"]
    chat = await place.opens_chat("reporter")
    await place.answered("reporter", chat, [await reporter.say(chat, verify(4))])
    reporter.client.invalidate_outbound_session(chat)  # what is said next comes with a new key

    def keys() -> int:
        file = place.bot.folder / "state" / "matrix" / "crypto.db"
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM megolm").fetchone()[0])

    before, admitted = keys(), place.rows("SELECT COUNT(*) FROM inbox")
    with place.database_locked():
        asked = await reporter.say(chat, verify(5))
        await until(lambda: keys() > before, "the key is stored", within=9)
        await place.bot.kill()
    assert place.rows("SELECT COUNT(*) FROM inbox") == admitted
    await place.restart()
    await place.answered("reporter", chat, [asked])


async def test_between_inbox_and_decision(place: House) -> None:
    """The token is committed, and what came with it waits to be decided, when the bot dies."""
    os.kill(place.bot.pid, signal.SIGSTOP)
    asked = await burst(place, place.public, ["passer-by", "maintainer"], 70, first=100)
    os.kill(place.bot.pid, signal.SIGCONT)
    await until(lambda: place.inbox()["waiting"], "something waits in the inbox")
    os.kill(place.bot.pid, signal.SIGSTOP)
    waiting = place.inbox()["waiting"]
    await place.bot.kill()
    assert waiting > 0
    await place.restart()
    await place.answered("maintainer", place.public, asked)


async def test_at_any_time(place: House) -> None:
    """Wherever it lies: some rounds with kills at random moments after the first command arrived."""
    chance = random.Random(SEED)
    asked: list[str] = []
    for number in range(3):
        asked += await burst(place, place.public, ["passer-by", "maintainer"], 6, first=200 + 10 * number)
        await asyncio.sleep(chance.uniform(0, 0.3))
        await killed_and_back(place)
    await place.answered("maintainer", place.public, asked)
    assert [line for line in place.complaints() if "Traceback" in line] == []
