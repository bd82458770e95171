"""What people do in rooms becomes rows, once each and in order."""

from __future__ import annotations

import asyncio
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.matrix.http import Http, Refused, path
from adapters.matrix.incoming import Reader
from adapters.matrix.rooms import Room
from adapters.matrix.session import Unusable
from adapters.matrix.settings import MatrixSettings
from adapters.stage.person import Person
from adapters.stage.seen import Message
from chatops.ports import (
    Dropped,
    Enter,
    Invitation,
    Leave,
    Locked,
    Member,
    Nothing,
    Reacted,
    Received,
    Replaced,
    Said,
    Unreadable,
)
from tests.adapters.matrix.conftest import Bot, room_key, together, whisper
from tests.conftest import People


async def test_an_invitation_is_told_and_entering_it_is_the_cores_decision(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await alice.open_room(direct=True, invite=[bot.id])
    told = await bot.inbox.first(Invitation)
    assert (told.room, told.by, told.direct, told.encrypted) == (room, alice.id, True, True)
    receipt = await bot.do(Enter(), room)
    assert receipt.data == {"others": [alice.id], "encrypted": True}
    assert await bot.inbox.first(Member, lambda event: event.who == alice.id and event.now == "join")


@pytest.mark.parametrize("encrypted", [True, False])
async def test_messages_reactions_threads_and_mentions(bot: Bot, people: People, encrypted: bool) -> None:
    alice = await people("alice")
    room = await together(bot, alice, encrypted=encrypted)
    first = await alice.say(room, "!dynasched show")
    said = await bot.inbox.got(first, Said)
    assert (said.sender, said.room, said.event, said.text) == (alice.id, room, first, "!dynasched show")
    assert (said.thread, said.addressed, said.private) == (None, False, True)

    threaded = await alice.say(room, f"{bot.id}: show", thread=first, mentions=[bot.id])
    said = await bot.inbox.got(threaded, Said)
    assert (said.text, said.thread, said.addressed) == ("show", first, True)

    reaction = await alice.react(room, first, "✅")
    reacted = await bot.inbox.got(reaction, Reacted)
    assert (reacted.sender, reacted.target, reacted.key) == (alice.id, first, "✅")


async def test_notices_edits_and_own_messages_are_no_commands(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    first = await alice.say(room, "one")
    silent = [
        await alice.say(room, "two", kind="m.notice"),
        await alice.say(room, "three", replaces=first),
        await bot.say(room, "four"),
    ]
    last = await alice.say(room, "five")
    await bot.inbox.got(last, Said)
    assert not set(silent) & bot.inbox.rows.keys()


async def test_plain_text_in_an_encrypted_room_is_flagged(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    alice.client.rooms[room].encrypted = False  # as a client that doesn't encrypt, or a server that pretends
    said = await bot.inbox.got(await alice.say(room, "!dynasched accept"), Said)
    assert said.private is False


async def test_memberships_of_others(bot: Bot, people: People) -> None:
    alice, bob = await people("alice"), await people("bob")
    room = await together(bot, alice)
    await alice.invite(room, bob.id)
    await bob.join(room)
    await bot.inbox.first(Member, lambda event: event.who == bob.id and event.now == "join")
    await alice.kick(room, bob.id)
    gone = await bot.inbox.first(Member, lambda event: event.who == bob.id and event.now == "leave")
    assert gone.by == alice.id
    await alice.kick(room, bot.id)
    out = await bot.inbox.first(Member, lambda event: event.who == bot.id)
    assert (out.now, out.by) == ("leave", alice.id)


async def test_a_truncated_timeline_is_read_in_full_each_message_once_in_order(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room, other = await together(bot, alice, encrypted=False), await together(bot, alice)
    await bot.kill()
    await asyncio.gather(*(alice.say(room, f"!dynasched show {number}") for number in range(160)))
    await alice.say(other, "!dynasched status")  # one session for all, made before they race
    await asyncio.gather(*(alice.say(other, f"!dynasched status {number}") for number in range(104)))
    await alice.saw(Message, lambda seen: len(alice.messages(room)) == 160, what="all of the first room")
    await alice.saw(Message, lambda seen: len(alice.messages(other)) == 105, what="all of the second room")
    sent, secret = ([seen.event for seen in alice.messages(place)] for place in (room, other))
    await bot.start()
    await bot.inbox.until(lambda: len(bot.inbox.all(Said)) >= 265, "265 messages")
    keys = [key for key, row in bot.inbox.rows.items() if isinstance(row.event, Said)]
    assert [key for key in keys if bot.inbox.rows[key].conversation == room] == sent
    assert [key for key in keys if bot.inbox.rows[key].conversation == other] == secret
    assert len({said.text for said in bot.inbox.all(Said)}) == 265


async def test_a_first_start_drops_what_was_said_before_and_keeps_invitations(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice, encrypted=False)
    await bot.stop()
    old = await alice.say(room, "long ago")
    later = await alice.open_room(invite=[bot.id])
    bot.inbox.rows.clear()
    bot.inbox.cursors.clear()
    await bot.start()
    new = await alice.say(room, "now")
    await bot.inbox.got(new, Said)
    assert old not in bot.inbox.rows
    assert [event.room for event in bot.inbox.all(Invitation)] == [later]
    assert [event for event in bot.inbox.all(Member) if event.who == alice.id and event.room == room]


async def test_what_was_said_before_the_bot_came_is_not_answered(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await alice.open_room(encrypted=False, invite=[bot.id])
    old = await asyncio.gather(*(alice.say(room, f"before {number}") for number in range(105)))
    await bot.inbox.first(Invitation)
    await bot.do(Enter(), room)
    await bot.inbox.got(await alice.say(room, "after"), Said)
    assert not set(old) & bot.inbox.rows.keys()


async def test_a_failed_admission_loses_nothing(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    bot.inbox.failures = 2
    said = await bot.inbox.got(await alice.say(room, "!dynasched help"), Said)
    assert said.text == "!dynasched help"
    assert bot.inbox.failures == 0


async def test_a_late_key_unlocks_a_message(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    session = alice.client.olm.outbound_group_sessions
    alice.client.olm.create_outbound_group_session(room)
    key = room_key(room, session[room])
    session[room].shared = True  # it is not: the key comes late
    event = await alice.say(room, "!dynasched accept")
    await bot.inbox.got(event, Locked)
    await whisper(alice, bot, "m.room_key", key)
    assert (await bot.inbox.got(event, Said)).text == "!dynasched accept"


async def test_a_locked_event_may_turn_out_to_be_nothing(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    alice.client.olm.create_outbound_group_session(room)
    key = room_key(room, alice.client.olm.outbound_group_sessions[room])
    alice.client.olm.outbound_group_sessions[room].shared = True
    event = await alice.say(room, "a notice", kind="m.notice")
    await bot.inbox.got(event, Locked)
    await whisper(alice, bot, "m.room_key", key)
    await bot.inbox.got(event, Nothing)


async def test_a_message_that_waits_survives_a_restart(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    alice.client.olm.create_outbound_group_session(room)
    key = room_key(room, alice.client.olm.outbound_group_sessions[room])
    alice.client.olm.outbound_group_sessions[room].shared = True
    event = await alice.say(room, "!dynasched accept")
    await bot.inbox.got(event, Locked)
    await bot.kill()
    await whisper(alice, bot, "m.room_key", key)
    await bot.start()
    assert (await bot.inbox.got(event, Said)).text == "!dynasched accept"


async def test_a_message_whose_key_never_comes_is_told_as_unreadable(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    await bot.stop()
    await bot.start(wait_for_keys=timedelta(0))
    alice.client.olm.create_outbound_group_session(room)
    alice.client.olm.outbound_group_sessions[room].shared = True
    event = await alice.say(room, "!dynasched accept")
    gone = await bot.inbox.got(event, Unreadable)
    assert (gone.sender, gone.room, gone.event) == (alice.id, room, event)


@pytest.mark.parametrize("encrypted", [True, False])
async def test_an_archive_is_hashed(bot: Bot, people: People, encrypted: bool) -> None:
    alice = await people("alice")
    room = await together(bot, alice, encrypted=encrypted)
    data = bytes(range(256)) * 20_000
    event = await alice.drop(room, "dynasched-1.0.0.tar.bz2", data)
    dropped = await bot.inbox.got(event, Dropped)
    assert (dropped.sender, dropped.name, dropped.size) == (alice.id, "dynasched-1.0.0.tar.bz2", len(data))
    for name in ("md5", "sha1", "sha256", "sha512"):
        assert dropped.digests[name] == hashlib.new(name, data).hexdigest()
    patch = await alice.drop(room, "0001-Grow.patch", "Subject: größer\n".encode())
    assert (await bot.inbox.got(patch, Dropped)).text == "Subject: größer\n"
    picture = await alice.drop(room, "cat.jpeg", b"cat")
    await bot.inbox.got(await alice.say(room, "after"), Said)
    assert picture not in bot.inbox.rows


async def test_an_archive_that_is_too_large_or_waits_at_a_kill(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    await bot.stop()
    await bot.start(largest_archive=1000)
    assert await bot.inbox.got(await alice.drop(room, "large.zip", bytes(2000)), Unreadable)
    # Killed between admission and the end of hashing: the row is still locked, and a new process takes it up.
    event = await alice.drop(room, "small.zip", bytes(900))
    await bot.inbox.got(event, Dropped)
    row = bot.inbox.rows[event]
    await bot.kill()
    raw = await alice.client.room_get_event(room, event)
    source = raw.transport_response and json.loads(await raw.transport_response.text())
    locked = Locked(sender=alice.id, room=room, event=event, raw={"event": source})
    bot.inbox.rows[event] = row.model_copy(update={"event": locked})
    await bot.start()
    assert (await bot.inbox.got(event, Dropped)).size == 900


async def upgrade(person: Person, room: str) -> str:
    """Replace a room by one of another version, as clients offer to; the successor's id."""
    http = Http(person.client.homeserver)
    http.open()
    http.token = person.client.access_token
    try:
        answer = await http.call("POST", path("rooms", room, "upgrade"), {"new_version": "12"})
    finally:
        await http.close()
    return str(answer["replacement_room"])


@pytest.mark.parametrize("running", [True, False])
async def test_a_room_that_is_replaced(bot: Bot, people: People, running: bool) -> None:
    alice = await people("alice")
    room = await together(bot, alice, encrypted=False)
    if not running:
        await bot.stop()
    await alice.client.room_put_state(room, "m.room.join_rules", {"join_rule": "public"})
    successor = await upgrade(alice, room)
    if not running:
        await bot.start()
    told = await bot.inbox.first(Replaced)
    assert (told.room, told.by, told.successor) == (room, alice.id, successor)
    await bot.do(Enter(), successor)
    await bot.do(Leave(), room)
    assert await bot.inbox.got(await alice.say(successor, "here?"), Said)
    assert len(bot.inbox.all(Replaced)) == 1


async def test_who_has_no_power_replaces_nothing(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await bot.open("embargo", (alice.id,))
    await alice.invited(bot.id)
    await alice.join(room)
    with pytest.raises(Refused) as problem:
        await upgrade(alice, room)
    assert problem.value.code == "M_FORBIDDEN"
    await alice.send(room, "m.room.tombstone", {"body": "", "replacement_room": "!mine:localhost"})
    assert await bot.inbox.got(await alice.say(room, "done"), Said)
    assert not bot.inbox.all(Replaced)


async def test_a_device_that_was_logged_out_comes_back_as_itself(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room, secret = await together(bot, alice, encrypted=False), await bot.open("embargo", (alice.id,))
    await alice.invited(bot.id)
    await alice.join(secret)
    device, key = bot.service.device_id, bot.service.fingerprint
    await bot.service._http.call("POST", path("logout"), {})
    assert await bot.inbox.got(await alice.say(room, "hello?"), Said)
    assert (bot.service.device_id, bot.service.fingerprint) == (device, key)
    assert (await alice.read(await bot.say(secret, "here"))).decrypted


async def test_a_token_without_a_password(bot: Bot) -> None:
    token = bot.service._http.token
    await bot.stop()
    (bot.settings.store / "session.json").unlink()
    device = bot.service.device_id
    await bot.start(password=None, access_token=token)
    assert bot.service.device_id == device
    await bot.stop()
    with pytest.raises(Unusable):
        await bot.start(access_token="gone", user_id="@other:localhost")
    (bot.settings.store / "session.json").unlink()
    with pytest.raises(Unusable):
        await bot.start(user_id=bot.id)


class TestReader:
    """Text and malformed events, without a server."""

    def reader(self, tmp_path: Any) -> Reader:
        settings = MatrixSettings(homeserver="", user_id="@bot:here", store=tmp_path)
        reader = Reader(settings, None, None)  # type: ignore[arg-type]
        reader.display_name = "DynaSched"
        return reader

    def read(self, tmp_path: Any, content: Any, **more: Any) -> Any:
        raw = {
            "type": "m.room.message",
            "event_id": "$e",
            "sender": "@a:here",
            "origin_server_ts": 1,
            "content": content,
            **more,
        }
        return self.reader(tmp_path).read(Room("!r:here"), raw)

    @pytest.mark.parametrize(
        ("body", "text", "addressed"),
        [
            ("DynaSched: help me", "help me", True),
            ("dynasched help", "help", True),
            ("@bot:here: help", "help", True),
            ("[DynaSched](https://matrix.to/#/@bot:here) help", "help", True),
            ("dynaschedule is nice", "dynaschedule is nice", False),
            ("I like DynaSched", "I like DynaSched", False),
        ],
    )
    def test_mentions(self, tmp_path: Any, body: str, text: str, addressed: bool) -> None:
        row = self.read(tmp_path, {"msgtype": "m.text", "body": body})
        assert (row.event.text, row.event.addressed) == (text, addressed)

    def test_reply_fallback(self, tmp_path: Any) -> None:
        body = "> <@b:here> old words\n> more\n\nnew words\n> kept"
        content = {"msgtype": "m.text", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": "$x"}}}
        assert self.read(tmp_path, content).event.text == "new words\n> kept"
        assert self.read(tmp_path, {"msgtype": "m.text", "body": body}).event.text == body

    def test_text_that_databases_refuse(self, tmp_path: Any) -> None:
        row = self.read(tmp_path, {"msgtype": "m.text", "body": "a\ud800b\0c"})
        assert row.event.text == "a?b\ufffdc"

    @pytest.mark.parametrize(
        "content",
        [None, [], "x", 1, {"msgtype": "m.text"}, {"msgtype": []}, {"msgtype": "m.file", "body": "a.zip", "file": 1}],
    )
    def test_malformed_content_is_dropped(self, tmp_path: Any, content: Any) -> None:
        assert self.read(tmp_path, content) is None

    @pytest.mark.parametrize("stamp", [None, "x", -(10**30), 10**30, True])
    def test_malformed_times(self, tmp_path: Any, stamp: Any) -> None:
        row = self.read(tmp_path, {"msgtype": "m.text", "body": "x"}, origin_server_ts=stamp)
        assert isinstance(row, Received)
        assert row.at.tzinfo is not None
