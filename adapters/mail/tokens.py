"""Reply codes: one in each mail that goes to one person, good for one answer from that person's address.

A code names the effect that sent it and proves that whoever answers has read the mail, which is encrypted wherever it
is private. Nothing is stored to make one; that one was used is stored, with what it was used for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

LABEL = "Reply code:"
_CODE = re.compile(r"Reply[ \u00a0]code:\s*([0-9a-f]{16})-([a-z2-7]{16})", re.IGNORECASE)
_SHORT = 16


class Tokens:
    """Makes and checks codes. ``secret`` stays the same for the life of an installation."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def code(self, effect: str, address: str) -> str:
        """The code of an effect (its id is hex) for whom it goes to."""
        return f"{effect[:_SHORT]}-{self._mac(effect[:_SHORT], address)}"

    def find(self, text: str, address: str) -> str | None:
        """The beginning of the id of the effect whose code is in a text from this address; None if there is none."""
        for found in _CODE.finditer(text):
            effect, mac = found[1].lower(), found[2].lower()
            if hmac.compare_digest(mac, self._mac(effect, address)):
                return effect
        return None

    def name(self, digest: str) -> str:
        """A name for a file that only who is told it knows; the same each time."""
        return self._mac(digest, "file")

    def _mac(self, effect: str, address: str) -> str:
        digest = hmac.digest(self._secret, f"{effect} {address}".encode(), hashlib.sha256)
        return base64.b32encode(digest[:10]).decode().lower()
