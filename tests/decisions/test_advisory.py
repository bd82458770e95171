"""The advisory as it grows with the case: written by the team, read by the reporter, used by the announcement."""

from __future__ import annotations

import json

import pytest

from chatops.plain import plain_text
from tests.house import House, code_in, reported

ANSWERS = {
    "advisory {case} cwe=overflow": '"overflow" is no weakness; write it as in CWE-787 (see cwe.mitre.org)',
    "advisory {case} reference=ftp://example.org": (
        '"ftp://example.org" is no address on the web; write it as in https://example.org/page'
    ),
    "advisory {case} vulnerable=9.9": "no published release 9.9; published: none",
}


def test_it_is_written_bit_by_bit_and_says_what_is_missing(released_house: House) -> None:
    house = released_house
    empty = house.say("maintainer", "security", f"advisory {house.case}")
    assert empty is not None
    assert "Still missing" in plain_text(empty)
    house.say("maintainer", "security", f'advisory {house.case} affected="<1.0.1" cwe=787')
    card = house.say("maintainer-2", "security", f"advisory {house.case} zqwordsqz overflow the queue.")
    assert card is not None
    text = plain_text(card)
    assert "CWE-787 (Out-of-bounds Write)" in text
    assert "Affected: <1.0.1" in text
    assert "zqwordsqz overflow the queue." in text
    assert "a CVE id" in text
    assert "the kind of weakness" not in text
    assert house.journal_is_good()


@pytest.mark.parametrize("line", ANSWERS)
def test_what_cannot_be_gets_one_line_and_changes_nothing(released_house: House, line: str) -> None:
    house = released_house
    before = house.state()
    answer = house.say("maintainer", "security", line.format(case=house.case))
    assert answer is not None
    assert plain_text(answer).startswith(ANSWERS[line])
    assert house.state()["advisory"] == before["advisory"]


def test_the_announcement_says_what_the_advisory_says(released_house: House) -> None:
    house = released_house
    house.room("public")
    house.say("maintainer", "security", f"advisory {house.case} cwe=CWE-787 zqwordsqz overflow the queue.")
    card = house.say("maintainer", "security", f"announce {house.case}")
    assert card is not None
    assert "zqwordsqz" in plain_text(card)
    assert "The advisory lacks: " in plain_text(card)
    house.say("maintainer", "security", f"advisory {house.case} Other words.")
    answer = house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    assert answer is not None
    assert "has changed since" in answer.title, "what was confirmed is what goes out"
    again = house.say("maintainer", "security", f"announce {house.case}")
    assert again is not None
    house.say("maintainer-2", "security", f"confirm {code_in(again)}")
    said = house.last("public").text
    assert "Other words." in said
    assert "CWE-787" in said
    refused = house.say("maintainer", "security", f"advisory {house.case} Too late.")
    assert refused is not None
    assert "announced already" in refused.title


def test_the_reporter_reads_the_draft_and_finds_it_right_until_it_changes(released_house: House) -> None:
    house = released_house
    house.direct("finder", f"report {house.case} review=yes")
    card = house.say("maintainer", "security", f"advisory {house.case} First words.")
    assert card is not None
    assert "the reporter's review" in plain_text(card)
    house.say("maintainer", "security", f"advisory {house.case} to=reporter")
    draft = house.last("direct", "finder")
    assert "First words." in draft.text
    assert [action.command for action in draft.document.actions] == [f"approve {house.case}"]
    assert house.direct("debian", f"approve {house.case}") is not None
    assert "reporter" in plain_text(house.say("maintainer", "security", f"advisory {house.case}") or card)
    house.direct("finder", f"approve {house.case}")
    assert "finds it right" in house.last("security").text
    now = house.say("maintainer", "security", f"advisory {house.case}")
    assert now is not None
    assert "review" not in plain_text(now)
    changed = house.say("maintainer", "security", f"advisory {house.case} Second words.")
    assert changed is not None
    assert "what was changed since" in plain_text(changed)
    assert house.journal_is_good()


def test_in_the_embargo_room_nobody_reads_who_reported_it(released_house: House) -> None:
    house = released_house
    house.direct("finder", f"report {house.case} credit=zqcreditqz")
    inside = house.say("maintainer", "security", f"advisory {house.case}")
    assert inside is not None
    assert "zqcreditqz" in plain_text(inside)
    outside = house.say("maintainer", house.case, f"advisory {house.case}")
    assert outside is not None
    assert "zqcreditqz" not in plain_text(outside)


def test_a_correction_follows_in_answer_to_the_announcement_and_makes_a_new_revision(released_house: House) -> None:
    house = released_house
    house.set_section("advisories", folder="/site")
    house.room("public")
    early = house.say("maintainer", "security", f"amend {house.case} Too early.")
    assert early is not None
    assert "not announced yet" in early.title
    card = house.say("maintainer", "security", f"announce {house.case} First words.")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    announced = house.last("public", kind="announcement")
    right = house.say("maintainer", "security", f'amend {house.case} affected="<1.0.2" It is 1.0.2, not 1.0.1.')
    assert right is not None
    assert len(house.seen_in("public")) == 1, "two people say yes to it first"
    house.say("maintainer-2", "security", f"confirm {code_in(right)}")
    said = house.last("public", kind="correction")
    assert "It is 1.0.2, not 1.0.1." in said.text
    assert said.post.reply_to == announced.event
    told = json.loads(house.host.advisories[f"{house.case.lower()}.json"])["document"]["tracking"]
    assert told["version"] == "2"
    assert told["revision_history"][1]["summary"] == "It is 1.0.2, not 1.0.1."
    assert "<1.0.2" in house.host.advisories[f"{house.case.lower()}.md"].replace("\\", "")
    assert house.journal_is_good()


SLIPS = (
    "cwe=787, 79",
    "credit=Bob, Alice",
    "title=Job queue overflow",
    "severity=high is what we think",
    "affected = <1.0.1",
    "affected=< 1.0.1",
    "affected",
)


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_of_the_keyboard_does_not_become_what_the_public_reads(released_house: House, slip: str) -> None:
    house = released_house
    house.say("maintainer", "security", f"advisory {house.case} The real text for the public.")
    before = house.state()
    answer = house.say("maintainer", "security", f"advisory {house.case} {slip}")
    assert answer is not None
    assert answer.kind == "refusal"
    assert house.state() == before


def test_the_public_reads_neither_the_report_nor_the_title_of_the_case(house: House) -> None:
    case = reported(house, "zqsecretqz my employer runs it at 10.0.0.1")
    house.room("public")
    house.say("maintainer", "security", f"triage {case} severity=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {case} 1.0.1")
    card = house.say("maintainer", "security", f"announce {case}")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    said = [seen.text for seen in house.seen_in("public")]
    assert said
    assert not [text for text in said if "zqsecretqz" in text]
    public = house.room("public")
    assert not [one for room, one, _ in house.chat.files if room == public and b"zqsecretqz" in one.open().read()]


def test_nobody_finds_right_what_they_were_not_sent(released_house: House) -> None:
    house = released_house
    house.direct("finder", f"report {house.case} review=yes")
    answer = house.direct("finder", f"approve {house.case}")
    assert answer is not None
    assert answer.title == f"no draft of {house.case} was sent to you yet; you hear from us when there is one"
    house.say("maintainer", "security", f"advisory {house.case} to=reporter The first words.")
    house.say("maintainer", "security", f"advisory {house.case} The second words.")
    house.direct("finder", f"approve {house.case}")
    card = house.say("maintainer", "security", f"advisory {house.case}")
    assert card is not None
    assert "what was changed since" in plain_text(card), "they read the first words"
    again = house.direct("finder", f"approve {house.case}")
    assert again is not None
    assert "right already" in again.title


def test_what_contradicts_itself_is_said_before_it_is_public(released_house: House) -> None:
    house = released_house
    house.say("maintainer", "security", f'advisory {house.case} affected="<=1.0.1" What happened.')
    wrong = "1.0.1 is said to be affected, and to have the fix: one of them is wrong"
    card = house.say("maintainer", "security", f"announce {house.case}")
    assert card is not None
    assert wrong in plain_text(card)
    house.say("maintainer", "security", f'advisory {house.case} affected="<1.0.1"')
    right = house.say("maintainer", "security", f"announce {house.case}")
    assert right is not None
    assert wrong not in plain_text(right)
