"""The cards that several commands show: the board of four steps, the case card, the terms.

``inside`` says that the reader is on the team; others see neither the reporter nor what the team alone needs.
"""

from __future__ import annotations

from datetime import datetime

from chatops.commands.packing import summary
from chatops.commands.waiting import waits_for
from chatops.config import Settings
from chatops.document import (
    Action,
    Block,
    Board,
    Document,
    Line,
    Part,
    Step,
    Table,
    Tlp,
    fields,
    line,
    para,
    strong,
    table,
    when,
    who,
)
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case, Downstream
from chatops.model.machines import IN_FORCE, Consent, Embargo, Exposure, Report

ANSWERS = {
    Consent.NO_EMBARGO: "—",
    Consent.INVITED: "asked",
    Consent.SIGNATORY: "member",
    Consent.LAPSED: "asked about the new date",
    Consent.DECLINED: "declined",
    Consent.REMOVED: "removed",
}


REFERRALS = {
    "asked": "the reporter is asked first",
    "agreed": "the reporter agrees",
    "declined": "the reporter does not want it passed on",
    "passed": "passed on",
}


def board(file: CaseFile) -> Board:
    """The policy's four steps, computed from the machines."""
    case = file.case
    triaged = case.triaged_at is not None
    over = case.embargo == Embargo.EXITED
    settled = case.outcome is not None
    first: Step = Step(
        name="Identification and triage",
        state="done" if triaged or settled else "under way",
        note=case.band or ("" if triaged else case.outcome or "not triaged yet"),
    )
    asked = file.ever_asked()
    silent = sum(1 for one in asked if file.participants[one].consent == Consent.INVITED)
    if over:
        second = Step(name="Notification and embargo", state="done", note="embargo over")
    elif case.embargo == Embargo.NONE:
        note = "no embargo" if triaged else ""
        second = Step(name="Notification and embargo", state="not started", note=note)
    else:
        members = len(file.signatories())
        note = (
            f"{members} of {len(asked)} joined" + (f", {silent} silent" if silent else "") if asked else "nobody told"
        )
        second = Step(name="Notification and embargo", state="under way", note=note)
    if case.private_release_at is None:
        third = Step(name="Private release", state="not started")
    else:
        third = Step(name="Private release", state="done" if case.released_at else "under way", note=case.version or "")
    if case.released_at is not None:
        fourth = Step(name="General release", state="done", note=case.version or "")
    else:
        begun = case.announcing_at is not None or case.exposure[0] == "P"
        fourth = Step(name="General release", state="under way" if begun else "not started")
    return Board(steps=(first, second, third, fourth))


def dates(file: CaseFile, now: datetime) -> Line:
    """The terms in force, or that there are none."""
    case = file.case
    if case.embargo == Embargo.NONE:
        return line("none")
    if case.embargo == Embargo.EXITED:
        return line("over")
    if case.embargo == Embargo.PROPOSED:
        proposal = file.question
        return line("proposed until ", when(proposal.at)) if proposal else line("proposed")
    if case.release_date is not None:
        late = ": past its date, not binding" if file.overdue(now) else ""
        return line("until the release date, ", when(case.release_date), late)
    if case.review_date is not None:
        return line("until ", when(case.review_date), " at least; then it is looked at again")
    return line("until further notice")


def case_card(file: CaseFile, now: datetime, *, inside: bool, title: str | None = None, named: bool = True) -> Document:
    """What a case is, where it stands, and what is sensible next.

    ``title`` is the card's, instead of the case's, which is then a field of it; unless ``named`` is not set.
    """
    case = file.case
    pairs: list[tuple[str, str | Line]] = [("Title", case.title)] if title and named else []
    if inside or case.owner:
        owner = line(who(file.name(case.owner))) if case.owner else line("nobody yet")
        backup = (", backup ", who(file.name(case.backup))) if case.backup else ()
        gone = line(" (not on the team any more)") if case.owner and not file.active(case.owner) else ()
        pairs.append(("Owner", (*owner, *gone, *line(*backup))))
    pairs.append(("Severity", f"{case.band} ({case.severity})" if case.severity else "not rated yet"))
    pairs.append(("Embargo", dates(file, now)))
    if outside := known_outside(case):
        pairs.append(("Known outside", outside))
    if file.question is not None:
        pairs.append(("Proposed date", proposed(file)))
    for name, value in (
        ("Versions", case.versions),
        ("Mitigation", case.mitigation),
        ("Component", case.component),
        ("Boundary", case.boundary),
        ("Exposed", case.exposed),
        ("Fix effort", case.complexity),
        ("CVE", case.cve),
    ):
        if value:
            pairs.append((name, value))
    if pack := summary(file):
        pairs.append(("Pack", pack))
    if case.reporter and (inside or case.reporter_known):
        pairs.append(("Reporter", _reporter(file)))
    if deviation := _deviation(file, inside=inside):
        pairs.append(("Deviation", deviation))
    if inside and case.links:
        pairs.append(("Linked", ", ".join(f"{other} ({what})" for other, what in sorted(case.links.items()))))
    if inside and case.referred:
        pairs.append(("Referred", f"to {case.referred}: {REFERRALS[case.referral or 'asked']}"))
    if inside and (waiting := waits_for(file)):
        pairs.append(("Waits for", waiting))
    if inside and case.snoozed_until is not None and case.snoozed_until > now:
        pairs.append(("Reminders", line("wait until ", when(case.snoozed_until))))
    if inside and case.next_word and case.closed_at is None:
        pairs.append(("Reporter's next word", line(when(case.next_word, day=True))))
    if inside and file.experts():
        pairs.append(("Experts", ", ".join(file.name(one) for one in file.experts())))
    if case.closed_at is not None:
        pairs.append(("Closed", line(case.outcome or "closed", " ", when(case.closed_at, day=True))))
    blocks: list[Block] = [board(file), fields(*pairs)]
    if answers := people(file):
        blocks.append(answers)
    return Document(
        title=title or f"{case.id}: {case.title}",
        kind="case card",
        tlp=Tlp.AMBER_STRICT,
        case=case.id,
        blocks=tuple(blocks),
        actions=next_actions(file) if inside else (),
    )


def _deviation(file: CaseFile, *, inside: bool) -> Line:
    """Where the reporter goes another way than the policy: it is respected, so everybody should see it. Their own
    words are for the team.
    """
    case = file.case
    parts: list[Part] = []
    if case.asked_date and case.asked_date != case.release_date and case.released_at is None:
        parts += ["the reporter means to publish ", when(case.asked_date)]
    if case.process:
        parts.append(("; " if parts else "") + (case.process if inside else "the reporter prefers another process"))
    return line(*parts)


def known_outside(case: Case) -> str:
    """What the public knows already, in words; empty if nothing."""
    exposure = Exposure(case.exposure)
    bits = ((exposure.public, "public"), (exposure.exploit, "an exploit is public"), (exposure.attacks, "attacks seen"))
    return ", ".join(words for holds, words in bits if holds)


def _reporter(file: CaseFile) -> str:
    wishes = {**({"credit": file.case.credit} if file.case.credit else {}), **(file.case.wishes or {})}
    told = [f"{name}: {value}" for name, value in sorted(wishes.items())]
    return file.name(file.case.reporter) + (f" ({', '.join(told)})" if told else "")


def proposed(file: CaseFile) -> Line:
    """The open question about the date, with how many are for and against it."""
    proposal = file.question
    assert proposal is not None
    votes = list((proposal.votes or {}).values())
    yes, no = votes.count("agree"), votes.count("object")
    return line(when(proposal.at), f" by {file.shown(proposal.by)}: {yes} agree, {no} object")


def people(file: CaseFile) -> Table | None:
    """Everybody who was asked, with their answer and what their organisation says; silence is its own state."""
    rows = []
    for one in file.participants.values():
        if one.role != "expert" and one.asked_at is not None:
            down = file.downstreams.get(one.organisation or "")
            status = said(down) if down else "no answer"
            answer = ANSWERS[Consent(one.consent)]
            if one.consent == Consent.SIGNATORY and one.standing:
                answer += " (standing terms)"
            if one.consent == Consent.INVITED and one.silent_at is not None:
                answer = "no answer"
            if one.consent == Consent.NO_EMBARGO and file.case.embargo == Embargo.EXITED:
                answer = "was a member" if one.terms_until else "was asked"
            rows.append((file.name(one.contact), answer, status))
    return table(("who", "embargo", "status"), [(line(strong(n)), a, s) for n, a, s in sorted(rows)]) if rows else None


def said(down: Downstream) -> str:
    """What an organisation says of its packages, and of which version."""
    if down.answer is None:
        return "no answer"
    return down.answer.replace("-", " ") + (f" ({down.version})" if down.version else "")


def next_actions(file: CaseFile) -> tuple[Action, ...]:
    """The sensible next steps for the team, most urgent first; at most three."""
    case = file.case
    actions: list[Action] = []
    if case.closed_at is not None:
        return ()
    if case.report in (Report.RECEIVED, Report.VALID) and case.triaged_at is None:
        actions.append(Action(label="triage", command=f"triage {case.id}", emoji="🔎", style="primary"))
    if case.owner is None:
        actions.append(Action(label="own it", command=f"own {case.id}", emoji="✋"))
    if case.embargo in IN_FORCE and not file.ever_asked():
        actions.append(Action(label="notify packagers", command=f"invite {case.id} all-packagers", emoji="📣"))
    aside = case.outcome in ("duplicate", "referred") and case.referral != "asked" and not file.embargoed
    if case.released_at is not None or aside:
        actions.append(Action(label="close", command=f"close {case.id}", emoji="📕"))
    return tuple(actions[:3])


def terms_block(settings: Settings, file: CaseFile, now: datetime) -> tuple[Block, ...]:
    """What members may do, and until when: the top of every embargo room."""
    until = file.terms_date
    if file.overdue(now) and until is not None:
        passed = para("The release date, ", when(until), ", has passed: ", strong("it binds nobody any more"), ".")
        return passed, *settings.words("terms_late")
    more = "." if file.case.release_date else " at least; then we look at it again, and tell you."
    first = para("Private until ", when(until), more) if until else para("Private until further notice.")
    return (first, *settings.words("terms"))
