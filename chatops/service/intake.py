"""The door in: what an adapter received is committed here, once, before the service is told that it was taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from chatops.model.flow import Cursor, InboxRow
from chatops.ports import Locked, Received
from chatops.service.store import Store
from chatops.service.tables import CURSOR, INBOX, put_once, put_or_change


class StoreIntake:
    """:class:`chatops.ports.Intake` on a store. ``wake`` is set after every commit that left something to decide."""

    def __init__(self, store: Store, wake: asyncio.Event) -> None:
        self._store = store
        self._wake = wake

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        """See :meth:`chatops.ports.Intake.admit`."""
        rows = [as_row(one) for one in received]

        def job(session: Session) -> None:
            put_once(session, INBOX, rows)
            if cursor is not None:
                put_or_change(session, CURSOR, {"name": cursor[0], "value": cursor[1]})

        await self._store.write(job)
        if rows:
            self._wake.set()

    async def cursor(self, name: str) -> str | None:
        """See :meth:`chatops.ports.Intake.cursor`."""
        return await self._store.read(
            lambda session: session.exec(select(Cursor.value).where(Cursor.name == name)).first()
        )

    async def locked(self, service: str) -> Sequence[Received]:
        """See :meth:`chatops.ports.Intake.locked`."""
        query = select(InboxRow).where(InboxRow.state == "locked", InboxRow.service == service)
        rows = await self._store.read(lambda session: session.exec(query.order_by(col(InboxRow.id))).all())
        return [as_received(row) for row in rows]

    async def unlock(self, received: Received) -> None:
        """See :meth:`chatops.ports.Intake.unlock`.

        The row keeps its number, so it is decided before what came after it and still waits. A second call, or one for
        a row that was decided, changes nothing; one that was never admitted is admitted now rather than lost.
        """
        row = as_row(received)

        def job(session: Session) -> None:
            swapped = session.execute(
                update(INBOX)
                .where(
                    col(InboxRow.service) == received.service,
                    col(InboxRow.tenant) == received.tenant,
                    col(InboxRow.key) == received.key,
                    col(InboxRow.state) == "locked",
                )
                .values(event=row["event"], state=row["state"])
            )
            if not swapped.rowcount:  # type: ignore[attr-defined]
                put_once(session, INBOX, [row])

        await self._store.write(job)
        self._wake.set()


def enqueue(session: Session, received: Sequence[Received]) -> None:
    """Put rows into the inbox in the caller's transaction; those whose identity is known already are dropped."""
    put_once(session, INBOX, [as_row(one) for one in received])


def unpark(session: Session, number: int, *, give_up: bool = False) -> bool:
    """Let a parked row be decided again (after its cause was mended), or give it up. False if there is none such."""
    values: dict[str, Any] = {"state": "done", "event": {}} if give_up else {"state": "waiting", "attempts": 0}
    parked = col(InboxRow.id) == number, col(InboxRow.state) == "parked"
    done = session.execute(update(INBOX).where(*parked).values(**values, not_before=None, problem=None))
    return bool(done.rowcount)  # type: ignore[attr-defined]


def as_row(received: Received) -> dict[str, Any]:
    """The columns of an inbox row for what was received.

    Characters that no database takes (NUL, halves of a surrogate pair) become U+FFFD: otherwise one message of a
    stranger would keep everything behind it from being admitted.
    """
    return {
        "service": received.service,
        "tenant": received.tenant,
        "key": _storable(received.key),
        "conversation": _storable(received.conversation),
        "at": received.at,
        "event": _storable(received.event.model_dump(mode="json")),
        "state": "locked" if isinstance(received.event, Locked) else "waiting",
        "attempts": 0,
    }


def as_received(row: InboxRow) -> Received:
    """What a row holds. Raises ``pydantic.ValidationError`` if it is none of the events that we know."""
    names = ("service", "tenant", "key", "conversation", "at", "event")
    return Received.model_validate({name: getattr(row, name) for name in names})


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        whole = value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {_storable(name): _storable(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(part) for part in value]
    return value
