"""A small house without any chat service: the real core on SQLite in memory, and a pretended service called "matrix".

What somebody types is decided at once, what follows from it is performed at once, and the clock stands still until it
is turned. So a whole disclosure takes a moment, and a test reads like a play::

    house.direct("finder", "report A crafted name overflows the queue.")
    card = house.say("maintainer", "security", f"triage {house.case} Job queue overflow")
"""

from __future__ import annotations

import copy
import itertools
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel, col, func, select

from chatops.commands.registry import collect
from chatops.config import CveServices, GitHub, Person, Policy, Releases, Settings
from chatops.config import Repository as RepositorySettings
from chatops.document import Document
from chatops.model import journal
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case
from chatops.model.changes import STATE
from chatops.model.flow import InboxRow, OutboxRow, TimerRow
from chatops.model.people import Place, PlaceKind
from chatops.plain import plain_text
from chatops.ports import (
    ONE_BY_ONE,
    Aside,
    Delist,
    Dropped,
    Effect,
    Enter,
    Event,
    Impossible,
    Inspect,
    Invitation,
    Invite,
    Leave,
    Member,
    OpenRoom,
    Post,
    PrepareDraft,
    Publish,
    PublishAdvisory,
    PublishCve,
    Reacted,
    ReadReports,
    Receipt,
    Received,
    Redact,
    Relay,
    Remove,
    RequestCve,
    ReserveCve,
    Retire,
    Said,
    Snapshot,
    Stage,
    Survey,
    TryLater,
    Upload,
    WriteAdvisory,
)
from chatops.service import alerts, roster, rounds
from chatops.service.decide import Decider, fresh
from chatops.service.decider import decide_all
from chatops.service.gate import gate
from chatops.service.intake import enqueue
from chatops.service.origin import NOWHERE, Origin
from chatops.service.outbox import Outbox
from chatops.service.schema import metadata
from chatops.service.tables import OUTBOX
from chatops.service.timers import fire
from chatops.service.unit import Unit

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday
BOT = "@bot:example.org"
COORDINATORS = ("maintainer", "maintainer-2")
PACKAGERS = ("debian", "fedora", "suse")
REPORT = "A crafted job name overflows the queue in 1.0.0."
SHA_CANARY = "c0ffee" + "ab" * 29
TERMS = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"


def address(name: str) -> str:
    """Where somebody writes from on the pretended service."""
    return f"@{name}:example.org"


class Broken(BaseException):
    """A decision raised: a fault in the code under test, so the test ends here."""


class Clock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


# --- the pretended chat service ------------------------------------------------------------------------------------


@dataclass
class Room:
    """A room of the pretended service."""

    id: str
    name: str
    topic: str
    encrypted: bool = True
    service: str = "matrix"
    archived: bool = False
    members: set[str] = field(default_factory=set)
    invited: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Seen:
    """A document that was shown, and who could read it at that moment (user ids)."""

    room: str
    document: Document
    readers: frozenset[str]
    effect: Effect
    event: str

    @property
    def post(self) -> Post:
        assert isinstance(self.effect.deed, Post)
        return self.effect.deed

    @property
    def text(self) -> str:
        return plain_text(self.document)


class Would(NamedTuple):
    """What would come of something: (room, document) of each message, journal entries by what they say, and how many
    other rows of the database would change.
    """

    answers: list[tuple[str | None, Document]]
    journal: list[str]
    writes: int


class Chat:
    """Performs effects by remembering them, and says what a real service would report of them.

    Whoever is invited joins, unless named in ``shy``. ``archives``: rooms that are retired are closed. ``pending``:
    users of another workspace, who have to accept. ``fail`` may raise for an effect.
    """

    def __init__(self, report: Callable[[str, Event], None]) -> None:
        self.rooms: dict[str, Room] = {}
        self.seen: list[Seen] = []
        self.files: list[tuple[str, Upload, frozenset[str]]] = []
        self.done: list[Effect] = []
        self.redacted: list[str] = []
        self.shy: set[str] = set()
        self.keyless: set[str] = set()  # who cannot be told in private by mail
        self.narrow: set[str] = set()  # whose mail takes no files
        self.archives = False
        self.pending: set[str] = set()
        self.fail: Callable[[Effect], Exception | None] = lambda effect: None
        self._report = report
        self._numbers = itertools.count(1)

    def fork(self, report: Callable[[str, Event], None]) -> Chat:
        other = Chat(report)
        other.rooms = copy.deepcopy(self.rooms)
        other.seen, other.files, other.done = list(self.seen), list(self.files), list(self.done)
        other.redacted, other.shy = list(self.redacted), set(self.shy)
        other.archives, other.keyless, other.narrow = self.archives, set(self.keyless), set(self.narrow)
        other._numbers = copy.copy(self._numbers)
        return other

    def fresh(self, sort: str) -> str:
        return f"{sort}{next(self._numbers)}"

    def perform(self, effect: Effect) -> Receipt:
        problem = self.fail(effect)
        if problem is not None:
            raise problem
        self.done.append(effect)
        if isinstance(effect.deed, OpenRoom) and effect.service in ONE_BY_ONE:
            (user,) = effect.deed.invite
            self.rooms.setdefault(user, Room(user, "", "", service=effect.service, members={BOT, user}))
            return Receipt(data={"room": user, "joined": [user]})
        if isinstance(effect.deed, Upload) and effect.room in self.narrow:
            return Receipt(event=self.fresh("$sent"), data={"too_large": effect.deed.name})
        if isinstance(effect.deed, Post | Upload) and effect.room in self.keyless:
            return Receipt(data={"withheld": True})
        if effect.service in ONE_BY_ONE:
            self.rooms.setdefault(effect.room or "", Room(effect.room or "", "", "", service=effect.service))
        if isinstance(effect.deed, OpenRoom):
            room = Room(self.fresh("!room"), effect.deed.name, effect.deed.topic, service=effect.service, members={BOT})
            self.rooms[room.id] = room
            for user in effect.deed.invite:
                self.invite(room, user)
            return Receipt(data={"room": room.id})
        room = self.rooms[effect.room or ""]
        match effect.deed:
            case Post() | Upload() if room.archived:
                raise Impossible("is_archived")
            case Post(document=document):
                number = effect.target or self.fresh("$sent")
                readers = frozenset(room.members | room.invited) - {BOT}
                self.seen.append(Seen(room.id, document, readers, effect, number))
                return Receipt(event=number)
            case Enter():
                room.members.add(BOT)
                others = sorted((room.members | room.invited) - {BOT})
                return Receipt(data={"others": others, "encrypted": room.encrypted})
            case Invite(user=user):
                self.invite(room, user)
                return Receipt(data={"pending": True} if user in self.pending else {})
            case Remove(user=user):
                if user in room.members | room.invited:
                    room.members.discard(user)
                    room.invited.discard(user)
                    self._report(room.id, Member(room=room.id, who=user, by=BOT, now="leave"))
            case Leave():
                room.members.discard(BOT)
            case Relay():
                pass
            case Retire():
                room.archived = self.archives
                return Receipt(data={"closed": room.archived})
            case Redact(event=number):
                self.redacted.append(number)
            case Upload() as upload:
                self.files.append((room.id, upload.drawn(), frozenset(room.members | room.invited) - {BOT}))
                return Receipt(event=self.fresh("$sent"))
            case _:
                raise Impossible("unsupported")
        return Receipt()

    def invite(self, room: Room, user: str, by: str = BOT) -> None:
        if user in room.members:
            return
        room.invited.add(user)
        self._report(room.id, Member(room=room.id, who=user, by=by, now="invite"))
        if user not in self.shy:
            self.join(room, user, by=user)

    def join(self, room: Room, user: str, by: str) -> None:
        room.invited.discard(user)
        room.members.add(user)
        self._report(room.id, Member(room=room.id, who=user, by=by, now="join"))


class Host:
    """The pretended release host: what was prepared in private by version, what is public, and what else lies there.

    ``downloads`` are SHA-256 by file name, where they are not what the page says; None: not there.
    """

    def __init__(self) -> None:
        self.staged: dict[str, list[dict[str, Any]]] = {}
        self.public: list[dict[str, Any]] = []
        self.problem: str | None = None
        self.published: list[str] = []
        self.advisories: dict[str, str] = {}
        self.drafts: list[PrepareDraft] = []
        self.ghsa: list[PublishAdvisory] = []
        self.asked: list[RequestCve] = []
        self.cve: str | None = None
        self.tags: dict[str, str] = {}
        self.downloads: dict[str, str | None] = {}
        self.reports: list[dict[str, str]] = []
        self.done: list[str] = []
        self.inspected: list[str] = []

    def release(self, version: str, *, sha256: str, **more: Any) -> None:
        """A release on the page of GitHub, with its tag."""
        name = f"dynasched-{version}.tar.bz2"
        archive = {"name": name, "size": 1000, "url": f"https://x/{name}", "digests": {"sha256": {"host": sha256}}}
        self.public.append({"version": version, "tag": f"v{version}", "archives": [archive], **more})
        self.tags[f"v{version}"] = f"{len(self.tags) + 1:040x}"

    def stage(self, version: str, *, sha256: str = "ab" * 32, sha1: str = "cd" * 20) -> None:
        name = f"dynasched-{version}.tar.bz2"
        digests = {"sha256": sha256, "sha1": sha1}
        self.staged[version] = [{"name": name, "path": f"/staging/{name}", "size": 1000, "digests": digests}]

    def perform(self, effect: Effect) -> Receipt:
        if self.problem is not None:
            raise Impossible(self.problem)
        self.done.append(effect.deed.t)
        match effect.deed:
            case Inspect() as inspect:
                self.inspected.append(inspect.version)
                return Receipt(data={"archives": [self._download(name) for name in inspect.archives]})
            case PrepareDraft() as draft:
                self.drafts.append(draft)
                return Receipt(data={"url": "https://github.com/draft"})
            case Snapshot(tag=tag):
                whole = next((one for one in self.public if one.get("tag") == tag), None)
                seen = {"release": tag if whole else None, "commit": self.tags.get(tag), "whole": whole}
                return Receipt(data={**seen, "immutable": bool(whole and whole.get("immutable"))})
            case Delist(tag=tag):
                self.public = [one for one in self.public if one.get("tag") != tag]
                return Receipt(data={"commit": self.tags.get(tag)})
            case ReadReports():
                return Receipt(data={"reports": self.reports})
            case Stage(version=version):
                if version not in self.staged:
                    raise Impossible("no-archives")
                return Receipt(data={"archives": self.staged[version]})
            case Publish(version=version):
                self.published.append(version)
                return Receipt(data={"archives": self.staged[version]})
            case WriteAdvisory(files=files):
                self.advisories.update(files)
                return Receipt(data={"files": sorted(files)})
            case RequestCve() as request:
                self.asked.append(request)
                return Receipt(data={"cve": self.cve})
            case PublishAdvisory() as advisory:
                self.ghsa.append(advisory)
                return Receipt(data={"url": "https://github.com/advisory"})
            case Survey():
                return Receipt(data={"releases": self.public})
        raise Impossible("unsupported")

    def _download(self, name: str) -> dict[str, Any]:
        """As :attr:`downloads` says, else what the page says of it."""
        listed = {
            one["name"]: next(iter(one["digests"]["sha256"].values()))
            for told in self.public
            for one in told["archives"]
        }
        sha256 = self.downloads.get(name, listed.get(name))
        if sha256 is None:
            return {"name": name, "problem": "not-found"}
        return {"name": name, "size": 1000, "digests": {"sha256": sha256, "sha1": sha256[:40]}}


# --- the house -----------------------------------------------------------------------------------------------------


class Registry:
    """The pretended CVE Services. ``perhaps`` is what an earlier try may have reserved; the next of ``problems`` is
    raised in place of what would come.
    """

    def __init__(self) -> None:
        self.reserved: list[str] = []
        self.perhaps: list[str] = []
        self.published: dict[str, dict[str, Any]] = {}
        self.problems: list[Exception] = []
        self.done: list[Effect] = []

    def perform(self, effect: Effect) -> Receipt:
        self.done.append(effect)
        if self.problems:
            raise self.problems.pop(0)
        match effect.deed:
            case ReserveCve(since=since) if self.perhaps and (since is not None or effect.attempts):
                return Receipt(data={"perhaps": self.perhaps})
            case ReserveCve(year=year):
                self.reserved.append(f"CVE-{year}-{1000 + len(self.reserved)}")
                return Receipt(data={"cve": self.reserved[-1]})
            case PublishCve(cve=cve, container=container):
                self.published[cve] = container
                return Receipt()
        raise Impossible("unsupported")


class Repository:
    """The pretended checkout: ``answer`` says how trying a patch ends."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | str = {"applies": True}

    def perform(self, effect: Effect) -> Receipt:
        if isinstance(self.answer, str):
            raise Impossible(self.answer)
        return Receipt(data=self.answer)


class House:
    """The core, its people and its rooms. ``policy`` overrides limits (``quorum=1``)."""

    def __init__(
        self,
        *,
        coordinators: tuple[str, ...] = COORDINATORS,
        folders: bool = True,
        github: bool = False,
        cve: bool = False,
        services: tuple[str, ...] = ("matrix",),
        roll: Callable[[int], str] | None = None,
        **policy: Any,
    ) -> None:
        self.clock = Clock()
        self.services = services  # each pretended; people type on the one called "matrix"
        self.engine = _engine()
        self.settings = Settings(
            policy=Policy(**policy),
            coordinators=tuple(Person(name=name, addresses=(f"matrix:{address(name)}",)) for name in coordinators),
            releases=Releases.model_validate({"folder": "/public", "staging": "/staging"}) if folders else Releases(),
            github=GitHub(repository="dynasched/dynasched", token=SecretStr("ghp_fake")) if github else None,
            cve=CveServices(org="dynasched", user="bot", key=SecretStr("not-a-key")) if cve else None,
        )
        self.registry = collect()
        self.chat = Chat(self._reported)
        self.host = Host()
        self.repository = Repository()
        self.cves = Registry()
        self.shells: list[tuple[str, Document]] = []
        self.asides: list[tuple[str, Document]] = []
        self._news: list[tuple[str, Event]] = []
        self._wire()
        self.broken: Callable[[Received], Exception | None] = lambda received: None  # a fault of our own, pretended
        self._events = itertools.count(1)
        with Session(self.engine) as session:
            roster.reconcile(self._unit(session, "configuration"), self.settings)
            rounds.begin(self._unit(session, "chatops"), self.clock.now)
            session.commit()
        self.run()

    def _wire(self) -> None:
        self.decisions = Decider(self.settings, self.registry, frozenset(self.services), self.clock)
        self._outbox = Outbox(
            (*self.services, "releases", "repository", "cve", "shell"), gate, self._fault, jitter=lambda: 0.0
        )

    def set_policy(self, **policy: Any) -> None:
        """Start anew with other limits."""
        self.set_section("policy", **policy)

    def set_section(self, name: str, **values: Any) -> None:
        """Start anew with another configuration."""
        section = getattr(self.settings, name)
        changed = type(section).model_validate({**section.model_dump(), **values})
        self.settings = self.settings.model_copy(update={name: changed})
        self._wire()

    def with_checkout(self) -> House:
        """Start anew with a checkout of the project."""
        repository = RepositorySettings(checkout=Path("/checkout"))
        self.settings = self.settings.model_copy(update={"repository": repository})
        self._wire()
        return self

    def fork(self) -> House:
        """Another house that goes on from where this one is."""
        other = copy.copy(self)
        other.clock = copy.copy(self.clock)
        other.host = copy.deepcopy(self.host)
        other.repository = copy.deepcopy(self.repository)
        other.cves = copy.deepcopy(self.cves)
        other.shells = list(self.shells)
        other.asides = list(self.asides)
        other._news = list(self._news)
        other._events = copy.copy(self._events)
        other.chat = self.chat.fork(other._reported)
        raw = self.engine.raw_connection()
        assert isinstance(raw.driver_connection, sqlite3.Connection)
        other.engine = _engine(raw.driver_connection.serialize())
        raw.close()
        other._wire()
        return other

    # --- people say and do things

    def say(self, who: str, where: str, text: str, **how: Any) -> Document | None:
        """Type ``text`` as ``who`` in ``security``, ``public``, ``direct``, a case's room or a room by its id.

        The bot's name is put in front where it is needed. Returns the document that answers there, None for silence.
        """
        room = self.room(where, who)
        if where != "direct" and not how.pop("bare", False):
            text = f"!{self.settings.project.command} {text}"
        return self._typed(address(who), room, text, **how)

    def direct(self, who: str, text: str, **how: Any) -> Document | None:
        """Type in the direct chat with the bot (which is opened if there is none)."""
        return self.say(who, "direct", text, **how)

    def public(self, who: str, text: str, **how: Any) -> Document | None:
        """Type in the public room."""
        return self.say(who, "public", text, **how)

    def would(self, who: str, where: str, text: str) -> Would:
        """What would come of it if somebody typed this. Nothing of it is kept."""
        room = self.room(where, who)
        typed = text if where == "direct" else f"!{self.settings.project.command} {text}"
        said = Said(sender=address(who), room=room, event="$would", text=typed)
        received = Received(service="matrix", key="$would", conversation=room, at=self.clock.now, event=said)
        with Session(self.engine) as session:
            driver = session.connection().connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            last = session.exec(select(func.max(OutboxRow.id))).one() or 0
            entries, before = session.exec(select(func.max(journal.Entry.id))).one() or 0, driver.total_changes
            self.decisions(session, InboxRow(id=0, key="$would", service="matrix", conversation=room), received)
            session.flush()
            rows = session.exec(select(OutboxRow).where(col(OutboxRow.id) > last).order_by(col(OutboxRow.id))).all()
            told = session.exec(select(journal.Entry.what).where(col(journal.Entry.id) > entries)).all()
            answers = []
            for row in rows:
                place = Book(session).place(row.place) if row.place else None
                if row.deed["t"] == "post":
                    document = Document.model_validate(row.deed["document"])
                    answers.append((place.room if place else None, document))
            writes = driver.total_changes - before - len(rows) - len(told)
            session.rollback()
        return Would(answers, list(told), writes)

    def shell(self, who: str, text: str, *, user: str = "root") -> Document | None:
        """Type in the bot's own shell, as an operating-system user."""
        number = f"#{next(self._events)}"
        said = Said(sender=f"{who}#{user}", room="pipe", event=number, text=text)
        before = len(self.shells)
        self.receive("pipe", said, service="shell", key=number)
        return self.shells[-1][1] if len(self.shells) > before else None

    def aside(self, who: str, where: str, text: str, **how: Any) -> list[Document]:
        """Type a command so that nobody else sees it, in any room there is; what only they see in answer."""
        before = len(self.asides)
        user = address(who)
        room = self.room(where, who) if where in ("security", "public", "direct") or self._is_case(where) else where
        number = f"$in{next(self._events)}"
        said = Said(sender=user, room=room, event=number, text=text, aside=Aside(user=user), **how)
        self.receive(room, said, key=number)
        assert {reader for reader, _ in self.asides[before:]} <= {user}
        return [document for _, document in self.asides[before:]]

    def _is_case(self, where: str) -> bool:
        return where in self.cases()

    def react(self, who: str, seen: Seen, key: str) -> Document | None:
        """Put an emoji on a message."""
        self._enter(address(who), seen.room)
        before = len(self.chat.seen)
        self.receive(seen.room, Reacted(sender=address(who), room=seen.room, target=seen.event, key=key))
        new = self.chat.seen[before:]
        answers = [one for one in new if one.post.reply_to == seen.event]
        return [one for one in new if one.event == answers[-1].event][-1].document if answers else None

    def drop(
        self,
        who: str,
        where: str,
        name: str,
        sha256: str = "00" * 32,
        size: int = 1000,
        text: str | None = None,
        *,
        verified: bool = True,
    ) -> Document | None:
        """Drop an archive, or a patch with its text, into a room."""
        number = f"$in{next(self._events)}"
        room = self.room(where, who)
        self._enter(address(who), room)
        self.receive(
            room,
            Dropped(
                sender=address(who),
                room=room,
                event=number,
                name=name,
                size=size,
                digests={"sha256": sha256},
                text=text,
                verified=verified,
            ),
        )
        return self._reply_to(number)

    def join(self, who: str, where: str, *, by: str | None = None) -> None:
        """Somebody comes into a room, by themselves or let in by ``by``."""
        room = self.chat.rooms[self.room(where)]
        self.chat.join(room, address(who), by=address(by) if by else address(who))
        self.run()

    def leave(self, who: str, where: str) -> None:
        room = self.chat.rooms[self.room(where, who)]
        room.members.discard(address(who))
        room.invited.discard(address(who))
        self.receive(room.id, Member(room=room.id, who=address(who), by=address(who), now="leave"))

    # --- rooms

    def room(self, where: str, who: str | None = None) -> str:
        """The service's id of a room, by the name that tests use."""
        if where in self.chat.rooms:
            return where
        if where == "direct":
            assert who is not None
            return self._direct_room(who)
        if where == "public":
            return self._public_room()
        kind, case = (PlaceKind.SECURITY, None) if where == "security" else (PlaceKind.EMBARGO, where)
        with Session(self.engine) as session:
            places = [place for place in Book(session).places(kind, case=case) if place.service == "matrix"]
            found = [place.room for place in places if place.room]
        assert found, f"there is no room {where}"
        return found[0]

    def has_room(self, case: str) -> bool:
        with Session(self.engine) as session:
            return any(place.room for place in Book(session).places(PlaceKind.EMBARGO, case=case))

    def members(self, where: str) -> set[str]:
        """Who is in a room, by the names that tests use."""
        room = self.chat.rooms[self.room(where)]
        return {user[1:].partition(":")[0] for user in room.members - {BOT}}

    def _direct_room(self, who: str) -> str:
        user = address(who)
        with Session(self.engine) as session:
            for place in Book(session).places(PlaceKind.DIRECT):
                room = self.chat.rooms.get(place.room or "")
                if room is not None and user in room.members and BOT in room.members and room.encrypted:
                    return room.id
        return self.open_direct(who)

    def open_direct(self, who: str, *, encrypted: bool = True, also: tuple[str, ...] = ()) -> str:
        """Somebody opens a two-person chat and asks the bot in."""
        room = Room(self.chat.fresh("!direct"), f"{who} and bot", "", encrypted=encrypted)
        room.members = {address(who), *map(address, also)}
        self.chat.rooms[room.id] = room
        self.receive(room.id, Invitation(room=room.id, by=address(who), direct=True, encrypted=encrypted))
        return room.id

    def _public_room(self) -> str:
        with Session(self.engine) as session:
            for place in Book(session).places(PlaceKind.PUBLIC):
                if place.room:
                    return place.room
        return self.open_public()

    def open_public(self, by: str | None = None) -> str:
        """A coordinator asks the bot into a public room."""
        inviter = by or self.settings.coordinators[0].name
        room = Room(self.chat.fresh("!lobby"), "lobby", "", encrypted=False, members={address(inviter), "@crowd:x"})
        self.chat.rooms[room.id] = room
        self.receive(room.id, Invitation(room=room.id, by=address(inviter), direct=False, encrypted=False))
        return room.id

    # --- time

    def wait(self, **by: float) -> None:
        """Turn the clock, stopping wherever a timer or something put off comes due."""
        until = self.clock.now + timedelta(**by)
        for _ in range(10_000):
            due = self._next_due()
            if due is None or due > until:
                break
            self.clock.now = max(due, self.clock.now)
            self.run()
        self.clock.now = until
        self.run()

    def _next_due(self) -> datetime | None:
        with Session(self.engine) as session:
            timers = session.exec(select(TimerRow.due).where(col(TimerRow.fired).is_(False))).all()
            rows = session.exec(
                select(OutboxRow.not_before).where(col(OutboxRow.state).in_(("waiting", "attempted")))
            ).all()
            inbox = session.exec(select(InboxRow.not_before).where(InboxRow.state == "waiting")).all()
        due = [at for at in (*timers, *rows, *inbox) if at is not None and at > self.clock.now]
        late = [at for at in timers if at <= self.clock.now]
        return min(late + due, default=None)

    # --- the machinery

    def receive(self, room: str, happened: Event, *, service: str = "matrix", key: str | None = None) -> None:
        """Let something happen, and everything that follows from it now."""
        self._put(room, happened, service, key)
        self.run()

    def _put(self, room: str, happened: Event, service: str = "matrix", key: str | None = None) -> None:
        received = Received(
            service=service,
            key=key or f"${next(self._events)}",
            conversation=room,
            at=self.clock.now,
            event=happened,
        )
        with Session(self.engine) as session:
            enqueue(session, [received])
            session.commit()

    def _reported(self, room: str, happened: Event) -> None:
        self._news.append((room, happened))

    def run(self) -> None:
        """Decide and perform until nothing more may be done now."""
        woken = False
        for _ in range(1000):
            with Session(self.engine) as session:
                fire(session, self.clock.now)
                decided = decide_all(session, self._decide, self._parked, self.clock.now)
                claims, passed = self._outbox.claim(session, self.clock.now, 1000, (), 1000)
                session.commit()
            news, self._news = self._news, []  # of the effects before: their outcomes are decided by now
            for room, happened in news:
                self._put(room, happened, self.chat.rooms[room].service)
            for claim in claims:
                result: Receipt | Exception
                try:
                    result = self._perform(claim.effect)
                except (TryLater, Impossible) as problem:
                    result = problem
                with Session(self.engine) as session:
                    self._outbox.settle(session, self.clock.now, claim, result)
                    session.commit()
            if decided or claims or news:
                woken = False
            elif woken and not passed:
                return
            elif not passed:
                woken = True
                if not self._wake_held():
                    return
        raise AssertionError("it does not come to rest")

    def _wake_held(self) -> bool:
        """Have the gate asked at once again about what it held back, so that no test has to wait for that."""
        held = (OUTBOX.c.state == "waiting") & (OUTBOX.c.attempts == 0) & OUTBOX.c.not_before.is_not(None)
        with self.engine.begin() as connection:
            return bool(connection.execute(OUTBOX.update().where(held).values(not_before=None)).rowcount)

    def _decide(self, session: Session, row: InboxRow, received: Received) -> None:
        if (pretended := self.broken(received)) is not None:
            raise pretended
        try:
            self.decisions(session, row, received)
        except Exception as error:
            raise Broken(received.event.t) from error

    def _perform(self, effect: Effect) -> Receipt:
        if isinstance(effect.deed, Post) and effect.deed.aside is not None:
            self.asides.append((effect.deed.aside.user, effect.deed.document))
            return Receipt()
        if effect.service in self.services:
            return self.chat.perform(effect)
        if effect.service == "releases":
            return self.host.perform(effect)
        if effect.service == "repository":
            return self.repository.perform(effect)
        if effect.service == "cve":
            return self.cves.perform(effect)
        assert isinstance(effect.deed, Post)
        self.shells.append((effect.room or "", effect.deed.document))
        return Receipt(event=f"#{len(self.shells)}")

    def _typed(self, sender: str, room: str, text: str, **how: Any) -> Document | None:
        self._enter(sender, room)
        number = f"$in{next(self._events)}"
        self.receive(room, Said(sender=sender, room=room, event=number, text=text, **how), key=number)
        return self._reply_to(number)

    def _reply_to(self, number: str) -> Document | None:
        mine = [one for one in self.chat.seen if one.post.reply_to == number]
        if not mine:
            return None
        edits = [one for one in self.chat.seen if one.event == mine[-1].event]
        return edits[-1].document

    def _enter(self, user: str, room: str) -> None:
        """Anybody may be in a public room; elsewhere they must be in the room already."""
        place = self.chat.rooms[room]
        if user not in place.members and place.name == "lobby":
            place.members.add(user)

    def _unit(self, session: Session, who: str, origin: Origin = NOWHERE) -> Unit:
        return Unit(session, self.settings, frozenset(self.services), self.clock(), fresh, who=who, origin=origin)

    def _fault(self, session: Session, row: OutboxRow, code: str) -> None:
        alerts.fault(self._unit(session, "chatops"), row, code)

    def _parked(self, session: Session, row: InboxRow, received: Received | None) -> None:
        origin = self.decisions.origin(session, received) if received else NOWHERE
        alerts.parked(self._unit(session, "chatops", origin), row, received)

    # --- looking

    def read(self) -> Session:
        """A session to look with. The caller closes it."""
        return Session(self.engine)

    def file(self, case: str) -> CaseFile:
        with Session(self.engine) as session:
            found = Book(session).case(case)
        assert found is not None
        return found

    def cases(self) -> list[str]:
        """The cases, oldest first."""
        with Session(self.engine) as session:
            return list(session.exec(select(Case.id).order_by(col(Case.opened_at))).all())

    @property
    def case(self) -> str:
        """The newest case."""
        return self.cases()[-1]

    def seen_by(self, who: str) -> list[Seen]:
        """Everything that somebody could read."""
        return [one for one in self.chat.seen if address(who) in one.readers]

    def seen_in(self, where: str, who: str | None = None) -> list[Seen]:
        """Everything that was shown in a room."""
        room = self.room(where, who)
        return [one for one in self.chat.seen if one.room == room]

    def last(self, where: str, who: str | None = None, *, kind: str | None = None) -> Seen:
        """The newest message of a room (of a kind)."""
        found = [one for one in self.seen_in(where, who) if kind is None or one.document.kind == kind]
        assert found, f"nothing of kind {kind} was shown in {where}"
        return found[-1]

    def stuck(self) -> list[OutboxRow]:
        """Effects that are not done: waiting, dead or refused."""
        with Session(self.engine, expire_on_commit=False) as session:
            query = select(OutboxRow).where(OutboxRow.state != "done").order_by(col(OutboxRow.id))
            return list(session.exec(query).all())

    def parked(self) -> list[InboxRow]:
        with Session(self.engine, expire_on_commit=False) as session:
            return list(session.exec(select(InboxRow).where(InboxRow.state == "parked")).all())

    def journal(self, chain: str | None = None) -> list[journal.Entry]:
        with Session(self.engine, expire_on_commit=False) as session:
            return list(journal.entries(session, chain))

    def state(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """All journalled state, to compare."""
        return rows_of(self.engine)

    def journal_is_good(self) -> bool:
        """The chains hold, and replaying them into an empty database gives what is stored."""
        with Session(self.engine) as session:
            faults = journal.verify(session)
            assert not faults, faults
            other = _engine()
            with Session(other) as empty:
                journal.replay(journal.entries(session), empty)
                empty.commit()
            again = rows_of(other)
            other.dispose()
        now = self.state()
        assert again == now
        return True

    @contextmanager
    def watching(self, statements: list[str]) -> Iterator[None]:
        """Take down the SQL that is run meanwhile."""

        def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
            statements.append(statement)

        event.listen(self.engine, "before_cursor_execute", note)
        try:
            yield
        finally:
            event.remove(self.engine, "before_cursor_execute", note)

    def close(self) -> None:
        self.engine.dispose()


_TEMPLATE: list[bytes] = []
_ENGINE = create_engine("sqlite://")
_ENGINE.connect().close()  # its dialect gets to know the database
_COMPILED: dict[Any, Any] = {}
"""One dialect and one store of compiled statements for all houses: an engine of its own would compile each anew."""


def _engine(content: bytes | None = None) -> Engine:
    """A database in memory: empty (copied from one that was made once), or with this content."""

    def connect() -> Any:
        connection = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        if content is not None or _TEMPLATE:
            connection.deserialize(content or _TEMPLATE[0])
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    engine = Engine(
        StaticPool(connect),
        _ENGINE.dialect,
        _ENGINE.url,
        hide_parameters=True,
        execution_options={"compiled_cache": _COMPILED},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    if not _TEMPLATE:
        metadata().create_all(engine)
        raw = engine.raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        _TEMPLATE.append(driver.serialize())
    return engine


def empty_database() -> Any:
    """An engine on a new database with an empty schema."""
    return _engine()


def rows_of(engine: Any) -> Mapping[str, list[tuple[Any, ...]]]:
    """All journalled state in a database, to compare."""
    with engine.begin() as connection:
        return _dump(connection)


def _dump(connection: Any) -> Mapping[str, list[tuple[Any, ...]]]:
    found = {}
    for row in STATE:
        table = SQLModel.metadata.tables[str(row.__tablename__)]
        rows = connection.execute(table.select()).all()
        found[table.name] = sorted((tuple(map(_comparable, one)) for one in rows), key=repr)
    return found


def _comparable(value: Any) -> Any:
    return tuple(sorted(value.items())) if isinstance(value, dict) else value


# --- plays that many tests begin with ------------------------------------------------------------------------------


def with_roster(house: House) -> House:
    """Packagers on the roster, debian under standing terms."""
    for name in PACKAGERS:
        standing = " standing=yes" if name == "debian" else ""
        told = f"organisation={name.title()} roles=packager address=matrix:{address(name)}{standing}"
        done = house.say("maintainer", "security", f"contacts add {name} {told}")
        assert done is not None
        assert done.kind == "contacts"
    return house


def reported(house: House, text: str = REPORT, who: str = "finder") -> str:
    """Somebody unknown reports; the case's id."""
    answer = house.direct(who, f"report {text}")
    assert answer is not None
    assert answer.kind == "receipt", plain_text(answer)
    return house.case


def embargoed(house: House, title: str = "Job queue overflow") -> str:
    """A reported case, triaged: its embargo is in force."""
    case = reported(house)
    card = house.say("maintainer", "security", f"triage {case} {title} severity={TERMS}")
    assert card is not None
    assert card.kind == "case card", plain_text(card)
    return case


def with_members(house: House) -> str:
    """An embargoed case with debian (standing terms) and fedora (asked, accepted) in it; suse has not answered."""
    case = embargoed(house)
    card = house.say("maintainer", "security", f"invite {case} all-packagers")
    assert card is not None
    assert card.kind == "invitations", plain_text(card)
    joined = house.direct("fedora", f"accept {case}")
    assert joined is not None
    assert joined.kind == "notice", plain_text(joined)
    return case


def privately_released(house: House, version: str = "1.0.1") -> str:
    """With members, and the private release in their hands."""
    case = with_members(house)
    house.host.stage(version)
    house.say("maintainer", "security", f"private-release {case} {version}")
    house.last(case, kind="private release")
    return case


def prepared(make: Callable[[], House]) -> Callable[[], House]:
    """A house is made once; each call gives a copy of it to go on from."""
    made: list[House] = []

    def fork() -> House:
        if not made:
            made.append(make())
        return made[0].fork()

    return fork


def code_in(document: Document) -> str:
    """The confirmation code that a preview bears."""
    return document.actions[0].command.split()[1]


def lines(documents: list[Seen]) -> Iterator[str]:
    """All lines of text that were shown."""
    for one in documents:
        yield from one.text.splitlines()


def places(house: House) -> list[Place]:
    with Session(house.engine, expire_on_commit=False) as session:
        return list(session.exec(select(Place)).all())
