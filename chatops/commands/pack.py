"""``pack``: what helps members before and until the release, one pack a case, versions kept (policy step 2).

The team adds and withdraws; the room hears what is new, who comes later gets all of it, and who got which edition is on
record.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatops import policy
from chatops.commands import packing
from chatops.commands.declare import PRIVATE, CaseUse, Command, Who, option, positional, raw
from chatops.commands.desk import (
    Decision,
    Desk,
    Here,
    Outgoing,
    Refusal,
    working,
)
from chatops.commands.filling import add, everywhere
from chatops.commands.kinds import Branch, Choice, Number, Text, Word
from chatops.commands.private_release import again
from chatops.commands.typed import nearest, short
from chatops.document import Block, Document, Tlp, line, para, strong, table, typed, when
from chatops.model.casefile import CaseFile
from chatops.model.cases import PackItem
from chatops.model.changes import Happened
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Pack:
    action: str = positional(
        Choice(("show", "list", "add", "drop"), "ACTION", {one: f"pack CASE add {one} …" for one in packing.THINGS}),
        "show what is in it, list all versions and who has which, add to it, drop something from it",
        default="show",
    )
    what: str | None = positional(Choice(tuple(packing.THINGS), "WHAT"), ", ".join(packing.THINGS), default=None)
    branch: str | None = option(Branch(), "of a patch: the branch that it is for")
    file: str | None = option(Word("CODE"), "of a patch that was dropped into a room: what I answered there")
    version: int | None = option(Number(), "an older version, to look at")
    text: str | None = raw(
        Text("TEXT", 100_000),
        "what to add (a patch in a code block, as git format-patch writes it); or why to drop it",
        default=None,
    )


def handle(desk: Desk, args: Pack) -> Decision:
    file = desk.case
    if args.action in ("show", "list"):
        _nothing_more(args)
        return _list(desk, file) if args.action == "list" else _show(desk, file, args)
    if not _on_team(desk):
        raise Refusal(f"the team fills the pack; what you have for it, say in the room. To see it: pack {file.id} show")
    working(file)
    if args.what is None:
        raise Refusal(f"say what: {', '.join(packing.THINGS)}. Usage: {COMMAND.usage}")
    if args.version is not None:
        raise Refusal("version= is for show; a newer version takes the place of the one before by itself")
    if args.what == "patch" and args.branch is None:
        raise Refusal(f"say for which branch: pack {file.id} {args.action} patch branch=main")
    if args.what != "patch" and args.branch is not None:
        raise Refusal("only a patch has a branch")
    if args.action == "add":
        return add(desk, file, args.what, args.text, args.branch or "", args.file)
    return _drop(desk, file, args.what, args.branch or "", args.text)


def _nothing_more(args: Pack) -> None:
    if args.text is not None:
        raise Refusal(
            f'"{short(args.text)}" is too much for {args.action}; to put it into the pack: pack add WHAT TEXT'
        )


def _on_team(desk: Desk) -> bool:
    return bool(policy.roles(desk.actor, desk.case) & Who.TEAM)


# --- drop -----------------------------------------------------------------------------------------------------------


def _drop(desk: Desk, file: CaseFile, what: str, branch: str, reason: str | None) -> Decision:
    found = [one for one in packing.current(file) if (one.what, one.branch) == (what, branch)]
    if not found:
        raise Refusal(_not_there(file, what, branch))
    changes = packing.withdraw(file, what, branch)
    changes += packing.handed(file, packing.in_the_room(desk.book, file), desk.now)
    card = packing.gone(file, found[0], reason)
    facts = {"what": packing.name(found[0]), "version": str(found[0].number)}
    told = Happened("pack taken from", file.id, facts, text=reason, changes=tuple(changes))
    return Decision(reply=card, events=[told], messages=everywhere(file, card))


def _not_there(file: CaseFile, what: str, branch: str) -> str:
    there = packing.summary(file)
    close = nearest(branch, [one.branch for one in packing.current(file) if one.what == what]) if branch else None
    if close:
        return f"no patch for {short(branch)} is in the pack; did you mean branch={close}?"
    return f"no such {packing.THINGS[what]} is in the pack" + (f"; in it: {there}" if there else ", which is empty")


# --- show and list -------------------------------------------------------------------------------------------------


def _show(desk: Desk, file: CaseFile, args: Pack) -> Decision:
    if args.what is not None:
        return _show_one(desk, file, args.what, args.branch or "", args.version)
    if args.branch is not None or args.version is not None:
        raise Refusal(f"say of what: pack {file.id} show patch branch=main")
    messages: list[Outgoing] = packing.files(desk.book, file, packing.current(file), Here())
    if file.case.private_release_at is not None and file.embargoed:
        messages += again(
            desk.settings, desk.book, file, Here(), reader=desk.actor.id if desk.place is PlaceKind.DIRECT else None
        )
    readers = packing.in_the_room(desk.book, file) if desk.place is PlaceKind.EMBARGO else {desk.actor.id}
    changes = packing.handed(file, readers, desk.now)
    facts = {"to": "the room" if desk.place is PlaceKind.EMBARGO else desk.actor.name}
    events = [Happened("pack handed out", file.id, facts, changes=tuple(changes))] if changes else []
    return Decision(reply=packing.whole(desk.book, file), events=events, messages=messages)


def _show_one(desk: Desk, file: CaseFile, what: str, branch: str, number: int | None) -> Decision:
    found = packing.versions(file, what, branch)
    shown = [one for one in found if one.number == number] if number else [one for one in found if one.until is None]
    if not shown:
        raise Refusal(
            f"of the {packing.name(found[0])} there are versions 1 to {len(found)}"
            if found and number
            else _not_there(file, what, branch)
        )
    return Decision(
        reply=packing.one(desk.book, file, shown[0]), messages=packing.files(desk.book, file, shown, Here())
    )


def _list(desk: Desk, file: CaseFile) -> Decision:
    """Every version; for the team, who has what."""
    rows = [
        (line(strong(packing.name(one))), line(str(one.number)), line(when(one.at, day=True)), line(_fate(one)))
        for one in packing.in_order(file.pack)
    ]
    blocks: list[Block] = [table(("what", "version", "added", "now"), rows)] if rows else []
    if desk.place is not PlaceKind.EMBARGO and _on_team(desk):
        blocks += _who_has(file)
    document = Document(
        title=f"{file.id}: " + ("all that was ever in the pack" if rows else "nothing is in the pack yet"),
        kind="pack",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(*blocks, para("What is in it: ", typed(f"pack {file.id} show"))),
    )
    return Decision(reply=document)


def _fate(item: PackItem) -> str:
    return "in the pack" if item.until is None else "not any more"


def _who_has(file: CaseFile) -> list[Block]:
    """Whoever got the pack, or should have, and what they lack of it."""
    rows = []
    for one in file.participants.values():
        if one.pack or file.was_member(one.contact):
            lacks = [packing.named(item) for item in packing.current(file) if item.edition > one.pack]
            has = "all of it" if not lacks else f"all but {', '.join(lacks)}" if one.pack else "nothing of it yet"
            since = line(when(one.pack_at)) if one.pack_at else line("—")
            rows.append((line(strong(file.name(one.contact))), line(has), since))
    return [table(("who", "has", "since"), sorted(rows, key=str))] if rows and file.pack else []


COMMAND = Command(
    verb="pack",
    summary="what helps members until the release: mitigation, affectedness test, patches, CVE id",
    who=Who.TEAM | Who.MEMBER,
    where=PRIVATE,
    example="pack DS-2026-7KQ4 add mitigation Set MaxNameLength=64 and restart the controller.",
    args=Pack,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
    form=("pack add",),
    labels={
        "pack add": {
            "what": "What it is",
            "file": "Code of a patch that was dropped into a room: I answered with it there",
            "version": "",
            "text": "The text: a patch as git format-patch writes it",
        }
    },
)
