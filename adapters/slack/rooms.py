"""Channels: who is in them, and coming and going."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from adapters.slack.rates import NotDone
from adapters.slack.web import Json, Web
from chatops.ports import Impossible, Receipt

_FRESH = 10.0
"""Seconds for which a list of members is believed; events tell of changes sooner."""
_PRIVATE = 60.0
"""Seconds for which a channel is believed to be private; no event tells of a change."""
_PAGE = 200
_GONE = ("channel_not_found", "not_in_channel")
"""Slack's words, in various methods, for a channel in which the bot is not."""


@dataclass
class _Seen:
    """What was last known of a channel. The lock: one question serves all who want to know."""

    members: frozenset[str] = frozenset()
    private: bool = False
    private_at: float | None = None
    at: float | None = None
    changes: int = 0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rooms:
    """``bot`` is our user id; ``now`` gives seconds and only grows."""

    def __init__(self, web: Web, bot: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._bot = bot
        self._now = now
        self._seen: dict[str, _Seen] = {}

    def members_changed(self, room: str) -> None:
        """Somebody came or went: what is known of its members is believed no more."""
        if room in self._seen:
            self._seen[room].at = None
            self._seen[room].changes += 1

    async def expect(self, room: str, audience: Collection[str] | None) -> None:
        """Raises NotDone while somebody else than the audience is in a room, and Impossible if all may read it.

        A direct chat has the two people it was opened with for ever.
        """
        if audience is None or room.startswith("D"):
            return
        seen = self._seen.setdefault(room, _Seen())
        asked = self._now()
        async with seen.asking:
            if seen.private_at is None or seen.private_at < asked - _PRIVATE:
                seen.private = (await self._info(room)).get("is_private") is True
                seen.private_at = asked
            if seen.at is None or seen.at < (asked if self._strangers(seen, audience) else asked - _FRESH):
                await self._look(room, seen)
        if not seen.private:
            seen.private_at = None
            raise Impossible("not-private")  # an administrator can make a private channel public, with all its past
        if self._strangers(seen, audience):
            raise NotDone("intruder")

    async def enter(self, room: str) -> Receipt:
        """The bot was added already: Slack asks no app. Outcome data as :class:`chatops.ports.Enter` says."""
        channel = await self._info(room)
        direct = channel.get("is_im") is True
        others = {str(channel.get("user"))} if direct else await self._members(room)
        return Receipt(data={"others": sorted(others - {self._bot}), "encrypted": direct})

    async def remove(self, room: str, user: str) -> Receipt:
        await self._web.call(
            "conversations.kick", channel=room, user=user, allow=("not_in_channel", "user_not_in_channel")
        )
        self.members_changed(room)
        return Receipt()

    async def leave(self, room: str) -> Receipt:
        """Archive a private channel that the bot made; leave any other. A direct chat cannot be left."""
        try:
            channel = await self._info(room)
        except Impossible as no:
            if no.code in _GONE:
                return Receipt()
            raise
        if channel.get("is_im"):
            return Receipt()
        if channel.get("is_private") and channel.get("creator") == self._bot:
            await self._archive(room)
        else:
            answer = await self._web.call("conversations.leave", channel=room, allow=(*_GONE, "last_member"))
            if answer.get("error") == "last_member":
                await self._archive(room)
        self._seen.pop(room, None)
        return Receipt()

    async def retire(self, room: str) -> Receipt:
        """Archive a channel. Outcome data as :class:`chatops.ports.Retire` says."""
        await self._archive(room)
        return Receipt(data={"closed": True})

    async def _archive(self, room: str) -> None:
        await self._web.call("conversations.archive", channel=room, allow=("already_archived", *_GONE))

    def _strangers(self, seen: _Seen, audience: Collection[str]) -> frozenset[str]:
        return seen.members - {self._bot, *audience}

    async def _look(self, room: str, seen: _Seen) -> None:
        while True:
            at, changes = self._now(), seen.changes
            members = await self._members(room)
            if seen.changes == changes:
                break  # else somebody came while we asked
        seen.members, seen.at = frozenset(members), at

    async def _info(self, room: str) -> Json:
        channel: Json = (await self._web.call("conversations.info", channel=room))["channel"]
        return channel

    async def _members(self, room: str) -> set[str]:
        members: set[str] = set()
        cursor = None
        while True:
            page = await self._web.call("conversations.members", channel=room, limit=_PAGE, cursor=cursor)
            members.update(page.get("members") or ())
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return members
