"""How something gets into a pack: typed, or as a patch that was dropped into a room, tried where there is a checkout.

The room hears what is new; whoever got it is on record.
"""

from __future__ import annotations

from datetime import timedelta

from chatops import policy
from chatops.checksums.stream import LARGEST_PATCH
from chatops.commands import packing
from chatops.commands.declare import Who
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
from chatops.commands.kinds import Cve
from chatops.commands.mailbox import NoPatch, read_mailbox
from chatops.commands.typed import nearest, short
from chatops.document import Document, Tlp, bullets, line, para, typed
from chatops.model.casefile import CaseFile
from chatops.model.cases import Offered, PackItem
from chatops.model.changes import Happened, gone, new
from chatops.ports import Outcome, TryPatch

KEPT = timedelta(days=7)
"""So long a dropped patch can be put into a pack."""
MOST = 5


def add(desk: Desk, file: CaseFile, what: str, text: str | None, branch: str, dropped: str | None) -> Decision:
    """``dropped`` is the code of a patch that was dropped into a room, in place of ``text``. Raises also BadValue."""
    if file.case.triaged_at is None:
        raise Refusal(f"{file.id} is not triaged yet; first: triage {file.id}")
    if dropped is not None and (what != "patch" or text is not None):
        raise Refusal("file= is for a patch, in place of its text")
    text = _dropped(desk, file, dropped) if dropped is not None else text
    if text is None:
        more = "branch=BRANCH and the patch in a code block; or drop it here" if what == "patch" else "TEXT"
        raise Refusal(f"the text is missing: pack {file.id} add {what} {more}")
    if what == "cve":
        text = Cve().read(text, desk)
    elif what == "patch":
        try:
            text = read_mailbox(text).text
        except NoPatch as no:
            raise Refusal(str(no)) from None
    _news(desk, file, what, text, branch)
    if what == "patch" and desk.settings.repository.checkout is not None and not file.case.drill:
        return _try_first(desk, file, branch, text)
    return added(desk, file, desk.actor.id, what, text, branch)


def _dropped(desk: Desk, file: CaseFile, code: str) -> str:
    """The patch that was dropped into a room of this case; or, for coordinators, into one of no case."""
    offer = desk.book.offered(code.upper())
    theirs = offer is not None and (offer.case == file.id or (offer.case is None and desk.actor.coordinator))
    if offer is None or not theirs:
        raise Refusal(f"no dropped file has the code {short(code)}; drop the patch here again")
    return offer.text


def offered(desk: Desk, text: str | None) -> Decision:
    """One of the team dropped a patch into a room: it is kept, and one line says how it gets into a pack."""
    box = read_mailbox(text) if text is not None else None
    if box is None:
        raise NoPatch(f"the patch is larger than {LARGEST_PATCH // 1024} KiB, or not in UTF-8")
    cases = [desk.file.id] if desk.file else policy.known_cases(desk.actor, desk.book, Who.TEAM)[:MOST]
    case = cases[0] if desk.file or (cases and not desk.actor.coordinator) else None
    if len(cases) > 1 and case is not None:
        raise NoPatch("you help with several cases: drop it into the room of the one that it is for")
    code = desk.code(5)
    stale = [gone(Offered, one) for one in desk.book.offered_before(desk.now - KEPT)]
    kept = new(Offered(code=code, case=case, at=desk.now, text=box.text))
    branches = sorted({one.branch for one in desk.file.pack if one.branch}) if desk.file else []
    lines = [f"pack {one} add patch file={code} branch={name}" for one in cases for name in branches or ["main"]]
    card = Document(
        title=f"{case}: a patch for the pack?" if case else "A patch for a pack?",
        kind="pack",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(
            bullets(box.subjects, numbered=len(box.subjects) > 1),
            para("Whoever of the team puts it there says for which branch:"),
            bullets([line(typed(one)) for one in lines[:MOST]]),
        ),
    )
    return Decision(reply=card, events=[Happened("patch dropped", case, {"code": code}, changes=(*stale, kept))])


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
    decision.messages = everywhere(file, card)
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


def everywhere(file: CaseFile, card: Document) -> list[Outgoing]:
    """To the room and the team."""
    return [Message(CaseRoom(file.id), card, echo=True), Message(Security(), card, echo=True)]
