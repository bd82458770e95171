"""``cases``: what is open and due."""

from __future__ import annotations

from chatops import policy
from chatops.commands.cards import board
from chatops.commands.declare import PRIVATE, Command, Who
from chatops.commands.desk import Decision, Desk
from chatops.commands.show import COMMAND as SHOW
from chatops.document import Document, Line, Tlp, door, line, para, table, typed, when
from chatops.model.casefile import CaseFile
from chatops.model.people import PlaceKind

SHOWN = 25


def handle(desk: Desk, args: object) -> Decision:
    known = policy.known_cases(desk.actor, desk.book, COMMAND.who)
    inside = desk.place is not PlaceKind.EMBARGO
    if not inside:
        known = [case for case in known if desk.room is not None and case == desk.room.case]
    if not known:
        return Decision(reply=Document(title="No open cases", kind="cases"))
    files = [file for case in known[:SHOWN] if (file := desk.book.case(case)) is not None]
    rows = [_row(file, inside and desk.actor.coordinator) for file in files]
    more = len(known) - SHOWN
    case = known[0] if len(known) == 1 else None
    held = policy.all_roles(desk.actor, desk.book)
    document = Document(
        title=f"{len(known)} open case{'s' if len(known) > 1 else ''}",
        kind="cases",
        # Without titles a list tells numbers and dates only, which every reader of it has a part in.
        tlp=Tlp.AMBER_STRICT if desk.actor.coordinator else Tlp.GREEN,
        case=case if desk.actor.coordinator and desk.place is PlaceKind.EMBARGO else None,
        blocks=(
            table(("case", "what", "owner", "stands at", "next date"), rows),
            *((para(f"and {more} more"),) if more > 0 else ()),
            para("One of them: ", typed("show CASE" if held & SHOW.who else "report CASE")),
        ),
    )
    return Decision(reply=document)


def _row(file: CaseFile, inside: bool) -> tuple[Line, ...]:
    case = file.case
    step = next((s for s in reversed(board(file).steps) if s.state != "not started"), board(file).steps[0])
    due = case.release_date or case.review_date or case.next_word
    return (
        line(door(case.id)),
        line(case.title if inside else (case.band or "—")),
        line(file.name(case.owner) if case.owner else "nobody"),
        line(f"{step.name.lower()}, {step.state}"),
        line(when(due, day=True)) if due else line("—"),
    )


COMMAND = Command(
    verb="cases",
    summary="what is open and due, as far as you have a part in it",
    who=Who.TEAM | Who.MEMBER | Who.REPORTER,
    where=PRIVATE,
    example="cases",
    handle=handle,
)
