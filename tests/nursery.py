"""Bots that start in a moment: a process that has imported all of ours once, and forks for each of them.

Each is a process of its own all the same, with a pid that can be killed. To import takes most of a bot's start, and a
test that kills one at every step starts it dozens of times.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import functools
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.stage.program import Process, Program
from adapters.stage.tied import tied

_MOST = 1 << 16
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


class Nursery:
    """Start it from the event loop's thread: it dies with that, and all that it forked with it."""

    def __init__(self) -> None:
        self._asking = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                tied([sys.executable, "-m", "tests.nursery", str(theirs.fileno())]),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def close(self) -> None:
        """End it, and what it forked."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def fork(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], output: int) -> int:
        """Run ``chatops`` with these arguments; its pid. The first waits until everything is imported."""
        asked = {"arguments": [*arguments], "folder": str(folder), "environment": {**environment}}
        return self._ask(asked, output)

    def status(self, pid: int) -> int:
        """The exit status of one that has ended."""
        return self._ask({"ended": pid})

    def _ask(self, asked: Mapping[str, Any], *handles: int) -> int:
        with self._asking:
            socket.send_fds(self._socket, [json.dumps(asked).encode()], handles)
            told = self._socket.recv(_MOST)
        if not told:
            raise RuntimeError("the nursery is gone")
        return int(told)


class _Child:
    """What :class:`Program` needs to know of a process."""

    def __init__(self, nursery: Nursery, pid: int, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdout: asyncio.StreamReader | None = stdout
        self._nursery = nursery
        self._handle = os.pidfd_open(pid)
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(self._handle, self._bury)

    def _bury(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        self._ended.set_result(self._nursery.status(self.pid))

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, sign: signal.Signals) -> None:
        if not self._ended.done():
            os.kill(self.pid, sign)


class Forked(Program):
    """A program whose command is what stands behind ``chatops``."""

    def __init__(
        self,
        nursery: Nursery,
        folder: Path,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, ["chatops", *command], environment)
        self._nursery = nursery

    async def _spawn(self, environment: Mapping[str, str]) -> Process:
        reading, writing = os.pipe()
        try:
            pid = await asyncio.to_thread(self._nursery.fork, self._command[1:], self.folder, environment, writing)
        finally:
            os.close(writing)
        stdout = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stdout), os.fdopen(reading, "rb", buffering=0)
        )
        return _Child(self._nursery, pid, stdout)


@functools.cache
def _nursery() -> Nursery:
    made = Nursery()
    atexit.register(made.close)
    return made


def forked(folder: Path, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Program:
    """For :func:`adapters.stage.bot.start_bot`: a bot out of this test run's nursery."""
    return Forked(_nursery(), folder, arguments, environment)


# --- the process itself --------------------------------------------------------------------------------------------


def _serve(door: socket.socket) -> None:
    import chatops.bootstrap  # noqa: F401 - what every bot needs
    from chatops.commands.registry import collect

    collect()
    gc.freeze()
    while True:
        asked, handles, *_ = socket.recv_fds(door, _MOST, 1)
        if not asked:
            return
        told = json.loads(asked)
        if (pid := told.get("ended")) is not None:
            door.send(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode())
            continue
        pid = os.fork()
        if pid == 0:
            door.close()
            _become(told, handles[0])
        os.close(handles[0])
        door.send(str(pid).encode())


def _become(told: Mapping[str, Any], output: int) -> None:
    """The bot, in the forked process. Does not return."""
    status = 1
    try:
        os.setsid()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.close(output)
        os.chdir(told["folder"])
        os.environ.clear()
        os.environ.update(told["environment"])
        from chatops.cli import main

        with contextlib.suppress(SystemExit):
            status = main(told["arguments"])
        sys.stdout.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as end:
        _serve(end)
