"""``correct``: a mistaken status put right, in the open. What was said stays on record, unedited (model.md)."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.cards import said
from chatops.commands.declare import TEAM_ROOMS, BadValue, CaseUse, Command, Who, option, positional, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Choice, Text, Version
from chatops.commands.moving import edit_downstream, moved
from chatops.commands.status import VALUES, card
from chatops.commands.typed import nearest, short
from chatops.document import quote
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.moves import Move


@dataclass(frozen=True)
class Downstreams:
    """An organisation of the case, by its name or by that of somebody who speaks for it."""

    name: str = "WHO"

    def _known(self, desk: Desk) -> dict[str, str]:
        if desk.file is None:
            return {}
        file = desk.file
        people = {file.name(one.contact): one.organisation for one in file.participants.values()}
        known = {name: whose for name, whose in people.items() if whose in file.downstreams}
        return {**known, **{whose: whose for whose in file.downstreams}}

    def read(self, word: str, desk: Desk) -> str:
        known = self._known(desk)
        folded = {name.casefold(): whose for name, whose in known.items()}
        wanted = word.removeprefix("@").casefold()
        if wanted in folded:
            return folded[wanted]
        near = nearest(wanted, known)
        hint = f"did you mean {near}?" if near else f"known: {', '.join(sorted(set(known.values()))) or 'nobody'}"
        raise BadValue(f'nobody in this case is called "{short(word)}"; {hint}')

    def suggest(self, desk: Desk) -> list[str]:
        return sorted(self._known(desk))


@dataclass(frozen=True)
class Correct:
    who: str = positional(Downstreams(), "whose status it is: an organisation, or somebody who speaks for it")
    value: str = positional(Choice(VALUES, "VALUE"), "what is true: " + ", ".join(VALUES))
    reason: str | None = raw(Text("REASON", 2000), "why, for everybody in the case to read", default=None)
    version: str | None = option(Version(), "of their package")


def handle(desk: Desk, args: Correct) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    down = file.downstreams[args.who]
    if down.answer is None:
        raise Refusal(f"{args.who} has not answered in {file.id}; there is nothing to correct")
    was = said(down)
    if (down.answer, down.version) == (args.value, args.version):
        raise Refusal(f"{args.who} is on record as {was} already")
    speaker = _speaker(file, args.who)
    steps = moved(file, Move(f"correct {args.value}"), named=speaker)
    change = edit_downstream(file, args.who, answer=args.value, version=args.version)
    facts = {"who": args.who, "was": was, "status": said(down)}
    shown = card(file, f'{args.who} is {said(down)}; "{was}" was a mistake')
    if args.reason:
        shown = shown.model_copy(update={"blocks": (quote(args.reason), *shown.blocks)})
    messages: list[Outgoing] = [
        Message(CaseRoom(file.id), shown, ping=(speaker,) if file.was_member(speaker) else (), echo=True),
        Message(Security(), shown, echo=True),
    ]
    told = Happened("status corrected", file.id, facts, text=args.reason, changes=(*steps, change))
    return Decision(reply=shown, events=[told], messages=messages)


def _speaker(file: CaseFile, organisation: str) -> str:
    """Who gave the answer, or else somebody of theirs."""
    theirs = [one.contact for one in file.participants.values() if one.organisation == organisation]
    answered = file.downstreams[organisation].answered_by
    return answered if answered in theirs else theirs[0]


COMMAND = Command(
    verb="correct",
    summary="put a mistaken status right, in the open",
    who=Who.TEAM,
    where=TEAM_ROOMS,
    example="correct DS-2026-7KQ4 Fedora affected The package in the tray was another one.",
    args=Correct,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
