"""Which devices may read what the bot writes: one policy per kind of room."""

from __future__ import annotations

from typing import Any, Literal

Kind = Literal["direct", "security", "embargo", "other"]


def may_read(kind: Kind, device: Any) -> bool:
    """Whether a member's device is given the room's keys.

    For now every kind takes devices on first sight, as there is no cross-signing in nio to tell them apart; a device
    whose published keys changed after that is blocked (see :mod:`adapters.matrix.devices`), as is a deleted one.
    """
    return not device.deleted and not device.blacklisted
