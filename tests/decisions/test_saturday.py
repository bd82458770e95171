"""The Saturday report: one coordinator is awake, a stranger writes, and the first hour takes four commands."""

from __future__ import annotations

import pytest

from chatops.document import Document
from chatops.model.machines import Embargo, Report
from tests.house import REPORT, TERMS, House, address

SATURDAY = {"days": 5, "hours": 14}  # after a Monday, nine o'clock

STEPS = {
    "triage": f"triage {{case}} Job queue overflow severity={TERMS}",
    "roster": "contacts add expert roles=expert address=matrix:@expert:example.org",
    "team": "team {case} add expert",
    "word": "tell {case} We can reproduce it; more on Monday.",
}


def _night() -> House:
    house = House(coordinators=("maintainer",))
    house.wait(**SATURDAY)
    receipt = house.direct("finder", f"report {REPORT}")
    assert receipt is not None
    assert receipt.kind == "receipt"
    return house


def _type(house: House, *steps: str) -> list[Document]:
    cards = [house.say("maintainer", "security", STEPS[step].format(case=house.case)) for step in steps]
    assert all(card is not None and card.kind != "refusal" for card in cards), cards
    return [card for card in cards if card is not None]


ORDERS = (tuple(STEPS), ("roster", "team", "word", "triage"))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_four_commands_in_whatever_order_they_come_to_mind(order: tuple[str, ...]) -> None:
    house = _night()
    _type(house, *order)
    file = house.file(house.case)
    case = file.case
    assert file.name(case.owner) == "maintainer"
    assert (case.report, case.embargo, case.band) == (Report.ACCEPTED, Embargo.ACTIVE, "high")
    assert [file.name(one) for one in file.experts()] == ["expert"]
    assert REPORT in "\n".join(seen.text for seen in house.seen_by("expert"))
    heard = [seen for seen in house.seen_by("finder") if seen.room == house.room("direct", "finder")]
    assert "Who looks after it: maintainer" in [seen for seen in heard if seen.document.kind == "progress"][-1].text
    assert "We can reproduce it; more on Monday." in "\n".join(seen.text for seen in heard)
    assert house.journal_is_good()


def test_whoever_triages_what_nobody_owns_owns_it_and_the_reporter_hears_their_name() -> None:
    house = _night()
    _type(house, "triage")
    assert "Who looks after it: maintainer" in house.last("direct", "finder", kind="progress").text
    assert "Owner: maintainer" in house.last("security").text
    assert [entry.told["facts"]["owner"] for entry in house.journal(house.case) if entry.what == "triaged"] == [
        "maintainer"
    ]


def test_who_owns_a_case_keeps_it_when_another_triages() -> None:
    house = House()
    house.direct("finder", f"report {REPORT}")
    house.say("maintainer-2", "security", f"own {house.case}")
    house.say("maintainer", "security", f"triage {house.case} Job queue overflow")
    assert house.file(house.case).name(house.file(house.case).case.owner) == "maintainer-2"


def test_nobody_else_saw_a_word_of_it() -> None:
    house = _night()
    _type(house, *STEPS)
    readers = {reader for seen in house.chat.seen if REPORT in seen.text for reader in seen.readers}
    assert readers == {address("maintainer"), address("expert")}
