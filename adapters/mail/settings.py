"""What an operator sets for the mail adapter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from chatops.document import Block


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Shelf:
    """A folder that people outside can fetch from, if they know what lies there."""

    folder: Path
    url: str


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """Which mailbox the bot has. Secrets are read by the caller from the environment or a file."""

    project: str
    address: str
    smtp_host: str
    smtp_port: int = 587
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    imap_host: str | None = None
    """None: nothing is read."""
    imap_port: int = 993
    imap_tls: Literal["tls", "none"] = "tls"
    ca_file: Path | None = None
    """Certificates to trust in place of the system's."""
    mailbox: str = "INBOX"
    poll: float = 60.0
    """Seconds between looks; sooner where the server tells of mail (IDLE)."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    """The bot's OpenPGP key, armored: signs what goes out, decrypts what comes in."""
    key_password: str | None = field(default=None, repr=False)
    no_key: tuple[Block, ...] = ()
    """What somebody without a key is told in place of what is private."""
    allow_plain: bool = False
    """Whether what is private may go to somebody without a key unencrypted."""
    largest_file: int = 20 << 20
    """Bytes. Larger files are not attached."""
    shelf: Shelf | None = None
    """Where larger files are put to be fetched."""
    largest_letter: int = 40 << 20
    """Bytes. Larger letters are not fetched."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """By a list's address: what subjects begin with there."""
    timeout: float = 30.0
    clock: Callable[[], datetime] = utc_now

    @property
    def login(self) -> str:
        return self.user or self.address

    @property
    def domain(self) -> str:
        """The right side of our Message-IDs."""
        return self.address.rpartition("@")[2]
