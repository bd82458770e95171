"""What an advisory says, whatever the form: the facts of a case that the public may read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from chatops.advisory.ranges import Range


@dataclass(frozen=True)
class Publisher:
    """Who says it. ``namespace`` is a URL that is the project's own (CSAF 2.0, 3.2.1.8.3).

    ``page`` is where releases are, ``advisories`` where advisories are published (None: nowhere on the web),
    ``ecosystem`` and ``package`` name it where a language or distribution has it as a package (OSV), ``cna`` is the
    UUID by which CVE Services knows the organisation that assigned the CVE id.
    """

    project: str
    namespace: str
    page: str
    advisories: str | None = None
    ecosystem: str | None = None
    package: str | None = None
    cna: str | None = None


@dataclass(frozen=True)
class Credit:
    """Whom to thank. ``role`` is "finder" for who reported it, else "other"."""

    name: str
    role: str = "finder"


@dataclass(frozen=True)
class Content:
    """One advisory. ``affected`` are version ranges; if they could not be read as such, ``versions`` has the words.

    ``released`` is when it was first public, ``changed`` when this ``revision`` (from 1) was; ``corrections`` are what
    each later revision put right, with its time.
    """

    publisher: Publisher
    id: str
    title: str
    text: str
    released: datetime
    changed: datetime
    severity: str | None = None
    band: str | None = None
    cve: str | None = None
    cwes: tuple[str, ...] = ()
    versions: str | None = None
    affected: tuple[Range, ...] = ()
    fixed: tuple[str, ...] = ()
    mitigation: str | None = None
    credits: tuple[Credit, ...] = ()
    references: tuple[str, ...] = ()
    corrections: tuple[tuple[datetime, str], ...] = ()

    @property
    def revision(self) -> int:
        return len(self.corrections) + 1

    @property
    def file(self) -> str:
        """The name of its files, without an ending (CSAF 2.0, 5.1)."""
        return re.sub(r"[^+\-a-z0-9]+", "_", self.id.lower())

    @property
    def url(self) -> str | None:
        """Where people will read it."""
        base = self.publisher.advisories
        return None if base is None else f"{base.rstrip('/')}/{self.file}.md"

    @property
    def links(self) -> tuple[str, ...]:
        """Every page to point to, its own first, none twice."""
        own = (self.url,) if self.url else ()
        return tuple(dict.fromkeys((*own, *self.references, self.publisher.page)))


def stamp(at: datetime) -> str:
    """An instant as the formats write it (RFC 3339, in UTC, whole seconds)."""
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"
