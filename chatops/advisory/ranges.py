"""Affected versions as people write them, read as ranges: ``<1.0.1``, ``>=0.9 <1.0.1``, ``0.9.0-0.9.4``, ``1.0.0``."""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION = r"v?(\d[0-9A-Za-z.+~_]*(?:-[A-Za-z][0-9A-Za-z.]*)?)"
_PIECE = re.compile(
    rf"(?P<op><=|>=|<|>|=|≤|≥)\s*{VERSION}"
    rf"|{VERSION}\s*(?:-|–|…|\.\.|\bto\b|\bthrough\b)\s*{VERSION}"
    rf"|{VERSION}"
)
_BETWEEN = re.compile(r"(?:[\s,;|]|\band\b|\bor\b)*", re.IGNORECASE)
_ALL = re.compile(r"(?:all|every|any)(?:\s+(?:versions?|releases?))?", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:before|older than|prior to|up to but not)\s+", re.IGNORECASE)
_UNTIL = re.compile(r"\b(?:up to|until)\s+", re.IGNORECASE)
_SINCE = re.compile(r"\b(?:since|from)\s+", re.IGNORECASE)
_AND_OLDER = re.compile(rf"{VERSION}\s+and\s+(?:older|earlier|before|below)\b", re.IGNORECASE)
_AND_LATER = re.compile(rf"{VERSION}\s+and\s+(?:newer|later|above)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Range:
    """From ``first`` (None: from the beginning; ``after``: without it) to before ``fixed`` or up to ``last``.

    One version alone is a range with ``first`` equal to ``last``.
    """

    first: str | None = None
    after: bool = False
    fixed: str | None = None
    last: str | None = None

    @property
    def single(self) -> str | None:
        """The version, if it is one alone."""
        return self.first if self.first is not None and self.first == self.last and not self.after else None

    @property
    def text(self) -> str:
        """As we write it, and as :func:`read_ranges` reads it again."""
        if self.single:
            return self.single
        begin = [f"{'>' if self.after else '>='}{self.first}"] if self.first else []
        end = [f"<{self.fixed}"] if self.fixed else [f"<={self.last}"] if self.last else []
        return " ".join([*begin, *end]) or "all"

    @property
    def vers(self) -> str:
        """As a version range specifier (``vers``, package-url project)."""
        if self.single:
            return f"vers:generic/{self.single}"
        return f"vers:generic/{self.text.replace(' ', '|')}" if self.text != "all" else "vers:generic/*"


def read_ranges(text: str) -> tuple[Range, ...]:
    """The ranges that a text means; empty if any of it cannot be read as one."""
    text = text.strip().rstrip(".")
    if _ALL.fullmatch(text):
        return (Range(),)
    text = _AND_OLDER.sub(r"<=\1", _AND_LATER.sub(r">=\1", text))
    text = _SINCE.sub(">=", _UNTIL.sub("<=", _BEFORE.sub("<", text)))
    found: list[Range] = []
    at = _skip(text, 0)
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            return ()
        operator, bound, low, high, one = piece["op"], piece[2], piece[3], piece[4], piece[5]
        if operator in (">", ">=", "≥"):
            found.append(Range(first=bound, after=operator == ">"))
        elif operator in ("<", "<=", "≤"):
            end = Range(fixed=bound) if operator == "<" else Range(last=bound)
            if found and found[-1].fixed is None and found[-1].last is None and found[-1].first is not None:
                begun = found.pop()
                end = Range(begun.first, begun.after, end.fixed, end.last)
            found.append(end)
        elif low:
            found.append(Range(first=low, last=high))
        else:
            found.append(Range(first=one or bound, last=one or bound))
        at = _skip(text, piece.end())
    return tuple(found)


def _skip(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    return between.end() if between else at
