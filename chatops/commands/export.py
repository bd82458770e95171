"""``export``: a closed case as one archive, for the project's own records."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import ValidationError
from sqlmodel import col, select

from chatops.commands.declare import CaseUse, Command, Who
from chatops.commands.desk import Attach, Decision, Desk, Refusal, Security
from chatops.commands.timeline import by_day, marks, picture
from chatops.document import Document, Tlp, fields, line, mono, para
from chatops.model import journal
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.exports import JOURNAL, pack
from chatops.model.flow import OutboxRow
from chatops.model.people import PlaceKind
from chatops.picture import png
from chatops.plain import plain_text
from chatops.ports import Post, Upload

KIND = "export"


def archive(book: Book, file: CaseFile, command: str) -> bytes:
    """All that is on record of a closed case. Raises :class:`Refusal` if it isn't closed.

    What it holds is what the team sees. The same case gives the same bytes.
    """
    if file.case.closed_at is None:
        raise Refusal(f"{file.id} is not closed; close it first: close {file.id}")
    found = list(journal.entries(book.session, file.id))
    chain = [json.dumps(journal.exported(entry), ensure_ascii=False, sort_keys=True) for entry in found]
    chain.append(json.dumps({"anchor": {file.id: [found[-1].seq, found[-1].hash]}}))
    words = Document(
        title=f"{file.id}: timeline",
        kind="timeline",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=by_day(marks(file, found, inside=True)),
    )
    return pack(
        f"{file.id}-export",
        {
            JOURNAL: _text(chain),
            "timeline.txt": _text([plain_text(words, prefix=command)]),
            "timeline.png": png(picture(file, found, inside=True)),
            "messages.txt": _text(_messages(book, file.id, command)),
            "releases.json": json.dumps(_releases(book, file), indent=2, sort_keys=True).encode(),
        },
    )


def _name(case: str) -> str:
    return f"{case}-export.tar.gz"


def _text(parts: list[str] | Iterator[str]) -> bytes:
    return "".join(f"{part}\n" for part in parts).encode()


def _messages(book: Book, case: str, command: str) -> Iterator[str]:
    """What was sent about the case, with when and where to. Not what tells of an export: two would be unlike."""
    sent = (col(OutboxRow.case) == case, col(OutboxRow.state) == "done")
    for row in book.session.exec(select(OutboxRow).where(*sent).order_by(col(OutboxRow.id))):
        when = f"{row.done_at:%Y-%m-%d %H:%M:%S} UTC" if row.done_at else "at a time unknown"
        to = f"--- {when}, to {_where(book, row)}, {row.key[:8]}"
        if row.deed.get("t") == "upload" and row.deed["name"] != _name(case):
            digest = f", SHA-256 {row.deed['sha256']}" if row.deed["sha256"] else ""
            yield f"{to}\nfile {row.deed['name']}{digest}\n"
        elif row.deed.get("t") == "post":
            try:
                post = Post.model_validate(row.deed)
            except ValidationError:  # of an older version of the bot
                yield f"{to}\n(cannot be shown any more)\n"
                continue
            if post.document.kind != KIND:
                yield f"{to}\n{plain_text(post.document, prefix=command)}\n"


def _where(book: Book, row: OutboxRow) -> str:
    place = book.place(row.place) if row.place else None
    contact = book.contact(row.audience) if row.audience else None
    if place is None or (place.kind == PlaceKind.DIRECT and contact is not None):
        return f"{contact.name if contact else 'somebody'} on {row.service}"
    return f"the {place.kind} room on {row.service}"


def _releases(book: Book, file: CaseFile) -> list[dict[str, object]]:
    """The releases that bear the fix, with every digest on record."""
    mine = [one for one in book.releases() if one.case == file.id or one.version == file.case.version]
    return [
        {
            "version": release.version,
            "state": release.state,
            "archives": [
                {
                    "name": one.name,
                    "size": one.size,
                    "digests": {digest.algorithm: digest.digest for digest in book.digests(one.id)},
                }
                for one in book.archives(release.version)
            ],
        }
        for release in mine
    ]


def handle(desk: Desk, args: object) -> Decision:
    file = desk.case
    made = Upload.made(_name(file.id), archive(desk.book, file, desk.settings.project.command))
    last = list(journal.entries(desk.book.session, file.id))[-1]
    card = Document(
        title=f"{file.id}: exported",
        kind=KIND,
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            para("The archive goes into the security room: journal, timeline, messages, releases, checksums."),
            fields(("SHA-256", line(mono(made.sha256))), ("Head of its chain", line(f"{last.seq} ", mono(last.hash)))),
            para("To check it, on any machine: ", mono(f"chatops journal verify {made.name}")),
        ),
    )
    # In the installation's chain: an entry in the case's own would make the next export another.
    return Decision(
        reply=card,
        events=[Happened("exported", None, {"case": file.id, "by": desk.actor.name})],
        messages=[Attach(Security(), made, file.id)],
    )


COMMAND = Command(
    verb="export",
    summary="a closed case as one archive, into the security room",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="export DS-2026-7KQ4",
    case=CaseUse.NEEDED,
    handle=handle,
)
