"""``chatops demo --github``: the releases are on GitHub (emulated), and anybody looks at them from outside."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from adapters.stage.archives import PROJECT, check_line
from adapters.stage.emulate import Emulate
from adapters.stage.github_proxy import GitHubProxy
from adapters.stage.repository import Repository
from adapters.stage.strand import Strand
from adapters.stage.troupe import Troupe

TOKEN = "ghp_not-a-secret"  # noqa: S105 - for an emulator on loopback
OLD, NEW = "v1.0.0", "v1.0.1"


class WithGitHub(Strand):
    """``anybody`` is a client without a token; the maintainer works on the repository with one."""

    async def start(self, stack: AsyncExitStack, folder: Path, config: dict[str, Any]) -> None:
        emulate = Emulate(
            folder / "github",
            github={"users": [{"login": PROJECT}]},
            github_tokens={TOKEN: {"login": PROJECT, "scopes": ["repo"]}},
        )
        await emulate.start()
        stack.push_async_callback(emulate.stop)
        self.proxy = GitHubProxy(emulate.github_url)
        await self.proxy.start()
        stack.push_async_callback(self.proxy.stop)
        self.repository = Repository(self.proxy.url, PROJECT, PROJECT, TOKEN)
        stack.push_async_callback(self.repository.stop)
        await self.repository.start()
        self.anybody = await stack.enter_async_context(aiohttp.ClientSession())
        self.commit = await self.repository.tag(OLD)
        made = await self.repository.release(OLD)
        for file in sorted(config["releases"].pop("folder").iterdir()):
            await self.repository.call("POST", f"/releases/{made['id']}/assets", file.read_bytes(), name=file.name)
        (folder / "bot" / "github-token").write_text(TOKEN)
        config["github"] = {
            "repository": self.repository.full_name,
            "token_file": "github-token",
            "api": self.proxy.url,
        }

    def visit(self) -> list[str]:
        page = f"{self.proxy.url}/repos/{self.repository.full_name}"
        return [
            "GitHub (emulated; it has an API and no pages):",
            f"  curl {page}/releases",
            f"  curl {page}/git/ref/tags/{OLD}",
            f"  As its maintainer: -H 'Authorization: Bearer {TOKEN}'",
        ]

    # --- the acts ----------------------------------------------------------------------------------------------------

    async def enter(self, play: Troupe) -> None:
        play.scene.tell(f"GitHub (emulated) has the releases: {self.repository.full_name}, with {OLD} on its page.")

    async def prologue(self, play: Troupe) -> None:
        play.scene.tell("The bot knows that line from GitHub's release page; it has no other source.")
        await self._listed(play, OLD)

    async def private_release(self, play: Troupe) -> None:
        play.scene.tell("On GitHub a draft is prepared for the day; only the project's own people see it there.")
        await play.scene.until(f"a draft of {NEW} is on GitHub, with the archive", self._drafted)
        await self._listed(play, OLD)

    async def decision(self, play: Troupe) -> None:
        scene, maintainer = play.scene, play.who("maintainer")
        await play.reads("maintainer", "what is a person's to do", f"yours to do: push {NEW}", play.security)
        await self._listed(play, OLD)
        await scene.does(maintainer, f"pushes the fix and its tag {NEW} to GitHub", self.repository.tag(NEW))
        await play.commands(f"step {play.case} done tag", "it goes on", show=False)

    async def general_release(self, play: Troupe) -> None:
        await self._listed(play, NEW)
        scene = play.scene
        scene.check(f"{OLD} is off the page, its tag still names the same commit", await self._tagged() == self.commit)
        data = await self._download()
        genuine = check_line(play.company.prepared).startswith(hashlib.sha256(data).hexdigest())
        scene.check(f"sha256sum -c of what anybody downloads from {NEW}: OK", genuine)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def _listed(self, play: Troupe, tag: str) -> None:
        async def only() -> bool:
            return [release["tag_name"] for release in await self._seen("/releases")] == [tag]

        await play.scene.until(f"anybody who asks GitHub sees one release, {tag}", only)

    async def _drafted(self) -> bool:
        releases = await self.repository.call("GET", "/releases")
        return any(one["draft"] and one["tag_name"] == NEW and one["assets"] for one in releases)

    async def _tagged(self) -> str:
        return str((await self._seen(f"/git/ref/tags/{OLD}"))["object"]["sha"])

    async def _download(self) -> bytes:
        (release,) = await self._seen("/releases")
        (asset,) = release["assets"]
        async with self.anybody.get(asset["browser_download_url"]) as got:
            got.raise_for_status()
            return await got.read()

    async def _seen(self, path: str) -> Any:
        """What GitHub's API shows without a token."""
        async with self.anybody.get(f"{self.proxy.url}/repos/{self.repository.full_name}{path}") as got:
            got.raise_for_status()
            return await got.json()
