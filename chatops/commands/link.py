"""``link``: another account of somebody on the roster, by a one-time code (model.md, people and places).

The code is shown in a chat that is known to be theirs, and typed from the other account. Only a digest of it is kept.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from chatops.commands.declare import Command, Who, positional
from chatops.commands.desk import Decision, Desk, Direct, Message, Refusal, Security
from chatops.commands.kinds import Word
from chatops.commands.parse import undo
from chatops.commands.roster_changes import linked
from chatops.document import Document, Tlp, para, typed
from chatops.model.cases import Pending
from chatops.model.changes import Change, Happened, new, put
from chatops.model.people import Contact, PlaceKind

VALID = timedelta(minutes=30)
LENGTH = 12
"""Characters of a code: 59 bits."""
UNKNOWN = "that code is not good, or not any more; ask for a new one in the chat in which I know you: link"


@dataclass(frozen=True)
class Link:
    code: str | None = positional(
        Word("CODE"), "as you were shown it in the chat in which I know you; left out there, you get one", default=None
    )


def handle(desk: Desk, args: Link) -> Decision:
    if desk.room is None:
        raise Refusal("link works in a direct chat with me on Slack or Matrix")
    if desk.in_the_open:
        raise Refusal("This chat is not encrypted, so anybody could write here in your name; link works in one that is")
    if args.code is not None:
        return _link(desk, args.code)
    contact = desk.actor.contact
    if contact is None or not contact.on_roster:
        raise Refusal(UNKNOWN)
    return give(desk, contact, by=desk.actor.name)


def give(desk: Desk, contact: Contact, *, by: str) -> Decision:
    """A new code for somebody, into the chat in which they are known; it voids the one before."""
    if contact.configured:
        raise Refusal(f"the addresses of {contact.name} are in the configuration; add the other one there")
    code = desk.code(LENGTH)
    row = Pending(
        code=_digest(code),
        case=None,
        line="link",
        digest="",
        by=contact.id,
        hand="",
        made_at=desk.now,
        expires_at=desk.now + VALID,
    )
    old = [put(Pending, one.code, state="void") for one in desk.book.open_links(contact.id)]
    shown = "-".join(code[at : at + 4] for at in range(0, LENGTH, 4))
    card = Document(
        title="to add another account of yours, write this to me from it",
        kind="link",
        tlp=Tlp.GREEN,
        blocks=(
            para(typed(f"link {shown}")),
            para(
                f"In a direct chat, within {VALID.seconds // 60} minutes, once. Give it to nobody: who types it is you."
            ),
        ),
    )
    asked = Happened("link code given", None, {"who": contact.name, "by": by}, changes=(*old, new(row)))
    if contact.id == desk.actor.id and desk.place is PlaceKind.DIRECT:
        return Decision(reply=card, events=[asked])
    reply = Document(title=f"{contact.name} has a code to add another account with", kind="contacts", tone="good")
    return Decision(reply=reply, events=[asked], messages=[Message(Direct(contact.id), card)])


def _link(desk: Desk, told: str) -> Decision:
    """Whatever is wrong with a code, the answer is the same: nobody learns that there is one."""
    row = desk.book.pending(_digest(undo(told)))
    if row is None or row.line != "link" or row.state != "open" or row.expires_at <= desk.now:
        raise Refusal(UNKNOWN)
    contact = desk.book.contact(row.by)
    if contact is None or not contact.on_roster or contact.configured:
        raise Refusal(UNKNOWN)
    if desk.actor.contact is not None:
        mine = desk.actor.contact.id == contact.id
        raise Refusal(
            "this account is known as yours already; type the code from the other one"
            if mine
            else "this account is on record by itself already, and stays so: use each for the cases that it is in"
        )
    address = desk.actor.address
    changes: list[Change] = [put(Pending, row.code, state="used")]
    changes += linked(desk, contact.id, [address], first=len(desk.book.address_ids(contact.id)))
    where = f"{address.service}:{address.id}"
    happened = Happened(
        "account linked", None, {"who": contact.name, "service": address.service}, changes=tuple(changes)
    )
    news = Document(
        title=f"{where} counts as you from now on",
        kind="link",
        tlp=Tlp.GREEN,
        blocks=(para("Was it not you? Tell the security team at once."),),
        tone="warning",
    )
    team = Document(
        title=f"{contact.name} added another account: {where}",
        kind="link",
        tlp=Tlp.AMBER,
        blocks=(para("Which is tried first: ", typed(f"contacts change {contact.name} paths={address.service},…")),),
    )
    services = {one.service for one in desk.book.addresses(contact.id)} & desk.services
    known = [Message(Direct(contact.id, one), news) for one in sorted(services)]  # where they were known before
    return Decision(
        reply=Document(
            title=f"thank you: this account is {contact.name}'s now", kind="link", tlp=Tlp.GREEN, tone="good"
        ),
        events=[happened],
        messages=[*known, Message(Security(), team)],
    )


def _digest(code: str) -> str:
    plain = code.replace("-", "").upper()
    return hashlib.sha256(f"link {plain}".encode()).hexdigest()


COMMAND = Command(
    verb="link",
    summary="add another account of yours, by a code that you type from it",
    who=Who.ALL,
    where=frozenset({PlaceKind.DIRECT}),
    example="link 7KQ4-XM2R-9TPA",
    args=Link,
    handle=handle,
)
