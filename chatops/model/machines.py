"""The small machines that a case is made of, each a table of data; none knows of chat, people or time.

The facts are those of CERT/CC's Vultron protocol (process models for report, embargo and case state, and participant
embargo consent), as our model.md narrows them. Names of states are what the database stores. Only
:mod:`chatops.model.moves` steps a machine; everybody else may look.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Kind(StrEnum):
    """What a machine moves: the name of a column of state."""

    REPORT = "report"
    EMBARGO = "embargo"
    CONSENT = "consent"
    FIX = "fix"
    EXPOSURE = "exposure"


class Forbidden(Exception):
    """Something that may not happen in the present state.

    It holds the names of a machine, of its state and of the event (or of the move that needed another state), and
    nothing that anybody typed, so it may be logged.
    """

    def __init__(self, machine: str, state: str, event: str) -> None:
        super().__init__(machine, state, event)
        self.machine, self.state, self.event = str(machine), str(state), str(event)

    def __str__(self) -> str:
        return f"{self.machine}: {self.event!r} is not possible in {self.state!r}"


@dataclass(frozen=True, eq=False)
class Machine(Generic[S, E]):
    """A finite state machine: where it starts, and its table; what is not in the table may not happen."""

    name: str
    kind: Kind
    states: type[S]
    events: type[E]
    start: S
    table: Mapping[tuple[S, E], S]

    def allows(self, state: S, event: E) -> bool:
        return (state, event) in self.table

    def step(self, state: S, event: E) -> S:
        """The state after ``event``. Raises :class:`Forbidden`."""
        if not self.allows(state, event):
            raise Forbidden(self.name, state, event)
        return self.table[state, event]

    def reachable(self) -> frozenset[S]:
        """Every state that some history leads to."""
        found = {self.start}
        while more := {new for (old, _), new in self.table.items() if old in found} - found:
            found |= more
        return frozenset(found)


# --- report: what a participant has done with it -------------------------------------------------------------------


class Report(StrEnum):
    START = "start"
    RECEIVED = "received"
    INVALID = "invalid"
    VALID = "valid"
    DEFERRED = "deferred"
    ACCEPTED = "accepted"
    CLOSED = "closed"


class ReportEvent(StrEnum):
    RECEIVE = "receive"
    VALIDATE = "validate"
    INVALIDATE = "invalidate"
    ACCEPT = "accept"
    DEFER = "defer"
    CLOSE = "close"


REPORT = Machine(
    "report",
    Kind.REPORT,
    Report,
    ReportEvent,
    Report.START,
    MappingProxyType(
        {
            (Report.START, ReportEvent.RECEIVE): Report.RECEIVED,
            (Report.RECEIVED, ReportEvent.VALIDATE): Report.VALID,
            (Report.RECEIVED, ReportEvent.INVALIDATE): Report.INVALID,
            (Report.INVALID, ReportEvent.VALIDATE): Report.VALID,
            (Report.INVALID, ReportEvent.CLOSE): Report.CLOSED,
            (Report.VALID, ReportEvent.ACCEPT): Report.ACCEPTED,
            (Report.VALID, ReportEvent.DEFER): Report.DEFERRED,
            (Report.ACCEPTED, ReportEvent.DEFER): Report.DEFERRED,
            (Report.ACCEPTED, ReportEvent.CLOSE): Report.CLOSED,
            (Report.DEFERRED, ReportEvent.ACCEPT): Report.ACCEPTED,
            (Report.DEFERRED, ReportEvent.CLOSE): Report.CLOSED,
        }
    ),
)
"""One per participant (Vultron: report management)."""


# --- embargo: one per case -----------------------------------------------------------------------------------------


class Embargo(StrEnum):
    NONE = "none"
    PROPOSED = "proposed"
    ACTIVE = "active"
    REVISE = "revise"
    EXITED = "exited"


class EmbargoEvent(StrEnum):
    PROPOSE = "propose"
    REJECT = "reject"
    ACCEPT = "accept"
    TERMINATE = "terminate"


EMBARGO = Machine(
    "embargo",
    Kind.EMBARGO,
    Embargo,
    EmbargoEvent,
    Embargo.NONE,
    MappingProxyType(
        {
            (Embargo.NONE, EmbargoEvent.PROPOSE): Embargo.PROPOSED,
            (Embargo.PROPOSED, EmbargoEvent.PROPOSE): Embargo.PROPOSED,
            (Embargo.PROPOSED, EmbargoEvent.REJECT): Embargo.NONE,
            (Embargo.PROPOSED, EmbargoEvent.ACCEPT): Embargo.ACTIVE,
            (Embargo.ACTIVE, EmbargoEvent.PROPOSE): Embargo.REVISE,
            (Embargo.ACTIVE, EmbargoEvent.TERMINATE): Embargo.EXITED,
            (Embargo.REVISE, EmbargoEvent.PROPOSE): Embargo.REVISE,
            (Embargo.REVISE, EmbargoEvent.REJECT): Embargo.ACTIVE,
            (Embargo.REVISE, EmbargoEvent.ACCEPT): Embargo.ACTIVE,
            (Embargo.REVISE, EmbargoEvent.TERMINATE): Embargo.EXITED,
        }
    ),
)
"""One per case (Vultron: embargo management; the policy's step 2). ``exited`` absorbs: an embargo never comes back."""


# --- consent: one per contact and case -----------------------------------------------------------------------------


class Consent(StrEnum):
    NO_EMBARGO = "no_embargo"
    INVITED = "invited"
    SIGNATORY = "signatory"
    LAPSED = "lapsed"
    DECLINED = "declined"
    REMOVED = "removed"


class ConsentEvent(StrEnum):
    INVITE = "invite"
    ACCEPT = "accept"
    DECLINE = "decline"
    REVISE_LONGER = "revise_longer"
    REMOVE = "remove"
    EMBARGO_OVER = "embargo_over"


_CONSENT: Mapping[ConsentEvent, tuple[Iterable[Consent], Consent]] = {
    ConsentEvent.INVITE: (
        (Consent.NO_EMBARGO, Consent.LAPSED, Consent.DECLINED, Consent.REMOVED),
        Consent.INVITED,
    ),
    ConsentEvent.ACCEPT: ((Consent.INVITED, Consent.LAPSED), Consent.SIGNATORY),
    ConsentEvent.DECLINE: ((Consent.INVITED, Consent.LAPSED, Consent.SIGNATORY), Consent.DECLINED),
    ConsentEvent.REVISE_LONGER: ((Consent.SIGNATORY,), Consent.LAPSED),
    ConsentEvent.REMOVE: (Consent, Consent.REMOVED),
    ConsentEvent.EMBARGO_OVER: (Consent, Consent.NO_EMBARGO),
}

CONSENT = Machine(
    "consent",
    Kind.CONSENT,
    Consent,
    ConsentEvent,
    Consent.NO_EMBARGO,
    MappingProxyType({(old, event): new for event, (olds, new) in _CONSENT.items() for old in olds}),
)
"""Has a contact accepted the terms in force? (Vultron: participant embargo consent, narrowed: nobody lets themselves
in, and silence is never acceptance: no event of time alone leads to ``signatory``.)"""


# --- fix: one per organisation; exposure: one per case -------------------------------------------------------------


class FixStatus(StrEnum):
    """Vendor aware, fix ready, fix deployed; an upper-case letter is a bit that is set."""

    UNAWARE = "vfd"
    AWARE = "Vfd"
    READY = "VFd"
    DEPLOYED = "VFD"


class FixEvent(StrEnum):
    LEARN = "learn"
    READY = "ready"
    DEPLOY = "deploy"


FIX = Machine(
    "fix",
    Kind.FIX,
    FixStatus,
    FixEvent,
    FixStatus.UNAWARE,
    MappingProxyType(
        {
            (FixStatus.UNAWARE, FixEvent.LEARN): FixStatus.AWARE,
            (FixStatus.AWARE, FixEvent.READY): FixStatus.READY,
            (FixStatus.READY, FixEvent.DEPLOY): FixStatus.DEPLOYED,
        }
    ),
)
"""One per organisation, the project itself included (Vultron: the vendor's fix path), in this order only."""


class FixCorrection(StrEnum):
    NOT_DEPLOYED = "not_deployed"
    NOT_READY = "not_ready"


CORRECTION = Machine(
    "correction",
    Kind.FIX,
    FixStatus,
    FixCorrection,
    FixStatus.DEPLOYED,
    MappingProxyType(
        {
            (FixStatus.DEPLOYED, FixCorrection.NOT_DEPLOYED): FixStatus.READY,
            (FixStatus.READY, FixCorrection.NOT_READY): FixStatus.AWARE,
        }
    ),
)
"""The way back for an answer that was a mistake. Apart from ``FIX``, because it changes what we believed, not the
world; that somebody knows cannot be undone."""


class Exposure(StrEnum):
    """Public aware, exploit public, attacks seen; an upper-case letter is a bit that is set."""

    NONE = "pxa"
    ATTACKS = "pxA"
    EXPLOIT = "pXa"
    EXPLOIT_ATTACKS = "pXA"
    PUBLIC = "Pxa"
    PUBLIC_ATTACKS = "PxA"
    PUBLIC_EXPLOIT = "PXa"
    ALL = "PXA"

    @property
    def public(self) -> bool:
        return "P" in self.value

    @property
    def exploit(self) -> bool:
        return "X" in self.value

    @property
    def attacks(self) -> bool:
        return "A" in self.value


class ExposureEvent(StrEnum):
    PUBLISH = "publish"
    EXPLOIT = "exploit"
    ATTACK = "attack"


EXPOSURE = Machine(
    "exposure",
    Kind.EXPOSURE,
    Exposure,
    ExposureEvent,
    Exposure.NONE,
    MappingProxyType(
        {
            (Exposure.NONE, ExposureEvent.PUBLISH): Exposure.PUBLIC,
            (Exposure.NONE, ExposureEvent.EXPLOIT): Exposure.EXPLOIT,
            (Exposure.NONE, ExposureEvent.ATTACK): Exposure.ATTACKS,
            (Exposure.ATTACKS, ExposureEvent.PUBLISH): Exposure.PUBLIC_ATTACKS,
            (Exposure.ATTACKS, ExposureEvent.EXPLOIT): Exposure.EXPLOIT_ATTACKS,
            # A public exploit forces public awareness: there is no other way on.
            (Exposure.EXPLOIT, ExposureEvent.PUBLISH): Exposure.PUBLIC_EXPLOIT,
            (Exposure.EXPLOIT_ATTACKS, ExposureEvent.PUBLISH): Exposure.ALL,
            (Exposure.PUBLIC, ExposureEvent.EXPLOIT): Exposure.PUBLIC_EXPLOIT,
            (Exposure.PUBLIC, ExposureEvent.ATTACK): Exposure.PUBLIC_ATTACKS,
            (Exposure.PUBLIC_ATTACKS, ExposureEvent.EXPLOIT): Exposure.ALL,
            (Exposure.PUBLIC_EXPLOIT, ExposureEvent.ATTACK): Exposure.ALL,
        }
    ),
)
"""One per case (Vultron: the public part of the case state), each bit only upward."""


class Joint(NamedTuple):
    """How far an organisation's fix and a case's exposure have come, together: Vultron's case state."""

    fix: FixStatus
    exposure: Exposure

    def __str__(self) -> str:
        return f"{self.fix}{self.exposure}"


FORCED: tuple[tuple[str, FixEvent | ExposureEvent], ...] = (
    ("pX", ExposureEvent.PUBLISH),
    ("vP", FixEvent.LEARN),
)
"""Causes: where a joint state has all these letters, only this event may come next. The public learns from a public
exploit; an organisation knows at least what the public knows."""


def _joint() -> Mapping[tuple[Joint, FixEvent | ExposureEvent], Joint]:
    table: dict[tuple[Joint, FixEvent | ExposureEvent], Joint] = {}
    for here in (Joint(fix, exposure) for fix in FixStatus for exposure in Exposure):
        for (fix, event), new in FIX.table.items():
            if fix == here.fix:
                table[here, event] = here._replace(fix=new)
        for (exposure, happening), worse in EXPOSURE.table.items():
            if exposure == here.exposure:
                table[here, happening] = here._replace(exposure=worse)
    return {
        (here, event): there
        for (here, event), there in table.items()
        if all(event == only for letters, only in FORCED if set(letters) <= set(str(here)))
    }


JOINT: Mapping[tuple[Joint, FixEvent | ExposureEvent], Joint] = MappingProxyType(_joint())
"""The product of ``FIX`` and ``EXPOSURE`` under the causes: 32 states, 58 transitions, as Vultron counts them."""


MACHINES: tuple[Machine[Any, Any], ...] = (REPORT, EMBARGO, CONSENT, FIX, CORRECTION, EXPOSURE)


# --- invariants (model.md), each a pure function -------------------------------------------------------------------

IN_FORCE = frozenset({Embargo.ACTIVE, Embargo.REVISE})
"""While a revision is discussed the old terms hold."""

ENGAGED = frozenset({Report.RECEIVED, Report.VALID, Report.ACCEPTED})
"""States of a report in which a participant may propose an embargo (Vultron: embargoes for active reports)."""

JUDGED = frozenset({Report.ACCEPTED, Report.DEFERRED, Report.CLOSED})
"""States of a report that a fix bit needs."""

UNPUBLISHED = frozenset(FixStatus) - {FixStatus.DEPLOYED}
"""No fix is out yet."""


def embargo_may_start(exposure: Exposure, publishers: Iterable[FixStatus]) -> bool:
    """Only under ``dpxa``. ``publishers`` are the fix states of the project and of the downstreams that publish
    packages; a site that patched itself does not count and is left out.
    """
    return exposure is Exposure.NONE and UNPUBLISHED.issuperset(publishers)


def must_end_embargo(exposure: Exposure) -> bool:
    """Public awareness or a public exploit ends the embargo."""
    return exposure.public or exposure.exploit


def should_end_embargo(exposure: Exposure) -> bool:
    """Attacks alone leave the choice to coordinators: to publish may help other attackers more than defenders."""
    return exposure.attacks


def embargo_agrees(embargo: Embargo, exposure: Exposure) -> bool:
    """Whether a stored embargo may stand beside a stored exposure."""
    if embargo in IN_FORCE:
        return not must_end_embargo(exposure)
    return embargo is not Embargo.PROPOSED or exposure is Exposure.NONE


def may_propose(report: Report) -> bool:
    """Nobody proposes an embargo whose own report is invalid, deferred or closed (or has not come)."""
    return report in ENGAGED


def may_close(embargo: Embargo) -> bool:
    """A case does not close while its embargo is active or in revision."""
    return embargo not in IN_FORCE


def fix_agrees(fix: FixStatus, reports: Iterable[Report]) -> bool:
    """A fix bit implies that a participant of the organisation accepted, deferred or closed the report."""
    return fix in (FixStatus.UNAWARE, FixStatus.AWARE) or not JUDGED.isdisjoint(reports)


def joint_agrees(fix: FixStatus, exposure: Exposure) -> bool:
    """No stored state waits for something that it forces: what is forced happens in the same transaction."""
    return not any(set(letters) <= set(str(Joint(fix, exposure))) for letters, _ in FORCED)


def consent_agrees(consent: Consent, embargo: Embargo) -> bool:
    """An invitation or an acceptance is to terms in force; where there are none, neither is there."""
    return consent not in (Consent.INVITED, Consent.SIGNATORY, Consent.LAPSED) or embargo in IN_FORCE


def hears_details(consent: Consent) -> bool:
    """Whether consent alone (no role, no decision of a coordinator) lets somebody be sent what is new in a case."""
    return consent is Consent.SIGNATORY


def fix_at_first(exposure: Exposure) -> FixStatus:
    """Where an organisation starts that joins a case now: what is public, it knows."""
    return FixStatus.AWARE if exposure.public else FixStatus.UNAWARE
