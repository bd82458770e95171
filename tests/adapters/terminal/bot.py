"""A bot of a few words behind a real :class:`TerminalService`, for the tests of the shell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from adapters.terminal.service import TerminalService
from chatops.document import Document, Tlp, para
from chatops.ports import Dropped, Effect, Post, Received, Said

Habit = Callable[["Bot", Received, Said], Awaitable[None]]


def post(room: str, document: Document, *, effect: str, reply_to: str | None = None, edit: str | None = None) -> Effect:
    deed = Post(document=document, reply_to=reply_to, edit=edit)
    return Effect(id=effect, service="shell", room=room, deed=deed, target=edit)


async def eventually(what: Callable[[], object]) -> None:
    """Wait until it is true; fail if it is not within five seconds."""
    for _ in range(500):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come true")


async def echo(bot: Bot, received: Received, said: Said) -> None:
    """Repeats what it hears, as a refusal if that begins with *bad*, not at all if it is *silence*."""
    if said.text == "silence":
        return
    kind = "refusal" if said.text.startswith("bad") else "answer"
    document = Document(title=f"heard {said.text}", kind=kind, blocks=(para("from ", said.sender),), tlp=Tlp.CLEAR)
    await bot.service.perform(post(said.room, document, effect=f"to-{received.key}", reply_to=said.event))


class Bot:
    """An :class:`chatops.ports.Intake` that drops duplicates and answers by its habit, outside of the admission."""

    def __init__(self, service: TerminalService, habit: Habit = echo) -> None:
        self.service = service
        self.habit = habit
        self.admitted: list[Received] = []
        self.broken = False
        self.tasks: list[asyncio.Task[None]] = []

    @property
    def heard(self) -> list[Said]:
        return [received.event for received in self.admitted if isinstance(received.event, Said)]

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        if self.broken:
            raise RuntimeError("INSERT ... 'the text of a case'")
        for one in received:
            if any(one.key == earlier.key for earlier in self.admitted):
                continue
            self.admitted.append(one)
            if isinstance(one.event, Dropped):
                answer = Document(title=f"hashed {one.event.name}", kind="answer", tlp=Tlp.CLEAR)
                reply = post(one.event.room, answer, effect=f"to-{one.key}", reply_to=one.event.event)
                self.tasks.append(asyncio.create_task(self._perform(reply)))
                continue
            assert isinstance(one.event, Said)
            self.tasks.append(asyncio.create_task(self._answer(one, one.event)))

    async def _perform(self, effect: Effect) -> None:
        await self.service.perform(effect)

    async def _answer(self, received: Received, said: Said) -> None:
        await self.habit(self, received, said)

    async def cursor(self, name: str) -> str | None:
        return None

    async def locked(self, service: str) -> Sequence[Received]:
        return ()

    async def unlock(self, received: Received) -> None:
        raise AssertionError("the shell locks nothing")
