"""The decider: takes what waits in the inbox and has it decided, row by row, in the order of each conversation.

A row's decision and its settling are one savepoint; there is no durable "running" state, so after a crash the row is
simply still waiting. A row that fails waits (and with it its conversation), a few times; then it is parked and those
behind it pass.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import defer
from sqlmodel import Session

from chatops.model.flow import InboxRow
from chatops.ports import Received
from chatops.service.intake import as_received
from chatops.service.loop import POLL_SECONDS, Clock, Loop, seconds_until
from chatops.service.store import Store, lost, nested
from chatops.service.tables import INBOX, change_inbox

Decide = Callable[[Session, InboxRow, Received], None]
"""Decides one row: parses, authorises, handles, journals, writes outbox rows. No I/O but the session."""
Parked = Callable[[Session, InboxRow, Received | None], None]
"""Tells the sender and the coordinators that a row was parked. ``None``: it could not even be read."""

ROWS = 50
SECONDS = 0.05
"""A transaction decides at most so many rows, for about so long."""
BACKOFF = (timedelta(seconds=1), timedelta(seconds=5), timedelta(seconds=20))
"""How long a row waits after each failure. The failure after the last parks it: the fourth."""

_WAITING = INBOX.c.state == "waiting"
_HEADS = (
    select(INBOX.c.conversation)
    .where(
        INBOX.c.id.in_(select(func.min(INBOX.c.id)).where(_WAITING).group_by(INBOX.c.conversation)),
        _WAITING,  # once more: on PostgreSQL another process may have settled the row meanwhile
        or_(
            INBOX.c.not_before.is_(None),
            INBOX.c.not_before <= bindparam("now"),
            INBOX.c.not_before > bindparam("beyond"),  # the clock was set back since
        ),
    )
    .order_by(INBOX.c.id)
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True)
)
_FOLLOWING = (
    select(INBOX.c.id, INBOX.c.conversation, INBOX.c.not_before)
    .where(_WAITING, INBOX.c.conversation.in_(bindparam("conversations", expanding=True)))
    .order_by(INBOX.c.id)
    .limit(bindparam("rows"))
)
_NEXT = select(func.min(INBOX.c.not_before)).where(_WAITING, INBOX.c.not_before > bindparam("now"))
_ROW = select(InboxRow).where(INBOX.c.id == bindparam("number"))

log = logging.getLogger(__name__)


def decide_some(
    session: Session,
    decide: Decide,
    parked: Parked,
    now: datetime,
    *,
    rows: int = ROWS,
    seconds: float = SECONDS,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Decide some of what waits, in the caller's transaction. Returns how many rows were decided, put off or parked.

    ``stop`` is asked before each row. Raises only errors after which the transaction must be given up.
    """
    touched = 0
    end = time.monotonic() + seconds
    blocked: set[str] = set()
    for number, conversation, not_before in _take(session, now, rows):
        if stop() or (touched and time.monotonic() > end):
            break
        if conversation in blocked or not _may_be_tried(not_before, now):
            blocked.add(conversation)
            continue
        touched += 1
        if not _decide_one(session, decide, parked, number, now):
            blocked.add(conversation)
    return touched


def decide_all(session: Session, decide: Decide, parked: Parked, now: datetime) -> int:
    """Decide everything that may be decided now; returns how many rows that were."""
    total = 0
    while touched := decide_some(session, decide, parked, now, seconds=3600):
        total += touched
    return total


def next_due(session: Session, now: datetime) -> datetime | None:
    """When the first of the rows that were put off may be tried again."""
    due: datetime | None = session.execute(_NEXT, {"now": now}).scalar_one()
    return due


def _take(session: Session, now: datetime, limit: int) -> list[tuple[int, str, datetime | None]]:
    """Number, conversation and not-before of rows that wait in conversations whose first row may be tried.

    On PostgreSQL the locked head keeps its whole conversation from other processes until the commit.
    """
    conversations = _heads(session, now, limit)
    if not conversations:
        return []
    found = session.execute(_FOLLOWING, {"conversations": conversations, "rows": limit})
    return [(number, conversation, not_before) for number, conversation, not_before in found]


def _heads(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Conversations whose first row may be tried."""
    return session.execute(_HEADS, {"now": now, "beyond": now + BACKOFF[-1], "rows": limit}).scalars().all()


def _may_be_tried(due: datetime | None, now: datetime) -> bool:
    return due is None or due <= now or due > now + BACKOFF[-1]


def _decide_one(session: Session, decide: Decide, parked: Parked, number: int, now: datetime) -> bool:
    """Decide one row. False if it keeps its conversation waiting."""
    try:
        # Read one by one: a single damaged event must not keep all others from being read.
        row = session.execute(_ROW, {"number": number}).scalar_one()
        session.expunge(row)
        received = as_received(row)
    except Exception as error:
        if lost(error):
            raise
        row = session.execute(_ROW.options(defer(InboxRow.event)), {"number": number}).scalar_one()  # type: ignore[arg-type]
        session.expunge(row)
        _park(session, parked, row, None, type(error).__name__)
        return True
    for last in (False, True):
        try:
            with nested(session) as inner:
                decide(inner, row, received)
                change_inbox(inner, row.id, state="done", event={}, problem=None, not_before=None)
        except Exception as error:
            if lost(error):
                raise
            if isinstance(error, IntegrityError) and not last:
                continue  # another process wrote the same next number first: its rows are visible now
            return _failed(session, parked, row, received, type(error).__name__, now)
        return True
    raise AssertionError


def _failed(session: Session, parked: Parked, row: InboxRow, received: Received, problem: str, now: datetime) -> bool:
    row.attempts += 1
    log.warning("inbox row %s failed (attempt %d): %s", row.id, row.attempts, problem)
    if row.attempts > len(BACKOFF):
        _park(session, parked, row, received, problem)
        return True
    change_inbox(session, row.id, attempts=row.attempts, problem=problem, not_before=now + BACKOFF[row.attempts - 1])
    return False


def _park(session: Session, parked: Parked, row: InboxRow, received: Received | None, problem: str) -> None:
    """Set a row aside. Its event is kept, so that it can be decided once the cause is mended (``intake.unpark``)."""
    log.error("inbox row %s parked: %s", row.id, problem)
    row.state, row.problem = "parked", problem
    change_inbox(session, row.id, state="parked", attempts=row.attempts, problem=problem, not_before=None)
    try:
        with nested(session) as inner:
            parked(inner, row, received)
    except Exception as error:
        if lost(error):
            raise
        log.error("nobody could be told that inbox row %s was parked: %s", row.id, type(error).__name__)


class Decider:
    """Runs :func:`decide_some` on a store whenever ``wake`` is set (or something put off comes due), and sets
    ``outbox_wake`` after each transaction that decided something.
    """

    def __init__(
        self,
        store: Store,
        decide: Decide,
        parked: Parked,
        clock: Clock,
        wake: asyncio.Event,
        outbox_wake: asyncio.Event,
    ) -> None:
        self._store = store
        self._decide = decide
        self._parked = parked
        self._clock = clock
        self._outbox_wake = outbox_wake
        self._draining = False
        self.loop = Loop("decider", self.turn, wake)

    def start(self) -> None:
        """Begin to decide, in the running event loop."""
        self._draining = False
        self.loop.start()

    async def drain(self) -> None:
        """Take no new row, finish the one in hand, end. What waits is decided after the next start."""
        self._draining = True
        await self.loop.stop()

    async def turn(self) -> float:
        """One transaction of decisions. Returns how many seconds may pass until the next."""
        now = self._clock()

        def job(session: Session) -> tuple[int, bool, datetime | None]:
            touched = decide_some(session, self._decide, self._parked, now, stop=lambda: self._draining)
            more = bool(touched) and bool(_heads(session, now, 1))
            return touched, more, None if more else next_due(session, now)

        touched, more, due = await self._store.write(job)
        if touched:
            self._outbox_wake.set()
        return 0 if more else min(seconds_until(due, now), POLL_SECONDS)
