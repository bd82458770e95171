"""Files into channels: asked for, streamed, and shared only if they are what they should be.

The three steps are those of "Working with files" (docs.slack.dev). The last one has no idempotency key and takes no
metadata, so an earlier try is known by the file's name and size in a message of ours since then: where another effect
shared just such a file in between, this one counts as done.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from adapters.slack.past import Attempt, Past
from adapters.slack.rates import NotDone
from adapters.slack.render import File
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web, lost
from chatops.ports import Impossible, Receipt, Upload

_CHUNK = 1 << 20
_TIMEOUT = aiohttp.ClientTimeout(total=3600, sock_connect=10)


class Uploads:
    def __init__(self, settings: SlackSettings, web: Web, past: Past) -> None:
        self._settings = settings
        self._web = web
        self._past = past

    async def upload(self, attempt: Attempt, deed: Upload, room: str) -> Receipt:
        """Share a file. Raises Impossible if it is not there, or not what it should be."""
        try:
            size = await asyncio.to_thread(deed.size)
        except OSError:
            raise Impossible("no-file") from None
        if not attempt.clean:
            event = await self._past.shared(attempt.effect, room, deed.name, size)
            if event is not None:
                return Receipt(event=event)
        digest = hashlib.sha256()
        ticket = await self._send(deed.name, size, _chunks(deed, digest))
        if digest.hexdigest() != deed.sha256.lower():
            raise Impossible("changed")  # nobody sees it before it is shared
        return Receipt(event=await self._share(ticket, deed.name, room))

    async def attach(self, attempt: Attempt, file: File, room: str, thread: str | None, after: str) -> None:
        """Let a text follow the message ``after``, with which its effect began."""
        content = file.content.encode()
        if not attempt.clean and await self._past.shared(
            attempt.effect, room, file.name, len(content), thread=thread, after=after
        ):
            return
        await self._share(await self._send(file.name, len(content), content), file.name, room, thread)

    async def _send(self, name: str, size: int, content: AsyncIterator[bytes] | bytes) -> str:
        """Send the bytes of a file, which nobody sees yet; returns Slack's id of it."""
        asked = await self._web.call("files.getUploadURLExternal", filename=name, length=size)
        url = str(asked["upload_url"])
        if not self._may_have(url):
            raise Impossible("bad-upload-address")
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        try:
            async with self._web.session.post(
                url, data=content, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ) as response:
                status = response.status
        except (aiohttp.ClientError, OSError) as problem:
            raise NotDone(lost(problem).code) from None
        if status >= 500 or status == 429:
            raise NotDone(str(status))
        if status != 200:
            raise Impossible(f"upload-{status}")
        return str(asked["file_id"])

    async def _share(self, ticket: str, name: str, room: str, thread: str | None = None) -> str | None:
        shared = await self._web.call(
            "files.completeUploadExternal", files=[{"id": ticket, "title": name}], channel_id=room, thread_ts=thread
        )
        return _event(shared, room)

    def _may_have(self, url: str) -> bool:
        """Files go to Slack and nowhere else."""
        parts, api = urlsplit(url), urlsplit(self._settings.api)
        if api.hostname != "slack.com":
            return (parts.scheme, parts.netloc) == (api.scheme, api.netloc)
        return parts.scheme == "https" and (parts.hostname or "").endswith(".slack.com")


async def _chunks(deed: Upload, digest: Any) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(deed.open)
    try:
        while chunk := await asyncio.to_thread(file.read, _CHUNK):
            digest.update(chunk)
            yield chunk
    finally:
        file.close()


def _event(shared: dict[str, Any], room: str) -> str | None:
    """The message of a share, where Slack tells it at once."""
    for file in shared.get("files") or ():
        for shares in (file.get("shares") or {}).values():
            for share in shares.get(room) or ():
                return str(share["ts"])
    return None
