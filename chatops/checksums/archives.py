"""What the project has on record about the archives of its releases, for judging and for writing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from chatops.checksums.digests import Algorithm


class Provenance(StrEnum):
    """Where a digest on record comes from; what is posted counts where they differ, then what the host says."""

    POSTED = "posted"
    """The release announcement or page."""
    HOST = "host"
    """The release's host (GitHub computes SHA-256 of each asset)."""
    COMPUTED = "computed"
    """This bot, from the archive itself."""


class ArchiveState(StrEnum):
    """Where an archive stands (policy steps 3 and 4)."""

    PUBLISHED = "published"
    REMOVED = "removed"
    """Taken off the release page because it is vulnerable."""
    PRIVATE = "private"
    """Of a private release: under embargo."""


@dataclass(frozen=True, slots=True)
class KnownArchive:
    """An archive on record. Digests are in lower case; ``size`` is in bytes; ``upgrade_to`` is a version."""

    name: str
    version: str
    digests: Mapping[Algorithm, str]
    provenance: Mapping[Algorithm, Provenance] = field(default_factory=dict)
    state: ArchiveState = ArchiveState.PUBLISHED
    upgrade_to: str | None = None
    url: str | None = None
    size: int | None = None


class KnownArchives(Protocol):
    """The archives that the asker, in this place, may know of.

    An implementation leaves out what is under embargo wherever place or asker is not cleared for it (an
    ``upgrade_to`` that nobody may know of, too): the judge tells all that it gets. The most relevant comes first.
    """

    def by_digest(self, digest: str) -> Sequence[KnownArchive]:
        """The archives that have this digest, of whatever algorithm; in lower case."""

    def by_name(self, name: str) -> Sequence[KnownArchive]:
        """The archives of exactly this name."""

    def by_version(self, version: str) -> Sequence[KnownArchive]:
        """The archives of exactly this version."""
