"""Dividing a document that is too long for one message. Every part is a document of its own, so it is rendered as any.

A block is divided between its items, a text between its lines, else between words. What may not be divided and is too
long for a message by itself can only be shown shortened; the whole is then handed out as a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from chatops.document import (
    Block,
    Board,
    Bullets,
    Code,
    Document,
    Fields,
    Line,
    Link,
    Mono,
    Node,
    Para,
    Plain,
    Quote,
    Strong,
    Table,
)

Fits = Callable[[Document], bool]

CHUNK = 250
"""Characters. So much fits beside any title and any buttons, whatever characters they are."""
_CAPS = (CHUNK, 60)


class _Piece(NamedTuple):
    """A part of the block with this number, and where in it this part begins (items before it)."""

    origin: int
    start: int
    block: Block


def pages(document: Document, fits: Fits, most: int) -> list[Document] | None:
    """The document in as few messages as it takes, all its actions on the last one.

    None if they would be more than ``most``, or if a part of it is too long for a message.
    """
    made: list[Document] = []
    left = list(_pieces(document.blocks))
    while left:
        count = _fitting(left, lambda some: fits(_page(document, len(made) + 1, some)))
        if not count or len(made) == most:
            return None
        made.append(_page(document, len(made) + 1, left[:count]))
        left = left[count:]
    return [*(page.model_copy(update={"actions": ()}) for page in made[:-1]), *made[-1:]]


def beginning(document: Document, fits: Fits, notice: Block) -> Document:
    """As much of the document as fits into one message with a notice at its end, and all its actions."""
    end = _Piece(len(document.blocks), 0, notice)
    pieces = list(_pieces(document.blocks))
    count = _fitting(pieces, lambda some: fits(_page(document, 1, [*some, end])))
    kept, left = pieces[:count], pieces[count:]
    if left:
        shorter = (left[0]._replace(block=_clipped(left[0].block, cap)) for cap in _CAPS)
        kept += [one for one in shorter if fits(_page(document, 1, [*kept, one, end]))][:1]
    return _page(document, 1, [*kept, end])


def _fitting(pieces: Sequence[_Piece], fits: Callable[[Sequence[_Piece]], bool]) -> int:
    """How many of the first pieces fit. Where some fit, fewer do so too."""
    fitting, beyond = 0, 1
    while beyond <= len(pieces) and fits(pieces[:beyond]):
        fitting, beyond = beyond, 2 * beyond
    beyond = min(beyond, len(pieces) + 1)
    while beyond - fitting > 1:
        middle = (fitting + beyond) // 2
        fitting, beyond = (middle, beyond) if fits(pieces[:middle]) else (fitting, middle)
    return fitting


def _page(document: Document, number: int, pieces: Sequence[_Piece]) -> Document:
    """A part of the document, from the second on under the name that a notification may show."""
    update: dict[str, Any] = {"blocks": tuple(_joined(pieces))}
    if number > 1:
        name = ": ".join(filter(None, (document.case, document.kind)))
        update |= {"title": f"{name}, part {number}", "tone": "normal"}
    return document.model_copy(update=update)


# --- pieces --------------------------------------------------------------------------------------------------------


def _pieces(blocks: Iterable[Block]) -> Iterator[_Piece]:
    for origin, block in enumerate(blocks):
        for start, part in enumerate(_parts(block)):
            yield _Piece(origin, start, part)


def _parts(block: Block) -> Iterator[Block]:
    match block:
        case Para():
            yield from (Para(line=line) for line in _divided(block.line))
        case Bullets():
            yield from (block.model_copy(update={"items": (item,)}) for item in block.items)
        case Fields():
            yield from (block.model_copy(update={"pairs": (pair,)}) for pair in block.pairs)
        case Board():
            yield from (block.model_copy(update={"steps": (step,)}) for step in block.steps)
        case Table():
            yield from (block.model_copy(update={"rows": (row,)}) for row in block.rows)
        case Code() | Quote():
            yield from (block.model_copy(update={"text": text}) for text in _chunks(block.text.replace("\r\n", "\n")))


def _divided(line: Line) -> Iterator[Line]:
    for part in line:
        if isinstance(part, Plain | Strong | Mono):
            yield from ((part.model_copy(update={"text": text}),) for text in _chunks(part.text))
        else:
            yield (part,)


def _chunks(text: str) -> Iterator[str]:
    while len(text) > CHUNK:
        end = text.rfind("\n", 0, CHUNK) + 1 or text.rfind(" ", 0, CHUNK) + 1 or CHUNK
        yield text[:end]
        text = text[end:]
    yield text


def _joined(pieces: Iterable[_Piece]) -> Iterator[Block]:
    """Blocks of neighbouring pieces."""
    for _, group in groupby(pieces, key=lambda piece: piece.origin):
        some = list(group)
        first = some[0].block
        update: dict[str, Any] = {}
        for name in {"line", "items", "pairs", "steps", "rows", "text"} & set(type(first).model_fields):
            values = [getattr(piece.block, name) for piece in some]
            update[name] = "".join(values) if name == "text" else tuple(item for value in values for item in value)
        if isinstance(first, Bullets) and first.numbered and some[0].start:
            # A list that goes on from another message keeps its numbers.
            numbers = range(some[0].start + 1, some[0].start + 1 + len(some))
            items = zip(numbers, update["items"], strict=True)
            update = {"items": tuple((Plain(text=f"{n}. "), *item) for n, item in items), "numbered": False}
        yield first.model_copy(update=update)


def _clipped(part: Any, cap: int) -> Any:
    """A part of a document with every text in it cut to so many characters."""
    if isinstance(part, str):
        return part if len(part) <= cap else part[:cap] + "…"
    if isinstance(part, tuple):
        return tuple(_clipped(inner, cap) for inner in part)
    if isinstance(part, Link) and len(part.url) > cap:  # half an address leads somewhere else
        return Plain(text=_clipped(part.text or part.url, cap))
    if isinstance(part, Node):
        return part.model_copy(update={name: _clipped(getattr(part, name), cap) for name in type(part).model_fields})
    return part
