"""What a release page itself says of its archives: SHA*SUMS files, sums beside an archive, check lines in its text."""

from __future__ import annotations

import re
from typing import Final

from chatops.checksums.digests import Algorithm, algorithms_of_length
from chatops.checksums.lines import CheckLine, CheckLineReader
from chatops.checksums.pasted import read_pasted

Posted = dict[str, dict[Algorithm, str]]
"""By file name, digests in lower case."""

_NAMES: Final = {
    "SHA1": Algorithm.SHA1,
    "SHA224": Algorithm.SHA224,
    "SHA256": Algorithm.SHA256,
    "SHA384": Algorithm.SHA384,
    "SHA512": Algorithm.SHA512,
    "MD5": Algorithm.MD5,
    "B2": Algorithm.BLAKE2B,
}
_SUMS: Final = re.compile(rf"(?P<sort>{'|'.join(_NAMES)})SUMS?(\.txt)?", re.IGNORECASE)
_BESIDE: Final = re.compile(rf"(?P<name>.+)\.(?P<sort>{'|'.join(_NAMES)})(sum)?", re.IGNORECASE)
_ARCHIVE: Final = re.compile(
    r"(?P<project>[A-Za-z][A-Za-z0-9+_.]*(?:-[A-Za-z][A-Za-z0-9+_.]*)*)[-_]v?(?P<version>\d[0-9A-Za-z.+~_-]*?)"
    r"\.(?:tar\.(?:gz|bz2|xz|zst|lz)|tgz|tbz2|txz|zip|tar|whl|crate|src\.rpm)"
)
_SIGNATURE: Final = re.compile(r".+\.(asc|sig|sigstore|sigstore\.json|minisig|pem|crt|intoto\.jsonl)", re.IGNORECASE)


def version_in(name: str) -> str | None:
    """The version in an archive's file name; None if it is not named like an archive."""
    found = _ARCHIVE.fullmatch(name)
    return found["version"] if found else None


def is_sums(name: str) -> bool:
    """Whether a file of this name holds check lines (``SHA256SUMS``, ``x-1.0.tar.gz.sha256``)."""
    return bool(_SUMS.fullmatch(name) or _BESIDE.fullmatch(name))


def is_signature(name: str) -> bool:
    """Whether a file of this name is a detached signature, or what belongs to one."""
    return _SIGNATURE.fullmatch(name) is not None


def in_sums(name: str, content: bytes) -> Posted:
    """What a file that :func:`is_sums` says; lines of another form are passed over."""
    found = _SUMS.fullmatch(name) or _BESIDE.fullmatch(name)
    if found is None:
        return {}
    algorithm = _NAMES[found["sort"].upper()]
    beside = found.groupdict().get("name")
    said: Posted = {}
    reader = CheckLineReader(algorithm)
    for raw in content.split(b"\n"):
        text = raw.decode(errors="replace")
        if beside and algorithm in algorithms_of_length(len(bare := text.strip())) and _is_hex(bare):
            said.setdefault(beside, {})[algorithm] = bare.lower()
            continue
        line = reader.read(text)
        if isinstance(line, CheckLine):
            said.setdefault(line.name.removeprefix("./"), {})[algorithm] = line.digest
    return said


def in_text(text: str) -> Posted:
    """The check lines in a release's text, as it was written (Markdown): of plain file names only."""
    said: Posted = {}
    for pasted in read_pasted(text):
        if pasted.name is not None and not pasted.has_path:
            said.setdefault(pasted.name, {}).setdefault(pasted.algorithms[0], pasted.digest)
    return said


def _is_hex(text: str) -> bool:
    return re.fullmatch(r"[0-9A-Fa-f]+", text) is not None
