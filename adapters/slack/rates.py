"""How often Slack may be asked: per method, and for posts per channel (docs.slack.dev, "Rate limits").

Nothing here waits. Who would ask too often is told when to come back, so that other places are not held up.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from adapters.slack.methods import METHODS
from chatops.ports import TryLater

_PER_MINUTE = {1: 1, 2: 20, 3: 50, 4: 100}
"""Calls a minute by tier; other tiers have a rule of their own."""
_POSTS, _POSTS_SECONDS = 5, 5.0
"""To one channel: a message a second, and a short burst now and then."""
_POST = "chat.postMessage"

Key = tuple[str, str | None]
"""A method; for posts, with the channel."""


class NotDone(TryLater):
    """Slack surely did not do it: the same call may be made again without looking first whether it was done."""


class Rates:
    """Counts calls. ``now`` gives seconds and only grows."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._made: dict[Key, deque[float]] = {}
        self._closed: dict[Key, float] = {}

    def enter(self, method: str, channel: str | None = None) -> None:
        """Count a call that is about to be made. Raises :class:`NotDone` with the time until it may be."""
        key, now = _key(method, channel), self._now()
        opens = self._closed.get(key, now)
        if opens > now:
            raise NotDone("ratelimited", timedelta(seconds=opens - now), counts=False)
        self._closed.pop(key, None)
        limit, seconds = _limit(method)
        if limit is None:
            return
        made = self._made.setdefault(key, deque())
        while made and made[0] <= now - seconds:
            made.popleft()
        if len(made) >= limit:
            raise NotDone("paced", timedelta(seconds=made[0] + seconds - now), counts=False)
        made.append(now)

    def close(self, method: str, channel: str | None, after: timedelta) -> None:
        """Slack said 429: let nobody call this (a post: to this channel) before ``after`` has passed."""
        key = _key(method, channel)
        self._closed[key] = max(self._closed.get(key, 0.0), self._now() + after.total_seconds())


def _key(method: str, channel: str | None) -> Key:
    return method, channel if method == _POST else None


def _limit(method: str) -> tuple[int | None, float]:
    if method == _POST:
        return _POSTS, _POSTS_SECONDS
    return _PER_MINUTE.get(METHODS[method].tier), 60.0
