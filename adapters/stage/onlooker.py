"""Somebody whose client asks for news only when they look: for peers that tell nobody of their changes."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from adapters.stage.seen import Memory, Message, NotSeen, S

_PAUSE = 0.2
"""Seconds between two looks."""


class Actor(Protocol):
    """Whoever can be on the stage: a :class:`~adapters.stage.person.Person` is one, too."""

    @property
    def id(self) -> str: ...

    @property
    def memory(self) -> Memory: ...

    async def say(self, room: str, text: str) -> str:
        """Say something. Returns its id."""
        ...

    async def fetch(self, file: Message) -> bytes:
        """The bytes of a file."""
        ...

    def mark(self) -> int:
        """The present position in memory."""
        ...

    async def saw(
        self, kind: type[S], predicate: Callable[[S], bool] = ..., *, what: str, within: float = ..., after: int = ...
    ) -> S:
        """The first record that fits, now or soon. Raises :class:`~adapters.stage.seen.NotSeen`."""
        ...


class Onlooker(ABC):
    """What they have not looked at yet counts as new, whenever it came."""

    def __init__(self, user: str) -> None:
        self.id = user
        self.memory = Memory(user)

    @abstractmethod
    async def look(self) -> None:
        """Put what is there into memory."""

    def mark(self) -> int:
        return len(self.memory)

    async def saw(
        self,
        kind: type[S],
        predicate: Callable[[S], bool] = lambda _: True,
        *,
        what: str,
        within: float = 30,
        after: int = 0,
    ) -> S:
        """As :meth:`adapters.stage.person.Person.saw`."""
        deadline = time.monotonic() + within
        while True:
            await self.look()
            fitting = (one for one in [*self.memory][after:] if isinstance(one, kind) and predicate(one))
            if (found := next(fitting, None)) is not None:
                return found
            if time.monotonic() > deadline:
                raise NotSeen(f"{self.id} did not see {what} in {within:g} s")
            await asyncio.sleep(_PAUSE)
