"""Archives on record, for tests: a plain list of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatops.checksums.archives import ArchiveState, KnownArchive
from chatops.checksums.digests import Algorithm


def digest(algorithm: Algorithm, contents: str) -> str:
    return hashlib.new(algorithm, contents.encode()).hexdigest()


def archive(
    version: str,
    state: ArchiveState = ArchiveState.PUBLISHED,
    *,
    algorithms: Iterable[Algorithm] = Algorithm,
    upgrade_to: str | None = None,
    name: str | None = None,
    contents: str | None = None,
) -> KnownArchive:
    """An archive of a version, by default with all digests, which are those of the version's text."""
    return KnownArchive(
        name=name or f"dynasched-{version}.tar.bz2",
        version=version,
        digests={each: digest(each, contents or version) for each in algorithms},
        state=state,
        upgrade_to=upgrade_to,
        size=1000,
    )


@dataclass(frozen=True)
class Known:
    """Fulfils ``KnownArchives``."""

    archives: Sequence[KnownArchive]

    def by_digest(self, digest: str) -> Sequence[KnownArchive]:
        return [each for each in self.archives if digest in each.digests.values()]

    def by_name(self, name: str) -> Sequence[KnownArchive]:
        return [each for each in self.archives if each.name == name]

    def by_version(self, version: str) -> Sequence[KnownArchive]:
        return [each for each in self.archives if each.version == version]
