"""What a handler has before it, and what it gives back.

Handlers are plain functions from a :class:`Desk` and their arguments to a :class:`Decision`: they look up, they do no
I/O, they change nothing. The unit of work journals the events, turns targets into places and writes the outbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chatops.config import Settings
from chatops.document import Action, Document, Tlp, fields, line, when
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened
from chatops.model.people import Contact, Place, PlaceKind, Role
from chatops.ports import Address, CveDeed, HostDeed, TryPatch, Upload


class Refusal(Exception):
    """The command can't be done: one line that says why and what to do. Nothing changes."""


def working(file: CaseFile) -> CaseFile:
    """A case that can still be worked on. Raises :class:`Refusal` if it is closed, or being announced: what two people
    confirmed is what will be public.
    """
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    if file.case.announcing_at is not None and not file.public:
        raise Refusal(f"{file.id} is being announced; see step {file.id}")
    return file


@dataclass(frozen=True)
class Actor:
    """Who asks. ``contact`` is None for a stranger. ``hand`` is who really typed: in the shell, an operating-system
    user; elsewhere the contact. Two confirmations need two contacts and two hands.
    """

    address: Address
    contact: Contact | None
    hand: str
    played: bool = False  # a coordinator takes their part, in a drill

    @property
    def id(self) -> str:
        """The contact's id; empty for a stranger."""
        return self.contact.id if self.contact else ""

    @property
    def name(self) -> str:
        return self.contact.name if self.contact else "somebody"

    @property
    def coordinator(self) -> bool:
        return self.contact is not None and Role.COORDINATOR in (self.contact.roles or [])


# --- where a message goes ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Security:
    """The security room (of every service that runs)."""


@dataclass(frozen=True)
class CaseRoom:
    """The case's embargo room (of every service that has one)."""

    case: str


@dataclass(frozen=True)
class Direct:
    """A contact's direct chat, at the first address that reaches them; or on a named service, or at an address."""

    contact: str
    path: str | Address | None = None


@dataclass(frozen=True)
class Public:
    """Every public room that the bot was asked into."""


@dataclass(frozen=True)
class Here:
    """In answer to what came in: where it was said, in its thread."""


@dataclass(frozen=True)
class InPlace:
    """One place, by our own id."""

    place: str


Target = Security | CaseRoom | Direct | Public | Here | InPlace


@dataclass(frozen=True)
class ConsentQuestion:
    """All that somebody who was asked, and has not accepted, may read of a case (model.md, clearance)."""

    settings: Settings
    case: str
    band: str | None
    date: datetime | None
    again: bool = False

    def document(self) -> Document:
        until = line(when(self.date)) if self.date else line("no date yet; you will be told")
        facts = fields(("Severity", self.band or "not rated yet"), ("Private until", until))
        name = "question_again" if self.again else "question"
        return Document(
            title=f"{self.case}: will you keep this private{' until the new date' if self.again else ''}?",
            kind="question",
            tlp=Tlp.AMBER,
            case=self.case,
            blocks=self.settings.words(name, case=self.case, facts=(facts,), terms=self.settings.words("terms")),
            actions=(
                Action(label="accept", command=f"accept {self.case}", emoji="✅", style="primary"),
                Action(label="decline", command=f"decline {self.case}", emoji="❌"),
            ),
        )


@dataclass(frozen=True)
class EmbargoOver:
    """What everybody who was ever asked hears when an embargo ends; it says nothing of the case itself."""

    settings: Settings
    case: str

    def document(self) -> Document:
        return Document(
            title=f"{self.case}: the embargo is over",
            kind="embargo over",
            tlp=Tlp.AMBER,
            case=self.case,
            blocks=self.settings.words("embargo_over", case=self.case),
        )


@dataclass(frozen=True)
class Message:
    """One message. ``text`` is a document, or one of the two kinds that reach people who may not know details.

    ``ping`` are contacts to notify. ``key`` names the effect, so that a later message can edit it (``edit``).
    ``kind`` tells the gate what it is: ``details`` (the default), ``reporter`` (what the reporter may hear of their own
    report), ``told`` (a coordinator's decision to tell somebody who has not accepted). ``pin``: to be kept at the top
    of the room. ``bare``: see :class:`chatops.ports.Post`. ``echo``: it says what the answer says, so it is left out in
    the place where all read that. ``step``: what waits until it is said (:mod:`chatops.commands.plan`). ``under``: in
    answer to the message of that effect. ``files`` go with it, or after it where a message takes none.
    """

    to: Target
    text: Document | ConsentQuestion | EmbargoOver
    ping: tuple[str, ...] = ()
    key: str | None = None
    edit: str | None = None
    kind: str = "details"
    pin: bool = False
    bare: bool = False
    echo: bool = False
    step: str | None = None
    under: str | None = None
    files: tuple[Upload, ...] = ()


@dataclass(frozen=True)
class Attach:
    """A file into a place. ``case`` is None for what is about none."""

    to: Target
    upload: Upload
    case: str | None
    kind: str = "details"


@dataclass(frozen=True)
class Job:
    """Work for the release host, the repository or CVE Services. ``case``: on whose behalf (None: the installation).
    ``step``: what waits until it is done.
    """

    deed: HostDeed | TryPatch | CveDeed
    case: str | None = None
    step: str | None = None


@dataclass(frozen=True)
class Alarm:
    """Set (or move) a timer; ``due`` of None takes it away; with ``keep``, one that is set already stays, and gets the
    items of the list in ``data`` that ``gather`` names.
    """

    key: str
    kind: str
    due: datetime | None
    case: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    keep: bool = False
    gather: str | None = None


@dataclass(frozen=True)
class Again:
    """What is stuck (by its code), to be tried again or given up; with ``unsent``, also if it was not tried yet."""

    code: str
    give_up: bool = False
    unsent: bool = False


Outgoing = Message | Attach


@dataclass
class Decision:
    """What a handler decided. ``plan``: the case whose general release goes on with it."""

    reply: Document | None = None
    events: list[Happened] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)
    reply_key: str | None = None
    reply_kind: str = "details"
    plan: str | None = None


@dataclass(frozen=True)
class Preview:
    """What a second person confirms. ``facts`` are all that the decision rests on; a change of any voids the code.

    ``drafts`` go out with it, to those who wished to read it before it is decided; ``changes`` go on record with it.
    """

    document: Document
    facts: Mapping[str, str]
    drafts: tuple[Message, ...] = ()
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Desk:
    """What a handler may know: the time, the asker, the place, the case (if one was named), and look-ups."""

    now: datetime
    settings: Settings
    actor: Actor
    book: Book
    place: PlaceKind
    room: Place | None
    fresh: Callable[[], str]
    code: Callable[[int], str]
    services: frozenset[str] = frozenset()  # the chat services that the bot speaks
    file: CaseFile | None = None
    doubtful: bool = False
    """Whether it may be somebody else who asks, on a device that was made up for that."""

    @property
    def case(self) -> CaseFile:
        """The case. Only for commands that need one."""
        if self.file is None:
            raise LookupError("this command has no case")
        return self.file

    @property
    def project(self) -> str:
        return self.settings.project.name

    @property
    def in_the_open(self) -> bool:
        """Whether others may read along, or write in the asker's name: a public room, a chat without encryption, a
        device that nobody verified where they must be.
        """
        if self.place is PlaceKind.PUBLIC or self.doubtful:
            return True
        return self.place is PlaceKind.DIRECT and self.room is not None and self.room.clearance < Tlp.RED

    def days(self, number: int) -> datetime:
        return self.now + timedelta(days=number)
