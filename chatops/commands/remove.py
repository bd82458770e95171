"""``remove``: take somebody out of a case. They lose the room at once and get nothing new."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, positional
from chatops.commands.desk import Decision, Desk, Direct, Message, Refusal, Security
from chatops.commands.kinds import Person, Text
from chatops.commands.moving import edit_participant, moved, off_team
from chatops.document import Document, Tlp
from chatops.model.changes import Happened
from chatops.model.moves import Move
from chatops.model.people import Contact


@dataclass(frozen=True)
class Remove:
    who: Contact = positional(Person(), "who")
    reason: str | None = option(Text(longest=1000), "why; for the record, they do not read it")


def handle(desk: Desk, args: Remove) -> Decision:
    file = desk.case
    one = file.participants.get(args.who.id)
    if one is None or one.asked_at is None or one.consent == "removed":
        raise Refusal(f"{args.who.name} is not in {file.id}")
    steps = moved(file, Move.REMOVE, named=args.who.id)
    change = edit_participant(file, args.who.id, terms_until=None, told_now=False, **off_team(one))
    told = Happened("removed", file.id, {"who": args.who.name}, text=args.reason, changes=(*steps, change))
    bye = Document(
        title=f"{file.id}: you are not in this case any more",
        kind="removal",
        tlp=Tlp.GREEN,
    )
    done = Document(title=f"{file.id}: {args.who.name} is out", kind="removal", tlp=Tlp.AMBER_STRICT, case=file.id)
    messages = [Message(Direct(args.who.id), bye), Message(Security(), done, echo=True)]
    return Decision(reply=done, events=[told], messages=[*messages])


COMMAND = Command(
    verb="remove",
    summary="take somebody out of a case and its room",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="remove DS-2026-7KQ4 suse",
    args=Remove,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
