"""A document on a terminal, in colours by tone; what is not a terminal gets the plain text.

``NO_COLOR`` is honoured by rich's console (https://no-color.org): bold stays, colours go. No text of a user is parsed
for rich's markup: everything is made of :class:`rich.text.Text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table as Grid
from rich.text import Text

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
)
from chatops.plain import (
    STEP_MARKS,
    action_label,
    action_marks,
    command_line,
    instant,
    label_line,
    labelled_cells,
    plain_line,
    plain_text,
    spelled,
    step_text,
    title_line,
    visible,
    visible_line,
)

_TONES = {"normal": "bold", "good": "bold green", "warning": "bold yellow", "alert": "bold red"}
_STEPS = {"not started": "dim", "under way": "bold", "done": "green"}
_ACTIONS = {"plain": "cyan", "primary": "bold cyan", "danger": "red"}
_LABELS = {
    Tlp.CLEAR: "bold",
    Tlp.GREEN: "bold green",
    Tlp.AMBER: "bold yellow",
    Tlp.AMBER_STRICT: "bold yellow",
    Tlp.RED: "bold red",
}


def show(document: Document, console: Console, *, prefix: str = "") -> None:
    """Print a document. ``prefix`` is what a command begins with where this is read: nothing, in the bot's shell."""
    if not console.is_terminal or console.is_dumb_terminal:
        print(plain_text(document, prefix=prefix), file=console.file)  # rich would expand tabs
        return
    for n, part in enumerate(_parts(spelled(document, prefix), console, prefix)):
        if n:
            console.print()
        for renderable in part:
            # Code is to be copied: the terminal wraps it, without blanks or line feeds of ours in between.
            console.print(renderable, highlight=False, soft_wrap=isinstance(renderable, _Uncut))


class _Uncut(Text):
    """Text that is not ours to wrap."""


def _parts(document: Document, console: Console, prefix: str) -> Iterator[list[RenderableType]]:
    if document.title:
        yield [Text(title_line(document), style=_TONES[document.tone])]
    for block in document.blocks:
        yield _block(block, console)
    if document.actions:
        yield _actions(document.actions, prefix, console)
    if label := label_line(document):
        yield [Text(label, style=_LABELS[document.tlp])]


def _block(block: Block, console: Console) -> list[RenderableType]:
    match block:
        case Para():
            return [_line(block.line)]
        case Bullets():
            marks = [f"{n}." if block.numbered else "•" for n, _ in enumerate(block.items, 1)]
            return _hung_all(
                ((Text(mark), _line(item)) for mark, item in zip(marks, block.items, strict=True)), console
            )
        case Fields():
            return _fields(block, console)
        case Board():
            steps = ((step, _STEPS[step.state]) for step in block.steps)
            return _hung_all(
                ((Text(STEP_MARKS[s.state], style), Text(step_text(s), style)) for s, style in steps), console
            )
        case Table():
            return _table(block, console)
        case Code():
            return [_Uncut(f"    {row}", style="cyan") for row in visible(block.text).rstrip("\n").split("\n")]
        case Quote():
            return list(_quote(block.text, console))
    assert_never(block)


def _line(line: Line) -> Text:
    return Text.assemble(*map(_inline, line))


def _inline(part: Inline) -> tuple[str, str]:
    match part:
        case Plain():
            return visible_line(part.text), ""
        case Strong():
            return visible_line(part.text), "bold"
        case Mono() | Typed():
            return visible_line(part.text), "cyan"
        case Who():
            return visible_line(part.name), "bold"
        case Door():
            return visible_line(part.case), "bold"
        case When():
            return instant(part), ""
        case Link():
            return plain_line((part,), {}), "underline"
    assert_never(part)


def _hung(mark: Text, text: Text, console: Console) -> Iterator[Text]:
    """A text beside its mark, and what is wrapped under its beginning. Not a grid: that pads every line with blanks."""
    room = max(console.width - mark.cell_len - 1, 8)
    for n, piece in enumerate(text.wrap(console, room, tab_size=8) or [Text()]):
        piece.rstrip()
        yield Text.assemble(" " * mark.cell_len if n else mark, " ", piece)


def _hung_all(rows: Iterable[tuple[Text, Text]], console: Console) -> list[RenderableType]:
    """Marked texts, one below the other, all beginning in the same column."""
    found = list(rows)
    width = max((mark.cell_len for mark, _ in found), default=0)
    for mark, _ in found:
        mark.pad_right(width - mark.cell_len)
    return [line for mark, text in found for line in _hung(mark, text, console)]


def _fields(block: Fields, console: Console) -> list[RenderableType]:
    labels = [Text(f"{visible_line(name)}:", style="bold") for name, _ in block.pairs]
    values = [_line(value) for _, value in block.pairs]
    if max((label.cell_len for label in labels), default=0) <= console.width // 3:
        return _hung_all(zip(labels, values, strict=True), console)
    return [Text.assemble(label, " ", value) for label, value in zip(labels, values, strict=True)]


def _table(block: Table, console: Console) -> list[RenderableType]:
    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in block.head:
        grid.add_column(Text(visible_line(name)))
    for row in block.rows:
        grid.add_row(*map(_line, row))
    if Measurement.get(console, console.options.update(width=10_000), grid).maximum <= console.width:
        return [grid]
    return _hung_all(((Text("•"), _row(block, row)) for row in block.rows), console)


def _row(block: Table, row: tuple[Line, ...]) -> Text:
    name, cells = labelled_cells(block.head, row)
    text = _line(name)
    text.stylize("bold")
    for n, (label, cell) in enumerate(cells):
        text.append(" · " if n else " — ")
        text.append(f"{visible_line(label)}: " if label else "", style="dim")
        text.append_text(_line(cell))
    return text


def _quote(text: str, console: Console) -> Iterator[RenderableType]:
    for row in visible(text).split("\n"):
        for piece in Text(row).wrap(console, max(console.width - 2, 8), tab_size=8) or [Text()]:
            piece.rstrip()
            yield Text.assemble(("▌ ", "dim"), piece)


def _actions(actions: tuple[Action, ...], prefix: str, console: Console) -> list[RenderableType]:
    texts = (
        Text.assemble(action_label(action, prefix), (command_line(action, prefix), _ACTIONS[action.style]))
        for action in actions
    )
    return _hung_all(zip(map(Text, action_marks(actions)), texts, strict=True), console)
