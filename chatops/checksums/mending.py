"""Undoing what chat clients, and the shell around a line, do to a check line: each mend is named in a short phrase.

Everything here takes one line and linear time: a listener runs it on whatever anyone writes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from chatops.checksums.digests import Algorithm

QUOTE_MARKS: Final = "quote marks"

_FENCE: Final = re.compile(r"\s*(```+|~~~+)\s*[A-Za-z0-9_+.-]{0,20}\s*")
_TYPOGRAPHIC_QUOTES: Final = str.maketrans(dict.fromkeys("“”„‟«»″", '"') | dict.fromkeys("‘’‚‛′", "'"))
_LEADING_QUOTES: Final = re.compile(r"\s*(?:(?:>|&gt;)[ \t]?)+")
_BULLET: Final = re.compile(r"\s*[-*•‣+]\s+(?=\\?(?:[0-9A-Fa-f]{32}|(?:MD5|SHA|BLAKE2|DIST|version)))")
_PROMPT: Final = re.compile(r"\s*[^\s'\"]{0,80}[$#%>]\s+(?=echo\b|printf\b|\S{0,40}sum\b)")
_ECHO: Final = re.compile(r"\s*(?:echo|printf)\s+(?:-[neE]{1,3}\s+)?")
_TOOL: Final = re.compile(r"\s*(?:\S{0,80}/)?g?(md5|sha1|sha224|sha256|sha384|sha512|b2)sum(?:\s|$)", re.IGNORECASE)
_WRAPPING: Final = ('"', "'", "`")


@dataclass(frozen=True, slots=True)
class Mended:
    """A line as it was meant, what was mended, and the algorithm of the tool that it was to be piped into."""

    text: str
    tolerated: tuple[str, ...]
    piped_into: Algorithm | None = None


def is_fence(line: str) -> bool:
    """Whether a line only opens or closes a code block."""
    return _FENCE.fullmatch(line) is not None


def mend(line: str) -> Mended:
    """Undo typographic blanks and quotes, quote prefixes, code marks, a bullet, a shell command, and quote marks."""
    tolerated: list[str] = []
    text = line.rstrip("\r\n")
    for phrase, mender in _MENDERS:
        mended = mender(text)
        if mended != text:
            tolerated.append(phrase)
            text = mended
    text, piped_into = _out_of_shell(text)
    if piped_into:
        tolerated.append("shell command")
    unwrapped = unwrap(text)
    if unwrapped != text:
        tolerated.append(QUOTE_MARKS)
    return Mended(unwrapped.rstrip(), tuple(tolerated), piped_into)


def unwrap(text: str) -> str:
    """Take off one pair of equal quote marks or backticks around a text."""
    stripped = text.strip()
    if (
        len(stripped) > 2
        and stripped[0] == stripped[-1]
        and stripped[0] in _WRAPPING
        and stripped[0] not in stripped[1:-1]
    ):
        return stripped[1:-1]
    return text


def _without_invisible(text: str) -> str:
    # Format characters: byte-order mark, zero-width blanks and joiners, direction marks.
    return text if text.isascii() else "".join(c for c in text if unicodedata.category(c) != "Cf")


def _with_plain_blanks(text: str) -> str:
    return text if text.isascii() else "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)


def _without_code_marks(text: str) -> str:
    stripped = text.strip()
    return stripped.strip("`") if stripped.startswith("`") or stripped.endswith("```") else text


_MENDERS: Final = (
    ("invisible characters", _without_invisible),
    ("non-breaking blanks", _with_plain_blanks),
    ("typographic quotes", lambda text: text.translate(_TYPOGRAPHIC_QUOTES)),
    ("block quote", lambda text: _LEADING_QUOTES.sub("", text, count=1) if _LEADING_QUOTES.match(text) else text),
    ("code marks", _without_code_marks),
    ("bullet", lambda text: _BULLET.sub("", text, count=1) if _BULLET.match(text) else text),
)


def _out_of_shell(text: str) -> tuple[str, Algorithm | None]:
    """The line inside ``echo '…' | sha1sum -c`` (the policy's own) or ``sha1sum -c <<< '…'``."""
    command = text[prompt.end() :] if (prompt := _PROMPT.match(text)) else text
    before, here_string, after = command.partition("<<<")
    if here_string and (tool := _TOOL.match(before)):
        return unwrap(after.strip()), _of_tool(tool)
    before, pipe, after = command.rpartition("|")
    if pipe and (tool := _TOOL.match(after)) and (echo := _ECHO.match(before)):
        return unwrap(before[echo.end() :].strip()), _of_tool(tool)
    return text, None


def _of_tool(tool: re.Match[str]) -> Algorithm:
    return Algorithm("blake2b" if tool[1].lower() == "b2" else tool[1].lower())
