"""A general release goes on: steps begin as soon as what they wait for is settled, and end when their effects did.

It goes on in the decision that brings the news (a confirmation, an outcome), so that a crash leaves it at a step.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from chatops.commands import plan
from chatops.commands.checklist import checklist
from chatops.commands.desk import Alarm, Decision, Desk, Here, InPlace, Job, Message
from chatops.config import Settings
from chatops.model.casefile import CaseFile
from chatops.model.flow import STUCK, OutboxRow
from chatops.model.machines import Forbidden
from chatops.model.people import PlaceKind
from chatops.ports import Outcome, Snapshot, Survey
from chatops.service.drills import marked
from chatops.service.heads import UNSETTLED
from chatops.service.unit import Unit

LOOK_AGAIN = timedelta(minutes=1)
"""A tag that a person pushes is looked for so often."""
TAG = "tag"


def advance(unit: Unit, desk: Desk, case: str) -> None:
    """Begin every step that may begin, and show the checklist as it is then."""
    file = unit.book.case(case)
    if file is None or file.case.announcing_at is None:
        return
    while (step := plan.ready(unit.book.plan(case))) is not None:
        file = unit.book.case(case)
        assert file is not None
        try:
            begun = plan.begin(replace(desk, file=file), file, step)
        except Forbidden as no:  # the case went on meanwhile
            unit.record(plan.settled(case, step.name, "failed", desk, f"{no.machine}-{no.state}"))
            continue
        unit.carry_out(begun)
        if step.name == TAG:
            unit.alarm(_look(case, desk))
        if unit.book.plan(case)[step.name].state == "running":
            _settle(unit, desk, case, step.name)
    _show(unit, desk, case)


def landed(unit: Unit, desk: Desk, row: OutboxRow, outcome: Outcome) -> None:
    """One of a step's effects is done, or failed for good."""
    case, name, which = plan.named(row.step or "")
    file = unit.book.case(case)
    known = unit.book.plan(case).get(name)
    if file is None or file.case.announcing_at is None or plan.confirmed(file) != which:
        return
    if known is None or known.state in (*plan.SETTLED, "waiting"):
        return
    if name == TAG:
        if outcome.ok and not outcome.data.get("commit"):
            unit.alarm(_look(case, desk))
            return
        unit.record(plan.settled(case, name, "done" if outcome.ok else "failed", desk, outcome.problem or None))
    elif not _settle(unit, desk, case, name, _problem(desk, file, name, outcome)):
        return
    advance(unit, desk, case)


def own(row: OutboxRow) -> bool:
    """Whether what an effect brought back concerns its step alone."""
    return row.step is not None and plan.named(row.step)[1] == TAG


def look_again(unit: Unit, settings: Settings, case: str) -> None:
    """Whether the tag that a person was asked for is there now. A drill pushes none: there a person says so."""
    file = unit.book.case(case)
    known = unit.book.plan(case).get(TAG)
    if file is None or file.case.drill or known is None or known.state != "asked" or file.case.announcing_at is None:
        return
    version = plan.fixed_in(file)
    look = Snapshot(version=version, tag=plan.tag_of(settings, version))
    unit.carry_out(Decision(jobs=[Job(look, case, plan.waits(file, TAG))]))


def _look(case: str, desk: Desk) -> Alarm:
    return Alarm(f"plan:{case}", "plan", desk.now + LOOK_AGAIN, case)


def _problem(desk: Desk, file: CaseFile, name: str, outcome: Outcome) -> str | None:
    if not outcome.ok:
        return outcome.problem
    return plan.mismatched(desk, file, outcome.data["archives"]) if name == "publish" else None


def _settle(unit: Unit, desk: Desk, case: str, name: str, problem: str | None = None) -> bool:
    """Write down how a step ended, if it did."""
    file = unit.book.case(case)
    assert file is not None
    effects = unit.book.effects(plan.waits(file, name))
    dead = [row.problem or row.state for row in effects if row.state in STUCK]
    if problem is None and any(row.state in UNSETTLED for row in effects):
        return False
    problem = problem or (dead[0] if dead else plan.left_over(desk, file, name))
    unit.record(plan.settled(case, name, "failed" if problem else "done", desk, problem))
    if name == "public" and desk.settings.release_host != "none":
        unit.order(Job(Survey()))  # what the page says of it goes on record at once
    return True


def _show(unit: Unit, desk: Desk, case: str) -> None:
    """One message in each security room, edited as it goes."""
    file = unit.book.case(case)
    assert file is not None
    key = plan.checklist_key(file)
    document = checklist(desk, file)
    document = marked(document) if file.case.drill else document
    for place in unit.book.places(PlaceKind.SECURITY):
        own = f"{key}.{place.id[:8]}"
        if unit.said(own):
            unit.send(Message(InPlace(place.id), document, edit=own))
        else:
            unit.send(Message(Here() if place.id == unit.here else InPlace(place.id), document, key=own))
    if unit.answerable and desk.place is not PlaceKind.SECURITY and not file.case.drill:
        unit.send(Message(Here(), document))
