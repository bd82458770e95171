"""A repository for each test on the real emulator, which all share; and in front of it what trouble it takes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from adapters.directory.host import DirectoryHost
from adapters.github.host import GitHubHost
from adapters.github.settings import GitHubSettings
from adapters.stage import repository as stage
from adapters.stage.emulate import Emulate
from adapters.stage.github_proxy import GitHubProxy
from chatops.ports import Deed, Effect, Receipt

TOKEN = "ghp_fake"  # as obviously fake as it says


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def github_emulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulate]:
    server = Emulate(
        tmp_path_factory.mktemp("github"),
        github={"users": [{"login": "maintainer"}]},
        github_tokens={TOKEN: {"login": "maintainer", "scopes": ["repo"]}},
    )
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def github(github_emulator: Emulate) -> AsyncIterator[GitHubProxy]:
    """The way to GitHub that a test can make trouble on."""
    proxy = GitHubProxy(github_emulator.github_url)
    await proxy.start()
    yield proxy
    await proxy.stop()


class Repository(stage.Repository):
    """A new repository, and the bot's host on it."""

    def __init__(self, proxy: GitHubProxy, staging: Path) -> None:
        self.name = f"dynasched-{secrets.token_hex(4)}"
        super().__init__(proxy.url, "maintainer", self.name, TOKEN)
        self.proxy = proxy
        self.token: str | None = TOKEN
        self.staging = staging
        self.settings = GitHubSettings(self.full_name, lambda: self.token, project="DynaSched", api=proxy.url)
        self.host = GitHubHost(self.settings, DirectoryHost(None, staging))

    async def start(self) -> None:
        await super().start()
        await self.host.start(None)  # type: ignore[arg-type]

    async def stop(self) -> None:
        await self.host.stop()
        await super().stop()

    async def perform(self, deed: Deed, **more: Any) -> Receipt:
        """Have the bot do it."""
        return await self.host.perform(Effect(id=secrets.token_hex(8), service="releases", deed=deed, **more))


@pytest.fixture
async def repository(github: GitHubProxy, tmp_path: Path) -> AsyncIterator[Repository]:
    (staging := tmp_path / "staging").mkdir()
    made = Repository(github, staging)
    await made.start()
    yield made
    await made.stop()
