"""The client-server API over one HTTP session: errors as ports.TryLater and ports.Impossible, nothing slept away.

nio's own client sleeps without bound on 429, retries connection errors for ever and never retries a 5xx (traps 7 of
the field notes). Here a call is tried once; the outbox and the sync loop own the waiting.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import aiohttp

from chatops.ports import Impossible, TryLater

Json = dict[str, Any]

_CODE = re.compile(r"[A-Z][A-Z0-9_.]{1,60}\Z", re.ASCII)
_LONGEST_WAIT = timedelta(minutes=15)


class Refused(Impossible):
    """The server said no (4xx). ``code`` is Matrix's errcode, or the status."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status


class LoggedOut(TryLater):
    """The access token is no longer valid."""

    def __init__(self) -> None:
        super().__init__("M_UNKNOWN_TOKEN", timedelta(seconds=30))


def path(*parts: str, under: str = "client/v3") -> str:
    """An API path; each part is quoted."""
    return f"/_matrix/{under}/" + "/".join(quote(part, safe="") for part in parts)


class Http:
    """Calls to one homeserver with one access token.

    Bodies, tokens and the server's free text never reach an exception or a log.
    """

    def __init__(self, homeserver: str) -> None:
        self._base = homeserver.rstrip("/")
        self._session: aiohttp.ClientSession | None = None
        self.token: str | None = None

    def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32),
            timeout=aiohttp.ClientTimeout(total=60, sock_connect=10),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        wait: float | None = None,
    ) -> Json:
        """One request, one try; ``wait`` is how many seconds it may take.

        Raises:
            TryLater: 429 (with the server's own delay), 5xx, no connection, timeout, or an answer that isn't JSON.
            LoggedOut: the token isn't known.
            Refused: any other 4xx.
        """
        answer = await self._call(method, where, body, query, wait)
        if not isinstance(answer, dict):
            raise TryLater("not-json")
        return answer

    async def call_list(self, method: str, where: str) -> list[Json]:
        """As :meth:`call`, for the few answers that are lists of objects."""
        answer = await self._call(method, where, None, None, None)
        if not isinstance(answer, list):
            raise TryLater("not-json")
        return [item for item in answer if isinstance(item, dict)]

    async def _call(
        self, method: str, where: str, body: Any, query: Mapping[str, str] | None, wait: float | None
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        async with self._request(method, where, data, headers, query, wait) as response:
            return await self._answer(response)

    async def upload(self, content: AsyncIterator[bytes], size: int) -> str:
        """Put ``size`` bytes into the media repository and return their ``mxc:`` address."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        async with self._request("POST", path("upload", under="media/v3"), content, headers, None, 3600) as response:
            answer = await self._answer(response)
        address = answer.get("content_uri") if isinstance(answer, dict) else None
        if not isinstance(address, str):
            raise TryLater("no-content-uri")
        return address

    @asynccontextmanager
    async def download(self, address: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes behind an ``mxc:`` address, as they come. Raises as :meth:`call` does."""
        server, _, media = address.removeprefix("mxc://").partition("/")
        if not (address.startswith("mxc://") and server and media):
            raise Refused(400, "bad-address")
        where = path("media", "download", server, media, under="client/v1")
        async with self._request("GET", where, None, {}, None, 3600) as response:
            if response.status >= 300:
                await self._answer(response)
            yield response.content.iter_chunked(1 << 20)

    @asynccontextmanager
    async def _request(
        self,
        method: str,
        where: str,
        data: Any,
        headers: dict[str, str],
        query: Mapping[str, str] | None,
        wait: float | None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise TryLater("stopped")
        if self.token is not None:
            headers = {**headers, "Authorization": f"Bearer {self.token}"}
        timeout = aiohttp.ClientTimeout(total=wait or 60, sock_connect=10)
        try:
            async with self._session.request(
                method, self._base + where, data=data, headers=headers, params=query, timeout=timeout
            ) as response:
                yield response
        except TimeoutError:
            raise TryLater("timeout") from None
        except (aiohttp.ClientError, OSError):
            # The library's message may hold an address or a header; its class is enough to act on.
            raise TryLater("connection") from None

    async def _answer(self, response: aiohttp.ClientResponse) -> Any:
        try:
            answer = await response.json(content_type=None)
        except (ValueError, UnicodeDecodeError):
            answer = None
        if response.status < 300:
            return answer
        answer = answer if isinstance(answer, dict) else {}
        code = _code(answer, response.status)
        if response.status == 429 or code == "M_LIMIT_EXCEEDED":
            raise TryLater("ratelimited", _retry_after(response.headers, answer), counts=False)
        if response.status == 401 and code in {"M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"}:
            raise LoggedOut
        if response.status >= 500 or response.status in {408, 425}:
            raise TryLater(str(response.status))
        raise Refused(response.status, code)


def _code(answer: Json, status: int) -> str:
    """Matrix's errcode if it looks like one: it goes into logs, so a server can't put text there."""
    code = answer.get("errcode")
    return code if isinstance(code, str) and _CODE.match(code) else str(status)


def _retry_after(headers: Mapping[str, str], answer: Json) -> timedelta:
    """The server's delay: the header (seconds) or, on older servers, ``retry_after_ms``."""
    wait = timedelta(seconds=1)
    milliseconds = answer.get("retry_after_ms")
    if headers.get("Retry-After", "").isdecimal():
        wait = timedelta(seconds=int(headers["Retry-After"][:9]))
    if isinstance(milliseconds, int) and not isinstance(milliseconds, bool):
        wait = timedelta(milliseconds=min(max(milliseconds, 0), 10**9))
    return min(wait, _LONGEST_WAIT)


async def pause(seconds: float, stop: asyncio.Event) -> None:
    """Sleep, or return early when ``stop`` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
