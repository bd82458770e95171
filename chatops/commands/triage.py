"""``triage``: open a case found by the team, or record what triage found (policy step 1).

The first triage accepts the report; default terms then make the embargo active at once, unless the reporter asked for a
date of their own, which stays a proposal. A case that nobody owned belongs to whoever triages it, so that the reporter
always hears a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from chatops.commands.cards import case_card
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, words
from chatops.commands.desk import Alarm, CaseRoom, Decision, Desk, Message, Outgoing, Refusal, Security, working
from chatops.commands.kinds import Choice, Cve, Severity, Text
from chatops.commands.moving import edit_case, moved
from chatops.commands.packing import MIRRORED, enter, handed, in_the_room
from chatops.commands.report import new_case_id, next_word, standing, to_reporters
from chatops.commands.typed import short
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case, Proposal
from chatops.model.changes import Change, Happened, new
from chatops.model.machines import IN_FORCE, Embargo, Report
from chatops.model.moves import Move
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Triage:
    title: str | None = words(
        Text("TITLE", 120), "what it is, in a few words; seen by the case's people only", default=None
    )
    severity: tuple[str, str] | None = option(Severity(), "a CVSS v3.1 or v4.0 vector")
    complexity: str | None = option(Text(longest=500), "how hard the fix is")
    boundary: str | None = option(Text(longest=500), "the privilege boundary that is crossed")
    exposed: str | None = option(Text(longest=500), "where it is exposed")
    versions: str | None = option(Text(longest=200), "the affected versions")
    mitigation: str | None = option(Text(longest=2000), "what helps before there is a fix")
    component: str | None = option(Text(longest=100), "the part of the project")
    cve: str | None = option(Cve(), "the CVE id, if there is one")
    open: str | None = option(Choice(("minor", "public")), "no embargo, because it is minor or public already")


IN_THE_OPEN = {
    "minor": "; it is minor, so we fix it in the open",
    "public": "; it is public already, so there is no embargo",
}
"""What the reporter reads of the short path."""
FACTS = ("complexity", "boundary", "exposed", "versions", "mitigation", "component", "cve")


def handle(desk: Desk, args: Triage) -> Decision:
    if args.title and (vector := re.search(r"CVSS:\d\S+", args.title)):  # "severity: CVSS…", or the vector alone
        raise Refusal(f"a CVSS vector is no part of a title; write it as severity={vector[0]}")
    file, opened = (desk.case, ()) if desk.file else _open(desk, args)
    working(file)
    values: dict[str, object] = {name: value for name in FACTS if (value := getattr(args, name)) is not None}
    packed = {name: str(values.pop(name)) for name in MIRRORED if name in values}
    if args.title:
        values["title"] = args.title
    if args.severity:
        values["severity"], values["band"] = args.severity
    first = file.case.report in (Report.START, Report.RECEIVED, Report.INVALID, Report.VALID, Report.DEFERRED)
    if first and file.case.outcome and not (values or packed or args.open):
        raise Refusal(
            f"{file.id} is settled ({file.case.outcome}); to take it up again, say what triage found:"
            f" triage {file.id} TITLE"
        )
    if first:
        values["triaged_at"] = desk.now
    if first and file.case.outcome is not None:  # it was set aside, and that was wrong
        values |= dict.fromkeys(("outcome", "reason", "referred", "referral"))
    asked = file.case.asked_date
    own_terms = asked is not None and asked > desk.now and file.case.embargo == Embargo.NONE
    move = Move.TRIAGE_PROPOSE if own_terms else Move.TRIAGE
    if args.open:
        if file.embargoed:
            way = f"exposed {file.id} public" if args.open == "public" else f"embargo {file.id} end REASON"
            raise Refusal(f"the embargo of {file.id} is in force; to end it: {way}")
        move = Move.TRIAGE_PUBLIC if args.open == "public" else Move.TRIAGE_MINOR
    was = Embargo(file.case.embargo)
    steps = moved(file, move)
    embargo = Embargo(file.case.embargo)
    begins = embargo in IN_FORCE and was not in IN_FORCE
    changes: list[Change] = []
    alarms: list[Alarm] = []
    if begins:
        review = desk.days(desk.settings.policy.review_days)
        values["review_date"] = review
        changes.append(new(_default_terms(desk, file, review)))
        alarms.append(Alarm(f"review:{file.id}", "review", review, file.id))
    if embargo is Embargo.PROPOSED and was is Embargo.NONE and file.case.asked_date:
        proposal = _proposal(desk, file, file.case.asked_date)
        file.proposals.append(proposal)
        changes.append(new(proposal))
    for name, text in packed.items():
        if text != getattr(file.case, name):
            changes += enter(desk, file, desk.actor.id, name, text)[1]
    changes += handed(file, in_the_room(desk.book, file), desk.now) if packed else ()
    facts = {name: str(value) for name, value in (values | packed).items() if name in ("severity", "band", "cve")}
    if first and desk.actor.contact and desk.book.living_owner(file) is None:
        values["owner"], facts["owner"] = desk.actor.id, desk.actor.name
        file.contacts[desk.actor.id] = desk.actor.contact
    if args.open:
        facts["in the open"] = args.open
    promised, again = next_word(desk, file) if first else ([], [])
    alarms += again
    told = Happened(
        "triaged" if first else "triage amended",
        file.id,
        facts,
        changes=(*opened, *changes, *((edit_case(file, **values),) if values else ()), *promised, *steps),
    )
    messages: list[Outgoing] = []
    card = case_card(file, desk.now, inside=desk.place is not PlaceKind.EMBARGO)
    messages.append(Message(Security(), case_card(file, desk.now, inside=True), echo=True))
    if embargo in IN_FORCE and not begins:  # a new room has nobody in it yet; who comes in is told the terms
        messages.append(Message(CaseRoom(file.id), case_card(file, desk.now, inside=False)))
    if first:
        messages += to_reporters(file, standing(file, f"we take your report on{IN_THE_OPEN.get(args.open or '', '')}"))
    return Decision(reply=card, events=[told], messages=messages, alarms=alarms)


def _default_terms(desk: Desk, file: CaseFile, review: datetime) -> Proposal:
    """A published default counts as accepted (model.md, embargo): the ledger begins with it."""
    terms = Proposal(
        id=desk.fresh(),
        case=file.id,
        what="review",
        at=review,
        reason="the project's default terms",
        by=desk.actor.id,
        made_at=desk.now,
        state="accepted",
        votes={},
    )
    file.proposals.append(terms)
    if desk.actor.contact:
        file.contacts[desk.actor.id] = desk.actor.contact
    return terms


def _filled(desk: Desk) -> dict[str, str]:
    """What is on record of a case already."""
    if desk.file is None:
        return {}
    case = desk.file.case
    known = {"title": case.title, "severity": case.severity, **{name: getattr(case, name) for name in FACTS}}
    return {name: value for name, value in known.items() if value}


def _open(desk: Desk, args: Triage) -> tuple[CaseFile, tuple[Change, ...]]:
    """A case that the team found itself."""
    if args.title is None:
        raise Refusal(f"name a case, or give a title for a new one. Usage: {COMMAND.usage}")
    _no_number(desk, args.title.split()[0])
    case = Case(id=new_case_id(desk), title=args.title, opened_at=desk.now, wishes={}, owner=desk.actor.id)
    file = CaseFile(case)
    if desk.actor.contact:
        file.contacts[desk.actor.id] = desk.actor.contact
    return file, (new(case),)


def _no_number(desk: Desk, word: str) -> None:
    """A mistyped case number must not open a case of that name."""
    bare = re.sub(r"[^A-Z0-9]", "", word.upper())
    for known in desk.book.open_cases():
        code = known.rsplit("-", 1)[-1]
        if bare == code or (bare.startswith(desk.settings.project.case_prefix) and bare.endswith(code)):
            raise Refusal(f'is "{short(word)}" a case? Did you mean {known}?')
    if bare.startswith(f"{desk.settings.project.case_prefix}20"):
        raise Refusal(f"there is no case {short(word)}; a new one begins with its title")


def _proposal(desk: Desk, file: CaseFile, at: datetime) -> Proposal:
    """The reporter's own date, as a question to the team."""
    by = file.case.reporter or desk.actor.id
    return Proposal(id=desk.fresh(), case=file.id, what="date", at=at, by=by, made_at=desk.now, votes={by: "agree"})


COMMAND = Command(
    verb="triage",
    summary="open a case found by the team, or record what triage found",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="triage DS-2026-7KQ4 Job queue overflow severity=CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H",
    args=Triage,
    case=CaseUse.OPTIONAL,
    handle=handle,
    bears_text=True,
    form=("triage",),
    filled=_filled,
)
