"""``refer``: a report that is another component's matter; its people get it once the reporter agrees (step 1)."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import CaseUse, Command, Who, positional, raw
from chatops.commands.desk import Alarm, Decision, Desk, Direct, Message, Refusal, Security, working
from chatops.commands.kinds import Component, Text
from chatops.commands.moving import edit_case, moved
from chatops.commands.referral import component, pass_on, question
from chatops.document import Document, Tlp, fields, quote
from chatops.model.changes import Happened
from chatops.model.machines import Report
from chatops.model.moves import Move
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Refer:
    component: str = positional(Component(), "whose matter it is, as the configuration calls it")
    reason: str | None = raw(Text("REASON", 4000), "why; the reporter reads it", default=None)


def handle(desk: Desk, args: Refer) -> Decision:
    file = working(desk.case)
    if file.case.referral == "passed":
        raise Refusal(f"{file.id} is passed on already, to {file.case.referred}")
    to = component(desk, args.component)
    steps = () if file.case.report == Report.DEFERRED else moved(file, Move.REFER)
    agreed = file.case.referral == "agreed" and file.case.referred == args.component
    asks = not agreed and file.case.reporter not in (None, desk.actor.id)
    change = edit_case(
        file,
        outcome="referred",
        reason=args.reason,
        next_word=None,
        referred=args.component,
        referral="asked" if asks else "agreed",
    )
    referred = Happened("referred", file.id, {"to": args.component}, text=args.reason, changes=(*steps, change))
    no_word = Alarm(f"next-word:{file.id}", "next-word", None)
    if not asks:
        decision = pass_on(desk, file)
        decision.events.insert(0, referred)
        decision.alarms.append(no_word)
        assert decision.reply is not None
        decision.messages.append(Message(Security(), decision.reply, echo=True))
        return decision
    asked = Document(
        title=f"{file.id}: the reporter is asked whether {to.name} may have it",
        kind="referral",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(fields((to.name, to.contact)), *((quote(args.reason),) if args.reason else ())),
    )
    decision = Decision(reply=asked, events=[referred], alarms=[no_word])
    decision.messages.append(Message(Security(), asked, echo=True))
    if file.case.reporter:
        decision.messages.append(Message(Direct(file.case.reporter), question(file, to, args.reason), kind="reporter"))
    return decision


COMMAND = Command(
    verb="refer",
    summary="pass a report on to another component's people, if the reporter agrees",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="refer DS-2026-7KQ4 pmix The crash is in their event handler.",
    args=Refer,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
