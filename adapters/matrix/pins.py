"""Keeps one message of the bot's at the top of a room: the newest that the core asked to pin."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from adapters.matrix.http import Http, Json, Refused, path
from chatops.ports import Impossible, TryLater

log = logging.getLogger(__name__)

OWN = "org.dynasched.chatops.pin"
"""Key in ``m.room.pinned_events`` that holds which of the pinned events the bot put there."""

MOST = 20
"""More pins than that nobody reads, and a state event has its limits: the oldest go."""


class Pins:
    """Adds to ``m.room.pinned_events`` what is asked, keeps what others pinned, takes off the bot's own older pin."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._changing = asyncio.Lock()  # read, then written: two at once would lose one

    async def pin(self, room_id: str, event: str) -> None:
        """Pin an event, once however often it is asked. A failure is only logged: the message is there all the same."""
        try:
            async with self._changing:
                await self._pin(path("rooms", room_id, "state", "m.room.pinned_events") + "/", event)
        except (TryLater, Impossible) as problem:
            log.warning("a message in %s is not pinned: %s", room_id, problem.code)

    async def _pin(self, where: str, event: str) -> None:
        content = await self._pinned(where)
        listed = content.get("pinned")
        pinned: list[Any] = listed if isinstance(listed, list) else []
        if event in pinned and content.get(OWN) == event:
            return
        others = [one for one in pinned if isinstance(one, str) and one not in (event, content.get(OWN))]
        # Clients show the last one first.
        await self._http.call("PUT", where, {**content, "pinned": [*others, event][-MOST:], OWN: event})

    async def _pinned(self, where: str) -> Json:
        try:
            return await self._http.call("GET", where)
        except Refused as problem:
            if problem.status != 404:
                raise
            return {}
