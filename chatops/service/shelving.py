"""Keeps the published releases on record as the release host shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chatops.commands.desk import Decision, Message, Security
from chatops.document import Document, Tlp, line, mono, strong, table
from chatops.model import journal
from chatops.model.changes import Change, Happened, new, put
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.service.unit import Unit


def surveyed(unit: Unit, releases: Sequence[Mapping[str, Any]]) -> None:
    """Put new releases, archives and digests on record; a digest that differs from that on record is an alert.

    What is private is left alone: a version that shows up in public before its announcement alerts the team too.
    """
    odd: list[tuple[str, str, str]] = []
    for told in releases:
        changes: list[Change] = []
        version = told["version"]
        release = unit.book.release(version)
        if release is None:
            changes.append(new(Release(version=version, state="published")))
        elif release.state == "private":
            file = unit.book.case(release.case) if release.case else None
            if file is None or file.case.announcing_at is None:  # else we are just publishing it
                odd.append((version, "is public already", release.case or ""))
            continue
        known = {archive.name: archive for archive in unit.book.archives(version)}
        for one in told["archives"]:
            changes += _archive(unit, version, known.get(one["name"]), one, odd)
        if changes:
            unit.record(Happened("release on record", None, {"version": version}, changes=tuple(changes)))
    if odd:
        _alert(unit, odd)


def _archive(
    unit: Unit, version: str, known: Archive | None, told: Mapping[str, Any], odd: list[tuple[str, str, str]]
) -> list[Change]:
    changes: list[Change] = []
    archive = known or Archive(
        id=unit.fresh(), version=version, name=told["name"], size=told.get("size"), url=told.get("url")
    )
    if known is None:
        changes.append(new(archive))
    digests = {row.algorithm: row for row in unit.book.digests(archive.id)}
    for name, one in told["digests"].items():
        have = digests.get(name)
        if have is None:
            changes.append(
                new(ArchiveDigest(archive=archive.id, algorithm=name, digest=one["hex"], source=one["source"]))
            )
        elif have.digest != one["hex"]:
            odd.append((archive.name, f"{name} differs", one["hex"][:16] + "…"))
            if have.source == "computed" and one["source"] == "posted":
                # What we computed ourselves may have been of a file that was still being uploaded.
                changes.append(put(ArchiveDigest, (archive.id, name), digest=one["hex"], source="posted"))
        elif have.source == "computed" and one["source"] == "posted":
            changes.append(put(ArchiveDigest, (archive.id, name), source="posted"))
    for clash in told.get("clashes", ()):
        odd.append((archive.name, "posted and computed digests differ", clash))
    return changes


def _alert(unit: Unit, odd: list[tuple[str, str, str]]) -> None:
    """Say it once for each finding: the journal remembers what was told."""
    told = {
        (e.told["facts"].get("what"), e.told["facts"].get("found"))
        for e in journal.entries(unit.session, journal.INSTALLATION)
        if e.what == "release oddity"
    }
    fresh = [one for one in odd if (one[0], f"{one[1]} {one[2]}") not in told]
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
