"""``help``: what you may use, here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chatops import policy
from chatops.commands.declare import EVERYWHERE, Command, Registry, Shape, Who, positional
from chatops.commands.desk import Decision, Desk, Refusal
from chatops.commands.kinds import Word
from chatops.commands.typed import nearest, short
from chatops.document import Document, bullets, line, mono, para, typed


@dataclass(frozen=True)
class Help:
    verb: str | None = positional(Word("VERB"), "one command, explained", default=None)


def declare(registry: Registry) -> Command:
    """``help`` is the one command that knows the others."""
    return Command(
        verb="help",
        summary="the commands that you may use, here",
        who=Who.ALL,
        where=EVERYWHERE,
        example="help verify",
        args=Help,
        handle=_handler(registry),
    )


def _handler(registry: Registry) -> Callable[[Desk, Help], Decision]:
    def handle(desk: Desk, args: Help) -> Decision:
        # In public even a list of verbs would tell who has a part in a case.
        held = Who.ALL if desk.in_the_open else policy.all_roles(desk.actor, desk.book)
        seen = {command.verb: command for command in policy.visible(registry.values(), held)}
        if args.verb is None:
            return Decision(reply=_list(desk, [c for c in seen.values() if desk.place in c.where]))
        command = seen.get(args.verb.casefold())
        if command is None:
            close = nearest(args.verb, seen)
            hint = f"; did you mean {close}?" if close else ""
            raise Refusal(f'I know no "{short(args.verb)}"{hint}')
        return Decision(reply=_explain(command))

    return handle


def _list(desk: Desk, commands: list[Command]) -> Document:
    items = [line(mono(command.verb), f" {command.summary}") for command in sorted(commands, key=lambda c: c.verb)]
    return Document(
        title=f"{desk.project} security: what you can do here",
        kind="help",
        blocks=(bullets(items), para("For one of them: ", typed("help VERB"), ".")),
    )


def _explain(command: Command) -> Document:
    items = [
        line(mono(f"{arg.name}=" if arg.shape is Shape.OPTION else arg.kind.name), f" {arg.help}")
        for arg in command.arguments
    ]
    blocks = [para(command.summary[0].upper() + command.summary[1:] + ".")]
    return Document(
        title=command.usage,
        kind="help",
        blocks=(*blocks, *((bullets(items),) if items else ()), para("Example:"), para(typed(command.example))),
    )
