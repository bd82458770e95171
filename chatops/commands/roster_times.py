"""When somebody on the roster is asked whether the standing terms go on, and whether they are still the right person.

Both yearly (product.md: standing terms are agreed once and renewed yearly). Whoever does not answer is asked once more,
and then the team is told: nobody is dropped from the roster by time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chatops.commands.desk import Alarm
from chatops.model.people import Contact, Role

YEAR = timedelta(days=365)
RENEW_BEFORE = (timedelta(days=28), timedelta(days=7))
"""Standing terms: asked so long before they run out."""
CONFIRM_AFTER = (YEAR, YEAR + timedelta(days=14))
"""Still the right person: asked so long after the last yes."""
SILENT_AFTER = YEAR + timedelta(days=28)
"""Then the team hears that there was no answer."""


def moments(contact: Contact) -> list[tuple[datetime, str]]:
    """What is to be said about somebody, and when: ``renew``, ``expired``, ``confirm`` or ``silent``, in order."""
    if not contact.active or contact.roles == [Role.REPORTER]:
        return []
    found: list[tuple[datetime, str]] = []
    if (until := contact.standing_until) is not None:
        found += [(until - before, "renew") for before in RENEW_BEFORE] + [(until, "expired")]
    if (at := contact.confirmed_at) is not None and not contact.configured:
        found += [(at + after, "confirm") for after in CONFIRM_AFTER] + [(at + SILENT_AFTER, "silent")]
    return sorted(found)


def look(contact: Contact, now: datetime) -> Alarm:
    """The timer that asks next; none if there is nothing to ask."""
    due = next((at for at, _ in moments(contact) if at > now), None)
    return Alarm(f"roster:{contact.id}", "roster", due, data={"contact": contact.id})


def due(contact: Contact, now: datetime) -> set[str]:
    """What came due since they were last looked at: the latest of each, however long the bot was stopped."""
    since = contact.asked_at
    latest = {what: at for at, what in moments(contact) if at <= now}
    told = {what for what, at in latest.items() if since is None or at > since}
    if "expired" in told:
        told.discard("renew")
    if "silent" in told:
        told.discard("confirm")
    return told


def confirmed_lately(contact: Contact, now: datetime) -> bool:
    """Whether somebody was known to be the right person in the last year; the configuration always says so."""
    return contact.configured or (contact.confirmed_at is not None and contact.confirmed_at + YEAR > now)
