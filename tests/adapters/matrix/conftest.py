"""A bot on a real homeserver, with an intake that keeps everything in memory."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from adapters.matrix.http import Http, path
from adapters.matrix.service import MatrixService
from adapters.matrix.settings import MatrixSettings
from adapters.stage.person import Person
from adapters.stage.synapse import Synapse
from chatops.document import Action, Document, para
from chatops.ports import Deed, Effect, Enter, Event, Invitation, Locked, Member, OpenRoom, Post, Received

E = TypeVar("E", bound=Event)
PATIENCE = 20.0


class Inbox:
    """An intake as the core's is: duplicates are dropped, and rows are committed with the cursor."""

    def __init__(self) -> None:
        self.rows: dict[str, Received] = {}
        self.cursors: dict[str, str] = {}
        self.admissions = 0
        self.failures = 0
        """How many admissions to refuse."""
        self._changed = asyncio.Condition()

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full of secrets")
        async with self._changed:
            for row in received:
                self.rows.setdefault(row.key, row)
            if cursor is not None:
                self.cursors[cursor[0]] = cursor[1]
            self.admissions += 1
            self._changed.notify_all()

    async def cursor(self, name: str) -> str | None:
        return self.cursors.get(name)

    async def locked(self, service: str) -> list[Received]:
        return [row for row in self.rows.values() if isinstance(row.event, Locked)]

    async def unlock(self, received: Received) -> None:
        async with self._changed:
            assert isinstance(self.rows[received.key].event, Locked)
            self.rows[received.key] = received
            self._changed.notify_all()

    def all(self, kind: type[E]) -> list[E]:
        return [row.event for row in self.rows.values() if isinstance(row.event, kind)]

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for something to be true of the rows."""
        async with self._changed:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._changed.wait_for(condition)
            except TimeoutError:
                raise AssertionError(f"never: {what}") from None

    async def got(self, key: str, kind: type[E]) -> E:
        """The event of a row, once it is one of that kind."""
        await self.until(lambda: key in self.rows and isinstance(self.rows[key].event, kind), f"{kind.__name__} {key}")
        event = self.rows[key].event
        assert isinstance(event, kind)
        return event

    async def first(self, kind: type[E], fits: Callable[[E], bool] = lambda _: True) -> E:
        await self.until(lambda: any(fits(event) for event in self.all(kind)), kind.__name__)
        return next(event for event in self.all(kind) if fits(event))


class Bot:
    """A bot's account; its service can be stopped, dropped as a kill would, and started again on the same store."""

    def __init__(self, settings: MatrixSettings) -> None:
        self.settings = settings
        self.id = settings.user_id
        self.inbox = Inbox()
        self.service = MatrixService(settings)
        self._effects = 0

    async def start(self, **changed: Any) -> None:
        self.settings = replace(self.settings, **changed)
        self.service = MatrixService(self.settings)
        await self.service.start(self.inbox)

    async def stop(self) -> None:
        await self.service.stop()

    async def kill(self) -> None:
        """End it without its leave: tasks die where they are, nothing is saved."""
        for task in self.service._tasks:
            task.cancel()
        await asyncio.gather(*self.service._tasks, return_exceptions=True)
        self.service._tasks.clear()
        await self.service.stop()

    def effect(self, deed: Deed, room: str | None = None, **more: Any) -> Effect:
        return Effect(id=secrets.token_hex(8), service="matrix", room=room, deed=deed, **more)

    async def do(self, deed: Deed, room: str | None = None, **more: Any) -> Any:
        return await self.service.perform(self.effect(deed, room, **more))

    async def say(self, room: str, text: str) -> str:
        receipt = await self.do(Post(document=card(text)), room)
        return str(receipt.event)

    async def open(self, purpose: Any = "embargo", invite: tuple[str, ...] = ()) -> str:
        receipt = await self.do(OpenRoom(purpose=purpose, name="DS-2026-7KQ4", topic="", invite=invite))
        return str(receipt.data["room"])

    async def state(self, room: str) -> dict[tuple[str, str], Any]:
        """A room's state as the server has it, asked by a client that shares nothing with the adapter but the token."""
        http = Http(self.settings.homeserver)
        http.open()
        http.token = self.service._http.token
        try:
            events = await http.call_list("GET", path("rooms", room, "state"))
        finally:
            await http.close()
        return {(event["type"], event["state_key"]): event["content"] for event in events}


async def together(bot: Bot, person: Person, *, encrypted: bool = True) -> str:
    """A room of a person's into which they have invited the bot, and which it has entered."""
    room = await person.open_room(encrypted=encrypted, invite=[bot.id])
    await bot.inbox.first(Invitation, lambda event: event.room == room)
    await bot.do(Enter(), room)
    await person.joined(room, bot.id)
    await bot.inbox.first(Member, lambda event: event.room == room and event.who == person.id)
    return room


def room_key(room: str, session: Any) -> dict[str, Any]:
    """The content of an ``m.room_key`` for an outbound session as it is now."""
    return {
        "algorithm": "m.megolm.v1.aes-sha2",
        "room_id": room,
        "session_id": session.id,
        "session_key": session.session_key,
    }


async def whisper(person: Person, bot: Bot, kind: str, content: dict[str, Any]) -> None:
    """Send the bot's device an Olm message with any content, as only a hostile or broken client would."""
    client, device_id = person.client, bot.service.device_id
    if bot.id not in client.olm.device_store.users or device_id not in client.olm.device_store[bot.id]:
        client.olm.users_for_key_query.add(bot.id)
        await client.keys_query()
    device = client.olm.device_store[bot.id][device_id]
    if client.olm.session_store.get(device.curve25519) is None:
        await client.keys_claim({bot.id: [device_id]})
    sealed = client.olm._olm_encrypt(client.olm.session_store.get(device.curve25519), device, kind, content)
    await to_device(person, bot, sealed)


async def to_device(person: Person, bot: Bot, content: Any, kind: str = "m.room.encrypted") -> None:
    """Send the bot's device any to-device message."""
    http = Http(bot.settings.homeserver)
    http.open()
    http.token = person.client.access_token
    try:
        where = path("sendToDevice", kind, secrets.token_hex(8))
        await http.call("PUT", where, {"messages": {bot.id: {bot.service.device_id: content}}})
    finally:
        await http.close()


def card(text: str, *emoji: str) -> Document:
    actions = tuple(Action(label=e, command=f"do {e}", emoji=e) for e in emoji)
    return Document(title="A card", blocks=(para(text),), actions=actions)


@pytest.fixture
async def bot(synapse: Synapse, tmp_path: Path) -> AsyncIterator[Bot]:
    """A bot that runs."""
    password = secrets.token_hex(8)
    user = await synapse.register(f"bot-{secrets.token_hex(3)}", password)
    made = Bot(MatrixSettings(homeserver=synapse.url, user_id=user, password=password, store=tmp_path / "bot"))
    await made.start()
    yield made
    await made.stop()
