"""Home pages: published when somebody opens theirs, and again soon after they did something."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from adapters.slack.incoming import SERVICE, Installation, Json
from adapters.slack.methods import Caller
from chatops.ports import Asker, Impossible, Interactions, Post, TryLater

log = logging.getLogger(__name__)

BLOCKS = 100
"""Slack's limit for a home page (docs.slack.dev, "Home tab view")."""
OPENED = 500
"""So many people's pages are kept up to date: those of who opened theirs last."""
_SETTLES = 1.0
"""Seconds from somebody's command to the page that shows what came of it."""


class Homes:
    """Keeps the pages of who looked at theirs. One page is published at a time; what comes meanwhile is one change."""

    def __init__(
        self,
        here: Installation,
        web: Caller,
        interactions: Interactions,
        render: Callable[[Post], Sequence[Json]],
    ) -> None:
        self._here = here
        self._web = web
        self._interactions = interactions
        self._render = render
        self._opened: OrderedDict[str, None] = OrderedDict()
        self._due: dict[str, float] = {}
        self._wake = asyncio.Event()

    def opened(self, user: str) -> None:
        """Somebody looks at their page."""
        self._opened[user] = None
        self._opened.move_to_end(user)
        if len(self._opened) > OPENED:
            self._opened.popitem(last=False)
        self._put(user, 0)

    def touch(self, user: str) -> None:
        """Somebody did something that their page may show."""
        if user in self._opened:
            self._put(user, _SETTLES)

    async def run(self) -> None:
        """Publish until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            for user in [user for user, when in self._due.items() if when <= now]:
                del self._due[user]
                await self._publish(user)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(self._due.values(), default=None)):
                    await self._wake.wait()

    def _put(self, user: str, delay: float) -> None:
        when = asyncio.get_running_loop().time() + delay
        self._due[user] = min(when, self._due.get(user, when)) if not delay else when
        self._wake.set()

    async def _publish(self, user: str) -> None:
        try:
            posts = await self._interactions.home(Asker(service=SERVICE, tenant="", user=user))
            view = home_view(self._render(post) for post in posts)
            await self._web.call("views.publish", user_id=user, view=view)
        except TryLater as problem:
            log.warning("home page of %s: %s", user, problem.code)
            if problem.after is not None:
                self._put(user, problem.after.total_seconds())
        except Impossible as problem:
            log.warning("home page of %s: %s", user, problem.code)
            self._opened.pop(user, None)
        except Exception as problem:
            log.error("home page of %s: %s", user, type(problem).__name__)


def home_view(parts: Iterable[Sequence[Json]]) -> Json:
    """A home page of rendered posts, divided by lines; what is beyond Slack's limit is left out whole."""
    blocks: list[Json] = []
    for part in parts:
        divided = [{"type": "divider"}, *part] if blocks else list(part)
        if len(blocks) + len(divided) > BLOCKS - 1:
            more = "More than fits on this page: type the commands to see the rest."
            blocks.append({"type": "context", "elements": [{"type": "plain_text", "text": more}]})
            break
        blocks += divided
    return {"type": "home", "blocks": blocks}
