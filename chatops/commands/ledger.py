"""How dates are shown: the proposed one with who thinks what of it, and the ledger of every revision."""

from __future__ import annotations

from datetime import datetime

from chatops.document import Action, Block, Document, Tlp, fields, line, para, quote, when
from chatops.model.book import CaseFile
from chatops.model.cases import Proposal


def question_card(file: CaseFile, proposal: Proposal) -> Document:
    """A proposed date, with who thinks what of it."""
    votes = proposal.votes or {}
    yes = [file.shown(one) for one, vote in votes.items() if vote == "agree"]
    no = [file.shown(one) for one, vote in votes.items() if vote == "object"]
    now = file.terms_date
    blocks: list[Block] = [
        fields(
            (f"Proposed {named(proposal.what)}", line(when(proposal.at))),
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
        actions=vote_actions(file),
    )


def vote_actions(file: CaseFile) -> tuple[Action, ...]:
    return (
        Action(label="agree", command=f"agree {file.id}", emoji="👍"),
        Action(label="object", command=f"object {file.id}", emoji="👎"),
    )


def ledger(file: CaseFile) -> Document:
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


def named(what: str) -> str:
    return "release date" if what == "date" else "review date"


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
