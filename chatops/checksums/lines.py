"""The grammar of check lines, exactly as GNU coreutils' ``md5sum -c``, ``sha1sum -c``, … ``b2sum -c`` read them.

Measured against coreutils 9.1 (``src/digest.c``; "Output mode" and ``--check`` in its manual, section "md5sum
invocation"); a differential test feeds the same lines to the machine's tools. D is a digest of the right length, in
either case:

==============================================  =============================================================
line                                            read as
==============================================  =============================================================
``D  f``, ``D *f``                              GNU, untagged: two characters, then the name to the end
``D f``, ``D<tab>f``                            BSD reversed, if no untagged line with two came before
``SHA1 (f) = D``, ``SHA1(f)= D``                BSD, tagged: the last ``)`` ends the name
``\\`` before any of these                       the name is escaped: ``\\n``, ``\\r`` and ``\\\\`` stand for
                                                newline, carriage return and backslash, nothing else may follow
``#…`` in column 0, an empty line               nothing, not even to ``--strict``
anything else                                   improper
==============================================  =============================================================

Blanks and tabs may come first. A newline, then one carriage return, is taken off the end. The form of the first
untagged line (GNU or reversed) holds for all that the tool reads in that run, over several check files, too; after
a reversed line, a second blank belongs to the name.

Stricter than coreutils in one point: a NUL is improper. C ends a string there, so the tool would check another
name than the one that a person sees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chatops.checksums.digests import BLAKE2B_BYTES, Algorithm, algorithms_of_length

_BLANKS: Final = " \t"
_HEX_RUN: Final = re.compile(r"[0-9A-Fa-f]*")
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
# C's strtoumax with base 0, as b2sum reads the length in a tag: 256, 0400 and 0x100 are one number.
_C_NUMBER: Final = re.compile(r"[ \t\v\f\r]*\+?(0[xX][0-9A-Fa-f]+|[0-9]+)")


class Form(StrEnum):
    """How a check line is laid out."""

    GNU = "gnu"
    BSD = "bsd"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """A well-formed check line.

    ``algorithms`` holds one, or those that its length leaves open (SHA-512 or BLAKE2b) when the reader was not told;
    ``digest`` is in lower case; ``name`` is unescaped, bytes that are not UTF-8 in it as surrogates.
    """

    algorithms: tuple[Algorithm, ...]
    digest: str
    name: str
    form: Form
    line: str


@dataclass(frozen=True, slots=True)
class Improper:
    """A line that is not a check line, and why: one phrase that names the nearest right form where there is one."""

    line: str
    reason: str


class _Malformed(ValueError):  # carries a reason from where it is found
    pass


class CheckLineReader:
    """Reads the lines of one run, remembering whether untagged lines are GNU's or BSD's.

    With an ``algorithm`` it reads as that algorithm's tool does; without, it takes the tag's, or goes by the length.
    """

    def __init__(self, algorithm: Algorithm | None = None) -> None:
        self._algorithm = algorithm
        self._reversed: bool | None = None

    def read(self, line: str) -> CheckLine | Improper | None:
        """Read one line, with or without its newline; ``None`` for a comment or an empty line."""
        body = line.removesuffix("\n").removesuffix("\r")
        if line.startswith("#") or not body:
            return None
        try:
            if "\0" in body:
                raise _Malformed("a NUL in the line")
            return self._parse(body)
        except _Malformed as malformed:
            return Improper(body, str(malformed))

    def _parse(self, body: str) -> CheckLine:
        rest = body.lstrip(_BLANKS)
        escaped = rest.startswith("\\")
        if escaped:
            rest = rest[1:]
        algorithms: tuple[Algorithm, ...]
        for algorithm in (self._algorithm,) if self._algorithm else Algorithm:
            if rest.startswith(algorithm.tag):
                digest, name = _tagged(rest.removeprefix(algorithm.tag), algorithm)
                form, algorithms = Form.BSD, (algorithm,)
                break
        else:
            algorithms, digest, after = self._untagged(rest)
            form, name = self._form_and_name(after)
        return CheckLine(algorithms, digest.lower(), unescape(name) if escaped else name, form, body)

    def _untagged(self, rest: str) -> tuple[tuple[Algorithm, ...], str, str]:
        """Split an untagged line at the blank after its digest; what follows is the name, marked or not."""
        run = _run_of_digits(rest)
        if self._algorithm is None:
            algorithms = algorithms_of_length(run)
            if not algorithms:
                raise _Malformed(f"{run} hexadecimal digits first: no known digest has so many" if run else "no digest")
        else:
            algorithms = (self._algorithm,)
            if self._algorithm is Algorithm.BLAKE2B:
                fits = 2 <= run <= 2 * BLAKE2B_BYTES and run % 2 == 0
            else:
                fits = run == self._algorithm.hex_digits
            if not fits:
                wanted = self._algorithm.hex_digits
                raise _Malformed(f"{run} hexadecimal digits first: {self._algorithm.tag} has {wanted}")
        digest, after = rest[:run], rest[run:]
        if not after.startswith((" ", "\t")):
            raise _Malformed("the digest runs into other text" if after else "no file name after the digest")
        # b2sum, which knows no fixed length, lets an empty name through (and then cannot open it).
        if len(after) < 2 and self._algorithm is not Algorithm.BLAKE2B:
            raise _Malformed("no file name after the digest")
        return algorithms, digest, after[1:]

    def _form_and_name(self, after: str) -> tuple[Form, str]:
        if len(after) < 2 or after[0] not in " *":
            # Once a line had two characters, one would let a list rename files by a leading blank: refused.
            if self._reversed is False:
                raise _Malformed("one blank after the digest: lines before had two")
            self._reversed = True
        elif self._reversed is None:
            self._reversed = False
        return (Form.REVERSED, after) if self._reversed else (Form.GNU, after[1:])


def _tagged(rest: str, algorithm: Algorithm) -> tuple[str, str]:
    """The digest and the (still escaped) name of a tagged line, from what follows its tag."""
    digits = algorithm.hex_digits
    if algorithm is Algorithm.BLAKE2B:
        digits, rest = _blake2b_length(rest)
    right = f"{algorithm.tag} (name) = digest"
    rest = rest.removeprefix(" ")
    if not rest.startswith("("):
        raise _Malformed(f"the name is not in brackets: {right}")
    name, bracket, tail = rest[1:].rpartition(")")
    tail = tail.lstrip(_BLANKS)
    if not bracket or not tail.startswith("="):
        raise _Malformed(f"no ) = after the name: {right}")
    digest = tail[1:].lstrip(_BLANKS)
    if not _HEX.fullmatch(digest) or len(digest) != digits:
        raise _Malformed(f"after the = not {digits} hexadecimal digits, and only those")
    return digest, name


def _blake2b_length(rest: str) -> tuple[int, str]:
    """The digits of a BLAKE2b digest and what follows its tag, which may name a length in bits: ``BLAKE2b-256``.

    b2sum passes over one character after the tag, whatever it is, unless it is a hyphen or a bracket; so must this.
    """
    if not rest.startswith("-"):
        return 2 * BLAKE2B_BYTES, rest if rest.startswith("(") else rest[1:]
    number = _C_NUMBER.match(rest, 1)
    bits = _c_value(number[1]) if number else 0
    if number is None or not 0 < bits <= 8 * BLAKE2B_BYTES or bits % 8:
        raise _Malformed("a BLAKE2b length is a multiple of 8, up to 512 bits")
    return bits // 4, rest[number.end() :]


def _c_value(number: str) -> int:
    base = 16 if number[:2] in ("0x", "0X") else 8 if number.startswith("0") else 10
    digits = number[2:] if base == 16 else number
    significant = digits.lstrip("0")
    if len(significant) > 8 or not significant or (base == 8 and not set(significant) <= set("01234567")):
        return 0
    return int(significant, base)


def _run_of_digits(text: str) -> int:
    run = _HEX_RUN.match(text)
    return run.end() if run else 0


def unescape(name: str) -> str:
    r"""Undo coreutils' escapes in a name.

    Raises:
        ValueError: a backslash at the end, or before anything but ``\``, ``n`` and ``r``.
    """
    plain: list[str] = []
    characters = iter(name)
    for character in characters:
        if character == "\\":
            character = _UNESCAPED.get(next(characters, ""), "")
            if not character:
                raise _Malformed("in an escaped name a backslash stands before n, r or a backslash")
        plain.append(character)
    return "".join(plain)


_UNESCAPED: Final = {"\\": "\\", "n": "\n", "r": "\r"}
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r"})


def escape(name: str) -> tuple[str, str]:
    r"""What coreutils writes for a name: a leading mark (``\`` or nothing) for the line, and the name, escaped."""
    escaped = name.translate(_ESCAPES)
    return ("" if escaped == name else "\\"), escaped


def gnu_line(digest: str, name: str, *, binary: bool = False) -> str:
    """The line that ``sha256sum`` and its siblings print, without newline."""
    mark, escaped = escape(name)
    return f"{mark}{digest} {'*' if binary else ' '}{escaped}"


def bsd_line(algorithm: Algorithm, digest: str, name: str) -> str:
    """The line that ``sha256sum --tag`` and its siblings print, without newline."""
    mark, escaped = escape(name)
    return f"{mark}{algorithm.tag} ({escaped}) = {digest}"
