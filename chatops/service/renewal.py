"""Standing terms that run out, and people who were not confirmed for a year: looked at with the daily round.

Who is to be asked is asked in their working hours. What the team is to know is a line of the round.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from chatops.commands.desk import Alarm, Decision
from chatops.commands.roster_times import Question, due, open_question
from chatops.commands.still import ask
from chatops.config import Settings
from chatops.document import Line, line, strong, typed
from chatops.model.changes import Happened, put
from chatops.model.people import Contact
from chatops.service.hours import working_time
from chatops.service.unit import Unit

KIND = "roster"
SAID = {
    "expired": "the standing terms ran out",
    "silent": "no answer to whether they are still the right person",
}


def look(unit: Unit, now: datetime) -> Iterator[Line]:
    """Set the timers that ask; yield what the team is to know."""
    for contact in unit.book.contacts():
        what = due(contact, now)
        if isinstance(what, Question):
            data = {"contact": contact.id, "question": what.value}
            unit.alarm(Alarm(f"{KIND}:{contact.id}", KIND, working_time(now, contact.zone), data=data, keep=True))
        elif what is not None:
            seen = put(Contact, contact.id, asked_at=now)
            unit.record(Happened(f"roster: {what}", None, {"who": contact.name}, changes=(seen,)))
            yield line(strong(contact.name), f": {SAID[what]}. ", typed("contacts check"))


def asks(unit: Unit, settings: Settings, data: dict[str, str], now: datetime) -> None:
    """The timer: the question itself, if it still makes sense."""
    contact, question = unit.book.contact(data["contact"]), Question(data["question"])
    if contact is None or not open_question(contact, question, now):
        return
    change = put(Contact, contact.id, asked=question.value, asked_at=now)
    asked = Happened("asked on the roster", None, {"who": contact.name, "what": question.value}, changes=(change,))
    unit.carry_out(Decision(events=[asked], messages=[ask(settings, contact, question)]))
