"""What the adapter is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class GitHubWebhook:
    """Where to listen for deliveries, and the secret that signs them."""

    host: str
    port: int
    secret: str = field(repr=False)


@dataclass(frozen=True)
class GitHubSettings:
    """``repository`` is ``owner/name``; ``read_token`` gives the token of the moment (None: ask as anybody).

    ``tag`` makes a tag of a ``{version}``. ``drafts``: whether drafts are prepared. ``project`` is its name as people
    read it. ``webhook`` is None where reports are only looked for.
    """

    repository: str
    read_token: Callable[[], str | None] = field(repr=False)
    project: str
    api: str = "https://api.github.com"
    tag: str = "v{version}"
    drafts: bool = True
    webhook: GitHubWebhook | None = None
