"""What the core asks of the outside, and what it is told: the only types that adapters and core share.

An adapter turns what happened in its service into :class:`Received` rows and hands them to an :class:`Intake`; it
performs an :class:`Effect` when the outbox worker asks. Nothing else crosses the border, in either direction.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping, Sequence
from datetime import timedelta
from io import BufferedIOBase
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import AwareDatetime, Field

from chatops.document import Document, Node
from chatops.model.people import Address as Address
from chatops.model.people import PlaceKind
from chatops.picture import Picture, png

MAIL = "mail"
"""The service name of mail."""
ONE_BY_ONE = frozenset({MAIL})
"""Services that have no rooms. Whoever is on no other is told in person what is said in a room that they belong in."""

# --- what happened -------------------------------------------------------------------------------------------------


class Aside(Node):
    """That only one person sees what is said, or is to see the answer, wherever it was (a slash command, a form).

    ``url`` is where the service takes such an answer without the bot being in the room, for a while.
    """

    user: str
    url: str | None = None


class Said(Node):
    """Somebody wrote a message. ``text`` is the plain text as typed, reply fallbacks removed.

    ``private`` is False if it arrived without encryption in a room that is encrypted. ``pair`` says that the room is by
    its service's nature a chat of the sender and the bot alone. ``aside``: nobody else saw it. ``fields`` are what was
    typed into a form, by field; ``text`` is then the form's ``line``. ``verified`` is False where the service knows of
    devices, and the operator did not say that this one is the sender's.
    """

    t: Literal["said"] = "said"
    sender: str
    room: str
    event: str
    text: str
    thread: str | None = None
    addressed: bool = False  # the bot was mentioned by name
    private: bool = True
    pair: bool = False
    aside: Aside | None = None
    fields: dict[str, str] | None = None
    verified: bool = True


class Reacted(Node):
    """Somebody put ``key`` (an emoji) on the message ``target``, or pressed a button of it.

    ``command`` is the button's, where the service vouches that the bot put it there. ``verified`` is False where a
    server can make it up.
    """

    t: Literal["reacted"] = "reacted"
    sender: str
    room: str
    target: str
    key: str = ""
    command: str | None = None
    pair: bool = False
    aside: Aside | None = None
    verified: bool = True


class Member(Node):
    """Somebody's membership of a room changed. ``by`` is who did it (equal to ``who`` for a plain join or leave;
    None where the service does not tell).

    ``own``: it is the bot itself that was put out.
    """

    t: Literal["member"] = "member"
    room: str
    who: str
    by: str | None
    now: Literal["join", "invite", "leave", "ban", "knock"]
    own: bool = False


class Invitation(Node):
    """The bot was invited. ``direct`` says that the inviter meant a two-person chat."""

    t: Literal["invitation"] = "invitation"
    room: str
    by: str
    direct: bool
    encrypted: bool


class Replaced(Node):
    """Somebody with the power to do so closed a room and named another, ``successor``, as the one to go on in."""

    t: Literal["replaced"] = "replaced"
    room: str
    by: str
    successor: str


class Dropped(Node):
    """Somebody dropped an archive or a patch into a room; it was hashed as it streamed. Digests are lower-case hex.

    ``text`` is what a patch says, where it is small and in UTF-8. ``verified``: as of what is said.
    """

    t: Literal["dropped"] = "dropped"
    sender: str
    room: str
    event: str
    name: str
    size: int
    digests: dict[str, str]
    thread: str | None = None
    pair: bool = False
    text: str | None = None
    verified: bool = True


class Letter(Node):
    """Somebody wrote a mail. ``text`` is what they wrote themselves, without what they quote.

    ``proven``: it bears a signature by the key that the roster has for the sender, or a reply code that only they got;
    ``answers`` are the messages that it says it answers, ``effect`` is the beginning of the id of the effect whose code
    it bears. ``sealed``: it is encrypted, and we have no key for it. ``answerable``: an answer by a machine is in order
    (RFC 3834). ``more``: it holds more than ``text`` shows. ``original`` is all of it as it came, in base64;
    ``certificate`` a public key that came with it, armored.
    """

    t: Literal["letter"] = "letter"
    sender: str
    event: str
    subject: str
    text: str
    original: str
    proven: bool = False
    answers: tuple[str, ...] = ()
    effect: str | None = None
    sealed: bool = False
    answerable: bool = True
    more: bool = False
    certificate: str | None = None


class Filed(Node):
    """Somebody filed a report in private on another ``site``, where ``id`` is its name and ``sender`` an account."""

    t: Literal["filed"] = "filed"
    site: str
    id: str
    url: str
    sender: str
    title: str
    text: str


class Bounced(Node):
    """Mail came back: ``message`` is the event id of what we sent, ``status`` the reason (RFC 3463: 5.1.1)."""

    t: Literal["bounced"] = "bounced"
    message: str
    status: str


class Automatic(Node):
    """A machine wrote, or nobody can read it here: a word in the journal, and no answer.

    ``what``: an auto-reply, a delay (the mail is still on its way), a loop (our own came back), or too-large.
    """

    t: Literal["automatic"] = "automatic"
    sender: str
    what: Literal["auto-reply", "delay", "loop", "too-large"]
    answers: tuple[str, ...] = ()


class Locked(Node):
    """An event that cannot be decrypted yet; the adapter keeps what it needs to try again in ``raw``."""

    t: Literal["locked"] = "locked"
    sender: str
    room: str
    event: str
    raw: dict[str, Any]


class Unreadable(Node):
    """A locked event whose key never came; its sender should be told to send it again. ``file``: it was an archive that
    could not be fetched.
    """

    t: Literal["unreadable"] = "unreadable"
    sender: str
    room: str
    event: str
    file: bool = False


class Working(Node):
    """A service does not take us at all any more (our token was revoked), or does again. ``problem`` is its short word
    for why; empty: it works. ``deaf``: it is only that the service tells us nothing; what we say there is said.
    """

    t: Literal["working"] = "working"
    problem: str = ""
    deaf: bool = False


class Nothing(Node):
    """A locked event that, once decrypted, is nothing to the core (a notice, an edit, a forgery): settle and forget."""

    t: Literal["nothing"] = "nothing"


class DeviceShut(Node):
    """A device of a member's gets no keys to ``rooms``, because the operator wants devices verified there and has not
    marked it; with ``may_read``: now they have. ``key`` is the device's, as people compare it.
    """

    t: Literal["device-shut"] = "device-shut"
    who: str
    device: str
    key: str
    rooms: tuple[str, ...]
    may_read: bool


class Outcome(Node):
    """What an effect brought back (a room's id, digests), or why it failed for good. Written by the outbox worker."""

    t: Literal["outcome"] = "outcome"
    effect: str
    ok: bool
    data: dict[str, Any] = {}
    problem: str = ""


class Due(Node):
    """A timer came due. Whether there is still something to say is decided when this row is."""

    t: Literal["due"] = "due"
    timer: str
    kind: str
    case: str | None = None
    data: dict[str, Any] = {}
    at: AwareDatetime | None = None  # when it was due; later if the bot was stopped then


Event = Annotated[
    Said
    | Reacted
    | Member
    | Invitation
    | Replaced
    | Dropped
    | Letter
    | Filed
    | Bounced
    | Automatic
    | Locked
    | Unreadable
    | Nothing
    | Working
    | DeviceShut
    | Outcome
    | Due,
    Field(discriminator="t"),
]


class Received(Node):
    """One thing that happened, under the service's own identity ``key`` (a duplicate is dropped on admission).

    Rows are decided in order within a ``conversation`` (usually the room).
    """

    service: str
    tenant: str = ""
    key: str
    conversation: str
    at: AwareDatetime
    event: Event


class Intake(Protocol):
    """The door into the core for adapters."""

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        """Commit rows, and ``cursor`` (name, value) with them, in one durable transaction; then return.

        Duplicates by (service, tenant, key) are dropped. Only after this returns may the service be told that the
        events were taken.
        """
        ...

    async def cursor(self, name: str) -> str | None:
        """The value last committed under a cursor's name (a Matrix sync token)."""
        ...

    async def locked(self, service: str) -> Sequence[Received]:
        """The rows of a service that still wait for a key, oldest first."""
        ...

    async def unlock(self, received: Received) -> None:
        """Replace the locked row with the same identity by its readable event (or by :class:`Unreadable`)."""
        ...


# --- what to do ----------------------------------------------------------------------------------------------------


class Upload(Node):
    """Put a file into the room (encrypted where the room is). Refused if ``sha256`` differs.

    It is a file of the bot's machine, at ``path``, or something small that the core made: ``data``, in base64. Or a
    ``picture`` that is yet to be drawn, which takes longer than a decision may: adapters get it :meth:`drawn`.
    """

    t: Literal["upload"] = "upload"
    path: str = ""
    name: str
    sha256: str = ""
    data: str | None = None
    picture: Picture | None = None

    def drawn(self) -> Upload:
        """As it is sent. The same picture gives the same bytes, so a second try sends what the first one did."""
        return self if self.picture is None else Upload.made(self.name, png(self.picture))

    @classmethod
    def made(cls, name: str, content: bytes) -> Upload:
        """Of something small that the core made."""
        return cls(name=name, sha256=hashlib.sha256(content).hexdigest(), data=base64.b64encode(content).decode())

    def open(self) -> BufferedIOBase:
        """The bytes, to be read. Raises OSError if the file isn't there."""
        return Path(self.path).open("rb") if self.data is None else io.BytesIO(base64.b64decode(self.data))

    def size(self) -> int:
        """In bytes. Raises OSError if the file isn't there."""
        return len(base64.b64decode(self.data)) if self.data is not None else Path(self.path).stat().st_size


class Post(Node):
    """Show a document in the effect's room.

    ``reply_to``/``thread`` are the service's event ids. ``edit`` is the id of an earlier *effect* whose message this
    one replaces (see ``Effect.target``). ``people`` maps contact names in the document to user ids of this service;
    ``ping`` lists the user ids to notify. ``doors`` are the rooms of cases that all who read this may enter, by case:
    their ids (in the outbox, our own ids of the places). ``discreet``: the notification text names case and kind only.
    ``instant``: sent at most once (an ephemeral answer). ``aside``: to be seen by this person only (always instant).
    ``pin``: to be kept at the top of the room. ``bare``: it holds nothing that is not for everybody, and is said
    without encryption where its reader has no device that may read. ``files`` go with it: only by mail, where each
    would be a message of its own.
    """

    t: Literal["post"] = "post"
    document: Document
    reply_to: str | None = None
    thread: str | None = None
    edit: str | None = None
    people: dict[str, str] = {}
    doors: dict[str, str] = {}
    ping: tuple[str, ...] = ()
    discreet: bool = False
    instant: bool = False
    aside: Aside | None = None
    pin: bool = False
    bare: bool = False
    files: tuple[Upload, ...] = ()


class OpenRoom(Node):
    """Make a room. ``name`` and ``topic`` are public: never a case's subject.

    Outcome data: ``room``, its id; ``joined``, who of the invited is in it at once (where the service asks nobody
    whether they want to: for all others an event tells of it); ``shows_past``, whether who comes in later reads what
    was said before.
    """

    t: Literal["open-room"] = "open-room"
    purpose: Literal["direct", "security", "embargo"]
    name: str
    topic: str
    invite: tuple[str, ...] = ()
    federate: bool = True


class Enter(Node):
    """Accept an invitation to the effect's room. Outcome data: ``{"others": [user ids], "encrypted": bool}``; the
    others are all, the bot aside, who are in it or invited."""

    t: Literal["enter"] = "enter"


class Invite(Node):
    """Ask somebody into the room. Outcome data: ``pending``, whether they have to accept first, of a service that
    otherwise asks nobody.
    """

    t: Literal["invite"] = "invite"
    user: str


class Remove(Node):
    """Put a user out of the room (kick). Success if they are not in it."""

    t: Literal["remove"] = "remove"
    user: str
    reason: str


class Leave(Node):
    t: Literal["leave"] = "leave"


class Retire(Node):
    """Nothing more will be said in the effect's room: keep it, for those who are in it, as something to look up.

    Outcome data: ``{"closed": bool}``, whether nobody can say anything there now. False where rooms just stay.
    """

    t: Literal["retire"] = "retire"


class Redact(Node):
    """Take back a message of somebody's, by event id, where the bot may."""

    t: Literal["redact"] = "redact"
    event: str
    reason: str


class Relay(Node):
    """Pass a letter that is not for us on to the effect's room, an address, exactly as it came (``data``, base64)."""

    t: Literal["relay"] = "relay"
    data: str


class Stage(Node):
    """Release host: find and hash the archives of a version prepared in private.

    Outcome data: ``{"archives": [{"name", "path", "size", "digests": {algorithm: hex}}]}``.
    """

    t: Literal["stage"] = "stage"
    version: str
    progress: str | None = None  # the effect whose message shows how far it is


class PrepareDraft(Node):
    """Release host: put the archives of a version where its page will be, seen by the project's own people only.

    ``text`` is what the page says. Outcome data: ``{"url": …}``, where the draft is; None where the host has no drafts.
    """

    t: Literal["prepare-draft"] = "prepare-draft"
    version: str
    archives: dict[str, str]  # name to SHA-256
    text: str


class Publish(Node):
    """Release host: make the privately prepared archives of a version public, and look at them from outside.

    ``text`` is what the page says where no draft was prepared. Outcome data: ``{"archives": [{"name", "size",
    "digests": {algorithm: hex}}]}``, as anybody can download them now.
    """

    t: Literal["publish"] = "publish"
    version: str
    archives: dict[str, str]  # name to SHA-256: exactly these, as members verified them
    text: str = ""


class Survey(Node):
    """Release host: list what is published.

    Outcome data: ``{"releases": [{"version", "archives": [{"name", "size", "url", "digests": {algorithm: {source:
    hex}}}]}]}`` with the sources of :class:`chatops.checksums.archives.Provenance`: what each says is told. Where the
    host knows them, a release has ``tag``, ``immutable`` and ``published_at`` as well.
    """

    t: Literal["survey"] = "survey"


class Inspect(Node):
    """Release host: read published archives as anybody would who downloads them, and hash them.

    Outcome data: ``{"archives": [{"name", "size", "digests": {algorithm: hex}}, {"name", "problem"}]}``.
    """

    t: Literal["inspect"] = "inspect"
    version: str
    archives: dict[str, str]  # name to address; empty on a plain folder


class Snapshot(Node):
    """Release host: look at a release before it is taken off the page.

    Outcome data: ``{"release": its id, "commit": the tag's, "immutable": bool, "whole": all that the host says}``;
    ``release`` is None if the page does not show it, ``commit`` if there is no such tag.
    """

    t: Literal["snapshot"] = "snapshot"
    version: str
    tag: str
    immutable: bool = False  # that nobody can change it is known to those who want it off the page
    progress: str | None = None


class Delist(Node):
    """Release host: take a release off the page, never its tag; success if it is gone already.

    Outcome data: ``{"commit": …}``, where the tag is afterwards (None: nowhere).
    """

    t: Literal["delist"] = "delist"
    version: str
    release: str
    tag: str
    commit: str | None  # where the tag was
    progress: str | None = None


class ReadReports(Node):
    """Release host: the private vulnerability reports that wait there.

    Outcome data: ``{"reports": [{"id", "url", "sender": an account there, "title", "text"}]}``.
    """

    t: Literal["read-reports"] = "read-reports"


class TryPatch(Node):
    """Repository: would ``git am`` take a patch on a branch? Nothing is kept of it there.

    Outcome data: ``{"applies": bool, "where": file and line of what does not fit, "branches": [names], if there is no
    such branch}``. ``by`` is the contact who gave the patch.
    """

    t: Literal["try-patch"] = "try-patch"
    branch: str
    text: str
    by: str
    progress: str | None = None


class WriteAdvisory(Node):
    """Release host: put the files of an advisory where the project's site is made from; those of that name are
    replaced. ``files`` maps names (no folders) to contents. Outcome data: ``{"files": [names]}``.
    """

    t: Literal["write-advisory"] = "write-advisory"
    files: dict[str, str]


class PublishAdvisory(Node):
    """Release host: publish a security advisory, or bring the one that is public up to date. ``advisory`` is what the
    host takes (:mod:`chatops.advisory.github`), ``mark`` the line of its text by which it is known again, ``report``
    the private report there that becomes it. Outcome data: ``{"url": …}``.
    """

    t: Literal["publish-advisory"] = "publish-advisory"
    advisory: dict[str, Any]
    mark: str
    report: str | None = None


class RequestCve(Node):
    """Release host: ask it for a CVE id, by a draft of the advisory that only the host and the project's people see;
    once that was ``asked``, only look whether there is one. The rest as in :class:`PublishAdvisory`; ``by`` and
    ``progress`` as in :class:`ReserveCve`. Outcome data: ``{"cve": id}``, or None as long as there is none.
    """

    t: Literal["request-cve"] = "request-cve"
    advisory: dict[str, Any]
    mark: str
    report: str | None = None
    asked: bool = False
    by: str
    progress: str | None = None


class ReserveCve(Node):
    """CVE Services: reserve a CVE id of a year. Nothing of the case is told there. ``by``: who asked for it.

    ``since``: an earlier try may have reserved one from then on, and nobody heard its answer. Outcome data: ``{"cve":
    id}``; or, if our account reserved some since, ``{"perhaps": [ids]}``: then nothing was reserved now.
    """

    t: Literal["reserve-cve"] = "reserve-cve"
    year: int
    by: str
    since: AwareDatetime | None = None
    progress: str | None = None


class PublishCve(Node):
    """CVE Services: publish the record of a CVE id, or bring one that is public up to date. ``container`` is the CNA's
    part of it (CVE JSON 5.1).
    """

    t: Literal["publish-cve"] = "publish-cve"
    cve: str
    container: dict[str, Any]


CveDeed = ReserveCve | PublishCve
"""What is done at CVE Services."""
HostDeed = (
    WriteAdvisory
    | PublishAdvisory
    | RequestCve
    | Stage
    | PrepareDraft
    | Publish
    | Survey
    | Inspect
    | Snapshot
    | Delist
    | ReadReports
)
"""What a release host does."""
Deed = Annotated[
    Post
    | OpenRoom
    | Enter
    | Invite
    | Remove
    | Leave
    | Retire
    | Redact
    | Upload
    | Relay
    | TryPatch
    | CveDeed
    | HostDeed,
    Field(discriminator="t"),
]


class Effect(Node):
    """A deed with all that performing it once needs.

    ``id`` is the idempotency key. ``attempts`` counts earlier tries whose outcome is unknown or failed; ``first`` is
    when the first one began. ``room`` is the service's id of the place (None where a deed has none). ``target`` is the
    event id of the message that ``Post.edit`` names. ``audience`` are the user ids that the core knows to be in the
    room or asked into it, the bot aside: while anybody else is in it, of whom the core has yet to hear, nothing is said
    there (:class:`TryLater`). None: whoever it is may read it. ``case`` is the one that it is about, and ``place`` what
    the place is to the core (None where it has no such place).
    """

    id: str
    service: str
    tenant: str = ""
    room: str | None = None
    deed: Deed
    case: str | None = None
    attempts: int = 0
    first: AwareDatetime | None = None
    target: str | None = None
    audience: tuple[str, ...] | None = None
    place: PlaceKind | None = None


class Receipt(Node):
    """What came of an effect: the message's ``event`` id, and ``data`` as the deed's docstring says.

    Of anything that was said or put somewhere: ``{"withheld": True}``, if its reader cannot be told in private and was
    asked to get in touch instead. ``{"too_large": name}``, if it was told of a file only, which does not fit.
    """

    event: str | None = None
    data: dict[str, Any] = {}


class TryLater(Exception):
    """The effect did not happen, or it is unknown whether it did: try again, not before ``after``.

    ``code`` is a short machine word for logs (``ratelimited``, ``timeout``, ``503``), never a server's free text.
    ``counts`` is False for what certainly did not happen, and says nothing against the effect (it was too soon; no
    token was good): however often that is, the effect is not given up for it.
    """

    def __init__(self, code: str, after: timedelta | None = None, *, counts: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.after = after
        self.counts = counts


class Impossible(Exception):
    """The effect can never happen as it is (no such user, forbidden). ``code`` as in :class:`TryLater`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


# --- while somebody is typing --------------------------------------------------------------------------------------


class Asker(Node):
    """Who wants something at once, and where. ``room`` is None where it is no room (a home page)."""

    service: str
    tenant: str
    user: str
    room: str | None = None


class FormField(Node):
    """One field of a form. ``line``: a line; ``text``: several; ``one``/``many``: of the ``options``, comma-joined."""

    name: str
    label: str
    hint: str
    shape: Literal["line", "text", "one", "many"]
    required: bool
    options: tuple[str, ...] = ()
    value: str = ""


class Form(Node):
    """A form made from a command's declaration. ``line`` is the command so far (verb and case), to be handed back."""

    line: str
    title: str
    fields: tuple[FormField, ...]


class Interactions(Protocol):
    """Interaction replies: what a service wants within seconds. Read only; a valid form goes into the intake."""

    def may_open(self, line: str) -> bool:
        """Whether a line looks like one that opens a form, whoever typed it. Most do not, and cost nothing more."""
        ...

    async def form(self, asker: Asker, line: str) -> Form | None:
        """The form for a command typed without what it needs; None where a line is enough, or nothing is to be seen."""
        ...

    async def check(self, asker: Asker, line: str, values: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with a filled form, by field (one clear line each); empty if it may be handed in."""
        ...

    async def home(self, asker: Asker) -> tuple[Post, ...]:
        """What somebody's home page shows: what they owe, their cases, questions for them, releases."""
        ...


class Keys(Protocol):
    """What the roster knows of people's OpenPGP keys."""

    async def certificate(self, address: Address) -> str | None:
        """The public key, armored, of whoever is reached at an address."""
        ...


class Service(Protocol):
    """An adapter that runs: it feeds an intake and performs effects for its service name."""

    name: str

    async def start(self, intake: Intake) -> None:
        """Connect and begin to feed. Returns when the service is ready; raises if it can't be."""
        ...

    async def perform(self, effect: Effect) -> Receipt:
        """Do it, idempotently by ``effect.id``. Raises :class:`TryLater` or :class:`Impossible`."""
        ...

    async def stop(self) -> None:
        """Stop feeding, finish what is in hand, disconnect."""
        ...
