"""``tell``: one update to everybody in the case, each in their place."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Direct, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Choice, Text
from chatops.commands.report import next_word, to_reporters
from chatops.document import Document, Tlp, quote
from chatops.model.casefile import CaseFile
from chatops.model.cases import Note
from chatops.model.changes import Happened, new
from chatops.model.machines import IN_FORCE
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Tell:
    text: str = raw(Text(longest=10_000), "the update, in your words")
    to: str | None = option(Choice(("reporter", "members")), "only to the reporter, or only to the room")


def handle(desk: Desk, args: Tell) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    update = Document(
        title=f"{file.id}: update by {desk.actor.name}",
        kind="update",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(quote(args.text),),
    )
    messages = _to_some(desk, file, update, args.to) if args.to else everywhere(desk, file, update)
    if args.to is not None and all(isinstance(one, Message) and isinstance(one.to, Security) for one in messages):
        raise Refusal(f"{file.id} has no {args.to} that I could tell")
    note = Note(id=desk.fresh(), case=file.id, kind="update", by=desk.actor.id, at=desk.now, text=args.text)
    promised, alarms = next_word(desk, file) if args.to != "members" else ([], [])
    reached = sum(1 for m in messages if isinstance(m, Message) and isinstance(m.to, Direct))
    in_room = any(isinstance(m, Message) and isinstance(m.to, CaseRoom) for m in messages)
    told = [_readers(file)] if in_room and (file.signatories() or not file.embargoed) else []
    told += ["the reporter"] if reached else []
    return Decision(
        reply=Document(
            title=f"{file.id}: told to {' and '.join(told) or 'the team'}",
            kind="update",
            tlp=Tlp.AMBER_STRICT,
            case=file.id,
            tone="good",
        ),
        events=[Happened("update sent", file.id, {"by": desk.actor.name}, changes=(new(note), *promised))],
        messages=messages,
        alarms=alarms,
    )


def _to_some(desk: Desk, file: CaseFile, update: Document, only: str) -> list[Outgoing]:
    """To the reporter alone, a member or not, or to the room alone; the team reads along always."""
    if only == "reporter":
        return [Message(Security(), update, echo=True), *to_reporters(file, update)]
    return [one for one in everywhere(desk, file, update) if not isinstance(one.to, Direct)]


def _readers(file: CaseFile) -> str:
    """Those who read along in the room; once the embargo is over, nobody is bound any more who could be counted."""
    number = len(file.signatories())
    return f"{number} member{'' if number == 1 else 's'}" if file.embargoed else "the room"


def everywhere(desk: Desk, file: CaseFile, document: Document) -> list[Outgoing]:
    """A document to everybody in a case: the room, the reporter, and the team."""
    messages: list[Outgoing] = []
    if file.case.embargo in IN_FORCE or desk.book.places(PlaceKind.EMBARGO, case=file.id):
        messages.append(Message(CaseRoom(file.id), document))
    messages.append(Message(Security(), document, echo=True))
    messages += to_reporters(file, document, but=file.signatories())
    return messages


COMMAND = Command(
    verb="tell",
    summary="one update to everybody in the case, each in their place",
    who=Who.TEAM,
    where=TEAM_ROOMS,
    example="tell DS-2026-7KQ4 The fix is under review; archives follow on Thursday.",
    args=Tell,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
    form=("tell",),
)
