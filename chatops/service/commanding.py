"""A command that somebody typed, from its line to what it does; and what a public room may see of that."""

from __future__ import annotations

from chatops import policy
from chatops.commands.declare import BadValue, Command, Registry, Who
from chatops.commands.desk import Decision, Desk, Direct, Message, Refusal
from chatops.commands.parse import with_usage
from chatops.document import Document, Tlp
from chatops.model.machines import Forbidden
from chatops.model.people import PlaceKind
from chatops.ports import Redact, Said
from chatops.service import alerts, dispatch, plans
from chatops.service.unit import Unit, refusal

NOT_VERIFIED = "I cannot tell whether that was you; please type it on one of your verified devices."
NOT_ENCRYPTED = "This chat is not encrypted, so anybody could write here in your name: open an encrypted chat with me."


def obey(registry: Registry, unit: Unit, desk: Desk, line: str, said: Said | None) -> None:
    """Do what a line says, or answer why not; ``said`` is the message that it was typed in, None for a pressed button
    and for a letter.
    """
    if desk.in_the_open:
        command = dispatch.meant(registry, desk, line)
        if command is not None and Who.ALL not in command.who and _not_here(registry, unit, desk, command, line, said):
            return
        named = desk.place is PlaceKind.PUBLIC and dispatch.names_case(line, desk.settings.project.case_prefix)
        if named and (command is None or not command.bears_text):
            _redact(unit, desk, "a case number", said)
    try:
        call = dispatch.find(registry, desk, line)
    except dispatch.Unclear as no:
        _take_back(unit, desk, no.command, said)
        unit.carry_out(Decision(reply=_refused(desk, no.command, str(no))))
        return
    _take_back(unit, desk, call.command, said)
    try:
        decision = dispatch.run(registry, call, desk, said.fields if said is not None else None)
    except Refusal as no:
        decision = Decision(reply=_refused(desk, call.command, str(no)))
    except BadValue as bad:
        decision = Decision(reply=_refused(desk, call.command, with_usage(bad, call.command, call.line.rest, desk)))
    except Forbidden as no:
        decision = Decision(reply=_refused(desk, call.command, dispatch.forbidden(no, call.command)))
    unit.carry_out(decision)
    if decision.plan is not None:
        plans.advance(unit, desk, decision.plan)


def _not_here(registry: Registry, unit: Unit, desk: Desk, command: Command, line: str, said: Said | None) -> bool:
    """A command that is not for everybody, typed in the open: what is answered there must not tell who is what.

    In a public room everybody is answered as a stranger is, and whoever may use it hears in private what to do.
    What came without encryption may be by anybody. True if that was all.
    """
    if desk.place is not PlaceKind.PUBLIC:
        if registry.get(dispatch.verb(desk, line)) is not command:
            return False
        waits = desk.room is not None and desk.room.state == "wanted"
        text = "I have only just come in; please send that again." if waits else NOT_ENCRYPTED
        if desk.doubtful:
            text = NOT_VERIFIED if said is not None else f"{NOT_VERIFIED.removesuffix('.')}: {line}"
        unit.carry_out(Decision(reply=refusal(text)))
        return True
    text_of_a_case = command.bears_text or dispatch.names_case(line, desk.settings.project.case_prefix)
    if text_of_a_case:
        _redact(unit, desk, command.verb if command.bears_text else "a case number", said)
    decision = Decision()
    try:
        dispatch.find(registry, desk, line)
    except dispatch.Unclear as no:
        decision.reply = None if text_of_a_case else refusal(str(no))
    held = policy.all_roles(desk.actor, desk.book)
    if desk.actor.contact is not None and policy.sees(command, held):
        decision.messages.append(Message(Direct(desk.actor.id), _hint(registry, desk, line, held)))
    unit.carry_out(decision)
    return True


def _hint(registry: Registry, desk: Desk, line: str, held: Who) -> Document:
    try:
        return dispatch.typed_in_public(dispatch.find(registry, desk, line, held).command)
    except dispatch.Unclear as no:
        return refusal(str(no), Tlp.GREEN)


def _take_back(unit: Unit, desk: Desk, command: Command | None, said: Said | None) -> None:
    """What may be text of a case does not stay in a public room, even if the command was mistyped."""
    if desk.place is PlaceKind.PUBLIC and command is not None and command.bears_text:
        _redact(unit, desk, command.verb, said)


def _redact(unit: Unit, desk: Desk, what: str, said: Said | None) -> None:
    if said is not None:
        unit.deed(Redact(event=said.event, reason="this belongs into a private chat"))
        alerts.typed_in_public(unit, desk, what)


def _refused(desk: Desk, command: Command | None, text: str) -> Document:
    """A refusal. In a public room it tells nothing of what is not for all: that goes to the asker's direct chat."""
    if desk.place is not PlaceKind.PUBLIC:
        return refusal(text)
    if command is None or (Who.ALL in command.who and not command.bears_text):
        named = dispatch.names_case(text, desk.settings.project.case_prefix)
        return refusal("that is not for a public room; write to me in a direct chat" if named else text)
    if desk.actor.contact is None:
        return refusal(f"Not here, please: {command.verb} is for a direct chat with me.")
    return refusal(text, Tlp.GREEN)
