"""``leak``: anybody says that something is public early. A claim, no more: coordinators judge it (``exposed``).

The answer is the same word for word whether there is such a case or not, and nothing but the alert comes of it, so
nobody learns from it what exists (model.md, fix and exposure).
"""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import EVERYWHERE, CaseUse, Command, Who, raw
from chatops.commands.desk import Decision, Desk, Direct, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Text
from chatops.commands.moving import states
from chatops.document import Action, Block, Document, Line, Tlp, fields, line, mono, para, quote, typed, who
from chatops.model.changes import Happened
from chatops.model.moves import Move, permitted

ANSWER = Document(
    title="Thank you. The security team has been told at once; please keep it quiet until they have looked.",
    kind="leak",
)
SHOWN = 3
"""So many open cases are offered where none of ours was named."""


@dataclass(frozen=True)
class Leak:
    text: str | None = raw(Text(longest=4000), "a link, or where you saw it and what it says", default=None)


def handle(desk: Desk, args: Leak) -> Decision:
    if desk.file is None and args.text is None:
        raise Refusal(f"say what is public: a link, or where you saw it. Usage: {COMMAND.usage}")
    alert = _alert(desk, args.text)
    team = [contact.id for contact in desk.book.coordinators()]
    messages: list[Outgoing] = [Message(Security(), alert, ping=tuple(team))]
    messages += [Message(Direct(one), alert, ping=(one,)) for one in team]
    case = desk.file.id if desk.file else None
    claimed = Happened("leak claimed", case, {"by": desk.actor.name}, text=args.text)
    return Decision(reply=ANSWER, events=[claimed], messages=messages)


def _alert(desk: Desk, text: str | None) -> Document:
    file = desk.file
    by: Line = line(who(desk.actor.name)) if desk.actor.contact else line("a stranger, ", mono(desk.actor.address.id))
    blocks: list[Block] = [fields(("Who says so", by))]
    if text:
        blocks.append(quote(text))
    actions: tuple[Action, ...] = ()
    if file is None:
        open_cases = desk.book.open_cases()
        actions = tuple(
            Action(label=f"it is {case}", command=f"exposed {case} public", emoji=emoji, style="danger")
            for case, emoji in zip(open_cases[:SHOWN], ("1️⃣", "2️⃣", "3️⃣"), strict=False)
        )
        how = typed("exposed CASE public") if open_cases else typed("triage TITLE open=public")
        what = "say which case it is" if open_cases else "open a case, for none is open"
        blocks.append(para(f"They named no case of ours. If it is true, {what}: ", how, "."))
    elif file.case.closed_at is None and permitted(Move.LEAK_CONFIRMED, states(file)):
        actions = (
            Action(label="it is public", command=f"exposed {file.id} public", emoji="📢", style="danger"),
            Action(label="an exploit, too", command=f"exposed {file.id} exploit", emoji="💥", style="danger"),
        )
        blocks.append(para("Look at it. If it is true, one of you is enough: the embargo ends, and everybody is told."))
    else:
        blocks.append(para("That case is closed, or known to be public already."))
    return Document(
        title=f"{file.id}: somebody says that it is public" if file else "Somebody says that something is public",
        kind="leak claim",
        tlp=Tlp.AMBER_STRICT,
        case=file.id if file else None,
        blocks=tuple(blocks),
        actions=actions,
        tone="alert",
    )


COMMAND = Command(
    verb="leak",
    summary="say that something is public early; the security team is told at once",
    who=Who.ALL,
    where=EVERYWHERE,
    example="leak DS-2026-7KQ4 https://lists.example.org/oss/2026/12/1",
    args=Leak,
    case=CaseUse.CLAIMED,
    handle=handle,
    bears_text=True,
)
