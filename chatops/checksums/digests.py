"""Digest algorithms, and hashing files and streams once for several of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

CHUNK: Final = 1 << 20
"""Bytes read at a time: large enough that hashing, not calling, takes the time."""

BLAKE2B_BYTES: Final = 64
"""The size of BLAKE2b's digest unless another was asked for (RFC 7693; ``b2sum -l`` chooses)."""


class Algorithm(StrEnum):
    """A digest algorithm that the project publishes or a downstream pastes; the value is hashlib's name."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA224 = "sha224"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"
    BLAKE2B = "blake2b"

    @property
    def weak(self) -> bool:
        """Whether two archives with the same digest can be made: MD5 (RFC 6151), SHA-1 (SHAttered, 2017)."""
        return self in (Algorithm.MD5, Algorithm.SHA1)

    @property
    def hex_digits(self) -> int:
        """How many hexadecimal digits a full digest has."""
        return _HEX_DIGITS[self]

    @property
    def tag(self) -> str:
        """The name that coreutils writes with ``--tag``: ``SHA256``, ``BLAKE2b``."""
        return "BLAKE2b" if self is Algorithm.BLAKE2B else self.value.upper()


_HEX_DIGITS: Final[Mapping[Algorithm, int]] = {
    Algorithm.MD5: 32,
    Algorithm.SHA1: 40,
    Algorithm.SHA224: 56,
    Algorithm.SHA256: 64,
    Algorithm.SHA384: 96,
    Algorithm.SHA512: 128,
    Algorithm.BLAKE2B: 128,
}

STRONGEST_FIRST: Final = (
    Algorithm.SHA512,
    Algorithm.BLAKE2B,
    Algorithm.SHA384,
    Algorithm.SHA256,
    Algorithm.SHA224,
    Algorithm.SHA1,
    Algorithm.MD5,
)


def algorithms_of_length(hex_digits: int) -> tuple[Algorithm, ...]:
    """The algorithms whose digest has so many hexadecimal digits, the likeliest first; none for an odd length."""
    return tuple(algorithm for algorithm in Algorithm if algorithm.hex_digits == hex_digits)


class Hasher:
    """Several digests of one stream of bytes, for an archive that arrives in chunks."""

    def __init__(self, algorithms: Iterable[Algorithm], *, blake2b_bytes: int = BLAKE2B_BYTES) -> None:
        """Start at no bytes; ``blake2b_bytes`` (1 to 64) is BLAKE2b's digest size, as ``b2sum -l`` sets in bits."""
        # usedforsecurity=False: MD5 and SHA-1 must be computable for comparison on a FIPS machine, too.
        self._hashes = {
            algorithm: hashlib.blake2b(digest_size=blake2b_bytes)
            if algorithm is Algorithm.BLAKE2B
            else hashlib.new(algorithm.value, usedforsecurity=False)
            for algorithm in algorithms
        }
        self.size = 0

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take in the next bytes."""
        for digest in self._hashes.values():
            digest.update(chunk)
        self.size += len(chunk)

    def digests(self) -> dict[Algorithm, str]:
        """The lower-case hexadecimal digests of what was taken in so far."""
        return {algorithm: digest.hexdigest() for algorithm, digest in self._hashes.items()}


def hash_file(
    path: str | bytes | os.PathLike[str], algorithms: Iterable[Algorithm], *, blake2b_bytes: int = BLAKE2B_BYTES
) -> dict[Algorithm, str]:
    """Hash a file, reading it once, in constant memory.

    Raises:
        OSError: the file is missing, a directory, or cannot be read.
    """
    hasher = Hasher(algorithms, blake2b_bytes=blake2b_bytes)
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(buffer):
            hasher.update(view[:count])
    return hasher.digests()
