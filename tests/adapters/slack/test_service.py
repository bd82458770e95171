"""The Slack service against the real emulator: it starts or says why not, hears, speaks, and stops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.slack.serve import PATH
from adapters.slack.service import SlackService, Unusable
from adapters.slack.settings import SlackSettings
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from adapters.stage.slackers import Delivery, Posts, Slackers, Socket
from chatops.document import Document
from chatops.ports import Member, Post, Said, Service, TryLater, Working
from chatops.service import schema
from chatops.service.intake import StoreIntake, as_received
from chatops.service.store import Store
from tests.adapters.slack.front import SECRET, Core
from tests.adapters.slack.kit import Workspace, effect, post
from tests.service.kit import inbox, until

Start = Callable[..., Awaitable[SlackService]]


@pytest.fixture
def http(settings: SlackSettings) -> SlackSettings:
    return replace(settings, signing_secret=SECRET, host="127.0.0.1", port=0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path / 'chatops.db'}"
    with Store(url) as made:
        schema.upgrade(url)
        yield made


@pytest.fixture
def core() -> Core:
    return Core()


@pytest.fixture
async def start(store: Store, core: Core) -> AsyncIterator[Start]:
    """Starts services, one after the other, on one database."""
    started: list[SlackService] = []

    async def make(settings: SlackSettings) -> SlackService:
        service = SlackService(settings, core)
        await service.start(StoreIntake(store, asyncio.Event()))
        started.append(service)
        return service

    yield make
    for service in started:
        await service.stop()


@pytest.fixture(params=["http", "socket"])
async def slackers(
    request: pytest.FixtureRequest, start: Start, http: SlackSettings, slack: SlackProxy
) -> AsyncIterator[Slackers]:
    """People who reach a started service."""
    delivery: Delivery
    if request.param == "http":
        service = await start(http)
        delivery = posts = Posts(f"http://127.0.0.1:{service.port}{PATH}", SECRET)
        yield Slackers(delivery)
        await posts.close()
        return
    delivery = sockets = Socket()
    await sockets.start()
    slack.answer("apps.connections.open", sockets.opened)
    await start(replace(http, host=None, app_token="xapp-fake"))
    yield Slackers(delivery)
    await sockets.stop()


async def test_it_is_a_service(http: SlackSettings, core: Core) -> None:
    service: Service = SlackService(http, core)
    assert service.name == "slack"
    with pytest.raises(TryLater):
        await service.perform(effect(post(), "C0NONE"))
    await service.stop()


async def test_it_hears_and_speaks(
    slackers: Slackers, store: Store, start: Start, http: SlackSettings, workspace: Workspace
) -> None:
    maintainer = workspace.user("maintainer")
    channel = await workspace.channel("maintainer")
    assert (await slackers.command(maintainer, "status", channel)).status == 200
    assert (await slackers.say(maintainer, "help", channel)).status == 200
    rows = [as_received(row) for row in inbox(store)]
    assert [row.event.text for row in rows if isinstance(row.event, Said)] == ["/dynasched status", "help"]
    assert {(row.tenant, row.conversation) for row in rows} == {("", channel)}
    speaker = await start(replace(http, port=0))
    receipt = await speaker.perform(effect(post("a word"), channel, audience=(maintainer,)))
    assert receipt.event in [message["ts"] for message in await workspace.messages(channel)]


async def test_the_bots_own_chat_is_told_by_slack(
    slackers: Slackers, store: Store, emulate: Emulate, workspace: Workspace
) -> None:
    maintainer, debian = workspace.user("maintainer"), workspace.user("debian")
    own = (await emulate.call("conversations.open", users=maintainer))["channel"]["id"]
    theirs = (await emulate.call("conversations.open", by="maintainer", users=debian))["channel"]["id"]
    await slackers.command(maintainer, "report", own)
    await slackers.command(maintainer, "report", theirs)
    told = [as_received(row).event for row in inbox(store)]
    assert [event.pair for event in told if isinstance(event, Said)] == [True, False]


async def test_a_home_page_is_published(
    slackers: Slackers, slack: SlackProxy, core: Core, workspace: Workspace
) -> None:
    core.page = (Post(document=Document(title="Nothing waits for you")),)
    maintainer = workspace.user("maintainer")
    slack.answer("views.publish", {"ok": True})
    await slackers.event({"type": "app_home_opened", "user": maintainer, "channel": "D0M", "tab": "home"})
    await until(lambda: slack.called("views.publish"))
    (published,) = slack.called("views.publish")
    assert published["user_id"] == maintainer
    assert published["view"]["type"] == "home"
    assert "Nothing waits for you" in str(published["view"]["blocks"])


async def test_nothing_is_sent_with_a_revoked_token(
    start: Start, http: SlackSettings, slack: SlackProxy, workspace: Workspace
) -> None:
    service = await start(http)
    posts = Posts(f"http://127.0.0.1:{service.port}{PATH}", SECRET)
    slackers = Slackers(posts)
    await slackers.event({"type": "tokens_revoked", "tokens": {"bot": [slackers.bot]}})
    await posts.close()
    channel = await workspace.channel("maintainer")
    slack.clear()
    with pytest.raises(TryLater) as later:
        await service.perform(effect(post(), channel, audience=(workspace.user("maintainer"),)))
    assert later.value.code == "token_revoked"
    assert slack.calls == []


async def test_who_comes_is_known_before_anything_is_said(
    slackers: Slackers, store: Store, workspace: Workspace
) -> None:
    channel, debian = await workspace.channel("maintainer"), workspace.user("debian")
    await slackers.event({"type": "member_joined_channel", "user": debian, "channel": channel, "channel_type": "G"})
    (row,) = inbox(store)
    assert as_received(row).event == Member(room=channel, who=debian, by=debian, now="join")


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive"])
async def test_a_refused_token_is_an_operators_line(
    start: Start, http: SlackSettings, slack: SlackProxy, error: str
) -> None:
    slack.fail("auth.test", error)
    with pytest.raises(Unusable, match=rf"bot's token \({error}\)"):
        await start(http)


async def test_a_refused_app_token_is_an_operators_line(start: Start, http: SlackSettings, slack: SlackProxy) -> None:
    slack.fail("apps.connections.open", "invalid_auth")
    with pytest.raises(Unusable, match=r"app-level token \(invalid_auth\)"):
        await start(replace(http, host=None, app_token="xapp-fake"))


async def test_an_app_token_revoked_in_mid_run_is_told_and_another_is_taken(
    start: Start, http: SlackSettings, slack: SlackProxy, store: Store
) -> None:
    sockets, tokens = Socket(), ["xapp-fake"]
    await sockets.start()

    def opened(told: dict[str, str]) -> dict[str, object]:
        return (
            sockets.opened(told) if tokens[0] != "xapp-fake" or not refuses else {"ok": False, "error": "token_revoked"}
        )

    refuses = False
    slack.answer("apps.connections.open", opened)
    await start(replace(http, host=None, app_token="xapp-fake", read_app_token=lambda: tokens[0]))
    refuses = True
    await sockets.ask_to_reconnect()
    await until(lambda: _working(store) == [Working(problem="token_revoked", deaf=True)])
    tokens[0] = "xapp-fake-another"
    await sockets.ask_to_reconnect()
    await until(lambda: len(_working(store)) == 2)
    assert _working(store)[1] == Working(deaf=True)
    await sockets.stop()


def _working(store: Store) -> list[object]:
    return [event for row in inbox(store) if isinstance(event := as_received(row).event, Working)]


async def test_slack_that_is_down_is_tried_later(start: Start, http: SlackSettings, slack: SlackProxy) -> None:
    slack.break_down("auth.test")
    with pytest.raises(TryLater):
        await start(http)
    slack.drop("apps.connections.open", times=None)
    with pytest.raises(TryLater):
        await start(replace(http, host=None, app_token="xapp-fake"))


async def test_an_installation_stays_with_its_workspace(start: Start, http: SlackSettings, slack: SlackProxy) -> None:
    await (await start(http)).stop()
    slack.answer("auth.test", {"ok": True, "team_id": "T0OTHER", "user_id": "U0OTHER"})
    with pytest.raises(Unusable, match="T0OTHER"):
        await start(http)


async def test_what_is_missing_is_named(start: Start, http: SlackSettings) -> None:
    with pytest.raises(Unusable, match=r"slack\.signing_secret_file"):
        await start(replace(http, signing_secret=None))
    with pytest.raises(Unusable, match=r"slack\.app_token_file"):
        await start(replace(http, host=None))


async def test_a_port_that_is_taken_is_an_operators_line(start: Start, http: SlackSettings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(Unusable, match=r"slack\.host"):
            await start(replace(http, port=taken.getsockname()[1]))
