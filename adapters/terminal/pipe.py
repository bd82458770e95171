"""Commands from a pipe or a file: plain answers on the output, and an exit code."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable
from contextlib import suppress
from typing import TextIO

from adapters.terminal.client import LEAVE, LOST, Client, Lost, NotTaken
from adapters.terminal.wire import Reply, Streams
from chatops.plain import plain_text

REFUSED = "refusal"
"""The kind of a document that says that a command was refused or not understood."""

_SAID = {
    Lost: LOST,
    NotTaken: "Not sent: {0}.",
    TimeoutError: "No answer within {1:g} s; the command may be carried out all the same.",
}


async def run_pipe(
    streams: Streams,
    name: str,
    stdin: TextIO | str,
    stdout: TextIO,
    timeout: float,  # noqa: ASYNC109
) -> int:
    """Send the lines of ``stdin``, each after the answer of the one before; the exit code, as ``run_shell`` says.

    A text is sent as it is, as one command.
    """
    shown = 0
    lines = _Once(stdin) if isinstance(stdin, str) else _Lines(stdin)

    def tell(reply: Reply) -> None:
        nonlocal shown
        text = plain_text(reply.document, prefix="")
        print(_encodable(f"\n{text}" if shown else text, stdout), file=stdout, flush=True)
        shown += 1

    try:
        async with Client(streams, name, tell) as client:
            return await _send_all(lines, client, timeout)
    except (Lost, TimeoutError, NotTaken) as problem:
        with suppress(OSError):  # it may be lost because nobody reads the output any more
            print(_SAID[type(problem)].format(problem, timeout), file=stdout, flush=True)
        return 1
    finally:
        lines.close()


def _encodable(text: str, stdout: TextIO) -> str:
    """The text with a question mark for what an output that is not UTF-8 cannot take."""
    encoding = stdout.encoding or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)


async def _send_all(lines: _Lines | _Once, client: Client, timeout: float) -> int:  # noqa: ASYNC109
    """Raises what :meth:`Client.ask` does."""
    refused = False
    while (line := await _unless_lost(lines.next(), client)) is not None:
        line = line.strip()
        if line in LEAVE:
            break
        if line and not line.startswith("#"):
            refused |= (await client.ask(line, timeout)).document.kind == REFUSED
    return int(refused)


async def _unless_lost(line: Awaitable[str | None], client: Client) -> str | None:
    """The awaited line. Raises :class:`Lost` as soon as the connection is."""
    reading, losing = asyncio.ensure_future(line), asyncio.ensure_future(client.lost.wait())
    try:
        await asyncio.wait((reading, losing), return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            raise Lost
        return reading.result()
    finally:
        reading.cancel()
        losing.cancel()


class _Once:
    """One command, which may be of many lines."""

    def __init__(self, text: str) -> None:
        self._left: str | None = text

    async def next(self) -> str | None:
        text, self._left = self._left, None
        return text

    def close(self) -> None:
        pass


class _Lines:
    """Reads lines without holding up the event loop or, at its end, the interpreter.

    A thread that waits for a line cannot be stopped, and would hold the lock of ``sys.stdin`` when the interpreter
    wants it; so it is a daemon with a buffer of its own, and one line is read at a time, not ahead.
    """

    def __init__(self, stdin: TextIO) -> None:
        self._file = stdin
        with suppress(OSError):  # raised where it is no file
            self._file = open(os.dup(stdin.fileno()), encoding=stdin.encoding, errors="replace")  # noqa: SIM115
        self._own = self._file is not stdin
        self._reading = self._over = False

    async def next(self) -> str | None:
        """The next line; None at the end."""
        loop = asyncio.get_running_loop()
        found: asyncio.Future[str] = loop.create_future()

        def settle(line: str) -> None:
            if not found.done():
                found.set_result(line)

        def read() -> None:
            line = self._file.readline()
            self._reading = False
            if self._over:
                self._put_back()
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, line)

        self._reading = True
        threading.Thread(target=read, daemon=True, name="shell input").start()
        return await found or None

    def close(self) -> None:
        """Give the buffer back: now, or when the thread that waits in it is done."""
        self._over = True
        if not self._reading:
            self._put_back()

    def _put_back(self) -> None:
        if self._own:
            self._file.close()
