"""Pictures of web pages by a headless Chromium, over its DevTools protocol (chromedevtools.github.io)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SCALE = 2
"""Pixels of a picture for each of the page's: small print stays sharp."""


class NoBrowser(Exception):
    """There is no Chromium, or it did not start."""


def program() -> str:
    """The browser to use. Raises :class:`NoBrowser`."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoBrowser(f"no browser: put one of {', '.join(NAMES)} into PATH, or name one in CHROMIUM")
    return found


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._session: str | None = None

    async def open(self) -> None:
        target = await self._ask("Target.createTarget", url="about:blank")
        attached = await self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        await self._ask("Page.enable")

    async def picture(self, url: str, width: int) -> bytes:
        """A page as a PNG, as high as it is at this width."""
        metrics = {"width": width, "height": 100, "deviceScaleFactor": _SCALE, "mobile": width < 600}
        await self._ask("Emulation.setDeviceMetricsOverride", **metrics)
        await self._ask("Page.navigate", url=url)
        await self._event("Page.loadEventFired")
        size = (await self._ask("Page.getLayoutMetrics"))["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        taken = await self._ask("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(taken["data"])

    async def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        told: dict[str, Any] = {"id": number, "method": method, "params": params}
        await self._socket.send_json({**told, "sessionId": self._session} if self._session else told)
        while True:
            heard = await self._socket.receive_json(timeout=60)
            if heard.get("id") == number:
                if "error" in heard:
                    raise NoBrowser(f"{method}: {heard['error'].get('message')}")
                result: dict[str, Any] = heard["result"]
                return result

    async def _event(self, method: str) -> None:
        while (await self._socket.receive_json(timeout=60)).get("method") != method:
            pass


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A browser with one tab, ended afterwards. Raises :class:`NoBrowser`."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [
            program(),
            "--headless=new",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "--no-first-run",
        ]
        words += ["--hide-scrollbars", "--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            url = await _address(process)
            async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
                page = Page(socket)
                await page.open()
                yield page
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(60):
        while line := await process.stderr.readline():
            if found := re.search(rb"DevTools listening on (ws://\S+)", line):
                return found[1].decode()
    raise NoBrowser("the browser ended before it was ready")
