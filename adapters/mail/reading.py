"""From the bytes of a message to what the core hears of: a letter, a bounce, or that a machine wrote."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from dataclasses import dataclass
from email.message import Message

from adapters.mail import mime
from adapters.mail.mime import Mime
from adapters.mail.pgp import Keychain, Locked, armored, bare, signed
from adapters.mail.settings import MailSettings
from adapters.mail.tokens import Tokens
from chatops.ports import MAIL, Address, Automatic, Bounced, Event, Keys, Letter

log = logging.getLogger(__name__)

_PGP = b"-----BEGIN PGP MESSAGE-----"
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")


@dataclass(frozen=True)
class Read:
    """What a message is. ``proof`` names what it was proven by, so that it is good once only."""

    event: Event
    proof: str | None = None


@dataclass(frozen=True)
class _Inside:
    """What there is to read: ``by`` says what it was signed with, by the sender's key."""

    message: Message
    sealed: bool = False
    by: str | None = None


class Reader:
    """Reads messages. Never raises for what is in one."""

    def __init__(self, settings: MailSettings, chain: Keychain, keys: Keys, tokens: Tokens) -> None:
        self._settings = settings
        self._chain = chain
        self._keys = keys
        self._tokens = tokens

    async def read(self, raw: bytes, key: str) -> Read:
        """``key`` stands in for a Message-ID where there is none."""
        outer = mime.parse(raw)
        message = outer.message
        who = mime.sender(message)
        machine = self._machine(outer, who)
        if machine is not None:
            return Read(machine)
        certificate = await self._keys.certificate(Address(MAIL, "", who)) if who else None
        try:
            return self._letter(outer, who, [certificate] if certificate else [], key)
        except Exception as problem:  # nothing is lost: a person looks at it
            log.warning("letter %s could not be taken apart: %s", key, type(problem).__name__)
            return Read(Letter(sender=who, event=key, subject="", text="", original=_base64(raw), more=True))

    def _letter(self, outer: Mime, who: str, certificates: list[str], key: str) -> Read:
        message = outer.message
        inside = self._open(outer, certificates)
        text, more = mime.text_of(inside.message)
        effect = self._tokens.find(text, who) if who else None
        proof = f"code {effect}" if effect else f"signature {inside.by}" if inside.by else None
        letter = Letter(
            sender=who,
            event=next(iter(mime.ids(message, "Message-ID")), key),
            subject=mime.header(message, "Subject"),
            text="" if inside.sealed else mime.own_words(text),
            original=_base64(outer.raw),
            answers=mime.ids(message, "References", "In-Reply-To"),
            effect=effect,
            sealed=inside.sealed,
            answerable=answerable(message, who, self._settings.address),
            more=more or inside.sealed,
            certificate=mime.certificate_in(inside.message) or _autocrypt(message, who),
        )
        return Read(letter, proof)

    def _machine(self, outer: Mime, who: str) -> Event | None:
        """A bounce, an auto-reply, or our own come back (RFC 3464, 3834)."""
        message = outer.message
        answers = mime.ids(message, "References", "In-Reply-To")
        if self._settings.address in (mime.header(message, "Resent-From").lower(), who):
            return Automatic(sender=who, what="loop", answers=answers)
        if outer.kind == "multipart/report" and "delivery-status" in str(message.get_param("report-type")).lower():
            return _report(message, who)
        if mime.header(message, "Auto-Submitted").lower().startswith("auto-replied") or _vacation(message):
            return Automatic(sender=who, what="auto-reply", answers=answers)
        return None

    def _open(self, outer: Mime, certificates: list[str]) -> _Inside:
        """What is inside the seals of a message (RFC 3156), and whether the sender signed it."""
        sealed = _sealed(outer)
        if sealed is not None:
            try:
                opened = self._chain.open(sealed, certificates)
            except Locked:
                return _Inside(outer.message, sealed=True)
            inner = mime.parse(opened.content)
            if outer.kind != "multipart/encrypted":  # armour in a plain text holds a text, no headers
                inner = mime.parse(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + opened.content)
            if opened.signers:
                return _Inside(inner.message, by=_digest(bare(sealed)))
            return self._signed(inner, certificates)
        return self._signed(outer, certificates)

    def _signed(self, outer: Mime, certificates: list[str]) -> _Inside:
        parts = outer.parts
        if outer.kind != "multipart/signed" or len(parts) != 2:
            return _Inside(outer.message)
        content, signature = mime.first_part(outer), mime.content(parts[1])
        if signed(content, signature, certificates):
            return _Inside(mime.parse(content).message, by=_digest(content + bare(signature)))
        return _Inside(outer.message)


def _sealed(outer: Mime) -> bytes | None:
    """The encrypted message in a message, if there is one."""
    if outer.kind == "multipart/encrypted":
        return mime.content(outer.parts[1]) if len(outer.parts) > 1 else b""
    if outer.kind == "text/plain" and mime.content(outer.message).lstrip().startswith(_PGP):
        return mime.content(outer.message)
    return None


def _autocrypt(message: Message, who: str) -> str | None:
    """The key that many mail programs send along (autocrypt.org, level 1), if it is the sender's."""
    told = dict(part.strip().partition("=")[::2] for part in str(message.get("Autocrypt", "")).split(";"))
    if told.get("addr", "").lower() != who or not told.get("keydata"):
        return None
    try:
        return armored(base64.b64decode("".join(told["keydata"].split()), validate=True))
    except ValueError:
        return None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _vacation(message: Message) -> bool:
    """Machines that say so in their own way."""
    return "X-Autoreply" in message or "X-Autorespond" in message or "X-Vacation" in message


def answerable(message: Message, who: str, own: str) -> bool:
    """Whether an answer by a machine is in order (RFC 3834, 2): not to machines, lists, nobody, or ourselves."""
    if mime.header(message, "Auto-Submitted").lower() not in ("", "no"):
        return False
    if mime.header(message, "Precedence").lower() in ("bulk", "list", "junk"):
        return False
    if any(name.lower().startswith("list-") for name in message.keys()):  # noqa: SIM118  # iterating a Message is not over names
        return False
    if mime.header(message, "Return-Path") == "<>":
        return False
    name = who.partition("@")[0]
    return bool(who) and who != own and not re.fullmatch(r"mailer-daemon|postmaster|no-?reply|do-?not-?reply", name)


def _report(message: Message, who: str) -> Event:
    """A delivery status notification (RFC 3464): of which message, and why."""
    fields: dict[str, str] = {}
    ours: tuple[str, ...] = ()
    for part in mime.leaves(message):
        for name, value in part.items():
            fields.setdefault(name.lower(), str(value))
    for part in mime.leaves(message):
        ours = ours or mime.ids(part, "Message-ID")
        if part.get_content_type() == "text/rfc822-headers":
            ours = mime.ids(mime.parse(mime.content(part)).message, "Message-ID") or ours
    status = _STATUS.search(fields.get("status", ""))
    if ours and status is not None and fields.get("action", "").strip().lower() == "failed":
        return Bounced(message=ours[0], status=status[0])
    return Automatic(sender=who, what="delay", answers=ours)
