"""``duplicate``: a report of what is known from another case. True, so it is deferred, not rejected (model.md).

Its reporter hears of the other case from then on, as its own reporter does. Members of one never learn of the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import CaseUse, Command, Who, positional, raw
from chatops.commands.desk import Alarm, Decision, Desk, Message, Outgoing, Refusal, Security, working
from chatops.commands.kinds import OtherCase, Text
from chatops.commands.moving import edit_case, edit_participant, joined, moved
from chatops.commands.report import to_reporters
from chatops.document import Block, Document, Tlp, para, quote, typed
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened
from chatops.model.moves import Move
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Duplicate:
    of: CaseFile = positional(OtherCase(), "the case that it is the same as")
    reason: str | None = raw(Text("REASON", 4000), "how one sees that; the reporter reads it", default=None)


def handle(desk: Desk, args: Duplicate) -> Decision:
    file, other = working(desk.case), args.of
    if other.id == file.id:
        raise Refusal(f"{file.id} is no duplicate of itself; name the other case")
    if file.case.drill is not other.case.drill:  # what is said of both would stay inside for one of them
        drill = file if file.case.drill else other
        raise Refusal(f"{drill.id} is a drill; it is linked to no real case")
    if other.case.outcome == "duplicate":
        known = next((one for one, what in (other.case.links or {}).items() if what == "the original"), "another case")
        raise Refusal(f"{other.id} is a duplicate itself, of {known}; name that one")
    if file.public:
        raise Refusal(f"{file.id} is announced already")
    steps = moved(file, Move.DUPLICATE)
    links = {**(file.case.links or {}), other.id: "the original"}
    change = edit_case(file, outcome="duplicate", reason=args.reason, next_word=None, links=links)
    facts = {"of": other.id}
    told = Happened("duplicate", file.id, facts, text=args.reason, changes=(*steps, change))
    attached = Happened("duplicate attached", other.id, {"case": file.id}, changes=_attached(desk, file, other))
    note = Document(
        title=f"{file.id}: a duplicate of {other.id}; they are linked",
        kind="duplicate",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(quote(args.reason),) if args.reason else (),
    )
    messages: list[Outgoing] = [Message(Security(), note, echo=True)]
    messages += to_reporters(file, _to_reporter(file, other, args.reason))
    alarms = [Alarm(f"next-word:{file.id}", "next-word", None)]
    if other.case.next_word is not None:
        alarms.append(Alarm(f"next-word:{other.id}", "next-word", other.case.next_word, other.id))
    return Decision(reply=note, events=[told, attached], messages=messages, alarms=alarms)


def _attached(desk: Desk, file: CaseFile, other: CaseFile) -> tuple[Change, ...]:
    """The reporters of one case become reporters of the other, with their credit and their date."""
    changes: list[Change] = []
    values: dict[str, object] = {"links": {**(other.case.links or {}), file.id: "a duplicate"}}
    for one in file.reporters:
        contact = desk.book.contact(one)
        if contact is not None and one not in other.reporters:
            changes += joined(other, contact, "reporter")
            changes.append(edit_participant(other, one, also_reported=True))
    if other.case.released_at is None:
        credit = [name for name in (other.case.credit, file.case.credit) if name]
        if file.case.credit and file.case.credit not in (other.case.credit or "").split(", "):
            values["credit"] = ", ".join(credit)
        dates = [at for at in (other.case.asked_date, file.case.asked_date) if at is not None]
        if dates and min(dates) != other.case.asked_date:
            values["asked_date"] = min(dates)
    if other.reporters and other.case.next_word is None and other.case.closed_at is None:
        values["next_word"] = desk.days(desk.settings.policy.answer_days)
    return (*changes, edit_case(other, **values))


def _to_reporter(file: CaseFile, other: CaseFile, reason: str | None) -> Document:
    if other.public:
        news: tuple[Block, ...] = (para(f"It is fixed in {other.case.version}, which is public."),)
    else:
        news = (
            para("You hear of it as if yours had come first. To see where it stands: ", typed(f"report {other.id}")),
        )
    return Document(
        title=f"{file.id}: you are right, and somebody told us of the same before",
        kind="progress",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(*((quote(reason),) if reason else ()), *news),
    )


COMMAND = Command(
    verb="duplicate",
    summary="link a case to the one that it is the same as; its reporter hears of it",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),  # members of one case must not learn of another
    example="duplicate DS-2026-7KQ4 DS-2026-9MB3 The same missing check.",
    args=Duplicate,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
