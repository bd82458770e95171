"""The archive of a closed case: written the same each time, and checked on any machine, without a database.

It holds the case's chain of the journal as JSON lines, with hashes and salts, and the head of the chain after them.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from chatops.checksums.lines import gnu_line
from chatops.model.journal import Entry, Fault, faults_of

JOURNAL, SUMS = "journal.jsonl", "SHA256SUMS"
LARGEST = 1 << 30
"""So much of an archive is unpacked; what is larger was not written here."""


class NoExport(Exception):
    """What was given is no export: one line that says why."""


class _Line(BaseModel):
    """An entry as :func:`chatops.model.journal.exported` writes it."""

    model_config = ConfigDict(extra="forbid")

    id: int | None = None
    chain: str
    seq: int
    at: AwareDatetime
    who: str
    where: str
    what: str
    told: dict[str, Any]
    texts: dict[str, tuple[str, str]]
    previous: str
    hash: str


def pack(folder: str, files: Mapping[str, bytes]) -> bytes:
    """A ``tar.gz`` of files in one folder, with their checksums; the same files give the same bytes."""
    sums = "".join(gnu_line(hashlib.sha256(files[name]).hexdigest(), name) + "\n" for name in sorted(files))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted({**files, SUMS: sums.encode()}.items()):
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(out.getvalue(), mtime=0)


def verify_export(path: Path, anchors: Mapping[str, list[Any]] | None = None) -> tuple[list[Fault], dict[str, Any]]:
    """Every edit, gap and cut that an export shows, and the head that it names. ``anchors``: heads kept elsewhere.

    Takes the archive, or the JSON lines alone. Raises :class:`NoExport` if it is neither.
    """
    faults: list[Fault] = []
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        files = _unpack(raw)
        faults += _sums(files)
        raw = files.get(JOURNAL, b"")
    try:
        lines = raw.decode().removesuffix("\n").split("\n")
        head = json.loads(lines.pop())["anchor"] if raw else None
        claims = [(chain, [int(seq), str(digest)]) for chain, (seq, digest) in (head or {}).items()]
    except (ValueError, LookupError, TypeError, AttributeError):
        raise NoExport(f"{path}: no export of a journal, or its last line is cut off") from None
    if not claims:
        raise NoExport(f"{path}: there is no {JOURNAL} in it that ends with the head of its chain")
    kept = [(chain, list(named)) for chain, named in (anchors or {}).items() if chain in dict(claims)]
    entries = list(_entries(lines, faults))
    return faults + faults_of(entries, [*claims, *kept]), dict(claims)


def _entries(lines: list[str], faults: list[Fault]) -> Iterator[Entry]:
    for number, text in enumerate(lines, start=1):
        try:
            told = _Line.model_validate_json(text).model_dump()
        except ValidationError:
            faults.append(Fault(JOURNAL, number, "this line is no entry"))
            continue
        yield Entry(**{**told, "texts": {digest: list(kept) for digest, kept in told["texts"].items()}})


def _unpack(raw: bytes) -> dict[str, bytes]:
    """The files of an archive, by their names in its folder. Nothing is written to disk."""
    files: dict[str, bytes] = {}
    try:
        with gzip.open(io.BytesIO(raw)) as packed:
            content = packed.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise NoExport("the archive is larger than any export")
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
            for member in archive:
                opened = archive.extractfile(member)
                if opened is not None:
                    files[member.name.rpartition("/")[2]] = opened.read()
    except (tarfile.TarError, OSError, EOFError, ValueError):
        raise NoExport("the archive is damaged, or not one of ours") from None
    return files


def _sums(files: Mapping[str, bytes]) -> Iterator[Fault]:
    wanted = dict(line.split("  ", 1)[::-1] for line in files.get(SUMS, b"").decode(errors="replace").splitlines())
    for name in sorted({*wanted, *files} - {SUMS}):
        if name not in files:
            yield Fault(name, 0, f"missing: {SUMS} names it")
        elif hashlib.sha256(files[name]).hexdigest() != wanted.get(name):
            yield Fault(name, 0, f"edited: {SUMS} names another digest")
