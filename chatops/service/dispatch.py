"""From a line to a handler: find the command among what the asker may see, check, read its arguments, run it.

Visibility comes first: what the asker may not see is answered as what does not exist.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chatops import policy
from chatops.commands import status
from chatops.commands.declare import CaseUse, Command, Registry, Who
from chatops.commands.desk import Actor, Decision, Desk, Message, Preview, Refusal, Security
from chatops.commands.parse import Line, addressed, brief, read_arguments, read_fields, split, undo
from chatops.commands.play import REPORTER, STRANGER
from chatops.commands.still import answer_first
from chatops.commands.typed import VERBS, nearest, short
from chatops.document import Action, Document, Tlp, fields, line, para, typed, when
from chatops.model.casefile import CaseFile
from chatops.model.cases import Pending
from chatops.model.changes import Happened, new, put
from chatops.model.machines import Forbidden
from chatops.model.people import Address, Contact, PlaceKind


@dataclass(frozen=True)
class Call:
    """A command that was found, for a desk that has its case."""

    command: Command
    line: Line
    file: CaseFile | None


class Unclear(Refusal):
    """No command is found for a line; ``command`` is the one that was most likely meant."""

    def __init__(self, text: str, command: Command | None = None) -> None:
        super().__init__(text)
        self.command = command


def names_case(text: str, prefix: str) -> bool:
    """Whether there is a word in the shape of one of our case numbers, existing or not."""
    return re.search(rf"(?<![\w-]){re.escape(prefix)}-\d+-[0-9A-Z]+", undo(text), re.IGNORECASE) is not None


def meant(registry: Registry, desk: Desk, text: str) -> Command | None:
    """The command that a line begins with, or nearly so, whoever may use it."""
    verb = _typed(desk, text).verb
    return registry.get(verb) or registry.get(nearest(verb, registry) or "")


def verb(desk: Desk, text: str) -> str:
    """The word that a line begins with."""
    return _typed(desk, text).verb


def _typed(desk: Desk, text: str) -> Line:
    typed = split(text, desk.settings.project.case_prefix)
    if desk.place is PlaceKind.DIRECT:  # "Report: …", "help!"
        typed = replace(typed, verb=typed.verb.rstrip(":,;.!?") or typed.verb)
    return typed


def find(registry: Registry, desk: Desk, text: str, held: Who | None = None) -> Call:
    """The command that a line means, among what somebody who holds these roles may see: by default what the asker is,
    but in the open nothing that would tell who is what. Raises :class:`Unclear` with one line.
    """
    typed = _typed(desk, text)
    if not typed.verb:
        return Call(registry["help"], Line("help", None, ""), desk.file)
    if held is None:
        held = Who.ALL if desk.in_the_open else policy.all_roles(desk.actor, desk.book)
    seen = {command.verb: command for command in policy.visible(registry.values(), held)}
    command = seen.get(typed.verb)
    if command is None and held & Who.COORDINATOR and typed.verb in registry:
        raise Unclear(_a_members(desk, registry[typed.verb], typed))
    if command is None and held & Who.ASKED and typed.verb in registry and registry[typed.verb].who & Who.MEMBER:
        waiting = policy.open_terms(desk.actor, desk.book)
        if waiting:
            raise Unclear(answer_first(waiting))
    if command is None:
        raise _unknown(desk, typed, seen, held)
    if desk.place not in command.where:
        # Before the case is looked at: a public room must not tell an existing case from none.
        if command.bears_text and desk.place is PlaceKind.PUBLIC:
            return Call(command, typed, None)
        places = policy.where_it_works(command, held)
        raise Unclear(f"{command.verb} does not work here; use it in {places}", command)
    try:
        file = _case(desk, command, typed)
    except Refusal as no:
        raise Unclear(str(no), command) from None
    if not policy.sees(command, policy.roles(desk.actor, file)) and command.case is not CaseUse.NONE:
        waits = file is not None and file.id in policy.open_terms(desk.actor, desk.book)
        raise Unclear(answer_first([file.id]) if waits and file else _not_yours(command, file), command)
    return Call(command, typed, file)


INSTEAD = {"bring": "invite {case} WHO", "status": "correct {case} WHO VALUE"}
"""What the team writes instead of what members do."""


def _a_members(desk: Desk, command: Command, typed: Line) -> str:
    """What a coordinator writes who typed what only members of a case, or those who are asked or reported, may."""
    file = desk.book.case(typed.case) if typed.case else desk.file
    case = file.id if file is not None else "CASE"
    whose = "the members of" if command.who & Who.MEMBER else "those who are asked into"
    if command.who & Who.REPORTER:
        return f"{command.verb} is for those who reported a case; how it stands: show {case}"
    if file is not None and file.case.drill:
        return f"{command.verb} is for {whose} a case; in this drill: play WHO {command.verb} {case}"
    instead = INSTEAD.get(command.verb, "").format(case=case)
    return f"{command.verb} is for {whose} a case; " + (
        f"you write: {instead}" if instead else f"what they answered: show {case}"
    )


SENTENCE = 4
"""More words than these, none of them a command, are somebody's own words."""


ALIKE = {
    **dict.fromkeys((*status.VALUES, "fixed"), "status"),
    "assign": "own",
    "check": "verify",
    "history": "timeline",
    "join": "accept",
    "list": "cases",
    "notify": "invite",
    "publish": "announce",
    "release": "private-release",
    "update": "tell",
    "withdraw": "delist",
}
"""Words that people try, and the command that does it."""


def _unknown(desk: Desk, typed: Line, seen: Mapping[str, Command], held: Who) -> Unclear:
    alike = ALIKE.get(typed.verb)
    close = alike if alike in seen else nearest(typed.verb, seen)  # may be text of a case, however badly typed
    words = len(typed.rest.split()) + 1 + (typed.case is not None)
    if desk.place is PlaceKind.DIRECT and desk.actor.contact is None and words > SENTENCE and close != "report":
        return Unclear("to report something in private, write: report and then what you found", seen.get("report"))
    hint = "try help"
    if close and (close == alike or nearest(typed.verb, (close,), VERBS)):
        hint = f"did you mean {close}? {brief(seen[close])}"
    elif desk.place is PlaceKind.DIRECT and held & Who.REPORTER:
        hint = "to see where your report stands, write: report CASE"
    elif desk.place is PlaceKind.DIRECT and desk.actor.contact is None:
        hint = "to report something in private, write: report and then what you found; all that I know: help"
    echo = "such command" if names_case(typed.verb, desk.settings.project.case_prefix) else f'"{short(typed.verb)}"'
    return Unclear(f"I know no {echo}; {hint}", seen.get(close or ""))


def _case(desk: Desk, command: Command, typed: Line) -> CaseFile | None:
    """The case that was named, or the room's, or the only one it can be."""
    if command.case is CaseUse.NONE:
        return None
    if command.case is CaseUse.CLAIMED:
        return desk.file if typed.case is None else desk.book.case(typed.case)
    if desk.place is PlaceKind.EMBARGO:
        return _room_case(desk, command, typed)
    if typed.case is not None:
        file = desk.book.case(typed.case)
        if file is not None and policy.may_know(desk.actor, file):
            return file
        close = _similar(typed.case, policy.known_cases(desk.actor, desk.book))
        raise Refusal(f"there is no case {short(typed.case)}" + (f"; did you mean {close}?" if close else ""))
    if desk.file is not None and desk.place is PlaceKind.DIRECT and policy.may_know(desk.actor, desk.file):
        return desk.file  # of what is answered
    if command.case is CaseUse.OPTIONAL:
        return None
    fitting = policy.known_cases(desk.actor, desk.book, command.who)
    if len(fitting) == 1 and not desk.actor.coordinator:
        return desk.book.case(fitting[0])  # a member of one case need not name it
    which = f" (open: {', '.join(fitting[:5])})" if fitting else ""
    raise Refusal(f"which case{which}? Usage: {command.usage}")


def _room_case(desk: Desk, command: Command, typed: Line) -> CaseFile:
    """An embargo room is for its own case only: its members must not learn, by an answer, that there is another."""
    file = desk.file
    if file is None or not policy.may_know(desk.actor, file):
        raise Refusal(f"{command.verb} is not yours to do here")
    if typed.case not in (None, file.id):
        raise Refusal(f"this room is for {file.id} only; for any other case, write to me in a direct chat")
    return file


def _similar(case: str, known: Sequence[str]) -> str | None:
    """The case that was most likely meant, of what may be a great many."""
    code = set(case[-4:])
    return nearest(case, [one for one in known if len(known) < 100 or len(code & set(one[-4:])) > 2])


def _not_yours(command: Command, file: CaseFile | None) -> str:
    if file is None:
        return f"{command.verb} needs a case. Usage: {command.usage}"
    return f"{command.verb} is not yours to do in {file.id}"


def run(registry: Registry, call: Call, desk: Desk, filled: Mapping[str, str] | None = None) -> Decision:
    """Read the arguments (of the line, or as filled in a form) and decide.

    Raises Refusal, BadValue or Forbidden; nothing has changed then.
    """
    desk = replace(desk, file=call.file)
    if desk.place not in call.command.where:
        return Decision(reply=typed_in_public(call.command))
    if filled is not None and call.command.form:
        return call.command.handle(desk, read_fields(call.command, call.line.rest, filled, desk))
    rest = call.line.rest
    if call.command.case is CaseUse.CLAIMED and call.file is None:
        rest = f"{call.line.case or ''} {rest}".strip()  # a number that is none of ours is part of what was said
    arguments = read_arguments(call.command, rest, desk)
    if call.command.preview is not None:
        return _ask_second(call, desk, arguments)
    if call.command.verb == "confirm":
        return confirm(registry, desk, arguments.code)
    if call.command.verb == "play":
        return play(registry, desk, arguments.who, arguments.line)
    return call.command.handle(desk, arguments)


def typed_in_public(command: Command) -> Document:
    title = f"{command.verb} was typed in a public room: I took it back where I could and did nothing else"
    said = para("Others may have read it. Type it again here.")
    return Document(title=title, kind="refusal", tlp=Tlp.GREEN, blocks=(said,), tone="alert")


def forbidden(no: Forbidden, command: Command) -> str:
    """A machine's refusal in plain words; it holds the names of states only."""
    return f"{command.verb} is not possible now: the {no.machine} is {no.state.replace('_', ' ')}"


# --- parts in a drill ----------------------------------------------------------------------------------------------


def play(registry: Registry, desk: Desk, who: Contact | str, text: str) -> Decision:
    """What would come of it if somebody typed this, in a drill and nowhere else. Raises as :func:`run` does."""
    text = addressed(text, desk.settings.project.command, bare=True) or text
    typed = split(text, desk.settings.project.case_prefix)
    pending = desk.book.pending(typed.rest.strip().upper()) if typed.verb == "confirm" else None
    drills = [case for case in desk.book.open_cases() if desk.book.is_drill(case)]
    case = pending.case if pending else typed.case or (drills[0] if len(drills) == 1 else None)
    file = desk.book.case(case) if case else None
    if file is None or not file.case.drill:
        known = f"; open: {', '.join(drills)}" if drills else "; to open one: drill TITLE"
        raise Refusal(f"parts are played in a drill only, which is named after the verb{known}")
    contact = file.contacts.get(file.case.reporter or "") if who == REPORTER else who
    actor = Actor(Address("drill", "", STRANGER), None, STRANGER, played=True)
    if isinstance(contact, Contact):
        actor = Actor(desk.actor.address, contact, f"contact:{contact.id}", played=True)
    command = registry.get(typed.verb)
    may = command is not None and policy.sees(command, policy.roles(actor, file))
    may = may and (actor.contact is not None or command is registry["leak"])
    if command is None or not may or PlaceKind.DIRECT not in command.where:
        raise Refusal(f"{short(typed.verb)} is not {actor.name}'s to do in {file.id}")
    there = replace(desk, actor=actor, place=PlaceKind.DIRECT, room=None)
    return run(registry, Call(command, typed, None if pending else file), there)


# --- two persons ---------------------------------------------------------------------------------------------------


def _digest(preview: Preview, desk: Desk) -> str:
    """Of all that a preview rests on, and of who could confirm it, and from where: whoever became somebody who can
    only after it was shown is not its second person.
    """
    could = {one.id: [list(address) for address in desk.book.addresses(one.id)] for one in desk.book.coordinators()}
    told = json.dumps([dict(preview.facts), could], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _ask_second(call: Call, desk: Desk, arguments: Any) -> Decision:
    """Show the preview, and give it a code that stands for exactly it."""
    assert call.command.preview is not None
    preview = call.command.preview(desk, arguments)
    code = desk.code(6)
    expires = desk.now + timedelta(hours=desk.settings.policy.confirm_hours)
    case = desk.file.id if desk.file else None
    text = " ".join(part for part in (call.command.verb, case, call.line.rest) if part)
    row = Pending(
        code=code,
        case=case,
        line=text,
        digest=_digest(preview, desk),
        by=desk.actor.id,
        hand=desk.actor.hand,
        made_at=desk.now,
        expires_at=expires,
    )
    old = [put(Pending, other.code, state="void") for other in desk.book.open_pending(case)] if case else []
    asked = Happened(
        f"{call.command.verb} previewed", case=case, facts={"code": code}, changes=(*old, new(row), *preview.changes)
    )
    card = preview.document.model_copy(
        update={
            "blocks": (
                *preview.document.blocks,
                fields(
                    ("Asked by", desk.actor.name),
                    ("Confirm", line(typed(f"confirm {code}"), " by another coordinator, until ", when(expires))),
                ),
            ),
            "actions": (Action(label="confirm", command=f"confirm {code}", emoji="✅", style="danger"),),
        }
    )
    decision = Decision(reply=card, events=[asked], messages=list(preview.drafts))
    others = tuple(c.id for c in desk.book.coordinators() if c.id != desk.actor.id)
    decision.messages.append(Message(Security(), card, ping=others, echo=True))
    return decision


def confirm(registry: Registry, desk: Desk, code: str) -> Decision:
    """The second person's yes. Raises :class:`Refusal` if the code is not good any more, or not theirs to confirm."""
    row = desk.book.pending(code.upper())
    elsewhere = desk.room is not None and desk.room.case is not None and row is not None and row.case != desk.room.case
    if row is None or row.state != "open" or elsewhere:
        raise Refusal(f"no open confirmation has the code {short(code.upper())}")
    if row.expires_at <= desk.now:
        raise Refusal(f"the code {row.code} has expired; ask again: {split(row.line).verb}")
    _may_confirm(desk, row)
    call = replace(_recall(registry, row, desk), file=desk.book.case(row.case) if row.case else None)
    asker = desk.book.contact(row.by)
    if asker is None or call.command.preview is None:
        raise Refusal(f"no open confirmation has the code {row.code}")
    actor = replace(desk.actor, contact=asker)
    original = replace(desk, file=call.file, actor=actor)
    if not policy.sees(call.command, policy.roles(actor, call.file)):
        raise Refusal(f"{asker.name}, who asked for {row.code}, may not {call.command.verb} any more; ask anew")
    arguments = read_arguments(call.command, call.line.rest, original)
    if _digest(call.command.preview(original, arguments), desk) != row.digest:
        raise Refusal(
            f"what {row.code} stood for has changed since; look at it anew: {call.command.verb} {row.case or ''}"
        )
    decision = call.command.handle(original, arguments)
    facts = {"code": row.code, "asked by": asker.name, "confirmed by": desk.actor.name}
    done = Happened("confirmed", case=row.case, facts=facts, changes=(put(Pending, row.code, state="confirmed"),))
    decision.events.insert(0, done)
    return decision


def _recall(registry: Registry, row: Pending, desk: Desk) -> Call:
    typed = split(row.line, desk.settings.project.case_prefix)
    return Call(registry[typed.verb], typed, None)


def _may_confirm(desk: Desk, row: Pending) -> None:
    """Two contacts and two hands; where there is only one coordinator, the same one again after a set delay.

    Whoever has a shell can call themselves anybody in it, and may have an account in a chat besides. So what was asked
    in a shell is confirmed by another user's shell, and what was asked in a chat in a chat.
    """
    shell, asked_in_shell = (hand.startswith("os:") for hand in (desk.actor.hand, row.hand))
    if desk.actor.id != row.by and desk.actor.hand != row.hand and shell == asked_in_shell:
        return
    ready = row.made_at + desk.settings.policy.alone
    if len(desk.book.coordinators()) > 1:
        who = "another person" if desk.actor.id == row.by else "another operating-system user"
        if desk.actor.id != row.by and shell != asked_in_shell:
            where = (
                "the shell: another operating-system user confirms it there"
                if asked_in_shell
                else "a chat: confirm it there"
            )
            raise Refusal(f"{row.code} was asked for in {where}, or ask anew")
        raise Refusal(f"{row.code} needs a second coordinator: {who} must confirm it")
    if desk.now < ready:
        raise Refusal(f"you are the only coordinator: confirm {row.code} again after {ready:%H:%M} UTC")
