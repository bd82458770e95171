"""A long-running program as a child process that says ``ready`` on its standard output, and can be cut off."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from adapters.stage.tied import tied


class NotReady(RuntimeError):
    """The program ended, or did not say ``ready`` in time; the message ends with its last lines."""


class Process(Protocol):
    """What is asked of a child process, as asyncio has it."""

    pid: int
    stdout: asyncio.StreamReader | None

    async def wait(self) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Program:
    """A command in a folder. What it prints goes to ``output.log`` there, over all its lives.

    It dies with this process (see :mod:`adapters.stage.tied`: start it from the event loop's thread).
    """

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.log = folder / "output.log"
        self._command = tuple(command)
        self._environment = dict(environment or {})
        self._process: Process | None = None
        self._draining: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("this program is not running")
        return self._process.pid

    async def start(self, within: float = 60) -> None:
        """Start and return when it is ready. Raises :class:`NotReady`."""
        if self._process is not None:
            raise RuntimeError("this program is running already")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._process = await self._spawn(os.environ | {"PYTHONUNBUFFERED": "1"} | self._environment)
        ready = asyncio.Event()
        self._draining = asyncio.create_task(self._drain(self._process, ready))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, self._draining}, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        if ready.is_set():
            return
        waiting.cancel()
        how = f"ended with status {await self._process.wait()}" if self._draining.done() else f"no word in {within:g} s"
        await self.kill()
        raise NotReady(f"{Path(self._command[0]).name}: {how}:\n{self.last_words()}")

    async def stop(self, patience: float = 15) -> int:
        """Ask it to end (SIGTERM) and return its exit status; killed after ``patience`` seconds."""
        process = self._alive()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), patience)
        except TimeoutError:
            await self.kill()
            raise TimeoutError(f"it did not end {patience:g} s after SIGTERM:\n{self.last_words()}") from None
        return await self._buried(process)

    async def ended(self) -> int:
        """Wait until it ends by itself; its exit status."""
        return await self._buried(self._alive())

    async def kill(self) -> None:
        """Cut it off (SIGKILL)."""
        process = self._alive()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await self._buried(process)

    async def restart(self, within: float = 60) -> None:
        """End it in order, and start it again."""
        await self.stop()
        await self.start(within)

    async def close(self) -> None:
        """Make sure that it does not run."""
        if self._process is not None:
            await self.kill()

    def last_words(self, lines: int = 25) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    async def _spawn(self, environment: Mapping[str, str]) -> Process:
        return await asyncio.create_subprocess_exec(
            *tied(self._command),
            cwd=self.folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in a terminal is for us; we stop it in order
        )

    def _alive(self) -> Process:
        if self._process is None:
            raise RuntimeError("this program is not running")
        return self._process

    async def _buried(self, process: Process) -> int:
        status = await process.wait()
        if self._draining is not None:
            await self._draining
        self._process = self._draining = None
        return status

    async def _drain(self, process: Process, ready: asyncio.Event) -> None:
        """Keep the pipe empty, for as long as the program lives."""
        assert process.stdout is not None
        with self.log.open("ab", buffering=0) as log:
            while chunk := await process.stdout.readline():
                log.write(chunk)
                if chunk.split()[:1] == [b"ready"]:
                    ready.set()
