"""What an operator sets for the Matrix adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.matrix.acl import ServerAcl
from chatops.model.people import PlaceKind


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class MatrixSettings:
    """Where the bot's account lives and how careful it is.

    Give ``password`` or ``access_token``, read by the caller from the environment or a file. With a password the
    adapter logs in once and renews its token by itself when the server drops it; with only a token it can't.
    ``store`` is a folder that belongs to this account alone. It holds the device's keys: it is worth as much as the
    database and is backed up with it.
    """

    homeserver: str
    user_id: str
    store: Path
    password: str | None = field(default=None, repr=False)
    access_token: str | None = field(default=None, repr=False)
    device_name: str = "chatops"
    prefix: str = "!dynasched"
    """What commands begin with, where cards show them."""
    federate: bool = True
    """Whether rooms that the bot makes are open to other servers. Never changes for a room that exists."""
    acl: ServerAcl = field(default_factory=ServerAcl)
    """Which homeservers may take part in the security team's and the cases' rooms."""
    verified_only: frozenset[PlaceKind] = frozenset()
    """Kinds of places in which only devices read that the operator marked."""
    wait_for_keys: timedelta = timedelta(minutes=10)
    """How long a message that can't be decrypted yet waits before its sender is asked to send it again."""
    largest_archive: int = 1 << 30
    """Bytes. Larger attachments are not fetched."""
    clock: Callable[[], datetime] = utc_now
