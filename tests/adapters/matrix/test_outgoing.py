"""Effects against a real homeserver: what comes of each, and that each happens once."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import aiohttp.web
import pytest

from adapters.matrix.acl import ServerAcl
from adapters.matrix.http import Http, path
from adapters.matrix.recipes import creation
from adapters.stage.person import Person
from chatops.ports import (
    Enter,
    Impossible,
    Invite,
    Leave,
    OpenRoom,
    Post,
    Redact,
    Remove,
    Said,
    Survey,
    TryLater,
    Upload,
)
from tests.adapters.matrix.conftest import Bot, card, together
from tests.conftest import People


async def invited_into(bot: Bot, person: Person, purpose: Any = "embargo") -> str:
    """A room that the bot made and the person has joined."""
    room = await bot.open(purpose, (person.id,))
    await person.invited(bot.id)
    await person.join(room)
    return room


class TestRooms:
    @pytest.mark.parametrize("purpose", ["embargo", "security", "direct"])
    async def test_recipe(self, bot: Bot, people: People, purpose: Any) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice, purpose)
        state = await bot.state(room)
        assert state["m.room.join_rules", ""] == {"join_rule": "invite"}
        assert state["m.room.history_visibility", ""] == {"history_visibility": "joined"}
        assert state["m.room.guest_access", ""] == {"guest_access": "forbidden"}
        assert state["m.room.encryption", ""]["algorithm"] == "m.megolm.v1.aes-sha2"
        assert state["m.room.create", ""]["room_version"] == "11"
        assert state["m.room.create", ""]["m.federate"] is True
        assert state["m.room.name", ""] == {"name": "DS-2026-7KQ4"}
        power = state["m.room.power_levels", ""]
        assert power["users"] == {bot.id: 100}
        assert {power[deed] for deed in ("invite", "kick", "ban", "redact", "state_default")} == {100}
        assert not power["events"]
        assert (await alice.invited(bot.id)).direct is (purpose == "direct")

    async def test_a_room_may_be_kept_on_its_server(self, bot: Bot) -> None:
        made = await bot.do(OpenRoom(purpose="embargo", name="DS-1", topic="", federate=False))
        assert (await bot.state(made.data["room"]))["m.room.create", ""]["m.federate"] is False
        await bot.stop()
        await bot.start(federate=False)
        assert (await bot.state(await bot.open()))["m.room.create", ""]["m.federate"] is False

    async def test_servers_are_shut_out_of_rooms_old_and_new(self, bot: Bot) -> None:
        old, chat = await bot.open(), await bot.open("security")
        assert ("m.room.server_acl", "") not in await bot.state(old)
        acl = ServerAcl(deny=("*.evil.example",))
        await bot.stop()
        await bot.start(acl=acl)
        for room in (old, chat, await bot.open(), await bot.open("security")):
            assert (await bot.state(room))["m.room.server_acl", ""] == {
                "allow": ["*"],
                "deny": ["*.evil.example"],
                "allow_ip_literals": True,
            }
        with pytest.raises(Impossible, match="server-shut-out"):
            await bot.do(Invite(user="@debian:chat.evil.example"), old)
        await bot.stop()
        await bot.start(acl=ServerAcl())
        assert (await bot.state(old))["m.room.server_acl", ""]["deny"] == []
        assert ("m.room.server_acl", "") not in await bot.state(await bot.open())

    async def test_direct_chats_are_listed_in_the_account(self, bot: Bot, people: People) -> None:
        alice, bob = await people("alice"), await people("bob")
        rooms = [await bot.open("direct", (person.id,)) for person in (alice, bob)]
        listed = await bot.service._http.call("GET", path("user", bot.id, "account_data", "m.direct"))
        assert listed == {alice.id: [rooms[0]], bob.id: [rooms[1]]}

    async def test_made_once_although_the_answer_was_lost(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        effect = bot.effect(OpenRoom(purpose="embargo", name="DS-1", topic=""))
        answer = Http._answer

        async def lost(self: Http, response: aiohttp.ClientResponse) -> Any:
            await answer(self, response)
            raise TryLater("timeout")

        with monkeypatch.context() as patch:
            patch.setattr(Http, "_answer", lost)
            with pytest.raises(TryLater):
                await bot.service.perform(effect)
        again = effect.model_copy(update={"attempts": 1, "first": datetime.now(UTC)})
        first = await bot.service.perform(again)
        # A new process, which knows the room only when the server tells of it.
        await bot.kill()
        await bot.start()
        second = await bot.service.perform(again)
        joined = await bot.service._http.call("GET", path("joined_rooms"))
        assert joined["joined_rooms"] == [first.data["room"]] == [second.data["room"]]

    async def test_the_guest_of_a_direct_chat_is_asked_again(self, bot: Bot, people: People) -> None:
        """The server makes the room before it invites, and says 502 where the guest's own server is away."""
        alice = await people("alice")
        deed = OpenRoom(purpose="direct", name="DS-1", topic="", invite=(alice.id,))
        effect = bot.effect(deed, attempts=1, first=datetime.now(UTC) - timedelta(minutes=1))
        half = creation(deed.model_copy(update={"invite": ()}), effect.id, bot.id, federate=True, acl=ServerAcl())
        room = (await bot.service._http.call("POST", path("createRoom"), half))["room_id"]
        await bot.kill()  # it knows the whole room then, not the half of it that a sync may have brought
        await bot.start()
        for _ in range(2):
            assert (await bot.service.perform(effect)).data["room"] == room
        invitation = await alice.invited(bot.id)
        assert (invitation.room, invitation.direct) == (room, True)

    async def test_a_retry_does_not_overtake_a_request_that_may_still_be_at_work(self, bot: Bot) -> None:
        effect = bot.effect(OpenRoom(purpose="embargo", name="DS-1", topic=""), attempts=1, first=datetime.now(UTC))
        with pytest.raises(TryLater) as problem:
            await bot.service.perform(effect)
        assert problem.value.code == "settling"
        long_ago = effect.model_copy(update={"first": datetime.now(UTC) - timedelta(minutes=1)})
        assert (await bot.service.perform(long_ago)).data["room"]

    async def test_a_direct_chat_with_nobody_leaves_no_room(self, bot: Bot) -> None:
        with pytest.raises(Impossible):
            await bot.open("direct", ("@nobody:else.where.invalid",))
        assert (await bot.service._http.call("GET", path("joined_rooms")))["joined_rooms"] == []

    async def test_invite_remove_leave(self, bot: Bot, people: People) -> None:
        alice, bob = await people("alice"), await people("bob")
        room = await bot.open()
        for _ in range(2):
            await bot.do(Invite(user=alice.id), room)
        await alice.invited(bot.id)
        await alice.join(room)
        await bot.do(Invite(user=alice.id), room)
        with pytest.raises(Impossible):
            await bot.do(Invite(user="@nobody:else.where.invalid"), room)
        for _ in range(2):
            await bot.do(Remove(user=alice.id, reason=""), room)
        await bot.do(Remove(user=bob.id, reason="never here"), room)
        assert (await bot.state(room))["m.room.member", alice.id]["membership"] == "leave"
        for _ in range(2):
            await bot.do(Leave(), room)
        assert (await bot.service._http.call("GET", path("joined_rooms")))["joined_rooms"] == []

    async def test_power_is_computed_from_the_servers_state(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await together(bot, alice)
        known = bot.service._rooms.known(room)
        assert known is not None
        assert known.power_of(alice.id) >= 100  # without bound from room version 12 on, where creators are not listed
        assert known.power_of(bot.id) == 0
        assert known.may(alice.id, "kick")
        assert not known.may(bot.id, "kick")
        with pytest.raises(Impossible) as problem:
            await bot.do(Remove(user=alice.id, reason=""), room)
        assert problem.value.code == "no-power"

    async def test_unsupported(self, bot: Bot) -> None:
        with pytest.raises(Impossible):
            await bot.do(Survey())


class TestMessages:
    async def test_a_post_is_decrypted_by_another_client(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        event = await bot.say(room, "the embargo ends at noon")
        seen = await alice.read(event)
        assert seen.decrypted
        assert seen.kind == "m.notice"
        assert "the embargo ends at noon" in seen.body
        assert "the embargo ends at noon" in (seen.formatted or "")

    async def test_who_is_removed_has_no_key_to_what_is_said_next(self, bot: Bot, people: People) -> None:
        """The session is another one then, even for somebody who gets hold of the ciphertext."""
        alice, bob = await people("alice"), await people("bob")
        room = await invited_into(bot, alice)
        await bot.do(Invite(user=bob.id), room)
        await bob.join(room)
        first, second = await bot.say(room, "both read it"), await bot.say(room, "this too")
        for event in (first, second):
            await bob.read(event)
        await bot.do(Remove(user=bob.id, reason=""), room)
        last = await bot.say(room, "one reads it")
        assert (await alice.read(last)).decrypted
        # What was sent to bob's device before this has come before it.
        aside = await bot.open("direct", (bob.id,))
        await bob.join(aside)
        await bob.read(await bot.say(aside, "a word"))
        sessions = [
            (await bot.service._http.call("GET", path("rooms", room, "event", event)))["content"]["session_id"]
            for event in (first, second, last)
        ]
        assert sessions[0] == sessions[1] != sessions[2]
        held = {session.id for session in bob.client.olm.inbound_group_store}
        assert sessions[0] in held
        assert sessions[2] not in held

    async def test_nothing_is_said_while_somebody_is_there_of_whom_the_core_has_not_heard(
        self, bot: Bot, people: People
    ) -> None:
        alice, eve = await people("alice"), await people("eve")
        room = await invited_into(bot, alice)
        await bot.do(Invite(user=eve.id), room)
        await eve.join(room)
        with pytest.raises(TryLater, match="intruder"):
            await bot.do(Post(document=card("held")), room, audience=(alice.id,))
        await bot.do(Remove(user=eve.id, reason=""), room)
        said = await bot.do(Post(document=card("said")), room, audience=(alice.id,))
        assert (await alice.read(said.event)).decrypted
        assert [seen.body for seen in eve.messages(room)] == []
        assert eve.locked == 0

    async def test_a_notice_in_a_plain_room_bears_no_empty_list_of_mentions(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await alice.open_room(encrypted=False, invite=[bot.id])
        await bot.do(Enter(), room)
        quiet = await bot.do(Post(document=card("one")), room)
        loud = await bot.do(Post(document=card("two"), ping=(alice.id,)), room)
        assert "m.mentions" not in (await alice.read(quiet.event)).content
        assert (await alice.read(loud.event)).content["m.mentions"] == {"user_ids": [alice.id]}

    async def test_threads_replies_pings_and_edits(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        asked = await alice.say(room, "!dynasched show")
        reply = await bot.do(Post(document=card("one"), reply_to=asked, ping=(alice.id,)), room)
        threaded = await bot.do(Post(document=card("two"), thread=asked), room)
        one, two = await alice.read(reply.event), await alice.read(threaded.event)
        assert (one.reply_to, one.thread) == (asked, None)
        assert two.thread == asked
        assert one.content["m.mentions"] == {"user_ids": [alice.id]}
        assert two.content["m.mentions"] == {}
        edit = await bot.do(Post(document=card("three"), edit="e"), room, target=reply.event)
        seen = await alice.read(edit.event)
        assert seen.replaces == reply.event
        assert "three" in seen.body

    async def test_actions_are_seeded_as_reactions_once(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        effect = bot.effect(Post(document=card("pick", "✅", "❌")), room)
        event = (await bot.service.perform(effect)).event
        assert event is not None
        assert (await bot.service.perform(effect.model_copy(update={"attempts": 1}))).event == event
        for key in ("✅", "❌"):
            assert (await alice.reaction(event, key)).sender == bot.id
        edit = Post(document=card("pick again", "✅", "🕒"), edit="e")
        await bot.do(edit, room, target=event)
        assert (await alice.reaction(event, "🕒")).sender == bot.id

    @pytest.mark.parametrize("encrypted", [True, False])
    async def test_a_redelivery_is_one_event(self, bot: Bot, people: People, encrypted: bool) -> None:
        alice = await people("alice")
        room = await together(bot, alice, encrypted=encrypted)
        effect = bot.effect(Post(document=card("once")), room)
        device = bot.service.device_id
        events = [(await bot.service.perform(effect)).event for _ in range(2)]
        await bot.kill()
        await bot.start()
        events.append((await bot.service.perform(effect)).event)
        await bot.stop()
        (bot.settings.store / "session.json").write_text(
            (bot.settings.store / "session.json").read_text().replace("syt_", "gone_")
        )
        await bot.start()  # the token is not known: a new one, on the same device
        events.append((await bot.service.perform(effect)).event)
        assert bot.service.device_id == device
        assert len(set(events)) == 1
        last = await bot.say(room, "last")
        await alice.read(last)
        assert len([seen for seen in alice.messages(room) if "once" in seen.body]) == 1

    async def test_an_old_unknown_outcome_is_looked_up(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        effect = bot.effect(Post(document=card("once")), room)
        event = (await bot.service.perform(effect)).event
        await asyncio.gather(*(bot.say(room, "since") for _ in range(3)))
        old = effect.model_copy(update={"attempts": 1, "first": datetime.now(UTC) - timedelta(hours=30)})
        calls: list[str] = []
        call = bot.service._http.call

        async def counted(method: str, where: str, *more: Any, **named: Any) -> Any:
            calls.append(f"{method} {where.rsplit('/', 1)[0]}")
            return await call(method, where, *more, **named)

        bot.service._http.call = counted  # type: ignore[method-assign]
        assert (await bot.service.perform(old)).event == event
        assert not [made for made in calls if made.startswith("PUT")]

    async def test_a_restart_keeps_decrypting_both_ways(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        await bot.inbox.got(await alice.say(room, "before"), Said)
        await bot.say(room, "before")
        for _ in range(2):
            await bot.kill()
            while_down = await alice.say(room, "while down")
            await bot.start()
            await bot.inbox.got(while_down, Said)
            await bot.inbox.got(await alice.say(room, "after"), Said)
            assert (await alice.read(await bot.say(room, "after"))).decrypted

    async def test_redaction(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        event = await alice.say(room, "oh no")
        effect = bot.effect(Redact(event=event, reason=""), room)
        assert (await bot.service.perform(effect)).event == (await bot.service.perform(effect)).event
        elsewhere = await together(bot, alice)
        with pytest.raises(Impossible) as problem:
            await bot.do(Redact(event=await alice.say(elsewhere, "oh"), reason=""), elsewhere)
        assert problem.value.code == "no-power"

    @pytest.mark.parametrize("encrypted", [True, False])
    async def test_upload(self, bot: Bot, people: People, tmp_path: Path, encrypted: bool) -> None:
        alice = await people("alice")
        room = await together(bot, alice, encrypted=encrypted)
        file = tmp_path / "a.tar.gz"
        file.write_bytes(bytes(range(256)) * 9000)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        effect = bot.effect(Upload(path=str(file), name="dynasched.tar.gz", sha256=digest), room)
        event = (await bot.service.perform(effect)).event
        assert (await bot.service.perform(effect)).event == event
        seen = await alice.read(event or "")
        assert seen.decrypted is encrypted
        assert await alice.fetch(seen) == file.read_bytes()
        file.write_bytes(b"other")
        with pytest.raises(Impossible) as problem:
            await bot.do(effect.deed, room)
        assert problem.value.code == "digest-differs"

    async def test_a_picture_that_the_core_made_shows_as_one(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await together(bot, alice)
        event = (await bot.do(Upload.made("DS-2026-7KQ4-timeline.png", b"a picture"), room)).event
        seen = await alice.read(event or "")
        assert (seen.content["msgtype"], seen.content["info"]["mimetype"]) == ("m.image", "image/png")
        assert await alice.fetch(seen) == b"a picture"

    async def test_a_burst_in_one_room(self, bot: Bot, people: People) -> None:
        alice = await people("alice")
        room = await invited_into(bot, alice)
        gate = asyncio.Semaphore(8)

        async def say(number: int) -> str:
            async with gate:
                return await bot.say(room, f"answer {number}")

        events = await asyncio.gather(*(say(number) for number in range(60)))
        for event in events:
            assert (await alice.read(event)).decrypted
        assert len({seen.event for seen in alice.messages(room)}) == 60


class TestFailures:
    async def test_nowhere(self, bot: Bot) -> None:
        with pytest.raises(Impossible):
            await bot.say("!nowhere:localhost", "x")

    async def test_a_server_that_is_away(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        room = await bot.open()
        monkeypatch.setattr(bot.service._http, "_base", "http://127.0.0.1:9")
        with pytest.raises(TryLater) as problem:
            await bot.say(room, "x")
        assert problem.value.code == "connection"

    @pytest.mark.parametrize(
        ("status", "headers", "body", "code", "after"),
        [
            (429, {"Retry-After": "7"}, {"errcode": "M_LIMIT_EXCEEDED"}, "ratelimited", 7),
            (429, {}, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 1500}, "ratelimited", 1.5),
            (429, {"Retry-After": "soon"}, None, "ratelimited", 1),
            (502, {}, None, "502", None),
            (503, {}, {"errcode": "secret words"}, "503", None),
        ],
    )
    async def test_answers_that_mean_later(
        self, bot: Bot, status: int, headers: dict[str, str], body: Any, code: str, after: float | None
    ) -> None:
        async def handle(_: aiohttp.web.Request) -> aiohttp.web.Response:
            if body is None:
                return aiohttp.web.Response(status=status, headers=headers, text="<html>secret words</html>")
            return aiohttp.web.json_response(body, status=status, headers=headers)

        app = aiohttp.web.Application()
        app.router.add_route("*", "/{all:.*}", handle)
        runner = aiohttp.web.AppRunner(app)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        http = Http(f"http://127.0.0.1:{runner.addresses[0][1]}")
        http.open()
        try:
            with pytest.raises(TryLater) as problem:
                await http.call("GET", path("sync"))
        finally:
            await http.close()
            await runner.cleanup()
        assert problem.value.code == code
        assert problem.value.after == (timedelta(seconds=after) if after is not None else None)
