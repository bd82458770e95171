"""Plays Slack's side of what people type and press, and of events, in the documented shapes.

    slackers = Slackers(Posts(url, secret))            # signed, to the bot's HTTP endpoint
    socket = Socket(); await socket.start()            # or as Socket Mode envelopes:
    proxy.answer("apps.connections.open", socket.opened)
    slackers = Slackers(socket)

    answer = await slackers.command("U…", "status DS-2026-7KQ4", channel="C…")
    await slackers.send(command(…), key)               # the same payload again

Slack answers nothing here: what the bot calls goes to the emulator, and its ``response_url`` answers to a
:class:`adapters.stage.slack_proxy.Hook`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Protocol
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

Json = dict[str, Any]

TEAM = "T000000001"
BOT = "U0000BOT00"
APP = "A0000BOT00"


@dataclass(frozen=True)
class Answer:
    """What the bot answered: ``status`` as HTTP has it, and its JSON or text. Socket Mode knows 200 only."""

    status: int
    body: Any = None


class Delivery(Protocol):
    """A way from Slack to the bot."""

    async def send(self, kind: str, payload: Json, headers: Mapping[str, str] | None = None) -> Answer:
        """Deliver once and return the answer. Raises ``TimeoutError`` if there is none. ``kind``: ``events_api``,
        ``slash_commands`` or ``interactive``."""
        ...


# --- the two ways ----------------------------------------------------------------------------------------------------


def sign(secret: str, body: str, at: float | None = None) -> dict[str, str]:
    """The headers that vouch for a body (docs.slack.dev, "Verifying requests from Slack")."""
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def written(kind: str, payload: Json) -> tuple[str, str]:
    """A payload as an HTTP body, with its content type."""
    if kind == "events_api":
        return json.dumps(payload), "application/json"
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form), "application/x-www-form-urlencoded"


class Posts:
    """Signed HTTP requests. Close it after use."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))

    async def close(self) -> None:
        await self._http.close()

    async def send(self, kind: str, payload: Json, headers: Mapping[str, str] | None = None) -> Answer:
        body, content_type = written(kind, payload)
        return await self.post(body, {**sign(self.secret, body), **(headers or {}), "Content-Type": content_type})

    async def post(self, body: str | IO[bytes], headers: Mapping[str, str]) -> Answer:
        """Any body with any headers."""
        async with self._http.post(self.url, data=body, headers=headers) as response:
            text = await response.text()
            return Answer(response.status, json.loads(text) if response.content_type == "application/json" else text)


class Socket:
    """A Socket Mode server: sends envelopes over WebSockets and takes their acknowledgements."""

    def __init__(self) -> None:
        self.url = ""
        self.connections: list[web.WebSocketResponse] = []
        self.opened_with: list[Json] = []
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._connected = asyncio.Condition()
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"ws://{host}:{port}/link"

    async def stop(self) -> None:
        for connection in list(self.connections):
            await connection.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def opened(self, arguments: Json) -> Json:
        """What ``apps.connections.open`` answers."""
        self.opened_with.append(arguments)
        return {"ok": True, "url": self.url}

    async def connected(self, number: int = 1) -> None:
        """Wait until so many connections are up."""
        async with self._connected, asyncio.timeout(30):
            await self._connected.wait_for(lambda: len(self.connections) >= number)

    async def send(self, kind: str, payload: Json, headers: Mapping[str, str] | None = None) -> Answer:
        envelope = f"envelope-{next(self._numbers)}"
        answer = await self.deliver(envelope, kind, payload)
        async with asyncio.timeout(30):
            return Answer(200, await answer)

    async def deliver(self, envelope: str, kind: str, payload: Json) -> asyncio.Future[Any]:
        """Send one envelope over the newest connection; the future is its acknowledgement's payload."""
        await self.connected()
        answer = self._waiting.setdefault(envelope, asyncio.get_running_loop().create_future())
        told = {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": True}
        await self.connections[-1].send_json(told)
        return answer

    async def ask_to_reconnect(self) -> None:
        """What Slack sends before it takes a connection down."""
        await self.connections[-1].send_json({"type": "disconnect", "reason": "refresh_requested"})

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": APP}})
        async with self._connected:
            self.connections.append(connection)
            self._connected.notify_all()
        try:
            async for message in connection:
                if message.type is WSMsgType.TEXT:
                    self._taken(json.loads(message.data))
        finally:
            self.connections.remove(connection)
        return connection

    def _taken(self, told: Json) -> None:
        waiting = self._waiting.get(str(told.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(told.get("payload"))


# --- payloads --------------------------------------------------------------------------------------------------------


_NUMBERS = itertools.count(int(time.time() * 1000))


class Slackers:
    """People in a workspace. Every id that Slack makes is new, whichever of these makes it."""

    def __init__(self, delivery: Delivery, *, team: str = TEAM, bot: str = BOT, hook: str | None = None) -> None:
        self.delivery = delivery
        self.team = team
        self.bot = bot
        self.hook = hook or "https://hooks.slack.com/commands/fake"
        """The ``response_url`` of everything."""

    def fresh(self, prefix: str) -> str:
        return f"{prefix}{next(_NUMBERS)}"

    def ts(self) -> str:
        """A new message's id."""
        number = next(_NUMBERS)
        return f"{number // 1000}.{number % 1000:03}100"

    async def command(self, user: str, text: str, channel: str, **more: Any) -> Answer:
        return await self.delivery.send("slash_commands", self.command_form(user, text, channel, **more))

    async def press(self, user: str, value: str, channel: str, message: str, **more: Any) -> Answer:
        return await self.delivery.send("interactive", self.press_payload(user, value, channel, message, **more))

    async def submit(self, user: str, view: Json, filled: Mapping[str, Any], **more: Any) -> Answer:
        return await self.delivery.send("interactive", self.submit_payload(user, view, filled, **more))

    async def shortcut(self, user: str, text: str, channel: str, **more: Any) -> Answer:
        return await self.delivery.send("interactive", self.shortcut_payload(user, text, channel, **more))

    async def event(self, event: Json, **more: Any) -> Answer:
        return await self.delivery.send("events_api", self.event_payload(event, **more))

    async def say(self, user: str, text: str, channel: str, **more: Any) -> Answer:
        return await self.event(self.message(user, text, channel, **more))

    def command_form(self, user: str, text: str, channel: str, **more: Any) -> Json:
        """A slash command's form; ``text`` is as Slack sends it, escaped."""
        return {
            "token": "fake-verification-token",
            "team_id": self.team,
            "team_domain": "dynasched",
            "channel_id": channel,
            "channel_name": "directmessage" if channel.startswith("D") else "privategroup",
            "user_id": user,
            "user_name": user.lower(),
            "command": "/dynasched",
            "text": text,
            "api_app_id": APP,
            "is_enterprise_install": "false",
            "response_url": self.hook,
            "trigger_id": self.fresh("1.2."),
            **more,
        }

    def event_payload(self, event: Json, **more: Any) -> Json:
        """An event in its envelope."""
        return {
            "token": "fake-verification-token",
            "team_id": self.team,
            "api_app_id": APP,
            "event": event,
            "type": "event_callback",
            "event_id": self.fresh("Ev"),
            "event_time": int(time.time()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": self.team,
                    "user_id": self.bot,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            **more,
        }

    def message(self, user: str, text: str, channel: str, **more: Any) -> Json:
        """A message event; ``text`` is as Slack sends it, escaped."""
        ts = self.ts()
        kind = {"D": "im", "G": "group"}.get(channel[0], "channel")
        return {
            "type": "message",
            "user": user,
            "text": text,
            "ts": ts,
            "channel": channel,
            "channel_type": kind,
            "event_ts": ts,
            "team": self.team,
            "client_msg_id": self.fresh("m-"),
            **more,
        }

    def press_payload(self, user: str, value: str, channel: str, message: str, **more: Any) -> Json:
        """A button of a message was pressed."""
        return {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "team_id": self.team},
            "api_app_id": APP,
            "container": {"type": "message", "message_ts": message, "channel_id": channel, "is_ephemeral": False},
            "trigger_id": self.fresh("1.2."),
            "team": {"id": self.team, "domain": "dynasched"},
            "channel": {"id": channel, "name": "directmessage" if channel.startswith("D") else "privategroup"},
            "message": {"type": "message", "user": self.bot, "ts": message, "text": "a card"},
            "response_url": self.hook,
            "actions": [_action(value)],
            **more,
        }

    def home_payload(self, user: str, value: str, **more: Any) -> Json:
        """A button of somebody's home page was pressed."""
        return {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "team_id": self.team},
            "api_app_id": APP,
            "container": {"type": "view", "view_id": "V0HOME"},
            "trigger_id": self.fresh("1.2."),
            "team": {"id": self.team, "domain": "dynasched"},
            "view": {"id": "V0HOME", "type": "home"},
            "actions": [_action(value)],
            **more,
        }

    def submit_payload(self, user: str, view: Json, filled: Mapping[str, Any], **more: Any) -> Json:
        """A form was handed in: ``view`` as it was opened (with its ``id``), ``filled`` by field: a text, or a list
        for a menu of which several can be chosen."""
        return {
            "type": "view_submission",
            "team": {"id": self.team, "domain": "dynasched"},
            "user": {"id": user, "username": user.lower(), "team_id": self.team},
            "api_app_id": APP,
            "trigger_id": self.fresh("1.2."),
            "view": {"team_id": self.team, "type": "modal", **view, "state": {"values": _state(view, filled)}},
            "response_urls": [],
            **more,
        }

    def shortcut_payload(self, user: str, text: str, channel: str, **more: Any) -> Json:
        """The message shortcut was used on a message with that text, escaped."""
        return {
            "type": "message_action",
            "callback_id": "verify-lines",
            "trigger_id": self.fresh("1.2."),
            "response_url": self.hook,
            "action_ts": str(time.time()),
            "team": {"id": self.team, "domain": "dynasched"},
            "user": {"id": user, "username": user.lower(), "team_id": self.team},
            "channel": {"id": channel, "name": "privategroup"},
            "message_ts": self.ts(),
            "message": {"type": "message", "user": "U00000OTHR", "ts": self.ts(), "text": text},
            **more,
        }


def _action(value: str) -> Json:
    return {
        "type": "button",
        "action_id": "do-0",
        "block_id": "b",
        "text": {"type": "plain_text", "text": value.partition(" ")[0]},
        "value": value,
        "action_ts": f"{time.time():.6f}",
    }


def _state(view: Json, filled: Mapping[str, Any]) -> Json:
    """What Slack makes of filled fields: every field is told of, empty ones as null."""
    values: Json = {}
    for block in view.get("blocks", ()):
        if block.get("type") != "input":
            continue
        element = block["element"]
        value = filled.get(block["block_id"])
        options = {option["value"]: option for option in element.get("options", ())}
        told: Json = {"type": element["type"]}
        if element["type"] == "plain_text_input":
            told["value"] = value
        elif element["type"] == "static_select":
            told["selected_option"] = options.get(value)
        else:
            told["selected_options"] = [options[one] for one in value or ()]
        values[block["block_id"]] = {element["action_id"]: told}
    return values
