"""``show``: a case, with its board, and the ledger of its dates."""

from __future__ import annotations

from chatops import policy
from chatops.commands.cards import case_card, terms_block
from chatops.commands.declare import PRIVATE, CaseUse, Command, Who
from chatops.commands.desk import Decision, Desk
from chatops.commands.ledger import revisions
from chatops.document import Quote, quote
from chatops.model.people import PlaceKind


def handle(desk: Desk, args: object) -> Decision:
    file = desk.case
    inside = desk.place is not PlaceKind.EMBARGO and bool(policy.roles(desk.actor, file) & Who.TEAM)
    card = case_card(file, desk.now, inside=inside)
    if inside:
        card = card.model_copy(update={"blocks": (*card.blocks, *reports(desk))})
    elif file.embargoed:
        card = card.model_copy(update={"blocks": (*card.blocks, *terms_block(desk.settings, file, desk.now))})
    return Decision(reply=card.model_copy(update={"blocks": (*card.blocks, *revisions(file))}))


def reports(desk: Desk) -> tuple[Quote, ...]:
    """What the reporter wrote, as they wrote it: for the team."""
    notes = desk.book.notes(desk.case.id)
    return tuple(quote(note.text) for note in notes if note.kind in ("report", "addition"))


COMMAND = Command(
    verb="show",
    summary="a case: the board, the dates, who is in it",
    who=Who.TEAM | Who.MEMBER,
    where=PRIVATE,
    example="show DS-2026-7KQ4",
    case=CaseUse.NEEDED,
    handle=handle,
)
