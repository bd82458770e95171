"""What the configuration puts on record at every start: the first coordinators, and the lists of announcements."""

from __future__ import annotations

from chatops.config import BadConfiguration, Settings
from chatops.model.book import Book
from chatops.model.changes import Change, Happened, Moved, gone, new, put
from chatops.model.people import Contact, ContactAddress, Place, PlaceKind, Role
from chatops.ports import MAIL, Address
from chatops.service.unit import Unit


def reconcile(unit: Unit, settings: Settings) -> None:
    """Make the configured coordinators be on record, and nobody else be called configured.

    Raises :class:`chatops.config.BadConfiguration` if there would be no coordinator at all.
    """
    book = unit.book
    wanted = {person.name for person in settings.coordinators}
    _release(unit, settings)
    for person in settings.coordinators:
        addresses = [_address(word) for word in person.addresses]
        known = book.named(person.name)
        id_ = known.id if known else unit.fresh()
        changes: list[Change | Moved] = []
        roles = sorted({*((known.roles or []) if known else ()), Role.COORDINATOR})
        values = {
            "roles": roles,
            "configured": True,
            "active": True,
            "organisation": person.organisation,
            "zone": person.zone,
        }
        if known is None:
            changes.append(new(Contact.model_validate({"id": id_, "name": person.name, **values})))
        elif any(getattr(known, name) != value for name, value in values.items()):
            changes.append(put(Contact, id_, **values))
        if addresses != book.addresses(id_):
            changes += [gone(ContactAddress, row) for row in book.address_ids(id_)]
            changes += _rows(book, unit, id_, addresses)
        if changes:
            unit.record(Happened("configured", None, {"who": person.name}, changes=tuple(changes)))
    for contact in book.everyone():
        if contact.configured and contact.name not in wanted:
            left = [role for role in contact.roles or [] if role != Role.COORDINATOR]
            change = put(Contact, contact.id, configured=False, roles=left)
            unit.record(Happened("configured no more", None, {"who": contact.name}, changes=(change,)))
    if not book.coordinators():
        raise BadConfiguration("coordinators: name at least one, with the addresses that they write from")
    unit.settle()
    for place in unit.rooms.security():
        unit.rooms.ask_back(place)  # a start is the way back for whoever left by mistake
        unit.rooms.settle(place)


def lists(unit: Unit, settings: Settings) -> None:
    """Make the mailing lists that general announcements go to be public places, and no others."""
    wanted = {one.address for one in settings.mail.lists if one.announce} if settings.mail else set()
    for place in unit.book.places(PlaceKind.PUBLIC, service=MAIL):
        if place.room not in wanted:
            unit.record(Happened("list taken out", None, changes=(put(Place, place.id, state="closed"),)))
        wanted.discard(place.room or "")
    for address in sorted(wanted):
        place = Place(id=unit.fresh(), kind=PlaceKind.PUBLIC, service=MAIL, room=address, clearance=0, state="bound")
        unit.record(Happened("list put in", None, {"list": address}, changes=(new(place),)))


def _release(unit: Unit, settings: Settings) -> None:
    """Take configured addresses from those who had them by the configuration before, so that one may move."""
    for person in settings.coordinators:
        for address in map(_address, person.addresses):
            holder = unit.book.at(address)
            row = unit.book.address_id(address)
            if holder is not None and row is not None and holder.configured and holder.name != person.name:
                change = gone(ContactAddress, row)
                unit.record(Happened("address moved", None, {"who": holder.name}, changes=(change,)))


def _address(word: str) -> Address:
    service, _, rest = word.partition(":")
    if not service or not rest:
        raise BadConfiguration("coordinators: an address is written as matrix:@name:example.org")
    return Address(service, "", rest.lower() if service == MAIL else rest)


def _rows(book: Book, unit: Unit, contact: str, addresses: list[Address]) -> list[Change]:
    rows: list[Change] = []
    for number, address in enumerate(addresses):
        holder = book.at(address)
        if holder is not None and holder.id != contact:
            raise BadConfiguration(f"coordinators: one address belongs to {holder.name} already")
        rows.append(
            new(
                ContactAddress(
                    id=f"{contact}-{number:02}-{unit.fresh()[:8]}",
                    contact=contact,
                    service=address.service,
                    tenant=address.tenant,
                    address=address.id,
                )
            )
        )
    return rows
