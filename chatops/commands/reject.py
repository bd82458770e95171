"""``reject``: a report that is none, with a reason that reaches the reporter (policy step 1)."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, raw
from chatops.commands.desk import Alarm, Decision, Desk, Message, Outgoing, Security, working
from chatops.commands.kinds import Text
from chatops.commands.moving import edit_case, moved
from chatops.commands.report import to_reporters
from chatops.document import Document, Tlp, para, quote, typed
from chatops.model.changes import Change, Happened, Moved
from chatops.model.machines import Report
from chatops.model.moves import Move


@dataclass(frozen=True)
class Reject:
    reason: str = raw(Text("REASON", 4000), "why; the reporter reads it")


def handle(desk: Desk, args: Reject) -> Decision:
    file = desk.case
    working(file)
    steps = moved(file, Move.REJECT)
    closed = file.case.report == Report.CLOSED
    values: dict[str, object] = {"outcome": "rejected", "reason": args.reason, "next_word": None}
    if closed:
        values["closed_at"] = desk.now
    changes: tuple[Change | Moved, ...] = (edit_case(file, **values), *steps)
    note = Document(
        title=f"{file.id}: rejected by {desk.actor.name}",
        kind="rejection",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(quote(args.reason),),
    )
    messages: list[Outgoing] = [Message(Security(), note, echo=True)]
    messages += to_reporters(file, _to_reporter(file.id, args.reason))
    return Decision(
        reply=note,
        events=[Happened("rejected", file.id, text=args.reason, changes=changes)],
        messages=messages,
        alarms=[Alarm(f"next-word:{file.id}", "next-word", None)],
    )


def _to_reporter(case: str, reason: str) -> Document:
    return Document(
        title=f"{case}: we do not see a vulnerability in this",
        kind="progress",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(
            quote(reason),
            para(
                "If you think that we are wrong, tell us more: ", typed(f"report {case} …"), ". Thank you for looking."
            ),
        ),
    )


COMMAND = Command(
    verb="reject",
    summary="say that a report is no vulnerability; the reporter reads why",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="reject DS-2026-7KQ4 This needs root already, and root may do it anyway.",
    args=Reject,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
