"""What was private and could not be said, for want of a key to encrypt it to: said once there is a key, once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from chatops.commands.desk import Message, Security
from chatops.document import Document, Tlp, para, typed
from chatops.model.book import Book
from chatops.model.flow import OutboxRow
from chatops.model.people import PlaceKind
from chatops.service.gate import gate
from chatops.service.tables import change_outbox

WITHHELD = "withheld"
"""The problem of an effect that is done, and of which its reader was told no more than to get in touch."""


def no_key(name: str, case: str | None) -> Message:
    """The team hears it, with what to do."""
    document = Document(
        title=f"{name} could not be told: I have no key to encrypt mail to them",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(
            para("I asked them to get in touch, and said nothing else. What is still to come is held back as well."),
            para("What was held back goes out when you paste their key after: ", typed(f"contacts change {name}")),
            para("Or put another address of theirs on record: ", typed(f"contacts show {name}")),
        ),
        tone="alert",
    )
    return Message(Security(), document, kind="alert")


def on_its_way(name: str, number: int) -> Message:
    """The team hears that somebody is told after all."""
    what = "the message that was" if number == 1 else f"{number} messages that were"
    document = Document(
        title=f"{name} is sent {what} held back for want of a key",
        kind="contacts",
        tlp=Tlp.AMBER_STRICT,
        tone="good",
    )
    return Message(Security(), document)


def ready(session: Session, book: Book, contact: str, now: datetime) -> Sequence[OutboxRow]:
    """What was held back from somebody and may be said to them still, oldest first; from now on none of it is held
    back. Of what says the same, and of questions about one case, the newest.
    """
    places = [place.id for place in book.places(PlaceKind.DIRECT, contact=contact)]
    held = col(OutboxRow.place).in_(places), OutboxRow.state == "done", OutboxRow.problem == WITHHELD
    rows = session.exec(select(OutboxRow).where(*held).order_by(col(OutboxRow.id))).all()
    newest: dict[tuple[str | None, ...], OutboxRow] = {}
    for row in rows:
        session.expunge(row)
        change_outbox(session, row.id, problem=None)
        same = "" if row.kind == "question" else json.dumps(row.deed.get("document") or row.deed, sort_keys=True)
        newest.pop((row.kind, row.case, same), None)
        newest[row.kind, row.case, same] = row
    return [row for row in newest.values() if gate(session, row, now).verdict != "refuse"]
