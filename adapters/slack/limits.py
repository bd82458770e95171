"""What Slack allows a message to be, in numbers, and a check that says what of it is broken.

Sources at docs.slack.dev: the page of each block and element ("Header block", "Button element", …), "Text object",
"Confirmation dialog object"; the error ``msg_too_long`` of ``chat.update``. That all blocks together may be too long
(``msg_blocks_too_long``) is documented without a number: messages were refused from about 13,200 characters on, the
blocks' own JSON counted (bolt-js, issues 2509 and 2867).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

Json = dict[str, Any]

BLOCKS = 50
"""In a message; a home page may have 100."""
SIZE = 12_000
"""Characters of all blocks of a message, as JSON in ASCII: safe however Slack counts."""
TEXT = 4_000
"""Characters of a message's ``text``, escaped: what ``chat.update`` takes. More would be cut or refused elsewhere."""
HEADER = 150
TEXT_OBJECT = 3_000
FIELDS, FIELD = 10, 2_000
CONTEXT = 10
ACTIONS = 25
BUTTON = 75
VALUE = 2_000
ID = 255
URL = 3_000
CONFIRM = {"title": 100, "text": 300, "confirm": 30, "deny": 30}

_STYLES = ("primary", "danger")
_INLINE = ("text", "link", "user", "date")
"""Of the elements of a rich text, those that this bot makes."""


def length(text: str) -> int:
    """Of a text, in UTF-16 units: what counts most of what Slack may count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def size(blocks: Sequence[Json]) -> int:
    """How large blocks are, as :data:`SIZE` counts."""
    return len(json.dumps(blocks, separators=(",", ":")))


def check(blocks: Sequence[Json], *, most: int = BLOCKS) -> list[str]:
    """Every limit of Slack's that these blocks break, each as where and what; empty if Slack will take them.

    Knows the blocks that this bot makes; any other is named as unknown. No text of the blocks is repeated.
    """
    found = [f"{len(blocks)} blocks, at most {most}"] if len(blocks) > most else []
    if (large := size(blocks)) > SIZE and most == BLOCKS:
        found.append(f"{large} characters of blocks, at most {SIZE}")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids) or any(not 0 < len(one) <= ID for one in ids):
        found.append("block ids")
    for number, block in enumerate(blocks):
        inspect = _KINDS.get(block.get("type", ""))
        problems = inspect(block) if inspect else [f"unknown block {block.get('type')}"]
        found += [f"blocks[{number}]: {problem}" for problem in problems]
    return found


def _header(block: Json) -> Iterator[str]:
    yield from _text(block.get("text"), HEADER, plain=True)


def _section(block: Json) -> Iterator[str]:
    fields = block.get("fields", ())
    if "text" in block or not fields:
        yield from _text(block.get("text"), TEXT_OBJECT)
    yield from _count("fields", len(fields), 0, FIELDS)
    for one in fields:
        yield from _text(one, FIELD)


def _context(block: Json) -> Iterator[str]:
    yield from _count("elements", len(block["elements"]), 1, CONTEXT)
    for one in block["elements"]:
        yield from _text(one, TEXT_OBJECT)


def _actions(block: Json) -> Iterator[str]:
    elements = block["elements"]
    yield from _count("elements", len(elements), 1, ACTIONS)
    ids = [one.get("action_id", "") for one in elements]
    if len(set(ids)) < len(ids) or any(not 0 < len(one) <= ID for one in ids):
        yield "action ids"
    for one in elements:
        if one.get("type") != "button":
            yield f"unknown element {one.get('type')}"
            continue
        yield from _text(one.get("text"), BUTTON, plain=True)
        yield from _count("value", length(one.get("value", "")), 1, VALUE)
        yield from _style(one)
        if (dialog := one.get("confirm")) is not None:
            for name, longest in CONFIRM.items():
                yield from _text(dialog.get(name), longest, plain=True)
            yield from _style(dialog)


def _rich_text(block: Json) -> Iterator[str]:
    yield from _count("elements", len(block["elements"]), 1, None)
    for one in block["elements"]:
        match one.get("type"):
            case "rich_text_section" | "rich_text_quote":
                yield from _inlines(one["elements"], _INLINE)
            case "rich_text_preformatted":
                yield from _inlines(one["elements"], ("text", "link"))
            case "rich_text_list":
                if one.get("style") not in ("bullet", "ordered"):
                    yield "list style"
                yield from _count("items", len(one["elements"]), 1, None)
                for item in one["elements"]:
                    if item.get("type") != "rich_text_section":
                        yield "a list item that is no section"
                    yield from _inlines(item["elements"], _INLINE)
            case other:
                yield f"unknown element {other}"


def _inlines(elements: Sequence[Json], allowed: Sequence[str]) -> Iterator[str]:
    yield from _count("elements", len(elements), 1, None)
    if elements and all(one.get("type") == "text" and not str(one.get("text", "")).strip() for one in elements):
        yield "nothing to see"
    for one in elements:
        kind = one.get("type")
        if kind not in allowed:
            yield f"{kind} is not allowed here"
        elif kind in ("text", "link") and one.get("text", "x" if kind == "link" else "") == "":
            yield "empty text"
        if kind == "link":
            yield from _count("url", len(one.get("url", "")), 1, URL)
        if kind == "user" and not one.get("user_id"):
            yield "a mention of nobody"
        if kind == "date" and not (isinstance(one.get("timestamp"), int) and one.get("format")):
            yield "a date without timestamp and format"


def _text(text: Any, longest: int, *, plain: bool = False) -> Iterator[str]:
    """Of a text object."""
    if not isinstance(text, dict) or text.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield "no text object"
    elif not str(text.get("text", "")).strip():
        yield "empty text"
    else:
        yield from _count("text", length(text["text"]), 1, longest)


def _style(element: Json) -> Iterator[str]:
    if element.get("style", "primary") not in _STYLES:
        yield "style"


def _count(what: str, number: int, least: int, most: int | None) -> Iterator[str]:
    if number < least:
        yield f"{what}: {number}, at least {least}"
    if most is not None and number > most:
        yield f"{what}: {number}, at most {most}"


_KINDS: dict[str, Callable[[Json], Iterable[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "divider": lambda block: (),
}
