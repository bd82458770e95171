"""The two ways in which Slack's payloads come: HTTP requests to an address of the bot's, or Socket Mode.

Both count what is in hand: when the bot stops it takes nothing new, and answers what it took.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import time
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.quiet import quiet
from chatops.ports import Impossible, TryLater

log = logging.getLogger(__name__)

Answer = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]

PATH = "/slack/events"
PATIENCE = 10.0
"""Seconds that what is in hand is given when the bot stops."""
_CONNECT = 30.0
_STAMP, _SIGNATURE = "X-Slack-Request-Timestamp", "X-Slack-Signature"
_READ = ("Content-Type", _STAMP, _SIGNATURE)
"""The headers that anybody looks at: Bolt takes its time over each."""


class Http:
    """Serves ``PATH`` for events, commands and interactions alike. Port 0 takes any; :attr:`port` is the one taken."""

    def __init__(self, answer: Answer, host: str, port: int) -> None:
        self._answer = answer
        self._host = host
        self.port = port
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen. Raises ``OSError`` if the address can't be had."""
        server = web.Server(self._take, access_log=None, logger=quiet("aiohttp"))
        self._runner = web.ServerRunner(server, shutdown_timeout=PATIENCE)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Take no more, and answer what was taken."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if not _readable(request):
            log.warning("payload refused: unsigned")
            return web.Response(status=401)
        try:
            body = (await request.read()).decode()  # Slack's are UTF-8
            headers: dict[str, str | Sequence[str]] = {
                name: request.headers[name] for name in _READ if name in request.headers
            }
            asked = AsyncBoltRequest(body=body, headers=headers)
        except web.HTTPRequestEntityTooLarge:
            log.warning("payload refused: too-large")
            return web.Response(status=400)
        except Exception as problem:  # of what does not parse, any: it is not known yet to be Slack's
            log.warning("payload refused: %s", type(problem).__name__)
            return web.Response(status=400)
        answer = await self._answer(asked)
        (kind,) = answer.headers.get("content-type", ["text/plain"])
        return web.Response(status=answer.status, body=answer.body.encode(), headers={"Content-Type": kind})


def _readable(request: web.BaseRequest) -> bool:
    """Whether the verifier can read the headers, if there are any; on others it fails rather than says no."""
    stamp = request.headers.get(_STAMP, "0")
    return stamp.isascii() and stamp.isdigit() and len(stamp) < 20 and request.headers.get(_SIGNATURE, "").isascii()


class _Connecting(SocketModeClient):
    """Slack's own client, which asks for each connection with the token as it is now, and says when it is refused."""

    def __init__(self, token: Callable[[], str], deaf: Callable[[str], None], web_client: AsyncWebClient) -> None:
        super().__init__(app_token=token(), logger=quiet("socket-mode"), web_client=web_client)
        self._token = token
        self._deaf = deaf

    async def issue_new_wss_url(self) -> str:
        self.app_token = self._token()
        try:
            url = await super().issue_new_wss_url()
        except SlackApiError as problem:
            self._deaf(_code(problem))
            raise
        self._deaf("")
        return url


class SocketMode:
    """Connects to Slack with the app-level token; Slack's SDK keeps the connection up.

    ``deaf`` is told, each time that a connection is asked for, why Slack refuses it; nothing if it does not.
    """

    def __init__(
        self, answer: Answer, token: Callable[[], str], deaf: Callable[[str], None], web_client: AsyncWebClient
    ) -> None:
        self._answer = answer
        self._token = token
        self._deaf = deaf
        self._web_client = web_client
        self._client: SocketModeClient | None = None
        self._stopping = False
        self._in_hand: set[asyncio.Task[Any] | None] = set()

    async def start(self) -> None:
        """Connect. Raises Impossible if the token is refused, TryLater if Slack can't be reached."""
        self._client = client = _Connecting(self._token, self._deaf, self._web_client)
        client.socket_mode_request_listeners.append(self._take)  # type: ignore[arg-type]
        try:
            async with asyncio.timeout(_CONNECT):
                # The client itself would try for ever, whatever the reason.
                client.wss_uri = await client.issue_new_wss_url()
                await client.connect()  # type: ignore[no-untyped-call]
        except SlackApiError as problem:
            raise Impossible(_code(problem)) from None
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            raise TryLater(type(problem).__name__) from None

    async def stop(self) -> None:
        """Take no more (Slack sends it elsewhere, or again), answer what was taken, disconnect."""
        self._stopping = True
        if in_hand := [task for task in self._in_hand if task is not None]:
            await asyncio.wait(in_hand, timeout=PATIENCE)
        if self._client is not None:
            await self._client.close()  # type: ignore[no-untyped-call]

    async def _take(self, client: SocketModeClient, request: SocketModeRequest) -> None:
        if self._stopping:
            return
        task = asyncio.current_task()
        self._in_hand.add(task)
        try:
            asked = AsyncBoltRequest(
                mode="socket_mode", body=request.payload, context={"envelope_id": request.envelope_id}
            )
            await send_async_response(client, request, await self._answer(asked), time())
        except Exception as problem:  # not answered: Slack sends it again
            log.warning("payload not answered: %s", type(problem).__name__)
        finally:
            self._in_hand.discard(task)


def _code(problem: SlackApiError) -> str:
    return str(problem.response.get("error", "unknown"))
