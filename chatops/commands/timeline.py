"""``timeline``: what happened in a case and when, from its journal, in words and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from chatops import policy
from chatops.commands.declare import PRIVATE, CaseUse, Command, Who
from chatops.commands.desk import Attach, Decision, Desk, Here
from chatops.document import Block, Document, Line, Tlp, When, bullets, line, para, strong
from chatops.model.casefile import CaseFile
from chatops.model.journal import Entry, entries
from chatops.model.people import PlaceKind
from chatops.picture import Mark, Picture, Sort
from chatops.plain import instant
from chatops.ports import Upload

TEAM_ONLY = frozenset(
    {
        "reported",
        "reporter added",
        "reporter's wishes",
        "leak claimed",
        "duplicate",
        "duplicate attached",
        "referred",
        "referral answered",
        "told alone",
        "passed on",
        "referral taken up",
        "referral not theirs",
        "expert added",
        "expert removed",
        "could not be invited",
        "could not be reached",
        "effect failed",
        "message refused",
        "mismatch seen",
        "private release seen in public",
        "release host failed",
        "patch refused",
    }
)
"""What names the reporter or is the team's own business."""
QUIET = frozenset(
    {"room wanted", "room made", "room held", "room free again", "invited to room", "joined room", "left room"}
    | {"step begun"}  # that it is done follows, or why not
)
BARE = frozenset({"who", "what", "how", "date", "status", "version", "vote", "severity", "band", "outcome", "by"})
"""Facts whose value says what it is."""
DRAWN: Mapping[str, tuple[int, Sort]] = {
    "reported": (0, Sort.NOTICE),
    "triaged": (0, Sort.STEP),
    "triage amended": (0, Sort.STEP),
    "owner set": (0, Sort.STEP),
    "expert added": (0, Sort.STEP),
    "reporter added": (0, Sort.NOTICE),
    "rejected": (0, Sort.STEP),
    "notified": (1, Sort.NOTICE),
    "asked again": (1, Sort.NOTICE),
    "brought": (1, Sort.NOTICE),
    "accepted": (1, Sort.NOTICE),
    "declined": (1, Sort.NOTICE),
    "update sent": (1, Sort.NOTICE),
    "told alone": (1, Sort.NOTICE),
    "removed": (1, Sort.STEP),
    "pack added to": (1, Sort.STEP),
    "pack taken from": (1, Sort.STEP),
    "date proposed": (1, Sort.DATE),
    "date set": (1, Sort.DATE),
    "date refused": (1, Sort.DATE),
    "status": (1, Sort.STATUS),
    "status corrected": (1, Sort.STATUS),
    "embargo ended": (1, Sort.STEP),
    "private release asked": (2, Sort.STEP),
    "private release": (2, Sort.RELEASE),
    "leak claimed": (3, Sort.NOTICE),
    "public confirmed": (3, Sort.STEP),
    "exploit confirmed": (3, Sort.STEP),
    "attacks confirmed": (3, Sort.STEP),
    "announcement confirmed": (3, Sort.STEP),
    "announcement failed": (3, Sort.STEP),
    "general release": (3, Sort.RELEASE),
    "closed": (3, Sort.STEP),
}
"""What the picture shows, in which of the policy's steps, and how. What belongs to no step is in the words only."""


def told(found: Sequence[Entry], *, inside: bool) -> list[Entry]:
    """The entries that a reader needs, and may know of."""
    return [entry for entry in found if entry.what not in QUIET and (inside or entry.what not in TEAM_ONLY)]


def picture(file: CaseFile, found: Sequence[Entry], *, inside: bool) -> Picture:
    """The same entries, drawn. Neither the picture nor its name says what the case is about."""
    drawn = [Mark(entry.at, *DRAWN[entry.what]) for entry in told(found, inside=inside) if entry.what in DRAWN]
    ahead = file.case.release_date if file.embargoed else None
    return Picture(f"{file.id}: timeline", tuple(drawn), ahead)


def marks(file: CaseFile, found: Sequence[Entry], *, inside: bool) -> list[tuple[datetime, Line]]:
    """When what happened, without what the reader need not know."""
    hidden = set() if inside else {file.name(one) for one in file.hidden}
    lines = []

    def shown(name: str) -> str:
        return "the reporter" if name in hidden else name

    for entry in told(found, inside=inside):
        facts = ", ".join(
            shown(value) if name in BARE else f"{name} {shown(value)}"
            for name, value in entry.told["facts"].items()
            if name != "code" and value != "" and not (name in BARE and value == entry.who)
        )
        by = f" ({shown(entry.who)})" if entry.who not in ("chatops", "somebody") else ""
        lines.append((entry.at, line(strong(entry.what), f": {facts}" if facts else "", by)))
    return lines


def by_day(marks: Sequence[tuple[datetime, Line]]) -> tuple[Block, ...]:
    """A list for each day: on a phone a whole date in each line leaves little room for what happened."""
    blocks: list[Block] = []
    for _, some in groupby(marks, key=lambda mark: mark[0].astimezone(UTC).date()):
        told = [(at.astimezone(UTC), what) for at, what in some]
        blocks.append(para(strong(instant(When(at=told[0][0], day=True))), " (UTC)" if not blocks else ""))
        blocks.append(bullets(line(f"{at:%H:%M} ", *what) for at, what in told))
    return tuple(blocks)


def handle(desk: Desk, args: object) -> Decision:
    file = desk.case
    inside = desk.place is not PlaceKind.EMBARGO and bool(policy.roles(desk.actor, file) & Who.TEAM)
    found = list(entries(desk.book.session, file.id))
    attached = Upload(name=f"{file.id}-timeline.png", picture=picture(file, found, inside=inside))
    return Decision(
        reply=Document(
            title=f"{file.id}: timeline",
            kind="timeline",
            tlp=Tlp.AMBER_STRICT,
            case=file.id,
            blocks=by_day(marks(file, found, inside=inside)),
        ),
        messages=[Attach(Here(), attached, file.id)],
    )


COMMAND = Command(
    verb="timeline",
    summary="what happened in a case, and when, with a picture",
    who=Who.TEAM | Who.MEMBER,
    where=PRIVATE,
    example="timeline DS-2026-7KQ4",
    case=CaseUse.NEEDED,
    handle=handle,
)
