"""The general release as people see it: a checklist that is edited in place, with what to do about what failed."""

from __future__ import annotations

from typing import Any

from chatops.commands.desk import Desk
from chatops.commands.plan import BY_NAME, READY, SETTLED, STEPS, fixed_in, tag_of
from chatops.commands.troubles import HELP, in_words
from chatops.document import Action, Block, Board, Document, Step, Tlp, para, strong, typed
from chatops.model.casefile import CaseFile
from chatops.model.cases import PlanStep

UNSAID = (*READY, "advisory")
"""The steps before the public hears anything."""
_SHOWN = {"waiting": "not started", "skipped": "not started", "done": "done"}


def checklist(desk: Desk, file: CaseFile) -> Document:
    """The plan as it stands, edited in place, with what to do about a step that failed."""
    plan = desk.book.plan(file.id)
    rows = [plan[step.name] for step in STEPS if step.name in plan]
    failed = [row for row in rows if row.state == "failed"]
    over = all(row.state in SETTLED for row in rows)
    version = fixed_in(file)
    if over:
        title = f"{file.id}: {version} is announced"
    elif failed:
        title = f"{file.id}: announcing {version}: {failed[0].step} failed"
    else:
        title = f"{file.id}: announcing {version} …"
    steps = tuple(
        Step(name=BY_NAME[row.step].told, state=_SHOWN.get(row.state, "under way"), note=_note(desk, file, row))
        for row in rows
    )
    blocks: list[Block] = [Board(steps=steps)]
    for row in failed:
        blocks.append(para(strong(f"{row.step}: "), *_see(row)))
    actions = [
        Action(label=f"retry {row.step}", command=f"step {file.id} retry {row.step}", emoji="🔁") for row in failed
    ]
    actions += [
        Action(label=f"{row.step} is done", command=f"step {file.id} done {row.step}", emoji="☑️")
        for row in rows
        if row.state == "asked"
    ]
    return Document(
        title=title,
        kind="announcement",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=tuple(blocks),
        actions=tuple(actions),
        tone="good" if over else "alert" if failed else "warning",
    )


def _see(row: PlanStep) -> tuple[Any, ...]:
    """What to do about a step that failed."""
    known = HELP.get(row.problem or "")
    first = (f"{known} ",) if known else ("try it again, or see ", typed("stuck"), ". ")
    without = ("Or go on without: ", typed(f"step {row.case} skip {row.step} REASON"))
    off = (". Or call it all off: ", typed(f"step {row.case} stop all REASON")) if row.step in UNSAID else ()
    return (*first, *without, *off)


def _note(desk: Desk, file: CaseFile, row: PlanStep) -> str:
    if row.state == "failed":
        return f"failed: {in_words(row.problem or '')}"
    if row.state == "skipped":
        return f"skipped: {row.reason} ({file.name(row.by)})"
    if row.state == "asked" and row.step == "tag":
        return f"yours to do: push {tag_of(desk.settings, fixed_in(file))}"
    return ""
