"""Somebody who has mail and nothing else: they look into their mailbox by IMAP, read with their own OpenPGP key, and
answer by SMTP, encrypted and signed.
"""

from __future__ import annotations

import asyncio
import imaplib
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import aiosmtplib

from adapters.stage.letters import BOT, reply, sealed, told, unsealed
from adapters.stage.onlooker import Onlooker
from adapters.stage.post_office import PASSWORD, PostOffice
from adapters.stage.seen import Message


async def posted(office: PostOffice, sender: str, raw: bytes) -> None:
    """Somebody, or who says that they are, sends mail to the bot."""
    port = office.smtp_port
    await aiosmtplib.send(raw, sender=sender, recipients=[BOT], hostname="127.0.0.1", port=port, start_tls=False)


class Correspondent(Onlooker):
    """``name`` is whose key they have; a mailing list's reader has none. A message is ``decrypted`` if it came
    encrypted, and was signed by the bot.
    """

    def __init__(self, office: PostOffice, address: str) -> None:
        super().__init__(address)
        self.name = address.partition("@")[0]
        self._office = office
        self._letters: dict[str, EmailMessage] = {}

    def letter(self, seen: Message) -> EmailMessage:
        """A message as it came."""
        return self._letters[seen.room]

    # --- doing -------------------------------------------------------------------------------------------------------

    async def say(self, room: str, text: str) -> str:
        """Answer the bot's message ``room``, with all of it quoted. Returns a Message-ID."""
        to = self._letters[room]
        written = reply(self.id, text, to, told(unsealed(to, self.name)))
        await posted(self._office, self.id, sealed(self.name, written))
        return str(written["Message-ID"])

    async def fetch(self, file: Message) -> bytes:
        """What is attached to a message, the first of it."""
        part = next(unsealed(self._letters[file.room], self.name).iter_attachments())
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        return data

    # --- seeing ------------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        for raw in (await asyncio.to_thread(self._fetched))[len(self._letters) :]:
            message = message_from_bytes(raw, policy=default)
            number = str(message["Message-ID"])
            self._letters[number] = message
            await self.memory.add(_read(message, unsealed(message, self.name)))

    def _fetched(self) -> list[bytes]:
        """Every message of the mailbox, oldest first."""
        with imaplib.IMAP4("127.0.0.1", self._office.imap_port, timeout=30) as imap:  # on leaving, it logs out
            imap.login(self.id, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            numbers = found[0].replace(b" ", b",").decode()
            parts = imap.fetch(numbers, "(BODY.PEEK[])")[1] if numbers else []
        return [part[1] for part in parts if isinstance(part, tuple)]


def _read(message: EmailMessage, inside: EmailMessage) -> Message:
    number = str(message["Message-ID"])
    return Message(
        room=number,
        sender=str(message["From"]),
        event=number,
        at=0,
        decrypted=inside is not message,
        kind="m.file" if any(inside.iter_attachments()) else "m.text",
        body=f"{message['Subject']}\n{told(inside)}",
        formatted=None,
        thread=None,
        reply_to=str(message["In-Reply-To"] or "") or None,
        replaces=None,
        content={},
    )
