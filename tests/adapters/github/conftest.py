"""A repository for each test on the real emulator, which all share; and in front of it what trouble it takes."""

from __future__ import annotations

import io
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from adapters.directory.host import DirectoryHost
from adapters.github.host import GitHubHost
from adapters.github.settings import GitHubSettings
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


class Repository:
    """A new repository, as its maintainer works on it past the bot; and the bot's host on it."""

    def __init__(self, proxy: GitHubProxy, staging: Path) -> None:
        self.proxy = proxy
        self.name = f"dynasched-{secrets.token_hex(4)}"
        self.token: str | None = TOKEN
        self.staging = staging
        self.settings = GitHubSettings(
            f"maintainer/{self.name}", lambda: self.token, project="DynaSched", api=proxy.url
        )
        self.host = GitHubHost(self.settings, DirectoryHost(None, staging))
        self._http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {TOKEN}"})

    async def start(self) -> None:
        await self.call("POST", f"{self.proxy.url}/user/repos", {"name": self.name, "auto_init": True})
        await self.host.start(None)  # type: ignore[arg-type]

    async def stop(self) -> None:
        await self.host.stop()
        await self._http.close()

    async def call(self, method: str, path: str, data: Any = None, **query: str) -> Any:
        url = path if path.startswith("http") else f"{self.proxy.url}/repos/maintainer/{self.name}{path}"
        how = {"data": io.BytesIO(data)} if isinstance(data, bytes) else {"json": data}
        async with self._http.request(method, url, params=query, **how) as got:
            assert got.status < 300, f"{method} {path}: {got.status} {await got.text()}"
            return await got.json() if got.content_type == "application/json" else None

    async def tag(self, tag: str) -> str:
        """Push a tag; the commit that it names."""
        branch = await self.call("GET", "/git/ref/heads/main")
        commit = str(branch["object"]["sha"])
        await self.call("POST", "/git/refs", {"ref": f"refs/tags/{tag}", "sha": commit})
        return commit

    async def release(self, tag: str, *, body: str = "", draft: bool = False, **files: bytes) -> Any:
        """Publish a release with assets; in their names ``__`` stands for a dot."""
        made = await self.call("POST", "/releases", {"tag_name": tag, "body": body, "draft": draft})
        for name, content in files.items():
            await self.call("POST", f"/releases/{made['id']}/assets", content, name=name.replace("__", "."))
        return await self.call("GET", f"/releases/{made['id']}")

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
