"""What the roster knows of people's OpenPGP keys, for services that encrypt by themselves."""

from __future__ import annotations

import asyncio

from sqlalchemy import Engine
from sqlmodel import Session

from chatops.model.book import Book
from chatops.ports import Address
from chatops.service.engines import read_engine


class Keyring:
    """:class:`chatops.ports.Keys` on a database of the bot's, read only."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._engine: Engine | None = None

    async def certificate(self, address: Address) -> str | None:
        """See :meth:`chatops.ports.Keys.certificate`."""
        return await asyncio.to_thread(self._find, address)

    def _find(self, address: Address) -> str | None:
        if self._engine is None:  # at the first question: the bot has brought the schema up to date by then
            self._engine = read_engine(self._database, connections=2)
        with Session(self._engine) as session:
            contact = Book(session).at(address)
            return contact.public_key if contact is not None and contact.active else None
