"""OpenPGP by Sequoia: to encrypt and sign what goes out, to decrypt and check what comes in."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from pysequoia import Cert, Sig, Tsk, decrypt, encrypt, verify


class BadKey(Exception):
    """A key that cannot be used. The text is one line for the operator, without anything secret."""


class Locked(Exception):
    """Something encrypted that our key does not open, or that is damaged."""


@dataclass(frozen=True)
class Opened:
    """What was inside, and the fingerprints of the certificates by which it was validly signed."""

    content: bytes
    signers: frozenset[str] = frozenset()


class Keychain:
    """The bot's own key, or none."""

    def __init__(self, key: str | None, password: str | None = None) -> None:
        """Raises :class:`BadKey`."""
        self._key = None if key is None else _own(key, password)
        self._password = password

    @property
    def keydata(self) -> str:
        """The public half of the bot's own key as an Autocrypt header bears it (autocrypt.org): in base64, with
        blanks at which a line may be folded.
        """
        key = b"" if self._key is None else bytes(self._key.extract_certificate())
        return " ".join(textwrap.wrap(base64.b64encode(key).decode(), 72))

    def seal(self, content: bytes, certificate: str) -> bytes:
        """An armored message that only the certificate's holder reads, signed where the bot has a key.

        Raises :class:`BadKey`: nothing can be encrypted to this certificate (it expired, was revoked, only signs).
        """
        signer = None if self._key is None else self._key.signer(self._password)
        try:
            return bytes(encrypt(content, [Cert.from_bytes(certificate.encode())], signer))
        except Exception:
            raise BadKey("nothing can be encrypted to this key") from None

    def open(self, message: bytes, certificates: Sequence[str]) -> Opened:
        """What an encrypted message holds. ``certificates`` are those whose signatures count.

        Raises :class:`Locked`.
        """
        if self._key is None:
            raise Locked
        known = _certs(certificates)
        decryptor = self._key.decryptor(self._password)
        try:
            found = decrypt(message, decryptor, store=lambda ids: known)
        except Exception:  # also if it is not signed, or not by any of them
            try:
                found = decrypt(message, decryptor)
            except Exception:
                raise Locked from None
        return Opened(found.bytes or b"", frozenset(str(one.certificate) for one in found.valid_sigs))


def signed(content: bytes, signature: bytes, certificates: Sequence[str]) -> frozenset[str]:
    """The fingerprints of those of some certificates that validly signed a content, by a detached signature."""
    known = _certs(certificates)
    if not known:
        return frozenset()
    try:
        found = verify(content, store=lambda ids: known, signature=Sig.from_bytes(signature))
    except Exception:  # no valid signature
        return frozenset()
    return frozenset(str(one.certificate) for one in found.valid_sigs)


def bare(armored: bytes) -> bytes:
    """What is inside an armour, without what anybody may add to it on the way (RFC 9580, 6.2: headers, blanks)."""
    _, _, below = armored.replace(b"\r\n", b"\n").partition(b"\n\n")
    rows = below.split(b"\n")
    end = next((at for at, row in enumerate(rows) if row.startswith((b"=", b"-----"))), len(rows))
    return b"".join(b"".join(rows[:end]).split())


def armored(keydata: bytes) -> str | None:
    """A public key in its binary form, in armour; None if it is none."""
    try:
        return str(Cert.from_bytes(keydata))
    except Exception:
        return None


def _certs(certificates: Sequence[str]) -> list[Cert]:
    return [Cert.from_bytes(one.encode()) for one in certificates]


def _own(key: str, password: str | None) -> Tsk:
    try:
        own = Tsk.from_bytes(key.encode())
        own.signer(password)
        own.decryptor(password)
    except Exception:
        raise BadKey("the bot's OpenPGP key cannot be read: it must be a secret key, and its password right") from None
    return own
