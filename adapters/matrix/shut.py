"""Members' devices that are given no keys: they are told so, and the core, which tells their owners and the team."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.matrix.guards import MEGOLM, Machine
from adapters.matrix.http import Http, Json, path
from adapters.matrix.incoming import SERVICE
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.trust import Trust, Withheld, grouped
from chatops.ports import DeviceShut, Impossible, Intake, Received

log = logging.getLogger(__name__)

_WORDS: dict[Withheld, str] = {
    "m.unverified": "this device has not been verified",
    "m.blacklisted": "this device is blocked",
}


@dataclass(frozen=True, slots=True)
class _Shut:
    """One device without one session's key. ``device`` is nio's record of it."""

    room: str
    session: str
    code: Withheld
    device: Any

    @property
    def name(self) -> tuple[str, str, str]:
        return self.device.user_id, self.device.id, self.device.ed25519


class Shut:
    """Collects what :class:`adapters.matrix.sharing.Sharing` finds; ``wake`` asks for :meth:`tell`, beside it."""

    def __init__(
        self,
        settings: MatrixSettings,
        machine: Machine,
        http: Http,
        trust: Trust,
        intake: Intake,
        wake: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._machine = machine
        self._http = http
        self._trust = trust
        self._intake = intake
        self._wake = wake
        self._new: list[_Shut] = []
        self._unmarked: dict[tuple[str, str, str], tuple[Any, set[str]]] = {}
        """Devices that wait for the operator's mark, and in which rooms."""

    def note(self, room: str, session: str, code: Withheld, device: Any) -> None:
        """A member's device was left out when a session was shared."""
        self._new.append(_Shut(room, session, code, device))
        self._wake()

    async def tell(self) -> None:
        """Tell of what is new: the core once in a device's life, the device once a session."""
        while self._new:
            shut = self._new[0]
            if shut.code == "m.unverified":
                self._unmarked.setdefault(shut.name, (shut.device, set()))[1].add(shut.room)
                await self._intake.admit([self._row(shut.device, {shut.room}, may_read=False)])
            await self._withhold(shut)
            self._new.pop(0)
        for name, (device, rooms) in list(self._unmarked.items()):
            if self._trust.mark(device):
                await self._intake.admit([self._row(device, rooms, may_read=True)])
                del self._unmarked[name]

    def _row(self, device: Any, rooms: set[str], *, may_read: bool) -> Received:
        user, key = device.user_id, grouped(device.ed25519)
        if not may_read:
            log.warning("device %s of %s is not verified; to let it read: chatops matrix trust", device.id, user)
        event = DeviceShut(who=user, device=device.id, key=key, rooms=tuple(sorted(rooms)), may_read=may_read)
        # That it is shut out is said once; that it is not any more, each time that the operator thinks better of it.
        which = secrets.token_hex(8) if may_read else "shut"
        return Received(
            service=SERVICE,
            key=f"device:{user}:{device.id}:{device.ed25519}:{which}",
            conversation=f"device:{user}",
            at=self._settings.clock(),
            event=event,
        )

    async def _withhold(self, shut: _Shut) -> None:
        content: Json = {
            "algorithm": MEGOLM,
            "room_id": shut.room,
            "session_id": shut.session,
            "sender_key": self._machine.account.identity_keys["curve25519"],
            "code": shut.code,
            "reason": _WORDS[shut.code],
        }
        where = path("sendToDevice", "m.room_key.withheld", secrets.token_hex(12))
        try:
            await self._http.call("PUT", where, {"messages": {shut.device.user_id: {shut.device.id: content}}})
        except Impossible as problem:
            log.warning("device %s of %s was not told why: %s", shut.device.id, shut.device.user_id, problem.code)
