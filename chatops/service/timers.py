"""Timers: rows with a due time that become inbox rows when it has come, and the hourly anchor of the journal."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from chatops.model import journal
from chatops.model.flow import TimerRow
from chatops.ports import Due, Received
from chatops.service.intake import enqueue
from chatops.service.loop import POLL_SECONDS, Clock, Loop, seconds_until
from chatops.service.store import Store
from chatops.service.tables import TIMER, put_or_change

ANCHOR_EVERY = timedelta(hours=1)
ROWS = 100
"""A transaction fires at most so many timers."""
MOST = 200
"""A timer gathers at most so many things to tell."""

log = logging.getLogger(__name__)


def set_timer(
    session: Session, key: str, due: datetime, kind: str, *, case: str | None = None, data: Mapping[str, Any] = {}
) -> None:
    """Have ``kind`` looked at again at ``due`` (an aware instant). A timer of the same ``key`` is moved.

    A timer fires once for each pair of key and instant, even if it is set to the same instant again.
    """
    values = {"key": key, "due": due, "kind": kind, "case": case, "data": dict(data), "fired": False}
    put_or_change(session, TIMER, values)


def timer_set(session: Session, key: str) -> bool:
    """Whether a timer of this key is set and has not fired yet."""
    query = select(TimerRow.key).where(TimerRow.key == key, col(TimerRow.fired).is_(False))
    return session.exec(query).first() is not None


def gather(session: Session, key: str, name: str, more: Sequence[Any]) -> None:
    """Add to a list in the data of a timer that is set, up to :data:`MOST` items."""
    query = select(TimerRow.data).where(TimerRow.key == key, col(TimerRow.fired).is_(False))
    data = dict(session.exec(query).one())
    data[name] = [*data[name], *more][:MOST]
    session.execute(update(TIMER).where(col(TimerRow.key) == key).values(data=data))


def cancel_timer(session: Session, key: str) -> None:
    """Forget a timer; no matter if there is none. One that has fired already may still be decided."""
    session.execute(delete(TIMER).where(col(TimerRow.key) == key))


def fire(session: Session, now: datetime) -> int:
    """Write an inbox row for each timer that has come due, in the caller's transaction. Returns how many.

    However long the bot was stopped, or the clock set back, each fires once.
    """
    due = session.exec(
        select(TimerRow)
        .where(col(TimerRow.fired).is_(False), col(TimerRow.due) <= now)
        .order_by(col(TimerRow.due), col(TimerRow.key))
        .limit(ROWS)
        .with_for_update(skip_locked=True)
    ).all()
    for timer in due:
        enqueue(session, [_received(timer, now)])
        session.execute(update(TIMER).where(col(TimerRow.key) == timer.key).values(fired=True))
    return len(due)


def next_due(session: Session) -> datetime | None:
    """When the next timer comes due."""
    return session.exec(select(func.min(TimerRow.due)).where(col(TimerRow.fired).is_(False))).one()


def _received(timer: TimerRow, now: datetime) -> Received:
    return Received(
        service="timer",
        key=f"{timer.key}@{timer.due.astimezone(UTC).isoformat()}",
        conversation=f"timer:{timer.case or timer.key}",
        at=now,
        event=Due(timer=timer.key, kind=timer.kind, case=timer.case, data=timer.data or {}, at=timer.due),
    )


class Timers:
    """Fires timers on a store, setting ``inbox_wake``, and anchors the journal's heads at start, at stop and every
    ``anchor_every``: in the database and, hashes only, in the log.
    """

    def __init__(
        self, store: Store, clock: Clock, inbox_wake: asyncio.Event, *, anchor_every: timedelta = ANCHOR_EVERY
    ) -> None:
        self._store = store
        self._clock = clock
        self._inbox_wake = inbox_wake
        self._anchor_every = anchor_every
        self._anchored: datetime | None = None
        self.loop = Loop("timers", self.turn, asyncio.Event())

    def start(self) -> None:
        """Begin, in the running event loop."""
        self.loop.start()

    async def stop(self) -> None:
        """End, with a last anchor."""
        await self.loop.stop()
        await self._anchor()

    async def turn(self) -> float:
        """Fire what is due; anchor if it is time to. Returns seconds until the next turn is due."""
        now = self._clock()
        if self._anchored is None or abs(now - self._anchored) >= self._anchor_every:
            await self._anchor()
        due = await self._store.read(next_due)
        if due is None or due > now:
            return min(seconds_until(due, now), POLL_SECONDS)
        if await self._store.write(lambda session: fire(session, now)):
            self._inbox_wake.set()
        return 0

    async def _anchor(self) -> None:
        now = self._clock()
        heads = await self._store.write(lambda session: journal.anchor(session, now))
        self._anchored = now
        log.info("anchor of the journal: %s", json.dumps(heads, sort_keys=True, separators=(",", ":")))
