"""A drill: the whole process is played, and nothing of it leaves the security room.

What a decision about a drill case would have said or done elsewhere becomes a card in the security room that says so.
The gate refuses whatever of a drill is bound for another place all the same.
"""

from __future__ import annotations

from dataclasses import replace

from chatops.commands.desk import (
    Attach,
    CaseRoom,
    ConsentQuestion,
    Decision,
    Direct,
    EmbargoOver,
    Here,
    Message,
    Public,
    Security,
    Target,
)
from chatops.document import Document, Tlp, para
from chatops.model.book import Book
from chatops.model.changes import Change, Happened, Moved
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.ports import PublishCve, ReserveCve

MARK = "DRILL"
RECORDS = frozenset(str(table.__tablename__) for table in (Release, Archive, ArchiveDigest))
"""What strangers are answered from: a rehearsal must not be found in it."""


def drill_of(decision: Decision, book: Book) -> str | None:
    """The drill case that a decision is about, if it is."""
    named = [one.case for one in decision.events] + [one.case for one in decision.jobs]
    documents = [decision.reply, *(_document(one) for one in decision.messages if isinstance(one, Message))]
    for case in dict.fromkeys((*named, *(one.case for one in documents if one is not None))):
        if case and book.is_drill(case):
            return case
    return next((one.case for one in decision.events if any(map(_begins, one.changes))), None)


def _begins(change: Change | Moved) -> bool:
    return isinstance(change, Change) and bool((change.values or {}).get("drill"))


def rehearsed(decision: Decision, case: str, book: Book, *, inside: bool) -> Decision:
    """The decision with every word marked and bound for the security room. ``inside``: it was taken there."""
    messages: list[Message | Attach] = []
    reply = decision.reply
    if reply is not None and reply.case is not None:
        messages += [] if inside else [Message(Security(), marked(reply, "an answer"))]
        reply = marked(reply) if inside else Document(title=f"{MARK}: answered in the security room", kind="answer")
    for one in decision.messages:
        if isinstance(one, Attach):
            there = isinstance(one.to, Security) or (isinstance(one.to, Here) and inside)
            messages.append(one if there else Message(Security(), _file(one, case, _to(one.to, book))))
        elif isinstance(one.to, Security):
            messages.append(replace(one, text=marked(_document(one))))
        else:
            card = marked(_document(one), _to(one.to, book), case)
            messages.append(Message(Security(), _with_parts(card, _document(one), one.to, book)))
    for job in decision.jobs:
        whom, instead = "the release host", "To go on, paste the check lines after the version."
        if isinstance(job.deed, ReserveCve | PublishCve):
            whom, instead = "CVE Services", "To go on, record an id of your own making, as in CVE-1999-0001."
        note = para(f"Nothing was asked of {whom}. {instead}")
        title = f"{MARK}: here {whom} would be asked: {job.deed.t}"
        messages.append(Message(Security(), _card(title, case).model_copy(update={"blocks": (note,)})))
    return replace(
        decision, reply=reply, messages=messages, jobs=[], events=[_unrecorded(one) for one in decision.events]
    )


def _unrecorded(happened: Happened) -> Happened:
    return replace(happened, changes=tuple(one for one in happened.changes if getattr(one, "table", "") not in RECORDS))


def _document(message: Message) -> Document:
    text = message.text
    return text.document() if isinstance(text, ConsentQuestion | EmbargoOver) else text


def _to(target: Target, book: Book) -> str:
    match target:
        case Direct(contact):
            known = book.contact(contact)
            return f"to {known.name if known else 'somebody'}"
        case CaseRoom():
            return "to the embargo room"
        case Public():
            return "to every public room"
        case _:
            return "an answer"


def marked(document: Document, to: str | None = None, case: str | None = None) -> Document:
    """What goes elsewhere loses its buttons: they are for those whom it was meant for."""
    title = f"{MARK}, {to}: {document.title}" if to else f"{MARK}: {document.title}"
    update: dict[str, object] = {"title": title}
    if to:
        update |= {"actions": (), "case": document.case or case, "tlp": max(document.tlp, Tlp.AMBER_STRICT)}
    return document.model_copy(update=update)


def _with_parts(marked: Document, document: Document, target: Target, book: Book) -> Document:
    """What is meant for one person bears their buttons: whoever presses one plays their part."""
    known = book.contact(target.contact) if isinstance(target, Direct) else None
    if known is None:
        return marked
    parts = tuple(
        action.model_copy(
            update={"label": f"{action.label} (as {known.name})", "command": f"play {known.name} {action.command}"}
        )
        for action in document.actions
    )
    return marked.model_copy(update={"actions": parts})


def _card(title: str, case: str) -> Document:
    return Document(title=title, kind="drill", tlp=Tlp.AMBER_STRICT, case=case)


def _file(attach: Attach, case: str, to: str) -> Document:
    return _card(f"{MARK}, {to}: the file {attach.upload.name}", case)
