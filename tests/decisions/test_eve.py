"""The day before a general release: the draft for the members, what is missing for the team; nothing is published."""

from __future__ import annotations

from datetime import timedelta

from chatops.service.timers import set_timer
from tests.house import House, Seen, address


def dated(house: House, when: str = "in 10 days") -> str:
    """With a release date, at 15:00 UTC."""
    done = house.say("maintainer", "security", f"embargo {house.case} date {when}")
    assert done is not None
    assert done.kind == "case card", done.title
    return house.case


def survey(house: House) -> None:
    """The release page is read anew."""
    with house.read() as session:
        set_timer(session, "survey", house.clock.now, "survey")
        session.commit()
    house.run()


def shown(house: House) -> list[Seen]:
    return [one for one in house.chat.seen if one.document.kind == "day before"]


def test_members_get_the_draft_and_what_is_taken_down_a_day_before(released_house: House) -> None:
    house = released_house
    house.direct("finder", f'report {house.case} credit="F. Inder"')
    house.host.public = [{"version": "1.0.0", "archives": []}]
    survey(house)
    case = dated(house)
    house.say("maintainer", "security", f"advisory {case} vulnerable=1.0.0 A crafted name overflows the queue.")
    house.wait(days=9, hours=5)
    assert not shown(house)
    house.wait(hours=1, minutes=1)
    (card,) = shown(house)
    assert card.room == house.room(case)
    assert card.readers == {address(one) for one in ("maintainer", "maintainer-2", "debian", "fedora")}
    for words in ("Taken down: 1.0.0; their tags stay", "A crafted name overflows", "With the fix: 1.0.1"):
        assert words in card.text
    assert "Inder" not in card.text, "who is credited, members read on the day"
    house.wait(days=5)
    assert len(shown(house)) == 1
    assert not [one for one in house.seen_in("public") if case in one.text or "1.0.1" in one.text]
    assert not house.host.published
    assert house.file(case).case.released_at is None
    assert not house.stuck()
    assert house.journal_is_good()


def test_the_team_hears_with_each_warning_what_is_missing_until_nothing_is(members_house: House) -> None:
    house = members_house
    case = dated(house)
    house.wait(days=3, hours=7)
    warning = [one for one in house.seen_in("security") if "release date is soon" in one.document.title][-1]
    for words in (
        f"the fix is not in the members' hands (private-release {case} VERSION)",
        "which releases will be taken down",
        "how it looks for debian, fedora",
        "a CVE id",
    ):
        assert words in warning.text
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {case} 1.0.1")
    house.say("maintainer", "security", f"triage {case} cve=CVE-2026-12345")
    house.say("maintainer", "security", f"advisory {case} vulnerable=none affected=<1.0.1 cwe=CWE-787 It overflows.")
    for one in ("debian", "fedora"):
        house.say(one, case, "status fix-ready")
    house.wait(days=6)
    warning = [one for one in house.seen_in("security") if "release date is soon" in one.document.title][-1]
    assert "Still missing" not in warning.text


def test_without_a_release_members_read_that_too(members_house: House) -> None:
    house = members_house
    dated(house, "in 2 days")
    house.wait(days=1, hours=7)
    (card,) = shown(house)
    assert "not in your hands yet" in card.text
    assert "What the public will read" not in card.text


def test_it_follows_the_date_and_a_change_of_the_draft_and_no_cancelled_embargo(released_house: House) -> None:
    house = released_house
    case = dated(house)
    house.wait(days=5)
    dated(house, "in 10 days")
    house.wait(days=6)
    assert not shown(house), "the date was put off"
    house.wait(days=3, hours=7)
    assert len(shown(house)) == 1
    for text in ("It overflows.", "It overflows the queue."):
        house.say("maintainer", "security", f"advisory {case} {text}")
    house.wait(minutes=11)
    assert len(shown(house)) == 2
    assert "It overflows the queue." in shown(house)[-1].text
    dated(house, "in 4 days")
    house.say("maintainer", "security", f"embargo {case} end It is out.")
    house.wait(days=5)
    assert len(shown(house)) == 2


def test_a_date_within_a_day_shows_it_at_once(released_house: House) -> None:
    house = released_house
    dated(house, "in 20 hours")
    house.wait(minutes=1)
    assert len(shown(house)) == 1


def test_after_a_stop_it_is_shown_late_but_not_once_the_date_has_passed(released_house: House) -> None:
    house = released_house
    dated(house)
    stopped = house.fork()
    house.clock.now += timedelta(days=9, hours=20)
    house.run()
    assert len(shown(house)) == 1
    stopped.clock.now += timedelta(days=12)
    stopped.run()
    stopped.wait(minutes=1)
    assert not shown(stopped)
    assert any("past its release date" in one.text for one in stopped.seen_in("security"))


def test_a_reporter_who_wished_to_read_it_first_gets_it_unless_they_found_it_right(released_house: House) -> None:
    house = released_house
    house.direct("finder", f"report {house.case} review=yes")
    dated(house)
    approved = house.fork()
    approved.say("maintainer", "security", f"advisory {house.case} to=reporter")
    approved.direct("finder", f"approve {house.case}")
    for one in (house, approved):
        one.wait(days=9, hours=7)
    assert house.last("direct", "finder").document.kind == "draft"
    drafts = [one for one in approved.seen_by("finder") if "is it right?" in one.document.title]
    assert len(drafts) == 1
