"""Texts with fields to fill in: how one is read, what can be wrong with it, and how it becomes a part of a document.

A text is a list of paragraphs, or one string with blank lines between them. ``{field}`` is filled in, ``{{`` is a
brace, and a paragraph that begins with ``- `` is an item of a list. What is filled in stays a node of the document's
tree, and is never read as markup. A paragraph of whose fields there is nothing to say is left out.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from string import Formatter

from chatops.document import Block, Line, Para, Part, bullets, line

Value = Part | tuple[Block, ...] | None
"""What is filled in: words within a paragraph, or blocks below it; None if there is nothing to say."""


def paragraphs(text: str) -> Iterator[str]:
    """Blank lines part paragraphs; an item of a list begins a line."""
    for part in re.split(r"\n\s*\n|\n(?=\s*- )", text):
        if words := " ".join(part.split()):
            yield words


def check(text: Sequence[str], *, known: Sequence[str], needs: Sequence[str], below: Collection[str]) -> None:
    """Raises ValueError: one line that says what is wrong, and the nearest right form. ``below``: the fields whose
    values are blocks.
    """
    if not text:
        raise ValueError("it is empty")
    used: set[str] = set()
    for paragraph in text:
        parts = _pieces(paragraph)
        for index, (_, field) in enumerate(parts):
            if field is None:
                continue
            if field not in known:
                raise ValueError(_unknown(field, known))
            if field in below and (index != len(parts) - 1 or paragraph.startswith("- ")):
                raise ValueError(f"{{{field}}} brings lines of its own; put it at the end of a paragraph")
            used.add(field)
    if missing := [field for field in needs if field not in used]:
        raise ValueError(f"{{{missing[0]}}} must be in it")


def _unknown(field: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(field, known, n=1, cutoff=0.5)
    hint = f"did you mean {{{near[0]}}}?" if near else f"known: {', '.join(f'{{{one}}}' for one in known)}"
    return f"{{{field}}} is not filled in here; {hint}"


def _pieces(paragraph: str) -> list[tuple[str, str | None]]:
    """Words, and the field that follows them. Raises ValueError."""
    try:
        parsed = list(Formatter().parse(paragraph))
    except ValueError:
        raise ValueError("a brace lacks its other half; write {{ or }} for a brace itself") from None
    for _, field, form, how in parsed:
        if form or how:
            raise ValueError(f"write {{{field}}} with nothing after the name")
    return [(words, field) for words, field, _, _ in parsed]


def fill(text: Sequence[str], values: Mapping[str, Value]) -> tuple[Block, ...]:
    """A text that was checked, with its fields filled in."""
    blocks: list[Block] = []
    items: list[Line] = []
    for paragraph in text:
        pieces = _pieces(paragraph)
        found = [values[field] for _, field in pieces if field is not None]
        if any(value is None or value == () for value in found):
            continue
        if paragraph.startswith("- "):
            items.append(_within(pieces, values, drop="- "))
            continue
        blocks += [bullets(items)] if items else []
        items = []
        words = _within(pieces, values)
        blocks += [Para(line=words)] if words else []
        blocks += [block for value in found if isinstance(value, tuple) for block in value]
    return (*blocks, *((bullets(items),) if items else ()))


def _within(pieces: Sequence[tuple[str, str | None]], values: Mapping[str, Value], drop: str = "") -> Line:
    """The words of a paragraph, without what stands below it."""
    parts: list[Part] = []
    for index, (words, field) in enumerate(pieces):
        value = values[field] if field is not None else None
        words = words.removeprefix(drop) if index == 0 else words
        words = words.rstrip() if isinstance(value, tuple) else words
        for part in (words, value):
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            elif part and not isinstance(part, tuple):
                parts.append(part)
    return line(*parts)
