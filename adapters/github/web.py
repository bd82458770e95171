"""GitHub's REST API over one HTTP session: errors as ports.TryLater and ports.Impossible, nothing slept away.

A call is tried once; the outbox owns the waiting. Tokens, addresses and GitHub's free text never reach an exception or
a log.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from gidgethub import HTTPException
from gidgethub.aiohttp import GitHubAPI
from gidgethub.sansio import create_headers

from adapters.github.settings import GitHubSettings
from chatops.checksums.digests import CHUNK, Algorithm, Hasher
from chatops.ports import Impossible, TryLater, Upload

Json = dict[str, Any]
WANTED = (Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512)
"""What is computed of an archive: what release pages and packagers state."""

_WHO = "chatops"
_SMALL = 1 << 20
_UNSAID = timedelta(minutes=1)
"""To wait where GitHub says "too often", but not how long (its page "Rate limits for the REST API")."""
_SLOWLY = aiohttp.ClientTimeout(total=3600, sock_connect=10, sock_read=60)


class Web:
    """Calls to one repository with the bot's token, and downloads without it."""

    def __init__(self, settings: GitHubSettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._api: GitHubAPI | None = None

    def open(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=60, sock_connect=10),
            trust_env=True,  # HTTPS_PROXY
        )
        # With the cache GitHub is asked whether a page changed, which costs nothing of the hourly rate.
        self._api = GitHubAPI(self._session, _WHO, base_url=self._settings.api, cache={})

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = self._api = None

    # --- the API

    async def get(self, path: str, **variables: str) -> Any:
        """One item below the repository. Raises TryLater, Impossible (``not-found`` among them)."""
        with told():
            return await self.api.getitem(self._url(path), variables, oauth_token=self._settings.read_token())

    async def look(self, path: str, **variables: str) -> Any | None:
        """As :meth:`get`, but None for what is not there."""
        try:
            return await self.get(path, **variables)
        except Impossible as problem:
            if problem.code == "not-found":
                return None
            raise

    async def all(self, path: str) -> list[Json]:
        """Every item of a list, page after page."""
        with told():
            pages = self.api.getiter(self._url(path), oauth_token=self._settings.read_token())
            return [item async for item in pages]

    async def post(self, path: str, data: Json) -> Any:
        with told():
            return await self.api.post(self._url(path), data=data, oauth_token=self._settings.read_token())

    async def patch(self, path: str, data: Json) -> Any:
        with told():
            return await self.api.patch(self._url(path), data=data, oauth_token=self._settings.read_token())

    async def delete(self, path: str) -> None:
        with told():
            await self.api.delete(self._url(path), oauth_token=self._settings.read_token())

    async def upload(self, template: str, upload: Upload) -> None:
        """Put a file among a release's assets, streaming; ``template`` is the release's own ``upload_url``."""
        url = template.partition("{")[0]
        here, there = urlsplit(self._settings.api), urlsplit(url)
        if there.scheme != here.scheme or there.hostname not in (here.hostname, "uploads.github.com"):
            raise Impossible("other-host")  # the token goes nowhere else
        headers = create_headers(_WHO, oauth_token=self._settings.read_token())
        headers |= {"content-type": "application/octet-stream", "content-length": str(upload.size())}
        with told(), upload.open() as file:
            async with self.session.post(
                url, params={"name": upload.name}, data=file, headers=headers, timeout=_SLOWLY
            ) as response:
                _accept(response)

    # --- from outside, as anybody

    async def fetch(self, url: str) -> bytes:
        """A small file, without the token. Raises Impossible ``too-large``."""
        with told():
            async with self.session.get(url) as response:
                _accept(response)
                content = b"".join([chunk async for chunk in _first(response.content, _SMALL + 1)])
        if len(content) > _SMALL:
            raise Impossible("too-large")
        return content

    async def hash(self, url: str) -> tuple[int, dict[str, str]]:
        """Size and digests of a download, without the token, in constant memory."""
        hasher = Hasher(WANTED)
        with told():
            async with self.session.get(url, timeout=_SLOWLY) as response:
                _accept(response)
                async for chunk in response.content.iter_chunked(CHUNK):
                    await asyncio.to_thread(hasher.update, chunk)
        return hasher.size, {algorithm.value: digest for algorithm, digest in hasher.digests().items()}

    @property
    def session(self) -> aiohttp.ClientSession:
        """Raises TryLater while it is closed."""
        if self._session is None:
            raise TryLater("stopped", counts=False)
        return self._session

    @property
    def api(self) -> GitHubAPI:
        """Raises TryLater while it is closed."""
        if self._api is None:
            raise TryLater("stopped", counts=False)
        return self._api

    def _url(self, path: str) -> str:
        return f"/repos/{self._settings.repository}{path}"


@contextmanager
def told() -> Iterator[None]:
    """What GitHub's errors, and those on the way to it, come to."""
    try:
        yield
    except HTTPException as problem:
        said = " ".join(str(one) for one in problem.args).casefold()
        raise judged(int(problem.status_code), problem.headers, said) from None
    except aiohttp.ClientConnectorError:
        raise TryLater("no-connection", counts=False) from None
    except TimeoutError:
        raise TryLater("timeout") from None
    except (aiohttp.ClientError, OSError):
        raise TryLater("connection") from None
    except (ValueError, UnicodeError):
        raise TryLater("not-json") from None


def judged(status: int, headers: Mapping[str, str], said: str = "") -> TryLater | Impossible:
    """What a refusal is (GitHub's pages "Troubleshooting the REST API" and "Rate limits for the REST API")."""
    after = _wait(headers)
    if status == 429 or (status == 403 and (after is not None or "rate limit" in said)):
        return TryLater("rate-limited", after or _UNSAID, counts=False)
    match status:
        case 401:
            return Impossible("token-refused")
        case 403:
            return Impossible("forbidden")
        case 404 | 410:
            return Impossible("not-found")
        case 409:
            return TryLater("conflict")
        case 422:
            return Impossible("not-valid")
    return TryLater(str(status)) if status >= 500 else Impossible(str(status))


def _wait(headers: Mapping[str, str]) -> timedelta | None:
    """How long GitHub asks to be left alone: a secondary limit's seconds, or until the hour's rate begins anew."""
    after = headers.get("retry-after", "")
    if after.isdecimal():
        return timedelta(seconds=int(after[:9]))
    if headers.get("x-ratelimit-remaining") == "0" and (reset := headers.get("x-ratelimit-reset", "")).isdecimal():
        until = datetime.fromtimestamp(int(reset[:12]), UTC) - datetime.now(UTC)
        return max(until, timedelta(seconds=1))
    return None


async def _first(content: aiohttp.StreamReader, most: int) -> AsyncIterator[bytes]:
    """What comes, up to about ``most`` bytes."""
    got = 0
    async for chunk in content.iter_any():
        yield chunk
        got += len(chunk)
        if got >= most:
            return


def _accept(response: aiohttp.ClientResponse) -> None:
    if response.status not in (200, 201):
        raise judged(response.status, response.headers)
