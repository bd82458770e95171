"""The stage itself: what other tests take for granted about server, people and databases."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy

from adapters.stage.person import Person
from adapters.stage.seen import Membership, NotSeen
from adapters.stage.synapse import DidNotStart, Synapse
from tests.conftest import People


async def _direct(host: Person, guest: Person) -> str:
    """A two-person chat in which both are."""

    async def accept() -> None:
        invitation = await guest.invited(by=host.id)
        assert invitation.direct
        await guest.join(invitation.room)

    room, _ = await asyncio.gather(host.direct(guest.id), accept())
    return room


async def test_two_persons_talk_encrypted(people: People) -> None:
    alice, bob = await asyncio.gather(people("alice"), people("bob"))
    room = await _direct(alice, bob)

    question = await alice.say(room, "is anybody there?", html="is <b>anybody</b> there?")
    heard = await bob.read(question)
    assert (heard.body, heard.formatted, heard.decrypted) == ("is anybody there?", "is <b>anybody</b> there?", True)

    answer = await bob.say(room, "yes", reply_to=question, mentions=[alice.id])
    assert (await alice.answer(question)).event == answer
    await alice.react(room, answer, "👍")
    assert (await bob.reaction(answer, "👍")).sender == alice.id

    await bob.say(room, "yes, I am", replaces=answer)
    edit = await alice.memory.first(type(heard), lambda seen: seen.replaces == answer, within=10, what="the edit")
    assert edit.body == "yes, I am"
    assert [seen.body for seen in alice.answers(room, question)] == ["yes", "yes, I am"]


async def test_the_server_holds_no_text(people: People, synapse: Synapse) -> None:
    alice, bob = await asyncio.gather(people("alice"), people("bob"))
    room = await _direct(alice, bob)
    event = await alice.say(room, "only for bob")
    await bob.read(event)

    raw = await _raw_event(synapse, alice, room, event)
    assert raw["type"] == "m.room.encrypted"
    assert "only for bob" not in str(raw)


async def test_a_file_is_encrypted_on_the_server_and_arrives_whole(people: People) -> None:
    alice, bob = await asyncio.gather(people("alice"), people("bob"))
    room = await _direct(alice, bob)
    data = os.urandom(300_000)
    dropped = await bob.read(await alice.drop(room, "dynasched-1.0.0.tar.bz2", data))
    assert dropped.is_file
    assert "url" not in dropped.content  # an unencrypted file would have one
    assert await bob.fetch(dropped) == data


async def test_a_plain_room_is_plain(people: People) -> None:
    alice, bob = await asyncio.gather(people("alice"), people("bob"))
    room = await alice.open_room("square", encrypted=False, public=True)
    await bob.join(room)
    heard = await alice.read(await bob.say(room, "hello"))
    assert not heard.decrypted
    dropped = await alice.read(await bob.drop(room, "a.txt", b"text", "text/plain"))
    assert await alice.fetch(dropped) == b"text"


async def test_who_is_put_out_sees_it(people: People) -> None:
    alice, bob = await asyncio.gather(people("alice"), people("bob"))
    room = await alice.open_room(invite=[bob.id])
    await bob.join((await bob.invited(by=alice.id)).room)
    await alice.joined(room, bob.id)
    await alice.kick(room, bob.id)
    seen = await bob.saw(
        Membership, lambda seen: seen.who == bob.id and seen.now == "leave", what="being put out", within=10
    )
    assert seen.by == alice.id


async def test_a_limited_timeline_is_read_completely(people: People) -> None:
    # Synapse gives 10 events of a room in a sync when it has more. Bob is away while 120 come.
    alice, bob = await asyncio.gather(people("alice"), people("bob"))
    room = await _direct(alice, bob)
    await bob.deafen()
    said = await asyncio.gather(*(alice.say(room, f"{number}") for number in range(120)))
    bob.listen()
    last = await alice.say(room, "that was all")
    await bob.read(last)
    await bob.memory.until(lambda: len(bob.messages(room)) == 121, within=20, what="all 121 messages")

    assert {seen.event for seen in bob.messages(room)} == {*said, last}
    assert all(seen.decrypted for seen in bob.messages(room))
    assert bob.locked == 0


async def test_what_does_not_come_is_named_without_text(people: People) -> None:
    alice = await people("alice")
    room = await alice.open_room()
    await alice.read(await alice.say(room, "a secret"))
    with pytest.raises(NotSeen, match=r"did not see an answer to \$nothing in 0\.2 s; saw .*1 message") as problem:
        await alice.answer("$nothing", within=0.2)
    assert "secret" not in str(problem.value)


async def test_a_restart_keeps_accounts_rooms_and_url(tmp_path: Path) -> None:
    synapse = Synapse(tmp_path / "synapse")
    await synapse.start()
    alice = await Person.arrive(synapse, "alice", tmp_path / "alice")
    try:
        room = await alice.open_room()
        before, url, pid = await alice.say(room, "before"), synapse.url, synapse.pid
        await synapse.stop()
        again = Synapse(tmp_path / "synapse")
        await again.start()
        synapse = again
        assert (synapse.url, synapse.pid == pid) == (url, False)
        await alice.read(await alice.say(room, "after"))
        assert (await _raw_event(synapse, alice, room, before))["sender"] == alice.id
        with pytest.raises(RuntimeError, match="M_USER_IN_USE"):
            await synapse.register("alice", "other")
    finally:
        await alice.close()
        await synapse.stop()


async def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    synapse = Synapse(tmp_path)
    await synapse.start()
    await synapse.stop()
    (tmp_path / "homeserver.db").write_text("this is no database")
    with pytest.raises(DidNotStart, match=r"(?s)exit status 1.*not a database"):
        await synapse.start()


async def test_the_server_ends_with_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import asyncio, pathlib, sys, time\n"
        "from adapters.stage.synapse import Synapse\n"
        "server = Synapse(pathlib.Path(sys.argv[1]))\n"
        "asyncio.run(server.start())\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        pid = int(await asyncio.to_thread(parent.stdout.readline))
    handle = os.pidfd_open(pid)
    try:
        parent.send_signal(signal.SIGKILL)
        await asyncio.to_thread(parent.wait)
        ended = asyncio.Event()  # a process's handle becomes readable when the process is gone
        asyncio.get_running_loop().add_reader(handle, ended.set)
        await asyncio.wait_for(ended.wait(), 10)
    finally:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)


def test_postgres_is_real_and_each_test_has_its_own_database(postgres: str) -> None:
    engine = sqlalchemy.create_engine(postgres)
    with engine.begin() as connection:
        version = str(connection.scalar(sqlalchemy.text("SELECT version()")))
        tables = connection.scalar(
            sqlalchemy.text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        )
        connection.execute(sqlalchemy.text("CREATE TABLE left_behind (id int)"))
    engine.dispose()
    assert version.startswith("PostgreSQL 1")
    assert tables == 0


def test_every_database_is_empty_and_works(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE left_behind (id int)"))
        assert connection.scalar(sqlalchemy.text("SELECT count(*) FROM left_behind")) == 0
    engine.dispose()


async def _raw_event(synapse: Synapse, person: Person, room: str, event: str) -> dict[str, object]:
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bearer {person.client.access_token}"}) as http,
        http.get(f"{synapse.url}/_matrix/client/v3/rooms/{room}/event/{event}") as response,
    ):
        answer: dict[str, object] = await response.json()
        return answer
