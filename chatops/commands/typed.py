"""What somebody typed, as a refusal gives it back: quoted in one line, with the nearest right form."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def short(word: str) -> str:
    """What somebody typed, in one line, and not all of a long text."""
    flat = " ".join(word.split())
    return flat if len(flat) <= 40 else flat[:39] + "…"


VERBS = 0.75
"""How alike a verb must be to be guessed: among a few verbs ``timeline`` would else be taken for ``decline``."""


def nearest(word: str, known: Iterable[str], alike: float = 0.6) -> str | None:
    """The known word that a mistyped one most likely meant: from ``alike`` (0 to 1) on."""
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=alike)
    return folded[close[0]] if close else None
