"""Clocks that are set forward, set back or stand still: every reminder comes once, at its instant, and none is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from chatops.ports import Effect, Post, Receipt
from tests.house import START, House, address, embargoed, prepared, privately_released, with_roster

TEAM = frozenset({address("maintainer"), address("maintainer-2")})
BERLIN = ZoneInfo("Europe/Berlin")


def noting(house: House) -> list[tuple[datetime, str]]:
    """When what is shown in the security room from now on is shown, with its title."""
    shown: list[tuple[datetime, str]] = []
    room, perform = house.room("security"), house.chat.perform

    def perform_and_note(effect: Effect) -> Receipt:
        if isinstance(effect.deed, Post) and effect.room == room and effect.target is None:
            shown.append((house.clock.now, effect.deed.document.title))
        return perform(effect)

    house.chat.perform = perform_and_note  # type: ignore[method-assign]
    return shown


def at(instant: str) -> datetime:
    return datetime.fromisoformat(instant)


def dated(date: str, today: str) -> House:
    """An embargoed case with this release date, typed by somebody in Berlin on this day."""
    house = with_roster(House())
    house.clock.now = at(today)
    house.run()
    for name in ("maintainer", "maintainer-2"):
        house.say("maintainer", "security", f"contacts change {name} zone=Europe/Berlin")
    case = embargoed(house)
    house.say("maintainer", "security", f"embargo {case} date {date}")
    return house


@pytest.mark.parametrize(
    ("today", "date", "is_at"),
    [
        ("2026-03-26T09:00Z", "2026-03-30 15:00 Europe/Berlin", "2026-03-30T13:00Z"),  # clocks are set forward
        ("2026-10-22T09:00Z", "2026-10-26 15:00 Europe/Berlin", "2026-10-26T14:00Z"),  # and back
        ("2026-10-21T09:00Z", "2026-10-25 00:30 UTC", "2026-10-25T00:30Z"),  # in the hour that comes twice
        ("2028-02-25T09:00Z", "2028-02-29 15:00 Europe/Berlin", "2028-02-29T14:00Z"),  # a leap day
        ("2028-02-26T09:00Z", "in 4 days", "2028-03-01T15:00Z"),  # over it
    ],
)
def test_warnings_of_a_release_date_come_at_their_instants(today: str, date: str, is_at: str) -> None:
    house = dated(date, today)
    case, due = house.file(house.case), at(is_at)
    assert case.case.release_date == due
    shown = noting(house)
    house.wait(days=5)
    warned = [when for when, title in shown if "its release date is soon" in title]
    assert warned == [due - before for before in (timedelta(days=3), timedelta(days=1), timedelta(hours=2))]
    assert [when for when, title in shown if "past its release date" in title] == [due]
    assert house.journal_is_good()


@pytest.mark.parametrize("today", ["2026-03-26T12:00Z", "2026-10-22T12:00Z", "2028-02-27T12:00Z"])
def test_what_waits_for_a_morning_waits_for_the_owners_own(today: str) -> None:
    """A Thursday before a change of the clocks, both ways; a Sunday before a leap day."""
    house = dated("in 60 days", today)
    house.say("maintainer", "security", f"own {house.case}")
    shown = noting(house)
    house.wait(days=9)
    words = [when.astimezone(BERLIN) for when, title in shown if "waits for a word" in title]
    assert len(words) >= 4
    assert len({when.date() for when in words}) == len(words), "one a day"
    assert all(8 <= when.hour < 18 and when.weekday() < 5 for when in words)
    rounds = [when.astimezone(BERLIN).date() for when, title in shown if "undone" in title]
    assert len(set(rounds)) == len(rounds)


def _busy() -> House:
    """Many things come due in the next days: two reports, a release date, three people who owe an answer."""
    house = with_roster(House())
    case = privately_released(house)
    house.say("maintainer", "security", f"embargo {case} date in 9 days")
    house.direct("second", "report Another one.")
    house.say("maintainer", "security", "triage A third matter")
    return house


BUSY: Callable[[], House] = prepared(_busy)


def test_after_ten_days_stopped_everybody_hears_of_it_once() -> None:
    house = BUSY()
    before = len(house.chat.seen)
    house.clock.now += timedelta(days=10)
    house.run()
    house.wait(minutes=10)
    new = house.chat.seen[before:]
    assert [seen.document.title for seen in new if seen.readers == TEAM and seen.document.kind == "reminder"] == [
        "3 reminders came due while I was stopped"
    ]
    heard = Counter((seen.readers, seen.document.kind) for seen in new if seen.document.kind != "board")
    assert set(heard.values()) == {1}
    assert {kind for readers, kind in heard if readers == TEAM} == {"reminder", "round"}
    for name, times in (("debian", 1), ("fedora", 1), ("suse", 0)):  # suse is asked when there is a date ahead
        assert sum(number for (readers, _), number in heard.items() if readers == {address(name)}) == times
    assert not [readers for readers, _ in heard if address("finder") in readers or address("second") in readers]
    assert house.journal_is_good()
    assert not house.stuck()


def _shown(house: House, since: int) -> Counter[tuple[str, str]]:
    """What was shown where; a board that is edited is shown in its place."""
    new = [seen for seen in house.chat.seen[since:] if seen.document.kind not in ("round", "board")]
    return Counter((house.chat.rooms[seen.room].name, seen.document.title) for seen in new)


END = START + timedelta(days=11)
AT = START + timedelta(days=4, hours=1)
"""When the clock is set back."""


def _shows(house: House) -> None:
    shown = house.say("maintainer", "security", f"show {house.cases()[0]}")
    assert shown is not None
    assert shown.kind == "case card"


def _until(house: House, end: datetime) -> None:
    house.wait(seconds=(end - house.clock.now).total_seconds())


@cache
def _straight() -> Counter[tuple[str, str]]:
    """What is shown if the clock just goes on."""
    house = BUSY()
    since = len(house.chat.seen)
    _until(house, AT)
    _shows(house)
    _until(house, END)
    return _shown(house, since)


@pytest.mark.parametrize("back", [timedelta(minutes=59), timedelta(days=2), timedelta(days=400)], ids=str)
def test_a_clock_set_back_tells_nothing_twice_and_loses_nothing(back: timedelta) -> None:
    house = BUSY()
    since = len(house.chat.seen)
    _until(house, AT)
    house.clock.now -= back
    house.run()
    house.wait(minutes=30)
    _shows(house)
    house.clock.now = AT  # it is set right again
    _until(house, END)
    assert _shown(house, since) == _straight()


def test_what_is_done_while_the_clock_is_behind_is_journalled_after_what_was_before() -> None:
    house = BUSY()
    house.wait(days=2)
    case = house.cases()[0]
    house.clock.now -= timedelta(days=30)
    house.say("maintainer", "security", f"tell {case} We are at it.")
    house.direct("fedora", f"status {case} affected")
    date = house.say("maintainer", "security", f"embargo {case} date in 5 days")
    assert date is not None
    assert date.kind != "refusal"
    told = house.journal(case)
    assert [entry.what for entry in told][-4:] == ["update sent", "status", "date proposed", "date set"]
    assert [entry.seq for entry in told] == list(range(1, len(told) + 1))
    assert house.journal_is_good()
    lines = house.say("maintainer", "security", f"timeline {case}")
    assert lines is not None
    assert lines.kind == "timeline"
    before = len(house.seen_in("security"))
    house.clock.now += timedelta(days=30)  # the date that was set is past, and everybody hears it once
    house.run()
    house.wait(hours=1)
    past = [seen for seen in house.seen_in("security")[before:] if "past its release date" in seen.text]
    assert len(past) == 1
