"""Dates as people type them, read into aware UTC instants.

``2026-12-14 15:00 Europe/Berlin``, ``2026-12-14T15:00Z``, ``2026-12-14`` (at 15:00 UTC, when distributions prefer to
publish), ``14 Dec 2026 15:00 UTC`` (as cards show it), ``in 10 days``, ``next Tuesday 15:00 UTC``, ``tomorrow 09:00``.
An hour without a zone is in the person's zone, else UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from chatops.commands.declare import BadValue
from chatops.commands.typed import nearest, short

HOUR = 15
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FORM = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2}"
    r"|in\s+\d{1,5}\s+(?:days?|weeks?|hours?)"
    rf"|(?:next\s+)?(?:{'|'.join(DAYS)})|today|tomorrow"
    rf"|(?:(?P<named>{'|'.join(day[:3] for day in DAYS)})[a-z]*,?\s+)?"
    rf"(?P<number>\d{{1,2}})\.?\s+(?P<month>{'|'.join(MONTHS)})[a-z]*\.?,?\s+(?P<year>\d{{4}}))"
    r"(?:(?:T|,?\s+(?:at\s+)?)(?P<hour>\d{1,2}:\d{2}(?::\d{2})?))?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[A-Za-z]+(?:[/_+-]+[A-Za-z0-9]+)*)?",
    re.IGNORECASE,
)


def read_moment(text: str, now: datetime, zone: str | None = None) -> datetime:
    """The instant meant. Raises :class:`BadValue`, with a right form of what was typed."""
    found = _FORM.fullmatch(text.strip())
    example = f"{now + timedelta(days=14):%Y-%m-%d} 15:00 UTC"
    if found is None:
        raise BadValue(f'"{short(text)}" is no date; write {example}, "in 10 days" or "next Tuesday 15:00 UTC"')
    local = _zone(found["zone"] or (zone if found["hour"] else None) or "UTC", example)
    if (hours := re.fullmatch(r"in\s+(\d+)\s+hours?", found["day"], re.IGNORECASE)) is not None:
        return now + timedelta(hours=int(hours[1]))
    day = _day(found, now.astimezone(local).date(), example)
    hour, minute = (int(part) for part in (found["hour"] or f"{HOUR}:00").split(":")[:2])
    if hour > 23 or minute > 59:
        raise BadValue(f"{found['hour']} is no hour of the day; write {example}")
    return _instant(datetime(day.year, day.month, day.day, hour, minute, tzinfo=local), example)


def _day(found: re.Match[str], today: date, example: str) -> date:
    """The day meant, counted where the person is."""
    word = found["day"].casefold()
    if found["month"] or word[0].isdigit():
        return _of_the_calendar(found, example)
    if word.startswith("in"):
        number, unit = re.findall(r"\d+|[a-z]+", word)[1:]
        if int(number) > 3650:
            raise BadValue(f'"{short(word)}" is too far away')
        return today + timedelta(days=int(number) * (7 if unit.startswith("week") else 1))
    if word in ("today", "tomorrow"):
        return today + timedelta(days=("today", "tomorrow").index(word))
    ahead = (DAYS.index(word.split()[-1]) - today.weekday()) % 7 or 7
    return today + timedelta(days=ahead)


def _of_the_calendar(found: re.Match[str], example: str) -> date:
    try:
        if not found["month"]:
            return date.fromisoformat(found["day"])
        day = date(int(found["year"]), MONTHS.index(found["month"].casefold()) + 1, int(found["number"]))
    except ValueError:
        raise BadValue(f"{short(found['day'])} is no day of the calendar; write {example}") from None
    named = found["named"]
    if named and not DAYS[day.weekday()].startswith(named.casefold()):
        raise BadValue(f"{day} is a {DAYS[day.weekday()].title()}; write {day} if you mean it")
    return day


def _instant(at: datetime, example: str) -> datetime:
    """A local time as an instant. Clocks that are set forward leave out an hour, and set back bring one twice: which is
    meant must be said.
    """
    try:
        instant, second = at.astimezone(UTC), at.replace(fold=1).astimezone(UTC)
        there = instant.astimezone(at.tzinfo)
    except OverflowError:
        raise BadValue(f"{at:%Y-%m-%d} is too far away; write {example}") from None
    if there.replace(tzinfo=None) != at.replace(tzinfo=None):
        raise BadValue(
            f"{at:%Y-%m-%d %H:%M} does not exist in {at.tzinfo}, as clocks are set forward; "
            f"write {there:%Y-%m-%d %H:%M} {at.tzinfo}"
        )
    if second != instant:
        raise BadValue(
            f"{at:%Y-%m-%d %H:%M} comes twice in {at.tzinfo}, as clocks are set back; "
            f"write {instant:%Y-%m-%d %H:%M} UTC or {second:%Y-%m-%d %H:%M} UTC"
        )
    return instant


def _zone(name: str, example: str) -> tzinfo:
    if name.upper() in ("Z", "UTC", "GMT"):
        return UTC
    if name[0] in "+-":
        sign = 1 if name[0] == "+" else -1
        digits = name[1:].replace(":", "")
        if int(digits[2:]) > 59:
            raise BadValue(f"{name} is no offset from UTC; write +02:00")
        return _offset(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
    known = zones()
    if name.casefold() in known:
        return ZoneInfo(known[name.casefold()])
    cities = {zone.rsplit("/", 1)[-1].casefold(): zone for zone in known.values()}
    near = cities.get(name.casefold()) or (nearest(name, known.values()) if "/" in name else None)
    hint = f"did you mean {near}?" if near else f"write UTC or a zone like Europe/Berlin: {example}"
    raise BadValue(f'I do not know the zone "{short(name)}"; {hint}')


@cache
def zones() -> Mapping[str, str]:
    """The zones that people may name, as Europe/Berlin, by their names without case."""
    return {zone.casefold(): zone for zone in available_timezones() if "/" in zone}


def _offset(delta: timedelta) -> tzinfo:
    try:
        return timezone(delta)
    except ValueError:
        raise BadValue("an offset from UTC is less than 24 hours") from None
