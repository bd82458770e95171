"""In over IMAP: new mail is committed to the inbox before it is marked seen; IDLE tells of it, or a look every minute.

How far the mailbox was read is a cursor that is committed with what was read, so that nothing depends on the flags that
others who use the mailbox may set.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from contextlib import suppress

import aioimaplib

from adapters.mail import mime
from adapters.mail.reading import Read, Reader
from adapters.mail.settings import MailSettings
from chatops.ports import MAIL, Automatic, Intake, Letter, Received

log = logging.getLogger(__name__)

_BACKOFF = (1.0, 5.0, 20.0, 60.0)
_FAREWELL = 2.0
"""Seconds that the server is given to answer a logout."""
_SOON = 1.0
"""Seconds to wait at first after something came: the library drops a server's word of what comes during a look."""
_CURSOR = "mail seen"


class Lost(Exception):
    """The server cannot be reached, or does not do what it should. ``code`` is a word for the log."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Incoming:
    """Reads the mailbox as long as it runs."""

    def __init__(self, settings: MailSettings, intake: Intake, reader: Reader) -> None:
        self._settings = settings
        self._intake = intake
        self._reader = reader
        self._task: asyncio.Task[None] | None = None
        logging.getLogger("aioimaplib").setLevel(logging.CRITICAL)  # it logs what it reads

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        # The library waits with asyncio.wait_for, which in Python 3.11 loses a cancellation that comes with the answer.
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_FAREWELL + 1)
        self._task = None

    async def _run(self) -> None:
        failures = 0
        while True:
            box: _Mailbox | None = None
            try:
                box = await _Mailbox.open(self._settings)
                failures = 0
                patience = _SOON
                while True:
                    while await self._fetch(box):
                        patience = _SOON
                    await box.wait(min(patience, self._settings.poll))
                    patience = self._settings.poll
            except (TimeoutError, Lost, OSError, aioimaplib.AioImapException) as problem:
                code = problem.code if isinstance(problem, Lost) else type(problem).__name__
                log.warning("the mailbox cannot be read now: %s", code)
            except Exception as problem:  # what a database says can hold a letter's text
                log.error("the mailbox cannot be read now: %s", type(problem).__name__)
            finally:
                if box is not None:
                    await box.close()
            await asyncio.sleep(_BACKOFF[min(failures, len(_BACKOFF) - 1)])
            failures += 1

    async def _fetch(self, box: _Mailbox) -> int:
        """Take all that came since the last look; how much that was."""
        kept = await self._intake.cursor(_CURSOR)
        validity, _, last = (kept or "").partition(":")
        known = int(last) if validity == box.validity and last.isdigit() else None
        found = await box.new(known)
        for uid in found:
            key = f"{box.validity}.{uid}"
            read = await self._read(box, uid, key)
            conversation = f"mail:{getattr(read.event, 'sender', '')}"
            row = Received(
                service=MAIL, key=key, conversation=conversation, at=self._settings.clock(), event=read.event
            )
            await self._intake.admit([row], cursor=(_CURSOR, f"{box.validity}:{uid}"))
            await box.seen(uid)
        return len(found)

    async def _read(self, box: _Mailbox, uid: int, key: str) -> Read:
        if await box.size(uid) > self._settings.largest_letter:
            head = mime.parse(await box.body(uid, "HEADER"))
            return Read(Automatic(sender=mime.sender(head.message), what="too-large"))
        read = await self._reader.read(await box.body(uid), key)
        if read.proof is None or not isinstance(read.event, Letter):
            return read
        return Read(read.event.model_copy(update={"proven": await self._first(read.proof, key)}))

    async def _first(self, proof: str, key: str) -> bool:
        """Whether a proof is used for the first time; the same letter may come again after a crash."""
        name = f"mail {proof}"
        used = await self._intake.cursor(name)
        if used is None:
            await self._intake.admit((), cursor=(name, key))
        return used in (None, key)


class _Mailbox:
    """A connection with a folder selected. Raises Lost, OSError, TimeoutError or what aioimaplib raises."""

    def __init__(self, client: aioimaplib.IMAP4) -> None:
        self._client = client
        self.validity = ""

    @classmethod
    async def open(cls, settings: MailSettings) -> _Mailbox:
        assert settings.imap_host is not None
        host, port, timeout = settings.imap_host, settings.imap_port, settings.timeout
        if settings.imap_tls == "tls":
            context = ssl.create_default_context(cafile=settings.ca_file)
            client = aioimaplib.IMAP4_SSL(host, port, timeout=timeout, ssl_context=context)
        else:
            client = aioimaplib.IMAP4(host, port, timeout=timeout)
        box = cls(client)
        try:
            await client.wait_hello_from_server()
            _good(await client.login(settings.login, settings.password or ""), "login")
            selected = _good(await client.select(_quoted(settings.mailbox)), "select")
        except BaseException:
            await box.close()
            raise
        found = re.search(rb"UIDVALIDITY (\d+)", b" ".join(bytes(one) for one in selected))
        if found is None:
            raise Lost("no-uidvalidity")
        box.validity = found[1].decode()
        return box

    async def new(self, known: int | None) -> list[int]:
        """The numbers of messages after a known one, oldest first; without one, of those that nobody has seen."""
        what = "UNSEEN" if known is None else f"UID {known + 1}:*"
        answer = _good(await self._client.uid_search(what, charset=None), "search")
        found = {int(one) for row in answer[:-1] for one in bytes(row).split() if one.isdigit()}
        return sorted(one for one in found if known is None or one > known)  # "n:*" names the last one always

    async def size(self, uid: int) -> int:
        answer = _good(await self._client.uid("fetch", str(uid), "(UID RFC822.SIZE)"), "fetch")
        found = re.search(rb"RFC822\.SIZE (\d+)", b" ".join(bytes(one) for one in answer))
        return int(found[1]) if found else 0

    async def body(self, uid: int, what: str = "") -> bytes:
        """A message as it is, without marking it. Raises Lost if it is gone."""
        answer = _good(await self._client.uid("fetch", str(uid), f"(UID BODY.PEEK[{what}])"), "fetch")
        for one in answer:
            if isinstance(one, bytearray):  # so the library gives literals
                return bytes(one)
        raise Lost("no-body")

    async def seen(self, uid: int) -> None:
        await self._client.uid("store", str(uid), "+FLAGS.SILENT", r"(\Seen)")

    async def wait(self, patience: float) -> None:
        """Until there is something new, or it is time to look: so many seconds."""
        if not self._client.has_capability("IDLE"):
            await asyncio.sleep(patience)
            _good(await self._client.noop(), "noop")
            return
        idle = await self._client.idle_start()
        try:
            with suppress(asyncio.TimeoutError):  # a server may forget to tell: look
                while not any(b"EXISTS" in bytes(row) for row in await self._client.wait_server_push(patience)):
                    pass
        finally:
            self._client.idle_done()
        await asyncio.wait_for(idle, self._client.timeout)

    async def close(self) -> None:
        with suppress(Exception):
            if self._client.get_state() in (aioimaplib.AUTH, aioimaplib.SELECTED):
                await asyncio.wait_for(self._client.logout(), _FAREWELL)
        transport = getattr(self._client.protocol, "transport", None)
        if transport is not None:
            transport.close()


def _good(response: aioimaplib.Response, what: str) -> list[bytes]:
    if response.result != "OK":
        raise Lost(what)
    return list(response.lines)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
