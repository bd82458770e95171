"""``team``: experts of a case, added at any time, also before an embargo; they are bound by role."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.cards import case_card
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, positional
from chatops.commands.desk import Decision, Desk, Direct, Message, Refusal, Security
from chatops.commands.kinds import Choice, Person
from chatops.commands.moving import edit_participant, joined, moved
from chatops.commands.show import reports
from chatops.document import Document, Tlp, fields, para
from chatops.model.changes import Happened
from chatops.model.moves import Move
from chatops.model.people import Contact, Role


@dataclass(frozen=True)
class Team:
    action: str = positional(Choice(("add", "remove", "list")), "what to do", default="list")
    who: Contact | None = positional(Person(), "the expert", default=None)


def handle(desk: Desk, args: Team) -> Decision:
    file = desk.case
    if args.action == "list":
        return Decision(reply=_list(desk))
    if not desk.actor.coordinator:
        raise Refusal("coordinators add and remove experts; ask one of them")
    if args.who is None:
        raise Refusal(f"say who. Usage: {COMMAND.usage}")
    who = args.who
    one = file.participants.get(who.id)
    if args.action == "remove":
        if one is None or one.role != "expert":
            raise Refusal(f"{who.name} is no expert of {file.id}")
        left = Happened(
            "expert removed",
            file.id,
            {"who": who.name},
            changes=(edit_participant(file, who.id, role="downstream"),),
        )
        done = _done(desk, f"{who.name} is off the team")
        return Decision(reply=done, events=[left], messages=[Message(Security(), done, echo=True)])
    if Role.COORDINATOR in (who.roles or []):
        raise Refusal(f"{who.name} is a coordinator: on the team already")
    if one is not None and one.role == "expert":
        raise Refusal(f"{who.name} is an expert of {file.id} already")
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    if one is not None and one.role == "reporter":
        raise Refusal(f"{who.name} is the reporter; invite them instead")
    rows = joined(file, who, "expert") or (edit_participant(file, who.id, role="expert"),)
    added = Happened(
        "expert added", file.id, {"who": who.name}, changes=(*rows, *moved(file, Move.TEAM_ADD, named=who.id))
    )
    card = case_card(file, desk.now, inside=True, title=f"{file.id}: you are asked to help as an expert")
    hello = para("You are on the team of this case and bound by its privacy. The report is below.")
    card = card.model_copy(update={"blocks": (hello, *card.blocks, *reports(desk)), "kind": "team"})
    done = _done(desk, f"{who.name} is on the team")
    return Decision(
        reply=done,
        events=[added],
        messages=[Message(Direct(who.id), card, ping=(who.id,)), Message(Security(), done, echo=True)],
    )


def _list(desk: Desk) -> Document:
    file = desk.case
    coordinators = ", ".join(contact.name for contact in desk.book.coordinators())
    experts = ", ".join(file.name(one) for one in file.experts()) or "none"
    return Document(
        title=f"{file.id}: team",
        kind="team",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(fields(("Coordinators", coordinators), ("Experts", experts)),),
    )


def _done(desk: Desk, title: str) -> Document:
    return Document(title=f"{desk.case.id}: {title}", kind="team", tlp=Tlp.AMBER_STRICT, case=desk.case.id, tone="good")


COMMAND = Command(
    verb="team",
    summary="see the team of a case; add an expert, take one out",
    who=Who.TEAM,
    where=TEAM_ROOMS,
    example="team DS-2026-7KQ4 add expert",
    args=Team,
    case=CaseUse.NEEDED,
    handle=handle,
)
