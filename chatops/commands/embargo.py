"""``embargo``: review date, coordinated release date, end (policy step 2).

Anybody in the embargo proposes a date with a reason; the room discusses; coordinators close the question. A
coordinator's own date is proposed and accepted in one. A longer date lets acceptances lapse, except under standing
terms, which cover it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chatops import policy
from chatops.commands.cards import case_card
from chatops.commands.declare import PRIVATE, CaseUse, Command, Who, option, positional, words
from chatops.commands.desk import (
    Alarm,
    CaseRoom,
    Decision,
    Desk,
    Direct,
    EmbargoOver,
    Message,
    Outgoing,
    Refusal,
    Security,
    working,
)
from chatops.commands.kinds import Choice, Moment, Text
from chatops.commands.moving import edit_case, edit_participant, moved
from chatops.commands.report import standing
from chatops.commands.terms import house_rules, question
from chatops.document import Action, Block, Document, Tlp, fields, line, para, quote, when
from chatops.model.book import CaseFile
from chatops.model.cases import Proposal
from chatops.model.changes import Change, Happened, Moved, new, put
from chatops.model.journal import entries
from chatops.model.machines import IN_FORCE, Consent, Embargo
from chatops.model.moves import Move
from chatops.model.people import PlaceKind

WARNINGS = (timedelta(days=7), timedelta(days=3), timedelta(days=1), timedelta(hours=2), timedelta(0))
"""Before a release date, coordinators are warned so often; at the date the case says that it binds nobody."""


@dataclass(frozen=True)
class EmbargoArgs:
    action: str = positional(
        Choice(("show", "review", "date", "accept", "reject", "end"), "ACTION"),
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
            return Decision(reply=_ledger(desk, file))
        case "review" | "date":
            if args.rest is None:
                raise Refusal(f"say when. Usage: embargo {file.id} {args.action} DATE [reason=TEXT]")
            at: datetime = Moment().read(args.rest, desk)
            return _propose(desk, args.action, at, args.reason)
        case "accept":
            return _accept(desk)
        case "reject":
            return _reject(desk, args.rest or args.reason)
        case _:
            return _end(desk, args.rest or args.reason)


def _team(desk: Desk) -> bool:
    return bool(policy.roles(desk.actor, desk.case) & Who.TEAM)


def _coordinator(desk: Desk, what: str) -> None:
    if not desk.actor.coordinator:
        raise Refusal(f"coordinators {what}; you may propose: embargo {desk.case.id} date DATE reason=TEXT")


# --- proposing -----------------------------------------------------------------------------------------------------


def _propose(desk: Desk, what: str, at: datetime, reason: str | None) -> Decision:
    file = desk.case
    team = _team(desk)
    if not team and reason is None:
        raise Refusal(f'say why: embargo {file.id} {what} {at:%Y-%m-%d %H:%M} UTC reason="…"')
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
    facts = {"what": _named(what), "date": _stamp(at)}
    steps = moved(file, move, actor=desk.actor.id)
    proposed = Happened("date proposed", file.id, facts, text=reason, changes=(*old, new(proposal), *steps))
    alone = desk.settings.policy.quorum <= 1
    if desk.actor.coordinator and (in_force or alone):
        settled = settle(desk, file, proposal)
        settled.events.insert(0, proposed)
        return settled
    card = question_card(file, proposal)
    if proposal.state == "later":
        card = card.model_copy(update={"title": f"{file.id}: noted; the earlier date is settled first"})
    messages: list[Outgoing] = []
    if not in_force and proposal.state == "open" and file.case.reporter and file.case.reporter != desk.actor.id:
        messages.append(Message(Direct(file.case.reporter), _ask_reporter(file, proposal), kind="reporter"))
    if in_force and desk.place is not PlaceKind.EMBARGO:
        messages.append(Message(CaseRoom(file.id), card))
    if desk.place is not PlaceKind.SECURITY:
        messages.append(Message(Security(), card, ping=tuple(c.id for c in desk.book.coordinators())))
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
        actions=_votes(file),
    )


def question_card(file: CaseFile, proposal: Proposal) -> Document:
    """A proposed date, with who thinks what of it."""
    votes = proposal.votes or {}
    yes = [file.shown(one) for one, vote in votes.items() if vote == "agree"]
    no = [file.shown(one) for one, vote in votes.items() if vote == "object"]
    now = file.terms_date
    blocks: list[Block] = [
        fields(
            (f"Proposed {_named(proposal.what)}", line(when(proposal.at))),
            ("In force", line(when(now)) if now and file.embargoed else line("no date")),
            ("By", file.shown(proposal.by)),
            ("Agree", ", ".join(yes) or "nobody yet"),
            ("Object", ", ".join(no) or "nobody"),
        )
    ]
    if proposal.reason:
        blocks.append(quote(proposal.reason))
    blocks.append(para("Until coordinators close the question, the terms in force hold."))
    return Document(
        title=f"{file.id}: another date is proposed",
        kind="date",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=tuple(blocks),
        actions=_votes(file),
    )


def _votes(file: CaseFile) -> tuple[Action, ...]:
    return (
        Action(label="agree", command=f"agree {file.id}", emoji="👍"),
        Action(label="object", command=f"object {file.id}", emoji="👎"),
    )


# --- closing the question ------------------------------------------------------------------------------------------


def _open_question(file: CaseFile) -> Proposal:
    if file.question is None:
        raise Refusal(f"no date is proposed in {file.id}")
    return file.question


def _accept(desk: Desk) -> Decision:
    _coordinator(desk, "close the question")
    file = desk.case
    proposal = _open_question(file)
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
    news = f"the {_named(proposal.what)} is set"
    if was not in IN_FORCE:
        news = "the embargo is active"
    room = house_rules(file, desk.now, news).model_copy(update={"kind": "date"})
    facts = {"what": _named(proposal.what), "date": _stamp(proposal.at)}
    told = Happened("date set", file.id, facts, changes=tuple(changes))
    messages: list[Outgoing] = []
    if was in IN_FORCE and desk.place is not PlaceKind.EMBARGO:  # a new room tells who comes in
        messages.append(Message(CaseRoom(file.id), room, pin=True))
    if desk.place is not PlaceKind.SECURITY:
        messages.append(Message(Security(), case_card(file, desk.now, inside=True)))
    messages += [Message(Direct(one), question(desk, file, again=True), ping=(one,)) for one in ask]
    if after != before:
        messages += [Message(Direct(one), question(desk, file), ping=(one,)) for one in invited]
    if (reporter := file.case.reporter) and reporter != desk.actor.id and not file.was_member(reporter):
        messages.append(Message(Direct(reporter), standing(file, news), kind="reporter"))
    inside = desk.place is PlaceKind.EMBARGO
    reply = room if inside else case_card(file, desk.now, inside=_team(desk), title=room.title)
    return Decision(reply=reply, events=[told], messages=messages, alarms=alarms, reply_pin=inside)


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


def crd_alarms(case: str, at: datetime, now: datetime) -> list[Alarm]:
    """Warnings before a release date; those whose time has passed are taken away."""
    return [
        Alarm(f"crd:{case}:{int(before.total_seconds())}", "crd", at - before if at - before > now else None, case)
        for before in WARNINGS
    ]


def _reject(desk: Desk, reason: str | None) -> Decision:
    _coordinator(desk, "close the question")
    file = desk.case
    proposal = _open_question(file)
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
    messages: list[Outgoing] = [] if desk.place is PlaceKind.EMBARGO else [Message(CaseRoom(file.id), card)]
    if proposal.by != desk.actor.id and desk.place is not PlaceKind.EMBARGO:
        messages.append(
            Message(Direct(proposal.by), card, kind="reporter" if proposal.by == file.case.reporter else "details")
        )
    return Decision(
        reply=card,
        events=[Happened("date refused", file.id, {"date": _stamp(proposal.at)}, text=reason, changes=changes)],
        messages=messages,
    )


# --- the end -------------------------------------------------------------------------------------------------------


def _end(desk: Desk, reason: str | None) -> Decision:
    _coordinator(desk, "end an embargo")
    file = desk.case
    if reason is None:
        raise Refusal(f"say why it ends. Usage: embargo {file.id} end REASON")
    if not file.embargoed:
        raise Refusal(f"no embargo is in force in {file.id}")
    asked = file.ever_asked()
    steps = moved(file, Move.EMBARGO_END)
    told = Happened("embargo ended", file.id, text=reason, changes=steps)
    over = EmbargoOver(desk.project, file.id)
    inside = desk.place is not PlaceKind.EMBARGO
    title = f"{file.id}: the embargo is over; nothing is announced by that"
    card = case_card(file, desk.now, inside=inside, title=title)
    messages: list[Outgoing] = [Message(Direct(one), over) for one in asked]
    if desk.place is not PlaceKind.SECURITY:
        messages.append(Message(Security(), card))
    if file.case.reporter and file.case.reporter not in asked:
        messages.append(Message(Direct(file.case.reporter), over.document(), kind="reporter"))
    # The reporter still waits for a word.
    alarms = [alarm for alarm in no_alarms(file) if alarm.kind != "next-word"]
    return Decision(reply=card, events=[told], messages=messages, alarms=alarms)


def no_alarms(file: CaseFile) -> list[Alarm]:
    """All timers of a case's dates taken away."""
    names = [
        f"review:{file.id}",
        f"next-word:{file.id}",
        *(f"crd:{file.id}:{int(w.total_seconds())}" for w in WARNINGS),
    ]
    names += [f"{kind}:{file.id}:{one}" for kind in ("lapse", "silent") for one in file.participants]
    return [Alarm(name, name.split(":", 1)[0], None) for name in names]


def _ledger(desk: Desk, file: CaseFile) -> Document:
    """The dates in force and every revision."""
    items = [
        (
            f"{p.what} {p.state}",
            line(when(p.at), f" by {file.shown(p.by)}", f": {p.reason}" if p.reason else ""),
        )
        for p in file.proposals
    ]
    return Document(
        title=f"{file.id}: embargo {file.case.embargo}",
        kind="embargo",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            fields(
                ("Review date", line(when(file.case.review_date)) if file.case.review_date else line("none")),
                ("Release date", line(when(file.case.release_date)) if file.case.release_date else line("none")),
                *items,
            ),
        ),
    )


def _named(what: str) -> str:
    return "release date" if what == "date" else "review date"


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


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
)
