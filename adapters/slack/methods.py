"""The Web API methods that the adapter calls, declared once: the client's rates and the app's scopes come from here.

Names, scopes and tiers are those of Slack's method reference. Where a method takes any of several scopes, those stand
here that the bot's own kinds of channel need: private ones and direct messages, which it makes, and public ones, which
it only reads (and leaves).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

MEMBERS = ("groups:read", "im:read", "channels:read")
PAST = ("groups:history", "im:history", "channels:history")


@dataclass(frozen=True)
class Method:
    """``tier`` is the rate: 1 to 4 stand for 1, 20, 50 and 100 calls a minute, 5 for a rule of the method's own.

    ``scopes`` are what the bot's token must hold for it. ``connect``: only where Slack Connect is used.
    """

    tier: int
    scopes: tuple[str, ...] = ()
    connect: bool = False


METHODS: dict[str, Method] = {
    "apps.connections.open": Method(3),  # with the app-level token, whose scope is connections:write
    "auth.test": Method(5),
    "chat.delete": Method(3, ("chat:write",)),
    "chat.postEphemeral": Method(4, ("chat:write",)),
    "chat.postMessage": Method(5, ("chat:write",)),
    "chat.update": Method(3, ("chat:write",)),
    "conversations.archive": Method(2, ("groups:write",)),
    "conversations.create": Method(2, ("groups:write",)),
    "conversations.history": Method(3, PAST),
    "conversations.info": Method(3, MEMBERS),
    "conversations.invite": Method(3, ("groups:write",)),
    "conversations.inviteShared": Method(2, ("conversations.connect:write",), connect=True),
    "conversations.kick": Method(3, ("groups:write",)),
    "conversations.leave": Method(3, ("groups:write", "channels:manage")),
    "conversations.members": Method(4, MEMBERS),
    "conversations.open": Method(3, ("im:write",)),
    "conversations.replies": Method(3, PAST),
    "conversations.setTopic": Method(2, ("groups:write",)),
    "files.completeUploadExternal": Method(4, ("files:write",)),
    "files.getUploadURLExternal": Method(4, ("files:write",)),
    "files.info": Method(4, ("files:read",)),
    "pins.add": Method(2, ("pins:write",)),
    "users.conversations": Method(3, MEMBERS),
    "views.open": Method(4),
    "views.publish": Method(4),
}


class Caller(Protocol):
    """Who calls them."""

    async def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Slack's answer. Raises ports.Impossible with Slack's error name, or ports.TryLater."""
        ...
