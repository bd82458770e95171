"""Releases on record, their archives and digests."""

from __future__ import annotations

from sqlalchemy import BigInteger
from sqlmodel import Field

from chatops.model.base import Row, datetime, instant


class Release(Row, table=True):
    """A version. ``state``: private (an embargoed fix), published, removed (vulnerable, taken off the release page).

    ``case`` is the case whose fix it bears while it is private. ``on_page``: the release host shows it; ``tag`` is what
    it calls it, and ``immutable`` that it lets nobody change it.
    """

    version: str = Field(primary_key=True)
    state: str = "published"
    case: str | None = Field(default=None, index=True)
    upgrade_to: str | None = None
    published_at: datetime | None = instant()
    on_page: bool = False
    tag: str | None = None
    immutable: bool = False


class Archive(Row, table=True):
    """A file of a release. ``path`` is where the bot can read it while the release is private."""

    id: str = Field(primary_key=True)
    version: str = Field(index=True)
    name: str = Field(index=True)
    size: int | None = Field(default=None, sa_type=BigInteger)  # an archive may have 2 GiB and more
    url: str | None = None
    path: str | None = None


class ArchiveDigest(Row, table=True):
    """A digest (lower-case hex) of an archive as one ``source`` states it: posted, host, computed. What several state
    is kept of each.
    """

    archive: str = Field(primary_key=True)
    algorithm: str = Field(primary_key=True)
    source: str = Field(default="computed", primary_key=True)
    digest: str = Field(index=True)
