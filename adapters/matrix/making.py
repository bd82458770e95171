"""Makes rooms, each once, although ``createRoom`` has no idempotency key."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from adapters.matrix.acl import PURPOSES
from adapters.matrix.http import Http, Json, Refused, path
from adapters.matrix.recipes import creation
from adapters.matrix.rooms import MARK, Room, Rooms
from adapters.matrix.settings import MatrixSettings
from chatops.ports import Effect, Impossible, OpenRoom, Receipt, TryLater

log = logging.getLogger(__name__)

_SETTLING = timedelta(seconds=10)  # a request that we gave up on may still be at work in the server
_SLOW = 120.0


class Making:
    """Rooms for :class:`chatops.ports.OpenRoom`."""

    def __init__(self, settings: MatrixSettings, http: Http, rooms: Rooms) -> None:
        self._settings = settings
        self._http = http
        self._rooms = rooms
        self._me = settings.user_id
        self._account_data = asyncio.Lock()

    async def open(self, effect: Effect, deed: OpenRoom) -> Receipt:
        """Outcome data: ``{"room": id, "refused": {user: code}}``, the latter for invitations that can't be made."""
        if deed.purpose == "direct" and len(deed.invite) != 1:
            raise Impossible("direct-needs-one")
        room = await self._find(effect) if effect.attempts else None
        if room is None:
            if effect.attempts and effect.first is not None:
                left = effect.first + _SETTLING - self._settings.clock()
                if left > timedelta():
                    raise TryLater("settling", left)
            room = await self._make(effect, deed)
        refused: dict[str, str] = {}
        if deed.purpose == "direct":
            if effect.attempts:
                await self._ask_in(room, deed.invite[0])
            await self._mark_direct(deed.invite[0], room.id)
        else:
            for user in deed.invite:
                if (problem := await self._invite(room, user)) is not None:
                    refused[user] = problem
        return Receipt(data={"room": room.id, "refused": refused})

    async def invite(self, effect: Effect, user: str) -> Receipt:
        """Success if they are in or invited already."""
        room = await self._rooms.get(effect.room or "")
        problem = await self._invite(room, user)
        if problem is not None:
            raise Impossible(problem)
        return Receipt()

    async def _make(self, effect: Effect, deed: OpenRoom) -> Room:
        federate = deed.federate and self._settings.federate
        body = creation(deed, effect.id, self._me, federate=federate, acl=self._settings.acl)
        try:
            answer = await self._http.call("POST", path("createRoom"), body, wait=_SLOW)
        except Refused:
            # The server makes the room before it invites; if the guest was refused, an empty room may be left.
            half = await self._find(effect)
            if half is not None:
                await self._http.call("POST", path("rooms", half.id, "leave"), {})
                await self._http.call("POST", path("rooms", half.id, "forget"), {})
                self._rooms.left(half.id)
            raise
        return await self._rooms.fetch(str(answer["room_id"]))

    async def _find(self, effect: Effect) -> Room | None:
        """The room that bears the effect's mark, if an earlier try made it."""
        answer = await self._http.call("GET", path("joined_rooms"))
        for room_id in answer.get("joined_rooms", ()):
            known = self._rooms.known(room_id)
            if (known.effect if known else await self._mark(room_id)) == effect.id:
                log.info("effect %s had made %s", effect.id, room_id)
                return await self._rooms.get(room_id)
        return None

    async def _mark(self, room_id: str) -> str | None:
        try:
            content: Json = await self._http.call("GET", path("rooms", room_id, "state", MARK) + "/")
        except Refused:
            return None
        effect = content.get("effect")
        return effect if isinstance(effect, str) else None

    async def _invite(self, room: Room, user: str) -> str | None:
        """Invite; returns why it can't be done, or None."""
        if room.members.get(user) in {"join", "invite"}:
            return None
        if room.kind in PURPOSES and not self._settings.acl.admits(user):
            return "server-shut-out"  # they could not join
        try:
            await self._http.call("POST", path("rooms", room.id, "invite"), {"user_id": user})
        except Refused as problem:
            # Inviting somebody who is in is a 403.
            if problem.status == 403 and await membership(self._http, room.id, user) in {"join", "invite"}:
                return None
            return problem.code if room.may(self._me, "invite") else "no-power"
        return None

    async def _ask_in(self, room: Room, user: str) -> None:
        """Invite the guest of a direct chat that an earlier try made. Nothing is done if they have been asked.

        The server makes the room before it invites. Where the guest's own server was away it answers 502 then, and the
        room stays with nobody asked.
        """
        content = await self._http.call("GET", path("rooms", room.id, "members"))
        if any(event.get("state_key") == user for event in content.get("chunk", ())):
            return  # invited, in, or gone again
        # /invite can't say that it is a direct chat.
        where = path("rooms", room.id, "state", "m.room.member", user)
        await self._http.call("PUT", where, {"membership": "invite", "is_direct": True})

    async def _mark_direct(self, user: str, room_id: str) -> None:
        """Add the room to ``m.direct``, the account's list of direct chats."""
        where = path("user", self._me, "account_data", "m.direct")
        async with self._account_data:
            try:
                listed = await self._http.call("GET", where)
            except Refused as problem:
                if problem.status != 404:
                    raise
                listed = {}
            rooms = listed.get(user)
            rooms = rooms if isinstance(rooms, list) else []
            if room_id not in rooms:
                await self._http.call("PUT", where, {**listed, user: [*rooms, room_id]})


async def membership(http: Http, room_id: str, user: str) -> str:
    """A user's membership as the server has it now; "leave" for who never was there."""
    try:
        content = await http.call("GET", path("rooms", room_id, "state", "m.room.member", user))
    except Refused as problem:
        if problem.status == 404:
            return "leave"
        raise
    return str(content.get("membership"))
