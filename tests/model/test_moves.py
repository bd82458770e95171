"""The table of moves: every move in its scenes, and random histories in which every invariant holds all the time."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from itertools import product
from pathlib import Path

import pytest
from hypothesis import event as observed
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chatops.model import machines
from chatops.model.machines import (
    JOINT,
    MACHINES,
    Consent,
    ConsentEvent,
    Embargo,
    EmbargoEvent,
    Exposure,
    FixCorrection,
    FixStatus,
    Forbidden,
    Joint,
    Kind,
    Report,
    ReportEvent,
    consent_agrees,
    embargo_agrees,
    embargo_may_start,
    fix_agrees,
    joint_agrees,
    may_close,
    may_propose,
    must_end_embargo,
)
from chatops.model.moves import CASE, MOVES, Cast, Change, Move, States, Step, Whom, after, apply, permitted

REPORTER, DEBIAN, DEBIAN_2, FEDORA, SITE = "rosa", "deb", "deb2", "fed", "site"
ORGANISATION = {DEBIAN: "Debian", DEBIAN_2: "Debian", FEDORA: "Fedora", SITE: "a cluster"}
CONTACTS = (REPORTER, DEBIAN, DEBIAN_2, FEDORA, SITE)
SITES = frozenset({"a cluster"})

CAST = Cast(actor=DEBIAN, actor_org="Debian", named=FEDORA, named_org="Fedora", reporter=REPORTER, sites=SITES)


def cast(actor: str, named: str) -> Cast:
    return Cast(
        actor=actor,
        actor_org=ORGANISATION.get(actor),
        named=named,
        named_org=ORGANISATION.get(named),
        reporter=REPORTER,
        sites=SITES,
    )


def beginning() -> dict[tuple[Kind, str], str]:
    people = product((Kind.REPORT, Kind.CONSENT), CONTACTS)
    start = {Kind.REPORT: Report.START, Kind.CONSENT: Consent.NO_EMBARGO}
    return {
        (Kind.REPORT, CASE): Report.START,
        (Kind.EMBARGO, CASE): Embargo.NONE,
        (Kind.EXPOSURE, CASE): Exposure.NONE,
        (Kind.FIX, CASE): FixStatus.UNAWARE,
        **{(kind, who): start[kind] for kind, who in people},
        **{(Kind.FIX, organisation): FixStatus.UNAWARE for organisation in sorted(set(ORGANISATION.values()))},
    }


def embargo(states: States) -> Embargo:
    return Embargo(states[Kind.EMBARGO, CASE])


def exposure(states: States) -> Exposure:
    return Exposure(states[Kind.EXPOSURE, CASE])


def story(*moves: Move, who: Cast = CAST) -> dict[tuple[Kind, str], str]:
    states = beginning()
    for move in moves:
        states = after(states, apply(move, states, who))
    return states


def told(changes: Iterable[Change]) -> list[tuple[str, str, str]]:
    return [(change.machine, change.subject, change.new) for change in changes]


TRIAGED = (Move.REPORT, Move.TRIAGE)
NAMED_IS_IN = (*TRIAGED, Move.INVITE_STANDING)


# --- scenes --------------------------------------------------------------------------------------------------------


def test_a_case_from_report_to_close() -> None:
    deb, fed = cast(DEBIAN, DEBIAN), cast(FEDORA, FEDORA)
    states = beginning()
    for move, who in (
        (Move.REPORT, CAST),
        (Move.TRIAGE, CAST),
        (Move.INVITE, deb),
        (Move.INVITE_STANDING, fed),
        (Move.ACCEPT, deb),
        (Move.STATUS_AFFECTED, deb),
        (Move.STATUS_NOT_AFFECTED, fed),
        (Move.EMBARGO_PROPOSE, deb),
        (Move.EMBARGO_ACCEPT_LONGER, CAST),
        (Move.ACCEPT, deb),
        (Move.PRIVATE_RELEASE, CAST),
        (Move.STATUS_FIX_READY, deb),
        (Move.ANNOUNCE, CAST),
        (Move.STATUS_DEPLOYED, deb),
        (Move.CLOSE, CAST),
    ):
        states = after(states, apply(move, states, who))
    assert embargo(states) is Embargo.EXITED
    assert exposure(states) is Exposure.PUBLIC
    assert states[Kind.REPORT, CASE] == "closed"
    assert [states[Kind.FIX, who] for who in (CASE, "Debian", "Fedora")] == ["VFD", "VFD", "Vfd"]
    assert {states[Kind.CONSENT, who] for who in CONTACTS} == {"no_embargo"}


def test_triage_brings_the_default_embargo_once() -> None:
    states = story(Move.REPORT)
    assert told(apply(Move.TRIAGE, states, CAST)) == [
        ("report", CASE, "valid"),
        ("report", CASE, "accepted"),
        ("embargo", CASE, "proposed"),
        ("embargo", CASE, "active"),
    ]
    without = story(Move.REPORT, Move.TRIAGE_PROPOSE, Move.EMBARGO_REJECT)
    assert embargo(without) is Embargo.NONE
    assert apply(Move.TRIAGE, without, CAST) == ()


def test_the_team_opens_a_case_that_it_found() -> None:
    assert story(Move.TRIAGE)[Kind.REPORT, CASE] == "accepted"
    assert story(Move.TRIAGE)[Kind.FIX, CASE] == "Vfd"


@pytest.mark.parametrize("known", [Move.LEAK_CONFIRMED, Move.EXPLOIT_CONFIRMED, Move.ATTACKS_CONFIRMED])
def test_what_is_known_outside_gets_no_new_embargo(known: Move) -> None:
    states = story(Move.REPORT, known, Move.TRIAGE)
    assert states[Kind.REPORT, CASE] == "accepted"
    assert embargo(states) is Embargo.NONE
    assert not permitted(Move.EMBARGO_DATE, states, CAST)


def test_a_published_fix_stops_an_embargo_and_a_patched_site_does_not() -> None:
    for who, expected in ((DEBIAN, Embargo.NONE), (SITE, Embargo.ACTIVE)):
        states = story(Move.REPORT)
        for move in (Move.STATUS_DEPLOYED, Move.TRIAGE):
            states = after(states, apply(move, states, cast(who, who)))
        assert embargo(states) is expected


def test_a_proposal_that_was_overtaken_cannot_be_accepted() -> None:
    states = story(Move.REPORT, Move.TRIAGE_PROPOSE, Move.STATUS_DEPLOYED)
    assert embargo(states) is Embargo.PROPOSED
    with pytest.raises(Forbidden, match="fix: 'embargo accept' is not possible in 'VFD'"):
        apply(Move.EMBARGO_ACCEPT, states, CAST)


def test_attacks_drop_a_proposal_but_leave_an_embargo_to_the_coordinators() -> None:
    assert embargo(story(Move.REPORT, Move.TRIAGE_PROPOSE, Move.ATTACKS_CONFIRMED)) is Embargo.NONE
    assert embargo(story(*TRIAGED, Move.ATTACKS_CONFIRMED)) is Embargo.ACTIVE
    assert embargo(story(*TRIAGED, Move.EMBARGO_DATE, Move.ATTACKS_CONFIRMED)) is Embargo.REVISE


@pytest.mark.parametrize("leak", [Move.LEAK_CONFIRMED, Move.EXPLOIT_CONFIRMED])
@pytest.mark.parametrize("before", [(), (Move.EMBARGO_DATE,)])
def test_a_confirmed_leak_ends_the_embargo_in_one_move(leak: Move, before: tuple[Move, ...]) -> None:
    states = story(*NAMED_IS_IN, *before, leak)
    assert embargo(states) is Embargo.EXITED
    assert exposure(states).public
    assert states[Kind.CONSENT, FEDORA] == "no_embargo"
    assert {states[Kind.FIX, who] for who in (*ORGANISATION.values(), CASE)} == {"Vfd"}
    with pytest.raises(Forbidden):
        apply(leak, states, CAST)


@pytest.mark.parametrize("leak", [Move.LEAK_CONFIRMED, Move.EXPLOIT_CONFIRMED])
def test_a_confirmed_leak_rejects_what_was_only_proposed(leak: Move) -> None:
    assert embargo(story(Move.REPORT, Move.TRIAGE_PROPOSE, leak)) is Embargo.NONE


@pytest.mark.parametrize("move", [Move.LEAK, Move.AGREE, Move.OBJECT])
def test_claims_and_votes_move_nothing(move: Move) -> None:
    assert MOVES[move] == ()
    assert apply(move, story(*NAMED_IS_IN), CAST) == ()


def test_a_longer_date_asks_the_members_again() -> None:
    revised = (*NAMED_IS_IN, Move.EMBARGO_DATE)
    assert story(*revised, Move.EMBARGO_ACCEPT)[Kind.CONSENT, FEDORA] == "signatory"
    assert story(*revised, Move.EMBARGO_REJECT)[Kind.CONSENT, FEDORA] == "signatory"
    assert story(*revised, Move.EMBARGO_ACCEPT_LONGER)[Kind.CONSENT, FEDORA] == "lapsed"
    assert embargo(story(*revised, Move.EMBARGO_ACCEPT_LONGER)) is Embargo.ACTIVE
    for other in (story(*NAMED_IS_IN), story(Move.REPORT, Move.TRIAGE_PROPOSE)):
        with pytest.raises(Forbidden):
            apply(Move.EMBARGO_ACCEPT_LONGER, other, CAST)


def test_standing_terms_do_not_override_a_no() -> None:
    for states in (story(*NAMED_IS_IN, Move.REMOVE), _declined()):
        with pytest.raises(Forbidden):
            apply(Move.INVITE_STANDING, states, CAST)
        assert permitted(Move.INVITE, states, CAST)


def _declined() -> States:
    states = story(*NAMED_IS_IN)
    return after(states, apply(Move.DECLINE, states, cast(FEDORA, FEDORA)))


def test_nobody_is_asked_without_terms_in_force() -> None:
    asking = (Move.INVITE, Move.INVITE_TELL_NOW, Move.INVITE_STANDING, Move.BRING)
    for states in (story(Move.REPORT), story(Move.REPORT, Move.TRIAGE_PROPOSE), story(*TRIAGED, Move.EMBARGO_END)):
        for move in asking:
            assert not permitted(move, states, CAST)


def test_to_be_asked_is_not_to_be_told() -> None:
    asked = story(*TRIAGED, Move.INVITE)
    assert (asked[Kind.CONSENT, FEDORA], asked[Kind.REPORT, FEDORA], asked[Kind.FIX, "Fedora"]) == (
        "invited",
        "start",
        "vfd",
    )
    now = story(*TRIAGED, Move.INVITE_TELL_NOW)
    assert (now[Kind.CONSENT, FEDORA], now[Kind.REPORT, FEDORA], now[Kind.FIX, "Fedora"]) == (
        "invited",
        "received",
        "Vfd",
    )


def test_who_accepts_is_told() -> None:
    detail = [("report", FEDORA, "received"), ("fix", "Fedora", "Vfd")]
    accepted = apply(Move.ACCEPT, story(*TRIAGED, Move.INVITE), cast(FEDORA, FEDORA))
    assert told(accepted) == [("consent", FEDORA, "signatory"), *detail]
    standing = apply(Move.INVITE_STANDING, story(*TRIAGED), CAST)
    assert told(standing) == [("consent", FEDORA, "invited"), ("consent", FEDORA, "signatory"), *detail]


def test_only_a_member_brings_a_colleague_and_never_back_in() -> None:
    states = story(*TRIAGED)
    fedora_brings_debian = cast(FEDORA, DEBIAN)
    assert not permitted(Move.BRING, states, fedora_brings_debian)
    states = story(*NAMED_IS_IN)
    assert told(apply(Move.BRING, states, fedora_brings_debian)) == [("consent", DEBIAN, "invited")]
    removed = after(states, apply(Move.REMOVE, states, fedora_brings_debian))
    assert not permitted(Move.BRING, removed, fedora_brings_debian)


def test_only_members_propose_dates_and_not_for_a_report_that_they_deferred() -> None:
    states = story(*NAMED_IS_IN)
    fed = cast(FEDORA, FEDORA)
    assert not permitted(Move.EMBARGO_PROPOSE, states, cast(DEBIAN, DEBIAN))
    assert told(apply(Move.EMBARGO_PROPOSE, states, fed)) == [("embargo", CASE, "revise")]
    deferred = after(states, apply(Move.STATUS_NOT_AFFECTED, states, fed))
    with pytest.raises(Forbidden, match="report: 'embargo propose' is not possible in 'deferred'"):
        apply(Move.EMBARGO_PROPOSE, deferred, fed)


DATES = (Move.EMBARGO_REVIEW, Move.EMBARGO_DATE)


@pytest.mark.parametrize("move", DATES)
def test_the_team_proposes_a_date_and_coordinators_close_the_question(move: Move) -> None:
    assert embargo(story(Move.REPORT, move)) is Embargo.PROPOSED
    assert embargo(story(Move.REPORT, move, Move.EMBARGO_ACCEPT)) is Embargo.ACTIVE
    assert embargo(story(Move.REPORT, move, Move.EMBARGO_REJECT)) is Embargo.NONE
    assert embargo(story(*TRIAGED, move)) is Embargo.REVISE
    assert embargo(story(*TRIAGED, move, move, Move.EMBARGO_ACCEPT)) is Embargo.ACTIVE
    assert not permitted(move, story(*TRIAGED, Move.EMBARGO_END), CAST)


@pytest.mark.parametrize("move", DATES)
@pytest.mark.parametrize("embargoed", [Embargo.NONE, Embargo.PROPOSED, Embargo.ACTIVE, Embargo.REVISE])
@pytest.mark.parametrize("ours", Report)
def test_the_team_proposes_only_for_a_report_that_is_alive(move: Move, embargoed: Embargo, ours: Report) -> None:
    states = {**beginning(), (Kind.REPORT, CASE): ours, (Kind.EMBARGO, CASE): embargoed}
    assert permitted(move, states, CAST) == (ours in (Report.RECEIVED, Report.VALID, Report.ACCEPTED))


@pytest.mark.parametrize("move", DATES)
@pytest.mark.parametrize("happened", [Move.ATTACKS_CONFIRMED, Move.STATUS_DEPLOYED])
def test_what_prevents_a_new_embargo_does_not_prevent_a_revision(move: Move, happened: Move) -> None:
    assert embargo(story(*TRIAGED, happened, move, Move.EMBARGO_ACCEPT)) is Embargo.ACTIVE
    for start in ((), (Move.TRIAGE_PROPOSE,)):
        assert not permitted(move, story(Move.REPORT, *start, happened), CAST)


def test_a_revision_is_closed_even_if_our_report_was_set_aside() -> None:
    assert embargo(story(*TRIAGED, Move.EMBARGO_DATE, Move.DUPLICATE, Move.EMBARGO_ACCEPT)) is Embargo.ACTIVE


@pytest.mark.parametrize(
    ("machine", "state"),
    [
        *((Kind.REPORT, state) for state in (Report.START, Report.INVALID, Report.DEFERRED, Report.CLOSED)),
        *((Kind.EXPOSURE, state) for state in Exposure if state is not Exposure.NONE),
        (Kind.FIX, FixStatus.DEPLOYED),
    ],
)
def test_a_proposal_is_not_accepted_where_an_embargo_may_not_start(machine: Kind, state: str) -> None:
    """No history leads to these states (the proposal was dropped before); acceptance does not lean on that."""
    states = story(Move.REPORT, Move.TRIAGE_PROPOSE)
    assert permitted(Move.EMBARGO_ACCEPT, states, CAST)
    with pytest.raises(Forbidden, match=f"{machine}: 'embargo accept'"):
        apply(Move.EMBARGO_ACCEPT, {**states, (machine, CASE): state}, CAST)


@pytest.mark.parametrize("state", [Consent.INVITED, Consent.LAPSED, Consent.SIGNATORY])
def test_consent_left_over_from_an_embargo_is_worth_nothing(state: Consent) -> None:
    """Nor to this: whoever had been a member of an embargo that is no more neither accepts nor proposes."""
    for embargoed in (Embargo.NONE, Embargo.PROPOSED, Embargo.EXITED):
        states = {**story(Move.REPORT), (Kind.EMBARGO, CASE): embargoed, (Kind.CONSENT, DEBIAN): state}
        states[Kind.REPORT, DEBIAN] = Report.ACCEPTED
        for move in (Move.ACCEPT, Move.EMBARGO_PROPOSE, Move.BRING):
            assert not permitted(move, states, CAST)


@pytest.mark.parametrize("state", [state for state in Consent if state is not Consent.SIGNATORY])
def test_only_a_signatory_proposes_or_brings(state: Consent) -> None:
    states = {**story(*TRIAGED), (Kind.REPORT, DEBIAN): Report.ACCEPTED}
    for move in (Move.EMBARGO_PROPOSE, Move.BRING):
        assert permitted(move, {**states, (Kind.CONSENT, DEBIAN): Consent.SIGNATORY}, CAST)
        assert not permitted(move, {**states, (Kind.CONSENT, DEBIAN): state}, CAST)


def test_a_report_is_received_by_us_and_by_who_sent_it() -> None:
    assert told(apply(Move.REPORT, beginning(), CAST)) == [
        ("report", CASE, "received"),
        ("fix", CASE, "Vfd"),
        ("report", REPORTER, "received"),
    ]


def test_an_expert_has_the_report() -> None:
    assert told(apply(Move.TEAM_ADD, story(Move.REPORT), CAST)) == [("report", FEDORA, "received")]


@pytest.mark.parametrize("triage", [Move.TRIAGE, Move.TRIAGE_PROPOSE])
def test_triage_opens_and_reopens_but_not_what_is_closed(triage: Move) -> None:
    for before in ((), (Move.REPORT,), (Move.REPORT, Move.REJECT), (Move.REPORT, Move.DUPLICATE)):
        states = story(*before, triage)
        assert (states[Kind.REPORT, CASE], states[Kind.FIX, CASE]) == ("accepted", "Vfd")
        assert embargo(states) is (Embargo.ACTIVE if triage is Move.TRIAGE else Embargo.PROPOSED)
    with pytest.raises(Forbidden, match=f"report: '{triage}' is not possible in 'closed'"):
        story(Move.REPORT, Move.REJECT, Move.CLOSE, triage)


def test_an_end_takes_an_open_proposal_with_it() -> None:
    proposed = (Move.REPORT, Move.TRIAGE_PROPOSE)
    for end in (Move.REJECT, Move.CLOSE):
        states = story(*proposed, end)
        assert embargo(states) is Embargo.NONE
        assert states[Kind.REPORT, CASE] == "closed"
    assert story(Move.REPORT, Move.EMBARGO_DATE, Move.REJECT)[Kind.REPORT, CASE] == "invalid"


@pytest.mark.parametrize(
    ("answers", "report", "fix"),
    [
        ((Move.STATUS_INVESTIGATING,), "received", "Vfd"),
        ((Move.STATUS_AFFECTED,), "accepted", "Vfd"),
        ((Move.STATUS_NOT_AFFECTED,), "deferred", "Vfd"),
        ((Move.STATUS_FIX_READY,), "accepted", "VFd"),
        ((Move.STATUS_DEPLOYED,), "accepted", "VFD"),
        ((Move.STATUS_NOT_AFFECTED, Move.STATUS_AFFECTED), "accepted", "Vfd"),
        ((Move.STATUS_AFFECTED, Move.STATUS_NOT_AFFECTED), "deferred", "Vfd"),
        ((Move.STATUS_NOT_AFFECTED, Move.STATUS_FIX_READY, Move.STATUS_DEPLOYED), "accepted", "VFD"),
        ((Move.STATUS_DEPLOYED, Move.STATUS_FIX_READY), "accepted", "VFD"),
    ],
)
def test_answers(answers: tuple[Move, ...], report: str, fix: str) -> None:
    states = story(*TRIAGED, *answers)
    assert (states[Kind.REPORT, DEBIAN], states[Kind.FIX, "Debian"]) == (report, fix)


@pytest.mark.parametrize("answer", ["investigating", "affected", "not-affected", "fix-ready", "deployed"])
def test_a_coordinator_gives_an_answer_as_its_owner_would(answer: str) -> None:
    states = story(*TRIAGED)
    given = apply(Move(f"status {answer}"), states, cast(FEDORA, DEBIAN))
    assert told(given)[:2] == [("report", FEDORA, "received"), ("fix", "Fedora", "Vfd")]
    assert apply(Move(f"correct {answer}"), states, cast(DEBIAN, FEDORA)) == given


JUDGING = [move for move in Move if move.startswith(("status ", "correct ")) and not move.endswith("investigating")]


@pytest.mark.parametrize("move", JUDGING)
def test_a_participant_who_closed_answers_no_more(move: Move) -> None:
    for who in (DEBIAN, FEDORA):
        states = {**story(*TRIAGED), (Kind.REPORT, who): Report.CLOSED}
        with pytest.raises(Forbidden, match=f"report: '{move}' is not possible in 'closed'"):
            apply(move, states, cast(who, who))


@pytest.mark.parametrize("move", [move for move in JUDGING if move.endswith(("fix-ready", "deployed"))])
def test_a_fix_needs_an_organisation(move: Move) -> None:
    with pytest.raises(LookupError):
        apply(move, story(*TRIAGED), Cast(actor=DEBIAN, named=DEBIAN))


@pytest.mark.parametrize(
    ("correction", "report", "fix"),
    [
        (Move.CORRECT_INVESTIGATING, "accepted", "Vfd"),
        (Move.CORRECT_AFFECTED, "accepted", "Vfd"),
        (Move.CORRECT_NOT_AFFECTED, "deferred", "Vfd"),
        (Move.CORRECT_FIX_READY, "accepted", "VFd"),
        (Move.CORRECT_DEPLOYED, "accepted", "VFD"),
    ],
)
@pytest.mark.parametrize("mistake", [Move.CORRECT_DEPLOYED, Move.CORRECT_FIX_READY])
def test_a_correction_leaves_the_answer_that_should_have_been_given(
    mistake: Move, correction: Move, report: str, fix: str
) -> None:
    states = story(*TRIAGED, mistake, correction)
    assert (states[Kind.REPORT, FEDORA], states[Kind.FIX, "Fedora"]) == (report, fix)


def test_a_rejected_report_may_come_back_and_a_second_rejection_closes() -> None:
    rejected = (Move.REPORT, Move.REJECT)
    assert story(*rejected)[Kind.REPORT, CASE] == "invalid"
    assert story(*rejected, Move.TRIAGE)[Kind.REPORT, CASE] == "accepted"
    assert story(*rejected, Move.REJECT)[Kind.REPORT, CASE] == "closed"
    assert story(*rejected, Move.CLOSE)[Kind.REPORT, CASE] == "closed"
    with pytest.raises(Forbidden):
        story(*rejected, Move.CLOSE, Move.REJECT)


@pytest.mark.parametrize("move", [Move.DUPLICATE, Move.REFER])
def test_a_duplicate_is_deferred_and_not_invalid(move: Move) -> None:
    assert story(Move.REPORT, move)[Kind.REPORT, CASE] == "deferred"
    assert embargo(story(Move.REPORT, Move.TRIAGE_PROPOSE, move)) is Embargo.NONE
    assert embargo(story(*TRIAGED, Move.EMBARGO_DATE, move)) is Embargo.REVISE


@pytest.mark.parametrize("end", [Move.CLOSE, Move.REJECT])
def test_nothing_closes_under_an_embargo(end: Move) -> None:
    for states in (story(*TRIAGED), story(*TRIAGED, Move.EMBARGO_DATE)):
        with pytest.raises(Forbidden, match=f"embargo: '{end}'"):
            apply(end, states, CAST)
    assert story(*TRIAGED, Move.EMBARGO_END, end)[Kind.REPORT, CASE] == "closed"


def test_a_private_release_is_of_our_fix_under_the_embargo() -> None:
    for states in (story(*TRIAGED), story(*TRIAGED, Move.EMBARGO_DATE)):
        assert told(apply(Move.PRIVATE_RELEASE, states, CAST)) == [("fix", CASE, "VFd")]
    assert apply(Move.PRIVATE_RELEASE, story(*TRIAGED, Move.PRIVATE_RELEASE), CAST) == ()
    for states in (
        story(*TRIAGED, Move.EMBARGO_END),
        story(Move.REPORT, Move.TRIAGE_PROPOSE),
        story(*TRIAGED, Move.DUPLICATE),
    ):
        with pytest.raises(Forbidden):
            apply(Move.PRIVATE_RELEASE, states, CAST)


@pytest.mark.parametrize("dated", [(), (Move.EMBARGO_DATE,)])
def test_an_announcement_lifts_the_embargo_and_everyone_knows(dated: tuple[Move, ...]) -> None:
    states = story(*NAMED_IS_IN, *dated, Move.ANNOUNCE)
    assert (embargo(states), exposure(states)) == (Embargo.EXITED, Exposure.PUBLIC)
    assert {states[Kind.FIX, organisation] for organisation in ORGANISATION.values()} == {"Vfd"}
    assert states[Kind.FIX, CASE] == "VFD"
    assert states[Kind.CONSENT, FEDORA] == "no_embargo"
    assert embargo(story(Move.REPORT, Move.TRIAGE_PROPOSE, Move.ANNOUNCE)) is Embargo.NONE


def test_an_announcement_happens_once_and_after_a_leak_too() -> None:
    states = story(*TRIAGED, Move.LEAK_CONFIRMED, Move.ANNOUNCE)
    assert states[Kind.FIX, CASE] == "VFD"
    with pytest.raises(Forbidden):
        apply(Move.ANNOUNCE, states, CAST)
    with pytest.raises(Forbidden):
        apply(Move.ANNOUNCE, story(Move.REPORT), CAST)


def test_what_a_table_cannot_know_is_an_error_of_the_caller() -> None:
    with pytest.raises(LookupError):
        apply(Move.INVITE, story(*TRIAGED), Cast())
    with pytest.raises(LookupError):
        apply(Move.STATUS_DEPLOYED, story(*TRIAGED), Cast(actor=REPORTER))
    with pytest.raises(ValueError, match="not a valid"):
        apply(Move.CLOSE, {(Kind.EMBARGO, CASE): "broken"})
    with pytest.raises(ValueError, match="embargo is not in active"):
        after(beginning(), [Change(Kind.EMBARGO, CASE, "active", "exited")])


def test_a_member_without_an_organisation_has_no_fix() -> None:
    states = story(*TRIAGED)
    for move in (Move.INVITE, Move.ACCEPT):
        changes = apply(move, states, Cast(actor=REPORTER, named=REPORTER))
        states = after(states, changes)
        assert all(change.machine is not Kind.FIX for change in changes)
    assert states[Kind.CONSENT, REPORTER] == "signatory"


def test_missing_rows_are_where_their_machine_starts() -> None:
    assert told(apply(Move.REPORT, {})) == [("report", CASE, "received"), ("fix", CASE, "Vfd")]


# --- the table itself ----------------------------------------------------------------------------------------------

STEPS = [(move, line) for move, lines in MOVES.items() for line in lines if isinstance(line, Step)]


def moves_with(*events: object) -> set[Move]:
    # Two machines may call their events the same, and then these are equal as strings: identity tells them apart.
    return {move for move, step in STEPS if any(step.event is event for event in events)}


def test_every_move_is_in_the_table_and_every_event_in_a_move() -> None:
    assert set(MOVES) == set(Move)
    for machine in MACHINES:
        assert all(moves_with(event) for event in machine.events), machine.name
    with pytest.raises(TypeError):
        MOVES[Move.LEAK] = ()  # type: ignore[index]


def test_silence_is_never_acceptance() -> None:
    accepting = [(move, step.whom) for move, step in STEPS if step.event is ConsentEvent.ACCEPT]
    assert accepting == [(Move.INVITE_STANDING, Whom.NAMED), (Move.ACCEPT, Whom.ACTOR)]
    asking = (ConsentEvent.ACCEPT, ConsentEvent.INVITE)
    assert not any(step.optional for _, step in STEPS if step.kind is Kind.CONSENT and step.event in asking)


def test_closing_never_ends_an_embargo() -> None:
    assert moves_with(ReportEvent.CLOSE).isdisjoint(moves_with(EmbargoEvent.TERMINATE))


def test_only_a_correction_takes_a_fix_bit_back() -> None:
    assert all(move.startswith("correct ") for move in moves_with(*FixCorrection))


def test_each_event_meets_who_has_such_a_machine() -> None:
    of_the_case = {Kind.EMBARGO, Kind.EXPOSURE}
    for _, step in STEPS:
        if step.kind in of_the_case:
            assert step.whom is Whom.CASE
        if step.kind is Kind.CONSENT:
            assert step.whom is not Whom.CASE


FORBIDDEN_AT_FIRST = [move for move in Move if not permitted(move, beginning(), CAST)]


@pytest.mark.parametrize("move", FORBIDDEN_AT_FIRST)
def test_a_refusal_holds_nothing_but_names(move: Move) -> None:
    names: set[str] = {*Kind, *Move}
    for machine in MACHINES:
        names |= {machine.name, *machine.states.__members__.values(), *machine.events.__members__.values()}
    secret = Cast(actor="s3cret", actor_org="s3cret", named="s3cret", named_org="s3cret")
    with pytest.raises(Forbidden) as caught:
        apply(move, beginning(), secret)
    refusal = caught.value
    assert {refusal.machine, refusal.state, refusal.event} <= names
    assert "s3cret" not in f"{refusal} {refusal!r}"


def test_only_the_table_of_moves_steps_a_machine() -> None:
    """No other module gets hold of a machine to step it, or writes a machine's column through ``after``'s back."""
    root = Path(machines.__file__).parents[2]
    ours = {f"{m.name.upper()}" for m in MACHINES} | {"MACHINES"}
    for path in (*(root / "chatops").rglob("*.py"), *(root / "adapters").rglob("*.py")):
        if path.name in ("machines.py", "moves.py") and path.parent.name == "model":
            continue
        tree = ast.parse(path.read_text("utf-8"))
        takes = {
            name.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "chatops.model.machines"
            for name in node.names
        }
        steps = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & {"step"}
        assert not (takes & ours and steps), path


# --- random histories ----------------------------------------------------------------------------------------------

who = st.sampled_from(CONTACTS)
GOOD_BEGINNINGS = ((), (Move.REPORT,), TRIAGED, (Move.REPORT, Move.TRIAGE_PROPOSE))


class History(RuleBasedStateMachine):
    """Any move, by and on anybody, in any order; what is refused changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.states = beginning()
        self.accepted: set[str] = set()
        self.exited = False

    @initialize(start=st.sampled_from(GOOD_BEGINNINGS))
    def begin(self, start: tuple[Move, ...]) -> None:
        for move in start:
            self.make(move, DEBIAN, FEDORA)

    @rule(move=st.sampled_from(Move), actor=who, named=who)
    def make(self, move: Move, actor: str, named: str) -> None:
        before, people = dict(self.states), cast(actor, named)
        try:
            changes = apply(move, self.states, people)
        except (Forbidden, LookupError):
            assert self.states == before
            assert not permitted(move, self.states, people)
            return
        assert self.states == before, "apply is pure"
        assert permitted(move, self.states, people)
        observed(f"{move} happened")
        self.states = after(before, changes)
        self.check_transitions(move, before, changes)
        self.check_proposals(move, before, people)
        self.check_consents(move, people, changes)
        if embargo(self.states) is Embargo.ACTIVE and embargo(before) in (Embargo.NONE, Embargo.PROPOSED):
            published = [before[slot] for slot in before if slot[0] is Kind.FIX and slot[1] not in SITES]
            assert embargo_may_start(exposure(before), map(FixStatus, published))
            assert may_propose(Report(self.states[Kind.REPORT, CASE]))

    @rule(moves=st.permutations([Move.INVITE, Move.ACCEPT, Move.EMBARGO_DATE, Move.STATUS_FIX_READY]), on=who)
    def busy(self, moves: list[Move], on: str) -> None:
        """Members rarely come about by chance alone."""
        for move in moves:
            self.make(move, on, on)

    def check_transitions(self, move: Move, before: States, changes: Iterable[Change]) -> None:
        """Each change is one transition of its machine, and each fix with the exposure one of the joint model."""
        now = dict(before)
        for change in changes:
            assert change.old != change.new
            tables = [m.table for m in MACHINES if m.kind is change.machine]
            assert any(old == change.old and new == change.new for t in tables for (old, _), new in t.items())
            here = {slot: joint(now, slot[1]) for slot in now if slot[0] is Kind.FIX}
            now[change.machine, change.subject] = change.new
            for slot, old in here.items():
                new = joint(now, slot[1])
                if new != old and not move.startswith("correct "):
                    assert any(a == old and b == new for (a, _), b in JOINT.items())
        assert now == self.states

    def check_proposals(self, move: Move, before: States, people: Cast) -> None:
        """No embargo is proposed by a participant whose report is invalid, deferred or closed."""
        if move in (Move.EMBARGO_REVIEW, Move.EMBARGO_DATE):
            assert may_propose(Report(before[Kind.REPORT, CASE]))
            assert exposure(before) is Exposure.NONE or embargo(before) in (Embargo.ACTIVE, Embargo.REVISE)
        if move is Move.EMBARGO_PROPOSE:
            assert people.actor is not None
            assert may_propose(Report(before[Kind.REPORT, people.actor]))
        if move in (Move.TRIAGE, Move.TRIAGE_PROPOSE) and embargo(before) is not embargo(self.states):
            assert embargo(before) is Embargo.NONE

    def check_consents(self, move: Move, people: Cast, changes: Iterable[Change]) -> None:
        """A signatory said so: here, or once for all; and nobody else's yes counts."""
        for change in changes:
            if change.machine is Kind.CONSENT and change.new == Consent.SIGNATORY:
                assert (move, change.subject) in {(Move.ACCEPT, people.actor), (Move.INVITE_STANDING, people.named)}
                self.accepted.add(change.subject)

    @invariant()
    def exposure_and_embargo_agree(self) -> None:
        assert embargo_agrees(embargo(self.states), exposure(self.states))
        if must_end_embargo(exposure(self.states)):
            assert embargo(self.states) in (Embargo.NONE, Embargo.EXITED)

    @invariant()
    def exited_absorbs(self) -> None:
        assert not self.exited or embargo(self.states) is Embargo.EXITED
        self.exited = embargo(self.states) is Embargo.EXITED

    @invariant()
    def no_case_is_closed_under_an_embargo(self) -> None:
        assert self.states[Kind.REPORT, CASE] != Report.CLOSED or may_close(embargo(self.states))

    @invariant()
    def fix_bits_have_a_judged_report(self) -> None:
        assert fix_agrees(FixStatus(self.states[Kind.FIX, CASE]), [Report(self.states[Kind.REPORT, CASE])])
        for organisation in set(ORGANISATION.values()):
            reports = [Report(self.states[Kind.REPORT, w]) for w, of in ORGANISATION.items() if of == organisation]
            assert fix_agrees(FixStatus(self.states[Kind.FIX, organisation]), reports)

    @invariant()
    def nothing_that_is_forced_waits(self) -> None:
        for kind, subject in self.states:
            if kind is Kind.FIX:
                assert joint_agrees(*joint(self.states, subject))

    @invariant()
    def consent_is_to_terms_in_force(self) -> None:
        for contact in CONTACTS:
            consent = Consent(self.states[Kind.CONSENT, contact])
            assert consent_agrees(consent, embargo(self.states))
            assert consent is not Consent.SIGNATORY or contact in self.accepted

    @invariant()
    def states_are_states(self) -> None:
        assert self.states.keys() == beginning().keys()


def joint(states: States, organisation: str) -> Joint:
    return Joint(FixStatus(states[Kind.FIX, organisation]), exposure(states))


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
