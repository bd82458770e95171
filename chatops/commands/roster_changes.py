"""Somebody comes onto the roster, or what is on record of them changes: the same for a command and an import."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from chatops.commands.desk import Desk, Direct, Message, Outgoing, Refusal
from chatops.commands.roster_kinds import Key
from chatops.commands.typed import short
from chatops.document import Document, Tlp, para
from chatops.model.changes import Change, Happened, gone, new, put
from chatops.model.people import Contact, ContactAddress, Role
from chatops.ports import Address

COLUMNS = {
    "organisation": "organisation",
    "roles": "roles",
    "groups": "groups",
    "zone": "zone",
    "lead_days": "lead_days",
    "builds_private": "builds_private",
    "standing": "standing_until",
    "confirmed": "confirmed_at",
}
"""The columns of a contact, by what they are called where people type them."""
BLANK: Mapping[str, Any] = {
    "organisation": None,
    "roles": [],
    "groups": [],
    "zone": None,
    "fingerprint": None,
    "public_key": None,
    "lead_days": None,
    "builds_private": None,
    "standing_until": None,
    "asked": None,
    "left_at": None,
}


def check_name(desk: Desk, name: str) -> None:
    """Raises :class:`Refusal` if a contact can't be called this."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name):
        raise Refusal(f'"{short(name)}" is no name for a contact; use letters, digits and - as in debian')
    if name.startswith("all-") or any(name in (one.groups or []) for one in desk.book.contacts()):
        raise Refusal(f"{name} is a group already" if not name.startswith("all-") else "names with all- are groups")


def columns(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was read of a contact (None: nothing was said), as columns of its row."""
    values: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        if (value := told.get(name)) is None:
            continue
        if name == "builds_private":
            values[column] = value == "yes"
        else:
            values[column] = value if isinstance(value, list) else value or None
        if column == "confirmed_at":
            values |= {"left_at": None} if value else {"asked_at": None}  # who is not confirmed is asked
    key: Key | None = told.get("key")
    if key is not None:
        values |= {"fingerprint": key.fingerprint, "public_key": key.public}
    return values


def usable(desk: Desk, name: str, addresses: Sequence[Address], owner: str | None) -> None:
    """Raises :class:`Refusal` if there is no address, or one is somebody else's."""
    if not addresses:
        raise Refusal(f"say where {name} is reached: address=matrix:@{name}:example.org")
    for address in addresses:
        holder = desk.book.at(address)
        if holder is not None and holder.id != owner:
            raise Refusal(f"{address.service}:{address.id} is the address of {holder.name} already")


def ordered(addresses: Sequence[Address], paths: Sequence[str]) -> list[Address]:
    """The addresses with those of the preferred services first, else as they were. Raises :class:`Refusal`."""
    services = {address.service for address in addresses}
    for path in paths:
        if path not in services:
            raise Refusal(f"no address on {path} is on record; give one with address={path}:…")
    rank = {path: number for number, path in enumerate(paths)}
    return sorted(addresses, key=lambda address: rank.get(address.service, len(rank)))


def linked(desk: Desk, contact: str, addresses: Sequence[Address], *, first: int = 0) -> list[Change]:
    """Rows for somebody's addresses. The number in a row's key keeps the order of preference."""
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
        for number, address in enumerate(addresses, first)
    ]


def added(
    desk: Desk, name: str, values: Mapping[str, Any], addresses: Sequence[Address], old: Contact | None
) -> tuple[Contact, Happened]:
    """Somebody new. Who comes back comes back as new: what they were before is on record by nobody's word of today."""
    usable(desk, name, addresses, old.id if old else None)
    values = {**BLANK, "confirmed_at": desk.now, "asked_at": desk.now, **values}
    contact = Contact.model_validate({"id": old.id if old else desk.fresh(), "name": name, **values})
    changes: list[Change] = [put(Contact, old.id, **{**values, "active": True}) if old else new(contact)]
    changes += linked(desk, contact.id, addresses)
    facts = {"who": name, **{key: str(values[key]) for key in ("organisation", "roles") if values[key]}}
    return contact, Happened("contact added", None, facts, changes=tuple(changes))


def changed(
    desk: Desk, contact: Contact, values: Mapping[str, Any], addresses: Sequence[Address] | None
) -> tuple[Contact, Happened | None]:
    """What is new of somebody on the roster; no event if that is nothing. Raises :class:`Refusal`."""
    same_key = values.get("fingerprint") == contact.fingerprint and values.get("public_key") is None
    kept = {"public_key"} if same_key else set()  # the fingerprint alone takes no key away that has it
    values = {name: value for name, value in values.items() if getattr(contact, name) != value and name not in kept}
    if addresses is not None and list(addresses) == desk.book.addresses(contact.id):
        addresses = None
    if not values and addresses is None:
        return contact, None
    if contact.configured and addresses is not None:
        raise Refusal(f"the addresses of {contact.name} are in the configuration; change them there")
    if "roles" in values and Role.COORDINATOR not in (values["roles"] or []):
        if contact.configured:
            raise Refusal(f"{contact.name} is a coordinator by the configuration; change it there")
        not_the_last(desk, contact)
    changes: list[Change] = [put(Contact, contact.id, **values)] if values else []
    if addresses is not None:
        usable(desk, contact.name, addresses, contact.id)
        changes += [gone(ContactAddress, id_) for id_ in desk.book.address_ids(contact.id)]
        changes += linked(desk, contact.id, addresses)
    told = ", ".join([*values, *(["address"] if addresses is not None else [])])
    happened = Happened("contact changed", None, {"who": contact.name, "changed": told}, changes=tuple(changes))
    return contact.model_copy(update=values), happened


def not_the_last(desk: Desk, contact: Contact) -> None:
    """Raises :class:`Refusal` where there would be no coordinator any more."""
    if [one.id for one in desk.book.coordinators()] == [contact.id]:
        raise Refusal(f"{contact.name} is the last coordinator; add another first")


def standing_note(desk: Desk, contact: str, until: datetime) -> Outgoing:
    """Whose standing terms were put on record is told what they stand for."""
    note = Document(
        title=f"{desk.project}: you are on record for the standing terms",
        kind="standing terms",
        tlp=Tlp.GREEN,
        blocks=(
            para(f"A coordinator noted that you agreed, until {until:%Y-%m-%d}, to keep our security notices private:"),
            *desk.settings.words("standing_terms"),
            para("If this is not so, please say so to the coordinator."),
        ),
    )
    return Message(Direct(contact), note)
