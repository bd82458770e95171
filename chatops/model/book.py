"""What a decision may look up: the roster, cases with all that hangs on them, places, releases. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Text, bindparam, cast, func
from sqlalchemy.orm import defer
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from chatops.model.base import Row
from chatops.model.casefile import CaseFile, Part, is_member
from chatops.model.cases import (
    Advisory,
    Case,
    Downstream,
    Note,
    Offered,
    PackItem,
    Participant,
    Pending,
    PlanStep,
    Proposal,
)
from chatops.model.flow import STUCK, InboxRow, OutboxRow
from chatops.model.people import Address, Contact, ContactAddress, Occupant, Place, PlaceKind, Role
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.model.shelf import DIGESTS, WORTH

R = TypeVar("R", bound=Row)


class StuckThing(NamedTuple):
    """Something that was to come in or go out and could not. Without its text."""

    code: str
    what: str
    case: str | None
    why: str
    since: datetime


# What every decision asks for is made once: making a statement costs more than running it.
_PRIVATE = select(Release.case).where(Release.state == "private")
_CONTACT_NAMED = select(Contact).where(Contact.name == bindparam("name"))
_CONTACT_AT = (
    select(Contact)
    .join(ContactAddress, col(ContactAddress.contact) == Contact.id)
    .where(
        ContactAddress.service == bindparam("service"),
        ContactAddress.tenant == bindparam("tenant"),
        ContactAddress.address == bindparam("address"),
    )
)
_CONTACTS_WITH = select(Contact).where(col(Contact.id).in_(bindparam("ids", expanding=True)))
_COORDINATORS = (
    select(Contact)
    .where(col(Contact.active), cast(Contact.roles, Text).like(f'%"{Role.COORDINATOR}"%'))  # roles are JSON
    .order_by(Contact.name)
)
_ADDRESSES_OF = select(ContactAddress).where(ContactAddress.contact == bindparam("contact")).order_by(ContactAddress.id)
_PARTICIPANTS = select(Participant).where(Participant.case == bindparam("case"))
_DOWNSTREAMS = select(Downstream).where(Downstream.case == bindparam("case")).order_by(Downstream.organisation)
_PROPOSALS = select(Proposal).where(Proposal.case == bindparam("case")).order_by(col(Proposal.made_at))
_NOTES = select(Note).where(Note.case == bindparam("case")).order_by(col(Note.at))
_PACK = (
    select(PackItem)
    .where(PackItem.case == bindparam("case"))
    .order_by(col(PackItem.edition))
    .options(defer(PackItem.text))  # type: ignore[arg-type]
)
_PLACE_OF_ROOM = select(Place).where(
    Place.service == bindparam("service"),
    Place.tenant == bindparam("tenant"),
    Place.room == bindparam("room"),
    Place.state != "closed",
)


@cache
def _with_key(row: type[R]) -> SelectOfScalar[R]:
    """The row with a primary key, whose parts are k0, k1, …"""
    table = SQLModel.metadata.tables[str(row.__tablename__)]
    query = select(row)
    for number, column in enumerate(table.primary_key):
        query = query.where(getattr(row, column.name) == bindparam(f"k{number}"))
    return query


@cache
def _places(*columns: str) -> SelectOfScalar[Place]:
    """Places of a kind that are not closed, narrowed by these columns."""
    query = select(Place).where(Place.kind == bindparam("kind"), Place.state != "closed").order_by(Place.id)
    for name in columns:
        query = query.where(getattr(Place, name) == bindparam(name))
    return query


_OCCUPANTS = select(Occupant).where(Occupant.place == bindparam("place")).order_by(Occupant.address)


@dataclass(frozen=True)
class Book:
    """Look-ups in one session. What it gives are snapshots: changing one changes nothing that is stored."""

    session: Session
    _memory: dict[object, Any] = field(default_factory=dict, repr=False, compare=False)

    def forget(self) -> None:
        """Something was written: read anew from here on."""
        self._memory.clear()

    def _get(self, row: type[R], *key: str) -> R | None:
        return self._first(_with_key(row), **{f"k{number}": part for number, part in enumerate(key)})

    def _all(self, query: SelectOfScalar[R], **values: object) -> list[R]:
        found = list(self.session.exec(query, params=values).all())
        for row in found:
            self.session.expunge(row)
        return found

    def _first(self, query: SelectOfScalar[R], **values: object) -> R | None:
        found = self._all(query, **values)
        return found[0] if found else None

    # --- people

    def contact(self, id_: str) -> Contact | None:
        return self._get(Contact, id_)

    def named(self, name: str) -> Contact | None:
        return self._first(_CONTACT_NAMED, name=name)

    def contacts(self) -> Sequence[Contact]:
        return self._all(select(Contact).where(col(Contact.active)).order_by(Contact.name))

    def everyone(self) -> Sequence[Contact]:
        """The whole roster, those who are no longer active too."""
        return self._all(select(Contact).order_by(Contact.name))

    def coordinators(self) -> list[Contact]:
        if "coordinators" not in self._memory:
            self._memory["coordinators"] = self._all(_COORDINATORS)
        return self._memory["coordinators"]  # type: ignore[no-any-return]

    def living_owner(self, file: CaseFile) -> Contact | None:
        """A case's owner, if they are a coordinator still."""
        return next((one for one in self.coordinators() if one.id == file.case.owner), None)

    def at(self, address: Address) -> Contact | None:
        """Whose address it is; None for a stranger."""
        return self._first(_CONTACT_AT, service=address.service, tenant=address.tenant, address=address.id)

    def addresses(self, contact: str) -> list[Address]:
        rows = self._all(_ADDRESSES_OF, contact=contact)
        return [Address(row.service, row.tenant, row.address) for row in rows]

    def homes(self, place: Place, contacts: Iterable[str]) -> dict[str, str]:
        """The addresses at which some contacts are reached where a place is, and whose each is now."""
        query = select(ContactAddress).where(
            ContactAddress.service == place.service,
            ContactAddress.tenant == place.tenant,
            col(ContactAddress.contact).in_(set(contacts)),
        )
        return {row.address: row.contact for row in self._all(query)}

    def services(self, contacts: Iterable[str]) -> set[str]:
        """The services on which some of these contacts can be reached."""
        query = select(ContactAddress.service).where(col(ContactAddress.contact).in_(set(contacts))).distinct()
        return set(self.session.exec(query).all())

    def holder(self, address: str) -> str | None:
        """The contact that an address row belongs to, by the row's key."""
        return self.session.exec(select(ContactAddress.contact).where(ContactAddress.id == address)).first()

    def address_id(self, address: Address) -> str | None:
        """The key of the row that says whose an address is."""
        query = select(ContactAddress.id).where(
            ContactAddress.service == address.service,
            ContactAddress.tenant == address.tenant,
            ContactAddress.address == address.id,
        )
        return self.session.exec(query).first()

    def reached_as(self, word: str) -> list[tuple[Contact, Address]]:
        """Who has a word for the name within an address (``@debian:example.org``), which several people may share."""
        query = (
            select(Contact, ContactAddress)
            .join(ContactAddress, col(ContactAddress.contact) == Contact.id)
            .where(col(Contact.active), func.lower(ContactAddress.address).startswith(f"@{word}:", autoescape=True))
            .order_by(Contact.name, ContactAddress.id)
        )
        rows = self.session.exec(query).all()
        return [(contact, Address(row.service, row.tenant, row.address)) for contact, row in rows]

    def failing(self, contact: str) -> set[Address]:
        """The addresses of a contact from which what was last sent came back."""
        query = select(ContactAddress).where(
            ContactAddress.contact == contact, col(ContactAddress.failed_at).is_not(None)
        )
        return {Address(row.service, row.tenant, row.address) for row in self._all(query)}

    def address_ids(self, contact: str) -> list[str]:
        """The keys of a contact's address rows."""
        return [row.id for row in self._all(select(ContactAddress).where(ContactAddress.contact == contact))]

    # --- cases

    def case(self, id_: str) -> CaseFile | None:
        """A case with everybody in it. One decision sees one file: a handler's edits are in it."""
        if ("case", id_) not in self._memory:
            self._memory["case", id_] = self._case(id_)
        return self._memory["case", id_]  # type: ignore[no-any-return]

    def _case(self, id_: str) -> CaseFile | None:
        case = self._get(Case, id_)
        if case is None:
            return None
        file = CaseFile(case)
        for one in self._all(_PARTICIPANTS, case=id_):
            file.participants[one.contact] = one
        for down in self._all(_DOWNSTREAMS, case=id_):
            file.downstreams[down.organisation] = down
        file.proposals = self._all(_PROPOSALS, case=id_)
        file.pack = self._all(_PACK, case=id_) if case.pack else []
        people = (*file.participants, case.owner, case.backup, case.reporter, *(p.by for p in file.proposals))
        wanted = {contact for contact in people if contact}
        for contact in self._all(_CONTACTS_WITH, ids=sorted(wanted)) if wanted else ():
            file.contacts[contact.id] = contact
        return file

    def advisory(self, case: str) -> Advisory | None:
        """What is written down for the public to read."""
        return self._get(Advisory, case)

    def filed(self, origin: str) -> bool:
        """Whether a report is a case already, by its own name where it was filed."""
        return self.session.exec(select(Case.id).where(Case.origin == origin).limit(1)).first() is not None

    def plan(self, case: str) -> dict[str, PlanStep]:
        """The steps of a case's general release, once it was confirmed."""
        return {row.step: row for row in self._all(select(PlanStep).where(col(PlanStep.case) == case))}

    def effects(self, step: str) -> Sequence[OutboxRow]:
        """What a step of a plan has to do outside, without the words of it."""
        return self._all(select(OutboxRow).where(col(OutboxRow.step) == step).options(defer(OutboxRow.deed)))  # type: ignore[arg-type]

    def reservations(self, case: str) -> list[OutboxRow]:
        """Tries to get a case a CVE id that did not end well, or did not end: those since the last that did."""
        query = (
            select(OutboxRow)
            .where(col(OutboxRow.case) == case, OutboxRow.kind == "reserve-cve")
            .order_by(col(OutboxRow.id).desc())
        )
        return list(takewhile(lambda row: row.state != "done", self._all(query)))

    def numbered(self, cves: Iterable[str]) -> set[str]:
        """Those of some CVE ids that a case has."""
        return {cve for cve in self.session.exec(select(Case.cve).where(col(Case.cve).in_(set(cves)))) if cve}

    def exists(self, case: str) -> bool:
        return self._get(Case, case) is not None

    def open_cases(self) -> list[str]:
        """The numbers of the open cases, what is due first at the front."""
        due = func.coalesce(Case.release_date, Case.review_date, Case.next_word)
        query = select(Case.id).where(col(Case.closed_at).is_(None)).order_by(due.is_(None), due, Case.id)
        return list(self.session.exec(query).all())

    def is_drill(self, case: str) -> bool:
        """Whether a case is a rehearsal."""
        return bool(self.session.exec(select(Case.drill).where(Case.id == case)).first())

    def parts(self, contact: str) -> list[Part]:
        """The cases in which a contact has a part, what is due first at the front; closed ones too, drills not."""
        if ("parts", contact) not in self._memory:
            due = func.coalesce(Case.release_date, Case.review_date, Case.next_word)
            query = (
                select(Case, Participant)
                .join(Participant, col(Participant.case) == Case.id)
                .where(Participant.contact == contact, col(Case.drill).is_(False))
                .order_by(due.is_(None), due, Case.id)
            )
            self._memory["parts", contact] = [
                Part(
                    case.id,
                    case.closed_at is None,
                    one.role,
                    one.consent,
                    is_member(one.consent, case.embargo, one.terms_until),
                    case.reporter == contact or one.also_reported,
                )
                for case, one in self.session.exec(query)
            ]
        return self._memory["parts", contact]  # type: ignore[no-any-return]

    def notes(self, case: str, kind: str | None = None) -> Sequence[Note]:
        return [note for note in self._all(_NOTES, case=case) if kind in (None, note.kind)]

    def pack_text(self, item: str) -> str:
        """The text of a version of something in a pack; empty if it was purged."""
        return self.session.exec(select(PackItem.text).where(PackItem.id == item)).first() or ""

    def offered(self, code: str) -> Offered | None:
        """A patch that was dropped into a room."""
        return self._get(Offered, code)

    def offered_before(self, at: datetime) -> Sequence[str]:
        """The codes of patches that were dropped before then."""
        return self.session.exec(select(Offered.code).where(col(Offered.at) < at)).all()

    def pending(self, code: str) -> Pending | None:
        return self._get(Pending, code)

    def open_pending(self, case: str) -> Sequence[Pending]:
        return self._all(select(Pending).where(Pending.case == case, Pending.state == "open"))

    def open_links(self, contact: str) -> list[Pending]:
        """The codes by which somebody may add another account."""
        mine = select(Pending).where(Pending.by == contact, Pending.state == "open", col(Pending.case).is_(None))
        return [row for row in self._all(mine) if row.line == "link"]

    # --- places

    def place(self, id_: str) -> Place | None:
        known: Place | None = self._memory.get(("place", id_))
        return known or self._get(Place, id_)

    def room(self, service: str, tenant: str, room: str) -> Place | None:
        found = self._first(_PLACE_OF_ROOM, service=service, tenant=tenant, room=room)
        if found is not None:
            self._memory["place", found.id] = found  # asked for again when it is answered there
        return found

    def places(
        self, kind: PlaceKind, *, case: str | None = None, contact: str | None = None, service: str | None = None
    ) -> Sequence[Place]:
        """Places that are not closed."""
        given = {"case": case, "contact": contact, "service": service}
        narrowed = {name: value for name, value in given.items() if value is not None}
        return self._all(_places(*narrowed), kind=kind, **narrowed)

    def occupants(self, place: str) -> Sequence[Occupant]:
        return self._all(_OCCUPANTS, place=place)

    def occupant(self, place: str, address: str) -> Occupant | None:
        return self._get(Occupant, place, address)

    def left_room(self, case: str, contact: str) -> bool:
        """Whether somebody went out of the room of a case by themselves."""
        for place in self.places(PlaceKind.EMBARGO, case=case):
            homes = self.homes(place, {contact})
            if any(one.state == "left" and one.address in homes for one in self.occupants(place.id)):
                return True
        return False

    # --- what is stuck

    def stuck(self) -> list[StuckThing]:
        """Effects that failed for good or were refused, and rows that could not be decided; the newest first."""
        out = select(OutboxRow).where(col(OutboxRow.state).in_(STUCK)).options(defer(OutboxRow.deed))  # type: ignore[arg-type]
        found = [
            StuckThing(row.key[:8], f"{row.kind} to {row.service}", row.case, row.problem or "unknown", row.made_at)
            for row in self.session.exec(out)
        ]
        parked = select(InboxRow.id, InboxRow.service, InboxRow.problem, InboxRow.at).where(InboxRow.state == "parked")
        found += [
            StuckThing(f"in{number}", f"came in from {service}", None, problem or "unknown", at)
            for number, service, problem, at in self.session.exec(parked)
        ]
        return sorted(found, key=lambda one: one.since, reverse=True)

    # --- releases

    def release(self, version: str) -> Release | None:
        return self._get(Release, version)

    def releases(self) -> Sequence[Release]:
        return self._all(select(Release).order_by(Release.version))

    def private_releases(self) -> frozenset[str]:
        """The cases that have a release prepared in private."""
        return frozenset(filter(None, self.session.exec(_PRIVATE)))

    def archives(self, version: str) -> Sequence[Archive]:
        return self._all(select(Archive).where(Archive.version == version).order_by(Archive.name))

    def catalogue(self) -> Mapping[str, tuple[Release, Mapping[str, tuple[Archive, Sequence[ArchiveDigest]]]]]:
        """Every release, its archives by name, and what each source states of them: three queries, however many."""
        stated: dict[str, list[ArchiveDigest]] = {}
        for digest in self._all(select(ArchiveDigest).order_by(WORTH)):
            stated.setdefault(digest.archive, []).append(digest)
        archives: dict[str, dict[str, tuple[Archive, Sequence[ArchiveDigest]]]] = {}
        for archive in self._all(select(Archive).order_by(Archive.name)):
            archives.setdefault(archive.version, {})[archive.name] = archive, stated.get(archive.id, ())
        return {one.version: (one, archives.get(one.version, {})) for one in self.releases()}

    def digests(self, archive: str) -> Sequence[ArchiveDigest]:
        """What each source states of an archive; what counts more comes later, so a mapping by algorithm keeps it."""
        return self._all(DIGESTS, archive=archive)
