"""The roster as a table: CSV (RFC 4180, with a header) and YAML (a list of contacts), read with line numbers, written.

A column is called as the option of ``contacts`` is; an empty cell says nothing of it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from chatops.commands.typed import nearest, short

FORMATS = ("csv", "yaml")


@dataclass(frozen=True)
class Row:
    """One contact as it was written: its line, and each cell with the line that it stands in."""

    line: int
    cells: Mapping[str, str]
    lines: Mapping[str, int] = field(default_factory=dict)

    def at(self, column: str) -> int:
        return self.lines.get(column, self.line)


@dataclass(frozen=True, order=True)
class Fault:
    """What is wrong in a line of a file."""

    line: int
    text: str


class Malformed(Exception):
    """A table that can't be read. ``faults`` says what is wrong in which line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        super().__init__("malformed")
        self.faults = sorted(faults)


def read(form: str, text: str, columns: Sequence[str]) -> list[Row]:
    """The rows of a file, which may stand in a code block: its lines are counted. Raises :class:`Malformed` with all
    that is wrong.
    """
    fence = re.match(r"\s*```(?:[a-z]*[ \t]*\n)?", text)
    body = text[fence.end() :].rstrip().removesuffix("```") if fence else text
    rows = _csv(body, columns) if form == "csv" else _yaml(body, columns)
    if not rows:
        raise Malformed([Fault(1, "there are no contacts in it")])
    return rows


def _csv(text: str, columns: Sequence[str]) -> list[Row]:
    reader = csv.reader(io.StringIO(text), strict=True)
    faults: list[Fault] = []
    rows: list[Row] = []
    head: list[str] = []
    last = 0
    try:
        for cells in reader:
            line, last = last + 1, reader.line_num
            if not any(cell.strip() for cell in cells) or cells[0].lstrip().startswith("#"):
                continue
            if not head:
                head = [cell.strip().casefold() for cell in cells]
                faults += _unknown([(line, name) for name in head], columns)
            elif len(cells) != len(head):
                faults.append(Fault(line, f"{len(cells)} cells, but the first line names {len(head)} columns"))
            else:
                rows.append(Row(line, {name: cell.strip() for name, cell in zip(head, cells, strict=True)}))
    except csv.Error as bad:
        faults.append(Fault(last + 1, f"no CSV: {bad}"))  # a quote that is never closed begins there
    if faults:
        raise Malformed(faults)
    return rows


def _yaml(text: str, columns: Sequence[str]) -> list[Row]:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as bad:
        mark = bad.problem_mark or bad.context_mark
        raise Malformed([Fault(mark.line + 1 if mark else 1, f"no YAML: {bad.problem or 'unreadable'}")]) from None
    except RecursionError:
        raise Malformed([Fault(1, "no list of contacts: lists within lists within lists")]) from None
    except yaml.YAMLError:
        raise Malformed([Fault(1, "no YAML: there are characters in it that it may not hold")]) from None
    if root is None:
        return []
    if not isinstance(root, yaml.SequenceNode):
        raise Malformed([Fault(root.start_mark.line + 1, "write a list, each contact with a dash: - name: debian")])
    faults: list[Fault] = []
    rows = [_mapping(one, columns, faults) for one in root.value]
    if faults:
        raise Malformed(faults)
    return rows


def _mapping(node: yaml.Node, columns: Sequence[str], faults: list[Fault]) -> Row:
    line = node.start_mark.line + 1
    cells: dict[str, str] = {}
    lines: dict[str, int] = {}
    if not isinstance(node, yaml.MappingNode):
        faults.append(Fault(line, "this is no contact; write - name: debian, and below it the rest"))
        return Row(line, cells)
    for key, value in node.value:
        at = key.start_mark.line + 1
        name = str(key.value).casefold() if isinstance(key, yaml.ScalarNode) else "?"
        faults += _unknown([(at, name)], columns)
        if name in cells:
            faults.append(Fault(at, f"{name} is given twice"))
        cells[name], lines[name] = _scalars(value, faults), at
    return Row(line, cells, lines)


def _scalars(node: yaml.Node, faults: list[Fault]) -> str:
    """A value as it is typed in a command: a word, or a list with commas."""
    if isinstance(node, yaml.ScalarNode):
        return "" if node.tag == "tag:yaml.org,2002:null" else str(node.value).strip()
    if isinstance(node, yaml.SequenceNode) and all(isinstance(one, yaml.ScalarNode) for one in node.value):
        return ",".join(str(one.value) for one in node.value) or "none"
    faults.append(Fault(node.start_mark.line + 1, "write a word here, or a list of words"))
    return ""


def _unknown(names: Iterable[tuple[int, str]], columns: Sequence[str]) -> list[Fault]:
    found = []
    seen: set[str] = set()
    for line, name in names:
        if name not in columns:
            close = nearest(name, columns)
            hint = f"did you mean {close}?" if close else f"columns: {', '.join(columns)}"
            found.append(Fault(line, f'no column "{short(name)}"; {hint}'))
        elif name in seen:
            found.append(Fault(line, f"the column {name} is there twice"))
        seen.add(name)
    return found


def write(form: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> str:
    """The same contacts as a file that :func:`read` takes."""
    if form == "yaml":
        told = [{name: row[name] for name in columns if row.get(name)} for row in rows]
        return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, width=120)
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: row.get(name, "") for name in columns} for row in rows)
    return out.getvalue()
