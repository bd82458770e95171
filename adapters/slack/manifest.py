"""The app's manifest (docs.slack.dev, "App manifest reference"): what an operator pastes when they create the app.

Scopes follow from the methods that the adapter calls and the events that it wants to hear of, and no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.slack.listeners import VERIFY
from adapters.slack.methods import METHODS, Method
from adapters.slack.serve import PATH

EVENTS: dict[str, tuple[str, ...]] = {
    "app_home_opened": (),
    "app_uninstalled": (),
    "channel_archive": ("channels:read",),
    "channel_deleted": ("channels:read",),
    "channel_left": ("channels:read",),
    "group_archive": ("groups:read",),
    "group_deleted": ("groups:read",),
    "group_left": ("groups:read",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "tokens_revoked": (),
}
"""The events that are subscribed to, with the scopes that each needs. A mention comes as a message, too:
``app_mention`` would tell of it twice."""

Json = dict[str, Any]


def scopes(methods: Mapping[str, Method] = METHODS, *, connect: bool = False) -> list[str]:
    """What the bot's token must be allowed; ``connect``: to use Slack Connect, too."""
    called = [method for method in methods.values() if connect or not method.connect]
    wanted = {"commands"} | {scope for method in called for scope in method.scopes}
    return sorted(wanted | {scope for needed in EVENTS.values() for scope in needed})


def manifest(
    command: str,
    project: str,
    *,
    usage_hint: str = "help",
    methods: Mapping[str, Method] = METHODS,
    url: str | None = None,
    connect: bool = False,
) -> Json:
    """The manifest for one project's app.

    Args:
        command: the slash command, with its slash.
        project: the project's name.
        usage_hint: what Slack shows behind the command while it is typed.
        methods: those that are called, with their scopes.
        url: the public address of the bot, without a path, for HTTP mode; None: Socket Mode.
        connect: whether Slack Connect is used.
    """
    address: Json = {} if url is None else {"url": url.rstrip("/") + PATH}
    request: Json = {} if url is None else {"request_url": url.rstrip("/") + PATH}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": project[:35],
            "description": f"Carries {project}'s coordinated vulnerability disclosure"[:140],
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": command.removeprefix("/")[:80], "always_online": True},
            "shortcuts": [
                {
                    "name": "Verify checksum lines",
                    "type": "message",
                    "callback_id": VERIFY,
                    "description": "Compare them with the releases' own",
                }
            ],
            "slash_commands": [
                {
                    "command": command,
                    "description": f"Security reports and releases of {project}"[:2000],
                    "usage_hint": usage_hint[:1000],
                    "should_escape": True,
                    **address,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": scopes(methods, connect=connect)}},
        "settings": {
            "event_subscriptions": {"bot_events": sorted(EVENTS), **request},
            "interactivity": {"is_enabled": True, **request},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }
