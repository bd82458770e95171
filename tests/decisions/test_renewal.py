"""Standing terms are renewed, and people confirmed, once a year: asked in good time, answered with a word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from chatops.plain import plain_text
from tests.decisions.test_roster import contact, team
from tests.house import House, Seen, embargoed, prepared, with_roster

a_house = prepared(lambda: with_roster(House()))


@pytest.fixture
def house() -> House:
    return a_house()


def asked(house: House, who: str) -> list[Seen]:
    return [seen for seen in house.seen_by(who) if seen.document.kind == "roster question"]


def days(house: House, number: float) -> None:
    """The clock is turned at once: what came due meanwhile comes due together, as after a long stop."""
    house.clock.now += timedelta(days=number)
    house.wait(days=4)  # a round, and a weekend


def test_standing_terms_are_renewed_with_a_word_before_they_end(house: House) -> None:
    days(house, 330)
    assert not asked(house, "debian")
    days(house, 5)
    (question,) = asked(house, "debian")
    assert "do the standing terms go on?" in question.text
    assert [one.command for one in question.document.actions] == ["yes standing", "no standing"]
    until = contact(house, "debian").standing_until
    answer = house.direct("debian", "todo")
    assert answer is not None
    assert "Do the standing terms hold for a year?" in plain_text(answer)
    answer = house.direct("debian", "yes")
    assert answer is not None
    assert "the standing terms hold until 2028-0" in answer.title
    now = contact(house, "debian")
    assert until is not None
    assert now.standing_until is not None
    assert now.standing_until > until
    assert now.confirmed_at == house.clock.now
    days(house, 60)
    assert len(asked(house, "debian")) == 1
    assert house.journal_is_good()


def test_silence_about_the_terms_ends_them_and_the_team_hears_it_once(house: House) -> None:
    house.wait(days=366)
    assert [one.document.title for one in asked(house, "debian")][:2] == ["DynaSched: do the standing terms go on?"] * 2
    rounds = [one.text for one in house.seen_in("security") if one.document.kind == "round"]
    assert sum("debian: the standing terms ran out" in one for one in rounds) == 1
    case = embargoed(house)
    assert "debian" in team(house, f"invite {case} debian")
    assert house.last("direct", "debian").document.kind == "question"  # asked first now
    assert "⚠ expired" in team(house, "contacts list")
    assert house.journal_is_good()


def test_who_does_not_renew_is_asked_whether_they_are_still_the_right_person(house: House) -> None:
    days(house, 340)
    house.direct("debian", "no")
    assert "are you still the right person for Debian" in asked(house, "debian")[-1].text
    assert contact(house, "debian").standing_until is not None  # until its day
    house.direct("debian", "no person")
    gone = contact(house, "debian")
    assert gone.left_at is not None
    assert gone.standing_until is None
    told = house.last("security", kind="roster").text
    assert "debian is not the right person for Debian any more; please find another" in told
    assert gone.active  # shown, never dropped
    assert "said on" in team(house, "contacts check")
    case = embargoed(house)
    assert "said that they are not the right person" in team(house, f"invite {case} debian")


def test_a_mistaken_no_is_taken_back_with_a_yes(house: House) -> None:
    team(house, "contacts ask debian")
    house.direct("debian", "no")
    assert contact(house, "debian").left_at is not None
    answer = house.direct("debian", "yes person")
    assert answer is not None
    assert "you stay on record" in answer.title
    assert contact(house, "debian").left_at is None
    told = house.last("security", kind="roster").text
    assert "debian is the right person after all" in told
    assert "contacts ask debian" in told  # the standing terms ended with the no
    assert house.journal_is_good()


def test_who_was_not_confirmed_for_a_year_is_asked_twice_and_then_the_team_hears_it(house: House) -> None:
    house.wait(days=364)
    assert not asked(house, "fedora")
    house.wait(days=40)
    assert len(asked(house, "fedora")) == 2
    rounds = [one.text for one in house.seen_in("security") if one.document.kind == "round"]
    assert sum("fedora: no answer to whether they are still the right person" in one for one in rounds) == 1
    assert "last confirmed" in team(house, "contacts check")
    answer = house.direct("fedora", "Yes!")
    assert answer is not None
    assert "you stay on record" in answer.title
    assert "fedora" not in team(house, "contacts check")


def test_the_question_comes_in_working_hours_where_the_person_is(house: House) -> None:
    team(house, "contacts change fedora zone=America/Los_Angeles")
    house.clock.now = datetime(2027, 3, 5, 12, tzinfo=UTC)  # a Friday
    house.wait(days=4)
    at = max(entry.at for entry in house.journal("installation") if entry.what == "asked on the roster")
    here = at.astimezone(ZoneInfo("America/Los_Angeles"))
    assert 8 <= here.hour < 18
    assert here.weekday() < 5
    assert len(asked(house, "fedora")) == 1


def test_a_coordinator_asks_for_standing_terms_and_the_contact_agrees(house: House) -> None:
    assert "suse is asked whether they agree to the standing terms" in team(house, "contacts ask suse")
    assert "do you agree to the standing terms?" in asked(house, "suse")[-1].text
    house.direct("suse", "yes standing")
    assert contact(house, "suse").standing_until == house.clock.now + timedelta(days=365)
    assert "suse agreed to the standing terms" in house.last("security", kind="roster").text
    team(house, "contacts ask fedora")
    house.direct("fedora", "no")
    assert contact(house, "fedora").standing_until is None
    assert "asked whether they are still the right person" in team(house, "contacts ask suse")
    assert house.journal_is_good()


def test_an_answer_to_no_question_or_an_older_one_changes_nothing(house: House) -> None:
    before = house.state()
    for who, text, hint in (
        ("debian", "yes", "I asked you nothing"),
        ("nobody", "yes", 'I know no "yes"'),
        ("fedora", "no maybe", "none of standing, person"),
    ):
        answer = house.direct(who, text)
        assert answer is not None
        assert hint in answer.title
    team(house, "contacts ask suse")
    answer = house.direct("suse", "yes person")
    assert answer is not None
    assert answer.title == "I asked you something else; what is open: yes standing or no standing"
    assert contact(house, "debian").standing_until is not None
    assert len(house.state()["contact"]) == len(before["contact"])


def test_who_is_not_confirmed_by_a_coordinator_is_asked_the_next_morning(house: House) -> None:
    team(house, "contacts change suse confirmed=no")
    assert "never confirmed" in team(house, "contacts check")
    house.wait(days=1)
    assert len(asked(house, "suse")) == 1
