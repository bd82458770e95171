"""The machines and the table of moves as text for the docs. Nothing is drawn by hand, so nothing can be out of date."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chatops.model.machines import MACHINES, Machine
from chatops.model.moves import MOVES, Fact, Need, Step


def mermaid(machine: Machine[Any, Any]) -> str:
    """A machine as a Mermaid state diagram; events between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (old, event), new in machine.table.items():
        arrows.setdefault((old, new), []).append(event)
    goes_on = {old for old, _ in machine.table}
    lines = [
        "stateDiagram-v2",
        f"    [*] --> {machine.start}",
        *(f"    {old} --> {new}: {', '.join(events)}" for (old, new), events in arrows.items()),
        *(f"    {end} --> [*]" for end in machine.states if end in machine.reachable() - goes_on),
    ]
    return "\n".join(lines) + "\n"


def moves_table() -> str:
    """The table of moves as Markdown: one row a move, its lines in order."""
    rows = (f"| `{move}` | {'<br>'.join(map(_line, lines)) or 'moves nothing'} |" for move, lines in MOVES.items())
    return "\n".join(("| move | what it needs, and what it makes happen |", "|---|---|", *rows)) + "\n"


def document() -> str:
    """All machines and the table of moves: the generated page of the docs."""
    diagrams = (f"## {machine.name.capitalize()}\n\n```mermaid\n{mermaid(machine)}```\n" for machine in MACHINES)
    return "\n".join(("# Machines and moves\n", *diagrams, f"## Moves\n\n{moves_table()}"))


def _line(line: Need | Step) -> str:
    if isinstance(line, Need):
        text = f"needs {_fact(line.fact)}"
    else:
        text = f"{line.kind}: {line.event} ({line.whom}{', where allowed' if line.optional else ''})"
    return f"{text}, when {' and '.join(map(_fact, line.when))}" if line.when else text


def _fact(fact: Fact) -> str:
    return f"{fact.kind} of {fact.whom} in {_states(fact.among)}"


def _states(among: Iterable[Any]) -> str:
    # In the order in which the states are declared: a set has none, and the page must be the same every time.
    first = next(iter(among))
    return "/".join(state for state in type(first) if state in among)
