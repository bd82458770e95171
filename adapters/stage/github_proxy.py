"""Stands between the bot and the GitHub emulator: what the emulator lacks, and the trouble that GitHub can make.

    proxy = GitHubProxy(emulate.github_url); await proxy.start()      # the bot's API base is proxy.url
    proxy.fail("GET /repos/*/releases", 503)                          # once; times=None: until clear()
    proxy.fail("*", 403, headers={"Retry-After": "30"})               # a secondary rate limit
    proxy.lose("DELETE /repos/*/releases/*")                          # GitHub does it, and the answer never comes
    hold = proxy.hold("DELETE *")                                     # await hold.caught.wait(); hold.release.set()
    proxy.immutable.add("v1.0.0")

A call is named by its method and path, without the query. ``calls`` holds what came, in order. The emulator's
shortcomings are made up for here: contents of assets (it forgets them), their downloads and ``digest`` (unless
``digests`` is False, as for assets older than June 2025), immutable releases, security advisories.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.stage.github_advisories import Advisories
from adapters.stage.proxy import Hold, Proxy, Rule, broken, passed_on

_ADVISORIES = re.compile(r"/repos/(?P<repository>[^/]+/[^/]+)/security-advisories(?P<rest>/[^/]+(/cve)?)?")
_UPLOAD = re.compile(r"/repos/[^/]+/[^/]+/releases/\d+/assets")
_DOWNLOAD = re.compile(r"/(?P<repository>[^/]+/[^/]+)/releases/download/(?P<asset>\d+)/[^/]+")


@dataclass(eq=False)
class _Rule(Rule):
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    before: Hold | None = None
    after: Hold | None = None
    late: bool = False


class GitHubProxy(Proxy[_Rule]):
    """Passes on what comes to ``url`` to the emulator at ``target``."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.calls: list[str] = []
        self.digests = True
        self.immutable: set[str] = set()
        """Tags whose releases are."""
        self.contents: dict[int, bytes] = {}
        """By asset; what is put here in place of what was uploaded is what people download."""
        self._told: dict[int, str] = {}
        self.advisories = Advisories()

    def clear(self) -> None:
        """Make no more trouble, and forget the calls."""
        super().clear()
        self.calls.clear()

    # --- what is to happen --------------------------------------------------------------------------------------------

    def fail(
        self,
        call: str,
        status: int,
        *,
        times: int | None = 1,
        message: str = "no",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse, without GitHub hearing of it."""
        self._rules.append(_Rule(call, times, status, headers or {}, message))

    def lose(self, call: str, *, times: int | None = 1) -> None:
        """GitHub does it, and the connection breaks before the answer."""
        self._rules.append(_Rule(call, times))

    def hold(self, call: str, *, done: bool = False, late: bool = False) -> Hold:
        """Keep the next such call from GitHub (for good, or ``late``: until it is released), or (``done``) its answer
        from the bot.
        """
        hold = self._holding()
        self._rules.append(_Rule(call, 1, after=hold) if done else _Rule(call, 1, before=hold, late=late))
        return hold

    def called(self, call: str) -> list[str]:
        return [one for one in self.calls if fnmatch.fnmatchcase(one, call)]

    # --- what happens -------------------------------------------------------------------------------------------------

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        call = f"{request.method} {request.path}"
        self.calls.append(call)
        rule = self._rule(call)
        if rule is not None and rule.status is not None:
            return web.json_response({"message": rule.message}, status=rule.status, headers=rule.headers)
        body = await request.content.read()
        if rule is not None and rule.before is not None:
            await rule.before.keep()
            if not rule.late:
                return web.Response(status=503)  # whoever asked is gone
        if found := _DOWNLOAD.fullmatch(request.path):
            answer = await self._download(found["repository"], int(found["asset"]))
        elif found := _ADVISORIES.fullmatch(request.path):
            answer = self.advisories.answer(request, found["repository"], (found["rest"] or "").removeprefix("/"), body)
        else:
            answer = await self._pass(request, body)
        if rule is not None and rule.after is not None:
            await rule.after.keep()
        elif rule is not None and rule.late and rule.before is not None:
            rule.before.passed.set()
        elif rule is not None:
            return broken(request)
        return answer

    async def _pass(self, request: web.BaseRequest, body: bytes) -> web.Response:
        headers = passed_on(request)
        url = self.target + request.path_qs
        async with self._http.request(request.method, url, data=io.BytesIO(body), headers=headers) as got:
            text, status, link = await got.text(), got.status, got.headers.get("Link", "")
            told = {name: value for name, value in got.headers.items() if name.startswith("X-RateLimit")}
        if not text:
            return web.Response(status=status, headers=told)
        answer = json.loads(text)
        if _UPLOAD.fullmatch(request.path) and status == 201:
            self.contents[answer["id"]] = body
            self._told[answer["id"]] = hashlib.sha256(body).hexdigest()
        if link:
            told["Link"] = self._here(link)
        return web.json_response(self._mended(answer), status=status, headers=told)

    async def _download(self, repository: str, asset: int) -> web.Response:
        """As anybody: a draft's assets are not there."""
        async with self._http.get(f"{self.target}/repos/{repository}/releases/assets/{asset}") as got:
            there = got.status == 200
        return web.Response(body=self.contents[asset]) if there and asset in self.contents else web.Response(status=404)

    def _here(self, text: str) -> str:
        """Addresses that the emulator gives out lead through here as well."""
        return text.replace(self.target.replace("127.0.0.1", "localhost"), self.url).replace(self.target, self.url)

    def _mended(self, answer: Any) -> Any:
        """Make the emulator's answer what GitHub's would be."""
        if isinstance(answer, list):
            return [self._mended(one) for one in answer]
        if not isinstance(answer, dict):
            return self._here(answer) if isinstance(answer, str) else answer
        mended = {name: self._mended(value) for name, value in answer.items()}
        if "upload_url" in mended:
            mended["immutable"] = mended["tag_name"] in self.immutable
        if "browser_download_url" in mended:
            where = mended["url"].removeprefix(f"{self.url}/repos/").partition("/releases/")[0]
            number = mended["id"]
            mended["browser_download_url"] = f"{self.url}/{where}/releases/download/{number}/{mended['name']}"
            mended["digest"] = f"sha256:{self._told[number]}" if self.digests and number in self._told else None
        return mended
