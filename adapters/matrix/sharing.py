"""Encryption for a room: every device that may read gets the key before anything is encrypted with it.

nio marks a room's session as shared although `sendToDevice` failed, leaves a room hanging after an exception, and
forgets who joined a moment ago (traps 3, 4 and 5). Here what each device has is recorded only when the server took it,
and the check is repeated until nothing is missing, without a pause between the last check and the encryption.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from adapters.matrix.devices import Devices
from adapters.matrix.guards import MEGOLM, Machine
from adapters.matrix.http import Json
from adapters.matrix.rooms import Room, Rooms
from adapters.matrix.shut import Shut
from adapters.matrix.trust import Trust, Withheld
from chatops.model.people import PlaceKind
from chatops.ports import TryLater

log = logging.getLogger(__name__)

_DEVICES_A_REQUEST = 50
UNVERIFIED = "no-verified-device"
"""Code: nobody in the room has a device that may read there, until the operator marks one."""

Reader = tuple[str, str, str]
"""User id, device id and the device's Curve25519 key."""


@dataclass(slots=True)
class _Outbound:
    session: Any
    has: set[Reader] = field(default_factory=set)
    shut: set[Reader] = field(default_factory=set)
    """Those of whom was noted that they do not get it."""


class Sharing:
    """Outbound Megolm sessions. They are not kept: a new process makes and shares new ones."""

    def __init__(self, machine: Machine, devices: Devices, rooms: Rooms, trust: Trust, shut: Shut) -> None:
        self._machine = machine
        self._devices = devices
        self._rooms = rooms
        self._trust = trust
        self._shut = shut
        self._outbound: dict[str, _Outbound] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def encrypt(
        self,
        room: Room,
        kind: str,
        content: Json,
        audience: Collection[str] | None = None,
        place: PlaceKind | None = None,
    ) -> Json:
        """The content of an ``m.room.encrypted`` event that every member can read, on devices that may in such a place.

        Raises TryLater when the server could not be asked or did not take a key, when somebody is in the room who is
        not of the ``audience``, or when nobody could read it (:data:`UNVERIFIED` if the operator can change that):
        nothing was sent then, and they got no key.
        """
        asked = asyncio.get_running_loop().time()
        async with self._locks.setdefault(room.id, asyncio.Lock()):
            # One question serves all who were waiting when it was put.
            if room.checked < asked:
                await self._rooms.confirm(room, asyncio.get_running_loop().time())
            await self._share(room, audience, place)
            sealed: Json = self._machine.group_encrypt(room.id, {"type": kind, "content": content})
        if "m.relates_to" in content:
            sealed["m.relates_to"] = content["m.relates_to"]
        return sealed

    async def _share(self, room: Room, audience: Collection[str] | None, place: PlaceKind | None) -> None:
        """See to it that the room's session is one that everybody has who may read, and nobody else."""
        without: set[Reader] = set()
        while True:
            # First, so that nothing suspends between the comparison below and the return.
            await self._devices.refresh(room.joined())
            if audience is not None and room.joined() - {self._machine.user_id, *audience}:
                raise TryLater("intruder")
            readers, shut = self._readers(room, place)
            outbound = self._outbound.get(room.id)
            if outbound is None or outbound.session.expired or outbound.has - readers.keys():
                outbound = self._renew(room)
            missing = {reader: device for reader, device in readers.items() if reader not in outbound.has | without}
            if not missing:
                self._note(room, outbound, shut)
                if len(room.joined()) > 1 and not outbound.has:
                    if any(code == "m.unverified" for code, _ in shut.values()):
                        raise TryLater(UNVERIFIED, counts=False)
                    raise TryLater("nobody-can-read-it")  # better late, or a dead letter, than said to nobody
                outbound.session.shared = True  # nio's flag; it encrypts only then
                return
            await self._devices.meet(missing.values())
            without |= await self._give(room, outbound, missing)

    def _readers(
        self, room: Room, place: PlaceKind | None
    ) -> tuple[dict[Reader, Any], dict[Reader, tuple[Withheld, Any]]]:
        """The members' devices that may read, and the others with why not."""
        me = self._machine.user_id, self._machine.device_id
        readers: dict[Reader, Any] = {}
        shut: dict[Reader, tuple[Withheld, Any]] = {}
        for user in room.joined():  # not the invited: they have not accepted yet
            for device in self._machine.device_store[user].values():
                if (user, device.id) == me or device.deleted:
                    continue
                reader = (user, device.id, device.curve25519)
                if (code := self._trust.withheld(place, device)) is None:
                    readers[reader] = device
                else:
                    shut[reader] = (code, device)
        return readers, shut

    def _note(self, room: Room, outbound: _Outbound, shut: dict[Reader, tuple[Withheld, Any]]) -> None:
        for reader in shut.keys() - outbound.shut:
            self._shut.note(room.id, outbound.session.id, *shut[reader])
        outbound.shut.update(shut)

    def _renew(self, room: Room) -> _Outbound:
        with self._machine.store.atomic():
            self._machine.create_outbound_group_session(room.id)
        outbound = _Outbound(self._machine.outbound_group_sessions[room.id])
        self._outbound[room.id] = outbound
        return outbound

    async def _give(self, room: Room, outbound: _Outbound, missing: dict[Reader, Any]) -> set[Reader]:
        """Send the key to those who miss it; returns those with whom there is no Olm session to send it in."""
        sessions = self._machine.session_store
        without = {reader for reader, device in missing.items() if sessions.get(device.curve25519) is None}
        if without:
            log.warning("%d devices in %s can't be given the room's key now", len(without), room.id)
        ready = [(reader, device) for reader, device in missing.items() if reader not in without]
        for start in range(0, len(ready), _DEVICES_A_REQUEST):
            some = ready[start : start + _DEVICES_A_REQUEST]
            key = {
                "algorithm": MEGOLM,
                "room_id": room.id,
                "session_id": outbound.session.id,
                # As of now: who comes later can't read what was written earlier.
                "session_key": outbound.session.session_key,
            }
            await self._devices.send([device for _, device in some], "m.room_key", key)
            outbound.has.update(reader for reader, _ in some)
        return without
