"""Who was asked and is silent: asked again by the next path, then shown as "no answer" (policy step 2: best effort)."""

from __future__ import annotations

from datetime import datetime

from chatops.commands.alarms import ask_again
from chatops.commands.desk import Decision, Direct, Message, Outgoing
from chatops.commands.moving import edit_participant
from chatops.commands.terms import question
from chatops.config import Settings
from chatops.document import Action, para, typed
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.machines import Consent
from chatops.model.people import Address
from chatops.service.nudges import to_owner
from chatops.service.unit import Unit


def silent(unit: Unit, settings: Settings, file: CaseFile, contact: str, now: datetime) -> None:
    """The set time has passed since somebody was asked: ask again, or call for another person."""
    one = file.participants.get(contact)
    if one is None or one.consent != Consent.INVITED or one.silent_at is not None or not file.active(contact):
        return
    if file.overdue(now):  # the terms have run out: with the next date they are asked anew
        unit.alarm(ask_again(file.id, contact, now, settings.policy.ask_again_days))
        return
    paths = unit.rooms.paths(contact)
    name = file.name(contact)
    if one.tries + 1 < max(2, len(paths)):
        tries = one.tries + 1
        path = paths[tries % len(paths)] if paths else None
        asked = edit_participant(file, contact, tries=tries)
        facts = {"who": name, "how": path.service if path else "no path"}
        unit.carry_out(
            Decision(
                events=[Happened("asked again", file.id, facts, changes=(asked,))],
                messages=[Message(Direct(contact, path), question(settings, file), ping=(contact,))],
                alarms=[ask_again(file.id, contact, now, settings.policy.ask_again_days)],
            )
        )
        return
    quiet = edit_participant(file, contact, silent_at=now)
    told = Happened("no answer", file.id, {"who": name}, changes=(quiet,))
    unit.carry_out(Decision(events=[told], messages=[_find_another(file, contact, one.tries + 1, paths)]))


def _find_another(file: CaseFile, contact: str, times: int, paths: list[Address]) -> Outgoing:
    one = file.participants[contact]
    name = file.name(contact)
    by = " and ".join(dict.fromkeys(one.service for one in paths)) or "no path"
    where = f" for {one.organisation}" if one.organisation and one.organisation != name else ""
    known = [
        file.name(other.contact)
        for other in file.participants.values()
        if other.organisation == one.organisation and other.consent == Consent.SIGNATORY
    ]
    covered = (para(f"{', '.join(known)} of {one.organisation} is a member already."),) if known else ()
    return to_owner(
        file,
        f"no answer from {name}; please find another person{where}",
        para(f"They were asked {times} times, by {by}. They may still accept."),
        *covered,
        para("Somebody else: ", typed(f"invite {file.id} WHO")),
        actions=(Action(label="ask once more", command=f"invite {file.id} {name}", emoji="🔁"),),
    )
