"""Puts a file into the media repository, encrypted as it streams where the room is encrypted."""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import os
from collections.abc import AsyncIterator
from typing import Any

from Crypto.Cipher import AES
from Crypto.Util import Counter
from unpaddedbase64 import encode_base64

from adapters.matrix.http import Http, Json
from chatops.ports import Impossible, Upload

_CHUNK = 1 << 20


async def upload(http: Http, deed: Upload, *, encrypt: bool) -> Json:
    """Upload and return the content of the ``m.file`` or ``m.image`` event that shows it.

    Raises:
        Impossible: the file isn't there, or is not what ``sha256`` names (before and while it is sent).
    """
    try:
        size = await asyncio.to_thread(deed.size)
        digest = await asyncio.to_thread(_digest, deed)
    except OSError:
        raise Impossible("no-file") from None
    if digest != deed.sha256.lower():
        raise Impossible("digest-differs")
    stream = _Stream(deed, encrypt=encrypt)
    address = await http.upload(stream.chunks(), size)
    if stream.plain.hexdigest() != digest:
        raise Impossible("digest-differs")  # it changed while it was sent; nobody has been shown it
    kind = mimetypes.guess_type(deed.name)[0] or "application/octet-stream"
    image = kind.startswith("image/")
    content: Json = {"msgtype": "m.image" if image else "m.file", "body": deed.name, "filename": deed.name}
    content["info"] = {"size": size, "mimetype": kind} if image else {"size": size}
    if encrypt:
        content["file"] = {**stream.secret(), "url": address}
    else:
        content["url"] = address
    return content


def _digest(deed: Upload) -> str:
    with deed.open() as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


class _Stream:
    """A file's bytes in chunks, AES-CTR encrypted if asked (Matrix, "Sending encrypted attachments")."""

    def __init__(self, deed: Upload, *, encrypt: bool) -> None:
        self._deed = deed
        self._encrypt = encrypt
        self._key = os.urandom(32)
        self._iv = os.urandom(8) + bytes(8)
        self.plain = hashlib.sha256()
        self._sealed = hashlib.sha256()

    async def chunks(self) -> AsyncIterator[bytes]:
        counter = Counter.new(64, prefix=self._iv[:8], initial_value=0)
        cipher = AES.new(self._key, AES.MODE_CTR, counter=counter)
        with await asyncio.to_thread(self._deed.open) as opened:
            while chunk := await asyncio.to_thread(opened.read, _CHUNK):
                yield await asyncio.to_thread(self._seal, cipher, chunk)

    def _seal(self, cipher: Any, chunk: bytes) -> bytes:
        self.plain.update(chunk)
        if not self._encrypt:
            return chunk
        sealed: bytes = cipher.encrypt(chunk)
        self._sealed.update(sealed)
        return sealed

    def secret(self) -> Json:
        """What a member needs to decrypt it; it goes into the encrypted event."""
        key = {
            "kty": "oct",
            "alg": "A256CTR",
            "ext": True,
            "k": encode_base64(self._key, urlsafe=True),
            "key_ops": ["encrypt", "decrypt"],
        }
        digest = encode_base64(self._sealed.digest())
        return {"v": "v2", "key": key, "iv": encode_base64(self._iv), "hashes": {"sha256": digest}}
