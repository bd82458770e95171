"""What one person only is to see: through the address that came with their command, beside the talk, or in their chat.

Sent at most once: the next way is tried only after Slack has said that the one before does not work.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import aiohttp

from adapters.slack.settings import SlackSettings
from adapters.slack.web import Json, Web, lost
from chatops.ports import Aside, Effect, Post, TryLater

log = logging.getLogger(__name__)

_SLACK = "slack.com"
_HOOKS = "https://hooks.slack.com"
_NOT_THERE = ("channel_not_found", "not_in_channel", "user_not_in_channel", "is_archived")
"""Slack's words for a channel where the bot, or the person, is not (any more)."""
_PATIENCE = 10.0
"""Seconds to wait for the rate: what is not said soon is not said."""

Way = Callable[[Json], Awaitable[bool]]
"""Shows a message (``text`` and ``blocks``); False if Slack says that it can't be shown this way."""


class Asides:
    """``direct`` opens the direct chat with somebody."""

    def __init__(self, settings: SlackSettings, web: Web, direct: Callable[[str], Awaitable[str]]) -> None:
        self._web = web
        self._direct = direct
        api = urlsplit(settings.api)
        ours = api.hostname == _SLACK
        self._origin = _HOOKS if ours else f"{api.scheme}://{api.netloc}"

    async def tell(self, effect: Effect, deed: Post, messages: Sequence[Json]) -> None:
        """Raises TryLater or Impossible; the core tries what is said at once only once."""
        aside = deed.aside
        assert aside is not None
        ways: list[Way] = [lambda message: self._write_direct(aside, message)]
        if effect.room is not None:
            room = effect.room
            ways.insert(0, lambda message: self._beside(room, deed.thread, aside, message))
        if aside.url is not None:
            url = aside.url
            ways.insert(0, lambda message: self._respond(url, message))
        for message in messages:
            while not await ways[0](message):
                ways.pop(0)

    async def _respond(self, url: str, message: Json) -> bool:
        """False if the address takes nothing (more): it is good for five messages and half an hour."""
        if not self._may_have(url):
            log.error("a response_url of an unknown host was given; nothing was sent there")
            return False
        body = {**message, "mrkdwn": False, "response_type": "ephemeral", "replace_original": False}
        try:
            async with self._web.session.post(url, json=body, allow_redirects=False) as response:
                status, told = response.status, await response.text()
        except (aiohttp.ClientError, OSError) as problem:
            raise lost(problem) from None
        if status >= 500:
            raise TryLater(str(status))
        return status == 200 and '"ok":false' not in told.replace(" ", "")

    def _may_have(self, url: str) -> bool:
        """A case's text goes to Slack and nowhere else, whatever a request said."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" == self._origin

    async def _beside(self, room: str, thread: str | None, aside: Aside, message: Json) -> bool:
        answer = await self._web.call(
            "chat.postEphemeral",
            channel=room,
            user=aside.user,
            thread_ts=thread,
            patience=_PATIENCE,
            allow=_NOT_THERE,
            **message,
        )
        return answer.get("error") is None

    async def _write_direct(self, aside: Aside, message: Json) -> bool:
        channel = await self._direct(aside.user)
        await self._web.call(
            "chat.postMessage",
            channel=channel,
            mrkdwn=False,
            unfurl_links=False,
            unfurl_media=False,
            patience=_PATIENCE,
            **message,
        )
        return True
