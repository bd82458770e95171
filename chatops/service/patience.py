"""How much strangers ask: counted by sender, over all places and all kinds of what they do."""

from __future__ import annotations

from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
Sender = tuple[str, str, str]
"""Service, tenant, user id."""


class Patience:
    """Who asked what in the last hour. Kept in memory only: a restart forgives."""

    def __init__(self) -> None:
        self._asked: dict[Sender, dict[str, datetime]] = {}
        self._told: dict[tuple[Sender, str], tuple[datetime, str]] = {}

    def count(self, sender: Sender, key: str, now: datetime) -> int:
        """How many things somebody asked in the last hour, this one (by its identity: it may be decided again)
        included.
        """
        for one in [one for one, asked in self._asked.items() if max(asked.values()) <= now - HOUR]:
            del self._asked[one]
        for told in [told for told, (at, _) in self._told.items() if at <= now - HOUR]:
            del self._told[told]
        recent = {one: at for one, at in self._asked.get(sender, {}).items() if at > now - HOUR}
        recent.setdefault(key, now)
        self._asked[sender] = recent
        return len(recent)

    def once(self, sender: Sender, word: str, key: str, now: datetime) -> bool:
        """Whether somebody was not told this word in the last hour; they are now."""
        return self._told.setdefault((sender, word), (now, key))[1] == key
