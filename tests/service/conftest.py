from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatops.service import schema
from chatops.service.store import Store
from tests.service.kit import Clock, Faults


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with an empty schema; the test runs on both databases."""
    with Store(database_url) as made:
        schema.upgrade(database_url)
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def faults() -> Faults:
    return Faults()
