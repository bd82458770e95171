"""``help``: what you may use, here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from chatops import policy
from chatops.commands.declare import EVERYWHERE, Command, Registry, Shape, Who, positional
from chatops.commands.desk import Decision, Desk, Refusal
from chatops.commands.kinds import Word
from chatops.commands.typed import VERBS, nearest, short
from chatops.document import Block, Document, bullets, line, mono, para, strong, typed

FEW = 12
"""So many commands need no headings."""
TOPICS: Mapping[str, tuple[str, ...]] = {
    "What is open": ("todo", "cases", "show", "timeline", "snooze"),
    "Reports": ("report", "triage", "own", "team", "reject", "duplicate", "refer"),
    "Embargo": (
        *("invite", "bring", "remove", "accept", "decline", "embargo", "agree", "object"),
        *("status", "correct", "pack", "tell"),
    ),
    "Releases": ("private-release", "advisory", "announce", "approve", "confirm", "delist", "releases", "verify"),
    "If it is out early": ("leak", "exposed", "statement"),
    "At the end": ("close", "export"),
}
"""What a long list is sorted by; what is in none of them comes last."""


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
            close = nearest(args.verb, seen, VERBS)
            hint = f"; did you mean {close}?" if close else ""
            raise Refusal(f'I know no "{short(args.verb)}"{hint}')
        return Decision(reply=_explain(command))

    return handle


def _list(desk: Desk, commands: list[Command]) -> Document:
    blocks: list[Block] = []
    for topic, some in _by_topic({command.verb: command for command in commands}):
        blocks += [para(strong(topic))] if topic else []
        blocks.append(bullets(line(mono(command.verb), f": {command.summary}") for command in some))
    return Document(
        title=f"{desk.project} security: what you can do here",
        kind="help",
        blocks=(*blocks, para("For one of them: ", typed("help VERB"))),
    )


def _by_topic(commands: Mapping[str, Command]) -> Iterator[tuple[str, list[Command]]]:
    """A few in the order of the alphabet; many by what they are about, in the order of a disclosure."""
    if len(commands) <= FEW:
        yield "", [commands[verb] for verb in sorted(commands)]
        return
    left = dict(commands)
    for topic, verbs in TOPICS.items():
        if some := [left.pop(verb) for verb in verbs if verb in left]:
            yield topic, some
    if left:
        yield "Also", [left[verb] for verb in sorted(left)]


def _explain(command: Command) -> Document:
    items = [
        line(mono(f"{arg.name}=" if arg.shape is Shape.OPTION else arg.kind.name), f": {arg.help}")
        for arg in command.arguments
    ]
    return Document(
        title=command.verb,
        kind="help",
        blocks=(
            para(command.summary[0].upper() + command.summary[1:] + "."),
            para(typed(command.usage)),
            *((bullets(items),) if items else ()),
            para("Example: ", typed(command.example)),
        ),
    )
