"""``snooze``: the reminders of a case wait for some days. The warnings before a release date come all the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatops.commands.declare import TEAM_ROOMS, BadValue, CaseUse, Command, Who, words
from chatops.commands.desk import Decision, Desk, Refusal, working
from chatops.commands.ledger import stamp
from chatops.commands.moving import edit_case
from chatops.commands.typed import short
from chatops.document import Action, Document, Tlp, para, when
from chatops.model.changes import Happened

LONGEST = timedelta(days=30)
_SPAN = re.compile(r"(?:for\s+)?(\d{1,4})\s*(hours?|h|days?|d|weeks?|w)?", re.IGNORECASE)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class Span:
    """How long: ``2 days``, ``6 hours``, ``1 week``; ``off`` is no time at all."""

    name: str = "HOW-LONG"

    def read(self, word: str, desk: Desk) -> timedelta:
        if word.casefold() == "off":
            return timedelta(0)
        found = _SPAN.fullmatch(word.strip())
        if found is None:
            raise BadValue(f'"{short(word)}" is no span of time; write 2 days, 6 hours, 1 week, or off')
        span = int(found[1]) * _UNITS[(found[2] or "d")[0].casefold()]
        if not timedelta(0) < span <= LONGEST:
            raise BadValue(f"reminders wait for an hour to {LONGEST.days} days; write 2 days")
        return span

    def suggest(self, desk: Desk) -> list[str]:
        return ["1 day", "2 days", "1 week", "off"]


@dataclass(frozen=True)
class Snooze:
    span: timedelta = words(Span(), "2 days, 6 hours, 1 week, or off", default=timedelta(days=1))


def handle(desk: Desk, args: Snooze) -> Decision:
    file = working(desk.case)
    until: datetime | None = desk.now + args.span if args.span else None
    if until is None and file.case.snoozed_until is None:
        raise Refusal(f"the reminders of {file.id} do not wait for anything")
    change = edit_case(file, snoozed_until=until)
    what = "snoozed" if until else "snooze ended"
    facts = {"until": stamp(until)} if until else {}
    still = para("The warnings before a release date come all the same.")
    reply = Document(
        title=f"{file.id}: its reminders wait" if until else f"{file.id}: its reminders come again",
        kind="snooze",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para("Until ", when(until), "."), still) if until else (),
    )
    return Decision(reply=reply, events=[Happened(what, file.id, facts, changes=(change,))])


def snooze_action(case: str) -> Action:
    """The button that stands below reminders."""
    return Action(label="remind in 2 days", command=f"snooze {case} 2 days", emoji="💤")


COMMAND = Command(
    verb="snooze",
    summary="have the reminders of a case wait",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="snooze DS-2026-7KQ4 2 days",
    args=Snooze,
    case=CaseUse.NEEDED,
    handle=handle,
)
