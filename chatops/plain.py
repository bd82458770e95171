"""A document as plain text, and the pieces of text that every renderer shares.

One form serves the Matrix ``body``, the terminal's pipe output and mail. Prose is never wrapped: whoever shows it wraps
it, and whoever searches it finds whole sentences. Only tables look at the width.

User text passes :func:`visible` on its way out, so that nothing pasted can forge a line of a card, reorder what
surrounds it (CVE-2021-42574, "Trojan Source") or drive a terminal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from typing import assert_never
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from chatops.document import (
    Action,
    Block,
    Board,
    Bullets,
    Code,
    Document,
    Door,
    Fields,
    Inline,
    Line,
    Link,
    Mono,
    Node,
    Para,
    Plain,
    Quote,
    Step,
    Strong,
    Table,
    Typed,
    When,
    Who,
    changed,
)

STEP_MARKS = {"not started": "○", "under way": "◐", "done": "✔"}
TONE_MARKS = {"normal": "", "good": "✔ ", "warning": "⚠️ ", "alert": "🚨 "}
PREFIX = "!dynasched"
TABLE_WIDTH = 60
"""A plain table wider than this many columns is shown as one line a row."""

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Joiners that shape emoji and several scripts, and Arabic signs that are seen although Unicode files them as "format".
_SEEN_FORMATS = frozenset("\u200c\u200d\u06dd\u070f\u0890\u0891\u08e2") | {chr(code) for code in range(0x600, 0x606)}
_NO_WIDTH = frozenset(("Mn", "Me", "Cf"))


# --- pieces --------------------------------------------------------------------------------------------------------


def visible(text: str) -> str:
    """Text of several lines with every control, bidirectional and invisible format character made visible.

    Line feeds and tabs stay, and CR LF counts as a line feed: a report keeps its form. C0 controls become their
    pictures (ESC is ␛), the rest ``[U+202E]``.
    """
    text = text.replace("\r\n", "\n")
    return text if text.isprintable() else "".join(map(_visible_character, text))


def visible_line(text: str) -> str:
    """As :func:`visible`, in one line: a line feed is shown as ``⏎``, so that a name cannot forge the next line."""
    return visible(text).replace("\n", " ⏎ ").replace("\t", " ")


def _visible_character(character: str) -> str:
    code = ord(character)
    if character in "\n\t" or character in _SEEN_FORMATS:
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"[U+{code:04X}]"
    return character


def columns(text: str) -> int:
    """How many columns of a fixed-width screen a line takes: East Asian wide characters take two, combining none."""
    return sum(_character_columns(character) for character in text)


def _character_columns(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def instant(moment: When) -> str:
    """``Mon 14 Dec 2026 14:00 UTC (15:00 Europe/Berlin)``, in English whatever the process's locale is."""
    at = moment.at.astimezone(UTC)
    if moment.day:
        return _day(at)
    shown = f"{_day(at)} {at:%H:%M} UTC"
    if moment.zone is None:
        return shown
    there = at.astimezone(ZoneInfo(moment.zone))
    other = f"{_day(there)} " if there.date() != at.date() else ""
    return f"{shown} ({other}{there:%H:%M} {moment.zone})"


def _day(at: datetime) -> str:
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year}"


def is_web(url: str) -> bool:
    """Whether a link may be made of it: http or https, a host, and nothing invisible, blank or quoted inside."""
    if visible_line(url) != url or any(character.isspace() or character in "\"'<>`\\" for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def link_text(link: Link) -> str:
    """What a link says besides its address; nothing, where that is the same address written a little differently."""
    text = visible_line(link.text).strip(" ")
    return "" if _bare(text) == _bare(visible_line(link.url)) else text


def _bare(address: str) -> str:
    return address.removeprefix("https://").removeprefix("http://").rstrip("/")


def title_line(document: Document) -> str:
    """The title with the mark of its tone."""
    return TONE_MARKS[document.tone] + visible_line(document.title)


def label_line(document: Document) -> str | None:
    """The TLP label that ends the message; None for what is neither about a case nor restricted (TLP 2.0: CLEAR)."""
    return str(document.tlp) if document.case is not None or document.tlp else None


def step_text(step: Step) -> str:
    """A step of the board, without its mark."""
    return visible_line(" · ".join(filter(None, (step.name, step.note))))


def command_line(action: Action, prefix: str) -> str:
    """The whole command that an action stands for, ready to copy."""
    return visible_line(f"{prefix} {action.command}").strip(" ")


def action_label(action: Action, prefix: str) -> str:
    """What an action's line says before the command; nothing where the command begins with the same words."""
    label, command = visible_line(action.label), command_line(action, prefix)
    return "" if not label or f"{command} ".startswith(f"{label} ") else f"{label}: "


def action_marks(actions: Sequence[Action]) -> list[str]:
    """What each action line begins with: its emoji, else its number."""
    return [visible_line(action.emoji) or f"{number}." for number, action in enumerate(actions, 1)]


def spelled(document: Document, prefix: str) -> Document:
    """The document with every command in its text written out as it is typed where this is read."""

    def spell(node: Node) -> Node:
        return Mono(text=f"{prefix} {node.text}".strip(" ")) if isinstance(node, Typed) else node

    return changed(document, spell)


def labelled_cells(head: Sequence[str], row: Sequence[Line]) -> tuple[Line, list[tuple[str, Line]]]:
    """A table's row as its name and the other cells with their column's head; empty cells are left out.

    What stands beside the name needs no label, unless the cell after it has one.
    """
    name: Line = row[0] if row else ()
    labels = (*(head[1:] if len(head) == 3 else ("", *head[2:])), *[""] * len(row))
    return name, [(label, cell) for label, cell in zip(labels, row[1:], strict=False) if not _is_blank(cell)]


def _is_blank(cell: Line) -> bool:
    return all(isinstance(part, Plain) and not part.text.strip(" ") for part in cell)


# --- the document --------------------------------------------------------------------------------------------------


def plain_text(
    document: Document, *, people: Mapping[str, str] | None = None, prefix: str = PREFIX, width: int = TABLE_WIDTH
) -> str:
    """The whole document as plain text, without a final line feed.

    ``people`` maps contact names to addresses, which are shown beside the name. ``prefix`` is what a command begins
    with where this text is read ("" in the bot's own shell). ``width`` is the widest table.
    """
    document = spelled(document, prefix)
    known = people or {}
    parts = [title_line(document)] if document.title else []
    parts += filter(None, (_block(block, known, width) for block in document.blocks))
    if document.actions:
        marks = action_marks(document.actions)
        parts.append(
            "\n".join(
                f"{mark} {action_label(action, prefix)}{command_line(action, prefix)}"
                for mark, action in zip(marks, document.actions, strict=True)
            )
        )
    label = label_line(document)
    return "\n\n".join([*parts, label] if label else parts)


def plain_line(line: Line, people: Mapping[str, str]) -> str:
    """A line's text, with addresses and link targets spelled out."""
    return "".join(_inline(part, people) for part in line)


def _inline(part: Inline, people: Mapping[str, str]) -> str:
    match part:
        case Plain() | Strong() | Mono() | Typed():
            return visible_line(part.text)
        case Who():
            name, address = visible_line(part.name), people.get(part.name)
            return f"{name} ({visible_line(address)})" if address and address != part.name else name
        case Door():
            return visible_line(part.case)
        case When():
            return instant(part)
        case Link():
            text, url = link_text(part), visible_line(part.url)
            return f"{text} ({url})" if text else url
    assert_never(part)


def _block(block: Block, people: Mapping[str, str], width: int) -> str:
    match block:
        case Para():
            return plain_line(block.line, people)
        case Bullets():
            return "\n".join(
                f"{f'{number}.' if block.numbered else '•'} {plain_line(item, people)}"
                for number, item in enumerate(block.items, 1)
            )
        case Fields():
            return "\n".join(f"{visible_line(name)}: {plain_line(value, people)}" for name, value in block.pairs)
        case Board():
            return "\n".join(f"{STEP_MARKS[step.state]} {step_text(step)}" for step in block.steps)
        case Table():
            return _table(block, people, width)
        case Code():
            # Set in, so that no line of it can pass for a line of the card; the sum tools skip leading blanks.
            return "\n".join(f"    {row}" if row else "" for row in visible(block.text).rstrip("\n").split("\n"))
        case Quote():
            return "\n".join(f"> {row}" if row else ">" for row in visible(block.text).split("\n"))
    assert_never(block)


def _table(block: Table, people: Mapping[str, str], width: int) -> str:
    head = [visible_line(name) for name in block.head]
    rows = [[plain_line(cell, people) for cell in row] for row in block.rows]
    grid = list(zip_longest(*zip_longest(head, *rows, fillvalue=""), fillvalue=""))
    widths = [max(map(columns, column)) for column in zip(*grid, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > width:
        return "\n".join(_row(block.head, row, people) for row in block.rows)
    return "\n".join(_aligned(cells, widths) for cells in [grid[0], ["-" * each for each in widths], *grid[1:]])


def _aligned(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(cell + " " * (each - columns(cell)) for cell, each in zip(cells, widths, strict=True)).rstrip()


def _row(head: Sequence[str], row: Sequence[Line], people: Mapping[str, str]) -> str:
    name, cells = labelled_cells(head, row)
    rest = " · ".join(": ".join(filter(None, (visible_line(label), plain_line(cell, people)))) for label, cell in cells)
    return "• " + " — ".join(filter(None, (plain_line(name, people), rest)))
