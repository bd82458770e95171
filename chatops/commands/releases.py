"""``releases``: what is published, with checksums; removed (vulnerable) releases are marked."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from chatops import policy
from chatops.checksums.archives import KnownArchive
from chatops.checksums.digests import Algorithm
from chatops.checksums.lines import gnu_line
from chatops.checksums.notations import NOTATIONS
from chatops.commands.declare import EVERYWHERE, Command, Who, option, positional
from chatops.commands.desk import Decision, Desk, Refusal
from chatops.commands.kinds import Choice, Version
from chatops.commands.typed import nearest
from chatops.commands.verify import shelf
from chatops.document import Block, Document, Line, Tlp, code, line, para, strong, table, typed, when
from chatops.model.releases import Release

SHOWN = 15


@dataclass(frozen=True)
class Releases:
    version: str | None = positional(Version(), "one of them, with its checksums", default=None)
    notation: str | None = option(Choice(tuple(NOTATIONS), "NOTATION"), "of your recipe: " + ", ".join(NOTATIONS))


def handle(desk: Desk, args: Releases) -> Decision:
    cleared = shelf(desk).cases
    known = [r for r in desk.book.releases() if r.state != "private" or r.case in cleared]
    known.sort(key=lambda r: newness(r.version), reverse=True)
    if args.version is None:
        return _answer(desk, _list(known))
    release = next((r for r in known if r.version == args.version), None)
    if release is None:
        close = nearest(args.version, [r.version for r in known])
        raise Refusal(f"no release {args.version}" + (f"; did you mean {close}?" if close else ""))
    return _answer(desk, _one(desk, release, args.notation or "gnu"))


def _answer(desk: Desk, document: Document) -> Decision:
    """A reporter may hear of the private release without being a member."""
    file = desk.book.case(document.case) if document.case else None
    reporter = file is not None and not policy.roles(desk.actor, file) & (Who.TEAM | Who.MEMBER)
    return Decision(reply=document, reply_kind="reporter" if reporter else "details")


def newness(version: str) -> tuple[tuple[int, str], ...]:
    """To sort versions by: the newest is the greatest."""
    parts = version.replace("-", ".").split(".")
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def _list(known: list[Release]) -> Document:
    if not known:
        return Document(title="No releases on record yet", kind="releases")
    rows = [(line(strong(r.version)), _state(r)) for r in known[:SHOWN]]
    private = next((r.case for r in known if r.state == "private"), None)
    return Document(
        title="Releases",
        kind="releases",
        tlp=Tlp.AMBER_STRICT if private else Tlp.CLEAR,
        case=private,
        blocks=(table(("version", "state"), rows), para("Checksums of one: ", typed("releases VERSION"))),
    )


def _state(release: Release) -> Line:
    match release.state:
        case "removed":
            return line(f"⚠ removed as vulnerable; upgrade to {release.upgrade_to or 'a newer one'}")
        case "private":
            return line(f"private, for {release.case}")
        case _:
            at = release.published_at
            return line("published ", when(at, day=True)) if at else line("published")


def _one(desk: Desk, release: Release, notation: str) -> Document:
    archives = [a for a in shelf(desk).by_version(release.version) if a.digests]
    return Document(
        title=f"{desk.project} {release.version}",
        kind="release",
        tlp=Tlp.AMBER_STRICT if release.state == "private" else Tlp.CLEAR,
        case=release.case if release.state == "private" else None,
        blocks=(para(*_state(release)), *check_lines(archives, notation)),
        tone="alert" if release.state == "removed" else "normal",
    )


def check_lines(archives: Sequence[KnownArchive], notation: str = "gnu") -> tuple[Block, ...]:
    """The checksums of a release, to copy."""
    written = NOTATIONS[notation](archives) if archives else ""
    return (code(written.rstrip("\n")),) if written else (para(f"No digest on record that {notation} can state."),)


def check_commands(archives: Sequence[KnownArchive]) -> tuple[Block, ...]:
    """What checks the first of some archives, as the policy has it: its own line, to paste; the stronger sum first."""
    commands = [
        f"echo {shlex.quote(gnu_line(archive.digests[algorithm], archive.name))}|{algorithm.value}sum -c"
        for archive in archives[:1]
        for algorithm in (Algorithm.SHA256, Algorithm.SHA1)
        if algorithm in archive.digests
    ]
    return (code("\n".join(commands)),) if commands else ()


COMMAND = Command(
    verb="releases",
    summary="published releases and their checksums; removed ones are marked",
    who=Who.ALL,
    where=EVERYWHERE,
    example="releases 1.0.1 notation=spack",
    args=Releases,
    handle=handle,
)
