"""Dates as people type them, read into aware UTC instants.

``2026-12-14 15:00 Europe/Berlin``, ``2026-12-14T15:00Z``, ``2026-12-14`` (at 15:00 UTC, when distributions prefer to
publish), ``in 10 days``, ``next Tuesday 15:00 UTC``. An hour without a zone is in the person's zone, else UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from chatops.commands.declare import BadValue
from chatops.commands.typed import nearest, short

HOUR = 15
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FORM = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2}|in\s+\d{1,5}\s+(?:days?|weeks?|hours?)|(?:next\s+)?(?:"
    + "|".join(DAYS)
    + r")|tomorrow)"
    r"(?:[T\s]+(?P<hour>\d{1,2}:\d{2}(?::\d{2})?))?\s*(?P<zone>Z|[+-]\d{2}:?\d{2}|[A-Za-z]+(?:[/_+-]+[A-Za-z0-9]+)*)?",
    re.IGNORECASE,
)


def read_moment(text: str, now: datetime, zone: str | None = None) -> datetime:
    """The instant meant. Raises :class:`BadValue`, with a right form of what was typed."""
    found = _FORM.fullmatch(text.strip())
    example = f"{now + timedelta(days=14):%Y-%m-%d} 15:00 UTC"
    if found is None:
        raise BadValue(f'"{short(text)}" is no date; write {example}, "in 10 days" or "next Tuesday 15:00 UTC"')
    local = _zone(found["zone"] or (zone if found["hour"] else None) or "UTC", example)
    here = now.astimezone(local)
    day = found["day"].casefold()
    if day.startswith("in"):
        number, unit = re.findall(r"\d+|[a-z]+", day)[1:]
        if int(number) > 3650:
            raise BadValue(f'"{short(text)}" is too far away')
        if unit.startswith("hour"):
            return now + timedelta(hours=int(number))
        date = (here + timedelta(days=int(number) * (7 if unit.startswith("week") else 1))).date()
    elif day == "tomorrow":
        date = (here + timedelta(days=1)).date()
    elif day[0].isdigit():
        try:
            date = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date()
        except ValueError:
            raise BadValue(f"{day} is no day of the calendar; write {example}") from None
    else:
        ahead = (DAYS.index(day.split()[-1]) - here.weekday()) % 7 or 7
        date = (here + timedelta(days=ahead)).date()
    hour, minute = (int(part) for part in (found["hour"] or f"{HOUR}:00").split(":")[:2])
    if hour > 23 or minute > 59:
        raise BadValue(f"{found['hour']} is no hour of the day; write {example}")
    return _instant(datetime(date.year, date.month, date.day, hour, minute, tzinfo=local), example)


def _instant(at: datetime, example: str) -> datetime:
    """A local time as an instant; of an hour that comes twice (clocks set back) the first is meant."""
    try:
        instant = at.astimezone(UTC)
    except OverflowError:
        raise BadValue(f"{at:%Y-%m-%d} is too far away; write {example}") from None
    if instant.astimezone(at.tzinfo).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise BadValue(f"{at:%Y-%m-%d %H:%M} does not exist there, as clocks are set forward; write {example}")
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
