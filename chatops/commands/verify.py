"""``verify``: is this the archive that the project published? (policy, Software Authenticity and Integrity)

What the asker may know of is decided by the shelf: an archive of a private release is known only in places that are
cleared for its case; everywhere else the answer is word for word that for an unknown file.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta

from chatops import policy
from chatops.checksums.archives import ArchiveState, KnownArchive
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.pasted import read_for_verify
from chatops.checksums.verdicts import Remark, Verdict, VerdictKind, judge
from chatops.commands.declare import EVERYWHERE, Command, Who, raw
from chatops.commands.desk import Alarm, Decision, Desk
from chatops.commands.kinds import Text
from chatops.document import Block, Document, Tlp, bullets, code, line, link, mono, para, strong, table
from chatops.model.changes import Happened
from chatops.model.people import PlaceKind
from chatops.model.shelf import Shelf

MOST = 100
"""So many lines are judged in one message."""


@dataclass(frozen=True)
class Verify:
    lines: str = raw(Text("LINE", 60_000), "what sha1sum or sha256sum printed, or what a release page shows")


SAYS = {
    VerdictKind.GENUINE: "the one we published",
    VerdictKind.GENUINE_REMOVED: "published, but removed as vulnerable",
    VerdictKind.MISMATCH: "another digest than ours",
    VerdictKind.OTHER_NAME: "the digest of another file of ours",
    VerdictKind.UNDECIDED: "ours by name; no such digest on record",
    VerdictKind.UNKNOWN: "not known",
    VerdictKind.IMPROPER: "not a checksum line",
}


def shelf(desk: Desk) -> Shelf:
    """What may be known here: private releases of the room's case, or, among two, of the asker's cases."""
    cases: AbstractSet[str] = frozenset()
    if desk.doubtful:
        pass  # as a stranger is answered
    elif desk.place is PlaceKind.SECURITY:
        cases = desk.book.private_releases()
    elif desk.place is PlaceKind.EMBARGO and desk.room is not None and desk.room.case:
        cases = {desk.room.case}
    elif desk.place is PlaceKind.DIRECT and (desk.room is None or desk.room.clearance >= Tlp.AMBER_STRICT):
        held = Who.TEAM | Who.MEMBER | Who.REPORTER
        cases = policy.in_cases(desk.actor, desk.book.private_releases(), desk.book, held)
    return Shelf(desk.book.session, frozenset(cases))


def handle(desk: Desk, args: Verify) -> Decision:
    known = shelf(desk)
    verdicts = [judge(pasted, known) for pasted in read_for_verify(args.lines)[:MOST]]
    events, alarms = alert(desk, verdicts)
    return Decision(
        reply=answer(desk, verdicts),
        events=events,
        alarms=alarms,
        reply_kind=kind_of(desk, verdicts),
    )


def _private(verdicts: Sequence[Verdict]) -> KnownArchive | None:
    return next((v.archive for v in verdicts if v.archive and v.archive.state is ArchiveState.PRIVATE), None)


def case_of(desk: Desk, verdicts: Sequence[Verdict]) -> str | None:
    """The case whose private release the verdicts tell of."""
    archive = _private(verdicts)
    release = desk.book.release(archive.version) if archive else None
    return release.case if release else None


def kind_of(desk: Desk, verdicts: Sequence[Verdict]) -> str:
    """What the gate is told of the answer: a reporter may hear of the private release without being a member."""
    return "reporter" if _private(verdicts) and _only_reporter(desk, verdicts) else "details"


def _only_reporter(desk: Desk, verdicts: Sequence[Verdict]) -> bool:
    case = case_of(desk, verdicts)
    file = desk.book.case(case) if case else None
    return file is not None and not policy.roles(desk.actor, file) & (Who.TEAM | Who.MEMBER)


def answer(desk: Desk, verdicts: Sequence[Verdict]) -> Document:
    """One verdict as a card, several as a table."""
    case = case_of(desk, verdicts)
    tlp = Tlp.AMBER_STRICT if case else Tlp.CLEAR
    if len(verdicts) == 1:
        title, blocks = _explained(desk, verdicts[0])
    else:
        good = sum(1 for v in verdicts if v.kind is VerdictKind.GENUINE)
        title = f"{good} of {len(verdicts)} lines are ours and good"
        blocks = [table(("file", "verdict"), [(line(strong(_name(v))), line(_short(v))) for v in verdicts])]
        weak = [v.stronger_line for v in verdicts if v.stronger_line]
        if weak:
            blocks += [para("SHA-1 and MD5 are weak; stronger lines of the same files:"), code("\n".join(weak))]
    bad = any(v.kind in (VerdictKind.MISMATCH, VerdictKind.GENUINE_REMOVED, VerdictKind.OTHER_NAME) for v in verdicts)
    fine = all(v.kind is VerdictKind.GENUINE for v in verdicts)
    return Document(
        title=title,
        kind="verification",
        tlp=tlp,
        case=case,
        blocks=tuple(blocks),
        tone="alert" if bad else "good" if fine else "normal",
    )


def _name(verdict: Verdict) -> str:
    if verdict.archive is not None and verdict.kind is not VerdictKind.MISMATCH:
        return verdict.archive.name
    if isinstance(verdict.pasted, Pasted):
        return verdict.pasted.name or verdict.pasted.digest[:12] + "…"
    shown = verdict.pasted.line.strip()
    return (shown if len(shown) <= 40 else shown[:39] + "…") or "(nothing)"


def _short(verdict: Verdict) -> str:
    says = SAYS[verdict.kind]
    if verdict.kind is VerdictKind.GENUINE_REMOVED and verdict.archive and verdict.archive.upgrade_to:
        says += f"; upgrade to {verdict.archive.upgrade_to}"
    if verdict.kind is VerdictKind.IMPROPER and not isinstance(verdict.pasted, Pasted):
        says += f": {verdict.pasted.reason}"
    return says + (" (private release)" if verdict.archive and verdict.archive.state is ArchiveState.PRIVATE else "")


def _explained(desk: Desk, verdict: Verdict) -> tuple[str, list[Block]]:
    """Title and blocks for one verdict: what it means, and what to do."""
    archive, blocks = verdict.archive, list[Block]()
    page = desk.settings.project.release_page
    name = archive.name if archive else ""
    dropped = isinstance(verdict.pasted, Pasted) and verdict.pasted.notation is Notation.FILE
    match verdict.kind:
        case VerdictKind.GENUINE:
            private = archive is not None and archive.state is ArchiveState.PRIVATE
            whose = "of the private release" if private else "we published"
            title = f"{name} is the archive {whose}" if dropped else f"{name}: this line is the one {whose}"
            blocks += () if dropped else _check_your_copy(verdict)
        case VerdictKind.GENUINE_REMOVED:
            to = archive.upgrade_to if archive else None
            title = f"{name} is genuine, but it was removed as vulnerable"
            blocks += desk.settings.words("removed", upgrade=strong(to or "a newer release"))
        case VerdictKind.MISMATCH:
            title = (
                f"{name} is not the archive that we publish under this name"
                if dropped
                else f"{name or 'that version'}: we publish another digest"
            )
            published = archive.digests.get(verdict.algorithm) if archive and verdict.algorithm else None
            if published and archive:
                blocks += [para("Ours is:"), code(f"{published}  {archive.name}")]
            blocks.append(para("Do not use it before you know why. It may be:"))
            blocks.append(
                bullets(
                    (
                        "a damaged or partial download",
                        "a saved web page in place of the file",
                        "a repacked archive",
                        "tampering",
                    )
                )
            )
            blocks.append(para("Download it again from ", link(page)))
        case VerdictKind.OTHER_NAME:
            title = f"That digest belongs to {name}"
            blocks.append(
                para("The file is ours, under another name than the line says. Rename it, or ask who renamed it.")
            )
            if archive and archive.state is ArchiveState.REMOVED:
                blocks.append(
                    para("It was removed as vulnerable; upgrade to ", strong(archive.upgrade_to or "a newer release"))
                )
        case VerdictKind.UNDECIDED:
            title = f"{name} is ours, but we have no digest of that kind on record"
            if archive and archive.digests:
                blocks += [para("We have:"), code("\n".join(f"{d}  {archive.name}" for d in archive.digests.values()))]
        case VerdictKind.UNKNOWN:
            title = "Not known: no file of ours has that name or digest"
            blocks.append(para("What we publish is at ", link(page)))
        case VerdictKind.IMPROPER:
            reason = verdict.pasted.reason if not isinstance(verdict.pasted, Pasted) else ""
            title = f"Not a checksum line: {reason}" if reason else "Not a checksum line"
            blocks.append(para("It should look like what ", mono("sha1sum FILE"), " prints:"))
            blocks.append(code("b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b  dynasched-1.0.0.tar.bz2"))
    if verdict.weak and verdict.stronger_line:
        blocks += [para(f"{verdict.algorithm} is weak; better:"), code(verdict.stronger_line)]
    blocks += [para(text) for text in _remarks(verdict)]
    return title, blocks


def _check_your_copy(verdict: Verdict) -> list[Block]:
    """The line is ours; whether the file is, only the reader's own machine can tell (the policy's own example)."""
    assert verdict.archive is not None
    assert verdict.algorithm is not None
    digest = verdict.archive.digests[verdict.algorithm]
    tool = "b2sum" if verdict.algorithm.value == "blake2b" else f"{verdict.algorithm.value}sum"
    return [
        para("Now check your copy, in its folder:"),
        code(f"echo '{digest}  {verdict.archive.name}' | {tool} -c"),
    ]


def _remarks(verdict: Verdict) -> list[str]:
    texts = {
        Remark.SIZE_DIFFERS: "The size in the line is not that of our file.",
        Remark.RENAMED_BY_DEBIAN: "Debian renames our archive; it is compared with ours.",
        Remark.OTHER_VERSION: "The version in the line is another one.",
        Remark.OTHER_ALGORITHM: "The line names another algorithm than the digest's.",
        Remark.MAY_BE_BLAKE2B: "It may be a BLAKE2b digest, of which we have none on record.",
        Remark.BY_VERSION_ONLY: "The line has no file name; it was compared by version only.",
    }
    said = [texts[remark] for remark in verdict.remarks]
    if verdict.path_called_out:
        said.append("The name has a path or is -, so only the digest was compared.")
    if verdict.tolerated:
        said.append("Read with tolerance: " + ", ".join(verdict.tolerated) + ".")
    return said


MISMATCH = "mismatch seen"
COLLECT = timedelta(minutes=1)
"""Mismatches of so long are told to the coordinators in one alert."""


def alert(desk: Desk, verdicts: Sequence[Verdict]) -> tuple[list[Happened], list[Alarm]]:
    """Somebody met another digest than ours: on record, and told to the coordinators, collected."""
    where = {PlaceKind.PUBLIC: "a public room", PlaceKind.EMBARGO: "an embargo room"}.get(desk.place, "a private chat")
    seen = []
    for v in verdicts:
        if v.kind is VerdictKind.MISMATCH and v.ours and v.archive is not None and isinstance(v.pasted, Pasted):
            told = {"file": v.archive.name, "digest": v.pasted.digest, "where": where, "by": desk.actor.name}
            seen.append({**told, "case": case_of(desk, [v])})
    if not seen:
        return [], []
    facts = {"file": str(seen[0]["file"]), "lines": str(len(seen)), "where": where, "by": desk.actor.name}
    met = Happened(MISMATCH, seen[0]["case"], facts)
    alarm = Alarm("mismatch", "mismatch", desk.now + COLLECT, data={"seen": seen}, keep=True, gather="seen")
    return [met], [alarm]


COMMAND = Command(
    verb="verify",
    summary="check pasted checksum lines against what we published",
    who=Who.ALL,
    where=EVERYWHERE,
    example="verify b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b  dynasched-1.0.0.tar.bz2",
    args=Verify,
    handle=handle,
)
