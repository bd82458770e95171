"""``embargo``: review date, coordinated release date, end (policy step 2).

Anybody in the embargo proposes a date with a reason; the room discusses; coordinators close the question. A
coordinator's own date is proposed and accepted in one. A longer date lets acceptances lapse, except under standing
terms, which cover it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chatops import policy
from chatops.commands.declare import PRIVATE, BadValue, CaseUse, Command, Who, option, positional, words
from chatops.commands.desk import (
    CaseRoom,
    Decision,
    Desk,
    Direct,
    Message,
    Outgoing,
    Refusal,
    Security,
    working,
)
from chatops.commands.ending import end
from chatops.commands.kinds import Choice, Moment, Text
from chatops.commands.ledger import ledger, named, question_card, stamp, vote_actions
from chatops.commands.moving import moved
from chatops.commands.settling import accept, reject, settle
from chatops.commands.typed import short
from chatops.document import Document, Tlp, fields, line, when
from chatops.model.casefile import CaseFile
from chatops.model.cases import Proposal
from chatops.model.changes import Change, Happened, new, put
from chatops.model.machines import Embargo
from chatops.model.moves import Move

FORMS = "2026-12-14 15:00 UTC, in 10 days, next Tuesday 15:00 Europe/Berlin"
"""Of dates, as one may type them."""


@dataclass(frozen=True)
class Action(Choice):
    """What to do; a date alone does not say which one it is."""

    def read(self, word: str, desk: Desk) -> str:
        case = desk.file.id if desk.file else "CASE"
        if word[:1].isdigit() or word.casefold() in ("in", "next", "today", "tomorrow"):
            raise BadValue(f"say which date it is: embargo {case} date {short(word)} … for the release, or review")
        return super().read(word, desk)


@dataclass(frozen=True)
class EmbargoArgs:
    action: str = positional(
        Action(("show", "review", "date", "accept", "reject", "end"), "ACTION"),
        "show, review DATE, date DATE, accept or reject the date that is proposed, end REASON",
        default="show",
    )
    rest: str | None = words(Text("DATE|REASON", 2000), "the date, or why it ends", default=None)
    reason: str | None = option(Text(longest=2000), "why this date")


def handle(desk: Desk, args: EmbargoArgs) -> Decision:
    file = desk.case
    if args.action != "show":
        working(file)
    match args.action:
        case "show":
            return Decision(reply=ledger(file))
        case "review" | "date":
            if args.rest is None:
                raise Refusal(f"say when. Usage: embargo {file.id} {args.action} DATE [reason=TEXT]")
            at: datetime = Moment(capped=not desk.settings.policy.cap_takes_reason).read(args.rest, desk)
            return _propose(desk, args.action, at, args.reason)
        case "accept":
            _coordinator(desk, "close the question")
            return accept(desk)
        case "reject":
            _coordinator(desk, "close the question")
            return reject(desk, args.rest or args.reason)
        case _:
            _coordinator(desk, "end an embargo")
            return end(desk, args.rest or args.reason)


def _team(desk: Desk) -> bool:
    return bool(policy.roles(desk.actor, desk.case) & Who.TEAM)


def _coordinator(desk: Desk, what: str) -> None:
    if not desk.actor.coordinator:
        raise Refusal(f"coordinators {what}; you may propose: embargo {desk.case.id} date DATE reason=TEXT")


def _propose(desk: Desk, what: str, at: datetime, reason: str | None) -> Decision:
    file = desk.case
    team = _team(desk)
    beyond = at > desk.days(desk.settings.policy.embargo_cap_days)
    if reason is None and (beyond or not team):
        cap = f"that is beyond the cap of {desk.settings.policy.embargo_cap_days} days; " if beyond else ""
        raise Refusal(f'{cap}say why: embargo {file.id} {what} {at:%Y-%m-%d %H:%M} UTC reason="…"')
    in_force = file.embargoed
    move = (Move.EMBARGO_REVIEW if what == "review" else Move.EMBARGO_DATE) if team else Move.EMBARGO_PROPOSE
    proposal = Proposal(
        id=desk.fresh(),
        case=file.id,
        what=what,
        at=at,
        reason=reason,
        by=desk.actor.id,
        made_at=desk.now,
        votes={desk.actor.id: "agree"},
    )
    if desk.actor.contact:
        file.contacts[desk.actor.id] = desk.actor.contact
    old = _beside(file, proposal)
    file.proposals.append(proposal)
    facts = {"what": named(what), "date": stamp(at)}
    steps = moved(file, move, actor=desk.actor.id)
    proposed = Happened("date proposed", file.id, facts, text=reason, changes=(*old, new(proposal), *steps))
    alone = desk.settings.policy.quorum <= 1
    if desk.actor.coordinator and (in_force or alone):
        settled = settle(desk, file, proposal)
        settled.events.insert(0, proposed)
        return settled
    card = question_card(desk, file, proposal)
    if proposal.state == "later":
        card = card.model_copy(update={"title": f"{file.id}: noted; the earlier date is settled first"})
    messages: list[Outgoing] = []
    if not in_force and proposal.state == "open" and file.case.reporter and file.case.reporter != desk.actor.id:
        messages.append(Message(Direct(file.case.reporter), _ask_reporter(file, proposal), kind="reporter"))
    if in_force:
        messages.append(Message(CaseRoom(file.id), card, echo=True))
    messages.append(Message(Security(), card, ping=tuple(c.id for c in desk.book.coordinators()), echo=True))
    return Decision(reply=card, events=[proposed], messages=messages)


def _beside(file: CaseFile, proposal: Proposal) -> list[Change]:
    """What becomes of the proposals that a new one meets.

    Before terms are in force the shortest wins and the longer waits to become a revision (model.md); else, and of the
    same person's, the newest counts.
    """
    changes: list[Change] = []
    for one in file.proposals:
        if one.state not in ("open", "later"):
            continue
        state = "superseded"
        if file.case.embargo == Embargo.PROPOSED and one.by != proposal.by and one.state == "open":
            state, proposal.state = ("open", "later") if one.at <= proposal.at else ("later", "open")
        if state != one.state:
            one.state = state
            changes.append(put(Proposal, one.id, state=state))
    return changes


def _ask_reporter(file: CaseFile, proposal: Proposal) -> Document:
    """The reporter's yes counts as much as a second coordinator's (model.md, embargo)."""
    return Document(
        title=f"{file.id}: may we keep your report private until then?",
        kind="date",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(fields(("Proposed date", line(when(proposal.at)))),),
        actions=vote_actions(file),
    )


COMMAND = Command(
    verb="embargo",
    summary="review date, release date, end of an embargo; members propose dates",
    who=Who.TEAM | Who.MEMBER,
    where=PRIVATE,
    example='embargo DS-2026-7KQ4 date 2026-12-14 15:00 UTC reason="all builds take a week"',
    args=EmbargoArgs,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
    form=("embargo review", "embargo date", "embargo end"),
    labels={
        "embargo review": {"rest": f"When to look at it again: {FORMS}", "reason": "Why then"},
        "embargo date": {"rest": f"The release date: {FORMS}", "reason": "Why that date: builds, holidays, …"},
        "embargo end": {"rest": "Why it ends", "reason": ""},
    },
)
