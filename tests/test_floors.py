"""The house's floors: each uses only floors below it, and the core knows no adapter (design: one direction)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS: tuple[tuple[str, ...], ...] = (
    ("chatops.document", "chatops.checksums"),
    ("chatops.ports", "chatops.plain"),
    ("chatops.model", "chatops.config"),
    ("chatops.commands", "chatops.policy"),
    ("chatops.service", "chatops.docs"),
    ("chatops.bootstrap",),
    ("chatops.cli",),
)
"""From the ground up. ``policy`` and ``commands`` share a floor: who may do what is said of declarations."""
ANYWHERE = {"chatops", "chatops.logs", "chatops.dev", "chatops.migrations"}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(name: str) -> int | None:
    for number, modules in enumerate(FLOORS):
        if any(name == one or name.startswith(one + ".") for one in modules):
            return number
    return None


@pytest.mark.parametrize("path", sources("chatops"), ids=module)
def test_core_knows_no_adapter(path: Path) -> None:
    if module(path) != "chatops.bootstrap":
        assert not [name for name in imports(path) if name.split(".")[0] == "adapters"]


@pytest.mark.parametrize("path", sources("chatops"), ids=module)
def test_nothing_reaches_up(path: Path) -> None:
    own = floor(module(path))
    if own is None:
        assert any(module(path) == one or module(path).startswith(one + ".") for one in ANYWHERE), "on no floor"
        return
    above = [name for name in imports(path) if (theirs := floor(name)) is not None and theirs > own]
    assert not above


@pytest.mark.parametrize("path", sources("adapters"), ids=module)
def test_adapters_do_not_know_each_other(path: Path) -> None:
    own = module(path).split(".")[1:2]
    if own == ["stage"]:  # test scenery: it plays with what it shows
        return
    others = [name for name in imports(path) if name.startswith("adapters.") and name.split(".")[1:2] != own]
    assert not others


@pytest.mark.parametrize("path", sources("adapters"), ids=module)
def test_adapters_do_not_decide(path: Path) -> None:
    if module(path).split(".")[1:2] != ["stage"]:
        assert not [name for name in imports(path) if name.startswith(("chatops.service", "chatops.commands"))]
