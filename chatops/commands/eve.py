"""The day before a general release: what members are told then, and what the team still lacks (policy steps 3 and 4).

Nothing is published by it, nor by the date.
"""

from __future__ import annotations

from datetime import datetime

from chatops.commands.advising import content, digest, gaps, kept_of, write_down
from chatops.commands.announce import for_the_reporter
from chatops.commands.announcement import announcement, as_public
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing
from chatops.document import Block, Document, Tlp, bullets, fields, line, para, strong, typed, when
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened


def day_before(desk: Desk, file: CaseFile, at: datetime) -> Decision:
    """The releases that will be taken down, and the draft announcement, to the members; and to a reporter who wished
    to read it first and has not found this one right.
    """
    kept = kept_of(desk, file.id)
    vulnerable, version = kept.vulnerable or [], file.case.version
    blocks: list[Block] = [
        fields(
            ("Release date", line(when(at))),
            ("With the fix", version or "not in your hands yet; the team is asked for it"),
            ("Taken down", ", ".join(vulnerable) + "; their tags stay" if vulnerable else "none is named yet"),
        )
    ]
    messages: list[Outgoing] = []
    sent: tuple[Change, ...] = ()
    if version is not None:
        public = announcement(desk, file, None, version, vulnerable, credits=False)
        blocks += [para("What the public will read, as it stands now:"), *as_public(public)]
        if kept.reviewed != digest(content(desk, file)):
            messages += for_the_reporter(file, announcement(desk, file, None, version, vulnerable))
            sent = (write_down(desk, file.id, sent=digest(content(desk, file))),) if messages else ()
    blocks += [
        para("—— so far the draft. Is something wrong with it? Say it here. ——"),
        para("Please publish nothing before you read “you may publish now”: two coordinators say that, no clock does."),
    ]
    card = Document(
        title=f"{file.id}: the general release is near; this is what will happen",
        kind="day before",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=tuple(blocks),
        tone="warning",
    )
    told = Happened("draft shown to members", file.id, {"version": version or "none yet"}, changes=sent)
    return Decision(events=[told], messages=[Message(CaseRoom(file.id), card), *messages])


def missing(desk: Desk, file: CaseFile) -> tuple[Block, ...]:
    """What the announcement still lacks, for the team; nothing if it is complete."""
    kept = kept_of(desk, file.id)
    lacks: list[str] = []
    if file.case.private_release_at is None:
        lacks.append(f"the fix is not in the members' hands (private-release {file.id} VERSION)")
    if kept.vulnerable is None:
        lacks.append(f"which releases will be taken down (advisory {file.id} vulnerable=VERSION,… or none)")
    if owing := file.owing_status():
        lacks.append(f"how it looks for {', '.join(sorted(file.name(one) for one in owing))}")
    lacks += gaps(file, content(desk, file), kept)
    if not lacks:
        return ()
    return (para(strong("Still missing:")), bullets(lacks), para("The draft: ", typed(f"advisory {file.id}")))
