"""The shell as a chat service: every terminal is a two-person room with the bot.

Who speaks is the name that the client gives and the operating-system user that the kernel vouches for (unix(7),
``SO_PEERCRED``): ``NAME#<uid>``. What the name may do is the core's to decide.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import stat
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from adapters.terminal.wire import ASK_LIMIT, REPLY_LIMIT, Ask, Problem, Reply, Streams, Unreadable, pack, read_ask
from chatops.ports import Dropped, Effect, Impossible, Intake, Post, Receipt, Received, Said

log = logging.getLogger(__name__)

_REMEMBERED = 1000
_PATIENCE = 5.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Session:
    """One open terminal. ``sent`` holds the effects already written, so that a repeated effect is not shown twice."""

    room: str
    uid: int
    writer: asyncio.StreamWriter
    sent: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    async def write(self, frame: Reply | Problem) -> None:
        """Raises ``ConnectionError`` if the terminal is gone, ``TimeoutError`` if it does not read."""
        self.writer.write(pack(frame))
        async with asyncio.timeout(_PATIENCE):
            await self.writer.drain()


class TerminalService:
    """Implements :class:`chatops.ports.Service` under the name ``shell``.

    ``path`` is where the socket is made; None if terminals come in-process only (:meth:`connect`).
    """

    name = "shell"

    def __init__(self, path: Path | None = None, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._path = path
        self._now = now
        self._intake: Intake | None = None
        self._server: asyncio.Server | None = None
        self._sessions: dict[str, _Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, intake: Intake) -> None:
        """Listen. Raises ``OSError`` if another bot listens there, or if others could reach the socket's folder."""
        self._intake = intake
        if self._path is not None:
            listening = _bind(self._path)
            self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=ASK_LIMIT)

    async def connect(self) -> Streams:
        """A terminal of this process, by a pair of connected sockets; otherwise as one that came by the path."""
        ours, theirs = socket.socketpair()
        self._accept(*await asyncio.open_unix_connection(sock=ours, limit=ASK_LIMIT))
        return await asyncio.open_unix_connection(sock=theirs, limit=REPLY_LIMIT)

    async def perform(self, effect: Effect) -> Receipt:
        """Write a post to the terminal whose room it names. Raises :class:`Impossible` for all else."""
        deed = effect.deed
        if not isinstance(deed, Post):
            raise Impossible("unsupported")
        session = self._sessions.get(effect.room or "")
        if session is None:
            raise Impossible("gone")
        if effect.id not in session.sent:
            reply = Reply(document=deed.document, reply_to=deed.reply_to, edit=deed.edit, effect=effect.id)
            if len(pack(reply)) > REPLY_LIMIT:
                raise Impossible("too-large")
            session.sent.append(effect.id)
            await self._deliver(session, reply)
        return Receipt(event=effect.id)

    async def stop(self) -> None:
        """Take no more lines; let those in hand be admitted; hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
            assert self._path is not None
            self._path.unlink(missing_ok=True)
        for session in list(self._sessions.values()):
            session.writer.close()
        if self._tasks:
            _, stuck = await asyncio.wait(self._tasks, timeout=_PATIENCE)
            for task in stuck:
                task.cancel()
            await asyncio.gather(*stuck, return_exceptions=True)

    async def _deliver(self, session: _Session, reply: Reply) -> None:
        try:
            await session.write(reply)
        except (ConnectionError, TimeoutError) as error:
            # A terminal that is stopped (Ctrl-Z) must not hold up what the bot has to tell others.
            self._forget(session)
            session.writer.transport.abort()
            raise Impossible("gone") from error

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        room = f"shell:{secrets.token_hex(8)}"
        session = _Session(room, _peer_uid(writer), writer)
        self._sessions[room] = session
        task = asyncio.create_task(self._listen(session, reader), name=room)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, session: _Session, reader: asyncio.StreamReader) -> None:
        try:
            while (ask := await read_ask(reader)) is not None:
                await self._take(session, ask)
        except Unreadable as problem:
            with suppress(ConnectionError, TimeoutError):
                await session.write(Problem(error=str(problem)))
        except (ConnectionError, TimeoutError):
            pass
        finally:
            self._forget(session)

    async def _take(self, session: _Session, ask: Ask) -> None:
        assert self._intake is not None
        where = {"sender": f"{ask.name}#{session.uid}", "room": session.room, "event": ask.id}
        event = Dropped(**where, **ask.file.model_dump()) if ask.file is not None else Said(**where, text=ask.line)
        received = Received(service=self.name, key=ask.id, conversation=session.room, at=self._now(), event=event)
        try:
            await self._intake.admit([received])
        except Exception as error:
            # The type only: what a database says of a failed insert can hold the line's text.
            log.error("shell line %s not admitted: %s", ask.id, type(error).__name__)
            await session.write(Problem(error="the line was not taken; send it again later", reply_to=ask.id))

    def _forget(self, session: _Session) -> None:
        self._sessions.pop(session.room, None)
        session.writer.close()


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    form = "3i"  # struct ucred: pid, uid, gid
    raw = writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
    uid: int = struct.unpack(form, raw)[1]
    return uid


def _bind(path: Path) -> socket.socket:
    """A socket bound to ``path`` for its owner only; a dead bot's leftover is put away."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = path.parent.stat()
    if folder.st_uid != os.geteuid() or stat.S_IMODE(folder.st_mode) & 0o077:
        raise PermissionError(f"{path.parent} must belong to the bot's user alone (chmod 700)")
    if path.exists():
        if not path.is_socket():
            raise FileExistsError(f"{path} exists and is not a socket")
        if _answers(path):
            raise FileExistsError(f"another bot listens at {path}")
        path.unlink()
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        path.chmod(0o600)  # before it listens, so that nobody came in between
    except OSError:
        bound.close()
        raise
    return bound


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0
