"""What people's mail programs write and show: answers with quotes, signed and sealed mail, bounces, vacations.

Everybody has an OpenPGP key, by name; ``security`` is the bot's.
"""

from __future__ import annotations

import functools
from email import message_from_bytes
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, default

from pysequoia import Cert, SignatureMode, Tsk, decrypt, encrypt, sign

BOT = "security@dynasched.example"


@functools.cache
def key(name: str) -> Tsk:
    """Somebody's own key."""
    return Tsk.generate(f"{name} <{name}@example.org>")


def public(name: str) -> str:
    return str(key(name).extract_certificate())


def unsealed(message: EmailMessage, name: str) -> EmailMessage:
    """What is inside a message that the bot encrypted to somebody and signed; one that is not encrypted as it is.

    Raises AssertionError if the signature is not the bot's.
    """
    if message.get_content_type() != "multipart/encrypted":
        return message
    data = message.get_payload(1)
    assert isinstance(data, EmailMessage)
    held = data.get_payload(decode=True)
    assert isinstance(held, bytes)
    signer = Cert.from_bytes(public("security").encode())
    inside = decrypt(held, key(name).decryptor(), store=lambda ids: [signer])
    assert inside.valid_sigs
    return message_from_bytes(inside.bytes or b"", policy=default)


def told(message: EmailMessage) -> str:
    """What a message says, and the names of what is attached."""
    names = [part.get_filename() or "" for part in message.iter_attachments()]
    body = message.get_body(("plain",))
    return (body.get_content() if body else "") + "".join(f"\n[{name}]" for name in names)


def plain(sender: str, text: str, subject: str = "hello", **headers: str) -> EmailMessage:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, BOT, subject
    made["Message-ID"] = f"<{abs(hash((sender, text, subject)))}@mua.example>"
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text, cte="8bit" if text.isascii() else "quoted-printable")
    return made


def reply(sender: str, text: str, to: EmailMessage, quoted: str, **headers: str) -> EmailMessage:
    """An answer as most programs make it: the thread's headers, and all of what is answered quoted below."""
    below = "".join(f"> {row}\n" for row in quoted.splitlines())
    return plain(
        sender,
        f"{text}\n\nOn Monday, the security team wrote:\n{below}",
        f"Re: {to['Subject']}",
        In_Reply_To=to["Message-ID"],
        References=f"{to['References'] or ''} {to['Message-ID']}".strip(),
        **headers,
    )


def signed(name: str, message: EmailMessage) -> bytes:
    """The same with a detached signature (RFC 3156, 5)."""
    inner = EmailMessage(policy=SMTP)
    inner.set_content(message.get_content(), cte="quoted-printable")
    del inner["MIME-Version"]
    content = inner.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    signature = sign(key(name).signer(), content, mode=SignatureMode.DETACHED)
    head = b"".join(
        f"{field}: {value}\r\n".encode()
        for field, value in message.items()
        if not field.lower().startswith(("content-", "mime-"))
    )
    return (
        head
        + b'MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary="=-s"; micalg=pgp-sha512;'
        + b' protocol="application/pgp-signature"\r\n\r\n--=-s\r\n'
        + content
        + b"\r\n--=-s\r\nContent-Type: application/pgp-signature\r\n\r\n"
        + signature
        + b"\r\n--=-s--\r\n"
    )


def sealed(name: str | None, message: EmailMessage, to: str = "security") -> bytes:
    """The same encrypted to the bot (RFC 3156, 4), signed by somebody or by nobody."""
    inner = EmailMessage(policy=SMTP)
    inner.set_content(message.get_content(), cte="quoted-printable")
    signer = key(name).signer() if name else None
    secret = encrypt(inner.as_bytes(), [Cert.from_bytes(public(to).encode())], signer)
    made = EmailMessage(policy=SMTP)
    for field, value in message.items():
        if not field.lower().startswith(("content-", "mime-")):
            made[field] = value
    made["MIME-Version"] = "1.0"
    made.add_header("Content-Type", "multipart/encrypted", protocol="application/pgp-encrypted")
    control, data = MIMEPart(policy=SMTP), MIMEPart(policy=SMTP)
    control.add_header("Content-Type", "application/pgp-encrypted")
    control.set_payload("Version: 1\r\n")
    data.add_header("Content-Type", "application/octet-stream")
    data.set_payload(secret.decode())
    made.set_payload([control, data])
    return made.as_bytes()


def bounce(of: EmailMessage, status: str = "5.1.1", action: str = "failed") -> bytes:
    """A delivery status notification (RFC 3464)."""
    return (
        "From: MAILER-DAEMON@mx.example\r\n"
        f"To: {BOT}\r\nSubject: Undelivered\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt failed.\r\n\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; x@y.example\r\nAction: {action}\r\nStatus: {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {of['Message-ID']}\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()
