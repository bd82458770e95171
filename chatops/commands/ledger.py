"""How dates are shown: the proposed one with who thinks what of it, and the ledger of every revision."""

from __future__ import annotations

from datetime import datetime

from chatops.commands.concerns import concerns
from chatops.commands.desk import Desk
from chatops.document import Action, Block, Document, Line, Tlp, bullets, fields, line, para, quote, strong, when
from chatops.model.casefile import CaseFile
from chatops.model.cases import Proposal


def question_card(desk: Desk, file: CaseFile, proposal: Proposal) -> Document:
    """A proposed date, with who thinks what of it, and what speaks against it."""
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
    blocks += concerns(desk, file, proposal.what, proposal.at)
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


STATES = {
    "open": "proposed",
    "later": "waits for the earlier one",
    "accepted": "agreed",
    "rejected": "not taken",
    "superseded": "replaced",
}


def ledger(file: CaseFile) -> Document:
    """The dates in force and every revision."""
    return Document(
        title=f"{file.id}: embargo {file.case.embargo}",
        kind="embargo",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            fields(
                ("Review date", line(when(file.case.review_date)) if file.case.review_date else line("none")),
                ("Release date", line(when(file.case.release_date)) if file.case.release_date else line("none")),
            ),
            *revisions(file),
        ),
    )


def revisions(file: CaseFile) -> tuple[Block, ...]:
    """Every date that was ever proposed, oldest first, with what became of it."""
    if not file.proposals:
        return ()
    return (para(strong("Dates proposed so far")), bullets((_revision(file, p) for p in file.proposals), numbered=True))


def _revision(file: CaseFile, p: Proposal) -> Line:
    votes = list((p.votes or {}).values())
    counted = f", {votes.count('agree')} agree, {votes.count('object')} object" if len(votes) > 1 else ""
    return line(
        f"{named(p.what)} ",
        when(p.at),
        ": ",
        strong(STATES[p.state]),
        f" (by {file.shown(p.by)}, ",
        when(p.made_at, day=True),
        f"{counted})",
        f": {p.reason}" if p.reason else "",
    )


def named(what: str) -> str:
    return "release date" if what == "date" else "review date"


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
