"""``contacts``: the roster. Addresses are the services' own ids; nobody is known by a display name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from chatops.commands.declare import CaseUse, Command, Who, option, positional
from chatops.commands.desk import Decision, Desk, Direct, Message, Outgoing, Refusal
from chatops.commands.kinds import Choice, Text, Word
from chatops.commands.moments import zones
from chatops.commands.typed import nearest, short
from chatops.document import Document, Line, Tlp, bullets, fields, line, para, strong, table, typed, when
from chatops.model.changes import Change, Happened, gone, new, put
from chatops.model.people import Contact, ContactAddress, PlaceKind, Role
from chatops.ports import Address

ROLES = ("coordinator", "expert", "packager", "administrator", "embedder", "partner")
STANDING = timedelta(days=365)
SHAPES = {
    "matrix": (re.compile(r"@[a-z0-9._=/+-]+:[A-Za-z0-9.:\[\]-]+"), "matrix:@debian:example.org"),
    "slack": (re.compile(r"[UW][A-Z0-9]{6,}"), "slack:U0123ABCD"),
}
"""The form of an address on each service, with an example."""


@dataclass(frozen=True)
class Contacts:
    action: str = positional(
        Choice(("list", "show", "add", "change", "remove"), "ACTION"), "what to do", default="list"
    )
    name: str | None = positional(Word("NAME"), "a short name, used in commands", default=None)
    organisation: str | None = option(Text("ORGANISATION", 80), "whom they speak for")
    roles: str | None = option(Text("ROLE,…", 100), ", ".join(ROLES))
    address: str | None = option(Text("SERVICE:ID,…", 1000), "where they are reached, best first")
    zone: str | None = option(Text("ZONE", 60), "their time zone, as Europe/Berlin")
    standing: str | None = option(Choice(("yes", "no")), "whether they agreed to the standing terms, for a year")


def handle(desk: Desk, args: Contacts) -> Decision:
    if args.action == "list":
        return Decision(reply=_list(desk))
    if args.name is None:
        raise Refusal(f"say which contact. Usage: contacts {args.action} NAME")
    name = args.name.casefold()
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
            return Decision(reply=_show(desk, contact))
        case "change":
            return _change(desk, args, contact)
        case _:
            return _remove(desk, contact)


def _roles(args: Contacts) -> list[str] | None:
    if args.roles is None:
        return None
    named = [word.casefold().removesuffix("s") for word in re.split(r"[,\s]+", args.roles) if word]
    for word in named:
        if word not in ROLES:
            close = nearest(word, ROLES)
            hint = f"did you mean {close}?" if close else f"roles: {', '.join(ROLES)}"
            raise Refusal(f'no role "{short(word)}"; {hint}')
    return named


def _addresses(desk: Desk, told: str, owner: str | None) -> list[Address]:
    found = []
    for word in filter(None, re.split(r"[,\s]+", told)):
        service, _, rest = word.partition(":")
        shape = SHAPES.get(service)
        if shape is None or not shape[0].fullmatch(rest):
            example = shape[1] if shape else SHAPES["matrix"][1]
            raise Refusal(f'"{short(word)}" is no address; write it as {example}')
        address = Address(service, "", rest)
        holder = desk.book.at(address)
        if holder is not None and holder.id != owner:
            raise Refusal(f"{word} is the address of {holder.name} already")
        if address not in found:
            found.append(address)
    return found


def _values(args: Contacts, desk: Desk) -> dict[str, object]:
    values: dict[str, object] = {}
    if args.organisation is not None:
        values["organisation"] = args.organisation
    if (roles := _roles(args)) is not None:
        values["roles"] = roles
    if args.zone is not None:
        zone = "UTC" if args.zone.casefold() == "utc" else zones().get(args.zone.casefold())
        if zone is None:
            close = nearest(args.zone, zones().values())
            raise Refusal(
                f'no zone "{short(args.zone)}"; ' + (f"did you mean {close}?" if close else "write it as Europe/Berlin")
            )
        values["zone"] = zone
    if args.standing is not None:
        values["standing_until"] = desk.now + STANDING if args.standing == "yes" else None
    return values


def _linked(desk: Desk, contact: str, addresses: list[Address]) -> list[Change]:
    # The number in front keeps the order of preference.
    return [
        new(
            ContactAddress(
                id=f"{contact}-{number:02}-{desk.fresh()[:8]}",
                contact=contact,
                service=address.service,
                tenant=address.tenant,
                address=address.id,
            )
        )
        for number, address in enumerate(addresses)
    ]


def _add(desk: Desk, args: Contacts, name: str, old: Contact | None) -> Decision:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name):
        raise Refusal(f'"{short(name)}" is no name for a contact; use letters, digits and - as in debian')
    if args.address is None:
        raise Refusal(f"say where {name} is reached: contacts add {name} address=matrix:@{name}:example.org")
    if name.startswith("all-"):
        raise Refusal("names that begin with all- are groups")
    # Who comes back comes back as new: what they were before is not on record by anybody's word of today.
    blank: dict[str, object] = {"organisation": None, "roles": [], "zone": None, "standing_until": None}
    values = {**blank, **_values(args, desk)}
    contact = Contact.model_validate({"id": old.id if old else desk.fresh(), "name": name, **values})
    addresses = _addresses(desk, args.address, contact.id)
    changes: list[Change] = [put(Contact, old.id, **{**values, "active": True}) if old else new(contact)]
    changes += _linked(desk, contact.id, addresses)
    facts = {"who": name, **{key: str(values[key]) for key in ("organisation", "roles") if values[key]}}
    return Decision(
        reply=_card(contact, addresses, f"{name} is on the roster"),
        events=[Happened("contact added", None, facts, changes=tuple(changes))],
        messages=_standing_note(desk, args, contact),
    )


def _change(desk: Desk, args: Contacts, contact: Contact) -> Decision:
    values = _values(args, desk)
    if not values and args.address is None:
        raise Refusal(
            f"say what to change: contacts change {contact.name} roles=… organisation=… address=… standing=yes"
        )
    if contact.configured and "roles" in values and Role.COORDINATOR not in (values["roles"] or []):  # type: ignore[operator]
        raise Refusal(f"{contact.name} is a coordinator by the configuration; change it there")
    if "roles" in values and Role.COORDINATOR not in (values["roles"] or []):  # type: ignore[operator]
        _not_the_last(desk, contact)
    changes: list[Change] = []
    if values:
        changes.append(put(Contact, contact.id, **values))
    addresses = desk.book.addresses(contact.id)
    if args.address is not None:
        addresses = _addresses(desk, args.address, contact.id)
        changes += [gone(ContactAddress, id_) for id_ in desk.book.address_ids(contact.id)]
        changes += _linked(desk, contact.id, addresses)
    for key, value in values.items():
        setattr(contact, key, value)
    facts = {"who": contact.name, "changed": ", ".join([*values, *(["address"] if args.address else [])])}
    return Decision(
        reply=_card(contact, addresses, f"{contact.name} is changed"),
        events=[Happened("contact changed", None, facts, changes=tuple(changes))],
        messages=_standing_note(desk, args, contact),
    )


def _standing_note(desk: Desk, args: Contacts, contact: Contact) -> list[Outgoing]:
    """Whose standing terms were put on record is told what they stand for."""
    if args.standing != "yes":
        return []
    note = Document(
        title=f"{desk.project}: you are on record for the standing terms",
        kind="standing terms",
        tlp=Tlp.GREEN,
        blocks=(
            para("A coordinator noted that you agreed, for a year, to keep our security notices private:"),
            bullets(
                (
                    "Later notices reach you at once and in full, with a date until which they are private.",
                    "You may patch your own systems; you publish nothing and tell nobody else before the date.",
                    "You may decline any single case with one word.",
                )
            ),
            para("If this is not so, please say so to the coordinator."),
        ),
    )
    return [Message(Direct(contact.id), note)]


def _remove(desk: Desk, contact: Contact) -> Decision:
    if contact.configured:
        raise Refusal(f"{contact.name} is in the configuration; take them out there")
    parts = [part for part in desk.book.parts(contact.id) if part.open]
    open_in = [p.case for p in parts if p.consent in ("signatory", "invited", "lapsed") or p.role == "expert"]
    if open_in:
        raise Refusal(f"{contact.name} has a part in {open_in[0]}; take them out of it first")
    _not_the_last(desk, contact)
    changes = [put(Contact, contact.id, active=False)]
    changes += [gone(ContactAddress, id_) for id_ in desk.book.address_ids(contact.id)]
    return Decision(
        reply=Document(title=f"{contact.name} is off the roster", kind="contacts", tone="good"),
        events=[Happened("contact removed", None, {"who": contact.name}, changes=tuple(changes))],
    )


def _not_the_last(desk: Desk, contact: Contact) -> None:
    if [c.id for c in desk.book.coordinators()] == [contact.id]:
        raise Refusal(f"{contact.name} is the last coordinator; add another first")


def _list(desk: Desk) -> Document:
    rows = []
    for contact in desk.book.contacts():
        if contact.roles == [Role.REPORTER]:
            continue
        reached = ", ".join(sorted({a.service for a in desk.book.addresses(contact.id)})) or "⚠ not reachable"
        about = ", ".join(filter(None, [contact.organisation, *(contact.roles or [])]))
        rows.append((line(strong(contact.name)), line(about or "—"), _standing(desk, contact), line(reached)))
    return Document(
        title=f"{len(rows)} contacts",
        kind="contacts",
        tlp=Tlp.AMBER,
        blocks=(
            table(("name", "who", "standing terms", "reached by"), rows),
            para("One of them: ", typed("contacts show NAME")),
        ),
    )


def _standing(desk: Desk, contact: Contact) -> Line:
    until = contact.standing_until
    if until is None:
        return line("no")
    return line("until ", when(until, day=True)) if until > desk.now else line("⚠ expired ", when(until, day=True))


def _show(desk: Desk, contact: Contact) -> Document:
    return _card(contact, desk.book.addresses(contact.id), contact.name)


def _card(contact: Contact, addresses: list[Address], title: str) -> Document:
    until = contact.standing_until
    return Document(
        title=title,
        kind="contacts",
        tlp=Tlp.AMBER,
        blocks=(
            fields(
                ("Organisation", contact.organisation or "none"),
                ("Roles", ", ".join(contact.roles or []) or "none"),
                ("Standing terms", line("until ", when(until, day=True)) if until else line("no")),
                ("Zone", contact.zone or "UTC"),
                ("Addresses", ", ".join(f"{a.service}:{a.id}" for a in addresses) or "⚠ none"),
            ),
        ),
    )


COMMAND = Command(
    verb="contacts",
    summary="the roster: list, show, add, change, remove; standing terms",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="contacts add debian organisation=Debian roles=packager address=matrix:@debian:example.org standing=yes",
    args=Contacts,
    case=CaseUse.NONE,
    handle=handle,
    form=("contacts add", "contacts change"),
)
