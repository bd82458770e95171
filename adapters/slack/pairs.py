"""Which direct-message channels are the bot's own with one person.

A slash command can be typed, and a message shared by it pressed, in the direct chat of two people as well: its channel
id begins with D and its name is ``directmessage`` like any other's. Slack tells a bot of its own chats only:
``conversations.info`` of another is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from adapters.slack.methods import Caller
from chatops.ports import Impossible, TryLater

log = logging.getLogger(__name__)

KNOWN = 10_000
"""So many channels are remembered; others are asked for anew."""
_PATIENCE = 1.0  # seconds; whoever typed waits for it


class Pairs:
    def __init__(self, web: Caller) -> None:
        self._web = web
        self._users: OrderedDict[str, str] = OrderedDict()  # by channel; "" for a chat that is not the bot's

    def learn(self, channel: str, user: str) -> None:
        """``channel`` is the bot's own with ``user``, as an event of it shows."""
        self._users[channel] = user
        self._users.move_to_end(channel)
        if len(self._users) > KNOWN:
            self._users.popitem(last=False)

    async def own(self, channel: str, user: str) -> bool:
        """Whether a channel is the bot's own with this person. False too if Slack can't be asked in time."""
        if not channel.startswith("D"):
            return False
        if channel not in self._users:
            try:
                async with asyncio.timeout(_PATIENCE):
                    told = (await self._web.call("conversations.info", channel=channel)).get("channel", {})
            except Impossible as problem:
                if problem.code != "channel_not_found":
                    log.warning("channel %s: %s", channel, problem.code)
                    return False
                told = {}
            except (TryLater, TimeoutError) as problem:
                log.warning("channel %s: %s", channel, problem.code if isinstance(problem, TryLater) else "timeout")
                return False
            self.learn(channel, str(told.get("user") or "") if told.get("is_im") else "")
        return self._users[channel] == user

    async def of(self, user: str) -> str:
        """The bot's own channel with somebody. Raises Impossible, TryLater or TimeoutError."""
        for channel, other in self._users.items():
            if other == user:
                return channel
        async with asyncio.timeout(2 * _PATIENCE):
            channel = str((await self._web.call("conversations.open", users=user))["channel"]["id"])
        self.learn(channel, user)
        return channel
