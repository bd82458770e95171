"""Notations that spread over lines: what a line means there depends on those before it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from chatops.checksums.digests import Algorithm, algorithms_of_length
from chatops.checksums.lines import Improper
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.recipes import Found, algorithm_named

_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,40}):(?:\s|\Z)")
_DEBIAN_FIELDS: Final = {
    "files": Algorithm.MD5,
    "checksums-sha1": Algorithm.SHA1,
    "checksums-sha256": Algorithm.SHA256,
    "checksums-sha512": Algorithm.SHA512,
}
_SPACK: Final = re.compile(r"(?<![A-Za-z0-9_])version\(\s{0,8}(?:[\"']([^\"'\s]{1,64})[\"'])?")
_QUOTED: Final = re.compile(r"\s*[\"']([^\"'\s]{1,64})[\"']\s*,?\s*\Z")
_ARRAY: Final = re.compile(r"\s*([a-z0-9]{2,9})sums(?:_\w{1,16})?\s{0,4}\+?=\s{0,4}\(")
_SIZE: Final = re.compile(r"\s*SIZE\s{0,3}\((.+)\)\s{0,3}=\s{0,3}([0-9]{1,18})\s*")
_GROUPS: Final = re.compile(r"(?:[0-9A-F]{2}|[0-9A-F]{4}|[0-9A-F]{8})(?: [0-9A-F]+)*")
_TAG: Final = re.compile(r"\s*([A-Z0-9]{2,8}) = ")
_FEWEST_GROUPS: Final = 3
_FEWEST_DIGITS: Final = 28
_GPG_BY_WIDTH: Final = {2: (32,), 4: (40,), 8: (56, 64, 96, 128)}


@dataclass(slots=True)
class Context:
    """What the lines before one opened and did not close."""

    debian: Algorithm | None = None
    spack: str | None = None
    """The version in an open ``version(``; empty until it is named."""
    array: Algorithm | None = None

    def before(self, text: str) -> None:
        """Take note of what a line opens."""
        if header := _FIELD.match(text):
            self.debian = _DEBIAN_FIELDS.get(header[1].lower())
        if opened := _SPACK.search(text):
            self.spack = opened[1] or ""
        elif self.spack == "" and (quoted := _QUOTED.match(text)):
            self.spack = quoted[1]
        if array := _ARRAY.match(text):
            self.array = algorithm_named(array[1])

    def after(self, text: str) -> None:
        """Take note of what a line closes."""
        if text.rstrip().rstrip(",").endswith(")"):
            self.spack = self.array = None

    def applied_to(self, found: Found) -> Found:
        """The digests of a line, as the recipe that they stand in has it."""
        if not self.spack:
            return found
        return tuple(
            replace(each, notation=Notation.SPACK, version=self.spack) if isinstance(each, Pasted) else each
            for each in found
        )


def distinfo_size(text: str) -> tuple[str, int] | None:
    """The name and size in a ``SIZE (name) = n`` line of FreeBSD's ``distinfo``."""
    size = _SIZE.fullmatch(text)
    return (size[1], int(size[2])) if size else None


@dataclass(slots=True)
class Groups:
    """The groups of digits that ``gpg --print-md`` prints, gathered over lines.

    MD5 is in groups of two, SHA-1 of four, the others of eight; the name stands before the first, or on a line of its
    own if it is long; ``--print-mds`` puts ``SHA256 = `` between.
    """

    name: str | None
    label: str | None
    groups: list[str]
    lines: list[str]

    def takes(self, text: str, line: str) -> bool:
        """Whether a line goes on with these groups; it is then kept."""
        groups = text.strip()
        width = len(self.groups[0])
        complete = _GPG_BY_WIDTH[width] == (width * len(self.groups),)
        if complete or not _are_groups(groups, width):
            return False
        self.groups += groups.split()
        self.lines.append(line)
        return True

    def finish(self) -> Found:
        """The digest of the groups gathered, if there are enough to mean one."""
        digest = "".join(self.groups).lower()
        if len(digest) < _FEWEST_DIGITS:
            return ()
        line = "\n".join(self.lines)
        named = algorithm_named(self.label) if self.label else None
        if self.label and named is None:
            return ()
        lengths = (named.hex_digits,) if named else _GPG_BY_WIDTH[len(self.groups[0])]
        if len(digest) not in lengths:
            wanted = " or ".join(map(str, lengths))
            return (Improper(line, f"{len(digest)} hexadecimal digits in groups, not {wanted}"),)
        algorithm = named or algorithms_of_length(len(digest))[0]
        return (Pasted(digest, (algorithm,), Notation.GPG, name=self.name, line=line),)


def groups_started_by(text: str, line: str, line_before: str) -> Groups | None:
    """The groups that a line starts, with the name on it or on the line before; ``None`` if it starts none."""
    head, colon, tail = text.rpartition(":")
    label = _TAG.match(tail)
    groups = (tail[label.end() :] if label else tail).strip()
    width = len(groups.split(" ", 1)[0])
    if not _are_groups(groups, width) or len(groups.split()) < _FEWEST_GROUPS:
        return None
    name = head.strip() if colon else ""
    lines = [line]
    if not name and line_before.rstrip().endswith(":"):
        name = line_before.strip().removesuffix(":").strip()
        lines.insert(0, line_before)
    return Groups(name or None, label[1] if label else None, groups.split(), lines)


def _are_groups(text: str, width: int) -> bool:
    # The first pattern keeps the common case, prose, from being split.
    return (
        width in _GPG_BY_WIDTH
        and _GROUPS.fullmatch(" ".join(text.split())) is not None
        and all(len(group) == width for group in text.split())
    )
