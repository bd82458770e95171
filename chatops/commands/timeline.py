"""``timeline``: what happened in a case and when, from its journal."""

from __future__ import annotations

from collections.abc import Sequence

from chatops import policy
from chatops.commands.declare import PRIVATE, CaseUse, Command, Who
from chatops.commands.desk import Decision, Desk
from chatops.document import Document, Line, Tlp, bullets, line, strong, when
from chatops.model.book import CaseFile
from chatops.model.journal import Entry, entries
from chatops.model.people import PlaceKind

TEAM_ONLY = frozenset(
    {
        "reported",
        "reporter added",
        "leak claimed",
        "expert added",
        "expert removed",
        "could not be reached",
        "effect failed",
        "message refused",
        "mismatch seen",
        "private release seen in public",
        "release host failed",
    }
)
"""What names the reporter or is the team's own business."""
QUIET = frozenset(
    {"room wanted", "room made", "room held", "room free again", "invited to room", "joined room", "left room"}
)
BARE = frozenset({"who", "what", "how", "date", "status", "version", "vote", "severity", "band", "outcome", "by"})
"""Facts whose value says what it is."""


def marks(file: CaseFile, found: Sequence[Entry], *, inside: bool) -> list[Line]:
    """The entries as lines, without what the reader need not know."""
    hidden = file.name(file.case.reporter) if file.reporter_hidden and not inside else None
    lines = []

    def shown(name: str) -> str:
        return "the reporter" if name == hidden else name

    for entry in found:
        if entry.what in QUIET or (not inside and entry.what in TEAM_ONLY):
            continue
        facts = ", ".join(
            shown(value) if name in BARE else f"{name} {shown(value)}"
            for name, value in entry.told["facts"].items()
            if name != "code" and not (name in BARE and value == entry.who)
        )
        by = f" ({shown(entry.who)})" if entry.who not in ("chatops", "somebody") else ""
        lines.append(line(when(entry.at), " ", strong(entry.what), f": {facts}" if facts else "", by))
    return lines


def handle(desk: Desk, args: object) -> Decision:
    file = desk.case
    inside = desk.place is not PlaceKind.EMBARGO and bool(policy.roles(desk.actor, file) & Who.TEAM)
    found = list(entries(desk.book.session, file.id))
    return Decision(
        reply=Document(
            title=f"{file.id}: timeline",
            kind="timeline",
            tlp=Tlp.AMBER_STRICT,
            case=file.id,
            blocks=(bullets(marks(file, found, inside=inside)),),
        )
    )


COMMAND = Command(
    verb="timeline",
    summary="what happened in a case, and when",
    who=Who.TEAM | Who.MEMBER,
    where=PRIVATE,
    example="timeline DS-2026-7KQ4",
    case=CaseUse.NEEDED,
    handle=handle,
)
