"""What stands between the bot and an emulator: it passes calls on, and makes trouble by rules.

Each service's proxy says what its rules can do and what comes of a call; here is what they have in common.
"""

from __future__ import annotations

import asyncio
import fnmatch
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import aiohttp
from aiohttp import web

Json = dict[str, Any]
PATIENCE = aiohttp.ClientTimeout(total=60)
"""How long the emulator may take; it is on this machine."""


@dataclass(eq=False)
class Hold:
    """A call that is kept: ``caught`` is set when it is, and it goes on once ``release`` is; ``passed`` is set when it
    came late to whom it was for.
    """

    caught: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    passed: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self) -> None:
        self.caught.set()
        await self.release.wait()


@dataclass(eq=False)
class Rule:
    """What happens to calls that fit a pattern, so many times; None: until ``clear``."""

    pattern: str
    times: int | None


R = TypeVar("R", bound=Rule)


class Proxy(ABC, Generic[R]):
    """Takes what comes to ``url``; the emulator is at ``target``."""

    def __init__(self, target: str) -> None:
        self.target = target.rstrip("/")
        self.url = ""
        self._rules: list[R] = []
        self._holds: list[Hold] = []
        self._runner: web.ServerRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=PATIENCE)
        self._runner = web.ServerRunner(web.Server(self._take), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        for hold in self._holds:
            hold.release.set()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def clear(self) -> None:
        """Make no more trouble."""
        self._rules.clear()

    @abstractmethod
    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call."""

    @property
    def _http(self) -> aiohttp.ClientSession:
        assert self._session is not None, "start it first"
        return self._session

    def _holding(self) -> Hold:
        """A new hold, which ends with the proxy at the latest."""
        self._holds.append(Hold())
        return self._holds[-1]

    def _rule(self, call: str) -> R | None:
        """The first that fits and is not used up; it is used once more."""
        for rule in self._rules:
            if rule.times != 0 and fnmatch.fnmatchcase(call, rule.pattern):
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return None


def passed_on(request: web.BaseRequest) -> dict[str, str]:
    """The headers of a call that the emulator sees."""
    return {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}


def broken(request: web.BaseRequest) -> web.Response:
    """The connection breaks off; nobody gets this answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=502)
