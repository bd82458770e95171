"""Dates as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.commands.declare import BadValue
from chatops.commands.moments import read_moment

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)  # a Wednesday


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "zone", "meant"),
    [
        ("2026-12-14 15:00 UTC", None, "2026-12-14T15:00"),
        ("2026-12-14 15:00 Europe/Berlin", None, "2026-12-14T14:00"),
        ("2026-12-14T15:00Z", None, "2026-12-14T15:00"),
        ("2026-12-14 15:00 +05:30", None, "2026-12-14T09:30"),
        ("2026-12-14", None, "2026-12-14T15:00"),
        ("2026-12-14", "Europe/Berlin", "2026-12-14T15:00"),
        ("2026-12-14 15:00", "Europe/Berlin", "2026-12-14T14:00"),
        ("in 10 days", None, "2026-12-05T15:00"),
        ("in 2 weeks 09:00 UTC", None, "2026-12-09T09:00"),
        ("in 3 hours", None, "2026-11-25T12:30"),
        ("tomorrow", None, "2026-11-26T15:00"),
        ("next Tuesday 15:00 UTC", None, "2026-12-01T15:00"),
        ("wednesday", None, "2026-12-02T15:00"),
        ("2028-02-29 00:00 UTC", None, "2028-02-29T00:00"),
        # Berlin's clocks go forward on 2027-03-28 and back on 2027-10-31.
        ("2027-03-27 15:00 Europe/Berlin", None, "2027-03-27T14:00"),
        ("2027-03-28 15:00 Europe/Berlin", None, "2027-03-28T13:00"),
        ("2027-10-31 15:00 Europe/Berlin", None, "2027-10-31T14:00"),
    ],
)
def test_reads(typed: str, zone: str | None, meant: str) -> None:
    assert read_moment(typed, NOW, zone) == utc(meant)


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("soon", "is no date"),
        ("2026-13-01", "no day of the calendar"),
        ("2027-02-29", "no day of the calendar"),
        ("2026-12-14 25:00 UTC", "no hour of the day"),
        ("2026-12-14 15:00 Berlin", "did you mean Europe/Berlin?"),
        ("2026-12-14 15:00 PT", "write UTC or a zone"),
        ("in 99999 days", "too far away"),
        ("2026-12-14 15:00 +99:00", "less than 24 hours"),
    ],
)
def test_refuses_in_one_line_with_a_right_form(typed: str, says: str) -> None:
    with pytest.raises(BadValue) as refused:
        read_moment(typed, NOW)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@given(st.integers(1, 5000), st.integers(0, 24 * 60 - 1))
def test_what_is_shown_is_read_back(days: int, minutes: int) -> None:
    at = NOW + timedelta(days=days, minutes=minutes)
    assert abs(read_moment(f"{at:%Y-%m-%d %H:%M} UTC", NOW) - at) < timedelta(minutes=1)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = read_moment(text, NOW)
    except BadValue:
        return
    assert read.tzinfo is UTC
