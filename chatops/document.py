"""What the bot says, as a small tree without markup.

A handler returns a :class:`Document`; each service renders it in its own form (Matrix HTML, Block Kit, mail text,
rich text) and escapes user text there, once. Documents are frozen into the outbox as JSON, so they are pydantic models.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field


class Tlp(IntEnum):
    """Traffic Light Protocol 2.0 (FIRST), from the widest audience to the narrowest."""

    CLEAR = 0
    GREEN = 1
    AMBER = 2
    AMBER_STRICT = 3
    RED = 4

    def __str__(self) -> str:
        return "TLP:" + self.name.replace("_", "+")


class Node(BaseModel):
    """A part of a document. Its ``repr`` names the kind only: a document may bear embargoed text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    __str__ = __repr__


class Plain(Node):
    t: Literal["plain"] = "plain"
    text: str


class Strong(Node):
    t: Literal["strong"] = "strong"
    text: str


class Mono(Node):
    """A command, digest or file name: shown in a fixed-width face, easy to copy."""

    t: Literal["mono"] = "mono"
    text: str


class Typed(Node):
    """A command to type, without the bot's name: the renderer puts in front what it begins with where this is read."""

    t: Literal["typed"] = "typed"
    text: str


class Who(Node):
    """A person, by the contact's name; the renderer mentions them where the service knows an address for the name."""

    t: Literal["who"] = "who"
    name: str


class Door(Node):
    """A case, by its number; the renderer links it with its room where those who read this may enter that."""

    t: Literal["door"] = "door"
    case: str


class When(Node):
    """An instant. Shown in UTC, and in the reader's zone where the service can, or ``zone`` names it. ``day`` drops the
    hour.
    """

    t: Literal["when"] = "when"
    at: AwareDatetime
    day: bool = False
    zone: str | None = None


class Link(Node):
    t: Literal["link"] = "link"
    text: str
    url: str


Inline = Annotated[Plain | Strong | Mono | Typed | Who | Door | When | Link, Field(discriminator="t")]
Line = tuple[Inline, ...]
Part = str | Plain | Strong | Mono | Typed | Who | Door | When | Link


def line(*parts: Part) -> Line:
    """A line of text; plain strings become :class:`Plain`."""
    return tuple(Plain(text=part) if isinstance(part, str) else part for part in parts)


def strong(text: str) -> Strong:
    return Strong(text=text)


def mono(text: str) -> Mono:
    return Mono(text=text)


def typed(text: str) -> Typed:
    return Typed(text=text)


def who(name: str) -> Who:
    return Who(name=name)


def door(case: str) -> Door:
    return Door(case=case)


def when(at: datetime, *, day: bool = False) -> When:
    return When(at=at, day=day)


def link(url: str, text: str = "") -> Link:
    """An address to follow, shown as it is unless there is a ``text`` for it."""
    return Link(text=text or url, url=url)


class Para(Node):
    t: Literal["para"] = "para"
    line: Line


class Bullets(Node):
    t: Literal["bullets"] = "bullets"
    items: tuple[Line, ...]
    numbered: bool = False


class Fields(Node):
    """Short labelled values, e.g. *Owner: maintainer*."""

    t: Literal["fields"] = "fields"
    pairs: tuple[tuple[str, Line], ...]


class Step(Node):
    name: str
    state: Literal["not started", "under way", "done"]
    note: str = ""


class Board(Node):
    """The policy's four steps, computed from the machines (product.md)."""

    t: Literal["board"] = "board"
    steps: tuple[Step, ...]


class Table(Node):
    """A small table. The first column names the row; a phone may show each row as a block of its own."""

    t: Literal["table"] = "table"
    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


class Code(Node):
    """Text to copy as it is (check lines, commands)."""

    t: Literal["code"] = "code"
    text: str


class Quote(Node):
    """Somebody's own words, unchanged (a report, an update)."""

    t: Literal["quote"] = "quote"
    text: str


Block = Annotated[Para | Bullets | Fields | Board | Table | Code | Quote, Field(discriminator="t")]


class Action(Node):
    """A sensible next step: a button on Slack, a reaction (``emoji``) and a copyable command on Matrix.

    ``command`` is what pressing it means, without the bot's name: ``accept DS-2026-7KQ4``.
    """

    label: str
    command: str
    emoji: str
    style: Literal["plain", "primary", "danger"] = "plain"


class Document(Node):
    """A card: a title line, blocks, the next sensible actions, and the TLP label of all of it.

    ``kind`` says in a word or two what it is ("case card", "terms", "update"); it and ``case`` are all that a discreet
    notification shows. ``case`` is None for what is not about a case, or is public.
    """

    title: str
    kind: str = "answer"
    tlp: Tlp = Tlp.CLEAR
    case: str | None = None
    blocks: tuple[Block, ...] = ()
    actions: tuple[Action, ...] = ()
    tone: Literal["normal", "good", "warning", "alert"] = "normal"


def para(*parts: Part) -> Para:
    return Para(line=line(*parts))


def code(text: str) -> Code:
    return Code(text=text)


def quote(text: str) -> Quote:
    return Quote(text=text)


def bullets(items: Iterable[str | Line], *, numbered: bool = False) -> Bullets:
    return Bullets(items=tuple(line(item) if isinstance(item, str) else item for item in items), numbered=numbered)


def fields(*pairs: tuple[str, str | Line]) -> Fields:
    return Fields(pairs=tuple((name, line(value) if isinstance(value, str) else value) for name, value in pairs))


def table(head: Iterable[str], rows: Iterable[Iterable[str | Line]]) -> Table:
    made = tuple(tuple(line(cell) if isinstance(cell, str) else cell for cell in row) for row in rows)
    return Table(head=tuple(head), rows=made)


def nodes(part: object) -> Iterator[Node]:
    """A part of a document, and all parts within it."""
    if isinstance(part, Node):
        yield part
        for name in type(part).model_fields:
            yield from nodes(getattr(part, name))
    elif isinstance(part, tuple):
        for inner in part:
            yield from nodes(inner)


P = TypeVar("P")


def changed(part: P, change: Callable[[Node], Node]) -> P:
    """A part of a document with the nodes within it changed. What stays as it was is the same object."""
    if isinstance(part, tuple):
        made = tuple(changed(inner, change) for inner in part)
        return part if all(new is old for new, old in zip(made, part, strict=True)) else made  # type: ignore[return-value]
    if not isinstance(part, Node):
        return part
    if (other := change(part)) is not part:
        return other  # type: ignore[return-value]
    held = {name: getattr(part, name) for name in type(part).model_fields}
    fresh = {name: new for name, old in held.items() if (new := changed(old, change)) is not old}
    return part.model_copy(update=fresh) if fresh else part


def local(document: Document, zone: str) -> Document:
    """A document for a reader in a zone (``Europe/Berlin``): its instants are shown there, too."""

    def there(node: Node) -> Node:
        return node.model_copy(update={"zone": zone}) if isinstance(node, When) and not node.day else node

    return changed(document, there)


def with_doors(document: Document, doors: Mapping[str, str]) -> Document:
    """A document for readers who may enter the rooms of some cases: ``doors`` are the rooms' addresses, by case.

    The cases that it lists lead there, and at its end one line does if it is about one of them.
    """

    def opened(node: Node) -> Node:
        if not isinstance(node, Door):
            return node
        return link(doors[node.case], node.case) if node.case in doors else strong(node.case)

    made = changed(document, opened)
    if made.case is None or made.case not in doors:
        return made
    return made.model_copy(update={"blocks": (*made.blocks, para("Room: ", link(doors[made.case], made.case)))})


def dates(document: Document) -> set[datetime]:
    """The instants that a document shows."""
    return {node.at for node in nodes(document) if isinstance(node, When)}
