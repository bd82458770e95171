"""A file that somebody dropped into a room, taken in as it streams: its digests, and what a small patch says."""

from __future__ import annotations

import hashlib
import re
from typing import Final

LARGEST_PATCH: Final = 512 * 1024
"""Bytes. A fix is smaller."""

_ARCHIVE: Final = re.compile(
    r"\.(tar(\.(gz|bz2|xz|zst|lz|lzma|Z))?|tgz|tbz2?|txz|zip|whl|gem|rpm|deb|7z)\Z", re.IGNORECASE
)
_PATCH: Final = re.compile(r"\.(patch|diff|mbox|eml)\Z", re.IGNORECASE)
_ALGORITHMS: Final = ("md5", "sha1", "sha256", "sha512", "blake2b")


def is_patch(name: object) -> bool:
    """Whether a file is called as patches are."""
    return isinstance(name, str) and _PATCH.search(name) is not None


def is_wanted(name: object) -> bool:
    """Whether a file is called as archives or patches are: no other is fetched."""
    return is_patch(name) or (isinstance(name, str) and _ARCHIVE.search(name) is not None)


class Stream:
    """Feed it with :meth:`take`; ``size`` is in bytes, ``digests`` are lower-case hex by algorithm."""

    def __init__(self, name: str) -> None:
        self.size = 0
        self._hashes = {one: hashlib.new(one, usedforsecurity=False) for one in _ALGORITHMS}
        self._kept = bytearray() if is_patch(name) else None

    def take(self, chunk: bytes) -> None:
        """The next bytes."""
        self.size += len(chunk)
        for one in self._hashes.values():
            one.update(chunk)
        if self._kept is not None and len(self._kept) <= LARGEST_PATCH:
            self._kept += chunk

    @property
    def digests(self) -> dict[str, str]:
        return {name: one.hexdigest() for name, one in self._hashes.items()}

    @property
    def text(self) -> str | None:
        """What a patch says. None for any other file, one that is too large, or not in UTF-8."""
        if self._kept is None or len(self._kept) > LARGEST_PATCH:
            return None
        try:
            return self._kept.decode()
        except UnicodeDecodeError:
            return None
