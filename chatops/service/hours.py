"""When a reminder may come: in somebody's working hours, where their zone is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

BEGIN, END = 8, 18
"""Working hours of a day, Monday to Friday, in somebody's own zone."""


def working_time(at: datetime, zone: str | None) -> datetime:
    """``at``, if it lies in working hours of ``zone``; else the instant when the next working day begins.

    Without a zone, any instant will do. Both are aware; what comes back is in UTC.
    """
    if zone is None:
        return at
    here = at.astimezone(ZoneInfo(zone))
    if here.weekday() < 5 and BEGIN <= here.hour < END:
        return at
    day = here if here.hour < BEGIN else here + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    return next_morning(day)


def next_morning(day: datetime) -> datetime:
    """When the working hours of a local day begin, in UTC; across a change of the clocks it is the local hour that
    counts.
    """
    return day.replace(hour=BEGIN, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
