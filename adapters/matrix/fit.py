"""Cutting a document that is too long for one Matrix event.

A server refuses events over 65,536 bytes (client-server specification, "Size limits"); encryption adds a third. The
longest parts are cut, and each says how much is missing: a message that says so beats one that never arrives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from chatops.document import (
    Block,
    Bullets,
    Code,
    Document,
    Fields,
    Inline,
    Line,
    Para,
    Plain,
    Quote,
    Strong,
    Table,
    line,
)

_CAPS = (16_000, 8_000, 4_000, 2_000, 1_000, 500, 250)

T = TypeVar("T")


def ever_shorter(document: Document) -> Iterator[Document]:
    """The document, then shorter and shorter forms of it; the caller takes the first that fits."""
    yield document
    for cap in _CAPS:
        yield document.model_copy(update={"blocks": tuple(_capped(block, cap) for block in document.blocks)})


def _capped(block: Block, cap: int) -> Block:
    match block:
        case Quote() | Code() if len(block.text) > cap:
            left_out = len(block.text) - cap
            return block.model_copy(update={"text": f"{block.text[:cap]}\n[… {left_out} more characters]"})
        case Para():
            return block.model_copy(update={"line": _capped_line(block.line, cap)})
        case Fields():
            return block.model_copy(update={"pairs": tuple((name, _capped_line(v, cap)) for name, v in block.pairs)})
        case Bullets():
            kept = _within([_capped_line(item, cap) for item in block.items], cap)
            return block.model_copy(update={"items": kept + _notice(len(block.items) - len(kept))})
        case Table():
            rows = _within([tuple(_capped_line(cell, cap) for cell in row) for row in block.rows], cap)
            notice = _notice(len(block.rows) - len(rows))
            return block.model_copy(update={"rows": (*rows, notice) if notice else rows})
    return block


def _capped_line(parts: Line, cap: int) -> Line:
    return tuple(_capped_part(part, cap) for part in parts)


def _capped_part(part: Inline, cap: int) -> Inline:
    if isinstance(part, Plain | Strong) and len(part.text) > cap:
        return part.model_copy(update={"text": f"{part.text[:cap]} [… {len(part.text) - cap} more characters]"})
    return part


def _within(items: Sequence[T], cap: int) -> tuple[T, ...]:
    """As many of the first items as stay within ``cap`` characters, at least one."""
    kept: list[T] = []
    for item in items:
        cap -= _weight(item)
        if cap < 0 and kept:
            break
        kept.append(item)
    return tuple(kept)


def _weight(item: Any) -> int:
    if isinstance(item, tuple):
        return sum(map(_weight, item))
    return len(item.model_dump_json())


def _notice(missing: int) -> tuple[Line, ...]:
    return (line(f"[… {missing} more]"),) if missing else ()
