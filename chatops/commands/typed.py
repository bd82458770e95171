"""What somebody typed, as a refusal gives it back: quoted in one line, with the nearest right form."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def short(word: str) -> str:
    """What somebody typed, in one line, and not all of a long text."""
    flat = " ".join(word.split())
    return flat if len(flat) <= 40 else flat[:39] + "…"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a mistyped one most likely meant."""
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
