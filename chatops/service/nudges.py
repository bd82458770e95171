"""How the team is reminded of something in a case: a card in the security room that rings for the owner."""

from __future__ import annotations

from chatops.commands.desk import Message, Security
from chatops.document import Action, Block, Document, Tlp
from chatops.model.casefile import CaseFile


def to_owner(
    file: CaseFile, what: str, *blocks: Block, actions: tuple[Action, ...] = (), kind: str = "reminder"
) -> Message:
    """A reminder: ``what`` is to be done or known, the rest says how. Any other kind is no warning."""
    document = Document(
        title=f"{file.id}: {what}",
        kind=kind,
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=blocks,
        actions=actions,
        tone="warning" if kind == "reminder" else "normal",
    )
    return Message(Security(), document, ping=(file.case.owner,) if file.case.owner else ())
