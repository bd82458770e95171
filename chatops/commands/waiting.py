"""Who is asked for what in a case: a line of its board for the team."""

from __future__ import annotations

from collections.abc import Iterator

from chatops.document import Line, line, strong
from chatops.model.book import CaseFile
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
    lead = strong(file.name(case.owner)) if owner else strong("a coordinator")
    if not owner:
        yield line(lead, ": own it")
    if case.triaged_at is None and case.report in (Report.RECEIVED, Report.VALID):
        yield line(lead, ": triage")
    if (question := file.question) is not None and case.embargo in (Embargo.PROPOSED, Embargo.REVISE):
        voted = set(question.votes or {})
        yield from _names(file, [one for one in file.signatories() if one not in voted], "the proposed date")
        yield line(lead, ": accept or reject it")
    if not file.embargoed:
        return
    asked = [one for one in file.participants.values() if one.consent in (Consent.INVITED, Consent.LAPSED)]
    yield from _names(file, [one.contact for one in asked], "the terms")
    yield from _names(file, file.owing_status(), "how they stand")


def _names(file: CaseFile, people: list[str], what: str) -> Iterator[Line]:
    if people:
        names = sorted(map(file.name, people))
        shown = ", ".join(names) if len(names) <= NAMES else f"{len(names)} contacts"
        yield line(strong(shown), f": {what}")
