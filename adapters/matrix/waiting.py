"""Rows that wait: for a key, or to have their archive hashed. They are in the inbox already, so a kill loses none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from adapters.matrix.incoming import SERVICE, Attachment, Reader, give_up
from adapters.matrix.rooms import Room, Rooms
from adapters.matrix.settings import MatrixSettings
from chatops.ports import Intake, Locked, Received, Unreadable

log = logging.getLogger(__name__)


class Waiting:
    """The locked rows, oldest first, kept in step with the inbox.

    Waiting time counts from when this process first had the row: after a long outage the keys come in later syncs.
    """

    def __init__(
        self,
        settings: MatrixSettings,
        reader: Reader,
        rooms: Rooms,
        intake: Intake,
        fetch: Callable[[Attachment], None],
    ) -> None:
        self._settings = settings
        self._reader = reader
        self._rooms = rooms
        self._intake = intake
        self._fetch = fetch
        self._rows: dict[str, tuple[Received, datetime]] = {}
        self._fetching: set[str] = set()

    async def load(self) -> None:
        """Take up what an earlier process left."""
        for row in await self._intake.locked(SERVICE):
            self.add(row)

    def add(self, row: Received) -> None:
        self._rows.setdefault(row.key, (row, self._settings.clock()))

    def fetch(self, attachment: Attachment) -> None:
        """Have an admitted archive hashed."""
        if attachment.row.key not in self._fetching:
            self._fetching.add(attachment.row.key)
            self._fetch(attachment)

    async def retry(self) -> None:
        """Try all rows again, as keys or device lists have come; tell of those that waited too long."""
        now = self._settings.clock()
        for row, since in list(self._rows.values()):
            if row.key in self._fetching:
                continue
            made = self._reader.retry(self._room(row), row)
            if isinstance(made, Attachment):
                self.fetch(made)
            elif made is not None:
                await self.settle(made)
            elif now - since >= self._settings.wait_for_keys:
                log.warning("no key for event %s in %s", row.key, row.conversation)
                await self.settle(give_up(row))

    async def settle(self, row: Received) -> None:
        """Replace the locked row by what it turned out to be."""
        await self._intake.unlock(row)
        self._rows.pop(row.key, None)
        self._fetching.discard(row.key)
        if isinstance(row.event, Unreadable):
            log.info("unreadable: %s in %s", row.key, row.conversation)

    def __len__(self) -> int:
        return len(self._rows)

    def _room(self, row: Received) -> Room:
        assert isinstance(row.event, Locked)
        encrypted = row.event.raw["event"]["type"] == "m.room.encrypted"
        return self._rooms.known(row.conversation) or Room(row.conversation, encrypted=encrypted)
