"""A workspace for tests: the real emulator, one for each pytest worker, and in front of it what trouble it takes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.slack.outgoing import Outgoing
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Web
from adapters.stage.emulate import Emulate
from adapters.stage.slack_proxy import SlackProxy
from tests.adapters.slack.kit import Workspace, shown

PEOPLE = ("maintainer", "debian", "reporter", "coordinator")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def emulate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulate]:
    """The workspace. Tests share it, so each makes channels of its own."""
    server = Emulate(tmp_path_factory.mktemp("emulate"), people=PEOPLE)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def slack(emulate: Emulate) -> AsyncIterator[SlackProxy]:
    """The way to the workspace that a test can make trouble on."""
    proxy = SlackProxy(emulate.url)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
def settings(slack: SlackProxy) -> SlackSettings:
    return SlackSettings(bot_token=Emulate.bot_token, api=slack.api)


@pytest.fixture
async def web(settings: SlackSettings) -> AsyncIterator[Web]:
    """The client, with the bot's token."""
    client = Web(settings)
    client.open()
    yield client
    await client.close()


@pytest.fixture
def workspace(emulate: Emulate) -> Workspace:
    return Workspace(emulate)


@pytest.fixture
def outgoing(settings: SlackSettings, web: Web, emulate: Emulate) -> Outgoing:
    return Outgoing(settings, web, emulate.bot_user, shown)
