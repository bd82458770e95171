"""Fetches dropped archives and patches and hashes them as they stream, after their messages were taken.

Each is a locked row in the inbox until it is hashed: what a process leaves undone, the next one takes up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp

from adapters.slack.incoming import Json, fetchable
from adapters.slack.web import Web
from chatops.checksums.stream import Stream, is_wanted
from chatops.ports import Dropped, Impossible, Locked, Nothing, Received, TryLater, Unreadable

log = logging.getLogger(__name__)

HOST = "files.slack.com"
_TRIES = 6
_CHUNK = 1 << 20
_SLOWLY = aiohttp.ClientTimeout(total=3600, sock_connect=10, sock_read=60)


class Archives:
    """A queue of locked rows, hashed one after the other. ``settle`` is told what each turned out to be."""

    def __init__(
        self,
        web: Web,
        api: str,
        largest: int,
        settle: Callable[[Received], Awaitable[None]],
    ) -> None:
        self._web = web
        self._peers = {("https", HOST)}
        if urlsplit(api).hostname != "slack.com":  # an emulator hands out its own addresses
            self._peers.add((urlsplit(api).scheme, urlsplit(api).netloc))
        self._largest = largest
        self._settle = settle
        self._queue: asyncio.Queue[Received] = asyncio.Queue()
        self._waiting: set[str] = set()

    def put(self, row: Received) -> None:
        """Have an admitted row hashed."""
        if row.key not in self._waiting:
            self._waiting.add(row.key)
            self._queue.put_nowait(row)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            row = await self._queue.get()
            try:
                await self._settle(await self._outcome(row))
            except Exception as problem:
                log.error("archive %s: %s", row.key, type(problem).__name__)
                await asyncio.sleep(1)
                self._queue.put_nowait(row)
            else:
                self._waiting.discard(row.key)

    async def _outcome(self, row: Received) -> Received:
        assert isinstance(row.event, Locked)
        for tries in range(_TRIES):
            try:
                file = await self._described(row.event.raw)
                if not is_wanted(file["name"]):
                    return row.model_copy(update={"event": Nothing()})
                stream = await self._read(file)
            except TryLater as problem:
                log.warning("archive %s: %s", row.key, problem.code)
                await asyncio.sleep(problem.after.total_seconds() if problem.after else 2.0**tries)
            except (Impossible, ValueError, KeyError, TypeError) as problem:
                code = problem.code if isinstance(problem, Impossible) else type(problem).__name__
                log.warning("archive %s can't be read: %s", row.key, code)
                break
            else:
                return _dropped(row, row.event, file["name"], stream)
        lost = Unreadable(sender=row.event.sender, room=row.event.room, event=row.event.event, file=True)
        return row.model_copy(update={"event": lost})

    async def _described(self, raw: Json) -> Json:
        """Name, size and address, which are asked for where the message did not tell them."""
        if raw.get("url"):
            return raw
        return fetchable((await self._web.call("files.info", file=raw["id"]))["file"])

    async def _read(self, file: Json) -> Stream:
        where = urlsplit(file["url"])
        if (where.scheme, where.netloc) not in self._peers:
            raise Impossible("other-host")  # the token goes nowhere else
        told = file.get("size")
        if isinstance(told, int) and told > self._largest:
            raise Impossible("too-large")
        stream = Stream(file["name"])
        headers = {"Authorization": f"Bearer {self._web.client.token}"}
        try:
            async with self._web.session.get(
                file["url"], headers=headers, allow_redirects=False, timeout=_SLOWLY
            ) as response:
                _accept(response.status)
                async for chunk in response.content.iter_chunked(_CHUNK):
                    await asyncio.to_thread(stream.take, chunk)
                    if stream.size > self._largest:
                        raise Impossible("too-large")
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise TryLater(type(problem).__name__) from None
        if isinstance(told, int) and stream.size != told:  # cut short, or a page that asks to log in
            raise TryLater("size")
        return stream


def _accept(status: int) -> None:
    if status == 429 or status >= 500:
        raise TryLater(str(status))
    if status != 200:  # a redirection leads to a page for people to log in
        raise Impossible(str(status))


def _dropped(row: Received, locked: Locked, name: str, stream: Stream) -> Received:
    event = Dropped(
        sender=locked.sender,
        room=locked.room,
        event=locked.event,
        name=name,
        size=stream.size,
        digests=stream.digests,
        thread=locked.raw.get("thread"),
        pair=locked.raw.get("pair") is True,
        text=stream.text,
    )
    return row.model_copy(update={"event": event})
