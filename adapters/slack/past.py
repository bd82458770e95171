"""What an earlier try of an effect left behind, as Slack has no idempotency key.

A post bears its effect's (random) id in its metadata, which the history tells; whether anything was sent at all is
remembered while the process lives, so that most second tries need not look.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from adapters.slack.rates import NotDone
from adapters.slack.settings import SlackSettings
from adapters.slack.web import Json, Web
from chatops.ports import Effect, Impossible

KIND = "chatops_effect"
"""The type of our messages' metadata."""

_SETTLING = timedelta(seconds=5)
"""A request whose answer was lost may still be at work in Slack."""
_SKEW = timedelta(minutes=10)
"""By so much Slack's clock and ours may differ."""
_FURTHEST = 50
_PAGE = 200
_REMEMBERED = 10_000


def mark(effect: Effect, part: int) -> Json:
    """The metadata of one message of an effect. Every app in the workspace can read it."""
    return {"event_type": KIND, "event_payload": {"effect": effect.id, "part": part}}


@dataclass
class Attempt:
    """One try of an effect. ``clean``: no try before it has left a trace. ``trace``: this one has."""

    effect: Effect
    clean: bool
    trace: bool = False


class Attempts:
    """Remembers of which effects no try has left a trace."""

    def __init__(self) -> None:
        self._clean: OrderedDict[str, int] = OrderedDict()

    @contextmanager
    def of(self, effect: Effect) -> Iterator[Attempt]:
        attempt = Attempt(effect, effect.attempts == 0 or self._clean.pop(effect.id, None) == effect.attempts)
        try:
            yield attempt
        except NotDone:
            if attempt.clean and not attempt.trace:
                self._clean[effect.id] = effect.attempts + 1
                if len(self._clean) > _REMEMBERED:
                    self._clean.popitem(last=False)
            raise


class Past:
    """Looks through a channel's history. ``bot`` is our user id."""

    def __init__(self, settings: SlackSettings, web: Web, bot: str) -> None:
        self._settings = settings
        self._web = web
        self._bot = bot

    def settle(self, effect: Effect) -> datetime:
        """When the first try may have begun by Slack's clock. Raises NotDone while a lost request may be under way."""
        now = self._settings.clock()
        first = effect.first or now
        if first <= now < first + _SETTLING:
            raise NotDone("settling", first + _SETTLING - now)
        return first - _SKEW

    async def posted(self, effect: Effect, room: str, thread: str | None) -> dict[int, str]:
        """The messages that an effect has posted already: their event ids, by part."""
        found: dict[int, str] = {}
        async for message in self._messages(room, thread, self.settle(effect)):
            metadata = message.get("metadata") or {}
            payload = metadata.get("event_payload") or {}
            if metadata.get("event_type") == KIND and payload.get("effect") == effect.id:
                found[int(payload.get("part", 0))] = str(message["ts"])
        return found

    async def shared(
        self, effect: Effect, room: str, name: str, size: int, *, thread: str | None = None, after: str = ""
    ) -> str | None:
        """The message with which an effect shared a file, later than the message ``after``. A share takes no metadata:
        it is known by name and size.
        """
        async for message in self._messages(room, thread, self.settle(effect)):
            for file in message.get("files") or ():
                if file.get("name") == name and file.get("size") == size and str(message["ts"]) > after:
                    return str(message["ts"])
        return None

    async def _messages(self, room: str, thread: str | None, oldest: datetime) -> AsyncIterator[Json]:
        """The bot's own messages since. Raises Impossible rather than give up with the answer open: a dead letter is
        looked at by somebody, a second message is said twice."""
        method = "conversations.replies" if thread else "conversations.history"
        query: dict[str, Any] = {
            "channel": room,
            "ts": thread,
            "oldest": f"{oldest.timestamp():.6f}",
            "limit": _PAGE,
            "include_all_metadata": True,
        }
        for _ in range(_FURTHEST):
            page = await self._web.call(method, allow=("thread_not_found",), **query)
            for message in page.get("messages") or ():
                if message.get("user") == self._bot:
                    yield message
            query["cursor"] = (page.get("response_metadata") or {}).get("next_cursor")
            if not query["cursor"]:
                return
        raise Impossible("outcome-unknown")
