"""An archive named by its path in a ``verify`` line: hashed here, where it lies, so that the bot need not read it."""

from __future__ import annotations

import shlex
from pathlib import Path

from adapters.terminal.wire import Dropped
from chatops.checksums.digests import Algorithm, hash_file

STATED = (Algorithm.MD5, Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512, Algorithm.BLAKE2B)
"""What release pages and packagers state."""


class NoFile(Exception):
    """The path leads to nothing that can be hashed. The message names it."""


def named_in(line: str) -> Path | None:
    """The file that a line is about; None for every other line. Raises :class:`NoFile`.

    What could be no path, or no check line either, is left to the bot to explain.
    """
    verb, _, rest = line.strip().partition(" ")
    if verb != "verify" or "\n" in rest:
        return None
    try:
        words = shlex.split(rest)
    except ValueError:
        return None
    if len(words) != 1:
        return None
    path = Path(words[0]).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise NoFile(f"{words[0]} is a folder; name a file in it")
    if words[0].startswith(("/", "./", "../", "~")):
        raise NoFile(f"there is no file {words[0]} here")
    return None


def dropped(path: Path) -> Dropped:
    """Name, size and digests of a file. Raises :class:`NoFile` if it cannot be read."""
    try:
        digests = hash_file(path, STATED)
        size = path.stat().st_size
    except OSError as problem:
        raise NoFile(f"{path}: {problem.strerror}") from None
    return Dropped(
        name=path.name, size=size, digests={algorithm.value: digest for algorithm, digest in digests.items()}
    )
