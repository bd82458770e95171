from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from chatops.service import schema
from chatops.service.store import Store
from tests.postgres import Postgres
from tests.service.kit import Clock, Faults

FILLED = frozenset({"store", "single"})
"""Fixtures that want a database with the schema in it: it is migrated once, and copied for each test."""


@pytest.fixture(scope="session")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("filled") / "chatops.db"
    schema.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def filled_database(postgres_server: Postgres) -> Iterator[str]:
    with postgres_server.database() as url:
        schema.upgrade(url)
        name = make_url(url).database
        assert name is not None
        yield name


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database, empty or filled; the test runs once for each kind."""
    filled = not FILLED.isdisjoint(request.fixturenames)
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres_server")
        like = (request.getfixturevalue("filled_database"),) if filled else ()
        with server.database(*like) as url:
            yield url
        return
    file = tmp_path / "chatops.db"
    if filled:
        shutil.copy(request.getfixturevalue("filled_file"), file)
    yield f"sqlite:///{file}"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with an empty schema; the test runs on both databases."""
    with Store(database_url) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults() -> Faults:
    return Faults()
