"""A case and what hangs on it."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from chatops.model.base import Row, case_json, case_text, instant, json_column


class Case(Row, table=True):
    """One vulnerability. The machine columns (``report``, ``embargo``, ``exposure``, ``fix``) move by moves only.

    ``exposure`` are the bits p, x, a (public, exploit public, attacks seen), upper case where they hold; ``fix`` are
    the project's own v, f, d. ``release_date`` is the coordinated release date; ``review_date`` presses the owner.
    """

    id: str = Field(primary_key=True)
    title: str = case_text()
    drill: bool = False  # a rehearsal: nothing of it leaves the security room
    opened_at: datetime = instant(required=True)
    report: str = "start"
    embargo: str = "none"
    exposure: str = "pxa"
    fix: str = "vfd"
    owner: str | None = None
    backup: str | None = None
    reporter: str | None = Field(default=None, index=True)
    origin: str | None = Field(default=None, index=True)  # the report's own name where it was filed: github:GHSA-…
    reporter_known: bool = False  # the reporter lets the members know who they are
    wishes: dict[str, str] = json_column()  # review, help: yes or no, as the reporter asked
    credit: str | None = case_text()  # the name that the reporter wishes to be credited by
    asked_date: datetime | None = instant()  # the reporter's own disclosure date
    process: str | None = case_text()  # another process that the reporter prefers
    next_word: datetime | None = instant()
    snoozed_until: datetime | None = instant()  # reminders that are not urgent wait until then
    triaged_at: datetime | None = instant()
    severity: str | None = None  # a CVSS vector
    band: str | None = None  # low, medium, high, critical
    complexity: str | None = case_text()
    boundary: str | None = case_text()
    exposed: str | None = case_text()
    versions: str | None = case_text()
    mitigation: str | None = case_text()
    component: str | None = case_text()
    cve: str | None = None
    pack: int = 0  # the edition of its pack: each thing that is added or withdrawn makes a new one
    review_date: datetime | None = instant()
    release_date: datetime | None = instant()
    notified_at: datetime | None = instant()
    version: str | None = None  # the release that bears the fix
    private_release_at: datetime | None = instant()
    announcing_at: datetime | None = instant()
    released_at: datetime | None = instant()
    closed_at: datetime | None = instant(index=True)
    outcome: str | None = None  # fixed, rejected, duplicate, referred, closed
    reason: str | None = case_text()
    links: dict[str, str] = json_column()  # other cases, and what they are to this one
    referred: str | None = None  # the component (of the configuration) whose people it is for
    referral: str | None = None  # asked (the reporter), agreed, declined, passed


class Participant(Row, table=True):
    """A contact in a case. ``role``: reporter, expert, downstream, referred. Machine columns: ``report``, ``consent``.

    ``terms_until`` is the date that they last accepted; ``told_at``: when they got the details.
    """

    case: str = Field(primary_key=True)
    contact: str = Field(primary_key=True, index=True)
    role: str = "downstream"
    organisation: str | None = None
    report: str = "start"
    consent: str = "no_embargo"
    asked_at: datetime | None = instant()
    answered_at: datetime | None = instant()
    told_at: datetime | None = instant()
    also_reported: bool = False  # reported the same in a case that is a duplicate of this one
    told_now: bool = False  # a coordinator decided to tell before they were asked
    tries: int = 0  # how often they were asked again by ourselves, each time by the next path
    silent_at: datetime | None = instant()  # since when we count them as "no answer"
    standing: bool = False  # notified under standing terms
    terms_until: datetime | None = instant()
    pack: int = 0  # the edition of the pack that they got last
    pack_at: datetime | None = instant()


class Downstream(Row, table=True):
    """What an organisation says of its own packages. ``fix`` is a machine column (v, f, d)."""

    case: str = Field(primary_key=True)
    organisation: str = Field(primary_key=True)
    fix: str = "vfd"
    answer: str | None = None
    version: str | None = None
    answered_by: str | None = None
    answered_at: datetime | None = instant()


class Proposal(Row, table=True):
    """A date that somebody proposed. ``what``: review or date. ``state``: open, accepted, rejected, superseded."""

    id: str = Field(primary_key=True)
    case: str = Field(index=True)
    what: str
    at: datetime = instant(required=True)
    reason: str | None = case_text()
    by: str
    made_at: datetime = instant(required=True)
    state: str = "open"
    votes: dict[str, str] = json_column()


class Note(Row, table=True):
    """Something said in a case and kept unchanged. ``kind``: report, addition, update, answer."""

    id: str = Field(primary_key=True)
    case: str = Field(index=True)
    kind: str
    by: str
    at: datetime = instant(required=True)
    text: str = case_text()


class PackItem(Row, table=True):
    """A version of one thing in a case's pack. ``what``: mitigation, test, restart, patch (for a ``branch``), cve.

    It is in the pack from edition ``edition`` on, until (not in) edition ``until``, in which something newer took its
    place or it was withdrawn. So an edition that somebody got says to the letter what they have.
    """

    id: str = Field(primary_key=True)
    case: str = Field(index=True)
    what: str
    branch: str = ""
    number: int = 1  # which version of this thing it is
    edition: int
    until: int | None = None
    by: str
    at: datetime = instant(required=True)
    text: str = case_text()


class Offered(Row, table=True):
    """A patch that one of the team dropped into a room, kept for a week for whoever puts it into a pack, by its code.

    ``case`` is the case of the room; None in the security room and in direct chats.
    """

    code: str = Field(primary_key=True)
    case: str | None = Field(default=None, index=True)
    at: datetime = instant(required=True)
    text: str = case_text()


class Pending(Row, table=True):
    """A decision that waits for a second person. ``digest`` is of the preview that the code stands for.

    Or an account that waits to be linked (``link``): ``code`` is a digest of what is typed, ``by`` whose it will be.
    """

    code: str = Field(primary_key=True)
    case: str | None = Field(default=None, index=True)
    line: str = case_text()
    digest: str
    by: str
    hand: str  # who really typed it: a contact, or an operating-system user
    made_at: datetime = instant(required=True)
    expires_at: datetime = instant(required=True)
    state: str = "open"  # open, confirmed, used, void


class Advisory(Row, table=True):
    """What the public will read of a case, beyond the facts that the case has itself.

    ``vulnerable`` are the releases to take down; ``sent`` is the digest of the draft that the reporter
    was sent last, ``reviewed`` of the one that they found right;
    ``corrections`` are (ISO instant, what was put right), each a new revision of what was published.
    """

    case: str = Field(primary_key=True)
    title: str | None = case_text()
    text: str | None = case_text()
    cwes: list[str] = case_json()
    fixed: list[str] = case_json()
    vulnerable: list[str] = case_json()
    credits: list[str] = case_json()
    references: list[str] = case_json()
    corrections: list[list[str]] = case_json()
    sent: str | None = None
    reviewed: str | None = None


class PlanStep(Row, table=True):
    """A step of a case's general release. ``state``: waiting, running, asked (a person), done, failed, skipped.

    ``problem`` is a short machine word; ``reason`` is why somebody skipped it.
    """

    case: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    state: str = "waiting"
    problem: str | None = None
    reason: str | None = case_text()
    by: str | None = None
