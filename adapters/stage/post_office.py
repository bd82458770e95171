"""A post office on loopback: real SMTP (aiosmtpd) and real IMAP (pymap), in the running event loop.

Mail to an address with a mailbox here is put into it; all mail is remembered as it was taken in.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Identity, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.flags import FlagOp
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Seen
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

from adapters.stage.proxy import Hold

PASSWORD = "letmein"  # noqa: S105  # on loopback, for a moment
_LARGEST = 64 << 20


@dataclass(frozen=True)
class Taken:
    """A message as SMTP took it in."""

    sender: str
    to: tuple[str, ...]
    raw: bytes
    secure: bool

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=default)


class PostOffice:
    """Start it, look at what was ``taken``, put mail in with :meth:`deliver`.

    ``refuse`` may answer a recipient with an SMTP line of its own (``550 no such user``); ``after`` may answer after a
    message was taken, as if something had gone wrong then. ``hold`` may keep a message that came in whole, and
    ``hold_answer`` the word that it was taken: whoever sends it is left waiting.
    """

    def __init__(self, *mailboxes: str, certificate: ssl.SSLContext | None = None, idle: bool = True) -> None:
        self.taken: list[Taken] = []
        self.refuse: Callable[[str], str | None] = lambda recipient: None
        self.after: Callable[[Taken], str | None] = lambda taken: None
        self.hold: Callable[[Taken], Hold | None] = lambda taken: None
        self.hold_answer: Callable[[Taken], Hold | None] = lambda taken: None
        self._certificate = certificate
        self._mailboxes = mailboxes
        self._idle = idle
        self._servers: list[asyncio.Server] = []
        self._arrived = asyncio.Event()

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._smtp = await loop.create_server(self._session, "127.0.0.1", 0)
        args = Namespace(passlib_cfg=None, proxy_protocol=None)
        self._config = Config(
            args,
            host="127.0.0.1",
            port=0,
            demo_data=False,
            demo_user="",
            demo_password="",
            tls_enabled=False,
            secure_auth=False,
            reject_dnsbl=False,
            disable_idle=not self._idle,
            invalid_user_sleep=0.0,
            hash_context=Cleartext(),
        )
        self._login = login = Login(self._config)
        for address in self._mailboxes:
            login.users_dict[address] = UserMetadata(self._config, address, password=PASSWORD)
        serve = ProxyProtocolReader(self._config.proxy_protocol).get_callback(IMAPServer(login, self._config))
        self._imap = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=self._certificate, limit=1 << 20)
        self._servers = [self._smtp, self._imap]

    def _session(self) -> SMTP:
        return SMTP(
            self,
            hostname="post.office",
            data_size_limit=_LARGEST,
            tls_context=self._certificate,
            require_starttls=self._certificate is not None,
            authenticator=self._authenticate,
            auth_require_tls=self._certificate is not None,
            auth_required=False,
            loop=asyncio.get_running_loop(),
        )

    @staticmethod
    def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    @property
    def smtp_port(self) -> int:
        return int(self._smtp.sockets[0].getsockname()[1])

    @property
    def imap_port(self) -> int:
        return int(self._imap.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    # --- SMTP's side (aiosmtpd calls these by name)

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        refusal = self.refuse(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        taken = Taken(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content, session.ssl is not None)
        if (hold := self.hold(taken)) is not None:
            await hold.keep()  # cut off with the connection: it was never taken
        self.taken.append(taken)
        for address in taken.to:
            if address in self._mailboxes:
                await self.deliver(address, taken.raw)
        self._arrived.set()
        if (hold := self.hold_answer(taken)) is not None:
            await hold.keep()
        return self.after(taken) or "250 taken"

    # --- mailboxes

    async def deliver(self, address: str, raw: bytes) -> None:
        """Put a message into a mailbox, as if it had come from outside."""
        async with self._inbox(address) as inbox:
            await inbox.append(AppendMessage(raw, datetime.now(UTC)))

    async def flags(self, address: str) -> list[set[str]]:
        """The flags of each message in a mailbox."""
        async with self._inbox(address) as inbox:
            return [{str(flag) for flag in one.permanent_flags} async for one in inbox.messages()]

    async def mark_all(self, address: str) -> None:
        """Somebody who uses the mailbox, too, has read everything."""
        await self._mark(address, FlagOp.ADD)

    async def unmark_all(self, address: str) -> None:
        await self._mark(address, FlagOp.DELETE)

    async def _mark(self, address: str, how: FlagOp) -> None:
        async with self._inbox(address) as inbox:
            for one in [one async for one in inbox.messages()]:
                await inbox.update(one.uid, one, frozenset((Seen,)), how)

    @contextlib.asynccontextmanager
    async def _inbox(self, address: str) -> AsyncIterator[MailboxData]:
        async with Identity(address, self._login, None, frozenset()).new_session() as session:
            yield await session.mailbox_set.get_mailbox("INBOX")

    async def until(self, reached: Callable[[list[Taken]], bool], seconds: float = 20.0) -> list[Taken]:
        """Wait until what was taken is as wanted. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not reached(self.taken):
                self._arrived.clear()
                await self._arrived.wait()
        return self.taken
