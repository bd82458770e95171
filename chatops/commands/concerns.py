"""What speaks against a release date: said on its card, and left to people.

Distributions on linux-distros agree to at most 14 days; announcements come on a working day, and not on a Friday.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatops.config import Policy
from chatops.document import Bullets, Line, bullets, line, strong
from chatops.model.book import CaseFile
from chatops.model.people import Role

DISTRIBUTIONS = timedelta(days=14)
"""linux-distros: "the maximum acceptable embargo period" from the notice on."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def concerns(file: CaseFile, policy: Policy, what: str, at: datetime, now: datetime) -> tuple[Bullets, ...]:
    """What to think of before a proposed date (``what`` as in a proposal) is agreed to; nothing if it is fine."""
    found: list[Line] = []
    cap = timedelta(days=policy.embargo_cap_days)
    if at - now > cap:
        found.append(line(strong(f"Beyond the cap of {cap.days} days"), f" from today: {_days(at - now)}."))
    elif what == "date" and at - file.case.opened_at > cap:
        found.append(line(f"That is {_days(at - file.case.opened_at)} after the report; the cap is {cap.days} days."))
    if what == "date":
        found += _of_the_day(policy, at)
        told = file.case.notified_at or now
        if at - told > DISTRIBUTIONS and _distributions(file):
            found.append(
                line(
                    strong("More than 14 days"),
                    f" ({_days(at - told)}) after the notice: distributions on linux-distros agree to no more.",
                )
            )
    return (bullets(found),) if found else ()


def _of_the_day(policy: Policy, at: datetime) -> list[Line]:
    day = at.astimezone(UTC).date()
    if f"{day}" in policy.holidays or f"{day:%m-%d}" in policy.holidays:
        return [line(strong("A holiday"), f" ({day}): who is there to build and to answer? Another day?")]
    if day.weekday() >= 5:
        return [line(strong(f"A {DAYS[day.weekday()]}"), ": packagers and administrators prefer a working day.")]
    if day.weekday() == 4:
        return [line(strong("A Friday"), ": what goes wrong, goes wrong on the weekend. A day from Monday on?")]
    return []


def _distributions(file: CaseFile) -> bool:
    """Whether packagers take part, or were asked to."""
    return any(
        Role.PACKAGER in (file.contacts[one.contact].roles or [])
        for one in file.participants.values()
        if one.consent in ("invited", "signatory", "lapsed") and one.contact in file.contacts
    )


def _days(span: timedelta) -> str:
    return f"{span.days} days"
