"""From effects to mail. One person's address is their room; a list's address is a public room.

SMTP has no idempotency: where it is unknown whether the server took a message, the same Message-ID is sent again. This
is the one exception to exactly once; many receivers fold the second.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from datetime import datetime, timedelta

from adapters.mail import large
from adapters.mail.compose import File, Letter, announcement, body, message, message_id, resent, subject, thread_id
from adapters.mail.pgp import BadKey, Keychain
from adapters.mail.settings import MailSettings
from adapters.mail.smtp import Smtp
from adapters.mail.tokens import Tokens
from chatops.document import Document, Tlp
from chatops.ports import (
    MAIL,
    Address,
    Effect,
    Impossible,
    Keys,
    Leave,
    OpenRoom,
    Post,
    Receipt,
    Relay,
    Remove,
    Retire,
    Upload,
)

_ASK_AGAIN = timedelta(days=1)


class Outgoing:
    """Performs effects. Raises TryLater or Impossible."""

    def __init__(self, settings: MailSettings, smtp: Smtp, chain: Keychain, keys: Keys, tokens: Tokens) -> None:
        self._settings = settings
        self._smtp = smtp
        self._chain = chain
        self._keys = keys
        self._tokens = tokens
        self._asked: dict[str, datetime] = {}

    async def perform(self, effect: Effect) -> Receipt:
        match effect.deed:
            case OpenRoom(purpose="direct", invite=(user,)):
                return Receipt(data={"room": user, "joined": [user]})
            case Post() as deed:
                return await self._post(effect, deed)
            case Upload() as deed:
                return await self._upload(effect, deed)
            case Relay() as deed:
                return await self._relay(effect, deed)
            case Remove() | Leave():
                return Receipt()
            case Retire():
                return Receipt(data={"closed": False})
        raise Impossible("unsupported")

    async def _post(self, effect: Effect, deed: Post) -> Receipt:
        to, document = _to(effect), deed.document
        public = effect.audience is None
        certificate = None if public else await self._certificate(effect, to)
        private = effect.case is not None or document.tlp > Tlp.GREEN
        if private and public:
            raise Impossible("not-public")
        if private and certificate is None and not self._settings.allow_plain:
            return await self._ask_for_contact(effect, to)
        tag = self._settings.tags.get(to)
        about = document.title if public else subject(effect.case, document.kind, self._settings)
        letter = Letter(
            id=message_id(effect.id, self._settings),
            to=to,
            subject=f"{tag} {about}" if tag else about,
            text=announcement(document) if public else body(document, self._tokens.code(effect.id, to)),
            answers=self._thread(effect, to) + [one for one in (deed.thread, effect.target or deed.reply_to) if one],
            automatic=not public,  # two people confirmed it, word for word
            files=[_read(one) for one in deed.files],
        )
        await self._send(letter, certificate)
        return Receipt(event=letter.id)

    def _thread(self, effect: Effect, to: str) -> list[str]:
        """The case's thread with this person. What is edited elsewhere is answered here."""
        return [thread_id(effect.case, to, self._settings)] if effect.case else []

    async def _upload(self, effect: Effect, deed: Upload) -> Receipt:
        to = _to(effect)
        public = effect.audience is None
        if public and effect.case is not None:
            raise Impossible("not-public")
        certificate = None if public else await self._certificate(effect, to)
        if certificate is None and not (public or self._settings.allow_plain):
            return await self._ask_for_contact(effect, to)
        try:
            if deed.size() > self._settings.largest_file:
                if public:
                    raise Impossible("too-large-to-attach")
                return await self._large(effect, deed, to, certificate)
            file = _read(deed)
        except OSError:
            raise Impossible("no-such-file") from None
        tag = self._settings.tags.get(to)
        about = deed.name if public else subject(effect.case, "file", self._settings)
        letter = Letter(
            id=message_id(effect.id, self._settings),
            to=to,
            subject=f"{tag} {about}" if tag else about,
            text=f"{deed.name}\nSHA-256 {deed.sha256}\n",
            answers=self._thread(effect, to),
            files=[file],
            automatic=not public,
        )
        await self._send(letter, certificate)
        return Receipt(event=letter.id)

    async def _large(self, effect: Effect, deed: Upload, to: str, certificate: str | None) -> Receipt:
        """A link to it, where there is a place for such files; else its name and digest, and how to ask for it."""
        shelf, url = self._settings.shelf, None
        if shelf is not None:
            url = await asyncio.to_thread(large.put, shelf, deed, self._tokens.name(deed.sha256))
        else:
            await asyncio.to_thread(large.verify, deed)
        letter = Letter(
            id=message_id(effect.id, self._settings),
            to=to,
            subject=subject(effect.case, "file", self._settings),
            text=body(large.instead(deed, effect.case, url), self._tokens.code(effect.id, to)),
            answers=self._thread(effect, to),
        )
        await self._send(letter, certificate)
        return Receipt(event=letter.id, data={} if url else {"too_large": deed.name})

    async def _relay(self, effect: Effect, deed: Relay) -> Receipt:
        to, event = _to(effect), message_id(effect.id, self._settings)
        raw = resent(base64.b64decode(deed.data), event, to, self._settings, self._settings.clock())
        await self._smtp.send(raw, to)
        return Receipt(event=event)

    async def _ask_for_contact(self, effect: Effect, to: str) -> Receipt:
        """There is something private to say, and no way to say it: once a day, ask for one."""
        now = self._settings.clock()
        last = self._asked.get(to)
        if last is None or now - last >= _ASK_AGAIN:
            document = Document(
                title="Please contact us",
                kind="please contact us",
                blocks=self._settings.no_key,
            )
            letter = Letter(
                id=message_id(effect.id, self._settings),
                to=to,
                subject=subject(None, document.kind, self._settings),
                text=body(document, self._tokens.code(effect.id, to)),
            )
            await self._send(letter, None)
            self._asked[to] = now
        return Receipt(event=message_id(effect.id, self._settings), data={"withheld": True})

    async def _certificate(self, effect: Effect, to: str) -> str | None:
        return await self._keys.certificate(Address(MAIL, effect.tenant, to))

    async def _send(self, letter: Letter, certificate: str | None) -> None:
        try:
            made = message(letter, self._settings, self._settings.clock(), self._chain, certificate)
        except BadKey:
            raise Impossible("openpgp-key") from None
        except ValueError:  # an address that no header takes
            raise Impossible("bad-address") from None
        await self._smtp.send(made, letter.to)


def _read(upload: Upload) -> File:
    """Raises OSError, and Impossible if it is not what it was."""
    with upload.open() as source:
        content = source.read()
    if hashlib.sha256(content).hexdigest() != upload.sha256:
        raise Impossible("changed-file")
    return File(upload.name, content)


def _to(effect: Effect) -> str:
    if effect.room is None:
        raise Impossible("no-room")
    return effect.room
