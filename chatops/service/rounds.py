"""The daily round: every morning, one message in the security room with what lies undone. No message if nothing does.

A case without an owner on the team, a report that nobody triaged, a case in which nothing happens, an announcement that
was begun and not finished. All is looked up when the round is made, so nothing has to be remembered, and a stop of any
length brings one round.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import col, select

from chatops.commands.desk import Alarm, Decision, Message, Security
from chatops.commands.plan import SETTLED
from chatops.config import Policy
from chatops.document import Document, Line, Tlp, bullets, line, para, strong, typed, when
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.journal import Entry
from chatops.model.machines import Report
from chatops.service import renewal
from chatops.service.hours import next_morning, working_time
from chatops.service.unit import Unit

ROUND = "round"
UNFINISHED = timedelta(hours=1)
"""An announcement takes minutes; after this something is wrong with it."""
MOST = 30


def begin(unit: Unit, now: datetime) -> None:
    """The first round, unless one is set already."""
    unit.alarm(Alarm(ROUND, ROUND, _next(unit.book, now), keep=True))


def make(unit: Unit, policy: Policy, now: datetime) -> None:
    """The round of today."""
    items: list[Line] = list(renewal.look(unit, now))
    ping: list[str] = []
    for case in unit.book.open_cases():
        file = unit.book.case(case)
        if file is None or file.case.outcome is not None:
            continue
        found = list(_undone(unit, policy, file, now))
        items += found
        if found:
            ping += _whom(unit.book, file)
    alarm = Alarm(ROUND, ROUND, _next(unit.book, now))
    if not items:
        unit.carry_out(Decision(alarms=[alarm]))
        return
    more = (para(f"… and {len(items) - MOST} more: ", typed("cases")),) if len(items) > MOST else ()
    document = Document(
        title="One thing lies undone" if len(items) == 1 else f"{len(items)} things lie undone",
        kind="round",
        tlp=Tlp.AMBER_STRICT,
        blocks=(bullets(items[:MOST]), *more),
        tone="warning",
    )
    message = Message(Security(), document, ping=tuple(dict.fromkeys(ping)))
    unit.carry_out(Decision(messages=[message], alarms=[alarm]))


def _undone(unit: Unit, policy: Policy, file: CaseFile, now: datetime) -> Iterator[Line]:
    case = file.case
    owner = unit.book.living_owner(file)
    if owner is None:
        who = f"its owner, {file.name(case.owner)}, is not on the team any more" if case.owner else "nobody owns it"
        backup = f" ({file.name(case.backup)} stands in)" if case.backup and file.active(case.backup) else ""
        yield line(strong(file.id), f": {who}{backup}. ", typed(f"own {file.id} WHO"))
    if case.announcing_at is not None and any(row.state not in SETTLED for row in unit.book.plan(file.id).values()):
        if now - case.announcing_at > UNFINISHED:
            how = typed(f"step {file.id}")
            yield line(strong(file.id), ": announcing since ", when(case.announcing_at), ", not finished. ", how)
        return
    zone = owner.zone if owner else None
    if (case.snoozed_until or now) > now or working_time(now, zone) > now:
        return
    if case.triaged_at is None and case.report in (Report.RECEIVED, Report.VALID):
        if now - case.opened_at >= timedelta(days=policy.triage_days):
            days = (now - case.opened_at).days
            yield line(strong(file.id), f": reported {days} days ago, not triaged yet. ", typed(f"triage {file.id}"))
        return
    if (last := _last_deed(unit, file.id)) is not None and now - last >= timedelta(days=policy.stale_days):
        yield line(
            strong(file.id),
            f": nothing happened for {(now - last).days} days. ",
            typed(f"close {file.id}" if file.public else f"tell {file.id} TEXT"),
        )


def _last_deed(unit: Unit, case: str) -> datetime | None:
    """When somebody last did something in a case; what the bot does of itself does not count."""
    query = select(func.max(Entry.at)).where(Entry.chain == case, col(Entry.who) != "chatops")
    return unit.session.exec(query).one()


def _whom(book: Book, file: CaseFile) -> list[str]:
    """Whom a case's undone things concern: its owner, else who stands in, else every coordinator."""
    team = [one.id for one in book.coordinators()]
    return next(([one] for one in (file.case.owner, file.case.backup) if one in team), team)


def _next(book: Book, now: datetime) -> datetime:
    """The next morning, where a coordinator's zone is known there, else in UTC."""
    zone = next((one.zone for one in book.coordinators() if one.zone), None)
    here = now.astimezone(ZoneInfo(zone) if zone else UTC)
    today = next_morning(here)
    return today if today > now else next_morning(here + timedelta(days=1))
