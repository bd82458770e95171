"""Every cell of every machine's table, permitted or forbidden, by commands that people type.

The cells come from the machines, what moves them from the table of moves. At each of some stages of a case, every
command that stands for a move is tried, by and on everybody for whom that is something new; nothing of it is kept. So
each permitted cell is seen to happen, and each forbidden one is refused in one clear line (or, where a move passes it
over, does not happen).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from sqlmodel import Session

from chatops.commands import moving
from chatops.config import Component
from chatops.model.book import Book
from chatops.model.machines import MACHINES, Consent, ConsentEvent, Exposure, Kind, Machine, Report
from chatops.model.moves import CASE, MOVES, Cast, Move, States, Step, Whom, apply, permitted
from chatops.plain import plain_text
from tests.house import House, code_in

Cell = tuple[str, str, str]
"""A machine, a state, an event."""

CELLS: tuple[Cell, ...] = tuple(
    (machine.name, state.value, event.value)
    for machine in MACHINES
    for state in machine.states
    for event in machine.events
)
PERMITTED = {(machine.name, old.value, event.value) for machine in MACHINES for old, event in machine.table}

PASSING = {(Kind.REPORT, Report.VALID), (Kind.EXPOSURE, Exposure.EXPLOIT), (Kind.EXPOSURE, Exposure.EXPLOIT_ATTACKS)}
"""States that no command leaves anything in: they are passed on the way (a judgement follows; the public hears)."""

NEVER_TYPED = {("consent", Consent.REMOVED.value, ConsentEvent.REMOVE.value)}
"""Permitted, and refused all the same: who is out already is not taken out again."""

PEOPLE = {
    "debian": "organisation=Debian roles=packager standing=yes",
    "debian-2": "organisation=Debian roles=packager",
    "fedora": "organisation=Fedora roles=packager",
    "suse": "organisation=SUSE roles=packager",
    "arch": "organisation=Arch roles=packager",
    "site": "organisation=Cluster roles=administrator",
    "expert": "roles=expert",
}
ORGANISATION = {
    **{name: told.split()[0].partition("=")[2] for name, told in PEOPLE.items() if "organisation" in told},
    "expert": "expert",
}
LINES = f"{'ab' * 32}  dynasched-1.0.1.tar.bz2"

EVERYBODY = tuple(name for name in PEOPLE if name != "expert")
SPEAKERS = ("debian", "fedora", "arch", "suse")


class Typed(NamedTuple):
    """How a move is typed: by whom, on whom (WHO stands for each of them)."""

    text: str
    by: tuple[str, ...] = ("maintainer",)
    on: tuple[str, ...] = ("",)


ASKED = ("debian", "fedora", "suse", "site", "debian-2", "arch")
COMMANDS: Mapping[Move, Typed] = {
    Move.REPORT: Typed("report Something else breaks.", ("finder",)),
    Move.TRIAGE: Typed("triage CASE Job queue overflow"),
    Move.TRIAGE_PROPOSE: Typed("triage CASE Job queue overflow"),
    Move.TRIAGE_MINOR: Typed("triage CASE open=minor"),
    Move.TRIAGE_PUBLIC: Typed("triage CASE open=public"),
    Move.REJECT: Typed("reject CASE It needs root already."),
    Move.DUPLICATE: Typed("duplicate CASE OTHER The same."),
    Move.REFER: Typed("refer CASE pmix Theirs."),
    Move.CLOSE: Typed("close CASE Nothing is left to do."),
    Move.EMBARGO_REVIEW: Typed("embargo CASE review in 12 days"),
    Move.EMBARGO_DATE: Typed("embargo CASE date in 12 days"),
    Move.EMBARGO_PROPOSE: Typed('embargo CASE date in 50 days reason="A long build."', ("fedora", "arch")),
    Move.EMBARGO_ACCEPT: Typed("embargo CASE accept", ("maintainer-2",)),
    Move.EMBARGO_ACCEPT_LONGER: Typed("embargo CASE accept", ("maintainer-2",)),
    Move.EMBARGO_REJECT: Typed("embargo CASE reject Too soon."),
    Move.EMBARGO_END: Typed("embargo CASE end It is out."),
    Move.AGREE: Typed("agree CASE", ("fedora",)),
    Move.OBJECT: Typed("object CASE", ("fedora",)),
    Move.TEAM_ADD: Typed("team CASE add WHO", on=("expert", "arch")),
    Move.INVITE: Typed("invite CASE WHO", on=ASKED),
    Move.INVITE_TELL_NOW: Typed("invite CASE WHO tell=now", on=ASKED),
    Move.INVITE_STANDING: Typed("invite CASE WHO", on=ASKED),
    Move.BRING: Typed("bring CASE debian-2", ("debian",), ("debian-2",)),
    Move.REMOVE: Typed("remove CASE WHO", on=(*ASKED, "expert")),
    Move.ACCEPT: Typed("accept CASE", ASKED),
    Move.DECLINE: Typed("decline CASE", ASKED),
    Move.STATUS_INVESTIGATING: Typed("status CASE investigating", SPEAKERS),
    Move.STATUS_AFFECTED: Typed("status CASE affected", SPEAKERS),
    Move.STATUS_NOT_AFFECTED: Typed("status CASE not-affected", SPEAKERS),
    Move.STATUS_FIX_READY: Typed("status CASE fix-ready", SPEAKERS),
    Move.STATUS_DEPLOYED: Typed("status CASE deployed", SPEAKERS),
    Move.CORRECT_INVESTIGATING: Typed("correct CASE WHO investigating", on=SPEAKERS),
    Move.CORRECT_AFFECTED: Typed("correct CASE WHO affected", on=SPEAKERS),
    Move.CORRECT_NOT_AFFECTED: Typed("correct CASE WHO not-affected", on=SPEAKERS),
    Move.CORRECT_FIX_READY: Typed("correct CASE WHO fix-ready", on=SPEAKERS),
    Move.CORRECT_DEPLOYED: Typed("correct CASE WHO deployed", on=SPEAKERS),
    Move.PRIVATE_RELEASE: Typed(f"private-release CASE 1.0.1 {LINES}"),
    Move.ANNOUNCE: Typed("announce CASE Names were too long."),
    Move.LEAK: Typed("leak CASE https://example.org/1", ("finder",)),
    Move.LEAK_CONFIRMED: Typed("exposed CASE public"),
    Move.EXPLOIT_CONFIRMED: Typed("exposed CASE exploit"),
    Move.ATTACKS_CONFIRMED: Typed("exposed CASE attacks"),
}

STAGES: Mapping[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "reported": ("nothing", "finder: report It overflows."),
    "own date": ("nothing", 'finder: report disclose="in 20 days" It overflows.'),
    "rejected": ("reported", "maintainer: reject CASE It needs root already."),
    "referred": ("reported", "maintainer: refer CASE pmix Theirs."),
    "proposed": ("reported", "maintainer: embargo CASE date in 20 days"),
    "active": ("reported", "maintainer: triage CASE Overflow; maintainer: team CASE add expert"),
    "asked": (
        "active",
        "maintainer: embargo CASE date in 3 days; maintainer: invite CASE debian fedora suse site debian-2;"
        " fedora: accept CASE; suse: decline CASE; maintainer: remove CASE debian-2",
    ),
    "lapsed": ("asked", "maintainer: embargo CASE date in 40 days"),
    "gone": ("lapsed", "days: 4"),
    "revise": ("asked", 'fedora: embargo CASE date in 45 days reason="A long build."'),
    "answered": ("asked", "debian: status CASE fix-ready; fedora: status CASE not-affected"),
    "deployed": ("asked", "debian: status CASE deployed; fedora: status CASE affected"),
    "attacked": ("asked", "maintainer: exposed CASE attacks"),
    "public": ("asked", "maintainer: exposed CASE public"),
    "ended": ("active", "maintainer: embargo CASE end It is out."),
    "ended, attacked": ("ended", "maintainer: exposed CASE attacks"),
    "exploited": ("lapsed", "maintainer: exposed CASE exploit"),
    "public, attacked": ("public", "maintainer: exposed CASE attacks"),
    "all known": ("exploited", "maintainer: exposed CASE attacks"),
    "released": ("answered", f"maintainer: private-release CASE 1.0.1 {LINES}"),
    "announced": ("released", "maintainer: announce CASE Names were too long.; maintainer-2: confirm CODE"),
    "closed": ("announced", "maintainer: close CASE"),
}
"""A stage is another one with some lines more."""


class Watch:
    """Notes the steps of machines that handlers take by the table of moves (not those that cards only ask about)."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._taken: set[Cell] = set()
        inside = False
        step = Machine.step

        def noting(machine: Machine[Any, Any], state: Any, event: Any) -> Any:
            new = step(machine, state, event)
            if inside:
                self._taken.add((machine.name, state.value, event.value))
            return new

        def handler_applies(*told: Any) -> Any:
            nonlocal inside
            inside = True
            try:
                return apply(*told)
            finally:
                inside = False

        patch.setattr(Machine, "step", noting)
        patch.setattr(moving, "apply", handler_applies)

    def taken(self) -> set[Cell]:
        """Since the last time."""
        found, self._taken = self._taken, set()
        return found


@dataclass
class Seen:
    """What came of all attempts."""

    happened: set[Cell] = field(default_factory=set)
    refused: set[Cell] = field(default_factory=set)
    passed: set[Cell] = field(default_factory=set)
    rests: set[tuple[Kind, str]] = field(default_factory=set)
    tried: set[tuple[str, frozenset[Cell]]] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


def _base() -> House:
    house = House(stranger_messages_per_hour=10_000)
    house.settings = house.settings.model_copy(
        update={"components": {"pmix": Component(name="PMIx", contact="security@pmix.example")}}
    )
    house._wire()
    for name, told in PEOPLE.items():
        house.say("maintainer", "security", f"contacts add {name} {told} address=matrix:@{name}:example.org")
    house.room("public")
    house.say("maintainer", "security", "triage Another matter")
    for name in ("finder", *PEOPLE):
        house.direct(name, "help")
    return house


def _where(who: str) -> str:
    return "security" if who.startswith("maintainer") else "direct"


def _play(house: House, lines: str, other: str) -> None:
    for line in filter(None, lines.split("; ")):
        who, _, text = line.strip().partition(": ")
        if who == "days":
            house.wait(days=int(text))
            continue
        if "CODE" in text:
            text = f"confirm {code_in(house.last('security', kind='preview').document)}"
        case = next((one for one in house.cases() if one != other), "")
        reply = house.say(who, _where(who), text.replace("CASE", case))
        assert reply is not None, line
        assert reply.kind != "refusal", (line, plain_text(reply))


def _attempts() -> Iterator[tuple[str, str, str, frozenset[Move]]]:
    """Who types what on whom, and the moves that it may stand for."""
    found: dict[tuple[str, str, str], set[Move]] = {}
    for move, typed in COMMANDS.items():
        for by in typed.by:
            for on in typed.on:
                found.setdefault((by, typed.text.replace("WHO", on), on), set()).add(move)
    for (by, text, on), moves in found.items():
        yield by, text, on, frozenset(moves)


def _cast(named: Mapping[str, str], by: str, on: str) -> Cast:
    finder = next((contact for name, contact in named.items() if name.startswith("reporter-")), None)
    return Cast(
        actor=named.get(by, finder),
        actor_org=ORGANISATION.get(by),
        named=named.get(on),
        named_org=ORGANISATION.get(on),
        reporter=finder,
        sites=frozenset({"Cluster"}),
    )


def _touched(move: Move, states: States, cast: Cast) -> Iterator[Cell]:
    """The cells that a move is about, at its beginning."""
    for step in (line for line in MOVES[move] if isinstance(line, Step)):
        machine = next(one for one in MACHINES if isinstance(step.event, one.events))
        fix = step.kind is Kind.FIX
        subjects: Mapping[Whom, list[str | None]] = {
            Whom.CASE: [CASE],
            Whom.ACTOR: [cast.actor_org if fix else cast.actor],
            Whom.NAMED: [cast.named_org if fix else cast.named],
            Whom.REPORTER: [cast.reporter],
            Whom.EVERYONE: [subject for kind, subject in states if kind is step.kind],
        }
        first = next(one for one in MACHINES if one.kind is machine.kind).start
        for subject in (one for one in subjects[step.whom] if one is not None):
            yield machine.name, str(states.get((step.kind, subject), first)), step.event.value


def _try_all(house: House, stage: str, other: str, watch: Watch, seen: Seen) -> None:
    case = next((one for one in house.cases() if one != other), None)
    before = {} if case is None else moving.states(house.file(case))
    seen.rests |= {(kind, state) for (kind, _), state in before.items()}
    with Session(house.engine) as session:
        named = {contact.name: contact.id for contact in Book(session).contacts()}
    for by, text, on, moves in _attempts():
        if case is None and "CASE" in text:
            text = text.replace("CASE ", "") if Move.TRIAGE in moves else text
        new = "CASE" not in text
        states: States = {} if new else before
        cast = _cast(named, by, on)
        touched = {cell for move in moves for cell in _touched(move, states, cast)}
        alike = (text.replace(on, "WHO") if on else text, frozenset(touched))
        if alike in seen.tried and not touched & PERMITTED - seen.happened - NEVER_TYPED:
            continue
        seen.tried.add(alike)
        would = house.would(by, _where(by), text.replace("CASE", case or "DS-2026-ZZ22").replace("OTHER", other))
        steps = watch.taken()
        told = f"at {stage}, {by} types {text}: {[document.title for _, document in would.answers]}"
        if would.answers[0][1].kind == "refusal":
            seen.refused |= touched
            title = would.answers[0][1].title
            clear = len(would.answers) == 1 and 0 < len(title) <= 300 and "\n" not in title
            if not clear or would.journal or would.writes:
                seen.wrong.append(f"{told} {would.journal} {would.writes}")
            continue
        seen.happened |= steps
        seen.passed |= touched - steps
        if case is None and not new and steps:
            seen.wrong.append(f"{told}: there is no case")
        if steps and not any(permitted(move, states, cast) for move in moves):
            seen.wrong.append(f"{told}: the table forbids {sorted(moves)}")


@pytest.fixture(scope="module")
def seen() -> Seen:
    found = Seen()
    houses: dict[str, House] = {"": _base()}
    other = houses[""].case
    with pytest.MonkeyPatch.context() as patch:
        watch = Watch(patch)
        for stage, (before, lines) in STAGES.items():
            houses[stage] = house = houses[before].fork()
            _play(house, lines, other)
            found.happened |= watch.taken()
            _try_all(house, stage, other, watch, found)
        assert house.journal_is_good()
    return found


def test_every_move_is_typed_somehow() -> None:
    assert COMMANDS.keys() == set(Move)


def test_what_is_refused_is_refused_in_one_clear_line_and_changes_nothing(seen: Seen) -> None:
    print(len(seen.tried))
    assert len(seen.tried) > 200
    assert seen.wrong == []


def test_no_command_leaves_anything_in_a_state_that_is_only_passed(seen: Seen) -> None:
    everywhere = {(machine.kind, state) for machine in MACHINES for state in machine.states}
    assert everywhere - seen.rests == PASSING


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_every_permitted_step_happens_and_every_forbidden_one_does_not(seen: Seen, cell: Cell) -> None:
    machine = next(one for one in MACHINES if one.name == cell[0])
    if cell in NEVER_TYPED:
        assert cell in seen.refused
        assert cell not in seen.happened
    elif cell in PERMITTED:
        assert cell in seen.happened
    else:
        assert cell not in seen.happened
        passing = (machine.kind, cell[1]) in PASSING
        assert passing or cell in seen.refused | seen.passed, "nobody tried"
