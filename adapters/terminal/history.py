"""The shell's history file, without the lines that bear a case's text."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from prompt_toolkit.history import FileHistory


class DiscreetHistory(FileHistory):
    """Keeps on disk only the lines for which ``remember`` is true; the others last as long as the prompt does.

    The file is readable by its owner only. Raises ``OSError`` if it cannot be made.
    """

    def __init__(self, path: Path, remember: Callable[[str], bool]) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        os.fchmod(opened, 0o600)  # also one made earlier under another umask
        os.close(opened)
        super().__init__(str(path))
        self._remember = remember

    def store_string(self, string: str) -> None:
        if self._remember(string):
            super().store_string(string)
