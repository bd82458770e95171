"""How the rooms that the bot makes are set up ("Embargo room" in the field notes)."""

from __future__ import annotations

from adapters.matrix.acl import KIND, PURPOSES, ServerAcl
from adapters.matrix.http import Json
from adapters.matrix.rooms import MARK
from chatops.ports import OpenRoom

_VERSION = "11"  # in version 12 creators stand above the power table, which not every client knows yet


def creation(deed: OpenRoom, effect: str, me: str, *, federate: bool, acl: ServerAcl) -> Json:
    """The body of ``createRoom``.

    The preset leaves history ``shared`` and lets guests in, so every state is given. ``effect`` goes into a state event
    of its own: ``createRoom`` has no idempotency key, so that is how the room is found again. Only a direct chat's
    one guest is invited here, because nothing else can mark the invitation as direct.
    """
    direct = deed.purpose == "direct"
    return {
        "preset": "private_chat",
        "visibility": "private",
        "room_version": _VERSION,
        "name": deed.name,
        "topic": deed.topic,
        "is_direct": direct,
        "invite": list(deed.invite) if direct else [],
        "creation_content": {"m.federate": federate},
        "initial_state": [
            _state("m.room.join_rules", {"join_rule": "invite"}),
            _state("m.room.history_visibility", {"history_visibility": "joined"}),
            _state("m.room.guest_access", {"guest_access": "forbidden"}),
            _state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}),
            _state(MARK, {"effect": effect, "purpose": deed.purpose}),
            *([_state(KIND, acl.content)] if deed.purpose in PURPOSES and not acl.open else ()),
        ],
        "power_level_content_override": {
            "users": {me: 100},
            "users_default": 0,
            "events": {},  # not the preset's own list: state_default rules all state
            "events_default": 0,
            "state_default": 100,
            "invite": 100,
            "kick": 100,
            "ban": 100,
            "redact": 100,
            "notifications": {"room": 100},
        },
    }


def _state(kind: str, content: Json) -> Json:
    return {"type": kind, "state_key": "", "content": content}
