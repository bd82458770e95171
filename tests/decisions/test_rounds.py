"""The daily round of what lies undone, and the board's line of who is asked for what."""

from __future__ import annotations

from datetime import timedelta

from chatops.service.rounds import MOST
from tests.house import House, Seen, address, code_in


def rounds(house: House) -> list[Seen]:
    return [seen for seen in house.seen_in("security") if seen.document.kind == "round"]


def third_coordinator(house: House) -> None:
    told = f"roles=coordinator address=matrix:{address('maintainer-3')}"
    house.say("maintainer", "security", f"contacts add maintainer-3 {told}")


def test_a_case_without_an_owner_is_shown_every_day_until_somebody_owns_it(reported_house: House) -> None:
    house = reported_house
    house.wait(days=2)
    assert len(rounds(house)) == 2
    assert "nobody owns it" in rounds(house)[-1].text
    assert f"own {house.case} WHO" in rounds(house)[-1].text
    assert len(rounds(house)[-1].post.ping) == 2  # every coordinator
    house.say("maintainer", "security", f"snooze {house.case} 3 days")
    house.wait(days=1)
    assert len(rounds(house)) == 3
    house.say("maintainer", "security", f"own {house.case}")
    house.say("maintainer", "security", f"triage {house.case} Overflow")
    house.wait(days=5)
    assert len(rounds(house)) == 3


def test_an_owner_who_left_the_team_is_none_and_one_command_hands_over(reported_house: House) -> None:
    house = reported_house
    third_coordinator(house)
    house.say("maintainer", "security", f"triage {house.case} Overflow")
    house.say("maintainer", "security", f"own {house.case} maintainer-3 backup=maintainer-2")
    house.wait(days=1)
    assert not rounds(house)
    house.say("maintainer", "security", "contacts remove maintainer-3")
    house.wait(days=1)
    text = rounds(house)[-1].text
    assert "its owner, maintainer-3, is not on the team any more (maintainer-2 stands in)" in text
    assert len(rounds(house)[-1].post.ping) == 1
    card = house.say("maintainer", "security", f"own {house.case} maintainer-2")
    assert card is not None
    house.wait(days=1)
    assert len(rounds(house)) == 1


def test_a_report_that_is_not_triaged_in_time_is_called_for(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", f"own {house.case}")
    house.wait(days=2, hours=23)
    assert not rounds(house)
    house.wait(days=1)
    assert "reported 3 days ago, not triaged yet" in rounds(house)[-1].text
    house.say("maintainer", "security", f"reject {house.case} No.")
    house.wait(days=9)
    assert len(rounds(house)) == 1


def test_a_case_in_which_nothing_happens_is_called_for_and_may_be_snoozed(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"own {house.case}")
    house.wait(days=14)
    assert not rounds(house)
    house.wait(days=1)
    assert "nothing happened for 14 days" in rounds(house)[-1].text
    house.say("maintainer", "security", f"tell {house.case} Still at it.")
    house.wait(days=14)
    assert len(rounds(house)) == 1
    house.wait(days=1)
    assert len(rounds(house)) == 2


def test_an_announcement_that_does_not_finish_is_called_for(released_house: House) -> None:
    house = released_house
    house.say("maintainer", "security", f"own {house.case}")
    house.host.problem = "disk-full"
    card = house.say("maintainer", "security", f"announce {house.case}")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    house.wait(days=1)
    assert "not finished" in rounds(house)[-1].text


def test_at_the_weekend_only_what_cannot_wait_is_shown(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", "contacts change maintainer-2 zone=Europe/Berlin")
    house.say("maintainer", "security", f"own {house.case} maintainer-2")
    house.wait(days=4, hours=12)  # until Friday evening
    before = len(rounds(house))
    assert before
    house.wait(days=2)
    assert len(rounds(house)) == before
    house.wait(days=1)
    assert len(rounds(house)) == before + 1


def test_after_a_stop_there_is_one_round_and_a_long_one_is_cut() -> None:
    house = House()
    for number in range(MOST + 2):
        house.say("maintainer", "security", f"triage Matter number {number}")
    house.clock.now += timedelta(days=20)
    house.run()
    assert len(rounds(house)) == 1
    text = rounds(house)[0].text
    assert text.count("nothing happened for 20 days") == MOST
    assert "and 2 more" in text


def test_with_nothing_undone_there_is_no_round(house: House) -> None:
    house.wait(days=30)
    assert not rounds(house)


def test_the_board_says_who_is_asked_for_what(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"own {house.case}")
    house.say("maintainer", "security", f"show {house.case}")
    text = house.last("security").text
    assert "suse to answer the terms; debian, fedora to say how they stand" in text
    house.direct("debian", f"status {house.case} affected")
    house.direct("fedora", f'embargo {house.case} date in 20 days reason="our builds"')
    house.say("maintainer", "security", f"show {house.case}")
    text = house.last("security").text
    owed = "debian to answer the proposed date; maintainer to accept or reject that date; suse to answer the terms; "
    assert f"{owed}fedora to say how they stand" in text


def test_members_do_not_read_who_is_asked_for_what(members_house: House) -> None:
    house = members_house
    house.say("maintainer", house.case, f"show {house.case}")
    assert "Waits for" not in house.last(house.case).text
