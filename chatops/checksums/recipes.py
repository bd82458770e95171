"""One line of a recipe, a checksum file or prose, read as any notation that fits on a line.

Each reader takes a line that ``mending`` has cleaned and returns ``None`` where the line is not its own. All take
linear time. ``blocks`` reads what spreads over lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from chatops.checksums.digests import Algorithm, algorithms_of_length
from chatops.checksums.lines import CheckLine, CheckLineReader, Form, Improper
from chatops.checksums.mending import QUOTE_MARKS, unwrap
from chatops.checksums.paste import Notation, Pasted

Found = tuple[Pasted | Improper, ...]

_LABEL: Final = r"md5|sha-?(?:2-)?(?:1|224|256|384|512)|blake2b(?:-?512)?|blake2|b2"
_TAGGED: Final = re.compile(r"([A-Za-z0-9-]{2,12})\s{0,3}\((.+)\)\s{0,3}=\s{0,3}([0-9A-Fa-f]{8,200})")
_DIGEST: Final = re.compile(r"(?<![0-9A-Za-z_/+])[0-9A-Fa-f]{32,128}(?![0-9A-Za-z_/+=])")
_SRI: Final = re.compile(r"(?<![0-9A-Za-z])sha(1|256|384|512)-([A-Za-z0-9+/]{27,86}={0,2})(?![A-Za-z0-9+/=])")
# Looked for in the few characters before a digest only.
_LABEL_BEFORE: Final = re.compile(
    rf"(?<![A-Za-z0-9])({_LABEL})(sums?(?:_\w{{1,12}})?)?([\"']?\s{{0,4}}\+?[:=(-]{{0,2}}\s{{0,4}}[\"'(\[]{{0,3}})\Z",
    re.I,
)
_LABEL_ROOM: Final = 40
_DEBIAN_ENTRY: Final = re.compile(r"\s*([0-9A-Fa-f]{32,128}) ([0-9]{1,18}) (\S+)")
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
_FILE_NAME: Final = re.compile(r"[^\s\"'=:@]+\.[A-Za-z0-9]{1,12}")
_PUNCTUATION: Final = " \t\"'`,;.:()[]{}*"
_WORDS: Final = "words around the digest"


_BY_NAME: Final = {algorithm.value: algorithm for algorithm in Algorithm}


def algorithm_named(label: str) -> Algorithm | None:
    """The algorithm that tools and recipes call so: ``SHA-256``, ``SHA2-256``, ``sha256``, ``BLAKE2B-512``, ``b2``."""
    plain = label.lower().replace("-", "")
    if plain in ("b2", "blake2", "blake2b512"):
        return Algorithm.BLAKE2B
    if plain.startswith("sha2") and len(plain) == len("sha2256"):
        plain = "sha" + plain.removeprefix("sha2")
    return _BY_NAME.get(plain)


def wrong_length(algorithm: Algorithm, digits: int) -> str:
    """The reason for refusing a digest that is too short or too long."""
    return f"{digits} hexadecimal digits: {algorithm.tag} has {algorithm.hex_digits}"


def gentoo(text: str) -> Found | None:
    """``DIST name size NAME D NAME D…``; algorithms that the project does not publish are passed over."""
    kind, *fields = text.split() or [""]
    if kind != "DIST" or len(fields) < 4 or not _is_count(fields[1]):
        return None
    found: list[Pasted | Improper] = []
    for label, digest in zip(fields[2::2], fields[3::2], strict=False):
        algorithm = algorithm_named(label)
        if algorithm is None or not _HEX.fullmatch(digest):
            continue
        if len(digest) != algorithm.hex_digits:
            found.append(Improper(text, wrong_length(algorithm, len(digest))))
        else:
            found.append(Pasted(digest.lower(), (algorithm,), Notation.GENTOO, name=fields[0], size=int(fields[1])))
    return tuple(found)


def debian(text: str, field: Algorithm | None) -> Found | None:
    """`` D size name`` (``.changes`` puts section and priority before the name), under a ``field`` or alone."""
    if field is None:
        entry = _DEBIAN_ENTRY.fullmatch(text)
        if entry is None:
            return None
        digest, size, name = entry.groups()
        algorithms = algorithms_of_length(len(digest))
    else:
        fields = text.split()
        if len(fields) not in (3, 5) or not _HEX.fullmatch(fields[0]) or not _is_count(fields[1]):
            return None
        digest, size, name = fields[0], fields[1], fields[-1]
        if len(digest) != field.hex_digits:
            return (Improper(text, wrong_length(field, len(digest))),)
        algorithms = (field,)
    if not algorithms:
        return None
    return (Pasted(digest.lower(), algorithms, Notation.DEBIAN, name=name, size=int(size)),)


def check_line(text: str, piped_into: Algorithm | None) -> Found | None:
    """What ``sha1sum -c`` reads, as the tool it is ``piped_into`` does; a tag may be written otherwise."""
    read = CheckLineReader(piped_into).read(text.strip(" \t"))
    if isinstance(read, CheckLine):
        notation = Notation.BSD if read.form is Form.BSD else Notation.GNU
        tolerated = []
        if read.form is Form.REVERSED:
            if " " in read.name.strip():
                return None  # prose after a digest; a file name is hardly ever so
            tolerated.append("one blank instead of two")
        name = read.name.strip(" \t")
        if name != read.name:
            tolerated.append("extra blanks")
        unwrapped = unwrap(name)
        if unwrapped != name:
            tolerated.append(QUOTE_MARKS)
        return (Pasted(read.digest, read.algorithms, notation, name=unwrapped, tolerated=tuple(tolerated)),)
    if read is not None and piped_into:
        return (read,)
    return _otherwise_tagged(text.strip())


def _otherwise_tagged(text: str) -> Found | None:
    tagged = _TAGGED.fullmatch(text)
    algorithm = algorithm_named(tagged[1]) if tagged else None
    if tagged is None or algorithm is None:
        return None
    digest = tagged[3].lower()
    if len(digest) != algorithm.hex_digits:
        return (Improper(text, wrong_length(algorithm, len(digest))),)
    tolerated = () if tagged[1] == algorithm.tag else (f"{tagged[1]} for {algorithm.tag}",)
    return (Pasted(digest, (algorithm,), Notation.BSD, name=tagged[2], tolerated=tolerated),)


def digests_in(text: str, array: Algorithm | None = None) -> Found:
    """Every digest in a line, with the algorithm that stands before it; ``array`` is that of a recipe's array."""
    found = [*_sri(text), *(_digest(text, match, array) for match in _DIGEST.finditer(text))]
    return tuple(digest for digest in found if digest is not None)


def _sri(text: str) -> Iterator[Pasted | Improper]:
    for match in _SRI.finditer(text):
        algorithm = Algorithm("sha" + match[1])
        if _HEX.fullmatch(match[2]) and len(match[2]) == algorithm.hex_digits:
            continue  # sha256-D in hexadecimal, which is also base64: read below
        try:
            raw = base64.b64decode(match[2], validate=True)
        except binascii.Error:
            raw = b""
        if len(raw) == algorithm.hex_digits // 2:
            yield Pasted(raw.hex(), (algorithm,), Notation.SRI)
        else:
            yield Improper(text, f"not the base64 of a {algorithm.tag} digest: {algorithm.hex_digits // 2} bytes")


def _digest(text: str, match: re.Match[str], array: Algorithm | None) -> Pasted | Improper | None:
    digest = match[0].lower()
    algorithms = algorithms_of_length(len(digest))
    before = text[max(0, match.start() - _LABEL_ROOM) : match.start()]
    label = _LABEL_BEFORE.search(before)
    named = (algorithm_named(label[1]) if label else None) or array
    if named and len(digest) != named.hex_digits:
        return Improper(text, wrong_length(named, len(digest)))
    if not algorithms:
        return None
    if named is None:
        alone = text.strip(_PUNCTUATION) == match[0]
        return Pasted(digest, algorithms, Notation.BARE, tolerated=() if alone else (_WORDS,))
    if array or (label and label[2]):
        return Pasted(digest, (named,), Notation.ARRAY)
    if label and label[3] == ":":
        rest = f"{text[: match.start() - len(label[0])]} {text[match.end() :]}".strip(_PUNCTUATION)
        pasted = Pasted(digest, (named,), Notation.GITHUB)
        if _FILE_NAME.fullmatch(rest):
            return replace(pasted, name=rest)
        return replace(pasted, tolerated=(_WORDS,)) if rest else pasted
    return Pasted(digest, (named,), Notation.LABELLED)


def _is_count(field: str) -> bool:
    return len(field) <= 18 and field.isascii() and field.isdigit()


_NEARLY: Final = re.compile(r"(?<![0-9A-Za-z])[0-9A-Za-z]{24,}(?![0-9A-Za-z])")
_STARTS_TAGGED: Final = re.compile(rf"\s*({_LABEL})(?![0-9A-Za-z])", re.IGNORECASE)


def why_improper(text: str) -> str | None:
    """Why a line that looks meant as a check line is none, naming the nearest right form; ``None`` for prose."""
    for match in _NEARLY.finditer(text):
        run = match[0]
        strange = "".join(dict.fromkeys(c for c in run if not _HEX.match(c)))
        if not strange:
            nearest = min(Algorithm, key=lambda algorithm: abs(algorithm.hex_digits - len(run)))
            return wrong_length(nearest, len(run))
        if len(strange) <= 2 and algorithms_of_length(len(run)):
            return f"{' and '.join(strange)} in the digest: hexadecimal digits are 0 to 9 and a to f"
    tagged = _STARTS_TAGGED.match(text)
    if tagged and (algorithm := algorithm_named(tagged[1])) and "=" in text:
        return f"write it as {algorithm.tag} (name) = {algorithm.hex_digits} hexadecimal digits"
    return None
