"""A workspace on an emulated Slack, with all that stands between it and the bot: a proxy for what the emulator lacks,
and a relay that hands its events on the way that the bot listens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aiohttp import web

from adapters.slack.manifest import scopes
from adapters.slack.serve import PATH
from adapters.stage.emulate import Emulate
from adapters.stage.loopback import free_port
from adapters.stage.slack_proxy import SlackProxy
from adapters.stage.slackers import Delivery, Json, Posts, Socket


@dataclass(frozen=True)
class Workspace:
    """``port`` is where the bot is to listen; None: it is to use Socket Mode."""

    emulate: Emulate
    proxy: SlackProxy
    delivery: Delivery
    port: int | None


@asynccontextmanager
async def workspace(
    folder: Path, people: Sequence[str], way: Literal["http", "socket"] = "http"
) -> AsyncIterator[Workspace]:
    """Start it, with the manifest's scopes for the bot and no more."""
    async with AsyncExitStack() as stack:
        relay = Relay()
        await relay.start()
        stack.push_async_callback(relay.stop)
        emulate = Emulate(folder, people=people, scopes=scopes(), events=relay.url)
        await emulate.start()
        stack.push_async_callback(emulate.stop)
        proxy = SlackProxy(emulate.url)
        await proxy.start()
        stack.push_async_callback(proxy.stop)
        delivery: Delivery
        port: int | None = None
        if way == "http":
            port = free_port()
            posts = Posts(f"http://127.0.0.1:{port}{PATH}", emulate.signing_secret)
            stack.push_async_callback(posts.close)
            delivery = posts
        else:
            socket = Socket()
            await socket.start()
            stack.push_async_callback(socket.stop)
            proxy.answer("apps.connections.open", socket.opened)
            delivery = socket
        relay.to(delivery)
        # The emulator takes only triggers of its own making, which it never makes.
        proxy.answer("views.open", lambda told: {"ok": True, "view": {**told["view"], "id": f"V{len(proxy.calls)}"}})
        yield Workspace(emulate, proxy, delivery, port)


class Relay:
    """Hands the emulator's event callbacks on."""

    def __init__(self) -> None:
        self._delivery: Delivery | None = None
        self._runner: web.ServerRunner | None = None
        self.url = ""

    def to(self, delivery: Delivery) -> None:
        self._delivery = delivery

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._take), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/"

    async def stop(self) -> None:
        self._delivery = None
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.Response:
        told: Json = await request.json()
        if self._delivery is not None and told.get("type") == "event_callback":
            await self._delivery.send("events_api", told)
        return web.Response()
