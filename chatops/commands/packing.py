"""The pack of a case, as decisions make it and as people read it (policy step 2).

One per case: the mitigation (first, often before a fix), how to tell whether one is affected, the order of restarts,
patches for each branch, the CVE id; the archives of the private release join it later. Every version is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from chatops.commands.desk import Attach, Desk, Message, Outgoing, Target
from chatops.commands.mailbox import read_mailbox
from chatops.commands.moving import edit_case, edit_participant
from chatops.document import (
    Block,
    Document,
    Tlp,
    bullets,
    code,
    mono,
    para,
    quote,
    strong,
    typed,
)
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.cases import PackItem
from chatops.model.changes import Change, new, put
from chatops.model.people import Place, PlaceKind
from chatops.ports import ONE_BY_ONE, Upload

THINGS = {
    "mitigation": "mitigation",
    "test": "affectedness test",
    "restart": "order of restarts",
    "patch": "patch",
    "cve": "CVE id",
}
"""What a pack may hold, in the order in which it helps, as people call it."""
MIRRORED = ("mitigation", "cve")
"""What the case itself shows, too."""


def in_order(items: Sequence[PackItem]) -> list[PackItem]:
    return sorted(items, key=lambda one: (list(THINGS).index(one.what), one.branch, one.number))


def current(file: CaseFile) -> list[PackItem]:
    """What is in the pack now, without the texts."""
    return in_order([one for one in file.pack if one.until is None])


def versions(file: CaseFile, what: str, branch: str = "") -> list[PackItem]:
    """Every version of one thing, oldest first."""
    return [one for one in file.pack if (one.what, one.branch) == (what, branch)]


def name(item: PackItem) -> str:
    """ "patch for main"."""
    return THINGS[item.what] + (f" for {item.branch}" if item.branch else "")


def named(item: PackItem) -> str:
    """The same, with its version where there was one before."""
    return name(item) + (f" (version {item.number})" if item.number > 1 else "")


def summary(file: CaseFile) -> str:
    """What is in the pack, in a line; empty if nothing is."""
    return ", ".join(f"{file.case.cve}" if one.what == "cve" else named(one) for one in current(file))


# --- how it changes ------------------------------------------------------------------------------------------------


def enter(desk: Desk, file: CaseFile, by: str, what: str, text: str, branch: str = "") -> tuple[PackItem, list[Change]]:
    """A new version of something; the one that it replaces is kept on record. ``by`` is a contact."""
    changes = _closed(file, what, branch)
    item = PackItem(
        id=desk.fresh(),
        case=file.id,
        what=what,
        branch=branch,
        number=len(versions(file, what, branch)) + 1,
        edition=file.case.pack + 1,
        by=by,
        at=desk.now,
        text=text,
    )
    file.pack.append(item)
    return item, [*changes, new(item), _edition(file, what, text)]


def withdraw(file: CaseFile, what: str, branch: str = "") -> list[Change]:
    """Out of the pack; empty if it is not in it."""
    changes = _closed(file, what, branch)
    return [*changes, _edition(file, what, None)] if changes else []


def _closed(file: CaseFile, what: str, branch: str) -> list[Change]:
    """The version that is in the pack now is not in the next edition."""
    changes: list[Change] = []
    for one in versions(file, what, branch):
        if one.until is None:
            one.until = file.case.pack + 1
            changes.append(put(PackItem, one.id, until=one.until))
    return changes


def _edition(file: CaseFile, what: str, text: str | None) -> Change:
    return edit_case(file, pack=file.case.pack + 1, **({what: text} if what in MIRRORED else {}))


def handed(file: CaseFile, contacts: Iterable[str], now: datetime) -> list[Change]:
    """That these participants have the pack as it is now."""
    return [
        edit_participant(file, one, pack=file.case.pack, pack_at=now)
        for one in sorted(contacts)
        if one in file.participants and file.participants[one].pack != file.case.pack
    ]


def in_the_room(book: Book, file: CaseFile, place: Place | None = None) -> set[str]:
    """The members and experts who hear what is said in the rooms of a case (in one of them): it is in their hands."""
    found: set[str] = set()
    for room in (place,) if place else book.places(PlaceKind.EMBARGO, case=file.id):
        homes = book.homes(room, file.participants)
        inside = {homes.get(one.address) for one in book.occupants(room.id) if one.state == "joined"}
        found |= {one for one in inside if one}
    if place is None:  # or are told one by one
        found |= {one for one in file.participants if (on := book.services({one})) and on <= ONE_BY_ONE}
    return {one for one in found if file.was_member(one) or file.participants[one].role == "expert"}


# --- how it is read ------------------------------------------------------------------------------------------------


def news(file: CaseFile, item: PackItem, by: str) -> Document:
    """What is new, to those who have the rest."""
    return card(
        file,
        f"new in the pack: {name(item)}" if item.number == 1 else f"a newer {name(item)} is in the pack",
        *_body(file, item, item.text),
        para(f"By {by}. All of the pack: ", typed(f"pack {file.id} show")),
    )


def gone(file: CaseFile, item: PackItem, reason: str | None) -> Document:
    shown = card(
        file,
        f"the {named(item)} is withdrawn from the pack; please do not use it",
        *((quote(reason),) if reason else ()),
        para("What is left: ", typed(f"pack {file.id} show")),
    )
    return shown.model_copy(update={"tone": "warning"})


def whole(book: Book, file: CaseFile) -> Document:
    """All that is in the pack now."""
    blocks: list[Block] = []
    for item in current(file):
        blocks += [para(strong(_headline(item))), *_body(file, item, book.pack_text(item.id))]
    if not blocks:
        blocks.append(para("Nothing is in it yet."))
    return card(file, "the pack", *blocks)


def one(book: Book, file: CaseFile, item: PackItem) -> Document:
    """A version of one thing, an old one too."""
    old = [para("This is not in the pack any more.")] if item.until is not None else []
    return card(file, f"the {named(item)}", *old, *_body(file, item, book.pack_text(item.id)))


def files(book: Book, file: CaseFile, items: Iterable[PackItem], to: Target, kind: str = "details") -> list[Outgoing]:
    """The patches among some versions, as files."""
    return [Attach(to, upload(item, book.pack_text(item.id)), file.id, kind) for item in items if item.what == "patch"]


def again(book: Book, file: CaseFile, to: Target) -> list[Outgoing]:
    """The pack as it is now, for those who came later; nothing if there is none."""
    if not current(file):
        return []
    return [Message(to, whole(book, file)), *files(book, file, current(file), to)]


def upload(item: PackItem, text: str) -> Upload:
    """A patch as a file, whose name does not say what it mends."""
    return Upload.made(filename(item), text.encode())


def filename(item: PackItem) -> str:
    branch = re.sub(r"[^A-Za-z0-9._-]", "-", item.branch)
    return f"{item.case}-{branch}-{item.number}.patch"


def card(file: CaseFile, title: str, *blocks: Block) -> Document:
    return Document(title=f"{file.id}: {title}", kind="pack", tlp=Tlp.AMBER_STRICT, case=file.id, blocks=tuple(blocks))


def _headline(item: PackItem) -> str:
    title = named(item)
    return title[0].upper() + title[1:]


def _body(file: CaseFile, item: PackItem, text: str) -> tuple[Block, ...]:
    match item.what:
        case "patch":
            subjects = read_mailbox(text).subjects if text else ()
            return (
                bullets(subjects, numbered=len(subjects) > 1),
                para(f"The file follows. On {item.branch}:"),
                code(f"git am {filename(item)}"),
            )
        case "cve":
            return (para(mono(text)),)
        case _:
            return (quote(text),)
