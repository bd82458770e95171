"""A release's checksums in the notation of each downstream, ready to paste into its recipe.

Each writer takes the archives of a release and leaves out those that its notation cannot state: no digest of an
algorithm it knows, or no size where it needs one. ``pasted.read_pasted`` reads all of them back. None but
``NOTATIONS["gnu"]`` falls back to a weak digest.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from chatops.checksums.archives import KnownArchive
from chatops.checksums.digests import Algorithm
from chatops.checksums.lines import bsd_line, gnu_line

Writer = Callable[[Sequence[KnownArchive]], str]

_SHA256_FIRST: Final = (Algorithm.SHA256, Algorithm.SHA512, Algorithm.SHA384)
_ANY: Final = (*_SHA256_FIRST, Algorithm.BLAKE2B, Algorithm.SHA224, Algorithm.SHA1, Algorithm.MD5)


def _with_first_of(
    archives: Iterable[KnownArchive], algorithms: Sequence[Algorithm]
) -> list[tuple[KnownArchive, Algorithm, str]]:
    """Each archive with its digest of the first algorithm that is on record for it."""
    return [
        (archive, algorithm, archive.digests[algorithm])
        for archive in archives
        if (algorithm := next((each for each in algorithms if each in archive.digests), None))
    ]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _gnu(archives: Sequence[KnownArchive]) -> str:
    """``sha256sum``'s lines, or its siblings' where no SHA-256 is on record."""
    return _lines(gnu_line(digest, archive.name) for archive, _, digest in _with_first_of(archives, _ANY))


def _bsd(archives: Sequence[KnownArchive]) -> str:
    """``sha256sum --tag``'s lines."""
    found = _with_first_of(archives, _SHA256_FIRST)
    return _lines(bsd_line(algorithm, digest, archive.name) for archive, algorithm, digest in found)


def _debian(archives: Sequence[KnownArchive]) -> str:
    """The ``Checksums-Sha256`` field of a ``.dsc`` (Debian Policy 5.6.24)."""
    entries = [
        f" {digest} {archive.size} {archive.name}"
        for archive, _, digest in _with_first_of(archives, (Algorithm.SHA256,))
        if archive.size is not None
    ]
    return _lines(["Checksums-Sha256:", *entries]) if entries else ""


def _fedora(archives: Sequence[KnownArchive]) -> str:
    """A dist-git ``sources`` file, which wants SHA-512."""
    found = _with_first_of(archives, (Algorithm.SHA512,))
    return _lines(bsd_line(algorithm, digest, archive.name) for archive, algorithm, digest in found)


def _suse(archives: Sequence[KnownArchive]) -> str:
    """The array of a recipe; its order is that of the sources, so one array holds one algorithm."""
    digests = [digest for _, _, digest in _with_first_of(archives, (Algorithm.SHA256,))]
    opening = "sha256sums=("
    return opening + f"\n{' ' * len(opening)}".join(f"'{digest}'" for digest in digests) + ")\n" if digests else ""


def _spack(archives: Sequence[KnownArchive]) -> str:
    """``version`` directives of a package; the first archive of a version counts, for Spack fetches one."""
    first_of: dict[str, str] = {}
    for archive, _, digest in _with_first_of(archives, (Algorithm.SHA256,)):
        first_of.setdefault(archive.version, digest)
    return _lines(f'    version("{version}", sha256="{digest}")' for version, digest in first_of.items())


def _gentoo(archives: Sequence[KnownArchive]) -> str:
    """``DIST`` lines of a ``Manifest`` (GLEP 74; the tree wants BLAKE2B and SHA512)."""
    lines = []
    for archive in archives:
        digests = [
            f"{label} {archive.digests[algorithm]}"
            for label, algorithm in (("BLAKE2B", Algorithm.BLAKE2B), ("SHA512", Algorithm.SHA512))
            if algorithm in archive.digests
        ]
        if digests and archive.size is not None:
            lines.append(f"DIST {archive.name} {archive.size} {' '.join(digests)}")
    return _lines(lines)


def _freebsd(archives: Sequence[KnownArchive]) -> str:
    """A port's ``distinfo`` but for its ``TIMESTAMP``, which is when the porter fetched."""
    return _lines(
        line
        for archive, algorithm, digest in _with_first_of(archives, (Algorithm.SHA256,))
        if archive.size is not None
        for line in (bsd_line(algorithm, digest, archive.name), f"SIZE ({archive.name}) = {archive.size}")
    )


def _github(archives: Sequence[KnownArchive]) -> str:
    """As GitHub's release page has it, each before its name."""
    found = _with_first_of(archives, (Algorithm.SHA256,))
    return _lines(f"sha256:{digest}  {archive.name}" for archive, _, digest in found)


def _sri(archives: Sequence[KnownArchive]) -> str:
    """W3C Subresource Integrity, one a line: npm, Nix."""
    return _lines(
        f"{algorithm}-{base64.b64encode(bytes.fromhex(digest)).decode()}"
        for _, algorithm, digest in _with_first_of(archives, _SHA256_FIRST)
    )


NOTATIONS: Final[Mapping[str, Writer]] = {
    "gnu": _gnu,
    "bsd": _bsd,
    "debian": _debian,
    "fedora": _fedora,
    "suse": _suse,
    "spack": _spack,
    "gentoo": _gentoo,
    "freebsd": _freebsd,
    "github": _github,
    "sri": _sri,
}
"""The writers by the name that people ask for."""

_DOWNSTREAMS: Final[Mapping[str, str]] = {
    "debian": "debian",
    "ubuntu": "debian",
    "fedora": "fedora",
    "red hat": "fedora",
    "suse": "suse",
    "spack": "spack",
    "gentoo": "gentoo",
    "freebsd": "freebsd",
}


def notation_of(organisation: str) -> str | None:
    """The notation of a downstream's recipes, by its name ("openSUSE"); None for one that is not known here."""
    called = organisation.casefold()
    return next((notation for word, notation in _DOWNSTREAMS.items() if word in called), None)
