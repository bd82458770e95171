"""The Web API over one HTTP session: errors as ports.TryLater and ports.Impossible, nothing slept away.

A call is tried once; the outbox owns the waiting. Arguments, tokens and Slack's free text never reach an exception or
a log.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from adapters.slack.quiet import quiet
from adapters.slack.rates import NotDone, Rates
from adapters.slack.settings import SlackSettings
from chatops.ports import Impossible, TryLater

Json = dict[str, Any]
log = logging.getLogger(__name__)

_NAME = re.compile(r"[a-z][a-z0-9_]{1,60}\Z")
_SCOPES = re.compile(r"[a-z.:,|_]{1,200}\Z")
_TOKEN = frozenset({"account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked"})
"""The token is refused; an operator has to see to it."""
_LIMITED = frozenset({"message_limit_exceeded", "rate_limited", "ratelimit", "ratelimited"})
_TROUBLE = frozenset(
    {
        "external_channel_migrating",
        "fatal_error",
        "fetch_members_failed",
        "file_update_failed",
        "internal_error",
        "invalid_cursor",
        "invite_lookup_error",
        "request_timeout",
        "service_unavailable",
        "update_failed",
    }
)
"""Slack's own trouble: it passes. (A cursor is no longer good after a while.)"""
_UNSAID = timedelta(seconds=30)
"""To wait where Slack says to come back later, but not when."""
_LONGEST_WAIT = timedelta(minutes=15)
_WITHOUT_TOKEN = timedelta(minutes=10)


class Refused(Impossible):
    """Slack said no. ``code`` is its name for why; ``answer`` the whole answer, for what it says of single users."""

    def __init__(self, code: str, answer: Json) -> None:
        super().__init__(code)
        self.answer = answer


class Client(AsyncWebClient):
    """Slack's own client, but every argument in the body of a POST, and nothing tried twice or written to logs.

    Slack's takes connection errors for reasons to post again, and arguments (a case's text) to be fit for a URL.
    """

    def __init__(self, token: str | None, api: str, session: aiohttp.ClientSession | None = None) -> None:
        super().__init__(
            token=token, base_url=api, session=session, logger=quiet("adapters.slack.client"), retry_handlers=[]
        )
        self.proxy = None  # the session knows of one, and of what goes past it

    async def api_call(
        self,
        api_method: str,
        *,
        params: dict[str, Any] | None = None,
        data: Any = None,
        json: dict[str, Any] | None = None,
        headers: dict[str, Any] | None = None,
        **rest: Any,
    ) -> AsyncSlackResponse:
        if params or json:
            data = {**(params or {}), **(json or {}), **(data or {})}
        if isinstance(data, dict):
            data = form(data)
            if token := data.pop("token", None):
                headers = {**(headers or {}), "Authorization": f"Bearer {token}"}
        return await super().api_call(api_method, **{**rest, "http_verb": "POST"}, data=data, headers=headers)


class Web:
    """Calls to the Web API with the bot's token."""

    def __init__(self, settings: SlackSettings, *, now: Callable[[], float] = time.monotonic) -> None:
        self.client = Client(settings.bot_token, settings.api)
        self.revoked: str | None = None
        """Why Slack refuses the token at hand, if it does."""
        self.refused = asyncio.Event()
        """Set while it does."""
        self.team: str | None = None
        """The workspace; a token of another is none."""
        self._settings = settings
        self._now = now
        self._rates = Rates(now)
        self._asks_again = 0.0
        self._session: aiohttp.ClientSession | None = None

    def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=32),
            timeout=aiohttp.ClientTimeout(total=30, sock_connect=10),
            trust_env=True,  # HTTPS_PROXY
        )
        self.client.session = self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = self.client.session = None

    @property
    def session(self) -> aiohttp.ClientSession:
        """For what is no method: response URLs, uploads, downloads. Raises TryLater while it is closed."""
        if self._session is None:
            raise NotDone("stopped")
        return self._session

    async def call(self, method: str, *, allow: Collection[str] = (), patience: float = 0, **arguments: Any) -> Json:
        """One request, one try.

        Args:
            method: its name in Slack's reference; its rate is known from :mod:`adapters.slack.methods`.
            allow: errors that are none to the caller: the answer comes back as it is, with ``error``.
            patience: seconds to wait here for the call to be within its rate, for what is said at once or never.
            arguments: None is left out.

        Raises:
            NotDone: it is certain that Slack did not do it, but will: 429, too often, no connection, a refused token.
            TryLater: it is unknown whether it did: no answer in time, 5xx, a broken connection.
            Refused: any other error.
        """
        end = self._now() + patience
        while True:
            try:
                return await self._once(method, allow, arguments)
            except NotDone as problem:
                if problem.after is None or self._now() + problem.after.total_seconds() > end:
                    raise
                await asyncio.sleep(problem.after.total_seconds())

    def revoke(self, code: str) -> None:
        """Slack refuses the bot's token (also for ``tokens_revoked`` and ``app_uninstalled`` events): nothing is sent
        until ``auth.test`` goes well again, which is asked now and then, and at once where another token can be read.
        """
        if self.revoked != code:
            log.error("Slack refuses the bot's token (%s): nothing is sent until there is another", code)
        self.revoked = code
        self.refused.set()
        self._asks_again = self._now() + _WITHOUT_TOKEN.total_seconds()

    async def _once(self, method: str, allow: Collection[str], arguments: Json) -> Json:
        if self._session is None:
            raise NotDone("stopped")
        if self.revoked is not None:
            self._mind_the_token(self.revoked, method)
        channel = arguments.get("channel")
        self._rates.enter(method, channel)
        token = self.client.token
        try:
            response = await self.client.api_call(method, data=arguments)
        except SlackApiError as problem:
            answer, status, headers = _told(problem.response)
            if status == 429 or answer.get("error") in _LIMITED:
                after = _retry_after(headers)
                self._rates.close(method, channel, after)
                raise NotDone("ratelimited", after, counts=False) from None
            return self._judge(answer, status, allow, another=token != self.client.token)
        except (aiohttp.ClientError, OSError, SlackClientError, ValueError, AttributeError) as problem:
            # (AttributeError: what the library makes of a text with status 200.)
            raise lost(problem) from None
        told = dict(response.data) if isinstance(response.data, dict) else {}
        if method == "auth.test":
            self._welcome(told)
        return told

    def _welcome(self, told: Json) -> None:
        """Slack knows the token at hand. Raises :class:`NotDone` if it is of another workspace."""
        if self.team not in (None, told.get("team_id")):
            self.revoke("other_workspace")
            raise NotDone("other_workspace", _WITHOUT_TOKEN, counts=False)
        self.revoked = None
        self.refused.clear()

    def _read_token(self) -> str | None:
        if self._settings.read_token is None:
            return None
        try:
            return self._settings.read_token()
        except Exception as problem:  # somebody is just putting the new one there
            log.warning("the bot token cannot be read: %s", type(problem).__name__)
            return None

    def _mind_the_token(self, code: str, method: str) -> None:
        """Take another token if there is one, to try it with a question that changes nothing. Raises :class:`NotDone`
        for all else."""
        fresh = self._read_token() if method == "auth.test" else None
        if fresh and fresh != self.client.token:
            self.client.token = fresh
            log.info("another bot token was read")
        elif method != "auth.test" or self._now() < self._asks_again:
            raise NotDone(code, timedelta(seconds=self._asks_again - self._now()), counts=False)

    def _judge(self, answer: Json, status: int, allow: Collection[str], *, another: bool) -> Json:
        """What an answer means that is not ``ok``. ``another``: a new token was read since it was asked for."""
        error = _error(answer)
        if status >= 500 or error is None:  # a page of whatever stands between us and Slack is no refusal of Slack's
            raise TryLater(str(status) if status >= 400 else "not-json")
        if error in allow:
            return answer
        if error in _TOKEN and another:
            raise NotDone(error, counts=False)
        if error in _TOKEN:
            self.revoke(error)
            raise NotDone(error, _WITHOUT_TOKEN, counts=False)
        if error in _TROUBLE:
            raise TryLater(error)
        if error == "missing_scope":
            needed = answer.get("needed")
            raise Refused(f"{error}:{needed}" if isinstance(needed, str) and _SCOPES.match(needed) else error, answer)
        raise Refused(error, answer)


def form(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Arguments as a form takes them, which every method does (some take no JSON)."""
    return {name: _written(value) for name, value in arguments.items() if value is not None}


def error_name(told: object) -> str:
    """Slack's name for an error, if it looks like one: it goes into logs, so nobody can put text there."""
    return told if isinstance(told, str) and _NAME.match(told) else "refused"


def lost(problem: Exception) -> TryLater:
    """What a broken request comes to. Only where no connection was made is it certain that nothing happened."""
    if isinstance(problem, aiohttp.ClientConnectorError):
        return NotDone("no-connection")
    if isinstance(problem, TimeoutError):
        return TryLater("timeout")
    return TryLater("connection" if isinstance(problem, aiohttp.ClientError | OSError) else "not-json")


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value)


def _error(answer: Json) -> str | None:
    if answer.get("not_in_channel") is True:  # of conversations.leave, which calls it no error
        return "not_in_channel"
    error = answer.get("error")
    return None if error is None else error_name(error)


def _told(response: Any) -> tuple[Json, int, Mapping[str, str]]:
    """Body, status and headers of an answer, which is the library's own or, if it could not be read, aiohttp's."""
    data = getattr(response, "data", None)
    status = getattr(response, "status_code", 0) or getattr(response, "status", 0)
    return data if isinstance(data, dict) else {}, int(status), getattr(response, "headers", None) or {}


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    told = str(headers.get("Retry-After", ""))
    return min(timedelta(seconds=int(told[:9])), _LONGEST_WAIT) if told.isdecimal() else _UNSAID
