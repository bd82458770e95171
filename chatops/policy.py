"""Who may do what, where; and what anybody may see.

Visibility comes first in every answer: a verb or case that the asker may not see answers exactly as one that does not
exist (model.md, clearance).
"""

from __future__ import annotations

from collections.abc import Iterable

from chatops.commands.declare import Command, Who
from chatops.commands.desk import Actor
from chatops.model.book import Book
from chatops.model.casefile import CaseFile, Part
from chatops.model.machines import Consent
from chatops.model.people import PlaceKind, Role

ASKED = frozenset({Consent.INVITED, Consent.LAPSED, Consent.SIGNATORY, Consent.DECLINED})
"""Who was asked may answer, and may change their answer."""


def roles(actor: Actor, file: CaseFile | None) -> Who:
    """What somebody is: to the project, and to a case."""
    held = Who.ALL
    contact = actor.contact
    if contact is None or not contact.active:
        return held
    if Role.COORDINATOR in (contact.roles or []):
        held |= Who.COORDINATOR
    if file is None or (file.case.drill and not actor.played):  # nobody is anything in a rehearsal
        return held
    if contact.id in file.reporters:
        held |= Who.REPORTER
    one = file.participants.get(contact.id)
    if one is not None:
        held |= _held(one.role, one.consent, file.was_member(contact.id))
    return held


def _held(role: str, consent: str, member: bool) -> Who:
    held = Who.ALL
    if role == "expert":
        held |= Who.EXPERT
    if member:
        held |= Who.MEMBER
    if consent in ASKED or role == "referred":  # to whom a report was passed on answers whether it is theirs
        held |= Who.ASKED
    return held


def _parts(actor: Actor, book: Book) -> list[tuple[Part, Who]]:
    """What somebody is in each case in which they are anything: one look-up, however many there are."""
    if actor.contact is None or not actor.contact.active:
        return []
    parts = [(part, _held(part.role, part.consent, part.member)) for part in book.parts(actor.contact.id)]
    parts = [(part, held | Who.REPORTER if part.reporter else held) for part, held in parts]
    return [(part, held) for part, held in parts if held & ~Who.ALL]


def known_cases(actor: Actor, book: Book, who: Who = ~Who.ALL) -> list[str]:
    """The open cases that somebody may know of, what is due first at the front: all of them for coordinators, else
    those they have a part in. ``who`` narrows it to cases in which they are any of these.
    """
    if actor.coordinator and who & Who.COORDINATOR:
        return book.open_cases()
    return [part.case for part, held in _parts(actor, book) if part.open and held & who & ~Who.ALL]


def open_terms(actor: Actor, book: Book) -> list[str]:
    """The open cases whose terms somebody was asked to keep, and has not answered."""
    waiting = (Consent.INVITED, Consent.LAPSED)
    return [part.case for part, _ in _parts(actor, book) if part.open and part.consent in waiting]


def in_cases(actor: Actor, cases: Iterable[str], book: Book, who: Who) -> set[str]:
    """Those of some cases in which somebody is any of these."""
    if actor.coordinator and who & Who.COORDINATOR:
        return set(cases)
    return {part.case for part, held in _parts(actor, book) if held & who & ~Who.ALL} & set(cases)


def may_know(actor: Actor, file: CaseFile) -> bool:
    """Whether a case exists, as far as somebody is told."""
    return bool(roles(actor, file) & ~Who.ALL)


def all_roles(actor: Actor, book: Book) -> Who:
    """What somebody is in any case: decides which verbs exist for them."""
    held = roles(actor, None)
    if actor.contact is not None and actor.contact.on_roster:
        held |= Who.CONTACT
    for _, part in _parts(actor, book):
        held |= part
    return held


def sees(command: Command, held: Who) -> bool:
    return bool(command.who & held)


def visible(commands: Iterable[Command], held: Who) -> list[Command]:
    """The commands that exist for somebody who holds these roles."""
    return [command for command in commands if sees(command, held)]


def team(file: CaseFile, book: Book) -> list[str]:
    """Who is bound by role: every coordinator, and the case's experts."""
    return [*(contact.id for contact in book.coordinators()), *filter(file.active, file.experts())]


PLACE_NAMES = {
    PlaceKind.SECURITY: "the security room",
    PlaceKind.EMBARGO: "the case's embargo room",
    PlaceKind.DIRECT: "a direct chat with me",
    PlaceKind.PUBLIC: "a public room",
}


def where_it_works(command: Command, held: Who) -> str:
    """The places where a command works, of those that somebody with these roles is in."""
    own = {PlaceKind.DIRECT, PlaceKind.PUBLIC}
    if held & Who.COORDINATOR:
        own |= {PlaceKind.SECURITY}
    if held & (Who.TEAM | Who.MEMBER):
        own |= {PlaceKind.EMBARGO}
    return " or ".join(PLACE_NAMES[kind] for kind in PlaceKind if kind in command.where & own)
