"""Keeps the published releases on record as the release host shows them, and says where that is odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chatops.commands.desk import Decision, Message, Security
from chatops.document import Document, Tlp, line, mono, strong, table
from chatops.model import journal
from chatops.model.changes import Change, Happened, new, put
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.service.unit import Unit

SAYS = {"posted": "the release page", "host": "the host", "computed": "the file itself"}
"""Whose word a digest is, by its source."""


class Odd(NamedTuple):
    """Something that coordinators should look at: a file or version, what is wrong with it, a detail."""

    what: str
    how: str
    detail: str


def surveyed(unit: Unit, releases: Sequence[Mapping[str, Any]]) -> None:
    """Put new releases, archives and digests on record; what differs from the record, or from what another source
    says, is an alert.

    What is private is left alone: a version that shows up in public before its announcement alerts the team too.
    """
    odd: list[Odd] = []
    for told in releases:
        changes: list[Change] = []
        version = told["version"]
        release = unit.book.release(version)
        if release is None:
            changes.append(new(Release(version=version, state="published")))
        elif release.state == "private":
            file = unit.book.case(release.case) if release.case else None
            if file is None or file.case.announcing_at is None:  # else we are just publishing it
                odd.append(Odd(version, "is public already", release.case or ""))
            continue
        known = {archive.name: archive for archive in unit.book.archives(version)}
        for one in told["archives"]:
            changes += _archive(unit, version, known.get(one["name"]), one, odd)
        if changes:
            unit.record(Happened("release on record", None, {"version": version}, changes=tuple(changes)))
    if odd:
        alert(unit, odd)


def _archive(unit: Unit, version: str, known: Archive | None, told: Mapping[str, Any], odd: list[Odd]) -> list[Change]:
    archive = known or Archive(
        id=unit.fresh(), version=version, name=told["name"], size=told.get("size"), url=told.get("url")
    )
    changes: list[Change] = []
    if known is None:
        changes.append(new(archive))
    elif told.get("url") and known.url != told["url"]:
        changes.append(put(Archive, known.id, url=told["url"]))
    return changes + digests(unit, archive, told["digests"], odd)


def digests(unit: Unit, archive: Archive, told: Mapping[str, Mapping[str, str]], odd: list[Odd]) -> list[Change]:
    """Keep what each source states of an archive, by algorithm. What it stated first stays on record: another digest
    now, or that of another source, is odd.
    """
    rows = {(row.algorithm, row.source): row.digest for row in unit.book.digests(archive.id)}
    changes: list[Change] = []
    for algorithm, stated in told.items():
        for source, digest in stated.items():
            if (have := rows.get((algorithm, source))) is None:
                row = ArchiveDigest(archive=archive.id, algorithm=algorithm, source=source, digest=digest)
                changes.append(new(row))
            elif have != digest:
                odd.append(Odd(archive.name, f"{algorithm} of {SAYS[source]} is not what it was", _short(digest)))
        every = {source: digest for (of, source), digest in rows.items() if of == algorithm} | dict(stated)
        if len(set(every.values())) > 1:
            detail = ", ".join(f"{SAYS[source]}: {_short(every[source])}" for source in SAYS if source in every)
            odd.append(Odd(archive.name, f"{algorithm} differs", detail))
    return changes


def _short(digest: str) -> str:
    return digest[:16] + "…"


def alert(unit: Unit, odd: Sequence[Odd]) -> None:
    """Say it once for each finding: the journal remembers what was told."""
    told = {
        (e.told["facts"].get("what"), e.told["facts"].get("found"))
        for e in journal.entries(unit.session, journal.INSTALLATION)
        if e.what == "release oddity"
    }
    fresh = [one for one in odd if (one.what, f"{one.how} {one.detail}") not in told]
    if not fresh:
        return
    events = [
        Happened("release oddity", None, {"what": what, "found": f"{how} {detail}"}) for what, how, detail in fresh
    ]
    document = Document(
        title="The release page shows something else than what is on record",
        kind="release watch",
        tlp=Tlp.AMBER_STRICT,
        blocks=(table(("what", "found", "detail"), [(line(strong(a)), line(b), line(mono(c))) for a, b, c in fresh]),),
        tone="alert",
    )
    unit.carry_out(Decision(events=events, messages=[Message(Security(), document)]))
