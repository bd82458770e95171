"""Small, real release archives of a project that does not exist, and the check lines that belong to them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

PROJECT = "dynasched"
_TOOLS = {"SHA1SUMS": "sha1", "SHA256SUMS": "sha256"}


def archive(folder: Path, version: str, news: str) -> Path:
    """Make ``dynasched-VERSION.tar.gz`` in a folder, the same bytes each time, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in (("NEWS", news), ("VERSION", version)):
            data = f"{text}\n".encode()
            entry = tarfile.TarInfo(f"{PROJECT}-{version}/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    path = folder / f"{PROJECT}-{version}.tar.gz"
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return path


def check_line(path: Path, algorithm: str = "sha256") -> str:
    """What ``sha256sum NAME`` prints for it."""
    return f"{hashlib.new(algorithm, path.read_bytes()).hexdigest()}  {path.name}"


def sums(folder: Path) -> None:
    """Write ``SHA1SUMS`` and ``SHA256SUMS`` for the archives in a folder, as a release page has them."""
    archives = sorted(folder.glob("*.tar.gz"))
    for name, algorithm in _TOOLS.items():
        (folder / name).write_text("".join(f"{check_line(one, algorithm)}\n" for one in archives))
