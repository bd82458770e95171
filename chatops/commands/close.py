"""``close``: close a case, with its timeline."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.alarms import no_alarms
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Text
from chatops.commands.moving import edit_case, moved
from chatops.commands.plan import SETTLED
from chatops.commands.report import standing, to_reporters
from chatops.commands.timeline import by_day, marks
from chatops.document import Document, Tlp, line, para, strong
from chatops.model.changes import Happened
from chatops.model.journal import entries
from chatops.model.moves import Move
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Close:
    reason: str | None = raw(Text("REASON", 2000), "why, where no fix was released", default=None)


def handle(desk: Desk, args: Close) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed already")
    if file.case.announcing_at is not None and not file.public:
        raise Refusal(f"{file.id} is being announced; see step {file.id}")
    if any(row.state not in SETTLED for row in desk.book.plan(file.id).values()) and file.public:
        raise Refusal(f"the general release of {file.id} is not finished; see step {file.id}")
    if file.embargoed:
        raise Refusal(
            f"the embargo of {file.id} is in force; announce it, or end it first: embargo {file.id} end REASON"
        )
    if file.case.outcome is None and args.reason is None:
        raise Refusal(f"nothing was released; say why it closes: close {file.id} REASON")
    if file.case.report in ("received", "valid"):
        raise Refusal(f"{file.id} was never judged; triage it, or reject it with a reason: reject {file.id} REASON")
    outcome = file.case.outcome or "closed"
    steps = moved(file, Move.CLOSE)
    change = edit_case(
        file, closed_at=desk.now, outcome=outcome, next_word=None, reason=args.reason or file.case.reason
    )
    told = Happened("closed", file.id, {"outcome": outcome}, text=args.reason, changes=(*steps, change))
    found = list(entries(desk.book.session, file.id))
    last = (desk.now, line(strong("closed"), f": {outcome} ({desk.actor.name})"))  # not in the journal yet

    def card(*, inside: bool) -> Document:
        return Document(
            title=f"{file.id}: closed ({outcome})",
            kind="closed",
            tlp=Tlp.AMBER_STRICT,
            case=file.id,
            blocks=by_day([*marks(file, found, inside=inside), last]),
        )

    messages: list[Outgoing] = [Message(Security(), card(inside=True), echo=True)]
    messages += to_reporters(file, standing(file, "your report is closed. Thank you"))
    messages.append(Message(CaseRoom(file.id), _farewell(file.id, outcome), echo=True))
    return Decision(
        reply=card(inside=desk.place is not PlaceKind.EMBARGO),
        events=[told],
        messages=messages,
        alarms=no_alarms(file),
    )


def _farewell(case: str, outcome: str) -> Document:
    """To the room, which Slack then archives."""
    return Document(
        title=f"{case}: closed ({outcome})",
        kind="closed",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(para("I say nothing more in this room. Thank you for your part in it."),),
    )


COMMAND = Command(
    verb="close",
    summary="close a case, with its timeline",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="close DS-2026-7KQ4",
    args=Close,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
