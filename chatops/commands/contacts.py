"""``contacts``: the roster. Addresses are the services' own ids; nobody is known by a display name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatops.commands import roster_import
from chatops.commands.contact_cards import card, check, listing, roster
from chatops.commands.declare import Arg, BadValue, CaseUse, Command, Shape, Who, option, positional, raw
from chatops.commands.desk import Decision, Desk, Outgoing, Refusal
from chatops.commands.kinds import Choice, People, Text
from chatops.commands.link import give as give_code
from chatops.commands.roster_changes import (
    added,
    changed,
    check_name,
    columns,
    not_the_last,
    ordered,
    standing_note,
)
from chatops.commands.roster_import import give, take
from chatops.commands.roster_kinds import (
    ROLES,
    Addresses,
    Confirmed,
    Days,
    Fingerprint,
    Groups,
    Key,
    Name,
    Organisation,
    Paths,
    Roles,
    Standing,
    Zone,
    read_key,
)
from chatops.commands.roster_table import FORMATS
from chatops.commands.roster_times import Question
from chatops.commands.still import ask
from chatops.commands.typed import nearest, short
from chatops.document import Document
from chatops.model.book import Book
from chatops.model.changes import Happened, gone, put
from chatops.model.people import Contact, ContactAddress, PlaceKind
from chatops.ports import Address

WHOLE: Mapping[str, Callable[[Desk, Sequence[Contact]], Document]] = {"list": listing, "check": check}
"""What is asked of the whole roster, or of some of it."""
ALIKE = {"delete": "remove", "drop": "remove", "edit": "change", "new": "add", "create": "add"}


@dataclass(frozen=True)
class Contacts:
    action: str = positional(
        Choice((*WHOLE, "show", "add", "change", "ask", "link", "remove", "import", "export"), "ACTION", ALIKE),
        "what to do",
        default="list",
    )
    name: str | None = positional(Name(), "a short name, used in commands; of a file, csv or yaml", default=None)
    organisation: str | None = option(Organisation(), "whom they speak for")
    roles: list[str] | None = option(Roles(), ", ".join(ROLES))
    groups: list[str] | None = option(Groups(), "the groups that they are in")
    address: list[Address] | None = option(Addresses(), "where they are reached, best first")
    paths: list[str] | None = option(Paths(), "which of their services to try first")
    zone: str | None = option(Zone(), "their time zone, as Europe/Berlin")
    key: Key | None = option(Fingerprint(), "their OpenPGP key: the whole fingerprint")
    lead_days: int | None = option(Days(), "how many days they need from the fix to the date")
    builds_private: str | None = option(Choice(("yes", "no")), "whether they can build unseen")
    standing: datetime | str | None = option(Standing(), "whether they agreed to the standing terms, for a year")
    confirmed: datetime | str | None = option(Confirmed(), "when they were last known to be the right person")
    dry_run: str | None = option(Choice(("yes", "no")), "import: only show what would change")
    text: str | None = raw(
        Text("TEXT", 100_000), "add, change: an OpenPGP public key in armour; import: the table", default=None
    )


def handle(desk: Desk, args: Contacts) -> Decision:
    if args.action in ("import", "export"):
        return _file(desk, args)
    if args.text is not None and (args.action not in ("add", "change") or "-----BEGIN PGP" not in args.text):
        raise BadValue(f'"{short(args.text.split()[0])}" is one word too many')
    if args.action in WHOLE:
        return Decision(reply=WHOLE[args.action](desk, _some(desk, args)))
    if args.name is None:
        raise Refusal(f"say which contact. Usage: contacts {args.action} NAME")
    name = args.name
    contact = desk.book.named(name)
    if args.action == "add":
        if contact is not None and contact.active:
            raise Refusal(f"{name} is on the roster already; contacts change {name} …")
        return _add(desk, args, name, contact)
    if contact is None or not contact.active:
        close = nearest(name, [c.name for c in desk.book.contacts()])
        raise Refusal(f"no contact is called {name}" + (f"; did you mean {close}?" if close else ""))
    match args.action:
        case "show":
            return Decision(reply=card(desk, contact, desk.book.addresses(contact.id), contact.name))
        case "change":
            return _change(desk, args, contact)
        case "link":
            return give_code(desk, contact, by=desk.actor.name)
        case "ask":
            return _ask(desk, contact)
        case _:
            return _remove(desk, contact)


def _some(desk: Desk, args: Contacts) -> list[Contact]:
    """The roster, or those of a role, a group or an organisation."""
    some = roster(desk.book)
    if args.name is not None:
        group = f"all-{args.name.removesuffix('s')}s" if args.name.removesuffix("s") in ROLES else args.name
        ids = {contact.id for contact in People().read(group, desk)}
        some = [contact for contact in some if contact.id in ids]
    return [contact for contact in some if args.roles is None or set(args.roles) & set(contact.roles or [])]


def _file(desk: Desk, args: Contacts) -> Decision:
    form = (args.name or "csv").rpartition(".")[2].replace("yml", "yaml")  # or a file's whole name
    if form not in FORMATS:
        raise BadValue(f'"{short(form)}" is no format; csv or yaml')
    if args.action == "export":
        return give(desk, _columns(), form)
    if args.text is None:
        raise Refusal(f"where is the table? Paste it in a code block: contacts import {form} dry-run=yes ```…```")
    return take(desk, _columns(), form, args.text, dry=args.dry_run == "yes")


def _columns() -> list[Arg]:
    """What a file may say of a contact: all that a command may."""
    return [arg for arg in COMMAND.arguments if arg.shape is Shape.OPTION and arg.name != "dry_run"]


def exported(book: Book, form: str) -> str:
    """The roster as a file."""
    return roster_import.exported(book, _columns(), form)


def _told(desk: Desk, args: Contacts) -> dict[str, Any]:
    """What was typed of somebody, as columns of their row."""
    key = read_key(args.text, desk.now) if args.text is not None else args.key
    return columns({**vars(args), "key": key})


def _add(desk: Desk, args: Contacts, name: str, old: Contact | None) -> Decision:
    check_name(desk, name)
    addresses = ordered(args.address or (), args.paths or ())
    contact, happened = added(desk, name, _told(desk, args), addresses, old)
    return Decision(
        reply=card(desk, contact, addresses, f"{name} is on the roster"),
        events=[happened],
        messages=_notes(desk, contact, happened),
    )


def _change(desk: Desk, args: Contacts, contact: Contact) -> Decision:
    values = _told(desk, args)
    if not values and args.address is None and args.paths is None:
        raise Refusal(
            f"say what to change: contacts change {contact.name} roles=… organisation=… address=… standing=yes"
        )
    known = desk.book.addresses(contact.id)
    addresses = args.address if args.address is not None else known
    if args.paths is not None:
        addresses = ordered(addresses, args.paths)
    contact, happened = changed(desk, contact, values, addresses)
    if happened is None:
        return Decision(reply=card(desk, contact, known, f"{contact.name} is as it was"))
    return Decision(
        reply=card(desk, contact, addresses, f"{contact.name} is changed"),
        events=[happened],
        messages=_notes(desk, contact, happened),
    )


def _ask(desk: Desk, contact: Contact) -> Decision:
    """The standing terms are asked of who is not under them, whether it is still the right person of who is."""
    if contact.configured:
        raise Refusal(f"{contact.name} is a coordinator by the configuration, and bound by that")
    agreed = contact.standing_until is not None and contact.standing_until > desk.now
    question = Question.PERSON if agreed else Question.STANDING
    # Standing terms that ran out are asked for anew, not as going on.
    gone = {} if agreed else {"standing_until": None}
    change = put(Contact, contact.id, asked=question.value, asked_at=desk.now, **gone)
    what = "whether they are still the right person" if agreed else "whether they agree to the standing terms"
    return Decision(
        reply=Document(title=f"{contact.name} is asked {what}", kind="contacts", tone="good"),
        events=[
            Happened("asked on the roster", None, {"who": contact.name, "what": question.value}, changes=(change,))
        ],
        messages=[ask(desk.settings, contact.model_copy(update=gone), question)],
    )


def _notes(desk: Desk, contact: Contact, happened: Happened) -> list[Outgoing]:
    until = contact.standing_until
    new = any("standing_until" in (change.values or {}) for change in happened.changes if hasattr(change, "values"))
    return [standing_note(desk, contact.id, until)] if new and until is not None and until > desk.now else []


def _remove(desk: Desk, contact: Contact) -> Decision:
    if contact.configured:
        raise Refusal(f"{contact.name} is in the configuration; take them out there")
    parts = [part for part in desk.book.parts(contact.id) if part.open]
    open_in = [p.case for p in parts if p.consent in ("signatory", "invited", "lapsed") or p.role == "expert"]
    if open_in:
        raise Refusal(f"{contact.name} has a part in {open_in[0]}; take them out of it first")
    not_the_last(desk, contact)
    changes = [put(Contact, contact.id, active=False, groups=[])]
    changes += [gone(ContactAddress, id_) for id_ in desk.book.address_ids(contact.id)]
    return Decision(
        reply=Document(title=f"{contact.name} is off the roster", kind="contacts", tone="good"),
        events=[Happened("contact removed", None, {"who": contact.name}, changes=tuple(changes))],
    )


FIELDS = {
    "name": "A short name: used in commands",
    "key": "OpenPGP key: the whole fingerprint",
    "dry_run": "",
    "text": "The OpenPGP key itself: in armour",
}
"""What a contact's form asks differently from the line: that also imports and exports."""

COMMAND = Command(
    verb="contacts",
    summary="the roster: list, check, show, add, change, ask, link, remove, import, export; standing terms",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="contacts add debian organisation=Debian roles=packager address=matrix:@debian:example.org standing=yes",
    args=Contacts,
    case=CaseUse.NONE,
    handle=handle,
    form=("contacts add", "contacts change"),
    labels=dict.fromkeys(("contacts add", "contacts change"), FIELDS),
)
