"""What the roster looks like: the list, one contact, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chatops.commands.desk import Desk
from chatops.commands.roster_times import RENEW_BEFORE, confirmed_lately
from chatops.document import Block, Document, Line, Tlp, fields, line, para, strong, table, typed, when
from chatops.model.book import Book
from chatops.model.people import Contact
from chatops.ports import Address


def roster(book: Book) -> list[Contact]:
    """The contacts, without those who only reported something."""
    return [contact for contact in book.contacts() if contact.on_roster]


def listing(desk: Desk, people: Sequence[Contact]) -> Document:
    rows = []
    for contact in people:
        reached = ", ".join(dict.fromkeys(_reached(desk, contact))) or "⚠ not reachable"
        about = ", ".join(filter(None, [contact.organisation, *(contact.roles or [])]))
        rows.append((line(strong(contact.name)), line(about or "—"), _standing(desk, contact), line(reached)))
    return Document(
        title=f"{len(rows)} contact{'' if len(rows) == 1 else 's'}",
        kind="contacts",
        tlp=Tlp.AMBER,
        blocks=(
            table(("name", "who", "standing terms", "reached by"), rows),
            para("One of them: ", typed("contacts show NAME"), " · what needs care: ", typed("contacts check")),
        ),
    )


def _standing(desk: Desk, contact: Contact) -> Line:
    until = contact.standing_until
    if until is None:
        return line("no")
    return line("until ", when(until, day=True)) if until > desk.now else line("⚠ expired ", when(until, day=True))


def card(desk: Desk, contact: Contact, addresses: Sequence[Address], title: str) -> Document:
    """All that is on record of somebody."""
    if contact.configured:
        confirmed = line("by the configuration")
    elif contact.left_at is not None:
        confirmed = line("⚠ they said no on ", when(contact.left_at, day=True))
    else:
        confirmed = line(when(contact.confirmed_at, day=True)) if contact.confirmed_at else line("never")
    pairs: list[tuple[str, str | Line]] = [
        ("Organisation", contact.organisation or "none"),
        ("Roles", ", ".join(contact.roles or []) or "none"),
        ("Groups", ", ".join(contact.groups or []) or "none"),
        ("Standing terms", _standing(desk, contact)),
        ("Zone", contact.zone or "UTC"),
        ("Addresses, best first", _addresses(desk, contact, addresses)),
        ("Lead time", f"{contact.lead_days} days" if contact.lead_days else "not said"),
        ("Builds in private", {True: "yes", False: "no", None: "not said"}[contact.builds_private]),
        ("OpenPGP key", _key(contact)),
        ("Last confirmed", confirmed),
    ]
    blocks = (fields(*pairs), *_lacks(desk, contact, addresses))
    return Document(title=title, kind="contacts", tlp=Tlp.AMBER, blocks=blocks)


def _lacks(desk: Desk, contact: Contact, addresses: Sequence[Address]) -> tuple[Block, ...]:
    """In one line, why somebody would miss what is sent to the others."""
    lacks = [] if contact.roles else ["no role, so no group like all-packagers has them"]
    if not any(address.service in desk.services for address in addresses):
        lacks.insert(0, f"no address where I am ({', '.join(sorted(desk.services))}), so they cannot be reached")
    return (para(f"⚠ {'; '.join(lacks)}."),) if lacks else ()


def _reached(desk: Desk, contact: Contact) -> list[str]:
    """The services on which somebody is reached."""
    failing = desk.book.failing(contact.id)
    return [one.service for one in desk.book.addresses(contact.id) if one not in failing]


def _addresses(desk: Desk, contact: Contact, addresses: Sequence[Address]) -> str:
    failing = desk.book.failing(contact.id)
    shown = (
        f"{one.service}:{one.id}" + (" (⚠ what was last sent there came back)" if one in failing else "")
        for one in addresses
    )
    return ", ".join(shown) or "⚠ none"


def _key(contact: Contact) -> str:
    if contact.fingerprint is None:
        return "none"
    missing = "" if contact.public_key else " (the key itself is not on record: nothing can be encrypted to it)"
    return f"{spaced(contact.fingerprint)}{missing}"


def spaced(key: str) -> str:
    """A fingerprint in groups of four, as people compare it."""
    return " ".join(key[at : at + 4] for at in range(0, len(key), 4))


def check(desk: Desk, people: Sequence[Contact]) -> Document:
    """Who can't be reached, or may not be the right person any more. All of them stay on the roster."""
    rows = [
        (line(strong(contact.name)), what, line(typed(how)))
        for contact in people
        for what, how in _problems(desk, contact)
    ]
    if not rows:
        whom = f"{people[0].name} is" if len(people) == 1 else f"all {len(people)} contacts are"
        return Document(
            title=f"{whom} reachable, confirmed, and their terms are in order",
            kind="contacts",
            tlp=Tlp.AMBER,
            tone="good",
        )
    named = len({row[0] for row in rows})
    return Document(
        title=f"{named} of {len(people)} contacts need{'s' if named == 1 else ''} care",
        kind="contacts",
        tlp=Tlp.AMBER,
        blocks=(table(("name", "what", "what to do"), rows), para("Nobody is taken off the roster by themselves.")),
        tone="warning",
    )


def _problems(desk: Desk, contact: Contact) -> Iterator[tuple[Line, str]]:
    change = f"contacts change {contact.name}"
    addresses = desk.book.addresses(contact.id)
    if not addresses:
        yield line("no address is on record"), f"{change} address=SERVICE:ID"
    elif not any(address.service in desk.services for address in addresses):
        services = ", ".join(sorted({address.service for address in addresses}))
        yield line(f"not reachable: known on {services} only, which does not run here"), f"{change} address=SERVICE:ID"
    for address in desk.book.failing(contact.id):
        yield line(f"what was last sent to {address.service}:{address.id} came back"), f"{change} address=SERVICE:ID"
    until = contact.standing_until
    if until is not None and until <= desk.now:
        yield line("standing terms ran out ", when(until, day=True)), f"{change} standing=yes"
    elif until is not None and until - RENEW_BEFORE[0] <= desk.now:
        yield line("standing terms run out ", when(until, day=True)), f"{change} standing=yes"
    if contact.left_at is not None:
        yield (
            line("said on ", when(contact.left_at, day=True), " that they are not the right person"),
            (f"contacts remove {contact.name}"),
        )
    elif not confirmed_lately(contact, desk.now):
        at = contact.confirmed_at
        yield line("last confirmed ", when(at, day=True)) if at else line("never confirmed"), f"{change} confirmed=yes"
