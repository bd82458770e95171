"""Each trap of the field notes, provoked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import stat
from typing import Any

import pytest
import unpaddedbase64
from nio.crypto import OutboundGroupSession, OutboundSession

from adapters.matrix.guards import Distrusted, Machine, tidy
from adapters.matrix.http import Http
from adapters.matrix.store import CryptoStore
from adapters.stage.person import Person
from chatops.ports import Member, Said, TryLater, Unreadable
from tests.adapters.matrix.conftest import Bot, room_key, to_device, together, whisper
from tests.adapters.matrix.test_outgoing import invited_into
from tests.conftest import People


async def still_listens(bot: Bot, alice: Person, room: str) -> None:
    """The bot decrypts what comes next."""
    said = await bot.inbox.got(await alice.say(room, "still there?"), Said)
    assert said.text == "still there?"


# --- trap 1: remote kill -------------------------------------------------------------------------------------------


async def test_malformed_olm_messages_of_a_stranger_do_not_stop_the_sync(bot: Bot, people: People) -> None:
    alice, mallory = await people("alice"), await people("mallory")
    room = await together(bot, alice)
    curve = bot.service._machine.account.identity_keys["curve25519"]
    theirs = mallory.client.olm.account.identity_keys["curve25519"]
    # A well-formed pre-key message for a one-time key that the bot never had.
    other = Machine("@x:y", "D", CryptoStore(bot.settings.store / "other.db", "k"))
    session = mallory.client.olm.account.create_outbound_session(curve, other.account.identity_keys["curve25519"])
    unknown = session.encrypt(b"{}").to_parts()
    other.store.close()

    prekey = {"type": 0, "body": unpaddedbase64.encode_base64(unknown[1])}
    bodies: list[Any] = [
        {"type": 0, "body": "%%% not base64"},
        {"type": 0},
        {"type": 1, "body": "AAAA"},
        {"type": 1, "body": ""},
        {"type": [], "body": {}},
        prekey,
        None,
        "text",
    ]
    olm = "m.olm.v1.curve25519-aes-sha2"
    for body in bodies:
        await to_device(mallory, bot, {"algorithm": olm, "sender_key": theirs, "ciphertext": {curve: body}})
    for content in ({}, {"algorithm": olm}, {"algorithm": olm, "ciphertext": [], "sender_key": 1}):
        await to_device(mallory, bot, content)
    await to_device(mallory, bot, {"x": 1}, "m.room_key")
    for key in ("", "AAAA", "%%%"):
        await whisper(mallory, bot, "m.room_key", {**_key(room), "session_key": key})
    await whisper(mallory, bot, "m.room_key", {})
    await whisper(mallory, bot, "m.forwarded_room_key", {"algorithm": []})
    await still_listens(bot, alice, room)
    await bot.kill()
    await bot.start()
    await still_listens(bot, alice, room)


_WRONG: list[dict[str, Any]] = [
    {},
    {"algorithm": []},
    {"algorithm": "m.megolm.v1.aes-sha2", "session_id": {}},
]


async def test_malformed_megolm_events_of_a_member_do_not_stop_the_sync(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    await still_listens(bot, alice, room)
    session = alice.client.olm.outbound_group_sessions[room]
    await alice.deafen()  # nio's own client would not survive what follows
    deep = '{"a":' * 3000 + "1" + "}" * 3000
    for plaintext in ("[]", "null", "7", "not json", "{}", '{"content": []}', deep, '{"content":{"body":"\\ud800"}}'):
        await _send(alice, room, _sealed(alice, session, plaintext))
    for content in _WRONG:
        await _send(alice, room, content)
    surrogate = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": "a\ud800\0"}}
    event = await _send(alice, room, _sealed(alice, session, json.dumps(surrogate)))
    assert (await bot.inbox.got(event, Said)).text == "a?\ufffd"
    await still_listens(bot, alice, room)


# --- trap 2: forged state ------------------------------------------------------------------------------------------


async def test_encrypted_state_is_refused_and_changes_nothing(bot: Bot, people: People) -> None:
    mallory = await people("mallory")
    room = await invited_into(bot, mallory)
    await still_listens(bot, mallory, room)
    session = mallory.client.olm.outbound_group_sessions[room]
    await mallory.deafen()  # nio's own client would believe what follows
    before = await bot.state(room)
    forged: list[tuple[str, str | None, dict[str, Any]]] = [
        ("m.room.power_levels", "", {"users": {mallory.id: 100}}),
        ("m.room.member", bot.id, {"membership": "leave"}),
        ("m.room.member", "@ghost:localhost", {"membership": "join"}),
        ("m.room.name", "", {"name": "public"}),
        ("m.room.power_levels", None, {"users": {mallory.id: 100}}),
        ("m.room.encryption", None, {}),
    ]
    events = []
    for kind, key, content in forged:
        payload = {"type": kind, "room_id": room, "content": content, "sender": mallory.id}
        if key is not None:
            payload["state_key"] = key
        events.append(await _send(mallory, room, _sealed(mallory, session, json.dumps(payload))))
    payload = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": "x"}}
    payload["state_key"] = ""
    events.append(await _send(mallory, room, _sealed(mallory, session, json.dumps(payload))))
    await still_listens(bot, mallory, room)
    assert not set(events) & bot.inbox.rows.keys()
    known = bot.service._rooms.known(room)
    assert known is not None
    assert known.joined() == {bot.id, mallory.id}
    assert known.power_of(mallory.id) == 0
    assert await bot.state(room) == before
    assert not [event for event in bot.inbox.all(Member) if event.who == "@ghost:localhost"]


async def test_a_payload_for_another_room_is_refused(bot: Bot, people: People) -> None:
    mallory = await people("mallory")
    room, other = await together(bot, mallory), await together(bot, mallory)
    await still_listens(bot, mallory, room)
    session = mallory.client.olm.outbound_group_sessions[room]
    payload = {"type": "m.room.message", "room_id": other, "content": {"msgtype": "m.text", "body": "!dynasched x"}}
    event = await _send(mallory, room, _sealed(mallory, session, json.dumps(payload)))
    await still_listens(bot, mallory, room)
    assert event not in bot.inbox.rows


async def test_a_message_in_somebody_elses_session_is_not_theirs(bot: Bot, people: People) -> None:
    alice, mallory = await people("alice"), await people("mallory")
    room = await together(bot, alice)
    await alice.invite(room, mallory.id)
    await mallory.join(room)
    await alice.joined(room, mallory.id)
    await bot.inbox.first(Member, lambda event: event.who == mallory.id and event.now == "join")
    await still_listens(bot, alice, room)
    # Mallory sends a ciphertext that Alice made, as if it were Mallory's own.
    session = alice.client.olm.outbound_group_sessions[room]
    payload = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": "confirm 1234"}}
    event = await _send(mallory, room, _sealed(alice, session, json.dumps(payload)))
    assert await bot.inbox.got(event, Unreadable)
    # Nor does handing the bot Alice's key as one's own replace Alice's, or make the ciphertext Mallory's.
    await whisper(mallory, bot, "m.room_key", room_key(room, session))
    await still_listens(bot, alice, room)
    await bot.kill()
    await bot.start()
    await still_listens(bot, alice, room)


async def test_a_replayed_ciphertext_is_refused_also_after_a_restart(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    await still_listens(bot, alice, room)
    session = alice.client.olm.outbound_group_sessions[room]
    payload = {"type": "m.room.message", "room_id": room, "content": {"msgtype": "m.text", "body": "confirm 1234"}}
    sealed = _sealed(alice, session, json.dumps(payload))
    await bot.inbox.got(await _send(alice, room, sealed), Said)
    replayed = [await _send(alice, room, sealed)]
    await still_listens(bot, alice, room)
    await bot.kill()
    await bot.start()
    replayed.append(await _send(alice, room, sealed))
    await still_listens(bot, alice, room)
    assert not set(replayed) & bot.inbox.rows.keys()


def test_payloads_are_tidied_to_a_depth() -> None:
    nested: Any = "x"
    for _ in range(100):
        nested = [nested]
    with pytest.raises(Distrusted):
        tidy(nested)
    assert tidy({"a\0": ["\ud800", 1, None, True]}) == {"a\ufffd": ["?", 1, None, True]}


# --- traps 3, 4, 5: keys that don't arrive -------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["sendToDevice", "keys/claim", "keys/query"])
async def test_a_failed_share_is_done_again_before_anything_is_sent(
    bot: Bot, people: People, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    alice = await people("alice")
    room = await invited_into(bot, alice)
    bot.service._devices.changed([alice.id])
    request = Http._request
    failed: list[str] = []

    def unwell(self: Http, method: str, where: str, *more: Any) -> Any:
        if step in where and "upload" not in where and len(failed) < 2:
            failed.append(where)
            return request(self, method, "/_matrix/client/v3/nowhere", *more)
        return request(self, method, where, *more)

    monkeypatch.setattr(Http, "_request", unwell)
    answer = Http._answer

    async def refused(self: Http, response: Any) -> Any:
        if "nowhere" in str(response.url):
            raise TryLater("502")
        return await answer(self, response)

    monkeypatch.setattr(Http, "_answer", refused)
    event = None
    async with asyncio.timeout(20):
        while event is None:
            with contextlib.suppress(TryLater):
                event = await bot.say(room, "can you read this?")
    assert failed
    assert (await alice.read(event)).decrypted
    assert (await alice.read(await bot.say(room, "and this?"))).decrypted


async def test_a_broken_key_of_one_device_leaves_no_hanging_room(
    bot: Bot, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bob = await people("alice"), await people("bob")
    room = await bot.open("embargo", (alice.id, bob.id))
    for person in (alice, bob):
        await person.invited(bot.id)
        await person.join(room)
    create = Machine.create_session

    def broken(self: Machine, key: str, curve: str) -> Any:
        if curve == bob.client.olm.account.identity_keys["curve25519"]:
            raise ValueError("vodozemac's words")
        return create(self, key, curve)

    monkeypatch.setattr(Machine, "create_session", broken)
    assert (await alice.read(await bot.say(room, "one"))).decrypted
    monkeypatch.setattr(Machine, "create_session", create)
    bot.service._devices._not_before.clear()
    assert (await bob.read(await bot.say(room, "two"))).decrypted


async def test_a_message_right_after_a_join_is_readable_and_earlier_ones_are_not(bot: Bot, people: People) -> None:
    alice, bob = await people("alice"), await people("bob")
    room = await bot.open("embargo", (alice.id, bob.id))
    await alice.invited(bot.id)
    await alice.join(room)
    before = await bot.say(room, "before")
    await alice.read(before)
    await bob.invited(bot.id)
    await bob.client.join(room)
    after = await bot.say(room, "after")  # the bot may not have heard of the join yet
    assert (await bob.read(after)).decrypted
    assert before not in [seen.event for seen in bob.messages(room)]


async def test_who_left_can_not_read_on(bot: Bot, people: People) -> None:
    alice, bob = await people("alice"), await people("bob")
    room = await bot.open("embargo", (alice.id, bob.id))
    for person in (alice, bob):
        await person.invited(bot.id)
        await person.join(room)
    await bob.read(await bot.say(room, "one"))
    first = bot.service._machine.outbound_group_sessions[room].id
    await bob.leave(room)
    await bot.say(room, "two")
    outbound = bot.service._outgoing._sharing._outbound[room]  # type: ignore[union-attr]
    assert outbound.session.id != first
    assert {user for user, _, _ in outbound.has} == {alice.id}


async def test_a_device_whose_keys_changed_is_blocked(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await invited_into(bot, alice)
    await alice.read(await bot.say(room, "one"))
    devices = bot.service._devices
    account = Machine(alice.id, alice.client.device_id, CryptoStore(bot.settings.store / "posing.db", "k"))
    posing = _device_keys(account)
    account.store.close()
    with bot.service._machine.store.atomic():
        devices._learn(alice.id, {alice.client.device_id: posing})
    with pytest.raises(TryLater, match="nobody-can-read-it"):  # not said into the void
        await bot.say(room, "two")
    await bot.kill()
    await bot.start()  # and it stays so
    with pytest.raises(TryLater, match="nobody-can-read-it"):
        await bot.say(room, "three")
    outbound = bot.service._outgoing._sharing._outbound[room]  # type: ignore[union-attr]
    assert outbound.has == set()


async def test_every_one_time_key_that_the_server_hands_out_is_one_that_the_bot_has(
    bot: Bot, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = await people("alice")
    call = Http.call

    async def lost(self: Http, method: str, where: str, *more: Any, **named: Any) -> Any:
        answer = await call(self, method, where, *more, **named)
        if where.endswith("keys/upload"):
            raise TryLater("timeout")  # the server has them, and the bot is killed before it knows
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Http, "call", lost)
        with pytest.raises(TryLater):
            await bot.service._devices.publish(0, fallback=False)
        await bot.kill()
    # Alice takes every key there is, and sends something in a session made with it.
    curve = bot.service._machine.account.identity_keys["curve25519"]
    sent = []
    while (key := await _claim(alice, bot)) is not None:
        outbound = OutboundGroupSession()
        sent.append(outbound.id)
        session = OutboundSession(alice.client.olm.account, curve, key)
        alice.client.olm.session_store[curve].insert(0, session)
        await whisper(alice, bot, "m.room_key", room_key("!r:localhost", outbound))
    assert len(sent) >= 90
    await bot.start()
    held = bot.service._machine.inbound_group_store["!r:localhost"]
    await bot.inbox.until(
        lambda: set(sent) <= {name for sessions in held.values() for name in sessions}, "a key for each session"
    )


async def test_what_one_sync_said_about_keys_is_acted_on_once(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads: list[str] = []
    call = Http.call

    async def counted(self: Http, method: str, where: str, *more: Any, **named: Any) -> Any:
        if where.endswith("keys/upload"):
            uploads.append(where)
        return await call(self, method, where, *more, **named)

    monkeypatch.setattr(Http, "call", counted)
    bot.service._loop.one_time_keys, bot.service._loop.fallback_used = 3, True
    for _ in range(3):
        await bot.service._publish()
    assert len(uploads) == 1


async def test_a_wedged_session_is_replaced(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await together(bot, alice)
    await alice.read(await bot.say(room, "hello"))
    machine = bot.service._machine
    (device,) = machine.device_store[alice.id].values()
    before = len(machine.session_store[device.curve25519])
    machine.wedged_devices.append(device)
    await bot.service._devices.unwedge()
    assert len(machine.session_store[device.curve25519]) == before + 1
    assert not machine.wedged_devices
    await still_listens(bot, alice, room)
    assert (await alice.read(await bot.say(room, "again"))).decrypted


# --- trap 8: what is written down ----------------------------------------------------------------------------------


async def test_logs_hold_no_text_and_files_are_private(
    bot: Bot, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await bot.stop()
        await bot.start()
        alice = await people("alice")
        room = await together(bot, alice)
        await bot.inbox.got(await alice.say(room, "xyzzy-in"), Said)
        await alice.read(await bot.say(room, "xyzzy-out"))
        await to_device(alice, bot, {"algorithm": "m.olm.v1.curve25519-aes-sha2", "ciphertext": "xyzzy"})
        bot.inbox.failures = 1
        await still_listens(bot, alice, room)
    assert "xyzzy" not in caplog.text
    assert "full of secrets" not in caplog.text
    key = (bot.settings.store / "pickle.key").read_text()
    assert key != "DEFAULT_KEY"
    assert len(key) >= 32
    for file in bot.settings.store.iterdir():
        assert not stat.S_IMODE(file.stat().st_mode) & 0o077, file
    assert str(bot.settings.password) not in repr(bot.settings)


# --- helpers -------------------------------------------------------------------------------------------------------


def _key(room: str) -> dict[str, Any]:
    return {"algorithm": "m.megolm.v1.aes-sha2", "room_id": room, "session_id": "x", "session_key": "AAAA"}


def _sealed(person: Person, session: Any, plaintext: str) -> dict[str, Any]:
    """An ``m.room.encrypted`` content with any plaintext."""
    return {
        "algorithm": "m.megolm.v1.aes-sha2",
        "sender_key": person.client.olm.account.identity_keys["curve25519"],
        "ciphertext": session.encrypt(plaintext),
        "session_id": session.id,
        "device_id": person.client.device_id,
    }


async def _send(person: Person, room: str, content: dict[str, Any]) -> str:
    """Send an ``m.room.encrypted`` event as it is."""
    http = Http(person.client.homeserver)
    http.open()
    http.token = person.client.access_token
    try:
        where = f"/_matrix/client/v3/rooms/{room}/send/m.room.encrypted/{secrets.token_hex(8)}"
        return str((await http.call("PUT", where, content))["event_id"])
    finally:
        await http.close()


async def _claim(person: Person, bot: Bot) -> str | None:
    """One of the bot's one-time keys; None when only the fallback key is left."""
    http = Http(person.client.homeserver)
    http.open()
    http.token = person.client.access_token
    device = bot.service.device_id
    try:
        ask = {"one_time_keys": {bot.id: {device: "signed_curve25519"}}}
        answer = await http.call("POST", "/_matrix/client/v3/keys/claim", ask)
    finally:
        await http.close()
    (key,) = answer["one_time_keys"][bot.id][device].values()
    return None if key.get("fallback") else str(key["key"])


def _device_keys(machine: Machine) -> dict[str, Any]:
    keys, device = machine.account.identity_keys, machine.device_id
    content = {
        "algorithms": machine._algorithms,
        "device_id": device,
        "user_id": machine.user_id,
        "keys": {f"curve25519:{device}": keys["curve25519"], f"ed25519:{device}": keys["ed25519"]},
    }
    return {**content, "signatures": {machine.user_id: {f"ed25519:{device}": machine.sign_json(content)}}}
