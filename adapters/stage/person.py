"""A person with a real, end-to-end encrypted Matrix client, for tests and the demo.

They trust every device they meet, and they read everything: a timeline that the server cut short is fetched in full,
and a message whose key comes late is read when it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
from nio.crypto.attachments import decrypt_attachment

from adapters.stage.seen import Invitation, Membership, Memory, Message, Reaction, S, read
from adapters.stage.synapse import Synapse

_IN_FLIGHT = 4  # nio fails with GroupEncryptionError at many sends at once; 4 to 8 is also fastest
_PATIENCE = 30.0  # seconds


class Refused(RuntimeError):
    """The server said no; the message is what was asked and Matrix's error code."""


class Person:
    """Make one with :meth:`arrive`; send them away with :meth:`close`."""

    def __init__(self, client: nio.AsyncClient, user_id: str) -> None:
        self.client = client
        self.id = user_id
        self.memory = Memory(user_id)
        self._locked: dict[str, list[nio.MegolmEvent]] = {}
        self._sending = asyncio.Semaphore(_IN_FLIGHT)
        self._querying = asyncio.Lock()
        self._listening: asyncio.Task[None] | None = None

    @classmethod
    async def arrive(cls, synapse: Synapse, localpart: str, folder: Path, password: str | None = None) -> Person:
        """Register, log in on a device whose keys live in ``folder``, and listen. Others can write to them at once.

        Without a ``password`` it is random and forgotten.
        """
        password = password or secrets.token_urlsafe(16)
        user_id = await synapse.register(localpart, password)
        folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, on a local disk
        client = nio.AsyncClient(
            synapse.url,
            user_id,
            store_path=str(folder),
            config=nio.AsyncClientConfig(
                encryption_enabled=True,
                store_sync_tokens=False,
                pickle_key=secrets.token_urlsafe(16),
                max_timeout_retry_wait_time=0.5,  # a test restarts the server and does not want to wait
            ),
        )
        person = cls(client, user_id)
        try:
            _ok(await client.login(password, device_name="stage"), "log in")
            await person._listen_once(first=True)
        except BaseException:
            await client.close()
            raise
        person.listen()
        return person

    async def close(self) -> None:
        """Leave the stage: stop listening, disconnect. The account and the rooms stay."""
        await self.deafen()
        await self.client.close()
        # nio leaves its SQLite connection to the garbage collector.
        with contextlib.suppress(AttributeError):
            self.client.store.database.close()

    def listen(self) -> None:
        """Listen again after :meth:`deafen`: all that was missed is read first."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name=f"listening of {self.id}")

    async def deafen(self) -> None:
        """Stop listening, as someone whose client is shut. They can still speak."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening

    # --- doing -----------------------------------------------------------------------------------------------------

    async def say(
        self,
        room: str,
        text: str,
        *,
        html: str | None = None,
        thread: str | None = None,
        reply_to: str | None = None,
        replaces: str | None = None,
        kind: str = "m.text",
        mentions: Sequence[str] = (),
    ) -> str:
        """Say something; encrypted where the room is. Returns the event id."""
        content: dict[str, Any] = {"msgtype": kind, "body": text}
        if html is not None:
            content |= {"format": "org.matrix.custom.html", "formatted_body": html}
        if mentions:
            content["m.mentions"] = {"user_ids": list(mentions)}
        if replaces is not None:
            return await self.send(
                room,
                "m.room.message",
                content
                | {
                    "body": f"* {text}",
                    "m.new_content": content,
                    "m.relates_to": {"rel_type": "m.replace", "event_id": replaces},
                },
            )
        relation: dict[str, Any] = {}
        if thread is not None:
            relation = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": reply_to is None}
        if reply_to is not None or thread is not None:
            relation["m.in_reply_to"] = {"event_id": reply_to or thread}
        if relation:
            content["m.relates_to"] = relation
        return await self.send(room, "m.room.message", content)

    async def react(self, room: str, event: str, key: str) -> str:
        relation = {"rel_type": "m.annotation", "event_id": event, "key": key}
        return await self.send(room, "m.reaction", {"m.relates_to": relation})

    async def drop(self, room: str, name: str, data: bytes, mimetype: str = "application/octet-stream") -> str:
        """Drop a file into a room; encrypted where the room is. Returns the event id."""
        encrypted = self.client.rooms[room].encrypted
        answer, keys = await self.client.upload(
            lambda *_: [data], mimetype, name, encrypt=encrypted, filesize=len(data)
        )
        uploaded = _ok(answer, "upload")
        content: dict[str, Any] = {
            "msgtype": "m.file",
            "body": name,
            "filename": name,
            "info": {"size": len(data), "mimetype": mimetype},
        }
        if encrypted:
            content["file"] = {**(keys or {}), "url": uploaded.content_uri}
        else:
            content["url"] = uploaded.content_uri
        return await self.send(room, "m.room.message", content)

    async def send(self, room: str, kind: str, content: dict[str, Any]) -> str:
        """Send any event; encrypted where the room is (reactions never are). Returns the event id."""
        async with self._sending:
            await self._query_keys()  # or somebody who has just joined could not read it
            sent = await self.client.room_send(room, kind, content, ignore_unverified_devices=True)
        return str(_ok(sent, f"send {kind}").event_id)

    async def redact(self, room: str, event: str, reason: str | None = None) -> str:
        return str(_ok(await self.client.room_redact(room, event, reason), "redact").event_id)

    async def open_room(
        self,
        name: str | None = None,
        *,
        encrypted: bool = True,
        public: bool = False,
        direct: bool = False,
        invite: Sequence[str] = (),
    ) -> str:
        """Make a room and return its id once it shows in this person's own client."""
        encryption = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
        # As Element does it: in a two-person chat both have all power.
        private = nio.RoomPreset.trusted_private_chat if direct else nio.RoomPreset.private_chat
        made = await self.client.room_create(
            visibility=nio.RoomVisibility.public if public else nio.RoomVisibility.private,
            preset=nio.RoomPreset.public_chat if public else private,
            name=name,
            is_direct=direct,
            invite=invite,
            initial_state=[encryption] if encrypted else [],
        )
        room = str(_ok(made, "make a room").room_id)
        await self._is_in(room)
        return room

    async def direct(self, user: str, within: float = _PATIENCE) -> str:
        """Open an encrypted two-person chat; returns its id when the other one has joined."""
        room = await self.open_room(direct=True, invite=[user])
        await self.joined(room, user, within)
        return room

    async def invite(self, room: str, user: str) -> None:
        _ok(await self.client.room_invite(room, user), "invite")

    async def kick(self, room: str, user: str) -> None:
        _ok(await self.client.room_kick(room, user), "kick")

    async def join(self, room: str) -> None:
        """Join, and return when the room shows in this person's own client."""
        _ok(await self.client.join(room), "join")
        await self._is_in(room)

    async def leave(self, room: str) -> None:
        _ok(await self.client.room_leave(room), "leave")

    async def fetch(self, file: Message) -> bytes:
        """The bytes of a file that somebody dropped, decrypted. Raises nio's ``EncryptionError`` if damaged."""
        described = file.content.get("file")
        server, media = str((described or file.content)["url"]).removeprefix("mxc://").split("/", 1)
        # nio's download() asks the old path without a token, where today's servers do not serve new media.
        answer = await self.client.send(
            "GET",
            f"/_matrix/client/v1/media/download/{quote(server)}/{quote(media)}",
            headers={"Authorization": f"Bearer {self.client.access_token}"},
        )
        if answer.status != 200:
            raise Refused(f"download: {answer.status}")
        data: bytes = await answer.read()
        if described:
            plain: bytes = decrypt_attachment(
                data, described["key"]["k"], described["hashes"]["sha256"], described["iv"]
            )
            return plain
        return data

    # --- seeing ----------------------------------------------------------------------------------------------------

    def mark(self) -> int:
        """The present position in memory, for ``after=`` in :meth:`saw`: what comes from now on."""
        return len(self.memory)

    async def saw(
        self,
        kind: type[S],
        predicate: Callable[[S], bool] = lambda _: True,
        *,
        what: str,
        within: float = _PATIENCE,
        after: int = 0,
    ) -> S:
        """The first record of a kind (see :mod:`adapters.stage.seen`) that fits; waits for it if it is yet to come.

        ``what`` completes "did not see …". Raises :class:`~adapters.stage.seen.NotSeen` after ``within`` seconds.
        """
        return await self.memory.first(kind, predicate, within=within, what=what, after=after)

    async def read(self, event: str, within: float = _PATIENCE) -> Message:
        """The message with this event id."""
        return await self.saw(Message, lambda seen: seen.event == event, what=f"message {event}", within=within)

    async def answer(self, event: str, within: float = _PATIENCE) -> Message:
        """The first answer of somebody else to a message (a reply to it, or in its thread)."""
        return await self.saw(
            Message,
            lambda seen: seen.answers == event and seen.sender != self.id,
            what=f"an answer to {event}",
            within=within,
        )

    async def ask(self, room: str, text: str, within: float = _PATIENCE) -> Message:
        """Say something and return the first answer to it."""
        return await self.answer(await self.say(room, text), within)

    async def reaction(self, event: str, key: str, within: float = _PATIENCE) -> Reaction:
        return await self.saw(
            Reaction, lambda seen: seen.target == event and seen.key == key, what=f"{key} on {event}", within=within
        )

    async def joined(self, room: str, user: str, within: float = _PATIENCE) -> Membership:
        return await self.saw(
            Membership,
            lambda seen: seen.room == room and seen.who == user and seen.now == "join",
            what=f"{user} in {room}",
            within=within,
        )

    async def invited(self, by: str | None = None, within: float = _PATIENCE, after: int = 0) -> Invitation:
        return await self.saw(
            Invitation, lambda seen: by in (None, seen.by), what="an invitation", within=within, after=after
        )

    def messages(self, room: str) -> list[Message]:
        """Every message of a room, in the order in which it could be read."""
        return [seen for seen in self.memory if isinstance(seen, Message) and seen.room == room]

    def answers(self, room: str, since: str) -> list[Message]:
        """What others said in a room after the message with event id ``since``."""
        messages = self.messages(room)
        start = next((place for place, seen in enumerate(messages) if seen.event == since), -1)
        return [seen for seen in messages[start + 1 :] if seen.sender != self.id]

    @property
    def locked(self) -> int:
        """How many messages were seen whose key has not come."""
        return sum(len(events) for events in self._locked.values())

    async def _is_in(self, room: str) -> None:
        await self.joined(room, self.id)

    # --- listening -------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        try:
            while True:
                if not await self._listen_once():
                    await asyncio.sleep(0.2)  # the server is unwell: not a wait for a result, only manners
        except Exception as problem:
            await self.memory.give_up(problem)
            raise

    async def _listen_once(self, first: bool = False) -> bool:
        """One sync and what it calls for. False if the server refused."""
        since = self.client.next_batch or None
        response = await self.client.sync(timeout=0 if first else 30_000, full_state=first)
        if not isinstance(response, nio.SyncResponse):
            return False
        for room, invite in response.rooms.invite.items():
            await self._take_invitation(room, invite.invite_state)
        # Rooms that were left, and their last events, are not looked at by nio at all.
        for room, info in {**response.rooms.join, **response.rooms.leave}.items():
            await self._take(room, info.state)
            if since and info.timeline.limited:
                await self._take(room, await self._gap(room, info.timeline.prev_batch, since))
            await self._take(room, info.timeline.events)
        if response.to_device_events:
            await self._unlock()
        await self._housekeeping()
        return True

    async def _take_invitation(self, room: str, events: Sequence[Any]) -> None:
        for event in events:
            if isinstance(event, nio.InviteMemberEvent) and event.state_key == self.id and event.membership == "invite":
                await self.memory.add(Invitation(room, event.sender, bool(event.content.get("is_direct"))))

    async def _gap(self, room: str, newest: str | None, since: str) -> list[Any]:
        """What lies between the last sync and the part of the timeline that this one brought, oldest first."""
        events: list[Any] = []
        while newest is not None:
            page = _ok(
                await self.client.room_messages(room, start=newest, end=since, limit=100), "read the room's history"
            )
            events += page.chunk
            newest = page.end if page.chunk else None
        return events[::-1]

    async def _take(self, room: str, events: Sequence[Any]) -> None:
        for event in events:
            if isinstance(event, nio.MegolmEvent):
                event.room_id = room
                self._locked.setdefault(event.session_id, []).append(event)
            elif "event_id" in event.source and "type" in event.source:
                record = read(room, event.source, bool(event.decrypted))
                if record is not None:
                    await self.memory.add(record)

    async def _unlock(self) -> None:
        waiting, self._locked = self._locked, {}
        for event in (event for events in waiting.values() for event in events):
            try:
                readable: Any = self.client.decrypt_event(event)
            except nio.EncryptionError:
                readable = event
            await self._take(str(event.room_id), [readable])

    async def _housekeeping(self) -> None:
        """The requests that nio wants made after a sync."""
        if self.client.should_upload_keys:
            await self.client.keys_upload()
        await self._query_keys()
        if self.client.should_claim_keys:
            await self.client.keys_claim(self.client.get_users_for_key_claiming())
        await self.client.send_to_device_messages()

    async def _query_keys(self) -> None:
        async with self._querying:
            if self.client.should_query_keys:
                await self.client.keys_query()


def _ok(response: Any, what: str) -> Any:
    """The response, unless it is an error: then :class:`Refused`, without the server's own words."""
    if isinstance(response, nio.ErrorResponse):
        raise Refused(f"{what}: {response.status_code}")
    return response
