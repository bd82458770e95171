"""When somebody on the roster is asked whether the standing terms go on, and whether they are still the right person.

Both yearly (product.md: standing terms are agreed once and renewed yearly). Whoever does not answer is asked once more,
and then the team is told: nobody is dropped from the roster by time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from chatops.model.people import Contact

YEAR = timedelta(days=365)
RENEW_BEFORE = (timedelta(days=28), timedelta(days=7))
"""Standing terms: asked so long before they run out."""
CONFIRM_AFTER = (YEAR, YEAR + timedelta(days=14))
"""Still the right person: asked so long after the last yes."""
SILENT_AFTER = YEAR + timedelta(days=28)
"""Then the team hears that there was no answer."""


class Question(StrEnum):
    """What somebody on the roster is asked, and answers with a word."""

    STANDING = "standing"
    PERSON = "person"


def due(contact: Contact, now: datetime) -> Question | str | None:
    """What is to be asked of somebody, or told of them (``expired``, ``silent``), since they were last looked at: the
    latest of each, however long the bot was stopped.
    """
    if not contact.on_roster or contact.left_at is not None:
        return None
    since, until, at = contact.asked_at, contact.standing_until, contact.confirmed_at
    reached: list[tuple[datetime, Question | str]] = []
    if until is not None:
        reached += [(until, "expired"), *((until - before, Question.STANDING) for before in RENEW_BEFORE)]
    if not contact.configured and at is not None:
        reached += [(at + SILENT_AFTER, "silent"), *((at + after, Question.PERSON) for after in CONFIRM_AFTER)]
    elif not contact.configured and since is None:
        return Question.PERSON
    new = [what for moment, what in reached if moment <= now and (since is None or moment > since)]
    return new[0] if new else None


def open_question(contact: Contact, question: Question, now: datetime) -> bool:
    """Whether a question still makes sense: it may have been answered, or settled by a coordinator, meanwhile."""
    if not contact.on_roster or contact.left_at is not None:
        return False
    if question is Question.PERSON:
        return not confirmed_lately(contact, now)
    until = contact.standing_until
    return until is not None and now < until <= now + RENEW_BEFORE[0]


def confirmed_lately(contact: Contact, now: datetime) -> bool:
    """Whether somebody was known to be the right person in the last year; the configuration always says so."""
    return contact.configured or (contact.confirmed_at is not None and contact.confirmed_at + YEAR > now)
