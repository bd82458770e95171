"""Real peers for tests: a homeserver, people in it, databases. A peer that cannot start fails the test; none skips."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from adapters.stage.person import Person
from adapters.stage.synapse import Synapse
from tests.postgres import Postgres, running

People = Callable[[str], Awaitable[Person]]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A command line that is run in a test sets the logs up; the next test is to hear everything again."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def synapse(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Synapse]:
    """A homeserver, one for each pytest worker. A test that stops or restarts one makes its own."""
    server = Synapse(tmp_path_factory.mktemp("synapse"), for_bots=True)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def people(synapse: Synapse, tmp_path: Path) -> AsyncIterator[People]:
    """Makes persons: ``alice = await people("alice")``. Their user ids are new in every test."""
    arrived: list[Person] = []

    async def arrive(name: str) -> Person:
        localpart = f"{name}-{secrets.token_hex(3)}"
        person = await Person.arrive(synapse, localpart, tmp_path / "people" / localpart)
        arrived.append(person)
        return person

    yield arrive
    await asyncio.gather(*(person.close() for person in arrived))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    with running() as server:
        yield server


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    with postgres_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database; the test runs once for each kind."""
    if request.param == "postgres":
        url: str = request.getfixturevalue("postgres")
        return url
    return f"sqlite:///{tmp_path / 'chatops.db'}"
