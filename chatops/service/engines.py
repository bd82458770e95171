"""Database engines: how a connection to SQLite or PostgreSQL is opened, begun and kept durable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

BUSY_SECONDS = 10
"""How long a statement waits for a lock that somebody else holds (a backup, another process) before it fails."""

_CONTENDED = frozenset({"40001", "40P01", "55P03"})  # serialisation failure, deadlock, lock timeout


def database_file(url: str | URL) -> Path | None:
    """The file behind an SQLite URL; None for PostgreSQL. Raises ValueError for what is neither."""
    made = make_url(url)
    backend = made.get_backend_name()
    if backend == "sqlite":
        if not made.database or made.database == ":memory:" or made.query:
            raise ValueError("the database must be a plain file: sqlite:////path/to/file")
        return Path(made.database)
    if backend == "postgresql" and made.get_driver_name() == "psycopg":
        return None
    raise ValueError("the database URL must begin with sqlite:/// or postgresql+psycopg://")


def write_engine(url: str | URL, *, connections: int = 1) -> Engine:
    """An engine whose transactions may write."""
    if database_file(url) is None:
        return _postgres(url, connections)
    return _sqlite(url, connections, begin="BEGIN IMMEDIATE")


def read_engine(url: str | URL, *, connections: int) -> Engine:
    """An engine whose transactions see one snapshot each and cannot write."""
    if database_file(url) is None:
        engine = _postgres(url, connections)
        return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return _sqlite(url, connections, begin="BEGIN", query_only=True)


def contended(error: BaseException) -> bool:
    """Whether a statement lost against another writer, so that the same work may succeed in a new transaction."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _CONTENDED


def _postgres(url: str | URL, connections: int) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": f"-c lock_timeout={BUSY_SECONDS}s -c timezone=UTC -c synchronous_commit=on"},
    )


def _sqlite(url: str | URL, connections: int, *, begin: str, query_only: bool = False) -> Engine:
    file = database_file(url)
    assert file is not None
    touch_private(file)
    pool: dict[str, Any] = {"pool_size": connections, "max_overflow": 0} if connections else {"poolclass": NullPool}
    engine = create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        **pool,
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, record: Any) -> None:
        # The driver's own transaction handling begins late and never for DDL; we say BEGIN ourselves, below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # a purged text leaves no copy in free pages
        if query_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine


def touch_private(file: Path) -> None:
    """Make a file, if there is none, that only its owner may read (SQLite gives its side files the same mode)."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
