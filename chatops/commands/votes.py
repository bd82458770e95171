"""``agree`` and ``object``: what members think of a proposed date. Votes advise; coordinators close the question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chatops import policy
from chatops.commands.declare import PRIVATE, CaseUse, Command, Who, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Text
from chatops.commands.ledger import question_card
from chatops.commands.moving import moved
from chatops.commands.report import standing
from chatops.commands.settling import enough, settle
from chatops.document import quote
from chatops.model.cases import Proposal
from chatops.model.changes import Change, Happened, Moved, put
from chatops.model.moves import Move


@dataclass(frozen=True)
class Vote:
    reason: str | None = raw(Text("REASON", 2000), "why", default=None)


def _handler(vote: str, move: Move) -> Callable[[Desk, Vote], Decision]:
    def handle(desk: Desk, args: Vote) -> Decision:
        file = desk.case
        proposal = file.question
        if proposal is None:
            raise Refusal(f"no date is proposed in {file.id}")
        if vote == "object" and args.reason is None:
            raise Refusal(f"say why, so that others can answer: object {file.id} REASON")
        if desk.actor.contact:
            file.contacts[desk.actor.id] = desk.actor.contact
        proposal.votes = {**(proposal.votes or {}), desk.actor.id: vote}
        steps = moved(file, move, actor=desk.actor.id)
        changes: tuple[Change | Moved, ...] = (*steps, put(Proposal, proposal.id, votes=proposal.votes))
        card = question_card(desk, file, proposal)
        card = card.model_copy(update={"title": f"{file.id}: {file.shown(desk.actor.id)} {vote}s"})
        if args.reason:
            card = card.model_copy(update={"blocks": (*card.blocks, quote(args.reason))})
        messages: list[Outgoing] = [Message(CaseRoom(file.id), card, echo=True), Message(Security(), card, echo=True)]
        facts = {"by": desk.actor.name, "vote": vote}
        voted = Happened("voted", file.id, facts, text=args.reason, changes=changes)
        if policy.roles(desk.actor, file) & (Who.TEAM | Who.MEMBER):
            return Decision(reply=card, events=[voted], messages=messages)
        if vote == "agree" and enough(desk, file, proposal):
            settled = settle(desk, file, proposal)
            news = "you agree; that is the date until which we all keep it private"
            return replace(settled, events=[voted, *settled.events], reply=standing(file, news), reply_kind="reporter")
        # The reporter: who else says what is for the members.
        noted = standing(file, f"noted: you {vote} to {proposal.at:%Y-%m-%d %H:%M} UTC")
        return Decision(reply=noted, reply_kind="reporter", events=[voted], messages=messages)

    return handle


def _command(vote: str, move: Move, summary: str) -> Command:
    return Command(
        verb=vote,
        summary=summary,
        who=Who.TEAM | Who.MEMBER | Who.REPORTER,
        where=PRIVATE,
        example=f"{vote} DS-2026-7KQ4 Our build takes three days.",
        args=Vote,
        case=CaseUse.NEEDED,
        handle=_handler(vote, move),
        bears_text=True,
    )


COMMANDS = (
    _command("agree", Move.AGREE, "agree to the date that is proposed"),
    _command("object", Move.OBJECT, "object to the date that is proposed, and say why"),
)
