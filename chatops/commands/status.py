"""``status``: what a downstream says of its own packages; silence is its own state (policy steps 2 and 3)."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.cards import people, said
from chatops.commands.declare import CaseUse, Command, Who, option, positional
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Choice, Version
from chatops.commands.moving import edit_downstream, moved
from chatops.document import Document, Tlp
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.machines import FixStatus
from chatops.model.moves import Move
from chatops.model.people import PlaceKind

VALUES = ("affected", "not-affected", "investigating", "fix-ready", "deployed")
BEARS = {
    **dict.fromkeys(VALUES, frozenset({FixStatus.UNAWARE, FixStatus.AWARE})),
    "fix-ready": frozenset(FixStatus) - {FixStatus.DEPLOYED},
    "deployed": frozenset(FixStatus),
}
"""Where an organisation may stand who says so: a fix that was there does not go away, except by a correction."""


@dataclass(frozen=True)
class Status:
    value: str = positional(Choice(VALUES, "VALUE"), ", ".join(VALUES))
    version: str | None = option(Version(), "of your package")


def handle(desk: Desk, args: Status) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    one = file.participants[desk.actor.id]
    if one.organisation is None:
        raise Refusal("you speak for no organisation in this case; ask a coordinator to set yours")
    down = file.downstreams[one.organisation]
    if FixStatus(down.fix) not in BEARS[args.value]:
        raise Refusal(f"{one.organisation} is {said(down)}; if that was a mistake, ask a coordinator to correct it")
    steps = moved(file, Move(f"status {args.value}"), actor=desk.actor.id)
    change = edit_downstream(
        file,
        one.organisation,
        answer=args.value,
        version=args.version,
        answered_by=desk.actor.id,
        answered_at=desk.now,
    )
    facts = {"who": one.organisation, "status": args.value} | ({"version": args.version} if args.version else {})
    shown = card(file, f"{one.organisation} is {said(down)}")
    messages: list[Outgoing] = [Message(Security(), shown)]
    messages.append(Message(CaseRoom(file.id), shown, echo=True))
    return Decision(
        reply=shown,
        events=[Happened("status", file.id, facts, changes=(*steps, change))],
        messages=messages,
    )


def card(file: CaseFile, title: str) -> Document:
    """News of a status, over everybody's."""
    table = people(file)
    return Document(
        title=f"{file.id}: {title}",
        kind="status",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(table,) if table else (),
    )


COMMAND = Command(
    verb="status",
    summary="say how your packages stand: " + ", ".join(VALUES),
    who=Who.MEMBER,
    where=frozenset({PlaceKind.EMBARGO, PlaceKind.DIRECT}),
    example="status DS-2026-7KQ4 fix-ready version=1.0.0-3+deb12u1",
    args=Status,
    case=CaseUse.NEEDED,
    handle=handle,
)
