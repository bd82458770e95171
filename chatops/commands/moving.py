"""How a handler changes a case: machines by the table of moves, other columns by edits.

Each function gives back the changes for the journal and keeps the handler's own snapshot in step, so that the cards of
the same decision show how it will be.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chatops.model.base import Row
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case, Downstream, Participant
from chatops.model.changes import Change, Moved, new, put
from chatops.model.machines import Exposure, Kind, fix_at_first
from chatops.model.moves import CASE, Cast, Move, States, apply
from chatops.model.people import Contact, Role

_COLUMN = {
    Kind.REPORT: ("participant", "report"),
    Kind.CONSENT: ("participant", "consent"),
    Kind.FIX: ("downstream", "fix"),
}


def states(file: CaseFile) -> States:
    """The states of all machines of a case, as the table of moves reads them."""
    case = file.case
    found: dict[tuple[Kind, str], str] = {
        (Kind.REPORT, CASE): case.report,
        (Kind.EMBARGO, CASE): case.embargo,
        (Kind.EXPOSURE, CASE): case.exposure,
        (Kind.FIX, CASE): case.fix,
    }
    for one in file.participants.values():
        found[Kind.REPORT, one.contact] = one.report
        found[Kind.CONSENT, one.contact] = one.consent
    for down in file.downstreams.values():
        found[Kind.FIX, down.organisation] = down.fix
    return found


def moved(file: CaseFile, move: Move, *, actor: str = "", named: str = "") -> tuple[Change | Moved, ...]:
    """What a move changes. Raises :class:`chatops.model.machines.Forbidden` if it is not possible now."""

    def organisation(contact: str) -> str | None:
        one = file.participants.get(contact)
        return one.organisation if one else None

    sites = frozenset(
        one.organisation
        for one in file.participants.values()
        if one.organisation and (known := file.contacts.get(one.contact)) and Role.ADMINISTRATOR in (known.roles or [])
    )
    cast = Cast(
        actor=actor or None,
        actor_org=organisation(actor),
        named=named or None,
        named_org=organisation(named),
        reporter=file.case.reporter,
        sites=sites,
    )
    changes: list[Change | Moved] = []
    was_embargoed, members = file.embargoed, file.signatories()
    for kind, subject, old, now in apply(move, states(file), cast):
        if subject == CASE:
            changes.append(Moved("case", {"id": file.id}, kind.value, old, now, move))
            setattr(file.case, kind.value, str(now))
        else:
            table, column = _COLUMN[kind]
            row: Row = file.downstreams[subject] if table == "downstream" else file.participants[subject]
            setattr(row, column, str(now))
            key = {"case": file.id, "organisation" if table == "downstream" else "contact": subject}
            changes.append(Moved(table, key, column, old, now, move))
    if was_embargoed and not file.embargoed:
        changes += _members_of_then(file, members)
    return tuple(changes)


def _members_of_then(file: CaseFile, members: Sequence[str]) -> Iterator[Change]:
    """Once the embargo is over, a date that somebody accepted says that they were a member at its end: nobody else
    keeps one.
    """
    for one in list(file.participants.values()):
        if one.terms_until is not None and one.contact not in members:
            yield edit_participant(file, one.contact, terms_until=None)


def edit_case(file: CaseFile, **values: Any) -> Change:
    """New values for columns of the case that are no machine's."""
    change = put(Case, file.id, **values)
    for name, value in values.items():
        setattr(file.case, name, value)
    return change


def edit_participant(file: CaseFile, contact: str, **values: Any) -> Change:
    change = put(Participant, (file.id, contact), **values)
    for name, value in values.items():
        setattr(file.participants[contact], name, value)
    return change


def off_team(one: Participant) -> dict[str, str]:
    """Who is out of a case is out as an expert too."""
    return {"role": "downstream"} if one.role == "expert" else {}


def edit_downstream(file: CaseFile, organisation: str, **values: Any) -> Change:
    change = put(Downstream, (file.id, organisation), **values)
    for name, value in values.items():
        setattr(file.downstreams[organisation], name, value)
    return change


def joined(file: CaseFile, contact: Contact, role: str) -> tuple[Change, ...]:
    """Make somebody a participant if they are none yet, and their organisation a downstream; the rows that are new."""
    changes: list[Change] = []
    organisation = contact.organisation or (contact.name if role == "downstream" else None)
    if contact.id not in file.participants:
        one = Participant(case=file.id, contact=contact.id, role=role, organisation=organisation)
        file.participants[contact.id] = one
        file.contacts[contact.id] = contact
        changes.append(new(one))
    elif role == "downstream" and file.participants[contact.id].organisation is None:
        changes.append(edit_participant(file, contact.id, organisation=organisation))
    organisation = file.participants[contact.id].organisation
    if role == "downstream" and organisation and organisation not in file.downstreams:
        down = Downstream(case=file.id, organisation=organisation, fix=fix_at_first(Exposure(file.case.exposure)))
        file.downstreams[organisation] = down
        changes.append(new(down))
    return tuple(changes)
