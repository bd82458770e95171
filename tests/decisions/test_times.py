"""Reminders keep working hours, can be snoozed, and come as one after a stop."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.service.hours import working_time
from tests.house import House, embargoed, with_roster

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")


def reminders(house: House) -> list[str]:
    return [seen.document.title for seen in house.seen_in("security") if seen.document.kind == "reminder"]


def stopped(house: House, **by: float) -> None:
    """The bot stands still for a while, and is started again."""
    house.clock.now += timedelta(**by)
    house.run()
    house.wait(seconds=10)


# --- working hours


@pytest.mark.parametrize(
    ("at", "zone", "comes"),
    [
        ("2026-03-02T09:00Z", None, "2026-03-02T09:00Z"),
        ("2026-03-02T03:00Z", None, "2026-03-02T03:00Z"),
        ("2026-03-02T09:00Z", "Europe/Berlin", "2026-03-02T09:00Z"),
        ("2026-03-02T03:00Z", "Europe/Berlin", "2026-03-02T07:00Z"),
        ("2026-03-02T17:00Z", "Europe/Berlin", "2026-03-03T07:00Z"),  # 18:00 there: tomorrow
        ("2026-03-06T20:00Z", "Europe/Berlin", "2026-03-09T07:00Z"),  # a Friday evening
        ("2026-03-28T10:00Z", "Europe/Berlin", "2026-03-30T06:00Z"),  # the clocks change in between
        ("2028-02-28T20:00Z", "Europe/Berlin", "2028-02-29T07:00Z"),  # a leap day
    ],
)
def test_working_time(at: str, zone: str | None, comes: str) -> None:
    assert working_time(datetime.fromisoformat(at), zone) == datetime.fromisoformat(comes)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)), st.sampled_from(ZONES))  # noqa: DTZ001
def test_working_time_is_soon_and_stays(at: datetime, zone: str) -> None:
    comes = working_time(at, zone)
    assert at <= comes <= at + timedelta(days=4)
    assert working_time(comes, zone) == comes


def test_a_reminder_of_the_night_waits_for_the_owners_morning_and_a_release_date_does_not(house: House) -> None:
    case = embargoed(house)
    house.say("maintainer", "security", "contacts change maintainer-2 zone=America/New_York")
    house.say("maintainer", "security", f"own {case} maintainer-2")
    house.wait(days=3, hours=3)  # 12:00 UTC is 7:00 there
    assert not reminders(house)
    house.wait(hours=1)
    assert reminders(house) == [f"{case}: the reporter waits for a word"]
    house.say("maintainer", "security", f"embargo {case} date 2026-03-20 03:00 UTC")
    house.clock.now = datetime(2026, 3, 19, 3, 0, 30, tzinfo=UTC)
    house.run()
    assert f"{case}: its release date is soon" in reminders(house)


# --- snooze


def test_a_reminder_is_put_off_by_its_button(reported_house: House) -> None:
    house = reported_house
    house.wait(days=3)
    assert len(reminders(house)) == 1
    house.react("maintainer", house.last("security", kind="reminder"), "💤")
    house.wait(days=1, hours=23)
    assert len(reminders(house)) == 1
    house.wait(hours=2)
    assert len(reminders(house)) == 2
    house.say("maintainer", "security", f"snooze {house.case} 1 week")
    house.say("maintainer", "security", f"snooze {house.case} off")
    house.wait(days=1)
    assert len(reminders(house)) == 3
    assert house.journal_is_good()


@pytest.mark.parametrize("span", ["soon", "0 days", "31 days", "-1 day", "2 years", "99999 days"])
def test_what_is_no_span_changes_nothing(reported_house: House, span: str) -> None:
    house = reported_house
    answer = house.say("maintainer", "security", f"snooze {house.case} {span}")
    assert answer is not None
    assert answer.kind == "refusal"
    assert "2 days" in answer.title
    assert house.file(house.case).case.snoozed_until is None


# --- after a stop


def test_after_ten_days_stopped_one_message_tells_all_that_came_due() -> None:
    house = with_roster(House())
    for number in range(3):
        house.direct(f"finder-{number}", f"report Overflow number {number}.")
    before = len(house.seen_in("security"))
    stopped(house, days=10)
    assert reminders(house) == ["3 reminders came due while I was stopped"]
    text = house.last("security", kind="reminder").text
    assert all(case in text for case in house.cases())
    assert len(house.seen_in("security")) <= before + 2
    house.wait(days=1)
    assert len(reminders(house)) == 4  # from then on as ever


def test_after_a_stop_what_is_settled_meanwhile_is_not_told(reported_house: House) -> None:
    house = reported_house
    house.clock.now += timedelta(days=10)
    house.run()
    house.say("maintainer", "security", f"tell {house.case} We look at it.")
    house.wait(seconds=10)
    assert not reminders(house)


def test_a_clock_set_back_repeats_nothing(reported_house: House) -> None:
    house = reported_house
    house.wait(days=3)
    assert len(reminders(house)) == 1
    house.clock.now -= timedelta(days=2)
    house.run()
    house.wait(days=2, hours=12)
    assert len(reminders(house)) == 1
