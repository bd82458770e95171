"""One table: which command moves which machine, on whom. There is no other way to move one (model.md, invariants).

A command (with its variant) is a :class:`Move`; a move is a few lines, read from top to bottom: a :class:`Need` must
hold where it stands, a :class:`Step` makes an event happen. :func:`apply` reads the table and says what would change;
it changes nothing itself. Who may make a move is the policy's business, when and with what words the service's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from chatops.model.machines import (
    ENGAGED,
    IN_FORCE,
    MACHINES,
    UNPUBLISHED,
    Consent,
    ConsentEvent,
    Embargo,
    EmbargoEvent,
    Exposure,
    ExposureEvent,
    FixCorrection,
    FixEvent,
    FixStatus,
    Forbidden,
    Kind,
    Machine,
    Report,
    ReportEvent,
)

CASE: Final = ""
"""The subject that stands for the case, and for the project's own part in it (its report, its fix)."""

States: TypeAlias = Mapping[tuple[Kind, str], str]
"""The stored states of one case by (machine, subject). The subject is ``CASE``, a contact (report, consent) or an
organisation (fix). What is missing is where its machine starts; everybody in the case must be there, for a move may
touch all (the end of an embargo does)."""


class Move(StrEnum):
    """A command's verb and variant, as far as machines are concerned."""

    REPORT = "report"
    TRIAGE = "triage"
    TRIAGE_PROPOSE = "triage propose"
    TRIAGE_MINOR = "triage minor"
    TRIAGE_PUBLIC = "triage public"
    REJECT = "reject"
    DUPLICATE = "duplicate"
    REFER = "refer"
    CLOSE = "close"
    EMBARGO_REVIEW = "embargo review"
    EMBARGO_DATE = "embargo date"
    EMBARGO_PROPOSE = "embargo propose"
    EMBARGO_ACCEPT = "embargo accept"
    EMBARGO_ACCEPT_LONGER = "embargo accept longer"
    EMBARGO_REJECT = "embargo reject"
    EMBARGO_END = "embargo end"
    AGREE = "agree"
    OBJECT = "object"
    TEAM_ADD = "team add"
    INVITE = "invite"
    INVITE_TELL_NOW = "invite tell-now"
    INVITE_STANDING = "invite standing"
    BRING = "bring"
    REMOVE = "remove"
    ACCEPT = "accept"
    DECLINE = "decline"
    STATUS_INVESTIGATING = "status investigating"
    STATUS_AFFECTED = "status affected"
    STATUS_NOT_AFFECTED = "status not-affected"
    STATUS_FIX_READY = "status fix-ready"
    STATUS_DEPLOYED = "status deployed"
    CORRECT_INVESTIGATING = "correct investigating"
    CORRECT_AFFECTED = "correct affected"
    CORRECT_NOT_AFFECTED = "correct not-affected"
    CORRECT_FIX_READY = "correct fix-ready"
    CORRECT_DEPLOYED = "correct deployed"
    PRIVATE_RELEASE = "private-release"
    ANNOUNCE = "announce"
    LEAK = "leak"
    LEAK_CONFIRMED = "leak confirmed"
    EXPLOIT_CONFIRMED = "exploit confirmed"
    ATTACKS_CONFIRMED = "attacks confirmed"


class Whom(StrEnum):
    """On whom something happens. For a fix, a person stands for their organisation."""

    CASE = "the case"
    ACTOR = "the actor"
    NAMED = "the named contact"
    REPORTER = "the reporter"
    EVERYONE = "everyone"
    PUBLISHERS = "everyone who publishes"


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who is who in a move: contact ids, and organisations (None for somebody who is no downstream).

    ``sites`` are the organisations that only run the software: their deployed fix publishes nothing.
    """

    actor: str | None = None
    actor_org: str | None = None
    named: str | None = None
    named_org: str | None = None
    reporter: str | None = None
    sites: frozenset[str] = frozenset()


NOBODY = Cast()


class Fact(NamedTuple):
    """That the machine ``kind`` of ``whom`` (of each of them) is in one of these states."""

    kind: Kind
    whom: Whom
    among: frozenset[Any]


@dataclass(frozen=True)
class Need:
    """A fact without which the move is forbidden, looked at after the lines above it.

    Here as in :class:`Step`, ``when`` are facts of the time before the move; if one is not so, the line is passed over.
    """

    fact: Fact
    when: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Step:
    """An event. If the machine does not allow it, the move is forbidden; an optional one is passed over instead."""

    event: StrEnum
    whom: Whom
    optional: bool = False
    when: tuple[Fact, ...] = ()

    @property
    def kind(self) -> Kind:
        return _machine(self.event).kind


class Change(NamedTuple):
    """What a move does: one machine goes from ``old`` to ``new``. Order matters; the same machine may go on twice."""

    machine: Kind
    subject: str
    old: str
    new: str


def _must(event: StrEnum, whom: Whom, *when: Fact) -> Step:
    return Step(event, whom, False, when)


def _may(event: StrEnum, whom: Whom, *when: Fact) -> Step:
    return Step(event, whom, True, when)


def _report(whom: Whom, *states: Report) -> Fact:
    return Fact(Kind.REPORT, whom, frozenset(states))


def _embargo(*states: Embargo) -> Fact:
    return Fact(Kind.EMBARGO, Whom.CASE, frozenset(states))


def _consent(whom: Whom, *states: Consent) -> Fact:
    return Fact(Kind.CONSENT, whom, frozenset(states))


def _fix(whom: Whom, *states: FixStatus) -> Fact:
    return Fact(Kind.FIX, whom, frozenset(states))


Lines: TypeAlias = tuple[Need | Step, ...]

# An embargo can start only under dpxa: nothing is known outside, and no downstream has published a fix.
_SECRET = Fact(Kind.EXPOSURE, Whom.CASE, frozenset({Exposure.NONE}))
_NO_FIX_OUT = _fix(Whom.PUBLISHERS, *UNPUBLISHED)
_PROPOSED = _embargo(Embargo.PROPOSED)
_TERMS_IN_FORCE = Need(_embargo(*IN_FORCE))
_NO_TERMS_IN_FORCE = Need(_embargo(*frozenset(Embargo) - IN_FORCE))
_OURS_ACCEPTED = Need(_report(Whom.CASE, Report.ACCEPTED))
_DROP_PROPOSAL = _may(EmbargoEvent.REJECT, Whom.CASE, _PROPOSED)


_OURS_ENGAGED = Need(_report(Whom.CASE, *ENGAGED))


def _start_needs(*when: Fact) -> Lines:
    """What a new embargo needs; a revision of one in force does not (attacks may have been seen meanwhile)."""
    return (Need(_SECRET, when), Need(_NO_FIX_OUT, when))


# Whatever ends an embargo, everyone's consent ends with it; one that was only proposed is rejected.
_END: Lines = (
    _may(EmbargoEvent.TERMINATE, Whom.CASE),
    _DROP_PROPOSAL,
    _may(ConsentEvent.EMBARGO_OVER, Whom.EVERYONE),
)

# Causes (Vultron): a public exploit makes the public aware, and what everybody may read, every vendor knows.
_PUBLIC = _may(ExposureEvent.PUBLISH, Whom.CASE)
_ALL_KNOW = _may(FixEvent.LEARN, Whom.EVERYONE)

_OPENED: Lines = (
    _may(ReportEvent.RECEIVE, Whom.CASE),  # found by the team itself
    _may(FixEvent.LEARN, Whom.CASE),
    _may(ReportEvent.VALIDATE, Whom.CASE),
    _may(ReportEvent.ACCEPT, Whom.CASE),
    _OURS_ACCEPTED,
)

# Only the triage that accepts the report brings the embargo, so that one which was rejected does not come back when
# somebody records a severity later.
_BY_DEFAULT = (
    _report(Whom.CASE, *frozenset(Report) - {Report.ACCEPTED, Report.CLOSED}),
    _embargo(Embargo.NONE),
    _SECRET,
    _NO_FIX_OUT,
)


def _told(whom: Whom) -> Lines:
    """Whoever is sent the details has the report, and their organisation knows."""
    return (_may(ReportEvent.RECEIVE, whom), _may(FixEvent.LEARN, whom))


def _affected(whom: Whom) -> Lines:
    return (
        *_told(whom),
        _may(ReportEvent.VALIDATE, whom),
        _may(ReportEvent.ACCEPT, whom),
        Need(_report(whom, Report.ACCEPTED)),
    )


def _not_affected(whom: Whom) -> Lines:
    return (
        *_told(whom),
        _may(ReportEvent.VALIDATE, whom),
        _may(ReportEvent.DEFER, whom),
        Need(_report(whom, Report.DEFERRED)),
    )


def _fix_ready(whom: Whom) -> Lines:
    return (
        *_affected(whom),
        _may(FixEvent.READY, whom),
        Need(_fix(whom, FixStatus.READY, FixStatus.DEPLOYED)),
    )


def _deployed(whom: Whom) -> Lines:
    return (*_fix_ready(whom), _may(FixEvent.DEPLOY, whom))


# A correction sets the answer that should have been given, and takes back the bits that it does not bear.
_NOT_OUT: Lines = (_may(FixCorrection.NOT_DEPLOYED, Whom.NAMED),)
_NO_FIX: Lines = (*_NOT_OUT, _may(FixCorrection.NOT_READY, Whom.NAMED))

_DATE: Lines = (
    _OURS_ENGAGED,
    *_start_needs(_embargo(Embargo.NONE, Embargo.PROPOSED)),
    _must(EmbargoEvent.PROPOSE, Whom.CASE),
)
_SET_ASIDE: Lines = (
    _may(ReportEvent.VALIDATE, Whom.CASE),
    _must(ReportEvent.DEFER, Whom.CASE),
    _DROP_PROPOSAL,
)
_ASK: Lines = (_TERMS_IN_FORCE, _must(ConsentEvent.INVITE, Whom.NAMED))

MOVES: Mapping[Move, Lines] = MappingProxyType(
    {
        # Policy step 1: identification and triage.
        Move.REPORT: (
            _must(ReportEvent.RECEIVE, Whom.CASE),
            _may(FixEvent.LEARN, Whom.CASE),
            _may(ReportEvent.RECEIVE, Whom.REPORTER),
        ),
        Move.TRIAGE: (
            *_OPENED,
            _may(EmbargoEvent.PROPOSE, Whom.CASE, *_BY_DEFAULT),
            _may(EmbargoEvent.ACCEPT, Whom.CASE, *_BY_DEFAULT),
        ),
        # The reporter asked for other terms than the published ones: they stay a question.
        Move.TRIAGE_PROPOSE: (*_OPENED, _may(EmbargoEvent.PROPOSE, Whom.CASE, *_BY_DEFAULT)),
        # The short path of what is minor, or known to everybody: no embargo.
        Move.TRIAGE_MINOR: (_NO_TERMS_IN_FORCE, *_OPENED, _DROP_PROPOSAL),
        Move.TRIAGE_PUBLIC: (_NO_TERMS_IN_FORCE, *_OPENED, _PUBLIC, _ALL_KNOW, _DROP_PROPOSAL),
        # A new report becomes invalid, where the reporter may still answer; what was judged before is closed.
        Move.REJECT: (
            Need(_report(Whom.CASE, Report.RECEIVED, Report.INVALID, Report.DEFERRED, Report.ACCEPTED)),
            _NO_TERMS_IN_FORCE,
            _DROP_PROPOSAL,
            _may(ReportEvent.CLOSE, Whom.CASE),
            _may(ReportEvent.INVALIDATE, Whom.CASE),
        ),
        # True, but somebody else's, or known already: deferred, not invalid.
        Move.DUPLICATE: _SET_ASIDE,
        Move.REFER: _SET_ASIDE,
        Move.TEAM_ADD: (_may(ReportEvent.RECEIVE, Whom.NAMED),),
        Move.CLOSE: (_NO_TERMS_IN_FORCE, _DROP_PROPOSAL, _must(ReportEvent.CLOSE, Whom.CASE)),
        # Policy step 2: notification and embargo.
        Move.EMBARGO_REVIEW: _DATE,
        Move.EMBARGO_DATE: _DATE,
        Move.EMBARGO_PROPOSE: (
            _TERMS_IN_FORCE,
            Need(_consent(Whom.ACTOR, Consent.SIGNATORY)),
            Need(_report(Whom.ACTOR, *ENGAGED)),
            _must(EmbargoEvent.PROPOSE, Whom.CASE),
        ),
        # No new embargo for a report that is no longer alive; a revision may be closed all the same.
        Move.EMBARGO_ACCEPT: (
            Need(_OURS_ENGAGED.fact, (_PROPOSED,)),
            *_start_needs(_PROPOSED),
            _must(EmbargoEvent.ACCEPT, Whom.CASE),
        ),
        Move.EMBARGO_ACCEPT_LONGER: (
            Need(_embargo(Embargo.REVISE)),
            _must(EmbargoEvent.ACCEPT, Whom.CASE),
            _may(ConsentEvent.REVISE_LONGER, Whom.EVERYONE),
        ),
        Move.EMBARGO_REJECT: (_must(EmbargoEvent.REJECT, Whom.CASE),),
        Move.EMBARGO_END: (_must(EmbargoEvent.TERMINATE, Whom.CASE), _may(ConsentEvent.EMBARGO_OVER, Whom.EVERYONE)),
        # Votes: coordinators count them and close the question.
        Move.AGREE: (),
        Move.OBJECT: (),
        Move.INVITE: _ASK,
        Move.INVITE_TELL_NOW: (*_ASK, *_told(Whom.NAMED)),
        # Standing terms were accepted before; whoever then said no in this case, or was taken out, is asked.
        Move.INVITE_STANDING: (
            Need(_consent(Whom.NAMED, Consent.NO_EMBARGO)),
            *_ASK,
            _must(ConsentEvent.ACCEPT, Whom.NAMED),
            *_told(Whom.NAMED),
        ),
        # A member cannot bring back whom a coordinator took out.
        Move.BRING: (
            Need(_consent(Whom.ACTOR, Consent.SIGNATORY)),
            Need(_consent(Whom.NAMED, Consent.NO_EMBARGO)),
            *_ASK,
        ),
        Move.REMOVE: (_must(ConsentEvent.REMOVE, Whom.NAMED),),
        Move.ACCEPT: (_TERMS_IN_FORCE, _must(ConsentEvent.ACCEPT, Whom.ACTOR), *_told(Whom.ACTOR)),
        Move.DECLINE: (_must(ConsentEvent.DECLINE, Whom.ACTOR),),
        Move.STATUS_INVESTIGATING: _told(Whom.ACTOR),
        Move.STATUS_AFFECTED: _affected(Whom.ACTOR),
        Move.STATUS_NOT_AFFECTED: _not_affected(Whom.ACTOR),
        Move.STATUS_FIX_READY: _fix_ready(Whom.ACTOR),
        Move.STATUS_DEPLOYED: _deployed(Whom.ACTOR),
        Move.CORRECT_INVESTIGATING: (*_told(Whom.NAMED), *_NO_FIX),
        Move.CORRECT_AFFECTED: (*_affected(Whom.NAMED), *_NO_FIX),
        Move.CORRECT_NOT_AFFECTED: (*_not_affected(Whom.NAMED), *_NO_FIX),
        Move.CORRECT_FIX_READY: (*_fix_ready(Whom.NAMED), *_NOT_OUT),
        Move.CORRECT_DEPLOYED: _deployed(Whom.NAMED),
        # Policy step 3: private release, under the embargo.
        Move.PRIVATE_RELEASE: (_OURS_ACCEPTED, _TERMS_IN_FORCE, _may(FixEvent.READY, Whom.CASE)),
        # Policy step 4: general release; the embargo is lifted.
        Move.ANNOUNCE: (
            _OURS_ACCEPTED,
            _may(FixEvent.READY, Whom.CASE),
            _must(FixEvent.DEPLOY, Whom.CASE),
            _PUBLIC,
            _ALL_KNOW,
            *_END,
        ),
        # A leak: first a claim, from anyone; then what a coordinator confirms.
        Move.LEAK: (),
        Move.LEAK_CONFIRMED: (_must(ExposureEvent.PUBLISH, Whom.CASE), _ALL_KNOW, *_END),
        Move.EXPLOIT_CONFIRMED: (_must(ExposureEvent.EXPLOIT, Whom.CASE), _PUBLIC, _ALL_KNOW, *_END),
        # Attacks should end the embargo, which coordinators decide; but no new one begins.
        Move.ATTACKS_CONFIRMED: (_must(ExposureEvent.ATTACK, Whom.CASE), _DROP_PROPOSAL),
    }
)


def apply(move: Move, states: States, cast: Cast = NOBODY) -> tuple[Change, ...]:
    """What ``move`` changes, in order; empty if it moves nothing. Pure.

    Raises :class:`Forbidden` if the move is not possible now (where a need failed, the event is the move's name), and
    LookupError if ``cast`` does not say who a required line is about.
    """
    now: dict[tuple[Kind, str], str] = dict(states)
    changes: list[Change] = []
    for line in MOVES[move]:
        if not all(_holds(fact, states, cast) for fact in line.when):
            continue
        if isinstance(line, Need):
            for subject in _required(line.fact.kind, line.fact.whom, now, cast):
                state = _state(line.fact.kind, subject, now)
                if state not in line.fact.among:
                    raise Forbidden(line.fact.kind, state, move)
            continue
        machine = _machine(line.event)
        for subject in (_subjects if line.optional else _required)(machine.kind, line.whom, now, cast):
            old = _state(machine.kind, subject, now)
            if line.optional and not machine.allows(old, line.event):
                continue
            new = machine.step(old, line.event)
            now[machine.kind, subject] = new
            if new is not old:
                changes.append(Change(machine.kind, subject, old, new))
    return tuple(changes)


def permitted(move: Move, states: States, cast: Cast = NOBODY) -> bool:
    """Whether :func:`apply` would let the move happen: for suggestions and buttons."""
    try:
        apply(move, states, cast)
    except (Forbidden, LookupError):
        return False
    return True


def after(states: States, changes: Iterable[Change]) -> dict[tuple[Kind, str], str]:
    """The states once ``changes`` were made. Raises ValueError for a change that starts elsewhere."""
    result = dict(states)
    for change in changes:
        if _state(change.machine, change.subject, result) != change.old:
            raise ValueError(f"{change.machine} is not in {change.old}")
        result[change.machine, change.subject] = change.new
    return result


_BY_EVENT: Mapping[type[StrEnum], Machine[Any, Any]] = {machine.events: machine for machine in MACHINES}
# The first machine of a kind says where it starts; CORRECTION only leads back.
_BY_KIND: Mapping[Kind, Machine[Any, Any]] = {machine.kind: machine for machine in reversed(MACHINES)}


def _machine(event: StrEnum) -> Machine[Any, Any]:
    return _BY_EVENT[type(event)]


def _state(kind: Kind, subject: str, states: States) -> Any:
    machine = _BY_KIND[kind]
    return machine.states(states.get((kind, subject), machine.start))


def _holds(fact: Fact, states: States, cast: Cast) -> bool:
    return all(_state(fact.kind, who, states) in fact.among for who in _subjects(fact.kind, fact.whom, states, cast))


def _required(kind: Kind, whom: Whom, states: States, cast: Cast) -> tuple[str, ...]:
    found = _subjects(kind, whom, states, cast)
    if not found and whom not in (Whom.EVERYONE, Whom.PUBLISHERS):
        raise LookupError(f"nobody is {whom} for {kind}")
    return found


def _subjects(kind: Kind, whom: Whom, states: States, cast: Cast) -> tuple[str, ...]:
    fix = kind is Kind.FIX
    match whom:
        case Whom.CASE:
            return (CASE,)
        case Whom.ACTOR:
            one = cast.actor_org if fix else cast.actor
        case Whom.NAMED:
            one = cast.named_org if fix else cast.named
        case Whom.REPORTER:
            one = cast.reporter
        case Whom.EVERYONE | Whom.PUBLISHERS:
            spared = cast.sites if whom is Whom.PUBLISHERS else frozenset()
            return tuple(who for of, who in states if of is kind and who not in spared)
    return (one,) if one else ()
