"""A repository on an emulated GitHub, as its maintainer works on it past the bot."""

from __future__ import annotations

import io
from typing import Any

import aiohttp


class Repository:
    """``api`` is GitHub's address, ``token`` the owner's. Start it to make it; stop it to disconnect."""

    def __init__(self, api: str, owner: str, name: str, token: str) -> None:
        self.api = api
        self.full_name = f"{owner}/{name}"
        self._name = name
        self._http = aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"})

    async def start(self) -> None:
        await self.call("POST", f"{self.api}/user/repos", {"name": self._name, "auto_init": True})

    async def stop(self) -> None:
        await self._http.close()

    async def call(self, method: str, path: str, data: Any = None, **query: str) -> Any:
        """Ask GitHub something: a path below the repository, or a whole address. Raises AssertionError on a no."""
        url = path if path.startswith("http") else f"{self.api}/repos/{self.full_name}{path}"
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
