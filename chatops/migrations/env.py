"""How Alembic runs our migrations: on the connection that :mod:`chatops.service.schema` hands it, all or nothing."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, DateTime, String, Text
from sqlalchemy.types import TypeDecorator

from chatops.service.schema import metadata


def portable(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Our column types as the plain ones that they are on disk: a migration outlives the code of its time."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    match item.impl_instance:
        case Text():
            return "sa.Text()"
        case DateTime():
            return "sa.DateTime(timezone=True)"
        case String():
            return "sa.String()"
    raise TypeError(type(item).__name__)


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        render_item=portable,
        render_as_batch=True,  # SQLite alters a table by making it anew
        transactional_ddl=True,
        transaction_per_migration=False,
    )
    context.run_migrations()


run(context.config.attributes["connection"])
