"""Each machine against model.md, pair by pair; the joint model's size; the invariants as functions."""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise, product
from typing import Any

import pytest

from chatops.model.diagrams import document, mermaid, moves_table
from chatops.model.machines import (
    CONSENT,
    CORRECTION,
    EMBARGO,
    EXPOSURE,
    FIX,
    FORCED,
    JOINT,
    MACHINES,
    REPORT,
    Consent,
    ConsentEvent,
    Embargo,
    EmbargoEvent,
    Exposure,
    FixStatus,
    Forbidden,
    Joint,
    Machine,
    Report,
    consent_agrees,
    embargo_agrees,
    embargo_may_start,
    fix_agrees,
    fix_at_first,
    hears_details,
    joint_agrees,
    may_close,
    may_propose,
    must_end_embargo,
    should_end_embargo,
)
from chatops.model.moves import MOVES

PAIRS = [(machine, state, event) for machine in MACHINES for state in machine.states for event in machine.events]

# model.md's tables, written a second time in its own notation, so that neither copy can slip alone.
REPORT_MD = """
start: receive received
received: validate valid, invalidate invalid
invalid: validate valid, close closed
valid: accept accepted, defer deferred
accepted: defer deferred, close closed
deferred: accept accepted, close closed
"""
EMBARGO_MD = """
none: propose proposed
proposed: propose proposed, reject none, accept active
active: propose revise, terminate exited
revise: propose revise, reject active, accept active, terminate exited
"""
CONSENT_MD = """
no_embargo: invite invited, remove removed, embargo_over no_embargo
invited: accept signatory, decline declined, remove removed, embargo_over no_embargo
signatory: decline declined, revise_longer lapsed, remove removed, embargo_over no_embargo
lapsed: invite invited, accept signatory, decline declined, remove removed, embargo_over no_embargo
declined: invite invited, remove removed, embargo_over no_embargo
removed: invite invited, remove removed, embargo_over no_embargo
"""
FIX_MD = """
vfd: learn Vfd
Vfd: ready VFd
VFd: deploy VFD
"""
EXPOSURE_MD = """
pxa: publish Pxa, exploit pXa, attack pxA
pxA: publish PxA, exploit pXA
pXa: publish PXa
pXA: publish PXA
Pxa: exploit PXa, attack PxA
PxA: exploit PXA
PXa: attack PXA
"""


def parsed(text: str) -> dict[tuple[str, str], str]:
    table = {}
    for line in text.strip().splitlines():
        state, arrows = line.split(": ")
        for arrow in arrows.split(", "):
            event, new = arrow.split()
            table[state, event] = new
    return table


@pytest.mark.parametrize(
    ("machine", "text"),
    [(REPORT, REPORT_MD), (EMBARGO, EMBARGO_MD), (CONSENT, CONSENT_MD), (FIX, FIX_MD), (EXPOSURE, EXPOSURE_MD)],
    ids=lambda value: value.name if isinstance(value, Machine) else "",
)
def test_the_tables_are_those_of_the_model(machine: Machine[Any, Any], text: str) -> None:
    assert machine.table == parsed(text)


@pytest.mark.parametrize(("machine", "state", "event"), PAIRS, ids=lambda v: getattr(v, "name", str(v)))
def test_what_is_not_in_the_table_is_forbidden(machine: Machine[Any, Any], state: StrEnum, event: StrEnum) -> None:
    if (state, event) in machine.table:
        assert machine.allows(state, event)
        assert machine.step(state, event) is machine.table[state, event]
        return
    assert not machine.allows(state, event)
    with pytest.raises(Forbidden) as refusal:
        machine.step(state, event)
    assert (refusal.value.machine, refusal.value.state, refusal.value.event) == (machine.name, state, event)
    assert str(refusal.value) == f"{machine.name}: '{event}' is not possible in '{state}'"


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_can_be_reached_and_every_event_happens(machine: Machine[Any, Any]) -> None:
    expected = set(machine.states.__members__.values()) - ({FixStatus.UNAWARE} if machine is CORRECTION else set())
    assert machine.reachable() == expected
    assert {event for _, event in machine.table} == set(machine.events.__members__.values())


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_table_cannot_be_changed(machine: Machine[Any, Any]) -> None:
    with pytest.raises(TypeError):
        machine.table[machine.start, "anything"] = machine.start  # type: ignore[index]


def test_values_are_what_the_database_starts_with() -> None:
    assert (REPORT.start, EMBARGO.start, CONSENT.start) == ("start", "none", "no_embargo")
    assert (FIX.start, EXPOSURE.start) == ("vfd", "pxa")


def test_exited_absorbs() -> None:
    assert not any(EMBARGO.allows(Embargo.EXITED, event) for event in EmbargoEvent)


def test_closed_absorbs() -> None:
    assert all(old is not Report.CLOSED for old, _ in REPORT.table)


def test_only_accept_makes_a_signatory() -> None:
    ways = {event for (_, event), new in CONSENT.table.items() if new is Consent.SIGNATORY}
    assert ways == {ConsentEvent.ACCEPT}


def test_nobody_lets_themselves_in() -> None:
    outside = {Consent.NO_EMBARGO, Consent.DECLINED, Consent.REMOVED}
    ways = {event for (old, event), new in CONSENT.table.items() if old in outside and new not in outside}
    assert ways == {ConsentEvent.INVITE}


def test_a_correction_is_a_step_back_on_the_fix_path() -> None:
    forward = {(old, new) for (old, _), new in FIX.table.items()}
    back = {(new, old) for (old, _), new in CORRECTION.table.items()}
    assert back == forward - {(FixStatus.UNAWARE, FixStatus.AWARE)}


def test_the_joint_model_is_vultrons() -> None:
    states = {here for here, _ in JOINT} | set(JOINT.values())
    assert states == {Joint(*both) for both in product(FixStatus, Exposure)}
    assert len(states) == 32
    assert len(JOINT) == 58


def test_every_joint_transition_sets_one_bit() -> None:
    for (here, _), there in JOINT.items():
        changed = [(old, new) for old, new in zip(str(here), str(there), strict=True) if old != new]
        assert len(changed) == 1
        assert changed[0][0].islower()
        assert changed[0][1] == changed[0][0].upper()


def test_causes_come_before_everything_else() -> None:
    ways: dict[Joint, set[StrEnum]] = {}
    for here, event in JOINT:
        ways.setdefault(here, set()).add(event)
    for fix, exposure in product(FixStatus, Exposure):
        if not joint_agrees(fix, exposure):
            assert len(ways[Joint(fix, exposure)]) == 1
    assert [here for here in ways if "v" in str(here) and "P" in str(here)]
    assert len(FORCED) == 2


def test_every_history_ends_with_everything_known() -> None:
    final = Joint(FixStatus.DEPLOYED, Exposure.ALL)
    assert {there for there in JOINT.values() if all(here != there for here, _ in JOINT)} == {final}


def test_an_embargo_starts_only_under_dpxa() -> None:
    for exposure in Exposure:
        assert embargo_may_start(exposure, ()) == (exposure is Exposure.NONE)
        assert not embargo_may_start(exposure, (FixStatus.READY, FixStatus.DEPLOYED))
    assert embargo_may_start(Exposure.NONE, (FixStatus.UNAWARE, FixStatus.AWARE, FixStatus.READY))


def test_what_ends_an_embargo() -> None:
    assert {e.value for e in Exposure if must_end_embargo(e)} == {"Pxa", "pXa", "PXa", "PxA", "pXA", "PXA"}
    assert {e.value for e in Exposure if should_end_embargo(e)} == {"pxA", "PxA", "pXA", "PXA"}
    assert embargo_agrees(Embargo.ACTIVE, Exposure.ATTACKS)
    assert not embargo_agrees(Embargo.PROPOSED, Exposure.ATTACKS)
    for exposure in Exposure:
        for embargo in (Embargo.ACTIVE, Embargo.REVISE):
            assert embargo_agrees(embargo, exposure) != must_end_embargo(exposure)
        assert embargo_agrees(Embargo.NONE, exposure)
        assert embargo_agrees(Embargo.EXITED, exposure)


def test_who_may_propose_and_when_a_case_may_close() -> None:
    assert {report.value for report in Report if may_propose(report)} == {"received", "valid", "accepted"}
    assert {embargo.value for embargo in Embargo if not may_close(embargo)} == {"active", "revise"}


def test_a_fix_bit_needs_a_report_that_was_judged() -> None:
    for report in Report:
        judged = report in (Report.ACCEPTED, Report.DEFERRED, Report.CLOSED)
        assert fix_agrees(FixStatus.READY, [report]) == judged
        assert fix_agrees(FixStatus.DEPLOYED, [Report.START, report]) == judged
        assert fix_agrees(FixStatus.AWARE, [report])
    assert not fix_agrees(FixStatus.READY, [])


def test_consent_stands_only_beside_terms_in_force() -> None:
    bound = (Consent.INVITED, Consent.SIGNATORY, Consent.LAPSED)
    for consent, embargo in product(Consent, Embargo):
        assert consent_agrees(consent, embargo) == (consent not in bound or embargo in (Embargo.ACTIVE, Embargo.REVISE))


def test_only_a_signatory_hears_what_is_new() -> None:
    assert [consent for consent in Consent if hears_details(consent)] == [Consent.SIGNATORY]


def test_who_joins_later_knows_what_is_public() -> None:
    assert all(
        joint_agrees(fix_at_first(exposure), exposure) for exposure in Exposure if joint_agrees(FIX.start, exposure)
    )
    assert fix_at_first(Exposure.PUBLIC) is FixStatus.AWARE
    assert fix_at_first(Exposure.ATTACKS) is FixStatus.UNAWARE


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_a_diagram_shows_every_transition_once(machine: Machine[Any, Any]) -> None:
    arrows = [line.strip() for line in mermaid(machine).splitlines() if "-->" in line and "[*]" not in line]
    drawn: dict[tuple[str, str], str] = {}
    for arrow in arrows:
        ends, events = arrow.split(": ")
        old, new = ends.split(" --> ")
        drawn |= {(old, event): new for event in events.split(", ")}
    assert drawn == machine.table


def test_diagrams_mark_the_ends() -> None:
    assert "    exited --> [*]\n" in mermaid(EMBARGO)
    assert "    closed --> [*]\n" in mermaid(REPORT)
    assert "    [*] --> no_embargo\n" in mermaid(CONSENT)


def test_the_moves_are_printed_one_a_row() -> None:
    rows = moves_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(MOVES)
    assert "| `leak` | moves nothing |" in rows
    assert "needs exposure of the case in pxa, when embargo of the case in proposed<br>" in moves_table()


def test_the_page_is_the_same_every_time() -> None:
    assert document() == document()
    positions = [document().index(mermaid(machine)) for machine in MACHINES]
    assert all(a < b for a, b in pairwise(positions))
