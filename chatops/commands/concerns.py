"""What speaks against a release date: said on its card, and left to people.

Distributions on linux-distros agree to at most 14 days; announcements come on a working day, and not on a Friday.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chatops.commands.desk import Desk
from chatops.config import Policy
from chatops.document import Bullets, Line, bullets, line, strong
from chatops.model.casefile import CaseFile
from chatops.model.people import Role
from chatops.ports import MAIL, Address

DISTRIBUTIONS = timedelta(days=14)
"""linux-distros: "the maximum acceptable embargo period" from the notice on."""
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def concerns(desk: Desk, file: CaseFile, what: str, at: datetime) -> tuple[Bullets, ...]:
    """What to think of before a proposed date (``what`` as in a proposal) is agreed to; nothing if it is fine."""
    policy, now = desk.settings.policy, desk.now
    found: list[Line] = []
    cap = timedelta(days=policy.embargo_cap_days)
    if at - now > cap:
        found.append(line(strong(f"Beyond the cap of {cap.days} days"), f" from today: {_days(at - now)}."))
    elif what == "date" and at - file.case.opened_at > cap:
        found.append(line(f"That is {_days(at - file.case.opened_at)} after the report; the cap is {cap.days} days."))
    if what == "date":
        found += _of_the_day(policy, at)
        told = file.case.notified_at or now
        by_custom = _of_lists(desk, file, at - told)
        found += by_custom
        found += _of_builders(file, at, now)
        if at - told > DISTRIBUTIONS and _distributions(file) and not by_custom:
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


def _of_builders(file: CaseFile, at: datetime, now: datetime) -> list[Line]:
    """The organisations that need more days from the fix (the private release, or now if there is none yet)."""
    left = at - (file.case.private_release_at or now)
    needs: dict[str, int] = {}
    for one in file.participants.values():
        contact = file.contacts.get(one.contact)
        if contact is not None and one.consent in ("invited", "signatory", "lapsed"):
            name = one.organisation or contact.name
            needs[name] = max(needs.get(name, 0), contact.lead_days or 0)
    return [
        line(strong(f"{name} needs {days} days"), f" from the fix; this date leaves {max(left.days, 0)}.")
        for name, days in sorted(needs.items())
        if left < timedelta(days=days)
    ]


def _of_lists(desk: Desk, file: CaseFile, span: timedelta) -> list[Line]:
    """The private lists that were asked, and keep nothing private for so long."""
    lists = desk.settings.mail.lists if desk.settings.mail else ()
    found = []
    for one in lists:
        contact = desk.book.at(Address(MAIL, "", one.address)) if one.max_days else None
        if contact is not None and contact.id in file.participants and span > timedelta(days=one.max_days or 0):
            found.append(
                line(
                    strong(f"More than {one.max_days} days"),
                    f" ({_days(span)}) after the notice: {contact.name} agrees to no more.",
                )
            )
    return found


def _days(span: timedelta) -> str:
    return f"{span.days} days"
