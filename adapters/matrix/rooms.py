"""What the server says about rooms. Built from unencrypted state only, so no member can forge it (trap 2)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from adapters.matrix.http import Http, Json, path
from adapters.matrix.store import CryptoStore

MARK = "org.dynasched.chatops.room"
"""State event that the bot puts into rooms it makes: ``{"effect": id, "purpose": kind}``."""

Kind = Literal["direct", "security", "embargo", "other"]
"""What the bot made a room for."""

_MODERN = {str(version) for version in range(1, 12)}  # rooms whose creator has no power beyond the table


@dataclass(slots=True)
class Room:
    """One room. ``members`` maps user ids to memberships."""

    id: str
    encrypted: bool = False
    members: dict[str, str] = field(default_factory=dict)
    power: Json = field(default_factory=dict)
    creators: tuple[str, ...] = ()
    kind: Kind = "other"
    effect: str | None = None
    acl: Json | None = None
    """Which homeservers it lets in, if it says."""
    checked: float = 0.0
    """When the server was last asked who is in it (the event loop's clock)."""
    creators_rule: bool = False
    """Whether creators stand above the power table (room versions from 12)."""

    def apply(self, event: Any) -> None:
        """Take a state event as the server sent it. What is malformed is ignored."""
        content, key = event.get("content"), event.get("state_key")
        if not isinstance(key, str) or not isinstance(content, dict):
            return
        match event.get("type"):
            case "m.room.member":
                self.members[key] = str(content.get("membership"))
            case "m.room.encryption":
                self.encrypted = True  # there is no way back
            case "m.room.power_levels" if key == "":
                self.power = content
            case "m.room.server_acl" if key == "":
                self.acl = content
            case "m.room.create":
                self._created(event, content)
            case kind if kind == MARK:
                self._marked(content)

    def _created(self, event: Json, content: Json) -> None:
        others = content.get("additional_creators")
        self.creators = (str(event.get("sender")), *(map(str, others) if isinstance(others, list) else ()))
        self.creators_rule = str(content.get("room_version", "1")) not in _MODERN

    def _marked(self, content: Json) -> None:
        effect, purpose = content.get("effect"), content.get("purpose")
        self.effect = effect if isinstance(effect, str) else None
        self.kind = cast(Kind, purpose) if purpose in get_args(Kind) else "other"

    def joined(self) -> set[str]:
        return {user for user, membership in self.members.items() if membership == "join"}

    def power_of(self, user: str) -> float:
        """A user's power level. nio's helpers answer the wrong way round for listed users (trap 6), and from room
        version 12 creators are above the table.
        """
        if self.creators_rule and user in self.creators:
            return math.inf
        if not self.power:
            return 100 if user in self.creators else 0
        users = self.power.get("users")
        listed = users.get(user) if isinstance(users, dict) else None
        return _number(listed, _number(self.power.get("users_default"), 0))

    def may(self, user: str, deed: Literal["invite", "kick", "ban", "redact"]) -> bool:
        usual = 0 if deed == "invite" else 50
        return self.power_of(user) >= _number(self.power.get(deed), usual)


def _number(value: Any, otherwise: float) -> float:
    # Old rooms may have numbers as strings.
    try:
        return otherwise if value is None else int(value)
    except (TypeError, ValueError):
        return otherwise


class Rooms:
    """The rooms that the bot is in, as far as the sync loop has told."""

    def __init__(self, http: Http, store: CryptoStore, me: str) -> None:
        self._http = http
        self._store = store
        self._me = me
        self._encrypted = store.encrypted_rooms()
        self._rooms: dict[str, Room] = {}
        self.inviters: dict[str, str] = {}
        """Who invited the bot, by room: a room is joined through a server that is in it."""

    def __iter__(self) -> Iterator[Room]:
        return iter(list(self._rooms.values()))

    def known(self, room_id: str) -> Room | None:
        return self._rooms.get(room_id)

    def entered(self, room_id: str) -> Room:
        """The room's record, a new one if need be."""
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = Room(room_id, encrypted=room_id in self._encrypted)
        return room

    def apply(self, room: Room, event: Any) -> None:
        """Take a state event; that a room is encrypted is remembered for good, and only our own mark counts."""
        if event.get("type") == MARK and event.get("sender") != self._me:
            return
        room.apply(event)
        if room.encrypted and room.id not in self._encrypted:
            self._encrypted.add(room.id)
            self._store.save_encrypted_room(room.id)

    def left(self, room_id: str) -> None:
        self._rooms.pop(room_id, None)

    async def get(self, room_id: str) -> Room:
        """A room's record, from the server if the sync loop hasn't brought it yet."""
        return self._rooms.get(room_id) or await self.fetch(room_id)

    async def fetch(self, room_id: str) -> Room:
        """Ask the server for a room's state. Raises :class:`adapters.matrix.http.Refused` if we aren't in it."""
        events = await self._http.call_list("GET", path("rooms", room_id, "state"))
        room = self.entered(room_id)
        for event in events:
            self.apply(room, event)
        return room

    async def confirm(self, room: Room, now: float) -> None:
        """Ask the server who is in a room now: a newcomer's join may be on its way to us still."""
        answer = await self._http.call("GET", path("rooms", room.id, "joined_members"))
        joined = answer.get("joined")
        if not isinstance(joined, dict):
            return
        for user in room.joined() - joined.keys():
            room.members[user] = "leave"
        for user in joined:
            room.members[user] = "join"
        room.checked = now
