"""Time presses and reminds; nothing is published or ended by time alone, and nobody outside hears of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatops.model.machines import Embargo
from tests.house import House, code_in


def reminders(house: House) -> list[str]:
    return [seen.document.title for seen in house.seen_in("security") if seen.document.kind == "reminder"]


def test_a_review_date_that_passes_presses_every_day_and_the_embargo_goes_on(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"tell {house.case} We look at it.")
    house.say("maintainer", "security", f"own {house.case}")
    house.wait(days=30)
    review = [title for title in reminders(house) if "review date" in title]
    assert review == [f"{house.case}: the review date has passed; the embargo goes on"]
    assert house.last("security", kind="reminder").post.ping
    house.wait(days=2)
    assert len([title for title in reminders(house) if "review date" in title]) == 3
    assert house.file(house.case).case.embargo == Embargo.ACTIVE
    house.say("maintainer", "security", f"embargo {house.case} review in 10 days")
    house.wait(days=9)
    assert len([title for title in reminders(house) if "review date" in title]) <= 4


def test_before_a_release_date_there_are_four_warnings_and_at_the_hour_it_binds_nobody(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date 2026-03-20 15:00 UTC")
    at = datetime(2026, 3, 20, 15, tzinfo=UTC)
    seen: list[datetime] = []
    while house.clock.now < at + timedelta(days=2):
        before = len([t for t in reminders(house) if "release date" in t])
        house.wait(hours=1)
        if len([t for t in reminders(house) if "release date" in t]) > before:
            seen.append(house.clock.now)
    assert [at - one for one in seen] == [
        timedelta(days=7),
        timedelta(days=3),
        timedelta(days=1),
        timedelta(hours=2),
        timedelta(0),
    ]
    assert reminders(house)[-1].endswith(": past its release date, which binds nobody any more") or any(
        "binds nobody any more" in title for title in reminders(house)
    )
    shown = house.say("maintainer", "security", f"show {house.case}")
    assert shown is not None
    assert "past its date, not binding" in house.last("security").text


def test_nothing_is_published_ended_or_told_to_anybody_by_time(released_house: House) -> None:
    house = released_house
    public = house.room("public")
    house.say("maintainer", "security", f"embargo {house.case} date in 10 days")
    card = house.say("maintainer", "security", f"announce {house.case}")
    assert card is not None
    house.wait(seconds=10)  # who came into the room is told the terms
    before = {who: len(house.seen_by(who)) for who in ("debian", "suse", "finder")}
    house.wait(days=80)
    case = house.file(house.case).case
    assert (case.embargo, case.released_at, case.announcing_at) == (Embargo.ACTIVE, None, None)
    assert not house.seen_in(public)
    assert not house.host.published
    later = {who: [seen.document.kind for seen in house.seen_by(who)[before[who] :]] for who in before}
    assert (later["suse"], later["finder"]) == (["question"], [])  # suse was silent
    # That they owe a status; who is silent, on the board; a day before the date, the draft; that it has passed.
    assert set(later["debian"]) == {"reminder", "board", "day before", "date"}
    late = house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    assert late is not None
    assert "has expired" in late.title


def test_the_reporters_next_word_is_called_for_until_it_is_given(reported_house: House) -> None:
    house = reported_house
    house.wait(days=2)
    assert not reminders(house)
    house.wait(days=2)
    assert reminders(house) == [f"{house.case}: the reporter waits for a word"] * 2
    house.say("maintainer", "security", f"tell {house.case} We look at it.")
    house.wait(days=2)
    assert len(reminders(house)) == 2
    house.wait(days=2)
    assert len(reminders(house)) > 2


def test_after_a_rejection_or_a_close_nothing_is_called_for(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", f"reject {house.case} No.")
    house.wait(days=60)
    assert not reminders(house)


def test_an_earlier_date_takes_away_the_warnings_of_the_later(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 29 days")
    house.say("maintainer", "security", f"embargo {house.case} date in 2 days")
    house.wait(days=4)
    dated = [title for title in reminders(house) if "release date" in title]
    assert len(dated) == 3  # a day before, two hours before, at the hour
    house.wait(days=40)
    assert len([title for title in reminders(house) if "release date" in title]) == 3


def test_an_embargo_that_ended_reminds_of_no_date(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 10 days")
    house.say("maintainer", "security", f"embargo {house.case} end Over.")
    house.wait(days=40)
    assert not [title for title in reminders(house) if "date" in title]
    assert [title for title in reminders(house) if "waits for a word" in title]
