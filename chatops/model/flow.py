"""What is on its way in or out. Not part of the journalled state."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from chatops.model.base import Row, case_json, case_text, instant, json_column


class InboxRow(Row, table=True):
    """Something that was received and not lost since. ``state``: waiting, locked, done, parked.

    ``event`` is a :class:`chatops.ports.Event` as JSON; it is emptied when the row is settled.
    """

    __tablename__ = "inbox"
    __table_args__: ClassVar = (
        UniqueConstraint("service", "tenant", "key"),
        Index("ix_inbox_waiting", "state", "conversation", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    service: str
    tenant: str = ""
    key: str
    conversation: str
    at: datetime = instant(required=True)
    event: dict[str, Any] = case_json()
    state: str = "waiting"
    attempts: int = 0
    not_before: datetime | None = instant()
    problem: str | None = None


STUCK = ("dead", "refused")
"""The states of an effect that only a person gets out of."""


class OutboxRow(Row, table=True):
    """An effect to happen once. ``state``: waiting, attempted, done, dead, refused, skipped.

    ``key`` is the idempotency key. ``deed`` is a :class:`chatops.ports.Deed` as JSON, frozen once attempted. ``place``
    is ours; ``room`` overrides it where a place has no row (a shell session, whose one reader is ``audience``).
    ``step`` is what waits for it: a step of a case's plan (:func:`chatops.commands.plan.waits`). ``spared`` of the
    ``attempts`` do not count towards the most that are made. ``kind`` tells the gate what sort of message it is.
    ``event`` is the service's id of the message that came of it.
    """

    __tablename__ = "outbox"
    __table_args__: ClassVar = (
        Index("ix_outbox_conversation", "conversation", "state", "id"),
        Index("ix_outbox_state", "state", "service", "id"),
        Index("ix_outbox_event", "event"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    service: str
    tenant: str = ""
    place: str | None = Field(default=None, index=True)
    room: str | None = None
    audience: str | None = None
    conversation: str
    kind: str = "message"
    tlp: int = 0
    case: str | None = Field(default=None, index=True)
    step: str | None = Field(default=None, index=True)
    deed: dict[str, Any] = case_json()
    state: str = "waiting"
    attempts: int = 0
    spared: int = 0
    lease_until: datetime | None = instant()
    not_before: datetime | None = instant()
    first_at: datetime | None = instant()
    made_at: datetime = instant(required=True)
    done_at: datetime | None = instant()
    event: str | None = None
    problem: str | None = None


class Original(Row, table=True):
    """A letter as it came, kept for good: ``id`` is its SHA-256, ``text`` all of it in base64, ``event`` its
    Message-ID.
    """

    id: str = Field(primary_key=True)
    case: str | None = Field(default=None, index=True)
    event: str
    text: str = case_text()


class BoardRow(Row, table=True):
    """The one message of a place that is kept up to date. ``key`` is the effect that said it; ``shown`` is a digest of
    what it shows, or soon will.
    """

    __tablename__ = "board"

    place: str = Field(primary_key=True)
    key: str
    shown: str


class TimerRow(Row, table=True):
    """Something to look at again at ``due``. ``key`` names it, so that setting it anew moves it."""

    __tablename__ = "timer"

    key: str = Field(primary_key=True)
    due: datetime = instant(required=True, index=True)
    kind: str
    case: str | None = Field(default=None, index=True)
    data: dict[str, Any] = json_column()
    fired: bool = False


class Cursor(Row, table=True):
    """How far an adapter has read (a Matrix sync token)."""

    name: str = Field(primary_key=True)
    value: str
