"""Who is asked for what in a case: a line of its board for the team."""

from __future__ import annotations

from collections.abc import Iterator

from chatops.document import Line, line
from chatops.model.casefile import CaseFile
from chatops.model.machines import Consent, Embargo, Report

NAMES = 5
"""More names than so many are counted instead."""


def waits_for(file: CaseFile) -> Line:
    """Nothing, if nobody owes anything."""
    whole: Line = ()
    for part in _owed(file):
        whole = (*whole, *line("; "), *part) if whole else part
    return whole


def _owed(file: CaseFile) -> Iterator[Line]:
    case = file.case
    if case.closed_at is not None or case.outcome is not None:
        return
    owner = case.owner is not None and file.active(case.owner)
    lead = file.name(case.owner) if owner else "a coordinator"
    triage = case.triaged_at is None and case.report in (Report.RECEIVED, Report.VALID)
    if not owner:
        yield line(f"{lead} to own {'and triage ' if triage else ''}it")
    elif triage:
        yield line(f"{lead} to triage it")
    if (question := file.question) is not None and case.embargo in (Embargo.PROPOSED, Embargo.REVISE):
        voted = set(question.votes or {})
        yield from _names(file, [one for one in file.signatories() if one not in voted], "to answer the proposed date")
        yield line(f"{lead} to accept or reject that date")
    if not file.embargoed:
        if owner and case.triaged_at is not None and case.embargo != Embargo.PROPOSED and case.released_at is None:
            yield line(f"{lead} to release the fix and announce it")
        return
    asked = [one for one in file.participants.values() if one.consent in (Consent.INVITED, Consent.LAPSED)]
    yield from _names(file, [one.contact for one in asked], "to answer the terms")
    yield from _names(file, file.owing_status(), "to say how they stand")


def _names(file: CaseFile, people: list[str], what: str) -> Iterator[Line]:
    if people:
        names = sorted(map(file.name, people))
        shown = ", ".join(names) if len(names) <= NAMES else f"{len(names)} contacts"
        yield line(f"{shown} {what}")
