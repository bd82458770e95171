"""``drill``: open a case to rehearse with, of which nothing leaves the security room."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.cards import case_card
from chatops.commands.declare import Command, Who, words
from chatops.commands.desk import Decision, Desk
from chatops.commands.kinds import Text
from chatops.commands.moving import joined
from chatops.commands.report import nameless, new_case_id
from chatops.document import para, typed
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case
from chatops.model.changes import Happened, new
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Drill:
    title: str = words(Text("TITLE", 120), "what is rehearsed, in a few words")


def handle(desk: Desk, args: Drill) -> Decision:
    case = Case(id=new_case_id(desk), title=args.title, opened_at=desk.now, wishes={}, owner=desk.actor.id, drill=True)
    reporter = nameless(desk, case.id)  # nobody's: a part to play
    case.reporter = reporter.id
    file = CaseFile(case)
    if desk.actor.contact:
        file.contacts[desk.actor.id] = desk.actor.contact
    changes = (new(reporter), new(case), *joined(file, reporter, "reporter"))
    card = case_card(file, desk.now, inside=True, title=f"{file.id}: a drill is open")
    told = para(
        "Go on as in earnest: triage, invite, announce. Whatever would be said elsewhere comes here, marked, with whom"
        " it is meant for; nobody else is told, no room is made, and nothing is published. To take somebody's part,"
        " press the buttons that are meant for them, or type it: ",
        typed(f"play WHO accept {file.id}"),
        " (also as reporter, or as a stranger who says that it is public: leak)",
    )
    return Decision(
        reply=card.model_copy(update={"blocks": (told, *card.blocks)}),
        events=[Happened("drill opened", file.id, {"by": desk.actor.name}, changes=changes)],
    )


COMMAND = Command(
    verb="drill",
    summary="rehearse with a case of which nothing leaves the security room",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY}),
    example="drill A hole in the authentication plugin",
    args=Drill,
    handle=handle,
    bears_text=True,
)
