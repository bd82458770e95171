"""The common base of all tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from chatops.model.types import CaseJson, CaseText, Instant, Json


class Row(SQLModel):
    """A row whose ``repr`` shows its key only: a traceback or a log must never bear text of a case."""

    def __repr__(self) -> str:
        keys = [column.name for column in self.__table__.primary_key]  # type: ignore[attr-defined]
        return f"<{type(self).__name__} {'/'.join(str(self.__dict__.get(key)) for key in keys)}>"

    __str__ = __repr__


def case_text(**rest: Any) -> Any:
    """A column for text of a case; ``None`` unless given."""
    return Field(default=None, sa_column=Column(CaseText, nullable=True, **rest))


def case_json(**rest: Any) -> Any:
    return Field(default=None, sa_column=Column(CaseJson, nullable=True, **rest))


def json_column(default: Any = None) -> Any:
    return Field(default=default, sa_column=Column(Json, nullable=True))


def instant(*, index: bool = False, required: bool = False) -> Any:
    if required:
        return Field(sa_column=Column(Instant, nullable=False, index=index))
    return Field(default=None, sa_column=Column(Instant, nullable=True, index=index))


__all__ = ["Row", "case_json", "case_text", "datetime", "instant", "json_column"]
