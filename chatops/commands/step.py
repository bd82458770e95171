"""``step``: what a person does about a step of the general release: try it again, skip it, say that it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chatops.commands.checklist import checklist
from chatops.commands.declare import BadValue, CaseUse, Command, Who, positional, raw
from chatops.commands.desk import Again, CaseRoom, Decision, Desk, Message, Refusal
from chatops.commands.kinds import Choice, Text
from chatops.commands.moving import edit_case
from chatops.commands.plan import BY_NAME, SETTLED, STEPS, settled, waits
from chatops.commands.typed import nearest, short
from chatops.document import Document, Tlp, para
from chatops.model.casefile import CaseFile
from chatops.model.cases import PlanStep
from chatops.model.changes import Happened, put
from chatops.model.flow import STUCK
from chatops.model.people import PlaceKind

LOOKS = ("tag",)
"""Steps that only look at something: they are begun anew."""
SAID = ("members", "public", "thanks")
"""Steps of words to rooms."""
ALL = "all"
"""What is called off, in words: so that a reason can follow."""


@dataclass(frozen=True)
class StepName:
    """A step of the general release."""

    name: str = "STEP"

    def read(self, word: str, desk: Desk) -> str:
        if word.casefold() in (*BY_NAME, ALL):
            return word.casefold()
        near = nearest(word, BY_NAME)
        hint = f"did you mean {near}?" if near else f"steps: {', '.join(BY_NAME)}"
        raise BadValue(f'there is no step "{short(word)}"; {hint}')

    def suggest(self, desk: Desk) -> list[str]:
        return [*BY_NAME, ALL]


@dataclass(frozen=True)
class StepArgs:
    what: str | None = positional(
        Choice(("retry", "done", "skip", "stop")), "what to do; where it stands, if left out", default=None
    )
    step: str | None = positional(StepName(), "which step; all, to call it off", default=None)
    reason: str | None = raw(Text("REASON", 500), "why it is skipped, or called off", default=None)


def handle(desk: Desk, args: StepArgs) -> Decision:
    file = desk.case
    plan = desk.book.plan(file.id)
    if not plan or file.case.announcing_at is None:
        raise Refusal(f"{file.id} is not being announced; first: announce {file.id}")
    if args.what is None:
        return Decision(reply=checklist(desk, file))
    if args.what == "stop":
        return _stop(desk, file, args)
    failed = [row.step for row in plan.values() if row.state == "failed"]
    row = plan.get(args.step or (failed[0] if len(failed) == 1 else ""))
    if row is None:
        here = ", ".join(step.name for step in STEPS if step.name in plan)
        raise Refusal(f"say which step of {file.id}: {here}")
    if row.state in SETTLED:
        raise Refusal(f"{row.step} of {file.id} is {row.state} already")
    if row.state == "waiting":
        raise Refusal(f"{row.step} of {file.id} is not its turn yet; see step {file.id}")
    match args.what:
        case "retry":
            return _retry(desk, file, row)
        case "done":
            return _done(desk, file, row)
        case _:
            return _skip(desk, file, row, args.reason)


def _retry(desk: Desk, file: CaseFile, row: PlanStep) -> Decision:
    """What failed for good is sent again under its own key; what ended in a finding is done anew; what was given up one
    by one is not said again to those who heard it.
    """
    if row.state != "failed":
        raise Refusal(f"{row.step} of {file.id} has not failed; see step {file.id}")
    effects = desk.book.effects(waits(file, row.step))
    dead = [one for one in effects if one.state in STUCK]
    anew = row.step in LOOKS
    state = "running" if dead and not anew else "done" if effects and row.step in SAID else "waiting"
    return Decision(
        reply=_word(file, f"{row.step} is tried again"),
        events=[_by(desk, settled(file.id, row.step, state, desk))],
        again=[Again(one.key, give_up=anew) for one in dead],
        plan=file.id,
    )


def _done(desk: Desk, file: CaseFile, row: PlanStep) -> Decision:
    if row.state != "asked":
        raise Refusal(f"{row.step} of {file.id} is the bot's to do, not yours; retry it, or skip it with a reason")
    told = _by(desk, settled(file.id, row.step, "done", desk))
    return Decision(reply=_word(file, f"{row.step} is done; it goes on"), events=[told], plan=file.id)


def _skip(desk: Desk, file: CaseFile, row: PlanStep, reason: str | None) -> Decision:
    if row.step == "public" and not file.public:
        raise Refusal(f"nothing of {file.id} is public yet: retry {row.step}, or stop all of it")
    if reason is None:
        raise Refusal(f"say why it is skipped: step {file.id} skip {row.step} REASON")
    given_up = _given_up(desk, file, [row.step])
    change = put(PlanStep, (file.id, row.step), state="skipped", reason=reason, by=desk.actor.id)
    facts = {"step": row.step, "by": desk.actor.name}
    return Decision(
        reply=_word(file, f"{row.step} is skipped; it goes on"),
        events=[Happened("step skipped", file.id, facts, text=reason, changes=(change,))],
        again=given_up,
        plan=file.id,
    )


def _given_up(desk: Desk, file: CaseFile, steps: Sequence[str]) -> list[Again]:
    """All that steps still wait for. Raises Refusal if some of it is being done at this moment."""
    effects = [one for step in steps for one in desk.book.effects(waits(file, step))]
    if any(one.state == "attempted" for one in effects):
        raise Refusal(f"something of {file.id} is being done this minute; type that again in a moment")
    return [Again(one.key, give_up=True, unsent=True) for one in effects if one.state in (*STUCK, "waiting")]


def _stop(desk: Desk, file: CaseFile, args: StepArgs) -> Decision:
    """Called off, while the public knows nothing of it: members, who may have been told to publish, hear at once."""
    if args.step != ALL or args.reason is None:
        raise Refusal(f"only all of it can be called off, with a reason: step {file.id} stop all REASON")
    if file.public:
        raise Refusal(f"{file.id} is public; it cannot be called off any more")
    ghsa = desk.book.plan(file.id).get("ghsa")
    if ghsa is not None and ghsa.state not in ("waiting", "skipped"):
        raise Refusal(
            f"the advisory of {file.id} is, or may be, public on GitHub; retry ghsa, or skip it with a reason"
        )
    given_up = _given_up(desk, file, list(desk.book.plan(file.id)))
    told = Happened(
        "announcement called off", file.id, text=args.reason, changes=(edit_case(file, announcing_at=None),)
    )
    wait = Document(
        title=f"{file.id}: wait, not yet after all",
        kind="go",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para("Something stands in the way of the announcement. Publish nothing more until you hear again."),),
        tone="alert",
    )
    off = Document(
        title=f"{file.id}: the announcement is called off; nothing was said in public",
        kind="announcement",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        tone="warning",
    )
    return Decision(
        reply=off,
        events=[told],
        messages=[Message(CaseRoom(file.id), wait)],
        again=given_up,
    )


def _word(file: CaseFile, what: str) -> Document:
    """Beside the checklist, which may have scrolled out of sight."""
    return Document(title=f"{file.id}: {what}", kind="answer", tlp=Tlp.AMBER_STRICT, case=file.id)


def _by(desk: Desk, told: Happened) -> Happened:
    facts: Mapping[str, str] = {**told.facts, "by": desk.actor.name}
    return Happened(told.what, told.case, facts, told.text, told.changes)


COMMAND = Command(
    verb="step",
    summary="the general release, step by step: see it, try one again, say it is done, skip it, call all off",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="step DS-2026-7KQ4 retry publish",
    args=StepArgs,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
