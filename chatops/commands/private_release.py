"""``private-release``: archives and checksums to the members and the reporter, under the embargo (policy step 3).

The archives lie in the project's private folder, or only their check lines are pasted. Hashing is work for the release
host; what it finds comes back as an outcome and is decided by :func:`record`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from chatops.checksums.archives import KnownArchive
from chatops.checksums.digests import Algorithm
from chatops.checksums.notations import NOTATIONS, notation_of
from chatops.checksums.paste import Pasted
from chatops.checksums.pasted import read_for_verify
from chatops.commands.alarms import draft_again
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, positional, raw
from chatops.commands.desk import (
    Attach,
    CaseRoom,
    Decision,
    Desk,
    Direct,
    Job,
    Message,
    Outgoing,
    Refusal,
    Security,
    Target,
    working,
)
from chatops.commands.kinds import Text, Version
from chatops.commands.moving import edit_case, moved, states
from chatops.commands.releases import check_commands, check_lines
from chatops.commands.report import next_word
from chatops.config import Settings
from chatops.document import Block, Document, Tlp, code, mono, para, strong, typed, when
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened, gone, new
from chatops.model.moves import Move, apply
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.ports import PrepareDraft, Stage, Upload


@dataclass(frozen=True)
class PrivateRelease:
    version: str = positional(Version(), "the version that bears the fix")
    lines: str | None = raw(
        Text("LINES", 20_000), "check lines, where the archives are not in the private folder", default=None
    )


def handle(desk: Desk, args: PrivateRelease) -> Decision:
    file = desk.case
    working(file)
    apply(Move.PRIVATE_RELEASE, states(file))  # refuse before any work is done
    _free(desk, file, args.version)
    if args.lines is not None:
        return record(desk, file, args.version, _from_lines(args.version, args.lines))
    if file.case.drill:
        return record(desk, file, args.version, [_made_up(desk, args.version)])
    if desk.settings.releases.staging is None:
        raise Refusal(f"paste the check lines after the version, or set releases.staging. Usage: {COMMAND.usage}")
    progress = desk.fresh()
    waiting = Document(
        title=f"{file.id}: hashing the archives of {args.version} …",
        kind="private release",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
    )
    asked = Happened("private release asked", file.id, {"version": args.version, "by": desk.actor.name})
    job = Job(Stage(version=args.version, progress=progress), file.id)
    return Decision(reply=waiting, reply_key=progress, events=[asked], jobs=[job])


def _free(desk: Desk, file: CaseFile, version: str) -> None:
    other = desk.book.release(version)
    if other is not None and (other.state != "private" or other.case != file.id):
        raise Refusal(
            f"{version} is {'published' if other.state != 'private' else 'taken'} already; pick another version"
        )


def _made_up(desk: Desk, version: str) -> Mapping[str, Any]:
    """An archive to rehearse with: of a drill nothing is asked of the release host, and nothing recorded."""
    name = f"{desk.project.casefold()}-{version}.tar.bz2"
    return {"name": name, "size": None, "path": None, "digests": {"sha256": sha256(name.encode()).hexdigest()}}


def _from_lines(version: str, lines: str) -> list[Mapping[str, Any]]:
    found: dict[str, dict[str, str]] = {}
    for pasted in read_for_verify(lines):
        if not isinstance(pasted, Pasted):
            raise Refusal(f"not a checksum line: {pasted.reason}; paste what sha256sum prints")
        if pasted.name is None or pasted.has_path:
            raise Refusal("a check line without a plain file name; paste what sha256sum prints")
        found.setdefault(pasted.name, {})[pasted.algorithms[0].value] = pasted.digest
    if not any(version in name for name in found):
        raise Refusal(f"none of these files is named after {version}")
    return [{"name": name, "size": None, "path": None, "digests": digests} for name, digests in found.items()]


def record(
    desk: Desk, file: CaseFile, version: str, archives: Sequence[Mapping[str, Any]], progress: str | None = None
) -> Decision:
    """The archives are known: put them on record, and hand them out. Raises :class:`Refusal` if the case, or another
    one, went on while they were hashed.
    """
    working(file)
    _free(desk, file, version)
    changes: list[Change] = _rows(desk, file, version, archives)
    steps = moved(file, Move.PRIVATE_RELEASE)
    changes.append(edit_case(file, version=version, private_release_at=desk.now))
    promised, alarms = next_word(desk, file)
    jobs = [Job(draft, file.id)] if (draft := _draft(desk, version, archives)) else []
    told = Happened("private release", file.id, {"version": version}, changes=(*changes, *promised, *steps))
    known = _known(version, archives)
    messages: list[Outgoing] = []
    uploads = [_upload(a) for a in archives if a["path"]]
    reporters = [one for one in file.reporters if one not in file.signatories()]
    targets: list[tuple[CaseRoom | Direct, str]] = [(CaseRoom(file.id), "details")]
    targets += [(Direct(one), "reporter") for one in reporters]
    for target, kind in targets:
        card = release_card(desk.settings, file, version, known, member=kind == "details")
        messages.append(Message(target, card, kind=kind))
        messages += [Attach(target, upload, file.id, kind) for upload in uploads]
    done = Document(
        title=f"{file.id}: {version} is with the members" + (" and the reporter" if reporters else ""),
        kind="private release",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=check_lines(known),
        tone="good",
    )
    alarms += draft_again(file, desk.now)
    if progress is None:
        messages.append(Message(Security(), done, echo=True))
        return Decision(reply=done, events=[told], messages=messages, jobs=jobs, alarms=alarms)
    messages.insert(0, Message(Security(), done, edit=progress))
    return Decision(events=[told], messages=messages, jobs=jobs, alarms=alarms)


def _draft(desk: Desk, version: str, archives: Sequence[Mapping[str, Any]]) -> PrepareDraft | None:
    """On GitHub, for the day: members have no access to it, so it hands out nothing."""
    digests = {one["name"]: one["digests"].get("sha256") for one in archives if one["path"]}
    if desk.settings.release_host != "github" or not digests:
        return None
    return PrepareDraft(version=version, archives=digests, text=page_text(_known(version, archives)))


def page_text(archives: Sequence[KnownArchive]) -> str:
    """What a release page says of its archives until somebody writes more: their check lines, in Markdown."""
    lines = [
        f"    {archive.digests[algorithm]}  {archive.name}"
        for algorithm in (Algorithm.SHA256, Algorithm.SHA1)
        for archive in archives
        if algorithm in archive.digests
    ]
    return "\n".join(("Check your download with `sha256sum -c` or `sha1sum -c`:", "", *lines, ""))


def _rows(desk: Desk, file: CaseFile, version: str, archives: Sequence[Mapping[str, Any]]) -> list[Change]:
    """The release's rows; what an earlier staging of the same version left is replaced."""
    changes: list[Change] = []
    book = desk.book
    if book.release(version) is None:
        changes.append(new(Release(version=version, state="private", case=file.id)))
    for old in book.archives(version):
        changes += [gone(ArchiveDigest, (old.id, d.algorithm, d.source)) for d in book.digests(old.id)]
        changes.append(gone(Archive, old.id))
    for archive in archives:
        made = desk.fresh()
        changes.append(
            new(Archive(id=made, version=version, name=archive["name"], size=archive["size"], path=archive["path"]))
        )
        changes += [
            new(
                ArchiveDigest(
                    archive=made, algorithm=name, digest=digest, source="computed" if archive["path"] else "posted"
                )
            )
            for name, digest in archive["digests"].items()
        ]
    return changes


def _upload(archive: Mapping[str, Any]) -> Upload:
    return Upload(path=archive["path"], name=archive["name"], sha256=archive["digests"]["sha256"])


def _known(version: str, archives: Sequence[Mapping[str, Any]]) -> list[KnownArchive]:
    return [
        KnownArchive(a["name"], version, {Algorithm(n): d for n, d in a["digests"].items()}, size=a["size"])
        for a in archives
    ]


def again(settings: Settings, book: Book, file: CaseFile, to: Target, *, reader: str | None = None) -> list[Outgoing]:
    """The private release on record, for those who came later: its card and its archives. Of one ``reader`` only, the
    notation of their own recipes.
    """
    version = file.case.version
    if version is None:
        return []
    archives = [
        {"name": one.name, "size": one.size, "path": one.path, "digests": digests}
        for one in book.archives(version)
        if (digests := {row.algorithm: row.digest for row in book.digests(one.id)})
    ]
    card = release_card(settings, file, version, _known(version, archives), member=True, reader=reader)
    return [Message(to, card), *(Attach(to, _upload(one), file.id) for one in archives if one["path"])]


def release_card(
    settings: Settings,
    file: CaseFile,
    version: str,
    archives: Sequence[KnownArchive],
    *,
    member: bool,
    reader: str | None = None,
) -> Document:
    """What members (and the reporter) get: the check lines, how to use them, and until when it is private."""
    sha1 = [f"{a.digests[Algorithm.SHA1]}  {a.name}" for a in archives if Algorithm.SHA1 in a.digests]
    sha256 = [f"{a.digests[Algorithm.SHA256]}  {a.name}" for a in archives if Algorithm.SHA256 in a.digests]
    lines: list[Block] = []
    if sha256:
        lines += [para(strong("sha256sum"), " (check your copy with -c):"), code("\n".join(sha256))]
    if sha1:
        lines += [para(strong("sha1sum"), " (weak; for tools that have nothing else):"), code("\n".join(sha1))]
    if not (sha256 or sha1):
        lines += check_lines(archives)
    lines += _in_their_recipes(file, archives, reader) if member else ()
    until = file.terms_date
    files = [archive.name for archive in archives if archive.size]
    blocks = settings.words(
        "private_release" if member else "private_release_reporter",
        case=file.id,
        version=version,
        date=when(until) if until else "further notice",
        archives=mono(", ".join(files)) if files else None,
        checksums=tuple(lines),
        check=check_commands(archives),
        notation=typed(f"releases {version} notation=spack"),
        answer=typed(f"status {file.id} fix-ready" if member else f"report {file.id} TEXT"),
    )
    return Document(
        title=f"{file.id}: private release {version}",
        kind="private release",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=blocks,
        tone="good",
    )


def _in_their_recipes(file: CaseFile, archives: Sequence[KnownArchive], reader: str | None) -> Iterator[Block]:
    """The checksums as the members' own recipes state them, ready to paste (or those of one ``reader``)."""
    members = [reader] if reader in file.participants else file.signatories()
    organisations = sorted({file.participants[one].organisation or "" for one in members if one})
    asked = {notation: one for one in reversed(organisations) if (notation := notation_of(one))}
    for notation in sorted(asked):
        if written := NOTATIONS[notation](archives).rstrip("\n"):
            yield para(strong(f"For {asked[notation]}"), ":")
            yield code(written)


COMMAND = Command(
    verb="private-release",
    summary="hand archives and checksums of the fix to the members and the reporter",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="private-release DS-2026-7KQ4 1.0.1",
    args=PrivateRelease,
    case=CaseUse.NEEDED,
    handle=handle,
    form=("private-release",),
)
