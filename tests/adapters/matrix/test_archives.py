"""Encrypted attachments: read as they stream, and believed only when all of it was what its sender sealed."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from Crypto.Cipher import AES
from unpaddedbase64 import encode_base64

from adapters.matrix.archives import _opened
from chatops.ports import Impossible

KEY, NONCE = bytes(range(32)), bytes(range(8))
TEXT = bytes(range(256)) * 4096


def sealed() -> tuple[bytes, dict[str, Any]]:
    """The ciphertext and its ``EncryptedFile``, made without the adapter's code."""
    cipher = AES.new(KEY, AES.MODE_CTR, nonce=NONCE)
    ciphertext = cipher.encrypt(TEXT)
    file = {
        "key": {"k": encode_base64(KEY, urlsafe=True)},
        "iv": encode_base64(NONCE + bytes(8)),
        "hashes": {"sha256": encode_base64(hashlib.sha256(ciphertext).digest())},
    }
    return ciphertext, file


class Stream:
    """Gives a kilobyte at a time, and notes how much was asked for."""

    def __init__(self, content: bytes) -> None:
        self.content, self.given = content, 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 1024):
            self.given += 1024
            yield self.content[start : start + 1024]


async def test_each_piece_is_read_before_the_next_is_fetched() -> None:
    ciphertext, file = sealed()
    stream, read = Stream(ciphertext), bytearray()
    async for piece in _opened(aiter(stream), file):
        read += piece
        assert len(read) == stream.given
    assert bytes(read) == TEXT


@pytest.mark.parametrize("place", [0, 500_000, len(TEXT) - 1])
async def test_what_was_changed_on_its_way_is_not_believed(place: int) -> None:
    ciphertext, file = sealed()
    changed = bytearray(ciphertext)
    changed[place] ^= 1
    with pytest.raises(Impossible, match="ciphertext-digest"):
        async for _ in _opened(aiter(Stream(bytes(changed))), file):
            pass
