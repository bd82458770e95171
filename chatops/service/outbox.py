"""The outbox, on a session: which effects may be tried now, and what is written down of each try.

A row is marked attempted, with a lease, in a transaction before it is sent; its payload is frozen from then on, and its
key stays the same however often it is tried. Order is kept within a conversation: only its first unsettled row may go.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom
from typing import Any, Literal, NamedTuple, get_args

from pydantic import TypeAdapter
from sqlalchemy import bindparam, update
from sqlalchemy import select as sql_select
from sqlalchemy.orm import defer
from sqlmodel import Session, select

from chatops.model.flow import STUCK, OutboxRow
from chatops.model.people import PlaceKind
from chatops.ports import (
    CveDeed,
    Deed,
    Effect,
    Enter,
    HostDeed,
    Impossible,
    Invite,
    Leave,
    OpenRoom,
    Outcome,
    Post,
    Receipt,
    Received,
    Remove,
    Retire,
    TryLater,
    TryPatch,
    Upload,
)
from chatops.service.heads import UNSETTLED, Heads
from chatops.service.intake import enqueue
from chatops.service.store import lost, nested
from chatops.service.tables import OCCUPANT, OUTBOX, PLACE, change_claimed, change_outbox


class Ruling(NamedTuple):
    """What the gate says of one attempt. ``code`` is a short machine word, for the fault and the log."""

    verdict: Literal["pass", "hold", "refuse"]
    code: str = ""


PASS = Ruling("pass")
ABSENT = Ruling("hold", "not-there-yet")
"""Nobody has come to the place yet, and who comes later sees nothing from before. :func:`let_go` when somebody came."""
Gate = Callable[[Session, OutboxRow, datetime], tuple[Literal["pass", "hold", "refuse"], str]]
"""May this row be sent to its place, now? Asked before every attempt. If it raises, nothing is sent."""
Fault = Callable[[Session, OutboxRow, str], None]
"""Journals a refusal or a dead letter and alerts the coordinators. Gets the row and the code."""

LEASE = timedelta(seconds=60)
TRIES = 12
HOLD = timedelta(seconds=2)
HOLD_ABSENT = timedelta(minutes=5)
"""Hundreds may never look at their chat: what waits for them must cost nothing."""
LONGEST_BACKOFF = timedelta(minutes=10)
LONGEST_WAIT = timedelta(hours=1)
"""The longest that a service's own "retry after" is believed."""
NEWS = (OpenRoom, Enter, Invite, Remove, Leave, Retire, Upload, TryPatch, *get_args(CveDeed), *get_args(HostDeed))
"""Deeds whose success is told to the core, as an inbox row of its own; so is what any other brought back. The failure
for good of any deed is, too."""

_JITTER = SystemRandom().random
_ROW = select(OutboxRow).where(OutboxRow.id == bindparam("number"))
_ROOM = sql_select(PLACE.c.room, PLACE.c.kind).where(PLACE.c.id == bindparam("place"))
_DOORS = sql_select(PLACE.c.id, PLACE.c.room).where(
    PLACE.c.id.in_(bindparam("places", expanding=True)), PLACE.c.state == "bound"
)
_OCCUPANTS = sql_select(OCCUPANT.c.address).where(OCCUPANT.c.place == bindparam("place"))
_DEED: TypeAdapter[Deed] = TypeAdapter(Deed)
_AFRESH: dict[str, Any] = {"state": "waiting", "not_before": None, "lease_until": None}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """A row that was marked attempted, and the effect to perform. ``lanes`` are what it shares with others that may be
    slow: its place, its service. ``awaited``: the core wants to hear that it is done.
    """

    number: int
    attempts: int
    lanes: tuple[str, ...]
    effect: Effect
    awaited: bool = False

    def __repr__(self) -> str:
        return f"<Claim {self.effect.id}>"


class Outbox:
    """The rules by which rows of ``services`` are claimed and settled. All methods work in the caller's transaction.

    ``lease``: how long an attempt may go on without being renewed before it counts as broken off. ``tries``: after so
    many attempts a row is dead (and again after as many more, if it is retried). ``jitter`` gives numbers in [0, 1).
    """

    def __init__(
        self,
        services: Collection[str],
        gate: Gate,
        fault: Fault,
        *,
        lease: timedelta = LEASE,
        tries: int = TRIES,
        jitter: Callable[[], float] = _JITTER,
    ) -> None:
        self.lease = lease
        self.heads = Heads(services, lease)
        self._services = frozenset(services)
        self._gate = gate
        self._fault = fault
        self._tries = tries
        self._jitter = jitter

    # --- claiming ---

    def claim(
        self, session: Session, now: datetime, free: int, busy: Collection[Claim], share: int, *, careful: bool = True
    ) -> tuple[list[Claim], bool]:
        """Mark up to ``free`` rows attempted. ``busy`` are those in flight. Also says whether rows were found that do
        not go (refused, held, dead), so that those behind them may: then call again soon.

        One place gets at most ``share`` at once, and so does one service beside others: what is slow blocks nobody.
        Unless ``careful``, it raises where a row cannot be judged, and the caller gives the transaction up.
        """
        used: Counter[str] = Counter(lane for claim in busy for lane in claim.lanes)
        flying = {claim.number for claim in busy}
        full = {lane for lane, count in used.items() if count >= share}
        claims: list[Claim] = []
        passed = False
        for head in self.heads.find(session, now, free * 4, full) if free > 0 else ():
            lanes = (head.lane,) if len(self._services) == 1 else (head.lane, head.service)
            if head.number in flying or any(used[lane] >= share for lane in lanes):
                continue
            claim = (self._attempt if careful else self._try)(session, head.number, lanes, now)
            if claim is None:
                passed = True
                continue
            claims.append(claim)
            used.update(lanes)
            if len(claims) >= free:
                break
        return claims, passed

    def renew(self, session: Session, now: datetime, claims: Iterable[Claim]) -> None:
        """Extend the leases of attempts that are still under way (a large upload)."""
        for claim in claims:
            change_claimed(session, claim.number, claim.attempts, lease_until=now + self.lease)

    def _attempt(self, session: Session, number: int, lanes: tuple[str, ...], now: datetime) -> Claim | None:
        """Ask the gate about one row and mark it. None if it does not go now; why is written down."""
        row: OutboxRow | None = None
        try:
            with nested(session) as inner:
                found = inner.execute(_ROW, {"number": number}).scalar_one()
                deed = _DEED.validate_python(found.deed)
                row = found
                inner.expunge(row)
                return self._rule(inner, row, deed, lanes, now)
        except Exception as error:
            if lost(error):
                raise
            if row is None:
                self._bury(session, _without_deed(session, number), "unreadable", now)
            else:
                log.error("effect %s could not be judged: %s", row.key, type(error).__name__)
                self._again(session, row, row.attempts + 1, type(error).__name__, None, now)
            return None

    def _try(self, session: Session, number: int, lanes: tuple[str, ...], now: datetime) -> Claim | None:
        """As :meth:`_attempt`, but without a savepoint, so for rows that can be judged only."""
        row = session.execute(_ROW, {"number": number}).scalar_one()
        session.expunge(row)
        return self._rule(session, row, _DEED.validate_python(row.deed), lanes, now)

    def _rule(
        self, session: Session, row: OutboxRow, deed: Deed, lanes: tuple[str, ...], now: datetime
    ) -> Claim | None:
        tried = row.state == "attempted"
        if row.attempts and is_instant(deed):
            self._bury(session, row, "unknown", now)
            return None
        if tried and (row.attempts - row.spared) % self._tries == 0:
            self._bury(session, row, "unknown", now)
            return None
        target = None
        if isinstance(deed, Post) and deed.edit is not None:
            ready, target = _target(session, row, deed.edit)
            if not ready:
                change_outbox(session, row.id, state="waiting", lease_until=None, not_before=now + HOLD)
                return None
            if target is None:
                deed = deed.model_copy(update={"edit": None})  # there is nothing to edit: say it anew
                change_outbox(session, row.id, deed=deed.model_dump(mode="json"))
        verdict, code = self._gate(session, row, now)
        if verdict == "hold":
            pause = HOLD_ABSENT if code == ABSENT.code else HOLD
            change_outbox(session, row.id, state="waiting", lease_until=None, not_before=now + pause)
            return None
        if verdict != "pass":
            log.error("effect %s refused: %s", row.key, code)
            row.state = "refused"  # as whoever is told of it sees it
            change_outbox(session, row.id, state="refused", lease_until=None, not_before=None, problem=code)
            self._fault(session, row, code)
            if row.step is not None:
                _tell(session, row, f"{row.key}#refused", now, Outcome(effect=row.key, ok=False, problem=code))
            return None
        if isinstance(deed, Post) and deed.doors:  # as late as this: a case's first cards come before its room
            deed = deed.model_copy(update={"doors": opened(session, deed.doors)})
        room, audience, place = _where(session, row, deed)
        effect = Effect(
            id=row.key,
            service=row.service,
            tenant=row.tenant,
            room=room,
            deed=deed,
            attempts=row.attempts,
            first=row.first_at,
            target=target,
            audience=audience,
            case=row.case,
            place=place,
        )
        change_outbox(
            session,
            row.id,
            state="attempted",
            attempts=row.attempts + 1,
            lease_until=now + self.lease,
            not_before=None,
            first_at=row.first_at or now,
        )
        assert row.id is not None
        return Claim(row.id, effect.attempts + 1, lanes, effect, isinstance(deed, NEWS) or row.step is not None)

    # --- settling ---

    def settle(self, session: Session, now: datetime, claim: Claim, result: Receipt | BaseException) -> None:
        """Write down how an attempt ended: done, to be tried again, or dead.

        Does nothing if the row was claimed anew since (the lease ran out): whoever has it now settles it.
        """
        if isinstance(result, Receipt):
            ended = {"state": "done", "event": result.event, "done_at": now, "lease_until": None, "problem": None}
            held = change_claimed(session, claim.number, claim.attempts, **ended)
            if held and (claim.awaited or result.data):
                row = _without_deed(session, claim.number)
                _tell(session, row, row.key, now, Outcome(effect=row.key, ok=True, data=result.data))
            return
        row = _without_deed(session, claim.number)
        if row.state != "attempted" or row.attempts != claim.attempts:
            return
        code = result.code if isinstance(result, TryLater | Impossible) else type(result).__name__
        spared = isinstance(result, TryLater) and not result.counts
        level = logging.INFO if spared else logging.WARNING  # of a token that is no good, the service said so once
        log.log(level, "effect %s failed (attempt %d): %s", row.key, row.attempts, code)
        if isinstance(result, Impossible) or is_instant(claim.effect.deed):
            self._bury(session, row, code, now, quiet=is_instant(claim.effect.deed))
        else:
            after = result.after if isinstance(result, TryLater) else None
            self._again(session, row, row.attempts, code, after, now, spared=spared)

    def _again(
        self,
        session: Session,
        row: OutboxRow,
        attempts: int,
        code: str,
        after: timedelta | None,
        now: datetime,
        *,
        spared: bool = False,
    ) -> None:
        """Put a row off; bury it if it was tried often enough."""
        row.attempts = attempts
        row.spared += spared
        if not spared and (attempts - row.spared) % self._tries == 0:
            self._bury(session, row, code, now)
            return
        backoff = min(timedelta(seconds=2 ** min(attempts - 1, 20)), LONGEST_BACKOFF) * (0.5 + self._jitter() / 2)
        wait = max(min(after or timedelta(0), LONGEST_WAIT), backoff)
        change_outbox(
            session,
            row.id,
            state="waiting",
            attempts=attempts,
            spared=row.spared,
            lease_until=None,
            not_before=now + wait,
            problem=code,
        )

    def _bury(self, session: Session, row: OutboxRow, code: str, now: datetime, *, quiet: bool | None = None) -> None:
        """A dead letter: those behind it pass, the core and (unless it was an instant answer) people are told."""
        if quiet is None:
            quiet = code != "unreadable" and is_instant(_DEED.validate_python(row.deed))
        log.error("effect %s is dead: %s", row.key, code)
        change_outbox(
            session, row.id, state="dead", attempts=row.attempts, lease_until=None, not_before=None, problem=code
        )
        if quiet:
            return
        # Its own identity for each death: a retry may bring another, and the success after it has the plain one.
        _tell(session, row, f"{row.key}#{row.attempts}", now, Outcome(effect=row.key, ok=False, problem=code))
        try:
            with nested(session) as inner:
                self._fault(inner, row, code)
        except Exception as error:
            if lost(error):
                raise
            log.error("nobody could be told that effect %s is dead: %s", row.key, type(error).__name__)


def take_up(session: Session) -> None:
    """Let attempts that a process left behind be made again at once, not only when their leases run out.

    Only where no other process can have one in flight.
    """
    session.execute(update(OUTBOX).where(OUTBOX.c.state == "attempted").values(lease_until=None))


def let_go(session: Session, place: str) -> None:
    """Have what is held for a place asked about again at once: somebody came or went."""
    held = (OUTBOX.c.place == place, OUTBOX.c.state == "waiting")
    session.execute(update(OUTBOX).where(*held).values(not_before=None))


def resume(session: Session, service: str) -> None:
    """A service takes us again: let what waits for it be tried at once, but for what it wants later by its own word."""
    waits = (OUTBOX.c.service == service, OUTBOX.c.state == "waiting", OUTBOX.c.problem.is_distinct_from("ratelimited"))
    session.execute(update(OUTBOX).where(*waits).values(not_before=None))


def again(session: Session, code: str, *, give_up: bool = False, unsent: bool = False) -> bool:
    """Let what failed for good, or was refused, be tried again, as often as a new one; or give it up (with ``unsent``,
    what still waits, too).

    ``code`` begins its key. It passes the gate again before it goes. False if there is no such row.
    """
    values: dict[str, Any] = {"state": "skipped"} if give_up else _AFRESH
    states = (*STUCK, *(("waiting",) if unsent else ()))
    stuck = OUTBOX.c.key.startswith(code, autoescape=True), OUTBOX.c.state.in_(states)
    done = session.execute(update(OUTBOX).where(*stuck).values(**values))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def opened(session: Session, doors: Mapping[str, str]) -> dict[str, str]:
    """The rooms' own ids for our ids of them, by case, of those that there are by now."""
    rooms = {id_: room for id_, room in session.execute(_DOORS, {"places": list(doors.values())}) if room is not None}
    return {case: rooms[place] for case, place in doors.items() if place in rooms}


def is_instant(deed: Deed) -> bool:
    """Whether a deed is done at most once."""
    return isinstance(deed, Post) and deed.instant


def _where(session: Session, row: OutboxRow, deed: Deed) -> tuple[str | None, tuple[str, ...] | None, PlaceKind | None]:
    """The room of an effect, who may be in it when something is said there, and what the place is to us."""
    found = session.execute(_ROOM, {"place": row.place}).one_or_none() if row.place is not None else None
    if found is None:
        return row.room, None, None
    audience = None
    if isinstance(deed, Post | Upload) and found.kind != PlaceKind.PUBLIC:
        audience = tuple(sorted(session.execute(_OCCUPANTS, {"place": row.place}).scalars()))
    return found.room or row.room, audience, PlaceKind(found.kind)


def _target(session: Session, row: OutboxRow, key: str) -> tuple[bool, str | None]:
    """Whether an edit may go, and the event id of the message that it replaces (None: there is none).

    Where the effect named is itself an edit, the message is the one that that replaced.
    """
    for _ in range(100):
        edited = session.exec(select(OutboxRow).where(OutboxRow.key == key)).first()
        if edited is None or edited.id is None or row.id is None or edited.id >= row.id:
            return True, None
        if edited.state in UNSETTLED:
            return False, None
        if edited.state != "done":
            return True, None
        further = edited.deed.get("edit")
        if further is None:
            return True, edited.event
        key = further
    return True, None


def _without_deed(session: Session, number: int) -> OutboxRow:
    """A row as it stands now, but for its payload."""
    query = select(OutboxRow).where(OutboxRow.id == number).options(defer(OutboxRow.deed))  # type: ignore[arg-type]
    return session.exec(query.execution_options(populate_existing=True)).one()


def _tell(session: Session, row: OutboxRow, key: str, now: datetime, outcome: Outcome) -> None:
    conversation = f"outcome:{row.place or row.key}"
    enqueue(session, [Received(service="outcome", key=key, conversation=conversation, at=now, event=outcome)])
