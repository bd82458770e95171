"""The terms of an embargo as people read them: the question, the welcome, the card for those under standing terms."""

from __future__ import annotations

from datetime import datetime

from chatops.commands.cards import board, case_card, people, proposed, terms_block
from chatops.commands.desk import ConsentQuestion, Desk, Refusal
from chatops.commands.ledger import revisions
from chatops.commands.packing import summary
from chatops.config import Settings
from chatops.document import Action, Block, Document, Tlp, Typed, bullets, fields, line, para, typed
from chatops.model.casefile import CaseFile
from chatops.ports import ONE_BY_ONE


def askable(file: CaseFile, now: datetime) -> None:
    """Raises :class:`Refusal` if the terms in force have run out: nobody can be asked to keep them."""
    if file.overdue(now):
        raise Refusal(f"the release date of {file.id} has passed; first set another: embargo {file.id} date DATE")


def question(settings: Settings, file: CaseFile, *, again: bool = False) -> ConsentQuestion:
    """What somebody who was asked may read, and nothing else."""
    return ConsentQuestion(settings, file.id, file.case.band, file.terms_date, again)


def room_board(settings: Settings, file: CaseFile, now: datetime, *, shows_past: bool) -> Document:
    """The card at the top of an embargo room, kept up to date: what members may do and until when, how far it is, and
    who answered what.
    """
    rules = terms_block(settings, file, now) if file.embargoed else (para("The embargo is over."),)
    blocks: list[Block] = [*rules, board(file)]
    if file.question is not None:
        blocks.append(fields(("Proposed date", proposed(file))))
    if pack := summary(file):
        blocks.append(fields(("Pack", line(f"{pack}: ", typed(f"pack {file.id} show")))))
    if (answers := people(file)) is not None:
        blocks.append(answers)
    if len(file.proposals) > 1:
        blocks += revisions(file)
    if shows_past:
        blocks.append(para("Who comes in later can read here what was said before."))
    blocks.append(
        bullets((line("How it looks for you: ", typed(f"status {file.id} affected")), line("All of it: ", _all(file))))
    )
    return Document(
        title=f"{file.id}: what you may do here, and where it stands",
        kind="board",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=tuple(blocks),
    )


def see_below(file: CaseFile) -> Document:
    """What an old board says when a newer one was pinned, for those who came later."""
    return Document(
        title=f"{file.id}: the board is pinned further down", kind="board", tlp=Tlp.AMBER_STRICT, case=file.id
    )


def house_rules(settings: Settings, file: CaseFile, now: datetime, title: str) -> Document:
    """The terms anew when they change, in an embargo room."""
    return Document(
        title=f"{file.id}: {title}",
        kind="date",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(*terms_block(settings, file, now), para("All of it: ", _all(file))),
        tone="warning",
    )


def _all(file: CaseFile) -> Typed:
    return typed(f"show {file.id}")


def in_full(desk: Desk, file: CaseFile, *, standing: bool) -> Document:
    """All of it, to somebody under standing terms, or whom a coordinator chose to tell before they answered."""
    card = case_card(file, desk.now, inside=False, title=f"{file.id}: a vulnerability in {desk.project}, in confidence")
    why = desk.settings.words("told_at_once" if standing else "told_and_asked", case=file.id)
    actions = [Action(label="decline", command=f"decline {file.id}", emoji="❌")]
    if not standing:
        actions.insert(0, Action(label="accept", command=f"accept {file.id}", emoji="✅", style="primary"))
    return card.model_copy(
        update={
            "kind": "notice",
            "blocks": (*why, *terms_block(desk.settings, file, desk.now), *card.blocks),
            "actions": tuple(actions),
        }
    )


def welcome(desk: Desk, file: CaseFile) -> Document:
    """To somebody who just accepted."""
    card = case_card(file, desk.now, inside=False, title=f"{file.id}: thank you; here it is")
    rooms = desk.book.services({desk.actor.id}) & desk.services - ONE_BY_ONE
    where = (
        "You are invited to the private room of this case." if rooms else "What is said in this case reaches you here."
    )
    following = para(f"{where} Tell us how it looks for you:")
    return card.model_copy(
        update={
            "kind": "notice",
            "blocks": (*terms_block(desk.settings, file, desk.now), *card.blocks, following),
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
