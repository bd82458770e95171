"""CVE ids of the project's own: reserved once, found again when an answer was lost, never guessed among several."""

from __future__ import annotations

import pytest
from cvelib.cve_api import CveRecord

from adapters.stage.cve_services import ORG_ID
from chatops.document import Document
from chatops.plain import plain_text
from chatops.ports import Impossible, ReserveCve, TryLater
from tests.decisions.test_plan import confirmed, steps
from tests.house import (
    TERMS,
    House,
    code_in,
    embargoed,
    prepared,
    privately_released,
    reported,
    with_members,
    with_roster,
)

HOUSE = prepared(lambda: with_roster(House(cve=True)))


def _embargoed() -> House:
    house = HOUSE()
    embargoed(house)
    return house


EMBARGOED = prepared(_embargoed)


@pytest.fixture
def house() -> House:
    """A case under embargo, of a project that assigns its CVE ids itself."""
    return EMBARGOED()


def ask(house: House, text: str = "cve=reserve", *, who: str = "maintainer", case: str | None = None) -> Document:
    answer = house.say(who, "security", f"advisory {case or house.case} {text}")
    assert answer is not None
    return answer


def test_an_id_is_reserved_recorded_and_told_in_place(house: House) -> None:
    answer = ask(house)
    assert answer.title == f"{house.case}: CVE-2026-1000 is reserved"  # the answer itself, edited
    assert house.file(house.case).case.cve == "CVE-2026-1000"
    assert "CVE-2026-1000" in house.last("security", kind="pack").text
    assert "CVE id reserved" in [one.what for one in house.journal(house.case)]
    assert "CVE-2026-1000" in plain_text(ask(house, ""))
    assert house.journal_is_good()


def test_members_get_it_with_the_pack() -> None:
    house = HOUSE()
    case = with_members(house)
    ask(house)
    assert "CVE-2026-1000" in house.last(case, kind="pack").text


def test_nothing_of_the_case_leaves(house: House) -> None:
    ask(house, "cve=reserve affected=<1.0.1 A crafted job name overflows the queue.")
    [effect] = house.cves.done
    assert isinstance(effect.deed, ReserveCve)
    told = effect.deed.model_dump(exclude={"by", "progress"})
    assert told == {"t": "reserve-cve", "year": 2026, "since": None}
    assert "A crafted job name" in plain_text(ask(house, ""))  # the rest of the line was not forgotten


def test_with_other_words_the_card_is_the_answer_and_the_reservation_stands_beside_it(house: House) -> None:
    ask(house, "cve=reserve cwe=787")
    assert house.file(house.case).case.cve == "CVE-2026-1000"
    assert f"{house.case}: CVE-2026-1000 is reserved" in [one.document.title for one in house.seen_in("security")]


def test_one_that_is_known_is_recorded_as_before(house: House) -> None:
    assert "CVE-2026-4242" in plain_text(ask(house, "cve=cve-2026-4242"))
    assert house.file(house.case).case.cve == "CVE-2026-4242"
    assert ask(house).title == f"{house.case} has CVE-2026-4242; for another: advisory {house.case} cve=CVE-ID"
    assert house.cves.done == []


def test_the_draft_offers_it_where_it_can_be_had(house: House) -> None:
    commands = {action.command for action in ask(house, "").actions}
    assert f"advisory {house.case} cve=reserve" in commands
    ask(house)
    assert f"advisory {house.case} cve=reserve" not in {action.command for action in ask(house, "").actions}


def test_without_an_account_nothing_is_asked() -> None:
    house = with_roster(House())
    embargoed(house)
    assert "no account at CVE Services" in ask(house).title
    assert house.stuck() == []
    assert "cve=reserve" not in str([action.command for action in ask(house, "").actions])


def test_an_expert_and_an_untriaged_case_get_none(house: House) -> None:
    house.say("maintainer", "security", f"team {house.case} add debian")
    answer = house.direct("debian", f"advisory {house.case} cve=reserve")
    assert answer is not None
    assert answer.title == "a coordinator gets CVE ids; ask one"
    fresh = reported(house)
    assert ask(house, case=fresh).title == f"{fresh} is not triaged yet; first: triage {fresh}"
    assert house.cves.done == []


def test_a_second_request_waits_for_the_first(house: House) -> None:
    house.cves.problems = [TryLater("503")]
    ask(house)
    assert ask(house, who="maintainer-2").title == f"a CVE id for {house.case} is being reserved already"
    house.wait(minutes=5)
    assert house.cves.reserved == ["CVE-2026-1000"]


def test_one_that_was_reserved_though_nobody_heard_is_found_again(house: House) -> None:
    house.cves.problems = [TryLater("connection")]
    house.cves.perhaps = ["CVE-2026-7777"]
    ask(house)
    house.wait(minutes=5)
    assert house.cves.reserved == []
    assert house.file(house.case).case.cve == "CVE-2026-7777"
    assert house.last("security", kind="cve").document.title == (
        f"{house.case}: CVE-2026-7777 was reserved when I last tried; it is on record now"
    )


def test_what_another_case_has_was_not_meant_for_this_one(house: House) -> None:
    first = house.case
    ask(house, "cve=CVE-2026-7777")
    second = embargoed(house)
    house.cves.problems = [TryLater("timeout")]
    house.cves.perhaps = ["CVE-2026-7777"]
    ask(house, case=second)
    house.wait(minutes=5)
    assert (house.file(first).case.cve, house.file(second).case.cve) == ("CVE-2026-7777", "CVE-2026-1000")


def test_among_several_a_coordinator_says_which(house: House) -> None:
    house.cves.problems = [TryLater("timeout")]
    house.cves.perhaps = ["CVE-2026-7777", "CVE-2026-7778"]
    ask(house)
    house.wait(minutes=5)
    card = house.last("security", kind="cve").text
    assert f"advisory {house.case} cve=CVE-2026-7778" in card
    assert house.file(house.case).case.cve is None
    assert house.cves.reserved == []
    # None of them, a coordinator finds: another is reserved, without looking for the lost one once more.
    ask(house)
    assert house.file(house.case).case.cve == "CVE-2026-1000"


@pytest.mark.parametrize("given_up", [False, True])
def test_after_a_failure_for_good_the_next_request_looks_for_what_may_have_been_reserved(
    house: House, given_up: bool
) -> None:
    house.cves.problems = [TryLater("timeout"), Impossible("cve-key-refused")]
    ask(house)
    house.wait(minutes=5)
    card = house.last("security", kind="cve")
    assert "CVE Services refuses the bot's key" in card.document.title
    [dead] = house.stuck()
    if given_up:
        house.say("maintainer", "security", f"stuck skip {dead.key[:8]}")
    house.cves.perhaps = ["CVE-2026-7777"]
    ask(house)
    assert house.file(house.case).case.cve == "CVE-2026-7777"
    assert [one.state for one in house.stuck()] == ["skipped"]  # nobody can have it tried a second time
    assert house.journal_is_good()


def test_an_id_that_comes_too_late_is_told_and_not_put_on_record(house: House) -> None:
    house.cves.problems = [TryLater("503")]
    ask(house)
    ask(house, "cve=CVE-2026-4242")
    house.wait(minutes=5)
    card = house.last("security", kind="cve").text
    assert "it has CVE-2026-4242" in card
    assert "CVE-2026-1000" in card
    assert house.file(house.case).case.cve == "CVE-2026-4242"


def test_in_a_drill_nobody_is_asked() -> None:
    house = HOUSE()
    house.say("maintainer", "security", "drill A hole in the plugin")
    house.say("maintainer", "security", f"triage {house.case} severity={TERMS}")
    house.say("maintainer", "security", f"advisory {house.case} cve=reserve")
    assert "here CVE Services would be asked: reserve-cve" in " ".join(
        one.document.title for one in house.seen_in("security")
    )
    assert house.cves.done == []


# --- the record ----------------------------------------------------------------------------------------------------


def _released() -> House:
    house = HOUSE()
    privately_released(house)
    ask(house)
    house.room("public")
    return house


RELEASED = prepared(_released)


@pytest.fixture
def released() -> House:
    """A private release of a case with a reserved id; a public room."""
    return RELEASED()


def test_the_record_is_published_after_the_public_was_told(released: House) -> None:
    house = released
    card = house.say("maintainer", "security", f"announce {house.case} A crafted job name overflows the queue.")
    assert card is not None
    assert "CVE-2026-1000, published at CVE Services" in plain_text(card)
    assert house.cves.published == {}
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    record = house.cves.published["CVE-2026-1000"]
    assert record["descriptions"][0]["value"] == "A crafted job name overflows the queue."
    CveRecord.validate({**record, "providerMetadata": {"orgId": ORG_ID}})
    assert steps(house)["cve"] == "done"
    assert house.journal_is_good()


def test_a_record_that_fails_holds_nothing_else_up(released: House) -> None:
    house = released
    house.cves.problems = [Impossible("cve-of-another")]
    confirmed(house)
    assert [name for name, state in steps(house).items() if state != "done"] == ["cve"]
    card = house.last("security", kind="announcement")
    assert "that CVE id is another organisation's" in card.text
    house.react("maintainer", card, "🔁")
    assert "CVE-2026-1000" in house.cves.published
    assert steps(house)["cve"] == "done"
    house.cves.problems = [Impossible("cve-forbidden")]
    _amended(house, "severity=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H It takes no account.")
    assert "the record of CVE-2026-1000 could not be corrected" in house.last("security", kind="cve").text


def test_a_correction_reaches_the_record(released: House) -> None:
    house = released
    confirmed(house)
    _amended(house, "affected=<1.0.1 Releases before 1.0.1 are affected.")
    assert house.cves.published["CVE-2026-1000"]["affected"][0]["versions"][0]["lessThan"] == "1.0.1"


def test_where_records_are_published_by_hand_there_is_no_such_step(released: House) -> None:
    house = released
    house.set_section("cve", publish=False)
    confirmed(house)
    assert "cve" not in steps(house)
    assert house.cves.published == {}


def _amended(house: House, text: str) -> None:
    card = house.say("maintainer", "security", f"amend {house.case} {text}")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
