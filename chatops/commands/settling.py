"""How the question of a date is closed: accepted (by enough of those whose yes counts) or refused."""

from __future__ import annotations

from datetime import datetime

from chatops import policy
from chatops.commands.alarms import crd_alarms
from chatops.commands.cards import case_card
from chatops.commands.concerns import concerns
from chatops.commands.declare import Who
from chatops.commands.desk import Alarm, CaseRoom, Decision, Desk, Direct, Message, Outgoing, Refusal, Security
from chatops.commands.ledger import named, stamp
from chatops.commands.moving import edit_case, edit_participant, moved
from chatops.commands.report import next_word, standing, to_reporters
from chatops.commands.terms import house_rules, question
from chatops.document import Block, Document, Tlp, para, quote, when
from chatops.model.casefile import CaseFile
from chatops.model.cases import Proposal
from chatops.model.changes import Change, Happened, Moved, put
from chatops.model.journal import entries
from chatops.model.machines import IN_FORCE, Consent, Embargo
from chatops.model.moves import Move
from chatops.model.people import PlaceKind


def open_question(file: CaseFile) -> Proposal:
    if file.question is None:
        raise Refusal(f"no date is proposed in {file.id}")
    return file.question


def accept(desk: Desk) -> Decision:
    file = desk.case
    proposal = open_question(file)
    if not file.embargoed and len(_agreed(desk, file, proposal)) < desk.settings.policy.quorum:
        raise Refusal("a second coordinator or the reporter must accept terms that are not the default")
    return settle(desk, file, proposal)


def _agreed(desk: Desk, file: CaseFile, proposal: Proposal) -> set[str]:
    """Those whose yes counts and who have said it, by their own hands: coordinators, and the reporter.

    Whoever has a shell can call themselves anybody in it. So all that one user said in a shell is one yes, and to one
    who accepts in a shell only what was said in a shell is another's.
    """
    count = {contact.id for contact in desk.book.coordinators()} | {file.case.reporter}
    yes = {one for one, vote in (proposal.votes or {}).items() if vote == "agree"}
    shells = _shells(desk, file, proposal)
    hands = {shells.get(one, one) for one in (yes | {proposal.by, desk.actor.id}) & count if one}
    return hands & set(shells.values()) if desk.actor.id in shells else hands


def _shells(desk: Desk, file: CaseFile, proposal: Proposal) -> dict[str, str]:
    """Who said what they think of a proposal in a shell, and as which operating-system user."""
    found = {}
    for entry in entries(desk.book.session, file.id):
        if entry.what in ("date proposed", "voted") and entry.at >= proposal.made_at:
            shell = entry.where.partition(" on shell as ")[2]
            found[entry.who] = f"os:{shell}" if shell else ""
    by_name = {file.name(one): one for one in file.contacts} | {c.name: c.id for c in desk.book.coordinators()}
    shells = {by_name[name]: hand for name, hand in found.items() if hand and name in by_name}
    shells.pop(desk.actor.id, None)
    return {**shells, desk.actor.id: desk.actor.hand} if desk.actor.hand.startswith("os:") else shells


def enough(desk: Desk, file: CaseFile, proposal: Proposal) -> bool:
    """Whether a reporter's yes just made the first terms agreed."""
    first = file.case.embargo == Embargo.PROPOSED and desk.actor.id == file.case.reporter
    return first and len(_agreed(desk, file, proposal)) >= max(2, desk.settings.policy.quorum)


def settle(desk: Desk, file: CaseFile, proposal: Proposal) -> Decision:
    """The proposal becomes the terms in force."""
    before, was = file.terms_date, Embargo(file.case.embargo)
    after = proposal.at if proposal.what == "date" else file.case.release_date or proposal.at
    longer = was in IN_FORCE and (before is None or after > before)
    changes: list[Change | Moved] = [*moved(file, Move.EMBARGO_ACCEPT_LONGER if longer else Move.EMBARGO_ACCEPT)]
    if proposal.what == "date":
        changes.append(edit_case(file, release_date=proposal.at))
        alarms = crd_alarms(file.id, proposal.at, desk.now)
    else:
        changes.append(edit_case(file, review_date=proposal.at))
        alarms = [Alarm(f"review:{file.id}", "review", proposal.at, file.id)]
    changes.append(put(Proposal, proposal.id, state="accepted"))
    proposal.state = "accepted"
    changes += _next_question(file, was)
    lapsed = [one for one in file.participants.values() if one.consent == Consent.LAPSED]
    # Who has not answered yet would otherwise say yes to a date that is not in force any more.
    invited = [one.contact for one in file.participants.values() if one.consent == Consent.INVITED]
    ask: list[str] = []
    for one in lapsed:
        if one.standing and _stands(desk, one.contact):  # standing terms cover a later date too
            changes += moved(file, Move.ACCEPT, actor=one.contact)
            changes.append(edit_participant(file, one.contact, terms_until=file.terms_date))
        elif after != before:
            ask.append(one.contact)
            if one.terms_until is not None:
                alarms.append(Alarm(f"lapse:{file.id}:{one.contact}", "lapse", one.terms_until, file.id))
    promised, again = next_word(desk, file)
    changes += promised
    alarms += again
    news = f"the {named(proposal.what)} is set"
    if was not in IN_FORCE:
        news = "the embargo is active"
    room = house_rules(desk.settings, file, desk.now, news)
    if was in IN_FORCE:
        room = room.model_copy(update={"blocks": (room.blocks[0], *_why(proposal, before), *room.blocks[1:])})
    facts = {"what": named(proposal.what), "date": stamp(proposal.at)}
    told = Happened("date set", file.id, facts, changes=tuple(changes))
    messages: list[Outgoing] = []
    if was in IN_FORCE:  # a new room tells who comes in
        messages.append(Message(CaseRoom(file.id), room, echo=True))
    messages.append(Message(Security(), case_card(file, desk.now, inside=True), echo=True))
    messages += [Message(Direct(one), question(desk.settings, file, again=True), ping=(one,)) for one in ask]
    if after != before:
        messages += [Message(Direct(one), question(desk.settings, file), ping=(one,)) for one in invited]
    messages += to_reporters(file, standing(file, news), but=(desk.actor.id, *file.signatories()))
    inside = desk.place is PlaceKind.EMBARGO
    reply = (
        room
        if inside
        else case_card(file, desk.now, inside=bool(policy.roles(desk.actor, file) & Who.TEAM), title=room.title)
    )
    against = concerns(desk, file, proposal.what, proposal.at)
    reply = reply.model_copy(update={"blocks": (*reply.blocks, *against)})
    return Decision(reply=reply, events=[told], messages=messages, alarms=alarms)


def _why(proposal: Proposal, before: datetime | None) -> tuple[Block, ...]:
    """What the terms were until now, and why they are other ones."""
    old = (para("Until now it was ", when(before), "."),) if before and before != proposal.at else ()
    return (*old, *((quote(proposal.reason),) if proposal.reason else ()))


def _next_question(file: CaseFile, was: Embargo) -> list[Change | Moved]:
    """Of the proposals before terms were in force, the longer becomes a revision."""
    later = [one for one in file.proposals if one.state == "later"]
    if was is not Embargo.PROPOSED or not later:
        return []
    steps = moved(file, Move.EMBARGO_DATE)
    later[-1].state = "open"
    return [*steps, put(Proposal, later[-1].id, state="open")]


def _stands(desk: Desk, contact: str) -> bool:
    known = desk.book.contact(contact)
    return known is not None and known.standing_until is not None and known.standing_until > desk.now


def reject(desk: Desk, reason: str | None) -> Decision:
    file = desk.case
    proposal = open_question(file)
    steps = moved(file, Move.EMBARGO_REJECT)
    proposal.state = "rejected"
    changes: tuple[Change | Moved, ...] = (*steps, put(Proposal, proposal.id, state="rejected"))
    card = Document(
        title=f"{file.id}: the proposed date is not taken; the terms in force hold",
        kind="date",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(quote(reason),) if reason else (),
    )
    messages: list[Outgoing] = [Message(room, card, echo=True) for room in (CaseRoom(file.id), Security())]
    if proposal.by != desk.actor.id and desk.place is not PlaceKind.EMBARGO:
        messages.append(
            Message(Direct(proposal.by), card, kind="reporter" if proposal.by == file.case.reporter else "details")
        )
    return Decision(
        reply=card,
        events=[Happened("date refused", file.id, {"date": stamp(proposal.at)}, text=reason, changes=changes)],
        messages=messages,
    )
