"""``tell``: one update to everybody in the case, each in their place; or a word to one person of it alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Direct, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Choice, Person, Text
from chatops.commands.report import next_word, to_reporters
from chatops.document import Document, Tlp, para, quote
from chatops.model.casefile import CaseFile
from chatops.model.cases import Note
from chatops.model.changes import Happened, new
from chatops.model.machines import IN_FORCE
from chatops.model.people import Contact, PlaceKind
from chatops.policy import team

ALONE = "told alone"


ONLY = Choice(("reporter", "members"))


@dataclass(frozen=True)
class Reader(Person):
    """The reporter, the members, or one person by name."""

    name: str = "reporter|members|WHO"

    def read(self, word: str, desk: Desk) -> Any:
        return word.casefold() if word.casefold() in ONLY.options else super().read(word, desk)

    def suggest(self, desk: Desk) -> list[str]:
        file = desk.file
        people = {one: file.name(one) for one in file.participants if _how(desk, file, one)} if file else {}
        return [*ONLY.options, *sorted(people.values())]


@dataclass(frozen=True)
class Tell:
    text: str = raw(Text(longest=10_000), "the update, in your words")
    to: Contact | str | None = option(Reader(), "only to the reporter, only to the room, or to one person alone")


def handle(desk: Desk, args: Tell) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    if isinstance(args.to, Contact):
        return _to_one(desk, file, args.to, args.text)
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


def _how(desk: Desk, file: CaseFile, contact: str) -> str | None:
    """As what somebody outside the team may be told (of the gate's kinds); None: they may hear nothing of the case."""
    if file.may_stay(contact, desk.now):
        return "details"
    return "reporter" if contact in file.reporters and file.active(contact) else None


def _to_one(desk: Desk, file: CaseFile, contact: Contact, text: str) -> Decision:
    """Where only they read it, whatever rooms they are in. Raises :class:`Refusal` if they may not hear of the case."""
    if contact.id in team(file, desk.book):
        raise Refusal(f"{contact.name} is on the team; write to them yourself")
    kind = _how(desk, file, contact.id)
    if kind is None:
        one = file.participants.get(contact.id)
        first = "has not accepted the terms of" if one is not None and one.asked_at else "has no part in"
        raise Refusal(f"{contact.name} {first} {file.id}, so I tell them nothing of it; see show {file.id}")
    if desk.place is PlaceKind.EMBARGO:
        raise Refusal("every member reads along here; write that in the security room, or to me alone")
    word = Document(
        title=f"{file.id}: {desk.actor.name} writes to you alone",
        kind="update",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(quote(text), para("Only you and the team read this; the case's room does not show it.")),
    )
    sent = word.model_copy(update={"title": f"{file.id}: {desk.actor.name} writes to {contact.name} alone"})
    promised, alarms = next_word(desk, file) if contact.id in file.reporters else ([], [])
    note = Note(id=desk.fresh(), case=file.id, kind="answer", by=desk.actor.id, at=desk.now, text=text)
    facts = {"by": desk.actor.name, "who": contact.name}
    return Decision(
        reply=sent.model_copy(update={"title": f"{file.id}: told to {contact.name} alone", "tone": "good"}),
        events=[Happened(ALONE, file.id, facts, changes=(new(note), *promised))],
        messages=[
            Message(Direct(contact.id), word, ping=(contact.id,), kind=kind),
            Message(Security(), sent, echo=True),
        ],
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
    summary="one update to everybody in the case, each in their place; or to one person alone",
    who=Who.TEAM,
    where=TEAM_ROOMS,
    example="tell DS-2026-7KQ4 The fix is under review; archives follow on Thursday.",
    args=Tell,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
    form=("tell",),
)
