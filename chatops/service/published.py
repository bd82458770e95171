"""``chatops verify --published``: is what a check line says what the project published? From the bot's own record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from chatops.checksums.check import Judge, NotJudged
from chatops.checksums.lines import CheckLine
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.verdicts import Verdict, VerdictKind, judge
from chatops.config import Settings
from chatops.model.book import Book
from chatops.model.shelf import Shelf
from chatops.service.engines import database_file, read_engine

SAYS: Mapping[VerdictKind, str] = {
    VerdictKind.MISMATCH: "NOT the published digest",
    VerdictKind.OTHER_NAME: "published under another name",
    VerdictKind.UNDECIDED: "no published digest of that kind",
    VerdictKind.UNKNOWN: "NOT published",
    VerdictKind.IMPROPER: "not a checksum line",
}


def judge_for(settings: Settings) -> Judge:
    """Holds lines against what everybody may know of: no private release among it.

    Raises NotJudged if there is no record to hold them against.
    """
    file = database_file(settings.store.database)
    if file is not None and not file.exists():
        raise NotJudged("the bot has no database here yet; start it once, or name its configuration with --config")
    session = Session(read_engine(settings.store.database, connections=1))
    try:
        if not Book(session).releases():
            raise NotJudged("no releases are on record yet; the bot reads them once it runs")
    except DBAPIError:
        raise NotJudged("the bot's database cannot be read") from None
    shelf = Shelf(session)

    def object_to(line: CheckLine) -> str | None:
        name = PurePosixPath(line.name).name if line.name != "-" else None
        return _said(judge(Pasted(line.digest, line.algorithms, Notation.GNU, name=name), shelf))

    return object_to


def _said(verdict: Verdict) -> str | None:
    archive = verdict.archive
    match verdict.kind:
        case VerdictKind.GENUINE:
            return None
        case VerdictKind.GENUINE_REMOVED:
            to = f"; upgrade to {archive.upgrade_to}" if archive and archive.upgrade_to else ""
            return f"published, but removed as vulnerable{to}"
        case VerdictKind.OTHER_NAME if archive is not None:
            return f"published as {archive.name}"
        case kind:
            return SAYS[kind]
