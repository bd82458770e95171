"""The Web API client against the real emulator with strict scopes, and against every trouble that Slack can make."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web as http

from adapters.slack.rates import NotDone
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Refused, Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from chatops.ports import Impossible, TryLater


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def timed(settings: SlackSettings, clock: Clock) -> AsyncIterator[Web]:
    """A client that goes by the test's clock."""
    client = Web(settings, now=clock)
    client.open()
    yield client
    await client.close()


async def test_the_workspace_says_who_we_are(web: Web, emulate: Emulate) -> None:
    answer = await web.call("auth.test")
    assert (answer["team_id"], answer["user_id"]) == (emulate.team, emulate.bot_user)


async def test_arguments_go_in_the_body_of_a_post_and_none_is_left_out(web: Web, slack: SlackProxy) -> None:
    made = await web.call("conversations.create", name="body", is_private=True, team_id=None)
    await web.call("conversations.history", channel=made["channel"]["id"], limit=5, include_all_metadata=True)
    create, history = slack.calls
    assert create.arguments == {"name": "body", "is_private": "true"}
    assert history.arguments == {
        "channel": made["channel"]["id"],
        "limit": "5",
        "include_all_metadata": "true",
    }


async def test_the_librarys_own_methods_do_so_too(web: Web, slack: SlackProxy) -> None:
    """Bolt calls them on the same client; an app-level token is not sent along as an argument."""
    slack.answer("apps.connections.open", {"ok": True, "url": "wss://127.0.0.1/"})
    await web.client.conversations_list(limit=3)
    await web.client.apps_connections_open(app_token="xapp-fake")
    listed, opened = slack.calls
    assert (listed.arguments, listed.token) == ({"limit": "3"}, Emulate.bot_token)
    assert (opened.arguments, opened.token) == ({}, "xapp-fake")


async def test_a_refusal_names_why(web: Web) -> None:
    with pytest.raises(Refused) as no:
        await web.call("conversations.info", channel="C0NOSUCH")
    assert no.value.code == "channel_not_found"
    assert isinstance(no.value, Impossible)


async def test_an_error_that_the_caller_knows_is_an_answer(web: Web) -> None:
    answer = await web.call("conversations.info", channel="C0NOSUCH", allow=("channel_not_found",))
    assert answer["error"] == "channel_not_found"


async def test_a_missing_scope_is_named(tmp_path: Path) -> None:
    """By the real emulator, with a token that may read only."""
    poor = Emulate(tmp_path, scopes=("groups:read",))
    await poor.start()
    web = Web(SlackSettings(bot_token=poor.bot_token, api=poor.api))
    web.open()
    with pytest.raises(Refused) as no:
        await web.call("conversations.create", name="x", is_private=True)
    assert no.value.code == "missing_scope:groups:write"
    await web.close()
    await poor.stop()


@pytest.mark.parametrize("name", ["internal_error", "fatal_error", "service_unavailable"])
async def test_slacks_own_trouble_passes(web: Web, slack: SlackProxy, name: str) -> None:
    slack.fail("auth.test", name)
    with pytest.raises(TryLater) as later:
        await web.call("auth.test")
    assert later.value.code == name
    assert not isinstance(later.value, NotDone)
    await web.call("auth.test")


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_page_with_a_5xx_is_no_refusal(web: Web, slack: SlackProxy, status: int) -> None:
    slack.break_down("auth.test", status)
    with pytest.raises(TryLater) as later:
        await web.call("auth.test")
    assert later.value.code == str(status)


@pytest.mark.parametrize(
    ("status", "text", "kind", "code"),
    [
        (200, "<html>log in to the hotel's network</html>", "text/html", "not-json"),
        (200, "ok", "text/plain", "not-json"),
        (200, "{", "application/json", "not-json"),
        (200, '{"ok": false}', "application/json", "not-json"),
        (403, "<html>blocked</html>", "text/html", "403"),
    ],
)
async def test_what_is_no_answer_of_slacks_refuses_nothing(
    web: Web, slack: SlackProxy, status: int, text: str, kind: str, code: str
) -> None:
    slack.answer("auth.test", lambda _: http.Response(status=status, text=text, content_type=kind))
    with pytest.raises(TryLater) as later:
        await web.call("auth.test")
    assert later.value.code == code


async def test_text_in_an_errors_place_reaches_nobody(
    web: Web, slack: SlackProxy, caplog: pytest.LogCaptureFixture
) -> None:
    slack.fail("auth.test", "Canary: the heap overflows")
    with pytest.raises(Impossible) as no:
        await web.call("auth.test")
    assert no.value.code == "refused"
    assert "Canary" not in caplog.text


async def test_a_lost_answer_is_unknown_and_a_lost_call_too(web: Web, slack: SlackProxy) -> None:
    for trouble in (slack.lose, slack.drop):
        trouble("auth.test")
        with pytest.raises(TryLater) as later:
            await web.call("auth.test")
        assert later.value.code == "connection"
        assert not isinstance(later.value, NotDone)
    assert len(slack.called("auth.test")) == 2, "nothing was tried twice"


async def test_without_a_connection_nothing_was_done() -> None:
    web = Web(SlackSettings(bot_token="xoxb-fake", api="http://127.0.0.1:9/api/"))
    with pytest.raises(NotDone) as later:
        await web.call("auth.test")
    assert later.value.code == "stopped"
    web.open()
    with pytest.raises(NotDone) as later:
        await web.call("auth.test")
    assert later.value.code == "no-connection"
    await web.close()


async def test_429_closes_the_method_for_as_long_as_slack_says(timed: Web, slack: SlackProxy, clock: Clock) -> None:
    slack.limit("users.conversations", after=30)
    for _ in range(2):
        with pytest.raises(NotDone) as later:
            await timed.call("users.conversations")
        assert (later.value.code, later.value.after) == ("ratelimited", timedelta(seconds=30))
    assert len(slack.called("users.conversations")) == 1, "the second was not even asked"
    await timed.call("auth.test")
    clock.now += 30
    await timed.call("users.conversations")


async def test_ratelimited_without_a_time_waits_a_little(timed: Web, slack: SlackProxy) -> None:
    slack.fail("users.conversations", "ratelimited")
    with pytest.raises(NotDone) as later:
        await timed.call("users.conversations")
    assert later.value.after == timedelta(seconds=30)


async def test_what_would_be_too_often_is_not_sent(timed: Web, slack: SlackProxy) -> None:
    slack.answer("users.conversations", {"ok": True, "channels": []})
    for _ in range(50):
        await timed.call("users.conversations")
    with pytest.raises(NotDone) as later:
        await timed.call("users.conversations")
    assert (later.value.code, later.value.after) == ("paced", timedelta(seconds=60))
    assert len(slack.calls) == 50


async def test_what_is_said_at_once_or_never_waits_here(web: Web, slack: SlackProxy) -> None:
    slack.limit("users.conversations", after=1)
    await web.call("users.conversations", patience=5)
    assert len(slack.called("users.conversations")) == 2
    slack.limit("users.conversations", after=60)
    with pytest.raises(NotDone):
        await web.call("users.conversations", patience=5)


@pytest.mark.parametrize("name", ["token_revoked", "invalid_auth", "account_inactive", "token_expired"])
async def test_a_refused_token_keeps_everything_for_later(
    timed: Web, slack: SlackProxy, clock: Clock, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    slack.fail("auth.test", name)
    for _ in range(3):
        with pytest.raises(NotDone) as later:
            await timed.call("auth.test")
        assert (later.value.code, later.value.after) == (name, timedelta(minutes=10))
    assert timed.revoked == name
    assert len(slack.calls) == 1
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert Emulate.bot_token not in caplog.text
    clock.now += 600
    await timed.call("auth.test")  # it was mended
    assert timed.revoked is None


async def test_a_new_token_is_read_and_used_at_once(settings: SlackSettings, slack: SlackProxy, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("xoxb-fake-old")
    web = Web(dataclasses.replace(settings, bot_token=file.read_text(), read_token=file.read_text))
    web.open()
    slack.revoke("xoxb-fake-old")
    for _ in range(2):
        with pytest.raises(NotDone):
            await web.call("auth.test")
    assert len(slack.calls) == 1
    file.unlink()
    with pytest.raises(NotDone):
        await web.call("auth.test")  # somebody is just putting the new one there
    file.write_text(Emulate.bot_token)
    with pytest.raises(NotDone):
        await web.call("users.conversations")  # it is tried with a question that changes nothing
    assert len(slack.calls) == 1
    assert (await web.call("auth.test"))["ok"]
    assert not web.refused.is_set()
    await web.call("users.conversations")
    await web.close()


async def test_a_token_of_another_workspace_is_none(
    settings: SlackSettings, slack: SlackProxy, tmp_path: Path, emulate: Emulate
) -> None:
    file = tmp_path / "token"
    file.write_text("xoxb-fake-of-another")
    web = Web(dataclasses.replace(settings, read_token=file.read_text))
    web.open()
    web.team = emulate.team
    web.revoke("token_revoked")
    slack.answer("auth.test", {"ok": True, "team_id": "T0OTHER", "user_id": "U0OTHER"}, times=1)
    for _ in range(2):
        with pytest.raises(NotDone) as later:
            await web.call("auth.test")
        assert later.value.code == "other_workspace"
    assert len(slack.calls) == 1
    await web.close()


async def test_what_was_asked_with_the_old_token_says_nothing_of_the_new_one(
    settings: SlackSettings, slack: SlackProxy, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(Emulate.bot_token)
    web = Web(dataclasses.replace(settings, bot_token="xoxb-fake-old", read_token=file.read_text))
    web.open()
    came, go = asyncio.Event(), asyncio.Event()

    async def slow(_: object) -> dict[str, object]:
        came.set()
        await go.wait()
        return {"ok": False, "error": "token_revoked"}

    slack.answer("users.conversations", slow, times=1)
    late = asyncio.create_task(web.call("users.conversations"))
    await came.wait()
    web.revoke("token_revoked")
    await web.call("auth.test")
    go.set()
    with pytest.raises(NotDone) as later:
        await late
    assert later.value.after is None
    assert web.revoked is None
    await web.close()


async def test_a_web_proxy_is_used_but_not_for_whom_it_is_not(
    settings: SlackSettings, slack: SlackProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked(api: str) -> bool:
        web = Web(dataclasses.replace(settings, api=api))
        web.open()
        try:
            return bool((await web.call("auth.test"))["ok"])
        finally:
            await web.close()

    monkeypatch.setenv("HTTP_PROXY", slack.url)
    assert await asked("http://slack.example/api/")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert await asked(settings.api)


def test_settings_show_no_secret() -> None:
    shown = repr(SlackSettings(bot_token="xoxb-fake", app_token="xapp-fake", signing_secret="fake-secret"))
    assert not [word for word in ("xoxb", "xapp", "fake-secret") if word in shown]
