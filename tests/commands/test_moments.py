"""Dates as people type them: instants, whatever the zone, its clock changes and the calendar do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.commands.declare import BadValue
from chatops.commands.moments import read_moment, zones
from chatops.document import When
from chatops.plain import instant

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)  # a Monday


def utc(text: str, zone: str | None = None, now: datetime = NOW) -> str:
    return f"{read_moment(text, now, zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-12-14", "2026-12-14 15:00"),
        ("2026-12-14 UTC", "2026-12-14 15:00"),
        ("2026-12-14 Europe/Berlin", "2026-12-14 14:00"),
        ("2026-12-14T15:00Z", "2026-12-14 15:00"),
        ("2026-12-14 15:00", "2026-12-14 15:00"),
        ("2026-12-14 9:05:59 utc", "2026-12-14 09:05"),
        ("2026-12-14 15:00 Europe/Berlin", "2026-12-14 14:00"),
        ("2026-07-14 15:00 europe/berlin", "2026-07-14 13:00"),
        ("2026-12-14 15:00 +05:30", "2026-12-14 09:30"),
        ("2026-12-14 15:00-0800", "2026-12-14 23:00"),
        ("2026-12-14 15:00 America/Argentina/Buenos_Aires", "2026-12-14 18:00"),
        ("2028-02-29", "2028-02-29 15:00"),
        ("in 3 hours", "2026-03-02 12:30"),
        ("in 1 day", "2026-03-03 15:00"),
        ("In 10 Days", "2026-03-12 15:00"),
        ("in 2 weeks 10:00 UTC", "2026-03-16 10:00"),
        ("tomorrow", "2026-03-03 15:00"),
        ("next Tuesday 15:00 UTC", "2026-03-03 15:00"),
        ("monday", "2026-03-09 15:00"),
        ("  friday  ", "2026-03-06 15:00"),
        ("next Tuesday at 15:00 UTC", "2026-03-03 15:00"),
        ("tomorrow 09:00", "2026-03-03 09:00"),
        ("today 18:00", "2026-03-02 18:00"),
        ("14 Dec 2026", "2026-12-14 15:00"),
        ("Mon 14 Dec 2026 14:00 UTC", "2026-12-14 14:00"),
        ("Monday, 14. December 2026, 15:00 Europe/Berlin", "2026-12-14 14:00"),
        ("29 Feb 2028 15:00 UTC", "2028-02-29 15:00"),
    ],
)
def test_a_date_is_read(text: str, wanted: str) -> None:
    assert utc(text) == wanted


def test_an_hour_without_a_zone_is_in_the_persons_zone_a_day_alone_is_not() -> None:
    assert utc("2026-12-14 15:00", "Europe/Berlin") == "2026-12-14 14:00"
    assert utc("2026-12-14", "Europe/Berlin") == "2026-12-14 15:00"
    assert utc("2026-12-14 15:00 UTC", "Europe/Berlin") == "2026-12-14 15:00"


def test_a_weekday_is_counted_where_the_person_is() -> None:
    late = datetime(2026, 3, 2, 23, tzinfo=UTC)  # Tuesday already in Auckland
    assert utc("tuesday 12:00", "Pacific/Auckland", late) == "2026-03-09 23:00"
    assert utc("tomorrow 12:00", "Pacific/Auckland", late) == "2026-03-03 23:00"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no date"),
        ("soon", "is no date"),
        ("2026-2-3", "is no date"),
        ("in days", "is no date"),
        ("in 999999 days", "is no date"),
        ("in 9999 days", "too far away"),
        ("2026-02-29", "2026-02-29 is no day of the calendar"),
        ("2026-13-01", "is no day of the calendar"),
        ("2026-12-14 25:00", "25:00 is no hour of the day"),
        ("2026-12-14 12:60", "12:60 is no hour of the day"),
        ("2026-12-14 15:00 Berlin", 'I do not know the zone "Berlin"; did you mean Europe/Berlin?'),
        ("2026-12-14 15:00 Europe/Berln", "did you mean Europe/Berlin?"),
        ("2026-12-14 15:00 PST", "write UTC or a zone like Europe/Berlin"),
        ("2026-12-14 15:00 +25:00", "less than 24 hours"),
        ("2026-12-14 15:00 +10:75", "is no offset from UTC"),
        ("9999-12-31 23:00 -05:00", "too far away"),
        ("0001-01-01 00:00 +05:00", "too far away"),
        ("29 Feb 2026", "is no day of the calendar"),
        ("Tue 14 Dec 2026", "2026-12-14 is a Monday; write 2026-12-14 if you mean it"),
        (
            "2026-03-29 02:30 Europe/Berlin",
            "does not exist in Europe/Berlin, as clocks are set forward; write 2026-03-29 03:30 Europe/Berlin",
        ),
        (
            "2026-10-25 02:30 Europe/Berlin",
            "comes twice in Europe/Berlin, as clocks are set back; write 2026-10-25 00:30 UTC or 2026-10-25 01:30 UTC",
        ),
    ],
)
def test_what_is_no_date_is_refused_with_a_right_form(text: str, says: str) -> None:
    with pytest.raises(BadValue) as bad:
        read_moment(text, NOW)
    assert says in str(bad.value)
    assert "\n" not in str(bad.value)


def test_days_are_counted_by_the_calendar_over_a_clock_change_and_a_leap_day() -> None:
    before = datetime(2026, 3, 27, 9, tzinfo=UTC)  # a Friday; clocks are set forward on Sunday
    assert utc("in 3 days 15:00", "Europe/Berlin", before) == "2026-03-30 13:00"
    assert utc("today 15:00", "Europe/Berlin", before) == "2026-03-27 14:00"
    leap = datetime(2028, 2, 28, 9, tzinfo=UTC)
    assert utc("tomorrow", None, leap) == "2028-02-29 15:00"
    assert utc("in 2 days", None, leap) == "2028-03-01 15:00"


def test_what_a_card_shows_can_be_typed() -> None:
    at = datetime(2026, 12, 14, 14, 5, tzinfo=UTC)
    assert read_moment(instant(When(at=at)), NOW) == at


def test_a_long_zone_is_refused_at_once() -> None:
    with pytest.raises(BadValue):
        read_moment("2026-12-14 15:00 a" + "-_" * 5000 + "!", NOW)


@given(
    at=st.datetimes(datetime(2026, 1, 1), datetime(2035, 1, 1)),  # noqa: DTZ001 (a local time)
    zone=st.sampled_from(sorted(zones().values())),
)
def test_any_local_time_is_that_instant_or_comes_never_or_twice(at: datetime, zone: str) -> None:
    at = at.replace(second=0, microsecond=0)
    try:
        got = read_moment(f"{at:%Y-%m-%d %H:%M} {zone}", NOW)
    except BadValue:
        there = at.replace(tzinfo=ZoneInfo(zone))
        assert there.utcoffset() != there.replace(fold=1).utcoffset()
        return
    assert got.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == at
    assert got.utcoffset() == timedelta(0)


@given(text=st.text(max_size=60))
def test_any_text_is_a_date_or_refused_in_one_line(text: str) -> None:
    said = ""
    try:
        assert read_moment(text, NOW).tzinfo is UTC
    except BadValue as bad:
        said = str(bad)
    assert "\n" not in said
    assert len(said) < 200
