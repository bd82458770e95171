"""What goes over the shell's socket: one JSON object a line, in both directions.

The client sends :class:`Ask`. The service sends :class:`Reply` for every document and :class:`Problem` for a line that
it could not take. The reply whose ``reply_to`` is the id of a line is that line's one direct answer; others may come at
any time.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from chatops.document import Document, Node

ASK_LIMIT = 1 << 20
REPLY_LIMIT = 16 << 20
"""The longest frames, in bytes: a line that somebody pastes, and a document."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Unreadable(Exception):
    """A frame that is no frame, or too long. Says nothing of its content."""


class Dropped(Node):
    """An archive that the line names, hashed where the terminal is; digests by algorithm."""

    name: str
    size: int
    digests: dict[str, str]


class Ask(Node):
    """A command line. ``id`` is random and identifies it for ever: sent twice, it is carried out once.

    ``file``: the line asks about this archive, and nothing else.
    """

    model_config = ConfigDict(populate_by_name=True)

    line: str
    name: str = Field(alias="as", pattern=r"^[\w.@+-]{1,64}$")
    id: str = Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")
    file: Dropped | None = None


class Reply(Node):
    """A document for the person at the terminal. ``edit`` is the earlier effect that it replaces."""

    document: Document
    reply_to: str | None = None
    edit: str | None = None
    effect: str


class Problem(Node):
    """A line was not taken (``reply_to``), or the connection is about to be closed (None)."""

    error: str
    reply_to: str | None = None


_answer: TypeAdapter[Reply | Problem] = TypeAdapter(Reply | Problem)


def pack(frame: Ask | Reply | Problem) -> bytes:
    return frame.model_dump_json(by_alias=True).encode() + b"\n"


async def read_ask(reader: asyncio.StreamReader) -> Ask | None:
    """The next line of a client; None at its end. Raises :class:`Unreadable`."""
    raw = await _read(reader)
    try:
        return Ask.model_validate_json(raw) if raw else None
    except ValidationError as error:
        raise Unreadable("not a command frame") from error


async def read_answer(reader: asyncio.StreamReader) -> Reply | Problem | None:
    """The next frame of the service; None at its end. Raises :class:`Unreadable`."""
    raw = await _read(reader)
    try:
        return _answer.validate_json(raw) if raw else None
    except ValidationError as error:
        raise Unreadable("not an answer frame") from error


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        raw = await reader.readline()
    except ValueError as error:  # how a stream reports a line over its limit
        raise Unreadable("frame too long") from error
    except ConnectionError:
        return b""
    return raw if raw.endswith(b"\n") else b""  # a frame cut short by the end is none


async def dial(path: Path) -> Streams:
    """Connect to the shell service of a running bot. Raises ``OSError`` if none listens there."""
    return await asyncio.open_unix_connection(path, limit=REPLY_LIMIT)
