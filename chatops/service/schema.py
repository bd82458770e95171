"""The schema: brought up to date by migrations, compared with the models, refused where it is newer than the code."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text
from sqlmodel import SQLModel

from chatops.model import cases, flow, journal, people, releases
from chatops.service.engines import write_engine

_MODELS = (cases, flow, journal, people, releases)
_ADVISORY_LOCK = 0x63686174  # any constant: two processes do not migrate at once

log = logging.getLogger(__name__)


class NewerSchema(Exception):
    """The database was written by a newer version of this program."""


def metadata() -> MetaData:
    """All tables, with every module of the model imported."""
    assert _MODELS
    return SQLModel.metadata


def upgrade(url: str) -> None:
    """Bring a database (an empty one too) to the schema of this version, all of it or nothing.

    On SQLite open the store first: it holds the lock that keeps other processes out. Raises :class:`NewerSchema`.
    """
    with _connected(url) as connection:
        config = _config(connection)
        before = _revision(config, connection)
        head = ScriptDirectory.from_config(config).get_current_head()
        if before != head:
            command.upgrade(config, "head")
            log.info("schema: %s -> %s", before or "empty", head)


def check(url: str) -> list[str]:
    """What differs between the models and a database, in words; empty if nothing does. Raises :class:`NewerSchema`."""
    with _connected(url) as connection:
        config = _config(connection)
        current = _revision(config, connection)
        head = ScriptDirectory.from_config(config).get_current_head()
        found = [] if current == head else [f"revision {current or 'none'}, not {head}"]
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return found + [words for step in compare_metadata(context, metadata()) for words in _words(step)]


def draft(url: str, message: str) -> str:
    """For developers: write a migration for what the models have and the (scratch, upgraded) database has not.

    Returns the path of the new file, to be read and put right by hand.
    """
    with _connected(url) as connection:
        made = command.revision(_config(connection), message=message, autogenerate=True)
    if made is None or isinstance(made, list):
        raise RuntimeError("no single migration was written")
    return str(made.path)


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    engine = write_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "chatops:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(config: Config, connection: Connection) -> str | None:
    """The revision that the database is at; None if it is empty."""
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    heads = MigrationContext.configure(connection).get_current_heads()
    if unknown := set(heads) - known:
        raise NewerSchema(
            f"the database has schema {', '.join(sorted(unknown))}, which this version does not know: "
            "start the version that wrote it, or restore a backup from before it ran"
        )
    return heads[0] if heads else None


def _words(step: Any) -> Iterator[str]:
    """One step of Alembic's comparison: a tuple, or a list of them for the changes to one column."""
    if isinstance(step, list):
        for one in step:
            yield from _words(one)
        return
    kind, *rest = step
    names = [name for part in rest if (name := part if isinstance(part, str) else getattr(part, "name", None))]
    table = getattr(rest[0], "table", None)
    if table is not None:
        names.insert(0, table.name)
    yield " ".join([kind.replace("_", " "), *names])
