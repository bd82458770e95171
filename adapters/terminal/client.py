"""The terminal's end of the shell's socket."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from adapters.terminal.files import NoFile, dropped, named_in
from adapters.terminal.wire import ASK_LIMIT, Ask, Problem, Reply, Streams, Unreadable, pack, read_answer

LEAVE = frozenset(("exit", "quit"))
LOST = "The connection to the bot was lost."


class Lost(Exception):
    """The connection to the bot ended."""


class NotTaken(Exception):
    """The bot could not take a line; the message says why."""


class Client:
    """Sends lines and matches answers; an async context manager.

    Every document is given to ``show`` as it arrives, also those that nobody asked for, so that what is read comes in
    the order in which it was sent. :meth:`ask` returns after the answer was shown.
    """

    def __init__(self, streams: Streams, name: str, show: Callable[[Reply], None]) -> None:
        self._reader, self._writer = streams
        self._name = name
        self._show = show
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._reading: asyncio.Task[None] | None = None
        self.lost = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read(), name="shell answers")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        assert self._reading is not None
        self._reading.cancel()
        with suppress(asyncio.CancelledError):
            await self._reading
        self._writer.transport.abort()  # closing would wait for a bot that hangs to read what is left
        with suppress(OSError):
            await self._writer.wait_closed()

    async def ask(self, line: str, timeout: float) -> Reply:  # noqa: ASYNC109
        """Send a line and wait for its answer, at most ``timeout`` seconds.

        A file that it names is hashed first, which takes as long as it takes. Raises :class:`Lost`, :class:`NotTaken`,
        and ``TimeoutError``: the line may be carried out all the same then, and its answer is shown when it comes.
        """
        try:
            path = named_in(line)
            file = await asyncio.to_thread(dropped, path) if path is not None else None
        except NoFile as problem:
            raise NotTaken(str(problem)) from None
        frame = Ask(line=line, name=self._name, id=secrets.token_hex(16), file=file)
        raw = pack(frame)
        if len(raw) > ASK_LIMIT:
            raise NotTaken("the line is too long")
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[frame.id] = answer
        try:
            if self.lost.is_set():
                raise Lost
            async with asyncio.timeout(timeout):
                self._writer.write(raw)
                return await answer
        finally:
            del self._waiting[frame.id]

    async def _read(self) -> None:
        try:
            while (frame := await read_answer(self._reader)) is not None:
                self._settle(frame)
        except (Unreadable, OSError):
            pass  # OSError: nobody reads what is shown any more (``… | head``)
        finally:
            self.lost.set()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(Lost())

    def _settle(self, frame: Reply | Problem) -> None:
        answer = self._waiting.get(frame.reply_to or "")
        if isinstance(frame, Reply):
            self._show(frame)
        if answer is None or answer.done():
            return
        if isinstance(frame, Reply):
            answer.set_result(frame)
        else:
            answer.set_exception(NotTaken(frame.error))
