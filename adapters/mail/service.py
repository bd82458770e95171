"""The mail service: wires the parts, starts and stops them."""

from __future__ import annotations

import secrets

from adapters.mail.imap import Incoming
from adapters.mail.outgoing import Outgoing
from adapters.mail.pgp import BadKey, Keychain
from adapters.mail.reading import Reader
from adapters.mail.settings import MailSettings
from adapters.mail.smtp import Smtp
from adapters.mail.tokens import Tokens
from chatops.ports import MAIL, Effect, Intake, Keys, Receipt, TryLater

_SECRET = "mail secret"  # noqa: S105  # the name of the cursor that keeps it
"""What reply codes are made with: kept with the rest of the state, so that a restored backup still knows its own."""


class Unusable(Exception):
    """Mail can't be used as configured. The text is one line for the operator, without a secret."""


class MailService:
    """A ports.Service. One object is started once."""

    name = MAIL

    def __init__(self, settings: MailSettings, keys: Keys) -> None:
        self._settings = settings
        self._keys = keys
        self._outgoing: Outgoing | None = None
        self._incoming: Incoming | None = None

    async def start(self, intake: Intake) -> None:
        """Begin to read the mailbox. Whether its server can be reached shows in the log, and in time.

        Raises Unusable: the OpenPGP key cannot be read.
        """
        try:
            chain = Keychain(self._settings.key, self._settings.key_password)
        except BadKey as problem:
            raise Unusable(f"mail.key_file: {problem}") from None
        tokens = Tokens(await _secret(intake))
        self._outgoing = Outgoing(self._settings, Smtp(self._settings), chain, self._keys, tokens)
        if self._settings.imap_host is not None:
            self._incoming = Incoming(self._settings, intake, Reader(self._settings, chain, self._keys, tokens))
            self._incoming.start()

    async def perform(self, effect: Effect) -> Receipt:
        """Do it. Raises :class:`TryLater` or :class:`chatops.ports.Impossible`."""
        if self._outgoing is None:
            raise TryLater("not-started")
        return await self._outgoing.perform(effect)

    async def stop(self) -> None:
        """Take nothing new, disconnect."""
        if self._incoming is not None:
            await self._incoming.stop()
            self._incoming = None


async def _secret(intake: Intake) -> bytes:
    kept = await intake.cursor(_SECRET)
    if kept is None:
        kept = secrets.token_hex(32)
        await intake.admit((), cursor=(_SECRET, kept))
    return bytes.fromhex(kept)
