"""The Slack emulator on the stage: it starts, says why if not, refuses what scopes forbid, and tells of events."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from adapters.stage.emulate import Emulate
from adapters.stage.loopback import DidNotStart


async def test_started_again_it_is_empty_at_the_same_address(tmp_path: Path) -> None:
    emulate = Emulate(tmp_path, people=("maintainer",))
    await emulate.start()
    api, pid = emulate.api, emulate.pid
    await emulate.call("conversations.create", name="kept-in-memory", is_private=True)
    emulate.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await emulate.start()
    assert emulate.api == api
    await emulate.call("conversations.create", name="kept-in-memory", is_private=True)
    assert (await emulate.call("users.info", by="admin", user=emulate.user("maintainer")))["user"][
        "name"
    ] == "maintainer"
    await emulate.stop()


async def test_why_it_did_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr("adapters.stage.emulate.free_port", lambda: taken.getsockname()[1])
        with pytest.raises(DidNotStart, match=r"(?s)exit status 1.*EADDRINUSE"):
            await Emulate(tmp_path).start()


async def test_a_token_may_do_what_its_scopes_allow(tmp_path: Path) -> None:
    emulate = Emulate(tmp_path, people=("maintainer",), scopes=("groups:read",))
    await emulate.start()
    with pytest.raises(RuntimeError, match="missing_scope"):
        await emulate.call("conversations.create", name="x", is_private=True)
    await emulate.call("conversations.create", by="maintainer", name="x", is_private=True)
    await emulate.stop()


async def test_events_come_signed_and_in_order(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    genuine = SignatureVerifier("fake-signing-secret")

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        assert genuine.is_valid_request(body, dict(request.headers))
        event = (await request.json())["event"]
        told.append((event["type"], event.get("text", event.get("user"))))
        arrived.set()
        return web.Response()

    arrived = asyncio.Event()
    app = web.Application()
    app.router.add_post("/slack/events", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    emulate = Emulate(
        tmp_path, people=("maintainer",), events=f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    )
    await emulate.start()
    channel = (await emulate.call("conversations.create", name="x", is_private=True))["channel"]["id"]
    maintainer = emulate.user("maintainer")
    await emulate.call("conversations.invite", channel=channel, users=maintainer)
    await emulate.call("chat.postMessage", by="maintainer", channel=channel, text="hello")
    async with asyncio.timeout(10):
        while len(told) < 2:
            await arrived.wait()
            arrived.clear()
    assert told == [("member_joined_channel", maintainer), ("message", "hello")]
    await emulate.stop()
    await runner.cleanup()


async def test_github_is_there_only_if_asked_for(tmp_path: Path) -> None:
    emulate = Emulate(
        tmp_path,
        github={"users": [{"login": "maintainer"}]},
        github_tokens={"ghp_fake": {"login": "maintainer", "scopes": ["repo"]}},
    )
    await emulate.start()
    headers = {"Authorization": "Bearer ghp_fake"}
    async with aiohttp.ClientSession() as http, http.get(f"{emulate.github_url}/user", headers=headers) as got:
        assert (await got.json())["login"] == "maintainer"
    await emulate.stop()
