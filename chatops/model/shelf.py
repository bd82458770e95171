"""The archives that checksums are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, case
from sqlmodel import Session, col, select

from chatops.checksums.archives import ArchiveState, KnownArchive, Provenance
from chatops.checksums.digests import Algorithm
from chatops.model.releases import Archive, ArchiveDigest, Release

WORTH = case({source: worth for worth, source in enumerate(reversed(Provenance))}, value=ArchiveDigest.source)
"""Of the sources that state a digest, for their order: what counts more comes later."""
DIGESTS = select(ArchiveDigest).where(ArchiveDigest.archive == bindparam("archive")).order_by(WORTH)
_ARCHIVES_OF_DIGEST = select(Archive).where(
    col(Archive.id).in_(select(ArchiveDigest.archive).where(ArchiveDigest.digest == bindparam("digest")))
)
_ARCHIVES_NAMED = select(Archive).where(Archive.name == bindparam("name"))


@dataclass(frozen=True)
class Shelf:
    """The archives that somebody may know of: the published ones, and private ones of the cases given."""

    session: Session
    cases: frozenset[str] = frozenset()

    def by_digest(self, digest: str) -> Sequence[KnownArchive]:
        """Those of which it counts, where sources differ."""
        known = self._known(self.session.exec(_ARCHIVES_OF_DIGEST, params={"digest": digest}))
        return [archive for archive in known if digest in archive.digests.values()]

    def by_name(self, name: str) -> Sequence[KnownArchive]:
        return self._known(self.session.exec(_ARCHIVES_NAMED, params={"name": name}))

    def by_version(self, version: str) -> Sequence[KnownArchive]:
        return self._known(self.session.exec(select(Archive).where(Archive.version == version)))

    def _known(self, archives: Iterable[Archive]) -> list[KnownArchive]:
        known = []
        for archive in list(archives):
            release = self.session.get(Release, archive.version)
            if release is None or (release.state == "private" and release.case not in self.cases):
                continue
            rows = self.session.exec(DIGESTS, params={"archive": archive.id}).all()
            known.append(
                KnownArchive(
                    name=archive.name,
                    version=archive.version,
                    digests={Algorithm(row.algorithm): row.digest for row in rows},
                    provenance={Algorithm(row.algorithm): Provenance(row.source) for row in rows},
                    state=ArchiveState(release.state),
                    upgrade_to=release.upgrade_to,
                    url=archive.url,
                    size=archive.size,
                )
            )
        return known
