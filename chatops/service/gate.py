"""The clearance gate: may this effect happen at this place, now? Asked before every attempt, frozen payloads included.

One rule for all services (model.md, clearance): the label fits the place, the case belongs to it, and everybody who
would read it may. A place with somebody in it who should not be there waits until they are gone.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from chatops.document import Tlp
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.flow import OutboxRow
from chatops.model.machines import Consent
from chatops.model.people import Place, PlaceKind, Role
from chatops.policy import team
from chatops.service.outbox import ABSENT, PASS, Ruling

SPEAKING = frozenset({"post", "upload"})


def gate(session: Session, row: OutboxRow, now: datetime) -> Ruling:
    """Pass, hold (try again later) or refuse (a fault and an alert), with a short machine word why."""
    book = Book(session)
    place = book.place(row.place) if row.place else None
    deed = row.deed["t"]
    if row.case and (place is None or place.kind != PlaceKind.SECURITY) and book.is_drill(row.case):
        return Ruling("refuse", "drill")
    if deed == "invite":
        return _may_be_invited(book, row, place, now)
    if deed not in SPEAKING:
        return PASS
    if row.deed.get("bare") and (row.case or row.tlp > Tlp.CLEAR):
        return Ruling("refuse", "public")
    if place is None:
        return _to_one(book, row, row.audience, now) if row.audience is not None else _uncased(row, "nobody")
    if place.state == "closed":
        return Ruling("refuse", "place-closed")
    if place.state == "wanted":
        return Ruling("hold", "not-entered")
    if place.held:
        return Ruling("hold", "intruder")
    if row.tlp > place.clearance:
        return Ruling("refuse", "clearance")
    if place.kind == PlaceKind.PUBLIC:
        return _uncased(row, "public")
    present = book.occupants(place.id)
    if all(one.state != "joined" for one in present):
        return ABSENT
    if place.contact is not None or place.kind != PlaceKind.DIRECT:
        homes = book.homes(place, wanted(book, place, now))
        if any(one.state != "left" and one.address not in homes for one in present):
            return Ruling("hold", "audience")
    match PlaceKind(place.kind):
        case PlaceKind.DIRECT:
            return _to_one(book, row, place.contact, now)
        case PlaceKind.EMBARGO:
            return _to_room(book, row, place)
        case _:
            return PASS


def _uncased(row: OutboxRow, why: str) -> Ruling:
    """What everybody may read names no case and is TLP:CLEAR."""
    return PASS if row.case is None and row.tlp == Tlp.CLEAR else Ruling("refuse", why)


def _to_one(book: Book, row: OutboxRow, contact: str | None, now: datetime) -> Ruling:
    """A direct chat, or a shell: its one reader's standing decides."""
    known = book.contact(contact) if contact else None
    if row.case is None:
        if row.tlp <= Tlp.GREEN:
            return PASS
        coordinator = known is not None and Role.COORDINATOR in (known.roles or [])
        return PASS if coordinator else Ruling("refuse", "not-a-coordinator")
    file = book.case(row.case)
    if file is None or known is None:
        return Ruling("refuse", "stranger")
    if known.id in team(file, book) or may_hear(file, known.id, row.kind, now):
        return PASS
    return Ruling("refuse", "not-cleared")


def may_hear(file: CaseFile, contact: str, kind: str, now: datetime) -> bool:
    """Whether somebody outside the team may be sent a message of this kind about a case."""
    if not file.active(contact):
        return False
    one = file.participants.get(contact)
    match kind:
        case "question":
            return one is not None and one.consent in (Consent.INVITED, Consent.LAPSED)
        case "over":
            return one is not None and one.asked_at is not None
        case "reporter":
            return contact in file.reporters
        case "referral":
            return one is not None and one.role == "referred"
        case "told":
            asked = one is not None and one.told_now and one.consent == Consent.INVITED
            return asked or file.may_stay(contact, now)  # they may have accepted meanwhile
        case _:
            return file.may_stay(contact, now)


def _to_room(book: Book, row: OutboxRow, place: Place) -> Ruling:
    if row.case is None:
        return PASS if row.tlp <= Tlp.GREEN else Ruling("refuse", "no-case")
    if place.case != row.case:
        return Ruling("refuse", "another-case")
    return PASS if book.exists(row.case) else Ruling("refuse", "no-such-case")


def _may_be_invited(book: Book, row: OutboxRow, place: Place | None, now: datetime) -> Ruling:
    """Nobody is invited who has not accepted, or is not bound by role, at the moment of the invitation."""
    if place is None or row.audience is None:
        return Ruling("refuse", "nobody")
    if row.audience in wanted(book, place, now):
        return PASS
    return Ruling("refuse", "not-cleared")


def wanted(book: Book, place: Place, now: datetime) -> set[str]:
    """The contacts who belong in a place now: of a direct chat, its one person."""
    if place.kind == PlaceKind.DIRECT:
        return {place.contact} if place.contact else set()
    if place.kind == PlaceKind.SECURITY:
        return {contact.id for contact in book.coordinators()}
    return insiders(book, place.case, now) if place.kind == PlaceKind.EMBARGO and place.case else set()


def insiders(book: Book, case: str, now: datetime) -> set[str]:
    """The contacts who belong where a case is talked of: its team, and the embargo members."""
    file = book.case(case)
    if file is None:
        return set()
    return set(team(file, book)) | {one for one in file.participants if file.may_stay(one, now)}
