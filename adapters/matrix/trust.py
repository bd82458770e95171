"""Which devices may read what the bot writes: one policy for each kind of place, and what the operator said of devices.

There is no cross-signing in nio that would tell a member's own devices from one that their homeserver made up, so by
default a device is taken on first sight. Where that is not enough the operator compares keys with their owners and
marks the devices (``chatops matrix trust``); the marks are in the crypto store, written beside the running bot.
"""

from __future__ import annotations

from typing import Any, Literal

from adapters.matrix.store import CryptoStore
from chatops.model.people import PlaceKind

Withheld = Literal["m.unverified", "m.blacklisted"]
"""Why a device gets no key, as ``m.room_key.withheld`` says it (client-server API, "Reporting that decryption keys are
withheld").
"""


class Trust:
    """The policy: in places of the kinds ``verified_only`` only marked devices read; elsewhere all that are not bad."""

    def __init__(self, store: CryptoStore, verified_only: frozenset[PlaceKind]) -> None:
        self._store = store
        self._verified_only = verified_only

    def withheld(self, place: PlaceKind | None, device: Any) -> Withheld | None:
        """Why a member's device is given no key in such a place; None if it is given them.

        One whose published keys changed since it was first seen (see :mod:`adapters.matrix.devices`) is blocked,
        whatever was said of it before; so is one that the operator distrusts. A mark is of a key, not of a name.
        """
        mark = self.mark(device)
        if device.blacklisted or mark is False:
            return "m.blacklisted"
        return "m.unverified" if place in self._verified_only and not mark else None

    def mark(self, device: Any) -> bool | None:
        """Whether the operator trusts a device; None if they said nothing of it."""
        return self._store.marks().get((device.user_id, device.id, device.ed25519))


def grouped(key: str) -> str:
    """A key as people compare it: in groups of four, as other clients show it."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
