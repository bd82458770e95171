"""A play with real people and a real bot, told on the console: who does what, and what is seen to come of it.

A script reads like this::

    scene = Scene("From the first report to the announcement")
    scene.enter(rita, "Rita", "found an overflow")
    scene.act("Identification and triage")
    scene.tell("Rita has never heard of this bot. She opens a direct chat with it.")
    await scene.does(rita, "reports what she found", rita.say(chat, "!dynasched report …"))
    card = await scene.expect(rita, "a case number and the name of a human", lambda seen: "DS-" in seen.body)
    scene.never(eve, "anything about the case", lambda seen: "DS-" in seen.body)
    scene.end()

What was not observed stops the play with :class:`NotObserved`, whose text is one line. A play is about people who do
not exist: unlike anything else it shows what is said.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from adapters.stage.onlooker import Actor
from adapters.stage.seen import Message, NotSeen, S

T = TypeVar("T")

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red")
_SHOWN = 12  # lines of what somebody sees


class NotObserved(Exception):
    """The play failed: one line that says in which act, who, and what was missing."""


@dataclass(frozen=True)
class _Role:
    person: Actor
    name: str
    part: str
    colour: str

    @property
    def label(self) -> Text:
        return Text(self.name, style=f"bold {self.colour}")


class Scene:
    """The narrator. ``within`` is how long, in seconds, something may take to be seen."""

    def __init__(self, title: str, *, console: Console | None = None, within: float = 20) -> None:
        self._console = console or Console(highlight=False)
        self._within = within
        self._roles: dict[str, _Role] = {}
        self._marks: dict[str, int] = {}
        self._act = 0
        self._observed = 0
        self._began = time.monotonic()
        self._console.print(Rule(Text(title, style="bold"), style="white", characters="═"))

    # --- telling ---------------------------------------------------------------------------------------------------

    def enter(self, person: Actor, name: str, part: str) -> None:
        """Introduce a person; ``part`` completes "NAME, who is/has …" in a few words."""
        role = _Role(person, name, part, _COLOURS[len(self._roles) % len(_COLOURS)])
        self._roles[person.id] = role
        self._line("  ", role.label, " " * max(1, 14 - len(name)), Text(part))

    def act(self, title: str) -> None:
        """Begin the next numbered act."""
        self._act += 1
        self._console.print()
        self._console.print(Rule(Text(f"{self._act}. {title}", style="bold"), style="dim", align="left"))

    def tell(self, prose: str) -> None:
        """Something that the audience should know."""
        self._console.print(Padding(Text(prose, style="italic"), (0, 0, 0, 2), expand=False))

    def show(self, text: str) -> None:
        """A text in full."""
        for line in filter(None, text.splitlines()):
            self._console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))

    def end(self) -> None:
        took = time.monotonic() - self._began
        self._console.print()
        self._line(Text("  ✓ ", style="bold green"), Text(f"{self._observed} things observed in {took:.0f} s."))

    # --- doing -----------------------------------------------------------------------------------------------------

    async def does(self, person: Actor, what: str, deed: Awaitable[T]) -> T:
        """Somebody does something; what is expected afterwards must come after this."""
        self._marks = {role.person.id: role.person.mark() for role in self._roles.values()}
        self._line("  ", self._role(person).label, Text(f" {what}"))
        return await self._attempt(person, what, deed)

    async def says(self, person: Actor, room: str, text: str) -> str:
        """Somebody says something, which is shown. Returns the event id."""
        self._marks = {role.person.id: role.person.mark() for role in self._roles.values()}
        self._line("  ", self._role(person).label, ":")
        self._console.print(Padding(Text(text, style="bold"), (0, 0, 0, 4), expand=False))
        return await self._attempt(person, "speaks", person.say(room, text))

    async def _attempt(self, person: Actor, what: str, deed: Awaitable[T]) -> T:
        try:
            return await deed
        except Exception as problem:
            raise self._failure(person, f"could not do this: {what}: {type(problem).__name__}: {problem}") from problem

    async def fetches(self, person: Actor, file: Message) -> bytes:
        """Somebody fetches a file that was dropped. Not a deed of its own: what was expected before still counts."""
        return await self._attempt(person, "fetches a file", person.fetch(file))

    # --- seeing ----------------------------------------------------------------------------------------------------

    @overload
    async def expect(
        self, person: Actor, what: str, predicate: Callable[[Message], bool], *, show: bool = ..., within: float = ...
    ) -> Message: ...

    @overload
    async def expect(
        self,
        person: Actor,
        what: str,
        predicate: Callable[[S], bool],
        kind: type[S],
        *,
        show: bool = ...,
        within: float = ...,
    ) -> S: ...

    async def expect(
        self,
        person: Actor,
        what: str,
        predicate: Callable[[Any], bool],
        kind: type[Any] = Message,
        *,
        show: bool = True,
        within: float | None = None,
    ) -> Any:
        """Somebody sees ``what`` since the last deed, or soon. Shows it, and returns it. Raises :class:`NotObserved`.

        Only what somebody else said counts: nobody is surprised by their own words.
        """
        begun = time.monotonic()
        try:
            seen = await person.saw(
                kind,
                lambda seen: self._fits(person, kind, predicate, seen),
                what=what,
                within=within or self._within,
                after=self._marks.get(person.id, 0),
            )
        except NotSeen as problem:
            raise self._failure(person, str(problem).removeprefix(f"{person.id} ")) from problem
        self._tick(person, f"sees {what}", time.monotonic() - begun)
        if show and isinstance(seen, Message):
            self._quote(seen)
        return seen

    def never(
        self,
        person: Actor,
        what: str,
        predicate: Callable[[Any], bool],
        kind: type[Any] = Message,
        *,
        show: bool = True,
    ) -> None:
        """Somebody has seen nothing like it in all the play, up to now. Raises :class:`NotObserved`.

        It proves something after a thing that came later was expected of the same person.
        """
        if any(self._fits(person, kind, predicate, seen) for seen in person.memory):
            raise self._failure(person, f"saw what they must never see: {what}")
        if show:
            self._tick(person, f"has seen nothing of {what}")

    def check(self, what: str, holds: bool) -> None:
        """Something that the audience can see for itself, without a person. Raises :class:`NotObserved`."""
        if not holds:
            raise NotObserved(f"Act {self._act}: not so: {what}")
        self._observed += 1
        self._line(Text("    ✓ ", style="bold green"), Text(what))

    async def until(self, what: str, look: Callable[[], Awaitable[bool]]) -> None:
        """Something that is to be seen at another peer, now or soon. Raises :class:`NotObserved`."""
        begun = time.monotonic()
        while not await look():
            if time.monotonic() - begun > self._within:
                raise NotObserved(f"Act {self._act}: not so in {self._within:g} s: {what}")
            await asyncio.sleep(0.1)  # the peer tells nobody of its changes
        self._observed += 1
        self._line(Text("    ✓ ", style="bold green"), Text(what), _late(time.monotonic() - begun))

    # --- the console -----------------------------------------------------------------------------------------------

    def _tick(self, person: Actor, what: str, took: float = 0) -> None:
        self._observed += 1
        self._line(Text("    ✓ ", style="bold green"), self._role(person).label, Text(f" {what}"), _late(took))

    def _quote(self, message: Message) -> None:
        lines = [line for line in message.text.splitlines() if line]
        shown = [*lines[:_SHOWN], "…"] if len(lines) > _SHOWN else lines
        for line in shown:
            self._console.print(Text(f"        │ {line}", style="dim"), no_wrap=True, overflow="ellipsis")

    def _line(self, *parts: Text | str) -> None:
        self._console.print(Text.assemble(*parts))

    @staticmethod
    def _fits(person: Actor, kind: type[Any], predicate: Callable[[Any], bool], seen: Any) -> bool:
        others = getattr(seen, "sender", None) != person.id
        return others and isinstance(seen, kind) and predicate(seen)

    def _role(self, person: Actor) -> _Role:
        return self._roles.get(person.id) or _Role(person, person.id, "", "white")

    def _failure(self, person: Actor, text: str) -> NotObserved:
        return NotObserved(f"Act {self._act}: {self._role(person).name} {text}")


def _late(took: float) -> Text:
    return Text(f"  {took:.1f} s", style="dim") if took >= 0.1 else Text("")
