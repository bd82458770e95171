"""What a decision says happened, and the projection of it into rows.

A :class:`Happened` is journalled and applied in one step; the same projection replays the journal from nothing. It
lists plain row changes, so a new command needs no projection code of its own. Columns of machines change by
:class:`Moved` only, which the table of moves makes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, insert, update
from sqlmodel import Session, SQLModel

from chatops.model.base import Row
from chatops.model.cases import (
    Advisory,
    Case,
    Downstream,
    Note,
    Offered,
    PackItem,
    Participant,
    Pending,
    PlanStep,
    Proposal,
)
from chatops.model.people import Contact, ContactAddress, Occupant, Place
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.model.types import CaseJson, CaseText, Instant

STATE: tuple[type[Row], ...] = (
    Contact,
    ContactAddress,
    Place,
    Occupant,
    Case,
    Advisory,
    Participant,
    Downstream,
    Proposal,
    Note,
    PackItem,
    Offered,
    Pending,
    PlanStep,
    Release,
    Archive,
    ArchiveDigest,
)
"""The tables that are a projection of the journal."""

MACHINES: Mapping[str, frozenset[str]] = {
    "case": frozenset({"report", "embargo", "exposure", "fix"}),
    "participant": frozenset({"report", "consent"}),
    "downstream": frozenset({"fix"}),
}
"""Columns that only a move may change."""

_TABLES: Mapping[str, Table] = {table.__tablename__: SQLModel.metadata.tables[table.__tablename__] for table in STATE}  # type: ignore[misc,index]


@dataclass(frozen=True)
class Change:
    """One row change. ``values`` of None deletes. ``new`` rows must not exist; others must."""

    table: str
    key: Mapping[str, Any]
    values: Mapping[str, Any] | None
    new: bool = False

    def __repr__(self) -> str:
        return f"<Change {self.table} {'/'.join(map(str, self.key.values()))}>"


def _columns(row: type[Row], values: Mapping[str, Any]) -> Table:
    table = _TABLES[str(row.__tablename__)]
    unknown = values.keys() - table.columns.keys()
    if unknown:
        raise AttributeError(f"{table.name} has no column {', '.join(sorted(unknown))}")
    return table


def new(row: Row) -> Change:
    """A row that did not exist before."""
    table = _columns(type(row), {})
    values = {column.name: getattr(row, column.name) for column in table.columns}
    return Change(table.name, {c.name: values[c.name] for c in table.primary_key}, values, new=True)


def put(row: type[Row], key: str | tuple[str, ...], **values: Any) -> Change:
    """New values for some columns of a row that exists. Raises for columns that only a move may change."""
    table = _columns(row, values)
    if MACHINES.get(table.name, frozenset()) & values.keys():
        raise AttributeError(f"machine columns of {table.name} change by moves only")
    parts = (key,) if isinstance(key, str) else key
    return Change(table.name, {c.name: v for c, v in zip(table.primary_key, parts, strict=True)}, values)


def gone(row: type[Row], key: str | tuple[str, ...]) -> Change:
    """A row that is no more."""
    return Change(**{**vars(put(row, key)), "values": None})


@dataclass(frozen=True)
class Moved:
    """A machine's step, as the table of moves gave it."""

    table: str
    key: Mapping[str, str]
    column: str
    old: str
    new: str
    move: str


@dataclass(frozen=True)
class Happened:
    """Something that was decided. ``what`` is a fixed phrase ("owner set"); ``facts`` are for the timeline and hold no
    text of the case, which goes into ``text``. ``case`` is None for the installation's chain.
    """

    what: str
    case: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    changes: tuple[Change | Moved, ...] = ()

    def __repr__(self) -> str:
        return f"<Happened {self.what} {self.case or 'installation'}>"


def project(session: Session, change: Change | Moved) -> None:
    """Apply one change to the state tables."""
    table = _TABLES[change.table]
    where = [table.columns[name] == value for name, value in change.key.items()]
    if isinstance(change, Moved):
        done = session.execute(
            update(table).where(*where, table.columns[change.column] == change.old).values({change.column: change.new})
        )
        _one(done.rowcount, change.table)  # type: ignore[attr-defined]
    elif change.values is None:
        session.execute(delete(table).where(*where))
    elif change.new:
        session.execute(insert(table).values(**change.values))
    elif change.values:
        done = session.execute(update(table).where(*where).values(**change.values))
        _one(done.rowcount, change.table)  # type: ignore[attr-defined]


def _one(count: int, table: str) -> None:
    if count != 1:
        raise LookupError(f"a change to {table} met {count} rows")


def plain(change: Change | Moved) -> tuple[list[Any], dict[str, str]]:
    """A change as JSON without text of a case, and that text by column, for the journal."""
    if isinstance(change, Moved):
        return ["move", change.table, dict(change.key), change.column, change.old, change.new, change.move], {}
    texts: dict[str, str] = {}
    if change.values is None:
        return ["gone", change.table, dict(change.key)], texts
    values: dict[str, Any] = {}
    for name, value in change.values.items():
        kind = _TABLES[change.table].columns[name].type
        if isinstance(kind, CaseText | CaseJson) and value is not None:
            texts[name] = value if isinstance(kind, CaseText) else json.dumps(value)
        else:
            values[name] = value.isoformat() if isinstance(value, datetime) else value
    return ["new" if change.new else "put", change.table, dict(change.key), values], texts


def revive(told: list[Any], texts: Mapping[str, str | None]) -> Change | Moved:
    """The change that :func:`plain` wrote down; texts that were purged come back as None."""
    kind, table, key, *rest = told
    if kind == "move":
        column, old, now, move = rest
        return Moved(table, key, column, old, now, move)
    if kind == "gone":
        return Change(table, key, None)
    columns = _TABLES[table].columns
    values = {
        name: datetime.fromisoformat(value) if isinstance(columns[name].type, Instant) and value else value
        for name, value in rest[0].items()
    }
    told_texts = {
        name: json.loads(text) if text is not None and isinstance(columns[name].type, CaseJson) else text
        for name, text in texts.items()
    }
    return Change(table, key, {**values, **told_texts}, new=kind == "new")
