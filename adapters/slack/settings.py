"""What an operator sets for the Slack adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class SlackSettings:
    """Which app the bot is, and how it hears of things.

    Tokens and the secret are read by the caller from the environment or a file. Which workspace it is, Slack says.
    """

    bot_token: str = field(repr=False)
    read_token: Callable[[], str] | None = field(default=None, repr=False)
    """Reads the bot token anew, after Slack refused the one at hand (rotation, a new installation)."""
    app_token: str | None = field(default=None, repr=False)
    """The app-level token, for Socket Mode."""
    read_app_token: Callable[[], str] | None = field(default=None, repr=False)
    """Reads the app-level token anew, for each connection."""
    signing_secret: str | None = field(default=None, repr=False)
    """For HTTP mode: what Slack signs its requests with."""
    command: str = "/dynasched"
    """The slash command, as it is typed; cards show commands with it."""
    project: str = "Dynasched"
    """The project's name, for the home page and the app's manifest."""
    api: str = "https://slack.com/api/"
    """The base address of the Web API. Another host than Slack's also takes ``response_url`` answers and uploads."""
    host: str | None = None
    """HTTP mode: where to listen. None: Socket Mode, which needs no address of its own."""
    port: int = 3000
    connect: bool = False
    """Whether people of other workspaces are invited by Slack Connect, where the plan has it."""
    largest_archive: int = 1 << 30
    """Bytes. Larger attachments are not fetched."""
    clock: Callable[[], datetime] = utc_now

    @property
    def socket_mode(self) -> bool:
        return self.host is None
