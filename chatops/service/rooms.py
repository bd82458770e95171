"""Who belongs in which room, made so: after each decision the rooms it touched are compared with roster and consent.

Nothing else invites or removes anybody. A handler only changes consent, team or roster; what follows from it for the
rooms is computed here, so that a person let in by somebody else is put out by the same rule that invites a member.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from chatops.document import Tlp
from chatops.model.book import Book
from chatops.model.changes import Happened, gone, new, put
from chatops.model.machines import IN_FORCE
from chatops.model.people import Address, Occupant, Place, PlaceKind
from chatops.ports import ONE_BY_ONE, Deed, Invite, Leave, OpenRoom, Remove
from chatops.service.gate import wanted

Queue = Callable[[Place, Deed, str | None], str]
"""Writes an outbox row for a place: (place, deed, the contact it is about) → its key."""


class Rooms:
    """Keeps rooms as they should be, within one unit of work."""

    def __init__(
        self,
        book: Book,
        services: frozenset[str],
        now: datetime,
        record: Callable[[Happened], None],
        queue: Queue,
        fresh: Callable[[], str],
        project: str,
    ) -> None:
        self._book = book
        self._services = services
        self._now = now
        self._record = record
        self._queue = queue
        self._fresh = fresh
        self._project = project

    # --- places that should exist

    def security(self) -> list[Place]:
        """The security room of each service on which a coordinator can be reached; made if need be."""
        return [
            self._ensure(PlaceKind.SECURITY, service, name=f"{self._project} security team")
            for service in self._reaching(contact.id for contact in self._book.coordinators())
        ]

    def embargo(self, case: str) -> list[Place]:
        """The embargo rooms of a case, made while its embargo is in force."""
        file = self._book.case(case)
        if file is None or file.case.drill:
            return []
        if file.case.embargo not in IN_FORCE:
            return list(self._book.places(PlaceKind.EMBARGO, case=case))
        people = {c.id for c in self._book.coordinators()} | set(file.experts()) | set(file.signatories())
        return [
            self._ensure(PlaceKind.EMBARGO, service, case=case, name=f"{self._project} {case}")
            for service in self._reaching(people)
        ]

    def paths(self, contact: str) -> list[Address]:
        """Where a contact is reached, in the order in which it is tried: as they prefer it, but last what came back."""
        failing = self._book.failing(contact)
        reach = [address for address in self._book.addresses(contact) if address.service in self._services]
        return sorted(reach, key=lambda address: address in failing)

    def direct(self, contact: str, path: str | Address | None = None) -> Place | None:
        """The direct chat with a contact, at the first address that reaches them, or the first on this service, or at
        this address; None if there is none.
        """
        for address in self.paths(contact):
            if path in (None, address.service, address):
                return self._chat(contact, address)
        return None

    def _chat(self, contact: str, address: Address) -> Place:
        """The direct chat with somebody at one address of theirs; made if need be."""
        for place in self._book.places(PlaceKind.DIRECT, contact=contact, service=address.service):
            if place.clearance >= Tlp.RED and [one.address for one in self._book.occupants(place.id)] == [address.id]:
                return place
        name = f"{self._project} security"
        invite = (address.id,)
        return self._make(
            PlaceKind.DIRECT, address.service, contact=contact, name=name, invite=invite, tenant=address.tenant
        )

    def public(self) -> list[Place]:
        return [place for place in self._book.places(PlaceKind.PUBLIC) if place.service in self._services]

    def roomless(self, contacts: Iterable[str]) -> list[Place]:
        """The direct chats with those of some contacts who can be in no room, for want of a service that has any."""
        lonely = [one for one in sorted(contacts) if self._only_one_by_one(one)]
        return [place for one in lonely if (place := self.direct(one)) is not None]

    def _only_one_by_one(self, contact: str) -> bool:
        reach = self._book.services({contact}) & self._services
        return bool(reach) and reach <= ONE_BY_ONE

    def _reaching(self, contacts: Iterable[str]) -> list[str]:
        """The services with rooms that reach any of some contacts."""
        return sorted(self._book.services(contacts) & self._services - ONE_BY_ONE)

    def _ensure(self, kind: PlaceKind, service: str, *, name: str, case: str | None = None) -> Place:
        found = self._book.places(kind, case=case, service=service)
        return found[0] if found else self._make(kind, service, name=name, case=case)

    def _make(
        self,
        kind: PlaceKind,
        service: str,
        *,
        name: str,
        case: str | None = None,
        contact: str | None = None,
        invite: tuple[str, ...] = (),
        tenant: str = "",
    ) -> Place:
        place = Place(
            id=self._fresh(),
            kind=kind,
            service=service,
            tenant=tenant,
            case=case,
            contact=contact,
            clearance=Tlp.AMBER_STRICT if kind is PlaceKind.EMBARGO else Tlp.RED,
        )
        changes = [new(place)]
        for address in invite:
            changes.append(new(Occupant(place=place.id, address=address, contact=contact, state="invited")))
        self._record(
            Happened("room wanted", case=case, facts={"kind": kind, "service": service}, changes=tuple(changes))
        )
        purpose = kind.value
        assert purpose in ("direct", "security", "embargo")
        topic = "Private. What is said here stays here." if kind is not PlaceKind.DIRECT else ""
        self._queue(place, OpenRoom(purpose=purpose, name=name, topic=topic, invite=invite), contact)
        return place

    # --- people who should be in them

    def settle(self, place: Place) -> None:
        """Invite who is missing, remove who should not be there, hold the place while such a person is in it."""
        if place.room is None or place.state != "bound" or place.kind == PlaceKind.PUBLIC:
            return
        if place.kind == PlaceKind.DIRECT:
            self._settle_direct(place)
            return
        belong = wanted(self._book, place, self._now)
        homes = self._book.homes(place, belong)
        present = self._book.occupants(place.id)
        intruders = False
        for occupant in present:
            if occupant.address in homes:  # by address: an account that is theirs no longer does not stay
                continue
            if occupant.state == "left":
                self._forget(place, occupant)
                continue
            intruders = True  # somebody who is only invited could come in at any moment
            if occupant.state != "leaving":
                self._remove(place, occupant)
        if place.held is not intruders:
            what = "room held" if intruders else "room free again"
            self._record(Happened(what, case=place.case, changes=(put(Place, place.id, held=intruders),)))
            place.held = intruders
        if self._over(place):
            return  # who is there may stay
        here = {homes.get(occupant.address) for occupant in present}
        for contact in sorted(belong - here):
            self._invite(place, contact)

    def _over(self, place: Place) -> bool:
        file = self._book.case(place.case) if place.case else None
        return file is not None and file.case.closed_at is not None

    def _settle_direct(self, place: Place) -> None:
        """A direct chat has two people. With a third in it, or without its person, it is given up; a new one is made
        when there is something to say.
        """
        if self._at_home(place):
            return
        self._record(Happened("direct chat given up", changes=(put(Place, place.id, state="closed"),)))
        self._queue(place, Leave(), place.contact)

    def _at_home(self, place: Place) -> bool:
        """Whether a direct chat has one person in it, at an address that is theirs now."""
        present = self._book.occupants(place.id)
        if len(present) != 1:
            return False
        return place.contact is None or present[0].address in self._book.homes(place, {place.contact})

    def _remove(self, place: Place, occupant: Occupant) -> None:
        known = self._book.contact(occupant.contact) if occupant.contact else None
        facts = {"who": known.name if known else "somebody unknown"}
        key = (place.id, occupant.address)
        change = put(Occupant, key, state="leaving")
        self._record(Happened("removed from room", case=place.case, facts=facts, changes=(change,)))
        self._queue(place, Remove(user=occupant.address, reason="not a member of this room"), occupant.contact)

    def _invite(self, place: Place, contact: str) -> None:
        address = next((a for a in self._book.addresses(contact) if a.service == place.service), None)
        if address is None:
            return
        known = self._book.contact(contact)
        row = Occupant(place=place.id, address=address.id, contact=contact, state="invited")
        facts = {"who": known.name if known else contact}
        self._record(Happened("invited to room", case=place.case, facts=facts, changes=(new(row),)))
        self._queue(place, Invite(user=address.id), contact)

    def came(self, place: Place, addresses: Iterable[str]) -> None:
        """Those who were asked in are in."""
        for address in addresses:
            occupant = self._book.occupant(place.id, address)
            if occupant is not None and occupant.state == "invited":
                change = put(Occupant, (place.id, address), state="joined")
                self._record(Happened("joined room", case=place.case, facts=self._who(occupant), changes=(change,)))

    def left(self, place: Place, address: str) -> None:
        """Somebody is no longer in a place."""
        occupant = self._book.occupant(place.id, address)
        if occupant is not None:
            self._forget(place, occupant)

    def _forget(self, place: Place, occupant: Occupant) -> None:
        change = gone(Occupant, (place.id, occupant.address))
        self._record(Happened("left room", case=place.case, facts=self._who(occupant), changes=(change,)))

    def walked_out(self, place: Place, occupant: Occupant) -> None:
        """Somebody who belongs in a place left it, or declined to come: they are not asked again of our own accord."""
        change = put(Occupant, (place.id, occupant.address), state="left")
        self._record(Happened("left by themselves", case=place.case, facts=self._who(occupant), changes=(change,)))

    def refused(self, place: Place, address: str) -> None:
        """A service does not let somebody in: they are not tried again of our own accord, only at another address."""
        occupant = self._book.occupant(place.id, address)
        if occupant is not None and occupant.state == "invited":
            change = put(Occupant, (place.id, address), state="left")
            self._record(
                Happened("could not be invited", case=place.case, facts=self._who(occupant), changes=(change,))
            )

    def ask_back(self, place: Place, contacts: Iterable[str] | None = None) -> None:
        """Whoever left a place (of these contacts; of all) may be invited again when it is settled."""
        homes = None if contacts is None else self._book.homes(place, contacts)
        for occupant in self._book.occupants(place.id):
            if occupant.state == "left" and (homes is None or occupant.address in homes):
                self._forget(place, occupant)

    def _who(self, occupant: Occupant) -> dict[str, str]:
        known = self._book.contact(occupant.contact) if occupant.contact else None
        return {"who": known.name if known else "somebody unknown"}
