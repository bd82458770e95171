"""A service that does not take us at all any more, and takes us again: the team hears of it by the others."""

from __future__ import annotations

from chatops.commands.desk import Decision, InPlace, Message
from chatops.document import Document, Tlp, para
from chatops.model.changes import Happened
from chatops.model.people import PlaceKind
from chatops.ports import Working
from chatops.service.outbox import resume
from chatops.service.unit import Unit


def decide(unit: Unit, service: str, working: Working) -> None:
    """Put it on record and tell the team. What waited goes out as soon as it may."""
    name = service.capitalize()
    if working.deaf:
        _hearing(unit, service, working)
        return
    if not working.problem:
        resume(unit.session, service)
        again = Document(
            title=f"{name} takes me again",
            kind="outage",
            tlp=Tlp.AMBER_STRICT,
            blocks=(
                para("What waited goes out now, once. Answers that only who asked was to see are gone: ask again."),
            ),
            tone="good",
        )
        _tell(unit, Happened("service works again", facts={"service": service}), again, but=None)
        return
    off = Document(
        title=f"{name} does not take me any more ({working.problem}): I say nothing there",
        kind="outage",
        tlp=Tlp.AMBER_STRICT,
        blocks=(
            para("What is to be said there waits, and goes out once when I am back. I may hear nothing either."),
            para(
                "Whoever runs me: put a new token into the file that the configuration names. I look there every few "
                "seconds. Where it names none, start me anew."
            ),
        ),
        tone="alert",
    )
    facts = {"service": service, "problem": working.problem}
    _tell(unit, Happened("service refuses us", facts=facts), off, but=service)


def _hearing(unit: Unit, service: str, working: Working) -> None:
    """What we say there is said still, so the team is told there too."""
    name = service.capitalize()
    if not working.problem:
        again = Document(
            title=f"{name} tells me again what is said there",
            kind="outage",
            tlp=Tlp.AMBER_STRICT,
            blocks=(para("What somebody typed to me meanwhile may be lost: ask again for what was not answered."),),
            tone="good",
        )
        _tell(unit, Happened("service is heard again", facts={"service": service}), again, but=None)
        return
    off = Document(
        title=f"{name} does not tell me any more what is said there ({working.problem})",
        kind="outage",
        tlp=Tlp.AMBER_STRICT,
        blocks=(
            para("What I say there is still said. Reports, commands and buttons do not reach me: use another way."),
            para(
                "Whoever runs me: put a new app-level token into the file that the configuration names. I look there "
                "at each try to connect. Where it names none, start me anew."
            ),
        ),
        tone="alert",
    )
    facts = {"service": service, "problem": working.problem}
    _tell(unit, Happened("service is not heard", facts=facts), off, but=None)


def _tell(unit: Unit, happened: Happened, document: Document, *, but: str | None) -> None:
    """The security rooms, but for that of one service, where nobody would read it before it is over."""
    rooms = [place for place in unit.book.places(PlaceKind.SECURITY) if place.service != but]
    ping = tuple(contact.id for contact in unit.book.coordinators()) if document.tone == "alert" else ()
    messages = [Message(InPlace(place.id), document, ping=ping) for place in rooms]
    unit.carry_out(Decision(events=[happened], messages=[*messages]))
