"""The floors of the house (house.md): each part uses only what lies below it, and only the wiring knows adapters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FLOORS: tuple[tuple[str, ...], ...] = (
    (
        "chatops.document",
        "chatops.advisory",
        "chatops.checksums",
        "chatops.logs",
        "chatops.picture",
        "chatops.template",
    ),
    ("chatops.plain", "chatops.model"),
    ("chatops.ports", "chatops.config", "chatops.loading", "chatops.wording", "chatops.preview"),
    ("chatops.commands.declare", "chatops.commands.desk", "chatops.commands.typed", "chatops.policy"),
    ("chatops.commands",),
    ("chatops.service",),
    ("adapters",),
    ("chatops.bootstrap",),
    ("chatops.cli",),
)
"""From the bottom. Of the commands, what they are declared with stands beside the policy, which speaks of it."""

APART = {"chatops.migrations": "run by Alembic, by name", "chatops.dev": "for developers: no part of the bot"}
ABOVE = {"chatops.docs": 5}
"""What prints the docs from the declarations stands above these."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in ("chatops", "adapters"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, ast.parse(path.read_text(encoding="utf-8"))


MODULES = dict(modules())


def imported(tree: ast.Module, *, typing: bool = True) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it; without ``typing`` not those for the checker only."""
    skipped: set[ast.AST] = set()
    if not typing:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                skipped |= {inner for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            base = node.module or ""
            names = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else base for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in ("chatops", "adapters"))


def within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def floor(name: str) -> int:
    """On which floor a module stands: that of the longest name that covers it."""
    for part, height in ABOVE.items():
        if within(name, part):
            return height
    fitting = [(len(part), height) for height, parts in enumerate(FLOORS) for part in parts if within(name, part)]
    assert fitting, f"{name} stands on no floor: say in this test where it belongs"
    return max(fitting)[1]


@pytest.mark.parametrize(
    "name", [name for name in MODULES if name != "chatops" and not any(within(name, a) for a in APART)]
)
def test_each_module_uses_only_floors_below_it(name: str) -> None:
    used = {other for other in imported(MODULES[name], typing=False) if other != "chatops"}
    assert not {other for other in used if floor(other) > floor(name)}


def test_only_the_wiring_knows_adapters() -> None:
    knows = {
        name
        for name, tree in MODULES.items()
        if within(name, "chatops") and any(within(other, "adapters") for other in imported(tree))
    }
    assert knows == {"chatops.bootstrap"}


@pytest.mark.parametrize("name", [name for name in MODULES if within(name, "adapters")])
def test_adapters_do_not_know_each_other(name: str) -> None:
    """But for the stage, which is scenery for tests and the demo and may use any."""
    own = ".".join(name.split(".")[:2])
    others = {
        other
        for other in imported(MODULES[name])
        if within(other, "adapters") and not within(other, own) and other != own
    }
    assert not others or own == "adapters.stage"
    if own != "adapters.stage":
        uses = {other for other in imported(MODULES[name]) if within(other, "chatops")}
        assert not {other for other in uses if other in ("chatops.bootstrap", "chatops.cli")}


def test_nothing_but_the_wiring_and_tests_use_the_stage() -> None:
    users = {
        name
        for name, tree in MODULES.items()
        if not within(name, "adapters.stage") and any(within(other, "adapters.stage") for other in imported(tree))
    }
    assert users <= {"chatops.bootstrap"}


@pytest.mark.parametrize(
    "name", [name for name in MODULES if within(name, "chatops.model") or within(name, "chatops.checksums")]
)
def test_the_bottom_knows_no_chat(name: str) -> None:
    words = ("slack", "matrix", "terminal", "nio", "aiohttp")
    names = {
        alias.name if isinstance(node, ast.Import) else (node.module or "")
        for node in ast.walk(MODULES[name])
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not {one for one in names if one.split(".")[0] in words}


def test_importing_the_core_does_nothing() -> None:
    """No module of the core does more at import than to define: no calls on their own at the top level."""
    for name, tree in MODULES.items():
        if not within(name, "chatops") or any(within(name, part) for part in APART) or name.endswith("__main__"):
            continue
        for node in tree.body:
            if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
                raise AssertionError(f"{name}:{node.lineno} does something when it is imported")
