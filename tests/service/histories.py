"""Random histories of changes to the state tables, for the journal's properties."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Integer, Table, UniqueConstraint
from sqlmodel import SQLModel

from chatops.model.changes import MACHINES, STATE, Change, Happened, Moved
from chatops.model.types import CaseJson, CaseText, Instant, Json

CHAINS = (None, "DS-2026-AAAA", "DS-2026-BBBB")
TABLES = {str(row.__tablename__): SQLModel.metadata.tables[str(row.__tablename__)] for row in STATE}

# No database stores NUL or half a surrogate pair; the inbox lets neither in.
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
INSTANTS = st.integers(0, 10**15).map(lambda n: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(microseconds=n))
SHAPES = st.dictionaries(WORDS, WORDS, max_size=2) | st.lists(WORDS, max_size=2)


def value_of(column: Column[Any]) -> st.SearchStrategy[Any]:
    kinds: list[tuple[type, st.SearchStrategy[Any]]] = [
        (CaseText, WORDS),
        (CaseJson, SHAPES),
        (Json, SHAPES),
        (Instant, INSTANTS),
        (Boolean, st.booleans()),
        (Integer, st.integers(0, 2**31 - 1)),
    ]
    found = next((values for kind, values in kinds if isinstance(column.type, kind)), WORDS)
    return st.none() | found if column.nullable else found


class History:
    """Draws changes that are possible after those drawn before; the keys of rows are made up in order."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data
        self._keys: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
        self._machines: dict[tuple[str, str], dict[str, str]] = {}
        self._count = 0

    def happened(self) -> Happened:
        draw = self._data.draw
        changes = tuple(self._change() for _ in range(draw(st.integers(0, 4), label="changes")))
        facts = draw(st.dictionaries(WORDS, WORDS, max_size=2), label="facts")
        return Happened(
            draw(st.sampled_from(["opened", "told", "closed"])),
            case=draw(st.sampled_from(CHAINS)),
            facts=facts,
            text=draw(st.none() | WORDS, label="text"),
            changes=changes,
        )

    def _change(self) -> Change | Moved:
        draw = self._data.draw
        table = TABLES[draw(st.sampled_from(sorted(TABLES)), label="table")]
        keys = self._keys[table.name]
        kind = draw(st.sampled_from(["new", "put", "gone", "move"]), label="kind")
        machines = sorted(MACHINES.get(table.name, ()))
        if not keys or kind == "new":
            return self._new(table)
        key = draw(st.sampled_from(keys), label="key")
        if kind == "gone":
            keys.remove(key)
            return Change(table.name, key, None)
        if kind == "move" and machines:
            column = draw(st.sampled_from(machines))
            state = self._machines[table.name, str(key)]
            old, state[column] = state[column], draw(WORDS, label="state")
            return Moved(table.name, key, column, old, state[column], "some move")
        names = [column.name for column in table.columns if self._plain(table, column)]
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4), label="columns") if names else []
        return Change(table.name, key, {name: draw(value_of(table.columns[name])) for name in chosen})

    def _new(self, table: Table) -> Change:
        self._count += 1
        values = {column.name: self._data.draw(value_of(column)) for column in table.columns}
        values |= {name: f"{name}-{self._count}" for name in (*_keys(table), *_unique(table))}
        key = {name: values[name] for name in _keys(table)}
        self._keys[table.name].append(key)
        self._machines[table.name, str(key)] = {name: values[name] for name in MACHINES.get(table.name, ())}
        return Change(table.name, key, values, new=True)

    @staticmethod
    def _plain(table: Table, column: Column[Any]) -> bool:
        return column.name not in {*_keys(table), *_unique(table), *MACHINES.get(table.name, ())}


def _keys(table: Table) -> list[str]:
    return [column.name for column in table.primary_key]


def _unique(table: Table) -> Iterator[str]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield from (column.name for column in constraint.columns)
