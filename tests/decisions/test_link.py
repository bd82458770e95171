"""Another account of somebody on the roster, by a one-time code typed from it."""

from __future__ import annotations

import re

import pytest

from chatops.plain import plain_text
from tests.decisions.test_roster import addresses, team
from tests.house import House, embargoed, prepared, with_roster

a_house = prepared(lambda: with_roster(House(stranger_messages_per_hour=20)))
UNKNOWN = "that code is not good, or not any more"


@pytest.fixture
def house() -> House:
    return a_house()


def said(house: House, who: str, text: str) -> str:
    answer = house.direct(who, text)
    assert answer is not None
    return plain_text(answer)


def code(text: str) -> str:
    found = re.search(r"link ([2-9A-Z]{4}(?:-[2-9A-Z]{4}){2})", text)
    assert found, text
    return found[1]


def test_the_other_account_counts_as_the_same_person(house: House) -> None:
    given = code(said(house, "debian", "link"))
    assert "this account is debian's now" in said(house, "debian-laptop", f"link {given.lower()}")
    assert addresses(house, "debian") == ["matrix:@debian:example.org", "matrix:@debian-laptop:example.org"]
    assert "counts as you from now on" in house.last("direct", "debian").text
    assert "debian added another account: matrix:@debian-laptop:example.org" in house.last("security", kind="link").text
    case = embargoed(house)
    team(house, f"invite {case} debian")
    assert case in said(house, "debian-laptop", "cases")
    assert house.journal_is_good()


def test_a_code_is_good_once_and_for_half_an_hour_and_the_newest_only(house: House) -> None:
    old = code(said(house, "debian", "link"))
    newer = code(said(house, "debian", "link"))
    assert UNKNOWN in said(house, "laptop", f"link {old}")
    assert "this account is known as yours already" in said(house, "debian", f"link {newer}")
    assert "debian's now" in said(house, "laptop", f"link {newer}")
    assert UNKNOWN in said(house, "phone", f"link {newer}")
    late = code(said(house, "debian", "link"))
    house.wait(minutes=31)
    assert UNKNOWN in said(house, "phone", f"link {late}")
    assert len(addresses(house, "debian")) == 2


def test_a_coordinator_has_a_code_sent_and_does_not_see_it(house: House) -> None:
    answer = team(house, "contacts link fedora")
    assert "fedora has a code" in answer
    given = code(house.last("direct", "fedora").text)
    assert given not in answer
    assert "fedora's now" in said(house, "fedora-2", f"link {given}")
    assert "in the configuration" in team(house, "contacts link maintainer-2")


def test_a_stranger_learns_nothing_and_may_not_try_for_long(house: House) -> None:
    said(house, "debian", "link")
    answers = {said(house, "nobody", text) for text in ("link", "link AAAA-BBBB-CCCC", "link debian")}
    assert len(answers) == 1
    for _ in range(17):
        house.direct("nobody", "link 2222-2222-2222")
    assert house.direct("nobody", "link 2222-2222-2222") is not None  # one word that it is enough
    assert house.direct("nobody", "link 2222-2222-2222") is None


def test_nothing_keeps_the_code_itself_but_the_message_that_shows_it(house: House) -> None:
    given = code(said(house, "debian", "link")).replace("-", "")
    assert given not in repr(house.state())
    assert given not in repr([vars(entry) for entry in house.journal()])


def test_an_account_that_is_somebody_already_is_not_put_to_another(house: House) -> None:
    said(house, "finder", "report A crafted name overflows the queue.")
    given = code(said(house, "debian", "link"))
    for who in ("finder", "fedora"):
        assert "on record by itself already" in said(house, who, f"link {given}")
    assert UNKNOWN in said(house, "finder", "link")  # who only reported is not on the roster
    assert len(addresses(house, "debian")) == 1


def test_in_a_chat_without_encryption_nobody_is_anybody(house: House) -> None:
    given = code(said(house, "debian", "link"))
    room = house.open_direct("laptop", encrypted=False)
    answer = house.say("laptop", room, f"link {given}", bare=True)
    assert answer is not None
    assert "not encrypted" in answer.title
    assert len(addresses(house, "debian")) == 1
