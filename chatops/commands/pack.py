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
    Attach,
    CaseRoom,
    Decision,
    Desk,
    Direct,
    Here,
    Job,
    Message,
    Outgoing,
    Refusal,
    Security,
    working,
)
from chatops.commands.kinds import Branch, Choice, Cve, Number, Text
from chatops.commands.mailbox import NoPatch, read_mailbox
from chatops.commands.private_release import again
from chatops.commands.typed import nearest, short
from chatops.document import Block, Document, Tlp, line, para, strong, table, typed, when
from chatops.model.book import CaseFile
from chatops.model.cases import PackItem
from chatops.model.changes import Happened
from chatops.model.people import PlaceKind
from chatops.ports import Outcome, TryPatch


@dataclass(frozen=True)
class Pack:
    action: str = positional(
        Choice(("show", "list", "add", "drop"), "ACTION"),
        "show what is in it, list all versions and who has which, add to it, drop something from it",
        default="show",
    )
    what: str | None = positional(Choice(tuple(packing.THINGS), "WHAT"), ", ".join(packing.THINGS), default=None)
    branch: str | None = option(Branch(), "of a patch: the branch that it is for")
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
    return (
        _add(desk, file, args) if args.action == "add" else _drop(desk, file, args.what, args.branch or "", args.text)
    )


def _nothing_more(args: Pack) -> None:
    if args.text is not None:
        raise Refusal(
            f'"{short(args.text)}" is too much for {args.action}; to put it into the pack: pack add WHAT TEXT'
        )


def _on_team(desk: Desk) -> bool:
    return bool(policy.roles(desk.actor, desk.case) & Who.TEAM)


# --- add and drop --------------------------------------------------------------------------------------------------


def _add(desk: Desk, file: CaseFile, args: Pack) -> Decision:
    assert args.what is not None
    if file.case.triaged_at is None:
        raise Refusal(f"{file.id} is not triaged yet; first: triage {file.id}")
    if args.text is None:
        raise Refusal(f"the text is missing: pack {file.id} add {args.what} TEXT")
    text = args.text
    if args.what == "cve":
        text = Cve().read(text, desk)
    elif args.what == "patch":
        try:
            text = read_mailbox(text).text
        except NoPatch as no:
            raise Refusal(str(no)) from None
    _news(desk, file, args.what, text, args.branch or "")
    if args.what == "patch" and desk.settings.repository.checkout is not None and not file.case.drill:
        return _try_first(desk, file, args.branch or "", text)
    return added(desk, file, desk.actor.id, args.what, text, args.branch or "")


def _news(desk: Desk, file: CaseFile, what: str, text: str, branch: str) -> None:
    """Raises :class:`Refusal` if exactly this is in the pack."""
    before = [one for one in packing.current(file) if (one.what, one.branch) == (what, branch)]
    if before and desk.book.pack_text(before[-1].id) == text:
        raise Refusal(f"exactly this {packing.name(before[-1])} is in the pack already")


def _try_first(desk: Desk, file: CaseFile, branch: str, text: str) -> Decision:
    """Whether it applies is work for the repository; what comes of it is decided by :func:`tried`."""
    progress = desk.fresh()
    deed = TryPatch(branch=branch, text=text, by=desk.actor.id, progress=progress)
    waiting = packing.card(file, f"trying whether the patch applies to {branch} …")
    return Decision(reply=waiting, reply_key=progress, jobs=[Job(deed, file.id)])


def tried(desk: Desk, file: CaseFile, deed: TryPatch, outcome: Outcome) -> Decision:
    """The repository has tried a patch: it is in the pack, or refused in one line."""
    why = _unfit(deed, outcome)
    try:
        if why is None:
            _news(desk, working(file), "patch", deed.text, deed.branch)
            decision = added(desk, file, deed.by, "patch", deed.text, deed.branch)
            fits = packing.card(file, f"the patch applies to {deed.branch}; it is in the pack")
            decision.reply = None
            decision.messages.insert(0, Message(Here(), fits, edit=deed.progress))
            return decision
    except Refusal as no:
        why = str(no)
    refused = packing.card(file, f"the patch is not in the pack: {why}").model_copy(update={"tone": "warning"})
    told = Happened("patch refused", file.id, {"branch": deed.branch})
    return Decision(events=[told], messages=[Message(Security(), refused, edit=deed.progress)])


def _unfit(deed: TryPatch, outcome: Outcome) -> str | None:
    """Why a patch is not taken, in words; None if it is."""
    if not outcome.ok:
        return f"it could not be tried ({outcome.problem}); look at repository.checkout, and type it again"
    if (branches := outcome.data.get("branches")) is not None:
        close = nearest(deed.branch, branches)
        known = f"there: {', '.join(branches[:10])}" if branches else "the checkout has none"
        return f"no branch {short(deed.branch)}; {f'did you mean branch={close}?' if close else known}"
    if not outcome.data["applies"]:
        return f"it does not apply to {deed.branch} ({outcome.data['where']}); make it on that branch"
    return None


def added(desk: Desk, file: CaseFile, by: str, what: str, text: str, branch: str = "") -> Decision:
    """It is in the pack: the room hears what is new, and the reporter gets a patch that they wished to review."""
    item, changes = packing.enter(desk, file, by, what, text, branch)
    room = packing.in_the_room(desk.book, file)
    reviewer = _reviewer(file, item)
    changes += packing.handed(file, room | ({reviewer} if reviewer else set()), desk.now)
    facts = {"what": packing.name(item), "version": str(item.number), "members": str(len(room))}
    author = desk.book.contact(by)
    card = packing.news(file, item, author.name if author else "somebody")
    decision = Decision(reply=card, events=[Happened("pack added to", file.id, facts, changes=tuple(changes))])
    decision.messages = _everywhere(file, card)
    if reviewer is not None:
        decision.messages.append(Message(Direct(reviewer), card, kind="reporter"))
    if what == "patch":
        patch = packing.upload(item, text)
        decision.messages.append(Attach(CaseRoom(file.id), patch, file.id))
        decision.messages += [Attach(Direct(reviewer), patch, file.id, "reporter")] if reviewer is not None else []
    return decision


def _reviewer(file: CaseFile, item: PackItem) -> str | None:
    """The reporter, if they wished to review the fix (policy, step 1) and do not read it in the room."""
    reporter = file.case.reporter
    wished = item.what == "patch" and (file.case.wishes or {}).get("review") == "yes"
    return reporter if wished and reporter is not None and not file.was_member(reporter) else None


def _drop(desk: Desk, file: CaseFile, what: str, branch: str, reason: str | None) -> Decision:
    found = [one for one in packing.current(file) if (one.what, one.branch) == (what, branch)]
    if not found:
        raise Refusal(_not_there(file, what, branch))
    changes = packing.withdraw(file, what, branch)
    changes += packing.handed(file, packing.in_the_room(desk.book, file), desk.now)
    card = packing.gone(file, found[0], reason)
    facts = {"what": packing.name(found[0]), "version": str(found[0].number)}
    told = Happened("pack taken from", file.id, facts, text=reason, changes=tuple(changes))
    return Decision(reply=card, events=[told], messages=_everywhere(file, card))


def _everywhere(file: CaseFile, card: Document) -> list[Outgoing]:
    return [Message(CaseRoom(file.id), card), Message(Security(), card)]


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
        messages += again(desk.book, file, Here())
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
)
