"""What somebody pasted about one archive: a digest, and whatever else the notation says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chatops.checksums.digests import Algorithm

_PATH: Final = re.compile(r"[/\\]|\A(?:\.\.|-)\Z")


class Notation(StrEnum):
    """The notations that a pasted digest comes in."""

    GNU = "gnu"
    """``D  name``, as ``sha1sum`` prints and the policy posts."""
    BSD = "bsd"
    """``SHA1 (name) = D``: ``--tag``, OpenSSL, Fedora's ``sources``."""
    DEBIAN = "debian"
    """``D size name`` under ``Checksums-Sha256:`` in ``.dsc`` and ``.changes`` (Debian Policy 5.6.21, 5.6.24)."""
    SPACK = "spack"
    """``version("1.0.1", sha256="D")``."""
    GENTOO = "gentoo"
    """``DIST name size BLAKE2B D SHA512 D`` in a ``Manifest`` (GLEP 74)."""
    FREEBSD = "freebsd"
    """``SHA256 (name) = D`` with ``SIZE (name) = n`` in ``distinfo``."""
    ARRAY = "array"
    """``sha256sums=('D' …)``: recipes of Arch and openSUSE."""
    GITHUB = "github"
    """``sha256:D``, as GitHub shows a release's assets."""
    GPG = "gpg"
    """``gpg --print-md``: upper-case groups over several lines."""
    SRI = "sri"
    """``sha256-base64=`` (W3C Subresource Integrity): npm, Nix."""
    LABELLED = "labelled"
    """A digest after its algorithm's name in some other way."""
    BARE = "bare"
    """A digest alone, or with words around it."""
    FILE = "file"
    """No text at all: an archive that was hashed."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """One digest as pasted.

    ``algorithms`` is what the notation names, else every algorithm whose digest is so long, the likeliest first;
    ``digest`` is in lower case; ``size`` is in bytes; ``tolerated`` says in short phrases what was mended to read it;
    ``line`` is the original, of several lines where the notation takes them.
    """

    digest: str
    algorithms: tuple[Algorithm, ...]
    notation: Notation
    name: str | None = None
    version: str | None = None
    size: int | None = None
    tolerated: tuple[str, ...] = ()
    line: str = ""

    @property
    def has_path(self) -> bool:
        """Whether the name is a path, ``..`` or ``-``: then only the digest can be judged, and that must be said."""
        return self.name is not None and _PATH.search(self.name) is not None
