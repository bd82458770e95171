"""Fetches dropped archives and patches and hashes them as they stream, beside the sync loop."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from Crypto.Cipher import AES
from Crypto.Util import Counter
from unpaddedbase64 import decode_base64

from adapters.matrix.http import Http, Json, pause
from adapters.matrix.incoming import Attachment, give_up
from chatops.checksums.stream import Stream
from chatops.ports import Dropped, Impossible, Received, TryLater

log = logging.getLogger(__name__)

_TRIES = 6


class Archives:
    """A queue of attachments, hashed one after the other. ``settle`` is told what each turned out to be."""

    def __init__(self, http: Http, largest: int, settle: Callable[[Received], Awaitable[None]]) -> None:
        self._http = http
        self._largest = largest
        self._settle = settle
        self._queue: asyncio.Queue[Attachment] = asyncio.Queue()

    def put(self, attachment: Attachment) -> None:
        self._queue.put_nowait(attachment)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until cancelled. What could not be finished is found among the locked rows by the next process."""
        while True:
            attachment = await self._queue.get()
            try:
                await self._settle(await self._outcome(attachment, stop))
            except Exception as problem:
                log.error("archive %s: %s", attachment.row.key, type(problem).__name__)
                await pause(1, stop)
                self._queue.put_nowait(attachment)

    async def _outcome(self, attachment: Attachment, stop: asyncio.Event) -> Received:
        for tries in range(_TRIES):
            try:
                stream = await self._read(attachment)
            except TryLater as problem:
                log.warning("archive %s: %s", attachment.row.key, problem.code)
                await pause(problem.after.total_seconds() if problem.after else 2.0**tries, stop)
            except (Impossible, ValueError, KeyError, TypeError) as problem:
                code = problem.code if isinstance(problem, Impossible) else type(problem).__name__
                log.warning("archive %s can't be read: %s", attachment.row.key, code)
                break
            else:
                return _dropped(attachment, stream)
        return give_up(attachment.row, file=True)

    async def _read(self, attachment: Attachment) -> Stream:
        if attachment.size is not None and attachment.size > self._largest:
            raise Impossible("too-large")
        stream = Stream(attachment.name)
        async with self._http.download(attachment.url) as encrypted:
            async for chunk in _opened(encrypted, attachment.file):
                await asyncio.to_thread(stream.take, chunk)
                if stream.size > self._largest:
                    raise Impossible("too-large")
        return stream


def _dropped(attachment: Attachment, stream: Stream) -> Received:
    row = attachment.row
    event = Dropped(
        sender=row.event.sender,  # type: ignore[union-attr]
        room=row.conversation,
        event=row.key,
        name=attachment.name,
        size=stream.size,
        digests=stream.digests,
        thread=attachment.thread,
        verified=attachment.verified,
        text=stream.text,
    )
    return row.model_copy(update={"event": event})


async def _opened(chunks: AsyncIterator[bytes], file: Json | None) -> AsyncIterator[bytes]:
    """An attachment's plaintext: AES-CTR, with the ciphertext's SHA-256 checked at the end (Matrix, "Sending encrypted
    attachments"). Nothing may be believed before the iteration has ended.
    """
    if file is None:
        async for chunk in chunks:
            yield chunk
        return
    cipher = _cipher(decode_base64(file["key"]["k"]), decode_base64(file["iv"]))
    expected = decode_base64(file["hashes"]["sha256"])
    seen = hashlib.sha256()
    async for chunk in chunks:
        seen.update(chunk)
        yield cipher.decrypt(chunk)
    if not hmac.compare_digest(seen.digest(), expected):
        raise Impossible("ciphertext-digest")


def _cipher(key: bytes, iv: bytes) -> Any:
    counter = Counter.new(64, prefix=iv[:8], initial_value=int.from_bytes(iv[8:], "big"))
    return AES.new(key, AES.MODE_CTR, counter=counter)
