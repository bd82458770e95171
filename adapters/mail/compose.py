"""From a document to a message: subject, text, threading headers, attachments, PGP/MIME (RFC 3156).

The subject names the case and the kind only, for mail servers read it. Only an announcement has its title there.
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address as Mailbox
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP
from email.utils import format_datetime

from adapters.mail.pgp import Keychain
from adapters.mail.settings import MailSettings
from adapters.mail.tokens import LABEL
from chatops.document import Document
from chatops.plain import plain_text, title_line

_WIDE = SMTP.clone(max_line_length=990)
"""Message-IDs may be longer than a line of 78, and the library would encode what it cannot fold (RFC 5322: 998)."""
FOOTER = (
    "——\n"  # not "-- ", which mail programs leave out of what they quote
    "To answer, reply to this mail. A command stands alone in the first line. Please leave the next line in: it shows,"
    " once, that the answer is yours."
)


@dataclass(frozen=True)
class File:
    name: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """What is to be sent, apart from how it is protected. ``answers`` are ids of messages, the newest last."""

    id: str
    to: str
    subject: str
    text: str
    answers: Sequence[str] = ()
    files: Sequence[File] = ()
    automatic: bool = True


def message_id(effect: str, settings: MailSettings) -> str:
    """Of an effect, always the same: a receiver that got it twice may fold it. Without the angle brackets."""
    return f"{effect}@{settings.domain}"


def thread_id(case: str, to: str, settings: MailSettings) -> str:
    """What all mail about a case to one person hangs on. No message has it; and nobody else's thread has the same."""
    mark = hashlib.sha256(f"{case} {to}".encode()).hexdigest()[:16]
    return f"{case.lower()}.{mark}@{settings.domain}"


def subject(case: str | None, kind: str, settings: MailSettings) -> str:
    return f"[{settings.project}] {case}: {kind}" if case else f"[{settings.project}] {kind}"


def body(document: Document, code: str | None) -> str:
    """The document as text; with a footer that bears the reply code where it goes to one person."""
    text = plain_text(document, prefix="")
    return f"{text}\n\n{FOOTER}\n{LABEL} {code}\n" if code else f"{text}\n"


def announcement(document: Document) -> str:
    """As :func:`body`, for everybody: the subject has the title already."""
    return plain_text(document, prefix="").removeprefix(title_line(document)).lstrip("\n") + "\n"


def message(letter: Letter, settings: MailSettings, now: datetime, chain: Keychain, certificate: str | None) -> bytes:
    """The message as it goes out, encrypted where there is a certificate.

    Raises :class:`adapters.mail.pgp.BadKey` if nothing can be encrypted to it.
    """
    inner = _content(letter)
    made = inner if certificate is None else _sealed(inner, chain, certificate)
    made["From"] = Mailbox(f"{settings.project} security team", addr_spec=settings.address)
    made["To"] = Mailbox(addr_spec=letter.to)
    made["Subject"] = letter.subject
    made["Date"] = format_datetime(now)
    made["Message-ID"] = f"<{letter.id}>"
    if letter.answers:
        made["In-Reply-To"] = f"<{letter.answers[-1]}>"
        made["References"] = " ".join(f"<{one}>" for one in letter.answers)
    if letter.automatic:
        if keydata := chain.keydata:
            made["Autocrypt"] = f"addr={settings.address}; keydata={keydata}"
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5
        made["X-Auto-Response-Suppress"] = "All"
    return made.as_bytes(policy=_WIDE)


def resent(raw: bytes, event: str, to: str, settings: MailSettings, now: datetime) -> bytes:
    """Somebody else's message as it came, under a note of who passed it on (RFC 5322, 3.6.6)."""
    note = (
        f"Resent-From: {settings.address}\r\nResent-To: {to}\r\n"
        f"Resent-Date: {format_datetime(now)}\r\nResent-Message-ID: <{event}>\r\n"
    )
    return note.encode("ascii") + raw


def _content(letter: Letter) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made.set_content(letter.text, charset="utf-8", cte="quoted-printable")
    for file in letter.files:
        sort, _, rest = (mimetypes.guess_type(file.name)[0] or "application/octet-stream").partition("/")
        if sort in ("text", "message", "multipart"):  # nothing on the way may touch its line ends
            sort, rest = "application", "octet-stream"
        made.add_attachment(file.content, maintype=sort, subtype=rest, filename=file.name)
    return made


def _sealed(inner: EmailMessage, chain: Keychain, certificate: str) -> EmailMessage:
    """RFC 3156, 4: a control part, then the encrypted message."""
    secret = chain.seal(inner.as_bytes(), certificate)
    made = EmailMessage(policy=SMTP)
    made["MIME-Version"] = "1.0"
    made.add_header("Content-Type", "multipart/encrypted", protocol="application/pgp-encrypted")
    control = MIMEPart(policy=SMTP)
    control.add_header("Content-Type", "application/pgp-encrypted")
    control.set_payload("Version: 1\r\n")
    data = MIMEPart(policy=SMTP)
    data.add_header("Content-Type", "application/octet-stream", name="encrypted.asc")
    data.add_header("Content-Disposition", "inline", filename="encrypted.asc")
    data.set_payload(secret.decode("ascii"))
    made.set_payload([control, data])
    return made
