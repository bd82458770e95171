"""A proxy between a bot and its homeserver that can hold a request, or the answer to one, for as long as a test wants.

With it a kill lies exactly where a test wants it: before the server did something, or after it did and before the bot
knows. The bot is none the wiser.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web
from yarl import URL

_KEPT = frozenset({"authorization", "content-type"})
Stage = Literal["request", "late", "answer"]


@dataclass(eq=False)
class Trap:
    """Catches the first request whose "METHOD path" ``fits`` (every one, if ``every``).

    ``stage``: whether it is kept from the server, or its answer from the bot. ``sprung`` is set when it is caught,
    in the latter case after the server has answered. What was kept from the server never reaches it; or only when it
    is released, if it is to be ``late``. ``kept`` and ``arrived`` count what was caught, and what came late.
    """

    fits: Callable[[str], object]
    stage: Stage
    every: bool = False
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    caught: str = ""
    kept: int = 0
    arrived: int = 0

    async def caught_within(self, seconds: float) -> str:
        """What was caught."""
        try:
            async with asyncio.timeout(seconds):
                await self.sprung.wait()
        except TimeoutError:
            raise TimeoutError(f"what {self.fits} finds did not come in {seconds:g} s") from None
        return self.caught


class Proxy:
    """Passes on what comes to ``url``."""

    def __init__(self, target: str) -> None:
        self._target = URL(target)
        self._traps: list[Trap] = []
        self._runner: web.ServerRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self.url = ""

    async def start(self) -> None:
        self._http = aiohttp.ClientSession(
            auto_decompress=False, timeout=aiohttp.ClientTimeout(total=180), connector=aiohttp.TCPConnector(limit=64)
        )
        self._runner = web.ServerRunner(web.Server(self._pass), shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"

    async def stop(self) -> None:
        for trap in self._traps:
            trap.released.set()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    def trap(self, what: str | Callable[[str], object], stage: Stage, *, every: bool = False) -> Trap:
        """``what`` is to be caught: a regular expression, or whatever says so."""
        trap = Trap(re.compile(what).search if isinstance(what, str) else what, stage, every)
        self._traps.append(trap)
        return trap

    def release(self, trap: Trap) -> None:
        """Catch nothing more, and let go of what was caught."""
        if trap in self._traps:
            self._traps.remove(trap)
        trap.released.set()

    async def _pass(self, request: web.BaseRequest) -> web.StreamResponse:
        assert self._http is not None
        named = f"{request.method} {request.path}"
        trap = next((one for one in self._traps if one.fits(named)), None)
        if trap is not None and not trap.every:
            self._traps.remove(trap)
        body = await request.read()
        if trap is not None and trap.stage != "answer":
            nothing = await self._kept(trap, named)
            if trap.stage == "request":
                return nothing
        headers = {name: value for name, value in request.headers.items() if name.lower() in _KEPT}
        where = self._target.join(URL(request.raw_path, encoded=True))
        try:
            async with self._http.request(request.method, where, data=body or None, headers=headers) as answer:
                data = await answer.read()
                told = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
                response = web.Response(status=answer.status, body=data, headers=told)
        except aiohttp.ClientError:
            return web.Response(status=502)
        if trap is not None and trap.stage == "answer":
            await self._kept(trap, named)
        elif trap is not None:
            trap.arrived += 1
        return response

    async def _kept(self, trap: Trap, named: str) -> web.Response:
        trap.caught = named
        trap.kept += 1
        trap.sprung.set()
        with contextlib.suppress(asyncio.CancelledError):
            await trap.released.wait()
        return web.Response(status=502)
