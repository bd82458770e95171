"""The terms of an embargo as people read them: the question, the welcome, the card for those under standing terms."""

from __future__ import annotations

from datetime import datetime

from chatops.commands.cards import MAY, case_card, terms_block
from chatops.commands.desk import ConsentQuestion, Desk
from chatops.document import Action, Document, Tlp, para, typed
from chatops.model.book import CaseFile


def question(desk: Desk, file: CaseFile, *, again: bool = False) -> ConsentQuestion:
    """What somebody who was asked may read, and nothing else."""
    return ConsentQuestion(desk.project, file.id, file.case.band, file.terms_date, MAY, again)


def house_rules(file: CaseFile, now: datetime, title: str = "what you may do here") -> Document:
    """The card at the top of an embargo room, and again when the date changes: what members may do, and until when."""
    return Document(
        title=f"{file.id}: {title}",
        kind="terms",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(*terms_block(file, now), para("The case, with its board: ", typed(f"show {file.id}"))),
        tone="warning",
    )


def in_full(desk: Desk, file: CaseFile, *, standing: bool) -> Document:
    """All of it, to somebody under standing terms, or whom a coordinator chose to tell before they answered."""
    card = case_card(file, desk.now, inside=False, title=f"{file.id}: a vulnerability in {desk.project}, in confidence")
    why = (
        "You are told at once because you agreed to our standing terms. If this case is not for you, decline it."
        if standing
        else "You are told before you were asked, because it is urgent. Please keep it private, and say if you agree."
    )
    actions = [Action(label="decline", command=f"decline {file.id}", emoji="❌")]
    if not standing:
        actions.insert(0, Action(label="accept", command=f"accept {file.id}", emoji="✅", style="primary"))
    return card.model_copy(
        update={
            "kind": "notice",
            "blocks": (para(why), *terms_block(file, desk.now), *card.blocks),
            "actions": tuple(actions),
        }
    )


def welcome(desk: Desk, file: CaseFile) -> Document:
    """To somebody who just accepted."""
    card = case_card(file, desk.now, inside=False, title=f"{file.id}: thank you; here it is")
    following = para("You are invited to the private room of this case. Tell us how it looks for you:")
    return card.model_copy(
        update={
            "kind": "notice",
            "blocks": (*terms_block(file, desk.now), *card.blocks, following),
            "actions": status_actions(file),
            "tone": "good",
        }
    )


def status_actions(file: CaseFile) -> tuple[Action, ...]:
    return (
        Action(label="affected", command=f"status {file.id} affected", emoji="🔴"),
        Action(label="not affected", command=f"status {file.id} not-affected", emoji="🟢"),
        Action(label="investigating", command=f"status {file.id} investigating", emoji="🔍"),
    )
