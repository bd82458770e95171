"""Which places a message goes to, and how it stands there: whom it names, what it answers, the doors that it shows.

Part of a unit of work: what is sent is a row of the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from chatops.commands.desk import (
    Attach,
    CaseRoom,
    ConsentQuestion,
    Direct,
    EmbargoOver,
    Here,
    InPlace,
    Message,
    Outgoing,
    Public,
    Security,
    Target,
)
from chatops.commands.moments import zones
from chatops.document import Document, Tlp, Who, local, nodes
from chatops.model.book import Book
from chatops.model.changes import Happened
from chatops.model.flow import OutboxRow
from chatops.model.people import Place, PlaceKind
from chatops.ports import MAIL, Address, Post, Upload
from chatops.service.doors import doors_for
from chatops.service.gate import insiders, wanted
from chatops.service.origin import SHELL, Origin
from chatops.service.rooms import Rooms

SMALL_TALK = frozenset({"status", "answer"})
"""Kinds of cards on what others answered: a room reads along, a mailbox need not."""
ELSEWHERE = Document(title="I answered in our direct chat.", kind="answer")
"""Beside an answer that was too private for where it was asked for."""


class Sender:
    """Addresses messages and files, within one unit of work. ``read`` is the place where everybody reads the answer
    that was given: what only echoes it is not said there again.
    """

    def __init__(
        self,
        session: Session,
        book: Book,
        rooms: Rooms,
        now: datetime,
        record: Callable[[Happened], None],
        queue: Callable[..., str],
        origin: Callable[[], Origin],
        *,
        discreet: bool,
    ) -> None:
        self._session = session
        self._book = book
        self._rooms = rooms
        self._now = now
        self._record = record
        self._queue = queue
        self._whence = origin
        self._discreet = discreet
        self.read: str | None = None

    @property
    def _origin(self) -> Origin:
        """Asked for anew each time: it changes until the answer is given (in a thread, or none to a machine)."""
        return self._whence()

    def say(self, message: Outgoing) -> None:
        """A message or a file."""
        self.attach(message) if isinstance(message, Attach) else self.send(message)

    def send(self, message: Message) -> None:
        """One outbox row for each place that the target means."""
        text = message.text
        kind = message.kind
        if isinstance(text, ConsentQuestion):
            kind, document = "question", text.document()
        elif isinstance(text, EmbargoOver):
            kind, document = "over", text.document()
        else:
            document = text
        if isinstance(message.to, Security) and document.tone == "alert" and not message.ping:
            message = replace(message, ping=tuple(contact.id for contact in self._book.coordinators()))
        edited = self._edited(message.edit) if message.edit else None
        places = self._places(message.to, document)
        if message.echo:
            places = [place for place in places if place is None or place.id != self.read]
        if edited is not None:
            self._post(edited, message, document, kind)
            places = [place for place in places if place is None or place.id != edited.id]
        for place in places:
            self._post(place, replace(message, edit=None), document, kind)
            if place is not None and place.service != MAIL:
                for upload in message.files:
                    self._file(place, upload, kind, document.tlp, document.case)

    def attach(self, message: Attach) -> None:
        """A file, where a card with such a label would go. One that only the asker is to see goes to their chat; a
        shell gets none.
        """
        tlp = Tlp.AMBER_STRICT if message.case else Tlp.CLEAR
        asker = self._asker() if isinstance(message.to, Here) and self._origin.aside is not None else None
        label = Document(title=message.upload.name, kind=message.kind, tlp=tlp, case=message.case)
        for place in self._places(Direct(asker) if asker else message.to, label):
            if place is not None:
                self._file(place, message.upload, message.kind, tlp, message.case)

    def _file(self, place: Place, upload: Upload, kind: str, tlp: Tlp, case: str | None) -> None:
        self._queue(
            upload,
            service=place.service,
            tenant=place.tenant,
            place=place.id,
            conversation=f"place:{place.id}",
            kind=kind,
            tlp=tlp,
            case=case,
        )

    def people(self, document: Document, service: str, ping: tuple[str, ...] = ()) -> dict[str, str]:
        """The user ids of those whom a document names, on one service."""
        found: dict[str, str] = {}
        for name in {*_mentioned(document), *self._names(ping)}:
            contact = self._book.named(name)
            for address in self._book.addresses(contact.id) if contact else ():
                if address.service == service:
                    found.setdefault(name, address.id)
        return found

    def _edited(self, key: str) -> Place | None:
        """The place of the message that is edited; None if it was said in a shell, where nothing can be."""
        row = self._session.exec(select(OutboxRow.place).where(col(OutboxRow.key) == key)).first()
        return self._book.place(row) if row else None

    def _places(self, target: Target, document: Document | None) -> list[Place | None]:
        """Our places for a target; None stands for the origin where it has no place of ours (a shell, a stranger)."""
        match target:
            case Security():
                rooms = list(self._book.places(PlaceKind.SECURITY))
                if document is not None and document.case is not None and self._book.is_drill(document.case):
                    return [*rooms]  # nothing of it leaves the security room
                return [*rooms, *self._rooms.roomless(contact.id for contact in self._book.coordinators())]
            case CaseRoom(case):
                return [*self._book.places(PlaceKind.EMBARGO, case=case), *self._one_by_one(case, document)]
            case Public():
                return list(self._rooms.public())
            case Direct(contact, path):
                return self._direct(contact, document, path)
            case Here():
                return self._here(document)
            case InPlace(place):
                return [self._book.place(place)]

    def _one_by_one(self, case: str, document: Document | None) -> list[Place]:
        """Those who belong in a case's room and can be in none; but for whoever asked, who is answered anyway."""
        if document is not None and document.kind in SMALL_TALK:
            return []
        return self._rooms.roomless(insiders(self._book, case, self._now) - {self._origin.contact or ""})

    def _direct(self, contact: str, document: Document | None, path: str | Address | None = None) -> list[Place | None]:
        place = self._rooms.direct(contact, path)
        if place is not None:
            return [place]
        if self._origin.contact == contact and self._origin.service == SHELL:
            return [None]
        known = self._book.contact(contact)
        case = document.case if document else None
        name = known.name if known else "somebody"
        self._record(Happened("could not be reached", case=case, facts={"who": name}))
        fault = Document(
            title=f"{name} could not be reached: no address of theirs is on a service that runs",
            kind="fault",
            tlp=Tlp.AMBER_STRICT,
            case=case,
            tone="alert",
        )
        self.send(Message(Security(), fault, kind="alert"))
        return []

    def _here(self, document: Document | None) -> list[Place | None]:
        """The origin, unless it is too public for the answer: then the asker's direct chat."""
        if self._origin.room is None:
            return []
        place = self._book.place(self._origin.place) if self._origin.place else None
        if place is None and self._origin.aside is None:
            return [None]
        if place is not None and place.state != "closed" and _fits(document, place):
            return [None if self._origin.aside and place.kind != PlaceKind.DIRECT else place]
        if place is None and (document is None or document.tlp == Tlp.CLEAR):
            return [None]
        asker = self._asker()
        found = self._direct(asker, document) if asker else []
        if found and self._origin.aside is not None:
            self._post(None, Message(Here(), ELSEWHERE), ELSEWHERE, "details")
        return found

    def _asker(self) -> str | None:
        """Who asked: a stranger who just reported is somebody by now."""
        if self._origin.contact is not None or self._origin.sender is None:
            return self._origin.contact
        known = self._book.at(Address(self._origin.service, self._origin.tenant, self._origin.sender))
        return known.id if known else None

    def _post(self, place: Place | None, message: Message, document: Document, kind: str) -> None:
        here = isinstance(message.to, Here) and (place is None or place.id == self._origin.place)
        service = place.service if place else self._origin.service
        whole = here or isinstance(message.to, InPlace)  # there is one of it only
        people = self.people(document, service, message.ping)
        post = Post(
            document=self._for_reader(document, place),
            reply_to=self._origin.event if here else self._event(message, place),
            thread=(self._origin.thread or (self._origin.event if self._origin.in_thread else None)) if here else None,
            edit=message.edit,
            people=people,
            doors=self._doors(document, place, service),
            ping=tuple(people[name] for name in self._names(message.ping) if name in people),
            instant=place is None,  # a shell that is gone is nobody's fault, nor an aside that nobody reads
            aside=self._origin.aside if place is None else None,
            pin=message.pin and place is not None,
            bare=message.bare,
            discreet=place is not None and place.kind == PlaceKind.EMBARGO and self._discreet,
            files=message.files if service == MAIL else (),
        )
        self._queue(
            post,
            key=message.key if whole or not message.key or place is None else f"{message.key}.{place.id[:8]}",
            service=service,
            tenant=place.tenant if place else self._origin.tenant,
            place=place.id if place else None,
            room=None if place else self._origin.room,
            audience=place.contact if place else self._asker(),
            conversation=self._conversation(message, place, here),
            kind=kind,
            tlp=document.tlp,
            case=document.case,
            step=message.step,
        )

    def _doors(self, document: Document, place: Place | None, service: str) -> dict[str, str]:
        """The rooms to which a message may lead: only those that everybody who reads it there may enter."""
        if place is None or place.kind == PlaceKind.DIRECT:
            reader = place.contact if place else self._asker()
            return doors_for(self._book, document, service, {reader} if reader else (), self._now)
        if place.kind == PlaceKind.SECURITY:
            return doors_for(self._book, document, service, wanted(self._book, place, self._now), self._now)
        return {}

    def _event(self, message: Message, place: Place | None) -> str | None:
        """The message that one is said in answer to, in one place."""
        if message.under is None or place is None:
            return None
        key = f"{message.under}.{place.id[:8]}"
        return self._session.exec(select(OutboxRow.event).where(col(OutboxRow.key) == key)).first()

    def _for_reader(self, document: Document, place: Place | None) -> Document:
        """Where one person reads, instants are shown in their zone, too."""
        if place is not None and place.kind != PlaceKind.DIRECT:
            return document
        contact = place.contact if place else self._asker()
        known = self._book.contact(contact) if contact else None
        zone = zones().get(known.zone.casefold()) if known and known.zone else None
        return local(document, zone) if zone else document

    def _conversation(self, message: Message, place: Place | None, here: bool) -> str:
        if message.edit:
            edited = self._session.exec(
                select(OutboxRow.conversation).where(col(OutboxRow.key) == message.edit)
            ).first()
            if edited:
                return edited
        if message.bare and place is not None:
            return f"bare:{place.id}"  # not behind what nobody can read yet
        if here:
            return f"reply:{self._origin.service}:{self._origin.event}"
        return f"place:{place.id}" if place else f"room:{self._origin.room}"

    def _names(self, contacts: tuple[str, ...]) -> list[str]:
        return [known.name for one in contacts if (known := self._book.contact(one)) is not None]


def _fits(document: Document | None, place: Place) -> bool:
    """Whether an answer may be given where it was asked for; if not, the asker gets it in private."""
    if document is None or (place.kind == PlaceKind.DIRECT and place.state == "wanted"):
        return True  # what a chat is cleared for is not known before it was entered: the gate waits for that
    if document.tlp > place.clearance:
        return False
    if place.kind != PlaceKind.EMBARGO:
        return True
    return document.case == place.case or (document.case is None and document.tlp <= Tlp.GREEN)


def _mentioned(document: Document) -> Iterator[str]:
    """The names of all people in a document."""
    return (node.name for node in nodes(document) if isinstance(node, Who))
