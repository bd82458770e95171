"""A document as a Matrix message: HTML of the subset that clients must show, and the plain body beside it.

The tags and attributes are those of the client-server specification (v1.13, "m.room.message msgtypes": HTML with
``format: org.matrix.custom.html``). User text is escaped here, once, after :func:`chatops.plain.visible`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import assert_never
from urllib.parse import quote

from adapters.matrix.fit import ever_shorter
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
    with_doors,
)
from chatops.plain import (
    PREFIX,
    STEP_MARKS,
    action_label,
    action_marks,
    columns,
    command_line,
    instant,
    is_web,
    label_line,
    labelled_cells,
    link_text,
    plain_line,
    plain_text,
    spelled,
    step_text,
    title_line,
    visible,
    visible_line,
)

LIMIT = 40_000
"""Bytes of text that a message may have so that its event, encrypted, stays within the server's 65,536."""
PHONE_COLUMNS = 3
PHONE_WIDTH = 42
"""What fits beside each other on a phone held upright; a larger table is shown as one line a row."""

# FIRST's colours for the labels, on black (TLP 2.0, "TLP-colour-coding").
_TLP_COLOURS = {
    Tlp.CLEAR: "#ffffff",
    Tlp.GREEN: "#33ff00",
    Tlp.AMBER: "#ffc000",
    Tlp.AMBER_STRICT: "#ffc000",
    Tlp.RED: "#ff2b2b",
}
_USER_ID = re.compile(r"@[^\s:]*:[^\s:]\S*")


@dataclass(frozen=True)
class Rendered:
    """The text fields of an ``m.room.message``, and the users that its text names, in order of appearance."""

    body: str
    formatted_body: str
    mentions: tuple[str, ...]


def render(
    document: Document,
    *,
    people: Mapping[str, str],
    discreet: bool,
    prefix: str = PREFIX,
    limit: int = LIMIT,
    doors: Mapping[str, str] | None = None,
) -> Rendered:
    """Make a message's fields of a document.

    ``people`` maps contact names to Matrix user ids; those become pills. ``doors`` are the addresses of rooms that the
    readers may enter, by case. If ``discreet``, the body, which many clients
    show in notifications, names the case and the kind of message only (product.md, "What it looks like").

    What is larger than ``limit`` bytes loses its plain body first, then the ends of its longest parts, which say so.
    An edit carries its content twice: give it half the limit.
    """
    document = spelled(with_doors(document, doors or {}), prefix)
    made = _render(document, people, discreet, prefix)
    if _size(made) > limit:
        notice = visible_line(f"{document.case or document.title}: {document.kind} (long: see the formatted message)")
        for shorter in ever_shorter(document):
            made = replace(_render(shorter, people, True, prefix), body=made.body if discreet else notice)
            if _size(made) <= limit:
                break
    return made


def _render(document: Document, people: Mapping[str, str], discreet: bool, prefix: str) -> Rendered:
    html = _Html(people)
    formatted = html.document(document, prefix)
    if discreet:
        body = visible_line(": ".join(filter(None, (document.case, document.kind))))
    else:
        body = plain_text(document, people=people, prefix=prefix)
    return Rendered(body=body, formatted_body=formatted, mentions=tuple(html.mentioned))


def _size(made: Rendered) -> int:
    return len(json.dumps([made.body, made.formatted_body], ensure_ascii=False).encode())


@dataclass
class _Html:
    """One rendering: writes HTML and remembers whom it mentioned."""

    people: Mapping[str, str]
    mentioned: dict[str, None] = field(default_factory=dict)

    def document(self, document: Document, prefix: str) -> str:
        parts = [self.title(document)] if document.title else []
        parts += (self.block(block) for block in document.blocks)
        if document.actions:
            parts.append(f"<p>{_lines(_actions(document.actions, prefix))}</p>")
        if label := label_line(document):
            colour = _TLP_COLOURS[document.tlp]
            parts.append(f'<p><span data-mx-bg-color="#000000" data-mx-color="{colour}">{_text(label)}</span></p>')
        return "".join(parts)

    def title(self, document: Document) -> str:
        """A card's heading. What is no more than a sentence (a refusal, "done") is no heading."""
        text = _text(title_line(document))
        return f"<p><strong>{text}</strong></p>" if document.blocks or document.actions else f"<p>{text}</p>"

    def block(self, block: Block) -> str:
        match block:
            case Para():
                return f"<p>{self.line(block.line)}</p>"
            case Bullets():
                tag = "ol" if block.numbered else "ul"
                return f"<{tag}>{''.join(f'<li>{self.line(item)}</li>' for item in block.items)}</{tag}>"
            case Fields():
                pairs = (f"<strong>{_text(name)}:</strong> {self.line(value)}" for name, value in block.pairs)
                return f"<p>{_lines(pairs)}</p>"
            case Board():
                return f"<p>{_lines(_steps(block))}</p>"
            case Table():
                return self.grid(block) if self.fits_phone(block) else self.rows(block)
            case Code():
                return f"<pre><code>{escape(visible(block.text))}</code></pre>"
            case Quote():
                return f"<blockquote>{_lines(map(_kept, visible(block.text).split(_LF)))}</blockquote>"
        assert_never(block)

    def line(self, line: Line) -> str:
        return "".join(map(self.inline, line))

    def inline(self, part: Inline) -> str:
        match part:
            case Plain():
                return _text(part.text)
            case Strong():
                return f"<strong>{_text(part.text)}</strong>"
            case Mono() | Typed():
                return f"<code>{_text(part.text)}</code>"
            case Who():
                return self.pill(part.name)
            case Door():
                return f"<strong>{_text(part.case)}</strong>"
            case When():
                return _text(instant(part))
            case Link():
                return _link(part)
        assert_never(part)

    def pill(self, name: str) -> str:
        user = self.people.get(name, "")
        if not _USER_ID.fullmatch(user):
            return _text(name)
        self.mentioned[user] = None
        # matrix.to wants the identifier percent-encoded; sigil and colon stay as in the specification's examples.
        return f'<a href="https://matrix.to/#/{escape(quote(user, safe="@:"))}">{_text(name)}</a>'

    def fits_phone(self, table: Table) -> bool:
        if len(table.head) > PHONE_COLUMNS or any(len(row) > len(table.head) for row in table.rows):
            return False
        texts = [[visible_line(name) for name in table.head]]
        texts += [[plain_line(cell, {}) for cell in row] for row in table.rows]
        widths = [max(columns(row[n]) for row in texts if n < len(row)) for n in range(len(table.head))]
        return sum(widths) + 2 * len(widths) <= PHONE_WIDTH

    def grid(self, table: Table) -> str:
        head = "".join(f"<th>{_text(name)}</th>" for name in table.head)
        rows = ("".join(f"<td>{self.line(cell)}</td>" for cell in row) for row in table.rows)
        body = "".join(f"<tr>{row}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def rows(self, table: Table) -> str:
        return f"<ul>{''.join(f'<li>{self.row(table, row)}</li>' for row in table.rows)}</ul>"

    def row(self, table: Table, row: tuple[Line, ...]) -> str:
        name, cells = labelled_cells(table.head, row)
        rest = (f"{_text(label)}: {self.line(cell)}" if label else self.line(cell) for label, cell in cells)
        head = self.line(name)
        if not any(isinstance(part, Strong) for part in name):
            head = f"<strong>{head}</strong>"
        return "<br>".join(filter(None, (head, " · ".join(rest))))  # two lines: a phone shows one as a wall


_LF = "\n"


def _kept(text: str) -> str:
    """A quoted line with the blanks that it begins with, which HTML would take away."""
    bare = text.lstrip(" ")
    return "&nbsp;" * (len(text) - len(bare)) + escape(bare)


def _text(text: str) -> str:
    return escape(visible_line(text))


def _lines(lines: Iterable[str]) -> str:
    return "<br>".join(lines)


def _steps(board: Board) -> Iterable[str]:
    for step in board.steps:
        text = _text(step_text(step))
        yield f"{STEP_MARKS[step.state]} {f'<strong>{text}</strong>' if step.state == 'under way' else text}"


def _actions(actions: tuple[Action, ...], prefix: str) -> Iterable[str]:
    for mark, action in zip(action_marks(actions), actions, strict=True):
        before, command = f"{mark} {action_label(action, prefix)}", command_line(action, prefix)
        yield f"{escape(before)}<code>{escape(command)}</code>"


def _link(link: Link) -> str:
    """A link if it is a web address, else its text and target as text.

    A text that looks like another address than the one it leads to is shown beside the true one.
    """
    text, url = link_text(link), visible_line(link.url)
    if not is_web(link.url):
        return escape(f"{text} ({url})" if text else url)
    if "://" in text:
        return f"{escape(text)} ({_anchor(url, url)})"
    return _anchor(url, text or url)


def _anchor(url: str, text: str) -> str:
    return f'<a href="{escape(url)}">{escape(text)}</a>'
