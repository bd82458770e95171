"""Stands between the bot and the Slack emulator: what the emulator lacks, and every trouble that Slack can make.

    proxy = SlackProxy(emulate.url); await proxy.start()      # the bot's API base is proxy.api
    proxy.fail("conversations.kick", "restricted_action")     # ok: false, once; times=None: until clear()
    proxy.limit("chat.postMessage", after=30)                 # HTTP 429 with Retry-After
    proxy.lose("chat.postMessage")                            # Slack does it, and the answer never comes
    proxy.outside("U0ELSEWHERE")                              # of another workspace: invited by Slack Connect only
    proxy.rotate(token)                                       # that one is revoked; returns the one in its place
    proxy.drop("chat.postMessage")                            # the connection breaks before Slack has heard of it
    proxy.answer("apps.connections.open", {"ok": True, "url": …})   # or a function of the arguments
    proxy.let("chat.postMessage", times=2); proxy.lose("chat.postMessage")  # of the third only
    hold = proxy.hold("chat.postMessage")                     # await hold.caught.wait(); hold.release.set()
    hook = proxy.hook()                                       # a response_url: hook.url, hook.taken

A method may be a pattern (``conversations.*``). Of what is set for one method, the first that is not used up counts.
``calls`` holds what came, in order. The emulator's shortcomings are made up for here: ``users.conversations`` and Slack
Connect are added, ``oldest`` of histories counts, metadata is told only when asked for, an unknown or revoked token is
refused.
"""

from __future__ import annotations

import inspect
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web

from adapters.stage.proxy import Hold, Json, Proxy, Rule, broken, passed_on

Answer = Json | web.Response
Played = Callable[[Json], Any]
"""Makes an answer (a dict, a response, or an awaitable of one) of a call's arguments."""


@dataclass(frozen=True)
class Call:
    """One call that came; list and object arguments are decoded."""

    method: str
    arguments: Json
    token: str


@dataclass(eq=False)
class Hook:
    """A ``response_url``: takes ``uses`` messages; ``taken`` are their bodies. ``gone``: it has expired."""

    url: str
    uses: int = 5
    gone: bool = False
    taken: list[Json] = field(default_factory=list)


@dataclass(eq=False)
class _Rule(Rule):
    play: Played | None = None
    lose: bool = False
    drop: bool = False
    hold: Hold | None = None


class SlackProxy(Proxy[_Rule]):
    """Passes on what comes to ``url`` to the emulator at ``target``."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.calls: list[Call] = []
        self.tokens: set[str] | None = None
        """Those that Slack knows; None: all."""
        self._revoked: set[str] = set()
        self._rotated: dict[str, str] = {}  # the emulator's own token, by those in its place
        self._hooks: dict[str, Hook] = {}
        self._outside: set[str] = set()
        self.shared: list[tuple[str, str]] = []
        """The invitations by Slack Connect: channel and user."""

    @property
    def api(self) -> str:
        """The base address of the Web API methods."""
        return f"{self.url}/api/"

    def clear(self) -> None:
        """Make no more trouble, and forget the calls."""
        super().clear()
        self._revoked.clear()
        self.calls.clear()
        self.tokens = None

    # --- what is to happen --------------------------------------------------------------------------------------------

    def answer(self, method: str, answer: Answer | Played, *, times: int | None = None) -> None:
        """Answer in the emulator's place."""
        play = answer if callable(answer) else lambda _: answer
        self._rules.append(_Rule(method, times, play=play))

    def fail(self, method: str, error: str, *, times: int | None = 1, **more: Any) -> None:
        """Refuse, as Slack does: HTTP 200 with ``ok: false``."""
        self.answer(method, {"ok": False, "error": error, **more}, times=times)

    def limit(self, method: str, after: int = 30, *, times: int | None = 1) -> None:
        """HTTP 429: asked too often; again after so many seconds."""
        self.answer(
            method,
            lambda _: web.json_response(
                {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(after)}
            ),
            times=times,
        )

    def break_down(self, method: str, status: int = 503, *, times: int | None = 1) -> None:
        """An answer that is no Slack answer: an HTML page with a 5xx."""
        page = "<html>down</html>"
        self.answer(method, lambda _: web.Response(status=status, text=page, content_type="text/html"), times=times)

    def let(self, method: str, *, times: int = 1) -> None:
        """Let calls pass before the trouble that is set next."""
        self._rules.append(_Rule(method, times))

    def lose(self, method: str, *, times: int | None = 1) -> None:
        self._rules.append(_Rule(method, times, lose=True))

    def drop(self, method: str, *, times: int | None = 1) -> None:
        self._rules.append(_Rule(method, times, drop=True))

    def hold(self, method: str) -> Hold:
        """Keep the answer of the next call back."""
        hold = self._holding()
        self._rules.append(_Rule(method, 1, hold=hold))
        return hold

    def revoke(self, token: str) -> None:
        self._revoked.add(token)

    def rotate(self, token: str) -> str:
        """Another token for the same app: the emulator makes none."""
        new = f"xoxb-fake-rotated-{len(self._rotated) + 1}"
        self._rotated[new] = self._rotated.get(token, token)
        self.revoke(token)
        return new

    def outside(self, user: str) -> None:
        """Somebody is of another workspace. Whether they accept an invitation is the test's to play."""
        self._outside.add(user)

    def _play(self, method: str, arguments: Json) -> Json | None:
        """What the emulator knows nothing of; None for all else."""
        if method == "conversations.invite" and arguments.get("users") in self._outside:
            user = arguments["users"]
            errors = [{"user": user, "ok": False, "error": "user_not_found"}]
            return {"ok": False, "error": "user_not_found", "errors": errors}
        if method != "conversations.inviteShared":
            return None
        (user,) = arguments["user_ids"]
        if user not in self._outside:
            return {"ok": False, "error": "user_not_found"}
        self.shared.append((arguments["channel"], user))
        return {"ok": True, "invite_id": f"I{len(self.shared):010}", "is_legacy_shared_channel": False}

    def hook(self, uses: int = 5) -> Hook:
        path = f"/commands/T000000001/{len(self._hooks) + 1}/fake"
        self._hooks[path] = Hook(self.url + path, uses)
        return self._hooks[path]

    def called(self, method: str) -> list[Json]:
        """The arguments of the calls of one method, in order."""
        return [call.arguments for call in self.calls if call.method == method]

    # --- what happens -------------------------------------------------------------------------------------------------

    async def _take(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in self._hooks:
            return await self._respond(request, self._hooks[request.path])
        if not request.path.startswith("/api/"):
            return await self._pass(request, await request.content.read())
        method = request.path.removeprefix("/api/")
        body = await request.content.read()
        arguments = _arguments(request, body)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.calls.append(Call(method, arguments, token))
        if token in self._revoked:
            return web.json_response({"ok": False, "error": "token_revoked"})
        if self.tokens is not None and token not in self.tokens:
            return web.json_response({"ok": False, "error": "invalid_auth"})
        rule = self._rule(method)
        if rule is not None and rule.play is not None:
            answer = rule.play(arguments)
            answer = await answer if inspect.isawaitable(answer) else answer
            return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)
        if rule is not None and rule.drop:
            return broken(request)
        if (played := self._play(method, arguments)) is not None:
            return broken(request) if rule is not None and rule.lose else web.json_response(played)
        response = await self._pass(request, body, method, arguments)
        if rule is not None and rule.hold is not None:
            await rule.hold.keep()
        return broken(request) if rule is not None and rule.lose else response

    async def _pass(
        self, request: web.BaseRequest, body: bytes, method: str = "", arguments: Json | None = None
    ) -> web.Response:
        path = request.path_qs
        if method == "users.conversations":
            path = "/api/conversations.list"
        headers = passed_on(request)
        if own := self._rotated.get(headers.get("Authorization", "").removeprefix("Bearer ")):
            headers["Authorization"] = f"Bearer {own}"
        try:
            async with self._http.request(
                request.method, self.target + path, data=io.BytesIO(body), headers=headers
            ) as got:
                data, status, kind = await got.read(), got.status, got.content_type
        except aiohttp.ClientError:
            return web.Response(status=502)
        if kind != "application/json" or arguments is None:
            return web.Response(body=data, status=status, content_type=kind)
        # Addresses that the emulator gives out (for uploads) lead through here as well.
        answer = json.loads(data.replace(self.target.encode(), self.url.encode()))
        _mend(method, arguments, answer)
        return web.json_response(answer, status=status)

    async def _respond(self, request: web.BaseRequest, hook: Hook) -> web.Response:
        if hook.gone:
            return web.Response(status=404, text="expired_url")
        if len(hook.taken) >= hook.uses:
            return web.Response(status=404, text="used_url")
        hook.taken.append(await request.json())
        return web.Response(text="ok")


def _arguments(request: web.BaseRequest, body: bytes) -> Json:
    if request.content_type == "application/json":
        found = json.loads(body or b"{}")
        return found if isinstance(found, dict) else {}
    pairs = {**dict(request.query), **dict(parse_qsl(body.decode(), keep_blank_values=True))}
    return {name: _decoded(value) for name, value in pairs.items()}


def _decoded(value: str) -> Any:
    if value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _mend(method: str, arguments: Json, answer: Json) -> None:
    """Make the emulator's answer what Slack's would be."""
    if method == "users.conversations" and "channels" in answer:
        answer["channels"] = [one for one in answer["channels"] if one.get("is_member")]
    if method in ("conversations.history", "conversations.replies") and "messages" in answer:
        oldest = str(arguments.get("oldest") or "0")
        kept = [one for one in answer["messages"] if float(one["ts"]) > float(oldest)]
        if len(kept) < len(answer["messages"]) and method == "conversations.history":
            answer["has_more"], answer["response_metadata"] = False, {"next_cursor": ""}
        if str(arguments.get("include_all_metadata", "")).lower() not in ("1", "true"):
            for one in kept:
                one.pop("metadata", None)
        answer["messages"] = kept
