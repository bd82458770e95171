from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.house import House, embargoed, prepared, privately_released, reported, with_members, with_roster


def _then(before: Callable[[], House], play: Callable[[House], str]) -> Callable[[], House]:
    def make() -> House:
        house = before()
        play(house)
        return house

    return prepared(make)


ROSTER = prepared(lambda: with_roster(House()))
REPORTED = _then(ROSTER, reported)
EMBARGOED = _then(ROSTER, embargoed)
MEMBERS = _then(ROSTER, with_members)
RELEASED = _then(ROSTER, privately_released)


@pytest.fixture
def house() -> House:
    """Coordinators and three packagers on the roster; no case."""
    return ROSTER()


@pytest.fixture
def reported_house() -> House:
    """A stranger, finder, has reported."""
    return REPORTED()


@pytest.fixture
def embargoed_house() -> House:
    """The report is triaged; its embargo is in force; nobody is told yet."""
    return EMBARGOED()


@pytest.fixture
def members_house() -> House:
    """debian (standing terms) and fedora are members; suse has not answered."""
    return MEMBERS()


@pytest.fixture
def released_house() -> House:
    """The private release 1.0.1 is with the members and the reporter."""
    return RELEASED()
