"""From one inbox row to its decision: what was said, pressed, joined, brought back or came due."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmodel import Session, col, select

from chatops import policy
from chatops.checksums.pasted import looks_like_check_lines
from chatops.commands.declare import Registry
from chatops.commands.desk import Actor, Decision, Desk
from chatops.commands.parse import addressed, split
from chatops.config import Settings
from chatops.document import Document, Tlp, dates
from chatops.model.book import Book
from chatops.model.changes import Happened, new
from chatops.model.flow import InboxRow, OutboxRow
from chatops.model.people import Occupant, Place, PlaceKind, Role
from chatops.ports import (
    Address,
    Aside,
    Automatic,
    Bounced,
    DeviceShut,
    Dropped,
    Due,
    Filed,
    Invitation,
    Letter,
    Locked,
    Member,
    Nothing,
    Outcome,
    Reacted,
    Received,
    Replaced,
    Said,
    Unreadable,
    Working,
)
from chatops.service import (
    commanding,
    devices,
    dispatch,
    host,
    letters,
    listening,
    membership,
    outages,
    outcomes,
    reminders,
)
from chatops.service.origin import NOWHERE, SHELL, Origin
from chatops.service.patience import Patience
from chatops.service.unit import Unit, own_desk, refusal

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No characters that are mistaken for each other when read aloud or typed from paper."""
LONGEST = 100_000
"""So many bytes of a message are read; nobody types more."""


def fresh() -> str:
    """A random id: 128 bits, as hex."""
    return secrets.token_hex(16)


def code(length: int) -> str:
    """A random code that people can type."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


@dataclass(frozen=True)
class Decider:
    """Decides inbox rows. ``services`` are the chat services that run here."""

    settings: Settings
    registry: Registry
    services: frozenset[str]
    clock: Callable[[], datetime]
    patience: Patience = field(default_factory=Patience, compare=False, repr=False)

    def __call__(self, session: Session, row: InboxRow, received: Received) -> None:
        """Decide one row in the caller's transaction. Raises only for faults of our own."""
        now = self.clock()
        match received.event:
            case Said():
                self._said(session, received, received.event, now)
            case Reacted():
                self._reacted(session, received, received.event, now)
            case Dropped() as dropped:
                if dropped.pair:
                    self._met(session, received, dropped.sender, dropped.room, now)
                unit, desk = self._desk(
                    session,
                    received,
                    dropped.sender,
                    dropped.room,
                    dropped.event,
                    now,
                    in_thread=True,
                    verified=dropped.verified,
                )
                if self._patient(received, unit, desk):
                    listening.dropped(unit, desk, dropped)
            case Letter() as letter:
                self._letter(session, received, letter, now)
            case Filed() as filed:
                unit = self._unit(session, received, now)
                host.take(unit, own_desk(unit, self.settings, now, code), filed)
            case Bounced() as bounce:
                letters.bounced(self._unit(session, received, now), received, bounce)
            case Automatic() as automatic:
                letters.automatic(self._unit(session, received, now), automatic)
            case Member() as member:
                membership.changed(self._unit(session, received, now), received, member, now)
            case Invitation() as invitation:
                membership.invited(
                    self._unit(session, received, now),
                    received,
                    invitation,
                    self.actor(Book(session), received.service, received.tenant, invitation.by),
                )
            case Replaced() as replaced:
                by = self.actor(Book(session), received.service, received.tenant, replaced.by)
                membership.replaced(self._unit(session, received, now), received, replaced, by)
            case Outcome() as outcome:
                outcomes.decide(self._unit(session, received, now), self.settings, outcome, now, code)
            case Due() as due:
                reminders.due(self._unit(session, received, now), self.settings, due, now)
            case Working() as working:
                outages.decide(self._unit(session, received, now), received.service, working)
            case Unreadable() as lost:
                unit, desk = self._desk(session, received, lost.sender, lost.room, lost.event, now)
                if self._patient(received, unit, desk):
                    what = "fetch your file" if lost.file else "decrypt your message"
                    unit.carry_out(Decision(reply=refusal(f"I could not {what}; please send it again.")))
            case DeviceShut() as shut:
                unit, desk = self._desk(session, received, shut.who, shut.rooms[0], None, now)
                if shut.may_read or self._patient(received, unit, desk):
                    devices.told(unit, desk, shut)
            case Nothing():
                pass
            case Locked():
                raise LookupError("a locked row is not decided")

    # --- who and where

    @staticmethod
    def actor(book: Book, service: str, tenant: str, sender: str) -> Actor:
        """Who somebody is, by the service's own id."""
        address = Address(service, tenant, sender)
        if service == SHELL:
            name, _, user = sender.rpartition("#")
            contact = book.named(name)
            return Actor(address, contact if contact and contact.active else None, f"os:{user}")
        contact = book.at(address)
        return Actor(address, contact, f"contact:{contact.id}" if contact else f"stranger:{sender}")

    def _unit(self, session: Session, received: Received, now: datetime) -> Unit:
        origin = Origin(received.service, received.tenant)
        return Unit(session, self.settings, self.services, now, fresh, who="chatops", origin=origin)

    def _desk(
        self,
        session: Session,
        received: Received,
        sender: str,
        room: str,
        event: str | None,
        now: datetime,
        *,
        thread: str | None = None,
        in_thread: bool = False,
        aside: Aside | None = None,
        verified: bool = True,
    ) -> tuple[Unit, Desk]:
        book = Book(session)
        actor = self.actor(book, received.service, received.tenant, sender)
        place, kind = seat(book, received.service, received.tenant, room, aside=aside is not None)
        origin = Origin(
            received.service,
            received.tenant,
            room,
            event,
            thread,
            place.id if place else None,
            kind,
            actor.id or None,
            sender,
            in_thread,
            aside,
        )
        unit = Unit(session, self.settings, self.services, now, fresh, who=actor.name, origin=origin, book=book)
        if place is not None and place.kind == PlaceKind.DIRECT and place.contact is None and actor.contact is not None:
            outcomes.adopt(unit, place, actor.contact.id, sender)
            place = unit.book.place(place.id)
        file = book.case(place.case) if place and place.case else None
        strict = self.settings.matrix is not None and kind in self.settings.matrix.verified_devices_only
        desk = Desk(
            now,
            self.settings,
            actor,
            unit.book,
            kind or PlaceKind.PUBLIC,
            place,
            fresh,
            code,
            self.services,
            file,
            doubtful=strict and not verified,
        )
        return unit, desk

    def origin(self, session: Session, received: Received) -> Origin:
        """Where to answer somebody whose message could not be decided."""
        event = received.event
        if not isinstance(event, Said | Dropped):
            return NOWHERE
        book = Book(session)
        place = book.room(received.service, received.tenant, event.room)
        actor = self.actor(book, received.service, received.tenant, event.sender)
        kind = PlaceKind(place.kind) if place else None
        where = place.id if place else None
        return Origin(
            received.service,
            received.tenant,
            event.room,
            event.event,
            None,
            where,
            kind,
            actor.id or None,
            event.sender,
        )

    # --- what was said

    def _said(self, session: Session, received: Received, said: Said, now: datetime) -> None:
        if said.pair:
            self._met(session, received, said.sender, said.room, now)
        unit, desk = self._desk(
            session,
            received,
            said.sender,
            said.room,
            said.event,
            now,
            thread=said.thread,
            aside=said.aside,
            verified=said.verified,
        )
        if desk.room is None and received.service != SHELL and said.aside is None:
            return  # a room that we were never asked into by anybody who may
        bare = desk.place is PlaceKind.DIRECT or said.addressed or said.aside is not None
        line = addressed(said.text, self.settings.project.command, bare=bare)
        if len(said.text.encode(errors="replace")) > LONGEST:
            self._too_long(received, unit, desk, said, answer=line is not None or said.addressed)
            return
        if line is not None and bare and not said.addressed and self._only_lines(line):
            line = f"verify {line}"  # nothing else is meant by them
        if line is None or (said.addressed and listening.only_lines(said.text)):
            if not looks_like_check_lines(said.text):
                return
            if self._patient(received, unit, desk):
                listening.said(unit, desk, said)
            else:
                listening.exposed(unit, desk, said.text)
            return
        if received.service == SHELL and desk.actor.contact is None:
            unit.carry_out(Decision(reply=refusal("nobody on the roster has that name")))
            return
        if not self._patient(received, unit, desk, line):
            listening.exposed(unit, desk, said.text)
            return
        if not said.private:
            unit.carry_out(
                Decision(reply=refusal("Your message came without encryption; I act on encrypted ones only."))
            )
            return
        commanding.obey(self.registry, unit, desk, line, said)
        listening.exposed(unit, desk, said.text)

    def _letter(self, session: Session, received: Received, letter: Letter, now: datetime) -> None:
        """A letter: not for us, not from who it says, a command, or words."""
        unit = self._unit(session, received, now)
        actor = self.actor(unit.book, received.service, received.tenant, letter.sender)
        row = letters.answered(unit, received, letter)
        trusted = actor.contact is not None and letter.proven
        if row is None and not trusted and letters.for_others(self.settings, letter):
            letters.pass_on(unit, self.settings, letter)
            return
        if actor.contact is not None and not trusted:
            sender = (received.service, received.tenant, letter.sender)
            answer = self.patience.once(sender, "unproven", received.key, now)
            letters.unproven(unit, actor.contact, letter, answer=answer)
            return
        if letter.sender:
            self._met(session, received, letter.sender, letter.sender, now)
            unit, desk = self._desk(session, received, letter.sender, letter.sender, letter.event, now)
            letters.heard_from(unit, desk.actor)
        if not letter.sender or letter.sealed:
            letters.to_the_team(unit, letter)
            return
        if not letter.answerable:
            unit.unanswered()
        about = unit.book.case(row.case) if row is not None and row.case else None
        if about is not None and policy.may_know(desk.actor, about):
            desk = replace(desk, file=about)
        if not self._patient(received, unit, desk, "report"):
            return
        line = letters.command_in(self.registry, desk, letter.text)
        if line is not None:
            letters.keep(unit, letter, desk.file.id if desk.file else None)
            commanding.obey(self.registry, unit, desk, line, None)
        else:
            letters.words(unit, desk, letter, answers=row is not None)

    def _too_long(self, received: Received, unit: Unit, desk: Desk, said: Said, *, answer: bool) -> None:
        if answer and self._patient(received, unit, desk):
            most = f"{LONGEST // 1000} kB"
            unit.carry_out(
                Decision(reply=refusal(f"Your message is longer than {most}; I read none of it. Send it in parts."))
            )
        listening.exposed(unit, desk, said.text[:LONGEST])

    def _only_lines(self, line: str) -> bool:
        return split(line).verb not in self.registry and listening.only_lines(line)

    def _reacted(self, session: Session, received: Received, reacted: Reacted, now: datetime) -> None:
        """Pressing a button of a card is typing its command, by whoever pressed."""
        row = _shown(session, received.service, reacted.target)
        document = None
        if row is not None and row.deed.get("t") == "post":
            document = Document.model_validate(row.deed["document"])
        command = reacted.command or (_pressed(document, reacted.key) if document else None)
        if command is None:
            return
        if reacted.pair:
            self._met(session, received, reacted.sender, reacted.room, now)
        unit, desk = self._desk(
            session,
            received,
            reacted.sender,
            reacted.room,
            reacted.target,
            now,
            aside=reacted.aside,
            verified=reacted.verified,
        )
        if desk.room is None and reacted.aside is None:
            return
        if not self._patient(received, unit, desk):
            return
        if row is not None and document is not None and _out_of_date(desk.book, row, document, split(command).verb):
            newest = "That card is out of date; please look at the newest one."
            if row.kind == "question":
                newest = "That date was replaced; please answer the newer question."
            unit.carry_out(Decision(reply=refusal(newest)))
            return
        commanding.obey(self.registry, unit, desk, command, None)

    def _met(self, session: Session, received: Received, sender: str, room: str, now: datetime) -> None:
        """A chat that is by its service's nature one of two is a direct chat from its first word on."""
        book = Book(session)
        if book.room(received.service, received.tenant, room) is not None:
            return
        contact = book.at(Address(received.service, received.tenant, sender))
        place = Place(
            id=fresh(),
            kind=PlaceKind.DIRECT,
            service=received.service,
            tenant=received.tenant,
            room=room,
            contact=contact.id if contact else None,
            clearance=Tlp.RED,
            state="bound",
        )
        occupant = Occupant(place=place.id, address=sender, contact=place.contact, state="joined")
        unit = self._unit(session, received, now)
        unit.record(
            Happened("direct chat begun", facts={"service": received.service}, changes=(new(place), new(occupant)))
        )

    def _patient(self, received: Received, unit: Unit, desk: Desk, line: str = "") -> bool:
        """Strangers, and whoever only reported, may ask so many things an hour; beyond that one word, then silence.

        A report is not lost without a word: who sends one then is told so, even after the first word.
        """
        contact = desk.actor.contact
        if received.service == SHELL or (contact is not None and contact.roles != [Role.REPORTER]):
            return True
        sender = (received.service, received.tenant, desk.actor.address.id)
        if self.patience.count(sender, received.key, desk.now) <= self.settings.policy.stranger_messages_per_hour:
            return True
        if line and dispatch.verb(desk, line) == "report":
            if self.patience.once(sender, "report", received.key, desk.now):
                unit.carry_out(Decision(reply=refusal("I did not take that report: please send it again in an hour.")))
        elif self.patience.once(sender, "wait", received.key, desk.now):
            unit.carry_out(Decision(reply=refusal("That is a lot at once; I answer again in an hour.")))
        return False


def seat(book: Book, service: str, tenant: str, room: str, *, aside: bool) -> tuple[Place | None, PlaceKind | None]:
    """Where somebody sits who speaks in a room: our place for it, and what it is to them.

    What only they see is as good as a direct chat, unless it was said in a room of ours that has a role.
    """
    if service == SHELL:
        return None, PlaceKind.DIRECT
    place = book.room(service, tenant, room)
    if aside and (place is None or place.kind == PlaceKind.PUBLIC):
        return None, PlaceKind.DIRECT
    return place, PlaceKind(place.kind) if place else None


def _pressed(document: Document, key: str) -> str | None:
    """The command of a card's action that bears an emoji."""
    bare = key.rstrip("\ufe0f")
    return next((one.command for one in document.actions if one.emoji.rstrip("\ufe0f") == bare), None)


def _shown(session: Session, service: str, message: str) -> OutboxRow | None:
    """The effect of which a message shows the card now: the last that edited it, or the one that said it."""
    said = select(OutboxRow).where(col(OutboxRow.event) == message, OutboxRow.service == service)
    first = session.exec(said.order_by(col(OutboxRow.id))).first()
    if first is None:
        return None
    later = select(OutboxRow).where(
        OutboxRow.conversation == first.conversation, OutboxRow.state == "done", col(OutboxRow.id) > first.id
    )
    newest = session.exec(later.order_by(col(OutboxRow.id).desc()))
    return next((one for one in newest if one.deed.get("edit") == first.key), first)


def _out_of_date(book: Book, row: OutboxRow, card: Document, verb: str) -> bool:
    """Whether a yes or no to a date would count for another one than the card shows."""
    file = book.case(row.case) if row.case else None
    if file is None or verb not in ("accept", "agree", "object"):
        return False
    asked = file.terms_date if verb == "accept" else file.question.at if file.question else None
    return asked is not None and asked not in dates(card)
