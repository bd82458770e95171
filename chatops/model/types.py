"""Column types: aware UTC instants, JSON, and the one type for text of a case.

All text of a case, in whatever table, passes :func:`seal` on its way to disk and :func:`unseal` on its way back, so
that sealing it at rest is a change in one place.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator


def seal(text: str) -> str:
    """What is stored for a text of a case. Today the text itself."""
    return text


def unseal(stored: str) -> str:
    return stored


class CaseText(TypeDecorator[str]):
    """Text that is embargoed until the general release."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else seal(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else unseal(str(value))


class CaseJson(TypeDecorator[Any]):
    """JSON that may bear text of a case (a message received, a card to send)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else seal(json.dumps(value, ensure_ascii=False, separators=(",", ":")))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(unseal(str(value)))


class Json(TypeDecorator[Any]):
    """JSON without text of a case."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(str(value))


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; naive values are refused, other zones converted."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None if dialect.name == "sqlite" else UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
