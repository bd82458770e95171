"""What the service's tests share: a clock to turn by hand, events, outbox rows, a service that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from chatops.document import Document
from chatops.model.flow import InboxRow, OutboxRow
from chatops.ports import Effect, Intake, Post, Receipt, Received, Said
from chatops.service.outbox import PASS, Ruling
from chatops.service.store import Store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is turned."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


async def until(true: Callable[[], object]) -> None:
    """Wait for something that other tasks or threads bring about."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 (what is waited for may be in the database)
            await asyncio.sleep(0.002)


def said(text: str, *, room: str = "!room", key: str | None = None, at: datetime = START) -> Received:
    event = Said(sender="@alice", room=room, event=f"${text}", text=text)
    return Received(service="matrix", key=key or f"${room}{text}", conversation=room, at=at, event=event)


def post(title: str = "hello", **rest: Any) -> Post:
    return Post(document=Document(title=title), **rest)


def effect(key: str, conversation: str = "talk", *, deed: Any = None, **rest: Any) -> OutboxRow:
    """An outbox row: a post into a room, unless told otherwise."""
    values: dict[str, Any] = {"service": "matrix", "room": "!room", "made_at": START, **rest}
    body = (deed or post()).model_dump(mode="json")
    return OutboxRow(key=key, conversation=conversation, deed=body, **values)


def put(store: Store, rows: Iterable[Any]) -> None:
    """Store rows in the order given."""

    def job(session: Session) -> None:
        for row in rows:
            session.add(row)
            session.flush()

    store.write_now(job)


def inbox(store: Store, service: str | None = None) -> list[InboxRow]:
    query = select(InboxRow).order_by(col(InboxRow.id))
    rows = store.read_now(lambda session: session.exec(query).all())
    return [row for row in rows if service in (None, row.service)]


def outbox(store: Store) -> dict[str, OutboxRow]:
    query = select(OutboxRow).order_by(col(OutboxRow.id))
    return {row.key: row for row in store.read_now(lambda session: session.exec(query).all())}


def state(store: Store, key: str) -> str:
    return outbox(store)[key].state


def open_gate(session: Session, row: OutboxRow, now: datetime) -> Ruling:
    return PASS


class Faults:
    """Takes down the faults that it is told of."""

    def __init__(self) -> None:
        self.codes: list[tuple[str, str]] = []

    def __call__(self, session: Session, row: OutboxRow, code: str) -> None:
        self.codes.append((row.key, code))


class FakeService:
    """Remembers the effects that it was asked for. ``script`` decides what comes of each: it may raise."""

    def __init__(self, script: Callable[[Effect], Receipt] | None = None) -> None:
        self.name = "matrix"
        self.effects: list[Effect] = []
        self.script = script or (lambda effect: Receipt(event=f"$sent-{effect.id}"))
        self.held: dict[str, asyncio.Event] = {}  # by room: performs only once this is set
        self.most = 0
        self._now = 0

    async def start(self, intake: Intake) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to let go of."""

    async def perform(self, effect: Effect) -> Receipt:
        self.effects.append(effect)
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            if (held := self.held.get(effect.room or "")) is not None:
                await held.wait()
            else:
                await asyncio.sleep(0)
            return self.script(effect)
        finally:
            self._now -= 1

    @property
    def ids(self) -> list[str]:
        return [effect.id for effect in self.effects]
