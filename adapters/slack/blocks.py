"""A document as Block Kit (docs.slack.dev, "Rich text block", "Header block", "Actions block", "Date element").

Nothing that anybody wrote is ever in a ``mrkdwn`` object, which cannot be escaped for sure: it is in ``plain_text``
objects and in the text elements of ``rich_text``, where Slack parses nothing, so that ``<!channel>`` stays what it is.
Tables are lists, a line a row: a ``table`` block may stand once in a message only, and is wider than a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, assert_never

from adapters.slack import limits
from adapters.slack.limits import Json
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
    Para,
    Plain,
    Quote,
    Strong,
    Table,
    Tlp,
    Typed,
    When,
    Who,
    nodes,
)
from chatops.plain import (
    STEP_MARKS,
    command_line,
    instant,
    is_web,
    label_line,
    labelled_cells,
    link_text,
    step_text,
    title_line,
    visible,
    visible_line,
)

_TLP_MARKS = {Tlp.CLEAR: "⚪", Tlp.GREEN: "🟢", Tlp.AMBER: "🟠", Tlp.AMBER_STRICT: "🟠", Tlp.RED: "🔴"}
_LOCAL = "({date_short_pretty}, {time} your time)"
_NO_LOCAL = "(UTC)"
"""Instead of the reader's time, where a client cannot show it."""
_NOTHING = "—"
_BOLD = {"bold": True}
_CODE = {"code": True}


def blocks(document: Document, command: str, mentions: Mapping[str, str], ping: Sequence[str] = ()) -> list[Json]:
    """The blocks of a document whose commands are spelled out and whose title and actions fit (see render.py).

    ``mentions`` are the user ids, by contact name, of those whom their name is to notify: Slack notifies whoever is
    mentioned. ``ping`` are user ids to mention whatever the text.
    """
    kit = _Kit(mentions)
    made: list[Json] = []
    if label := label_line(document):
        # Before the information itself, as TLP 2.0 asks of messages ("How to use TLP in messaging").
        made.append({"type": "context", "elements": [_plain(f"{_TLP_MARKS[document.tlp]} {label}")]})
    if document.title.strip():
        made += _title(document)
    named = {mentions.get(node.name) for node in nodes(document) if isinstance(node, Who)}
    if called := [user for user in ping if user not in named]:
        made += _rich(_section([_text("For"), *(part for user in called for part in (_text(" "), _user(user)))]))
    for block in document.blocks:
        made += _rich(kit.block(block))
    for start in range(0, len(document.actions), limits.ACTIONS):
        some = document.actions[start : start + limits.ACTIONS]
        buttons = [button(action, command, number) for number, action in enumerate(some, start)]
        made.append({"type": "actions", "elements": buttons})
    return made


def _title(document: Document) -> list[Json]:
    """A card's heading. What is no more than a sentence (a refusal, "done") is no heading, and no louder than it is."""
    if document.blocks or document.actions:
        return [{"type": "header", "text": _plain(title_line(document))}]
    return _rich(_section([_text(title_line(document))]))


def button(action: Action, command: str, number: int) -> Json:
    """The value is the action's command; what is dangerous is asked about once more."""
    made: Json = {
        "type": "button",
        "action_id": f"do.{number}",
        "text": _plain(button_text(action)),
        "value": action.command,
    }
    if action.style != "plain":
        made["style"] = action.style
    if action.style == "danger":
        made["confirm"] = {
            "title": _plain("Are you sure?"),
            "text": _plain(_cut(command_line(action, command), limits.CONFIRM["text"])),
            "confirm": _plain(_cut(visible_line(action.label), limits.CONFIRM["confirm"]) or "Yes"),
            "deny": _plain("No"),
            "style": "danger",
        }
    return made


def button_text(action: Action) -> str:
    return " ".join(filter(None, (visible_line(action.emoji), visible_line(action.label)))).strip()


@dataclass(frozen=True)
class _Kit:
    mentions: Mapping[str, str]

    def block(self, block: Block) -> Json | None:
        """One element of a rich text; None where there is nothing to see."""
        match block:
            case Para():
                return _section(self.line(block.line, local=True))
            case Bullets():
                return _list(map(self.line, block.items), "ordered" if block.numbered else "bullet")
            case Fields():
                return _section(_lines(self.field(name, value) for name, value in block.pairs))
            case Board():
                steps = ((f"{STEP_MARKS[step.state]} ", step_text(step), step.state) for step in block.steps)
                return _section(_lines([_text(m), _text(t, _BOLD if s == "under way" else None)] for m, t, s in steps))
            case Table():
                return _list((self.row(block, row) for row in block.rows), "bullet")
            case Code():
                return _whole("rich_text_preformatted", block.text)
            case Quote():
                return _whole("rich_text_quote", block.text)
        assert_never(block)

    def line(self, line: Line, *, bold: bool = False, local: bool = False) -> list[Json]:
        return [element for part in line for element in self.inline(part, bold, local)]

    def inline(self, part: Inline, bold: bool, local: bool) -> list[Json]:
        style = _BOLD if bold else None
        match part:
            case Plain():
                return [_text(visible_line(part.text), style)]
            case Strong():
                return [_text(visible_line(part.text), _BOLD)]
            case Mono() | Typed():
                return [_text(visible_line(part.text), _CODE)]
            case Who():
                name = _text(visible_line(part.name), style)
                user = self.mentions.get(part.name)
                # The roster's name stays: commands take it, and on Slack anybody may call themselves anything.
                return [name, _text(" ("), _user(user), _text(")")] if user else [name]
            case Door():
                return [_text(visible_line(part.case), _BOLD)]
            case When():
                return _when(part, style, local)
            case Link():
                return _link(part, style)
        assert_never(part)

    def field(self, name: str, value: Line) -> list[Json]:
        label = visible_line(name)
        return [_text(f"{label}: " if label else "", _BOLD), *self.line(value, local=True)]

    def row(self, table: Table, row: tuple[Line, ...]) -> list[Json]:
        """A row's name, and what is said of it; of a wide table the rest on a line of its own."""
        wide = len(table.head) > 3
        name, cells = labelled_cells(table.head, row)
        made = self.line(name, bold=True)
        for number, (label, cell) in enumerate(cells):
            made.append(_text(" — " if not number else "\n" if wide and number == 1 else " · "))
            made.append(_text(f"{visible_line(label)}: " if label else ""))
            made += self.line(cell)
        return made


# --- elements ------------------------------------------------------------------------------------------------------


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}  # ":fire:" stays what was typed


def _text(text: str, style: Json | None = None) -> Json:
    return {"type": "text", "text": text, **({"style": style} if style else {})}


def _user(user: str) -> Json:
    return {"type": "user", "user_id": user}


def _when(moment: When, style: Json | None, local: bool) -> list[Json]:
    """In UTC, and beside it in the reader's own time: not of a day, which has another name there, nor in lists."""
    if moment.day or not local:
        return [_text(instant(moment), style)]
    shown = _text(instant(moment.model_copy(update={"zone": None})), style)
    stamp = int(moment.at.astimezone(UTC).timestamp())
    return [shown, _text(" "), {"type": "date", "timestamp": stamp, "format": _LOCAL, "fallback": _NO_LOCAL}]


def _link(link: Link, style: Json | None) -> list[Json]:
    """A link if it is a web address, else its text and target as text.

    A text that looks like another address than the one it leads to is shown beside the true one.
    """
    text, url = link_text(link), visible_line(link.url)
    if not is_web(link.url) or limits.length(url) > limits.URL:
        return [_text(f"{text} ({url})" if text else url, style)]
    target: Json = {"type": "link", "url": url, **({"style": style} if style else {})}
    if "://" in text:
        return [_text(f"{text} (", style), target, _text(")", style)]
    return [{**target, "text": text} if text else target]


def _section(elements: Iterable[Json]) -> Json | None:
    made = _merged(elements)
    return {"type": "rich_text_section", "elements": made} if _seen(made) else None


def _list(items: Iterable[Iterable[Json]], style: str) -> Json | None:
    sections = [_section(item) or _section([_text(_NOTHING)]) for item in items]
    return {"type": "rich_text_list", "style": style, "elements": sections} if sections else None


def _whole(kind: str, text: str) -> Json | None:
    shown = visible(text).rstrip("\n")
    return {"type": kind, "elements": [_text(shown)]} if shown.strip() else None


def _rich(element: Json | None) -> list[Json]:
    return [{"type": "rich_text", "elements": [element]}] if element else []


def _lines(lines: Iterable[list[Json]]) -> list[Json]:
    made: list[Json] = []
    for number, line in enumerate(lines):
        made += [_text("\n"), *line] if number else line
    return made


def _merged(elements: Iterable[Json]) -> list[Json]:
    """Without empty texts, which Slack refuses, and with neighbours of one style as one."""
    made: list[Json] = []
    for element in elements:
        if element.get("text") == "":
            continue
        last: Any = made[-1] if made else {}
        if element["type"] == last.get("type") == "text" and element.get("style") == last.get("style"):
            made[-1] = {**last, "text": last["text"] + element["text"]}
        else:
            made.append(element)
    return made


def _seen(elements: Sequence[Json]) -> bool:
    return any(element["type"] != "text" or element["text"].strip() for element in elements)


def _cut(text: str, longest: int) -> str:
    while limits.length(text) > longest:
        text = text[: min(len(text) - 1, longest) - 1] + "…"
    return text
