"""The unit of work: carries out a decision in the caller's transaction.

Journals what happened, makes outbox rows of messages (places included), sets timers, and then makes the rooms fit what
was decided. Nothing here talks to a network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from chatops.commands import packing
from chatops.commands.desk import (
    Actor,
    Alarm,
    Attach,
    CaseRoom,
    ConsentQuestion,
    Decision,
    Desk,
    Direct,
    EmbargoOver,
    Here,
    InPlace,
    Job,
    Message,
    Outgoing,
    Public,
    Security,
    Target,
)
from chatops.commands.moments import zones
from chatops.commands.private_release import again
from chatops.config import Settings
from chatops.document import Document, Tlp, Who, local, nodes
from chatops.model import journal
from chatops.model.book import Book
from chatops.model.changes import Change, Happened, Moved
from chatops.model.flow import OutboxRow
from chatops.model.machines import Consent
from chatops.model.people import Place, PlaceKind, Role
from chatops.ports import (
    MAIL,
    Address,
    Aside,
    Deed,
    Delist,
    Enter,
    Leave,
    Post,
    Relay,
    Retire,
    Snapshot,
    Survey,
    TryPatch,
)
from chatops.service import outbox
from chatops.service.boards import Boards
from chatops.service.doors import doors_for
from chatops.service.drills import drill_of, rehearsed
from chatops.service.gate import insiders, wanted
from chatops.service.heads import UNSETTLED
from chatops.service.intake import unpark
from chatops.service.outbox import let_go
from chatops.service.rooms import Rooms
from chatops.service.tables import put_outbox
from chatops.service.timers import cancel_timer, gather, set_timer, timer_set

SHELL = "shell"
RELEASE_HOST = "releases"
"""The service name of the release host's effects."""
REPOSITORY = "repository"
"""That of what is tried in a checkout of the project."""


@dataclass(frozen=True)
class Origin:
    """Where something came from, so that it can be answered there."""

    service: str
    tenant: str = ""
    room: str | None = None
    event: str | None = None
    thread: str | None = None
    place: str | None = None
    kind: PlaceKind | None = None
    contact: str | None = None
    sender: str | None = None
    in_thread: bool = False
    aside: Aside | None = None

    @property
    def where(self) -> str:
        """For the journal: the place's kind and service, no room id of a stranger."""
        hand = f" as {self.sender.rpartition('#')[2]}" if self.service == SHELL and self.sender else ""
        return f"{self.kind or 'unknown place'} on {self.service}{hand}"


NOWHERE = Origin("chatops")


class Unit:
    """One decision's writing. Made anew for each inbox row."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        services: frozenset[str],
        now: datetime,
        fresh: Callable[[], str],
        *,
        who: str,
        origin: Origin = NOWHERE,
        book: Book | None = None,
    ) -> None:
        self.session = session
        self.book = book or Book(session)
        self._settings = settings
        self._now = now
        self.fresh = fresh
        self._who = who
        self._origin = origin
        self._touched: set[str] = set()
        self._closed: set[str] = set()
        self._team = False  # who is a coordinator may have changed
        self._moved: set[str] = set()  # whose addresses changed
        self._back: set[tuple[str, str]] = set()  # (case, contact) of who may be asked again into a room they left
        self._back_in_team: set[str] = set()
        self._joined: set[tuple[str, str]] = set()  # (case, contact) of who has just become a member
        self._changed: set[str] = set()  # the cases to which something happened
        self._read: str | None = None  # the place where everybody reads the answer
        self.boards = Boards(
            self.session, self.book, self.say, self.record, lambda text, on: self._people(text, (), on), fresh
        )
        self.rooms = Rooms(self.book, services, now, self.record, self._for_room, fresh, settings.project.name)

    @property
    def answerable(self) -> bool:
        """Whether there is somebody to answer where it came from."""
        return self._origin.room is not None

    def at(self, service: str, tenant: str, room: str) -> None:
        """What is done without a place of ours is done there."""
        self._origin = replace(self._origin, service=service, tenant=tenant, room=room)

    def unanswered(self) -> None:
        """Nothing is said in answer: a machine wrote, or a list passed it on."""
        self._origin = replace(self._origin, room=None)

    def in_thread(self) -> None:
        """Answer in a thread on what was said."""
        self._origin = replace(self._origin, in_thread=True)

    # --- what happened

    def record(self, happened: Happened) -> None:
        """Journal and project; what was read before stays as it was, what is read after is new."""
        self._notice(happened)
        journal.append(self.session, happened, at=self._now, who=self._who, where=self._origin.where)
        self.session.expunge_all()
        self.book.forget()

    def _notice(self, happened: Happened) -> None:
        """Remember whose rooms may have to change. A stranger who becomes a contact belongs in none yet."""
        if happened.case:
            self._changed.add(happened.case)
        if happened.case and any(map(_moves_people, happened.changes)):
            self._touched.add(happened.case)
        if happened.case and any(map(_closes, happened.changes)):
            self._closed.add(happened.case)
        for change in happened.changes:
            if _asks_back(change):
                self._back.add((str(change.key["case"]), str(change.key["contact"])))
            if isinstance(change, Moved):
                if change.column == "consent" and (change.old, change.new) == (Consent.INVITED, Consent.SIGNATORY):
                    self._joined.add((change.key["case"], change.key["contact"]))
                continue
            values = change.values or {}
            if change.table == "contactaddress":
                moved = values.get("contact") or self.book.holder(str(change.key["id"]))
                self._moved |= {moved} if moved else set()
            elif change.table == "contact" and values.keys() & {"roles", "active"}:
                known = self.book.contact(str(change.key["id"]))
                self._back_in_team.add(str(change.key["id"]))
                roles = [*(values.get("roles") or ()), *((known.roles or ()) if known else ())]
                self._team |= Role.COORDINATOR in roles

    def carry_out(self, decision: Decision) -> None:
        """All of a decision, in order: events, what follows from them for the rooms, messages, jobs, timers."""
        if (drill := drill_of(decision, self.book)) is not None:
            inside = self._origin.kind is PlaceKind.SECURITY and self._origin.aside is None
            decision = rehearsed(decision, drill, self.book, inside=inside)
        for happened in decision.events:
            self.record(happened)
        self.settle()  # first: messages name places, which must be on record
        if decision.reply is not None:
            self.send(Message(Here(), decision.reply, key=decision.reply_key, kind=decision.reply_kind))
            self._read = self._origin.place if self._origin.aside is None else None
        for message in decision.messages:
            self.say(message)
        self._read = None
        self._hand_over()
        changed, self._changed = self._changed, set()
        for case in sorted(changed):
            self.boards.refresh(case, self._now)
        self._retire()  # what is said there goes first (chatops.service.heads)
        for job in decision.jobs:
            self.order(job)
        for alarm in decision.alarms:
            self.alarm(alarm)
        for one in decision.again:
            if one.code.startswith("in"):
                unpark(self.session, int(one.code.removeprefix("in")), give_up=one.give_up)
            else:
                outbox.again(self.session, one.code, give_up=one.give_up, unsent=one.unsent)

    def _hand_over(self) -> None:
        """Pack and private release, to new members who can be in no room that tells who comes in."""
        joined, self._joined = self._joined, set()
        for case, contact in sorted(joined):
            file = self.book.case(case)
            if file is None or not file.embargoed or not self.rooms.roomless({contact}):
                continue
            if changes := packing.handed(file, {contact}, self._now):
                self.record(Happened("pack handed out", case, {"to": file.name(contact)}, changes=tuple(changes)))
            told = packing.again(self.book, file, Direct(contact))
            if file.case.private_release_at is not None:
                told += again(self.book, file, Direct(contact), reader=contact)
            for message in told:
                self.say(message)

    def settle(self) -> None:
        """Make the rooms of everything touched fit roster and consent."""
        moved, self._moved = self._moved, set()
        back, self._back = self._back, set()
        for case, contact in sorted(back):
            for place in self.book.places(PlaceKind.EMBARGO, case=case):
                self.rooms.ask_back(place, {contact})
        for contact in sorted(moved):
            self._touched |= {part.case for part in self.book.parts(contact)}
            for place in self.book.places(PlaceKind.DIRECT, contact=contact):
                self.rooms.settle(place)
        if self._team or (moved and any(contact.id in moved for contact in self.book.coordinators())):
            self._team = False
            for place in self.rooms.security():
                self.rooms.ask_back(place, self._back_in_team)
                self.rooms.settle(place)
            self._touched |= {place.case for place in self.book.places(PlaceKind.EMBARGO) if place.case}
        for case in sorted(self._touched):
            for place in self.rooms.embargo(case):
                self.rooms.settle(place)
        self._touched.clear()
        self._back_in_team.clear()

    def settle_place(self, place: str) -> None:
        """One place settled, as its row is now."""
        row = self.book.place(place)
        if row is not None:
            self.rooms.settle(row)

    def let_go(self, place: str) -> None:
        """What is held for a place may go if it may now."""
        let_go(self.session, place)

    def belong(self, place: Place) -> set[str]:
        """The contacts who belong in a place now."""
        return wanted(self.book, place, self._now)

    # --- what is to be said

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
            message = replace(message, ping=tuple(contact.id for contact in self.book.coordinators()))
        edited = self._edited(message.edit) if message.edit else None
        places = self._places(message.to, document)
        if message.echo:
            places = [place for place in places if place is None or place.id != self._read]
        if edited is not None:
            self._post(edited, message, document, kind)
            places = [place for place in places if place is None or place.id != edited.id]
        for place in places:
            self._post(place, replace(message, edit=None), document, kind)

    def _edited(self, key: str) -> Place | None:
        """The place of the message that is edited; None if it was said in a shell, where nothing can be."""
        row = self.session.exec(select(OutboxRow.place).where(col(OutboxRow.key) == key)).first()
        return self.book.place(row) if row else None

    def attach(self, message: Attach) -> None:
        """A file, where a card with such a label would go. One that only the asker is to see goes to their chat; a
        shell gets none.
        """
        tlp = Tlp.AMBER_STRICT if message.case else Tlp.CLEAR
        asker = self._asker() if isinstance(message.to, Here) and self._origin.aside is not None else None
        label = Document(title=message.upload.name, kind=message.kind, tlp=tlp, case=message.case)
        for place in self._places(Direct(asker) if asker else message.to, label):
            if place is not None:
                self._queue(
                    message.upload,
                    service=place.service,
                    tenant=place.tenant,
                    place=place.id,
                    conversation=f"place:{place.id}",
                    kind=message.kind,
                    tlp=tlp,
                    case=message.case,
                )

    def said(self, key: str) -> bool:
        """Whether there is an effect of that key."""
        return self.session.exec(select(OutboxRow.id).where(col(OutboxRow.key) == key)).first() is not None

    @property
    def here(self) -> str | None:
        """The place, by our own id, where it came from and can be answered; None if it is no place of ours."""
        return self._origin.place if self._origin.room is not None and self._origin.aside is None else None

    def order(self, job: Job) -> None:
        """Work for the release host or the repository."""
        service = REPOSITORY if isinstance(job.deed, TryPatch) else RELEASE_HOST
        self._queue(
            job.deed,
            service=service,
            conversation=f"{service}:{job.case or _lane(job)}",
            kind=job.deed.t,
            case=job.case,
            step=job.step,
        )

    def relay(self, deed: Relay, to: str) -> None:
        """A letter that is not for us, to whose it may be."""
        self._queue(deed, service=MAIL, room=to, conversation=f"relay:{to}", kind=deed.t)

    def under_way(self, kind: str) -> set[str]:
        """The versions for which the release host has work of a kind before it."""
        query = select(OutboxRow.deed).where(
            OutboxRow.service == RELEASE_HOST, OutboxRow.kind == kind, col(OutboxRow.state).in_(UNSETTLED)
        )
        return {deed["version"] for deed in self.session.exec(query)}

    def give_up(self, place: str) -> int:
        """What waits for a place that will never be; how much that was."""
        waiting = col(OutboxRow.place) == place, col(OutboxRow.state) == "waiting"
        done = self.session.execute(update(OutboxRow).where(*waiting).values(state="refused", problem="place-closed"))
        return int(done.rowcount)  # type: ignore[attr-defined]

    def enter(self, place: Place) -> None:
        """Accept the invitation into a place."""
        self._for_room(place, Enter(), place.contact)

    def leave(self, place: Place) -> None:
        self._for_room(place, Leave(), place.contact)

    def _retire(self) -> None:
        """The rooms of cases that were just closed."""
        closed, self._closed = self._closed, set()
        for case in sorted(closed):
            for place in self.book.places(PlaceKind.EMBARGO, case=case):
                if place.state != "closed":
                    self._for_room(place, Retire(), None)

    def alarm(self, alarm: Alarm) -> None:
        if alarm.due is None:
            cancel_timer(self.session, alarm.key)
        else:
            if alarm.keep and timer_set(self.session, alarm.key):
                if alarm.gather is not None:
                    gather(self.session, alarm.key, alarm.gather, alarm.data[alarm.gather])
                return
            set_timer(self.session, alarm.key, alarm.due, alarm.kind, case=alarm.case, data=dict(alarm.data))

    def deed(self, deed: Deed, *, case: str | None = None) -> None:
        """Something to be done in the room where it came from (redact, enter, leave)."""
        self._queue(
            deed,
            service=self._origin.service,
            tenant=self._origin.tenant,
            room=self._origin.room,
            conversation=f"room:{self._origin.room}",
            kind=deed.t,
            case=case,
        )

    def _places(self, target: Target, document: Document | None) -> list[Place | None]:
        """Our places for a target; None stands for the origin where it has no place of ours (a shell, a stranger)."""
        match target:
            case Security():
                rooms = list(self.book.places(PlaceKind.SECURITY))
                if document is not None and document.case is not None and self.book.is_drill(document.case):
                    return [*rooms]  # nothing of it leaves the security room
                return [*rooms, *self.rooms.roomless(contact.id for contact in self.book.coordinators())]
            case CaseRoom(case):
                return [*self.book.places(PlaceKind.EMBARGO, case=case), *self._one_by_one(case, document)]
            case Public():
                return list(self.rooms.public())
            case Direct(contact, path):
                return self._direct(contact, document, path)
            case Here():
                return self._here(document)
            case InPlace(place):
                return [self.book.place(place)]

    def _one_by_one(self, case: str, document: Document | None) -> list[Place]:
        """Those who belong in a case's room and can be in none; but for whoever asked, who is answered anyway."""
        if document is not None and document.kind in SMALL_TALK:
            return []
        return self.rooms.roomless(insiders(self.book, case, self._now) - {self._origin.contact or ""})

    def _direct(self, contact: str, document: Document | None, path: str | Address | None = None) -> list[Place | None]:
        place = self.rooms.direct(contact, path)
        if place is not None:
            return [place]
        if self._origin.contact == contact and self._origin.service == "shell":
            return [None]
        known = self.book.contact(contact)
        case = document.case if document else None
        name = known.name if known else "somebody"
        self.record(Happened("could not be reached", case=case, facts={"who": name}))
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
        place = self.book.place(self._origin.place) if self._origin.place else None
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
        known = self.book.at(Address(self._origin.service, self._origin.tenant, self._origin.sender))
        return known.id if known else None

    def _post(self, place: Place | None, message: Message, document: Document, kind: str) -> None:
        here = isinstance(message.to, Here) and (place is None or place.id == self._origin.place)
        service = place.service if place else self._origin.service
        whole = here or isinstance(message.to, InPlace)  # there is one of it only
        people = self._people(document, message.ping, service)
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
            discreet=place is not None and place.kind == PlaceKind.EMBARGO and self._settings.policy.discreet,
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
            return doors_for(self.book, document, service, {reader} if reader else (), self._now)
        if place.kind == PlaceKind.SECURITY:
            return doors_for(self.book, document, service, self.belong(place), self._now)
        return {}

    def _event(self, message: Message, place: Place | None) -> str | None:
        """The message that one is said in answer to, in one place."""
        if message.under is None or place is None:
            return None
        key = f"{message.under}.{place.id[:8]}"
        return self.session.exec(select(OutboxRow.event).where(col(OutboxRow.key) == key)).first()

    def _for_reader(self, document: Document, place: Place | None) -> Document:
        """Where one person reads, instants are shown in their zone, too."""
        if place is not None and place.kind != PlaceKind.DIRECT:
            return document
        contact = place.contact if place else self._asker()
        known = self.book.contact(contact) if contact else None
        zone = zones().get(known.zone.casefold()) if known and known.zone else None
        return local(document, zone) if zone else document

    def _conversation(self, message: Message, place: Place | None, here: bool) -> str:
        if message.edit:
            edited = self.session.exec(select(OutboxRow.conversation).where(col(OutboxRow.key) == message.edit)).first()
            if edited:
                return edited
        if message.bare and place is not None:
            return f"bare:{place.id}"  # not behind what nobody can read yet
        if here:
            return f"reply:{self._origin.service}:{self._origin.event}"
        return f"place:{place.id}" if place else f"room:{self._origin.room}"

    def _names(self, contacts: tuple[str, ...]) -> list[str]:
        return [known.name for one in contacts if (known := self.book.contact(one)) is not None]

    def _people(self, document: Document, ping: tuple[str, ...], service: str) -> dict[str, str]:
        """The user ids of those whom a document names, on one service."""
        found: dict[str, str] = {}
        for name in {*_mentioned(document), *self._names(ping)}:
            contact = self.book.named(name)
            for address in self.book.addresses(contact.id) if contact else ():
                if address.service == service:
                    found.setdefault(name, address.id)
        return found

    # --- outbox rows

    def _for_room(self, place: Place, deed: Deed, contact: str | None) -> str:
        return self._queue(
            deed,
            service=place.service,
            tenant=place.tenant,
            place=place.id,
            audience=contact,
            conversation=f"members:{place.id}",
            kind=deed.t,
            case=place.case,
        )

    def _queue(self, deed: Deed, *, key: str | None = None, **columns: Any) -> str:
        made = key or self.fresh()
        put_outbox(self.session, key=made, deed=deed.model_dump(mode="json"), made_at=self._now, **columns)
        return made


def own_desk(unit: Unit, settings: Settings, now: datetime, code: Callable[[int], str] = lambda length: "") -> Desk:
    """What the bot has before it when nobody asked: a timer, something that an effect brought back."""
    nobody = Actor(Address("chatops", "", ""), None, "chatops")
    return Desk(now, settings, nobody, unit.book, PlaceKind.SECURITY, None, unit.fresh, code)


SMALL_TALK = frozenset({"status", "answer"})
"""Kinds of cards on what others answered: a room reads along, a mailbox need not."""
ELSEWHERE = Document(title="I answered in our direct chat.", kind="answer")
"""Beside an answer that was too private for where it was asked for."""


def _lane(job: Job) -> str:
    """What reads and changes the release page goes one after the other, so that no old reading is taken for news;
    nothing waits for a long download.
    """
    return "page" if isinstance(job.deed, Survey | Snapshot | Delist) else job.deed.t


def _fits(document: Document | None, place: Place) -> bool:
    """Whether an answer may be given where it was asked for; if not, the asker gets it in private."""
    if document is None or (place.kind == PlaceKind.DIRECT and place.state == "wanted"):
        return True  # what a chat is cleared for is not known before it was entered: the gate waits for that
    if document.tlp > place.clearance:
        return False
    if place.kind != PlaceKind.EMBARGO:
        return True
    return document.case == place.case or (document.case is None and document.tlp <= Tlp.GREEN)


def _moves_people(change: Change | Moved) -> bool:
    """Whether somebody may have to be invited, or put out, because of a change."""
    if isinstance(change, Moved):
        return change.column in ("embargo", "consent")
    return change.table in ("participant", "place")


def _closes(change: Change | Moved) -> bool:
    """Whether a case is closed by a change."""
    return not isinstance(change, Moved) and change.table == "case" and bool((change.values or {}).get("closed_at"))


def _asks_back(change: Change | Moved) -> bool:
    """Whether somebody was invited, or accepted: who left the room before is asked into it again."""
    if change.table != "participant":
        return False
    if isinstance(change, Moved):
        return change.column == "consent" and change.new == Consent.SIGNATORY
    return bool((change.values or {}).keys() & {"asked_at", "answered_at", "role"})


def _mentioned(document: Document) -> Iterator[str]:
    """The names of all people in a document."""
    return (node.name for node in nodes(document) if isinstance(node, Who))


def refusal(text: str, tlp: Tlp = Tlp.CLEAR) -> Document:
    """One clear line."""
    return Document(title=" ".join(text.split()), kind="refusal", tlp=tlp)
