"""Keeps the published releases on record as the release host shows them, and says where that is odd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from chatops.commands.desk import Alarm, Decision, Job, Message, Security
from chatops.commands.releases import newness
from chatops.document import Document, Tlp, line, mono, para, strong, table
from chatops.model import journal
from chatops.model.changes import Change, Happened, new, put
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.ports import Inspect
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
    catalogue = unit.book.catalogue()
    for told in releases:
        version = told["version"]
        release, known = catalogue.get(version, (None, {}))
        if release is not None and release.state == "private":
            file = unit.book.case(release.case) if release.case else None
            if file is None or file.case.announcing_at is None:  # else we are just publishing it
                odd.append(Odd(version, "is public already", release.case or ""))
            continue
        changes = _release(release, told, odd)
        for one in told["archives"]:
            changes += _archive(unit, version, known.get(one["name"]), one, odd)
        if changes:
            unit.record(Happened("release on record", None, {"version": version}, changes=tuple(changes)))
    odd += _gone(unit, {told["version"] for told in releases})
    if odd:
        alert(unit, odd)
    _look_into(unit)


def _release(known: Release | None, told: Mapping[str, Any], odd: list[Odd]) -> list[Change]:
    """What the page says of a release as a whole."""
    at = told.get("published_at")
    says: dict[str, Any] = {
        "on_page": True,
        "tag": told.get("tag"),
        "immutable": bool(told.get("immutable")),
    }
    if known is None:
        published = datetime.fromisoformat(at) if at else None
        return [new(Release(version=told["version"], state="published", published_at=published, **says))]
    if known.state == "removed" and not known.on_page:
        odd.append(Odd(known.version, "was taken off and is on the page again", ""))
    changed = {name: value for name, value in says.items() if getattr(known, name) != value}
    return [put(Release, known.version, **changed)] if changed else []


def _gone(unit: Unit, shown: set[str]) -> list[Odd]:
    """What the page showed and does not show any more."""
    gone = [one for one in unit.book.releases() if one.on_page and one.version not in shown]
    for one in gone:
        change = put(Release, one.version, on_page=False)
        unit.record(Happened("release off the page", None, {"version": one.version}, changes=(change,)))
    return [Odd(one.version, "is not on the release page any more", "") for one in gone if one.state == "published"]


# --- what only a download tells ------------------------------------------------------------------------------------

LOOKED_INTO = "sha256"
AT_ONCE = 10
"""So many releases are looked into at a time."""


def _look_into(unit: Unit) -> None:
    """Have those archives hashed, once, of which there is no digest of our own."""
    missing = [
        version
        for version, (release, archives) in unit.book.catalogue().items()
        if release.on_page and any(_unread(*one) for one in archives.values())
    ]
    inspect(unit, missing[:AT_ONCE])


def _unread(archive: Archive, stated: Sequence[ArchiveDigest]) -> bool:
    own = {row.algorithm for row in stated if row.source == "computed"}
    return archive.url is not None and LOOKED_INTO not in own


def watched(unit: Unit, now: datetime, every: timedelta) -> None:
    """Have published archives hashed anew: of the newest release each time, and of the others in turn."""
    shown = sorted((one.version for one in unit.book.releases() if one.on_page), key=newness, reverse=True)
    newest, others = shown[:1], shown[1:]
    turns = max(1, -(-len(others) // AT_ONCE))
    turn = int(now.timestamp() // every.total_seconds()) % turns
    inspect(unit, newest + others[turn::turns])


def inspect(unit: Unit, versions: Sequence[str]) -> None:
    """Have the archives of some releases hashed, unless that is under way."""
    under_way = unit.under_way("inspect")
    jobs = [
        Job(Inspect(version=version, archives={one.name: one.url or "" for one in unit.book.archives(version)}))
        for version in versions
        if version not in under_way
    ]
    unit.carry_out(Decision(jobs=jobs))


GATHER = timedelta(minutes=5)
"""What is found in so long is told in one alert."""


def inspected(unit: Unit, version: str, archives: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Compare what was downloaded with what is on record."""
    odd: list[Odd] = []
    changes: list[Change] = []
    known = {archive.name: archive for archive in unit.book.archives(version)}
    for told in archives:
        archive = known.get(told["name"])
        if archive is None:
            continue
        if "problem" in told:
            odd.append(Odd(archive.name, "cannot be downloaded any more", told["problem"]))
            continue
        stated = {algorithm: {"computed": digest} for algorithm, digest in told["digests"].items()}
        changes += _digests(archive, unit.book.digests(archive.id), stated, odd)
    if changes:
        unit.record(Happened("release on record", None, {"version": version}, changes=tuple(changes)))
    release = unit.book.release(version)
    if odd and release is not None and release.on_page:
        unit.alarm(Alarm("drift", "drift", now + GATHER, data={"odd": odd}, keep=True, gather="odd"))


def _archive(
    unit: Unit,
    version: str,
    known: tuple[Archive, Sequence[ArchiveDigest]] | None,
    told: Mapping[str, Any],
    odd: list[Odd],
) -> list[Change]:
    changes: list[Change] = []
    stated: Sequence[ArchiveDigest] = ()
    if known is None:
        name, size, url = told["name"], told.get("size"), told.get("url")
        archive = Archive(id=unit.fresh(), version=version, name=name, size=size, url=url)
        changes.append(new(archive))
    else:
        archive, stated = known
        if told.get("url") and archive.url != told["url"]:
            changes.append(put(Archive, archive.id, url=told["url"]))
    return changes + _digests(archive, stated, told["digests"], odd)


def _digests(
    archive: Archive, stated: Sequence[ArchiveDigest], told: Mapping[str, Mapping[str, str]], odd: list[Odd]
) -> list[Change]:
    """Keep what each source states of an archive, by algorithm. What it stated first stays on record: another digest
    now, or that of another source, is odd.
    """
    rows = {(row.algorithm, row.source): row.digest for row in stated}
    changes: list[Change] = []
    for algorithm, said in told.items():
        for source, digest in said.items():
            if (have := rows.get((algorithm, source))) is None:
                row = ArchiveDigest(archive=archive.id, algorithm=algorithm, source=source, digest=digest)
                changes.append(new(row))
            elif have != digest:
                odd.append(Odd(archive.name, f"{algorithm} of {SAYS[source]} is not what it was", _short(digest)))
        every = {source: digest for (of, source), digest in rows.items() if of == algorithm} | dict(said)
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
        blocks=(
            table(("what", "found", "detail"), [(line(strong(a)), line(b), line(mono(c))) for a, b, c in fresh]),
            para("If nobody on the team did that, hold it for tampering until you know. I keep to what is on record."),
        ),
        tone="alert",
    )
    unit.carry_out(Decision(events=events, messages=[Message(Security(), document)]))
