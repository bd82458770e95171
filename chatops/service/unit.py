"""The unit of work: carries out a decision in the caller's transaction.

Journals what happened, makes outbox rows of messages (places included), sets timers, and then makes the rooms fit what
was decided. Nothing here talks to a network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from chatops.commands import packing
from chatops.commands.desk import Actor, Alarm, Decision, Desk, Direct, Here, Job, Message
from chatops.commands.private_release import again
from chatops.config import Settings
from chatops.document import Document, Tlp
from chatops.model import journal
from chatops.model.book import Book
from chatops.model.changes import Change, Happened, Moved
from chatops.model.flow import OutboxRow
from chatops.model.machines import Consent
from chatops.model.people import Place, PlaceKind, Role
from chatops.ports import (
    MAIL,
    Address,
    Deed,
    Delist,
    Enter,
    Leave,
    PublishCve,
    Relay,
    ReserveCve,
    Retire,
    Snapshot,
    Survey,
    TryPatch,
)
from chatops.service import outbox, withheld
from chatops.service.boards import Boards
from chatops.service.drills import drill_of, rehearsed
from chatops.service.gate import wanted
from chatops.service.heads import UNSETTLED
from chatops.service.intake import unpark
from chatops.service.origin import NOWHERE, Origin
from chatops.service.outbox import let_go
from chatops.service.rooms import Rooms
from chatops.service.sending import Sender
from chatops.service.tables import put_outbox
from chatops.service.timers import cancel_timer, gather, set_timer, timer_set

RELEASE_HOST = "releases"
"""The service name of the release host's effects."""
REPOSITORY = "repository"
"""That of what is tried in a checkout of the project."""
CVE_SERVICES = "cve"
"""That of what is done at CVE Services."""


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
        self._now = now
        self._settings = settings
        self.fresh = fresh
        self._who = who
        self._origin = origin
        self._touched: set[str] = set()
        self._closed: set[str] = set()
        self._team = False  # who is a coordinator may have changed
        self._moved: set[str] = set()  # whose addresses changed
        self._back: set[tuple[str, str]] = set()  # (case, contact) of who may be asked again into a room they left
        self._back_in_team: set[str] = set()
        self._keyed: set[str] = set()  # whose mail can be encrypted from now on
        self._joined: set[tuple[str, str]] = set()  # (case, contact) of who has just become a member
        self._changed: set[str] = set()  # the cases to which something happened
        self.rooms = Rooms(self.book, services, now, self.record, self._for_room, fresh, settings.project.name)
        self._sender = Sender(
            session,
            self.book,
            self.rooms,
            now,
            self.record,
            self._queue,
            lambda: self._origin,
            discreet=settings.policy.discreet,
        )
        self.boards = Boards(session, self.book, self._sender.say, self.record, self._sender.people, fresh, settings)

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
            elif change.table == "contact" and values.get("public_key"):
                self._keyed.add(str(change.key["id"]))
            if change.table == "contact" and values.keys() & {"roles", "active"}:
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
            self._sender.send(Message(Here(), decision.reply, key=decision.reply_key, kind=decision.reply_kind))
            self._sender.read = self._origin.place if self._origin.aside is None else None
        for message in decision.messages:
            self._sender.say(message)
        self._sender.read = None
        self._hand_over()
        self._say_after_all()
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
                told += again(self._settings, self.book, file, Direct(contact), reader=contact)
            for message in told:
                self._sender.say(message)

    def _say_after_all(self) -> None:
        """What was held back for want of a key, to those who have one now. A new effect: under the old one's name they
        were asked to get in touch, and many receivers drop a second mail of one name.
        """
        keyed, self._keyed = self._keyed, set()
        for contact in sorted(keyed):
            rows = withheld.ready(self.session, self.book, contact, self._now)
            known = self.book.contact(contact)
            name = known.name if known else "somebody"
            for row in rows:
                values = row.model_dump(include={*_TARGET})
                put_outbox(self.session, key=self.fresh(), deed=row.deed, made_at=self._now, **values)
                self.record(Happened("said after all", row.case, {"who": name, "kind": row.kind}))
            if rows:
                self._sender.say(withheld.on_its_way(name, len(rows)))

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

    def send(self, message: Message) -> None:
        """One outbox row for each place that the target means."""
        self._sender.send(message)

    def said(self, key: str) -> bool:
        """Whether there is an effect of that key."""
        return self.session.exec(select(OutboxRow.id).where(col(OutboxRow.key) == key)).first() is not None

    @property
    def here(self) -> str | None:
        """The place, by our own id, where it came from and can be answered; None if it is no place of ours."""
        return self._origin.place if self._origin.room is not None and self._origin.aside is None else None

    def order(self, job: Job) -> None:
        """Work for the release host, the repository or CVE Services."""
        service = RELEASE_HOST
        if isinstance(job.deed, TryPatch):
            service = REPOSITORY
        elif isinstance(job.deed, ReserveCve | PublishCve):
            service = CVE_SERVICES
        self._queue(
            job.deed,
            service=service,
            conversation=f"{service}:{_lane(job)}",
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


_TARGET = ("service", "tenant", "place", "room", "audience", "conversation", "kind", "tlp", "case")


def own_desk(unit: Unit, settings: Settings, now: datetime, code: Callable[[int], str] = lambda length: "") -> Desk:
    """What the bot has before it when nobody asked: a timer, something that an effect brought back."""
    nobody = Actor(Address("chatops", "", ""), None, "chatops")
    return Desk(now, settings, nobody, unit.book, PlaceKind.SECURITY, None, unit.fresh, code)


def _lane(job: Job) -> str:
    """What is for a case goes in order. Reservations of CVE ids go one after the other, so that what was reserved since
    one began is no other's that is under way; so does what reads and changes the release page, so that no old reading
    is taken for news. Nothing waits for a long download.
    """
    if isinstance(job.deed, ReserveCve):
        return job.deed.t
    return job.case or ("page" if isinstance(job.deed, Survey | Snapshot | Delist) else job.deed.t)


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


def refusal(text: str, tlp: Tlp = Tlp.CLEAR) -> Document:
    """One clear line."""
    return Document(title=" ".join(text.split()), kind="refusal", tlp=tlp)
