"""The general release with a security advisory on GitHub: made once, or out of the private report that it was."""

from __future__ import annotations

import pytest

from chatops.plain import plain_text
from chatops.ports import Filed
from chatops.service.reminders import REPORTS
from tests.decisions.test_plan import confirmed, steps
from tests.decisions.test_release_host import due
from tests.house import REPORT as REPORT_TEXT
from tests.house import TERMS, House, code_in, prepared, privately_released, with_roster

REPORT = {
    "id": "GHSA-abcd-efgh-ijkm",
    "url": "https://github.com/dynasched/dynasched/security/advisories/GHSA-abcd-efgh-ijkm",
    "sender": "a-finder",
    "title": "Queue overflow",
    "text": "I found a hole in the queue.",
}


def _house() -> House:
    house = with_roster(House(github=True))
    house.set_section("github", advisories=True)
    house.room("public")
    return house


def _released() -> House:
    house = _house()
    privately_released(house)
    house.host.tags["v1.0.1"] = "1" * 40
    return house


RELEASED = prepared(_released)


@pytest.fixture
def house() -> House:
    """A private release of a project that wants its advisories on GitHub, too; its tag is pushed."""
    return RELEASED()


def test_the_advisory_is_published_before_the_public_rooms_are_told(house: House) -> None:
    card = house.say("maintainer", "security", f"announce {house.case} A crafted job name overflows the queue.")
    assert card is not None
    assert "On GitHub: the advisory is published" in plain_text(card)
    assert house.host.ghsa == []
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    [deed] = house.host.ghsa
    assert deed.advisory["description"].count("A crafted job name overflows the queue.") == 1
    assert (deed.mark, deed.report) == (f"Advisory {house.case}", None)
    assert deed.mark in deed.advisory["description"].splitlines()
    assert steps(house)["ghsa"] == "done"
    said = [one.what for one in house.journal(house.case)]
    assert said.index("advisory on GitHub") < said.index("general release")
    assert house.journal_is_good()


def test_a_failure_waits_for_a_person_and_the_case_may_be_public_by_then(house: House) -> None:
    perform = house.host.perform

    def broken(effect):  # type: ignore[no-untyped-def]
        if effect.deed.t == "publish-advisory":
            house.host.problem = "not-valid"
        try:
            return perform(effect)
        finally:
            house.host.problem = None

    house.host.perform = broken  # type: ignore[method-assign]
    confirmed(house)
    assert steps(house)["ghsa"] == "failed"
    assert house.seen_in("public") == []
    refused = house.say("maintainer", "security", f"step {house.case} stop all Not now.")
    assert refused is not None
    assert "may be, public on GitHub" in refused.title
    house.host.perform = perform  # type: ignore[method-assign]
    house.say("maintainer", "security", f"step {house.case} skip ghsa I write it by hand.")
    assert len(house.seen_in("public")) == 1


def test_a_private_report_becomes_the_advisory_and_its_reporter_is_credited() -> None:
    house = _house()
    house.host.reports = [REPORT]
    due(house, REPORTS)
    case = house.case
    house.say("maintainer", "security", f"triage {case} Queue overflow severity={TERMS}")
    house.host.stage("1.0.1")
    house.host.tags["v1.0.1"] = "1" * 40
    house.say("maintainer", "security", f"private-release {case} 1.0.1")
    card = house.say("maintainer", "security", f"announce {case} A crafted job name overflows the queue.")
    assert card is not None
    assert "GHSA-abcd-efgh-ijkm, the private report, becomes the advisory" in plain_text(card)
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    [deed] = house.host.ghsa
    assert deed.report == "GHSA-abcd-efgh-ijkm"
    assert "I found a hole" not in deed.model_dump_json()
    assert "credits" not in deed.advisory  # they did not say that they wish to be


def test_a_correction_reaches_it(house: House) -> None:
    confirmed(house)
    card = house.say(
        "maintainer", "security", f"amend {house.case} affected=<1.0.1 Releases before 1.0.1 are affected."
    )
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    assert [one.advisory["vulnerabilities"][0]["vulnerable_version_range"] for one in house.host.ghsa] == [
        None,
        "< 1.0.1",
    ]


def test_it_is_off_unless_the_project_wants_it(house: House) -> None:
    house.set_section("github", advisories=False)
    confirmed(house)
    assert "ghsa" not in steps(house)
    assert house.host.ghsa == []


def test_a_report_that_is_delivered_and_read_as_well_is_one_case() -> None:
    house = _house()
    told = Filed(site="github", **REPORT)
    house.receive("reports", told, service="github", key=told.id)
    case = house.case
    assert "a-finder on GitHub" in house.last("security").text
    assert "I found a hole in the queue." in house.last("security").text
    house.host.reports = [REPORT]
    due(house, REPORTS)
    house.receive("reports", told, service="github", key=told.id)  # GitHub delivers it again
    assert house.cases() == [case]
    assert house.journal_is_good()


def test_a_report_that_was_read_before_is_not_opened_again_by_its_delivery() -> None:
    house = _house()
    house.host.reports = [REPORT]
    due(house, REPORTS)
    told = Filed(site="github", **REPORT)
    house.receive("reports", told, service="github", key=told.id)
    assert len(house.cases()) == 1


# --- a CVE id by its draft -----------------------------------------------------------------------------------------


def asked(house: House, text: str = "cve=github") -> str:
    answer = house.say("maintainer", "security", f"advisory {house.case} {text}")
    assert answer is not None
    return answer.title


@pytest.fixture
def written(house: House) -> House:
    """The same, with words for the public."""
    asked(house, "A crafted job name overflows the queue.")
    return house


def test_github_is_asked_for_an_id_and_looked_at_until_it_gives_one(written: House) -> None:
    house = written
    assert asked(house).startswith(f"{house.case}: GitHub is asked for a CVE id")
    house.wait(hours=3)
    assert [one.asked for one in house.host.asked] == [False, True, True, True]
    house.host.cve = "CVE-2026-4242"
    house.wait(hours=1)
    assert house.file(house.case).case.cve == "CVE-2026-4242"
    assert "CVE-2026-4242 is what GitHub gave us" in house.last("security", kind="cve").document.title
    assert "CVE-2026-4242" in house.last(house.case, kind="pack").text
    looks = len(house.host.asked)
    house.wait(hours=3)
    assert len(house.host.asked) == looks
    assert house.journal_is_good()


def test_github_is_asked_with_the_words_for_the_public_alone(house: House) -> None:
    assert "GitHub reads the advisory before it gives an id" in asked(house)
    house.say("maintainer", "security", f"advisory {house.case} cve=github A crafted job name overflows the queue.")
    [request] = house.host.asked
    assert "A crafted job name overflows the queue." in request.advisory["description"]
    assert REPORT_TEXT not in request.model_dump_json()
    assert "advisory drafted on GitHub" in [one.what for one in house.journal(house.case)]


def test_what_github_refuses_is_told_and_asked_again(written: House) -> None:
    house = written
    house.host.problem = "forbidden"
    assert "GitHub could not be asked for a CVE id: the bot's token may not do that" in asked(house)
    house.host.problem = None
    assert "GitHub is asked for a CVE id" in asked(house)


def test_an_id_that_comes_after_the_announcement_is_told_to_the_team(written: House) -> None:
    house = written
    asked(house)
    confirmed(house)
    house.host.cve = "CVE-2026-4242"
    house.wait(hours=1)
    card = house.last("security", kind="cve").text
    assert f"amend {house.case} cve=CVE-2026-4242" in card
    assert house.file(house.case).case.cve is None
    house.host.asked.clear()
    house.wait(hours=3)
    assert house.host.asked == []


def test_where_advisories_are_not_on_github_it_is_not_asked(house: House) -> None:
    house.set_section("github", advisories=False)
    assert "our advisories are not on GitHub" in asked(house)
