"""Which outbox rows may be tried now: the first of their conversation, due, with a room to go to, and nothing left to
be done in a room that they close.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, exists, func, or_, select
from sqlmodel import Session

from chatops.service.tables import OUTBOX, PLACE

UNSETTLED = ("waiting", "attempted")
SCAN_SECONDS = 5.0

_EARLIER = OUTBOX.alias("earlier")
_UNSAID = OUTBOX.alias("unsaid")
_LANE = func.coalesce(OUTBOX.c.place, OUTBOX.c.room, OUTBOX.c.service)
_HAS_ROOM = or_(OUTBOX.c.place.is_(None), OUTBOX.c.room.is_not(None), PLACE.c.room.is_not(None))
_FREE = (
    select(OUTBOX.c.id, OUTBOX.c.service, _LANE)
    .select_from(OUTBOX.outerjoin(PLACE, PLACE.c.id == OUTBOX.c.place))
    .where(
        OUTBOX.c.state.in_(UNSETTLED),
        OUTBOX.c.service.in_(bindparam("services", expanding=True)),
        or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= bindparam("now")),
        or_(
            OUTBOX.c.lease_until.is_(None),
            OUTBOX.c.lease_until <= bindparam("now"),
            OUTBOX.c.lease_until > bindparam("beyond"),  # the clock was set back since
        ),
        ~exists().where(
            _EARLIER.c.conversation == OUTBOX.c.conversation,
            _EARLIER.c.state.in_(UNSETTLED),
            _EARLIER.c.id < OUTBOX.c.id,
        ),
        or_(  # a room is closed after all that is still to be done there
            OUTBOX.c.kind != "retire",
            ~exists().where(
                _UNSAID.c.place == OUTBOX.c.place, _UNSAID.c.state.in_(UNSETTLED), _UNSAID.c.kind != "retire"
            ),
        ),
        _LANE.not_in(bindparam("full", expanding=True)),
    )
    .order_by(OUTBOX.c.id)
)
_ROOMLESS = (
    select(OUTBOX.c.id)
    .select_from(OUTBOX.outerjoin(PLACE, PLACE.c.id == OUTBOX.c.place))
    .where(
        OUTBOX.c.state.in_(UNSETTLED),
        OUTBOX.c.service.in_(bindparam("services", expanding=True)),
        OUTBOX.c.id > bindparam("since"),
        ~_HAS_ROOM,
    )
)
_READY = (
    _FREE.where(or_(_HAS_ROOM, OUTBOX.c.id.in_(bindparam("openers", expanding=True))))
    .limit(bindparam("rows"))
    .with_for_update(skip_locked=True, of=OUTBOX)
)
_NEXT = select(func.min(OUTBOX.c.not_before)).where(
    OUTBOX.c.state == "waiting",
    OUTBOX.c.not_before > bindparam("now"),
    OUTBOX.c.service.in_(bindparam("services", expanding=True)),
)
_DEED = select(OUTBOX.c.deed).where(OUTBOX.c.id == bindparam("number"))


class Head(NamedTuple):
    """A row that may be tried. ``lane`` is what it shares with others that may be slow: its place."""

    number: int
    service: str
    lane: str


class Heads:
    """Finds the heads of ``services``. ``lease`` is the longest that a lease can be."""

    def __init__(self, services: Collection[str], lease: timedelta) -> None:
        self._services = sorted(services)
        self._lease = lease
        self._opens: dict[int, bool] = {}  # by number, of rows that have no room: whether they make one
        self._newest = 0
        self._scanned = 0.0

    def find(self, session: Session, now: datetime, limit: int, full: Collection[str] = ()) -> list[Head]:
        """Heads, oldest first, but for those of the services and lanes named in ``full``.

        On PostgreSQL they stay locked until the transaction ends, and those that another process locked are left out.
        """
        given = {
            "now": now,
            "beyond": now + self._lease,
            "services": [name for name in self._services if name not in full],
            "full": list(full),
        }
        found = session.execute(_READY, {**given, "openers": self._openers(session), "rows": limit})
        return [Head(number, service, lane) for number, service, lane in found]

    def next_due(self, session: Session, now: datetime) -> datetime | None:
        """When the first of the rows that were put off may be tried again."""
        due: datetime | None = session.execute(_NEXT, {"now": now, "services": self._services}).scalar_one()
        return due

    def forget(self) -> None:
        """Call after a transaction that failed: its row numbers may come again."""
        self._opens.clear()
        self._newest = 0

    def _openers(self, session: Session) -> list[int]:
        """The unsettled rows that make a room.

        Thousands may wait for one (a direct chat with everybody who is told), so each is looked at once; what a deed is
        never changes. Now and then all are gone through, to forget those that went.
        """
        now = time.monotonic()
        if now - self._scanned > SCAN_SECONDS:
            self._scanned, self._newest = now, 0
        given = {"services": self._services, "since": self._newest}
        numbers = session.execute(_ROOMLESS, given).scalars().all()
        if not self._newest:
            self._opens = {number: self._opens[number] for number in numbers if number in self._opens}
        for number in numbers:
            if number not in self._opens:
                self._opens[number] = _opens(session, number)
        self._newest = max(self._opens, default=0)
        return [number for number, opens in self._opens.items() if opens]


def _opens(session: Session, number: int) -> bool:
    try:
        deed = session.execute(_DEED, {"number": number}).scalar_one()
    except ValueError:
        return True  # damaged: whoever attempts it finds that out, and says so
    return bool(deed.get("t") == "open-room")
