"""Makes channels and direct chats, each once, and asks people into them."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Collection, Iterable
from typing import Any

from adapters.slack.past import Attempt, Past
from adapters.slack.rooms import Rooms
from adapters.slack.web import Json, Refused, Web, error_name
from chatops.ports import Impossible, OpenRoom, Receipt

log = logging.getLogger(__name__)

_LONGEST_NAME = 80
_LONGEST_TOPIC = 250
_NAMES = 4
"""So many names are tried before somebody has to look."""
_AT_ONCE = 100
_PAGE = 200


_OUTSIDE = frozenset({"cant_invite", "invitee_cant_see_channel", "org_user_not_in_team", "user_not_found"})
"""Slack's words for somebody who may be of another workspace."""


class Making:
    """Rooms for :class:`chatops.ports.OpenRoom`. ``bot`` is our user id; ``connect``: Slack Connect may be used."""

    def __init__(self, web: Web, bot: str, rooms: Rooms, past: Past, *, connect: bool = False) -> None:
        self._web = web
        self._bot = bot
        self._rooms = rooms
        self._past = past
        self._connect = connect

    async def open(self, attempt: Attempt, deed: OpenRoom) -> Receipt:
        """Outcome data: ``room``, ``joined`` (who is in it at once: Slack asks nobody whether they want to), and
        ``refused``: {user: code} for people who can't be put in."""
        if deed.purpose == "direct":
            if len(deed.invite) != 1:
                raise Impossible("direct-needs-one")
            room = await self.direct(deed.invite[0])
            return Receipt(data={"room": room, "joined": list(deed.invite), "refused": {}})
        names = channel_names(deed.name, attempt.effect.id)
        channel: Json | None = None
        if not attempt.clean:
            self._past.settle(attempt.effect)
            channel = await self._own(names)
        if channel is None:
            channel = await self._make(attempt, names)
        room = str(channel["id"])
        topic = deed.topic[:_LONGEST_TOPIC]
        if (channel.get("topic") or {}).get("value", "") != topic:
            try:
                await self._web.call("conversations.setTopic", channel=room, topic=topic)
            except Refused as no:  # better a room without than none
                log.warning("room %s has no topic: %s", room, no.code)
        refused = await self.ask_in(room, deed.invite)
        joined = [user for user in deed.invite if user not in refused]
        return Receipt(data={"room": room, "joined": joined, "refused": refused, "shows_past": True})

    async def direct(self, user: str) -> str:
        """The direct chat with somebody: there is one for each two people, so this can be done again."""
        return str((await self._web.call("conversations.open", users=user))["channel"]["id"])

    async def invite(self, attempt: Attempt, room: str, user: str) -> Receipt:
        """Success if they are in already. Outcome data as :class:`chatops.ports.Invite` says."""
        code = (await self.ask_in(room, (user,))).get(user)
        if code in _OUTSIDE and self._connect:
            await self._share(attempt, room, user)
            return Receipt(data={"pending": True})
        if code is not None:
            raise Impossible(code)
        return Receipt()

    async def _share(self, attempt: Attempt, room: str, user: str) -> None:
        """Invite somebody of another workspace (docs.slack.dev, "Slack Connect"), who may then bring nobody else.

        By their id, never by a mail address: whoever accepts one is somebody whom the roster does not know.
        """
        asked = ("connection_limit_exceeded_pending",) if not attempt.clean else ()
        await self._web.call(
            "conversations.inviteShared",
            channel=room,
            user_ids=[user],
            external_limited=True,
            allow=("already_in_channel", *asked),
        )
        attempt.trace = True

    async def ask_in(self, room: str, users: Collection[str]) -> dict[str, str]:
        """Put people into a channel; returns whom Slack refused, and why. (It asks nobody whether they want to.)"""
        refused: dict[str, str] = {}
        left = list(users)
        while left:
            batch, left = left[:_AT_ONCE], left[_AT_ONCE:]
            try:
                # `force`: the others are put in although one cannot be.
                answer = await self._web.call("conversations.invite", channel=room, users=",".join(batch), force=True)
                named = _named(answer)
            except Refused as no:
                named = _named(no.answer)
                if len(batch) > 1 and named:
                    left = [user for user in batch if user not in named] + left
                else:
                    named = {user: named.get(user, no.code) for user in batch}
            refused |= {user: code for user, code in named.items() if code != "already_in_channel"}
        self._rooms.members_changed(room)
        return refused

    async def _make(self, attempt: Attempt, names: Iterable[str]) -> Json:
        for name in names:
            answer = await self._web.call("conversations.create", name=name, is_private=True, allow=("name_taken",))
            if answer.get("error") != "name_taken":
                attempt.trace = True
                return dict(answer["channel"])
            # Whoever has it, it is not taken over: unless an earlier try made it, and the list did not show it yet.
            if not attempt.clean and (channel := await self._own((name,))) is not None:
                return channel
        raise Impossible("name_taken")

    async def _own(self, names: Collection[str]) -> Json | None:
        """The channel that an earlier try made: of one of these names, private, and made by us."""
        query: dict[str, Any] = {"types": "private_channel", "exclude_archived": True, "limit": _PAGE}
        while True:
            page = await self._web.call("users.conversations", **query)
            for channel in page.get("channels") or ():
                ours = channel.get("creator") == self._bot and channel.get("is_private") is True
                if ours and channel.get("name") in names:
                    return dict(channel)
            query["cursor"] = (page.get("response_metadata") or {}).get("next_cursor")
            if not query["cursor"]:
                return None


def channel_names(name: str, effect: str) -> tuple[str, ...]:
    """Names for the channel of an effect, the best first: as ``name`` says, and with an ending nobody can guess.

    Slack's rules (conversations.create): lower case, digits, ``-`` and ``_``, 80 at most.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "room"
    endings = [hashlib.sha256(f"{effect}/{number}".encode()).hexdigest()[:8] for number in range(_NAMES)]
    return tuple(f"{plain[: _LONGEST_NAME - 9].rstrip('-')}-{ending}" for ending in endings)


def _named(answer: Json) -> dict[str, str]:
    """Whom an answer to an invitation says why of, alone."""
    errors = answer.get("errors")
    return {
        str(one.get("user")): error_name(one["error"])
        for one in (errors if isinstance(errors, list) else ())
        if isinstance(one, dict) and one.get("error")
    }
