"""``statement``: the holding statement after a leak: a few fixed words to the public, under one person's name.

One coordinator is enough (model.md, fix and exposure), but nothing goes out that they did not read: the code under the
preview stands for exactly its words.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from chatops.commands.announcement import framed
from chatops.commands.declare import CaseUse, Command, Who, positional
from chatops.commands.desk import Decision, Desk, Message, Outgoing, Public, Refusal, Security
from chatops.commands.kinds import Word
from chatops.commands.typed import short
from chatops.document import Action, Document, Tlp, fields
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.journal import entries
from chatops.model.machines import Exposure
from chatops.model.people import PlaceKind

SENT = "holding statement published"


@dataclass(frozen=True)
class Statement:
    code: str | None = positional(Word("CODE"), "the code under the preview: send it", default=None)


def handle(desk: Desk, args: Statement) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    if file.public:
        raise Refusal(f"{file.id} is announced already")
    if not Exposure(file.case.exposure).public:
        raise Refusal(f"{file.id} is not known to be public; first: exposed {file.id} public")
    public = _public(desk)
    code = hashlib.sha256(f"{file.id} {public.model_dump_json()}".encode()).hexdigest()[:6].upper()
    if any(entry.what == SENT and entry.told["facts"]["code"] == code for entry in entries(desk.book.session, file.id)):
        raise Refusal(f"that statement about {file.id} went out already")
    rooms = len(desk.book.places(PlaceKind.PUBLIC))
    if args.code is None:
        return Decision(reply=_preview(file, public, code, rooms))
    if args.code.upper() != code:
        raise Refusal(f"{short(args.code)} does not stand for what would go out; read it first: statement {file.id}")
    done = Document(
        title=f"{file.id}: the holding statement is out, in {desk.actor.name}'s name",
        kind="statement",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(fields(("Public rooms", str(rooms))),),
        tone="good",
    )
    messages: list[Outgoing] = [Message(Public(), public)]
    messages.append(Message(Security(), done, echo=True))
    return Decision(reply=done, events=[Happened(SENT, file.id, {"code": code})], messages=messages)


def _public(desk: Desk) -> Document:
    """What the public reads: the project's own template, which says nothing of a case."""
    return Document(
        title=f"{desk.project}: a word from the security team",
        kind="statement",
        blocks=desk.settings.words("holding", name=desk.actor.name),
        tone="warning",
    )


def _preview(file: CaseFile, public: Document, code: str, rooms: int) -> Document:
    return Document(
        title=f"{file.id}: send this to the public, in your name?",
        kind="preview",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            fields(("Public rooms", str(rooms) if rooms else "none: I was asked into none, so post it yourself")),
            *framed(public),
        ),
        actions=(Action(label="send it", command=f"statement {file.id} {code}", emoji="📢", style="danger"),),
        tone="warning",
    )


COMMAND = Command(
    verb="statement",
    summary="after a leak, a few fixed words to the public, in your name",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="statement DS-2026-7KQ4",
    args=Statement,
    case=CaseUse.NEEDED,
    handle=handle,
)
