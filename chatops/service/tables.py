"""The flow tables for plain SQL. What runs for every row is made once: making a statement costs more than its run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

from chatops.model.flow import Cursor, InboxRow, OutboxRow, TimerRow
from chatops.model.people import Occupant, Place


def _table(row: type[SQLModel]) -> Table:
    return SQLModel.metadata.tables[str(row.__tablename__)]


INBOX, OUTBOX, TIMER, CURSOR = _table(InboxRow), _table(OutboxRow), _table(TimerRow), _table(Cursor)
PLACE, OCCUPANT = _table(Place), _table(Occupant)

_CHANGE_INBOX = INBOX.update().where(INBOX.c.id == bindparam("number"))
_CHANGE_OUTBOX = OUTBOX.update().where(OUTBOX.c.id == bindparam("number"))
_CHANGE_CLAIMED = _CHANGE_OUTBOX.where(OUTBOX.c.state == "attempted", OUTBOX.c.attempts == bindparam("claimed"))
_PUT_ONCE = {
    name: {table.name: sort(table).on_conflict_do_nothing() for table in (INBOX, OUTBOX)}
    for name, sort in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_PUT_OUTBOX = OUTBOX.insert()


def _replacing(insert: Any) -> Any:
    keys = [column.name for column in insert.table.primary_key]
    rest = {column.name: insert.excluded[column.name] for column in insert.table.c if column.name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=rest)


_PUT_OR_CHANGE = {
    name: {table.name: _replacing(sort(table)) for table in (CURSOR, TIMER)}
    for name, sort in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}


def change_inbox(session: Session, number: int | None, **values: Any) -> None:
    """Give an inbox row new values."""
    session.execute(_CHANGE_INBOX, {"number": number, **values})


def change_outbox(session: Session, number: int | None, **values: Any) -> None:
    """Give an outbox row new values."""
    session.execute(_CHANGE_OUTBOX, {"number": number, **values})


def change_claimed(session: Session, number: int, claimed: int, **values: Any) -> bool:
    """Give an outbox row new values if it is still attempted for the ``claimed``-th time; say whether it was."""
    done = session.execute(_CHANGE_CLAIMED, {"number": number, "claimed": claimed, **values})
    return bool(done.rowcount)  # type: ignore[attr-defined]


def put_once(session: Session, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows, in order, but for those that a unique constraint knows already."""
    if values:
        session.execute(_PUT_ONCE[session.get_bind().dialect.name][table.name], list(values))


def put_outbox(session: Session, **values: Any) -> None:
    """Insert an outbox row."""
    session.execute(_PUT_OUTBOX, values)


def put_or_change(session: Session, table: Table, values: Mapping[str, Any]) -> None:
    """Insert a whole row, or give the one with the same primary key these values."""
    session.execute(_PUT_OR_CHANGE[session.get_bind().dialect.name][table.name], dict(values))
