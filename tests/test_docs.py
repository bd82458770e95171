"""The generated pages and the README say what the declarations say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatops import docs
from chatops.commands.registry import collect

README = Path(__file__).parent.parent / "README.md"


@pytest.mark.parametrize("name", sorted(docs.pages()))
def test_page_is_as_generated(name: str) -> None:
    assert (docs.FOLDER / name).read_text(encoding="utf-8") == docs.pages()[name], "run: python -m chatops.docs"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^    (python3 -m chatops\.dev \w+)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert commands[:2] == ["python3 -m chatops.dev demo", "python3 -m chatops.dev test"]
    assert f"exec {commands[1]}" in (README.parent / ".ci" / "run").read_text(encoding="utf-8")


def test_readme_names_only_commands_that_exist() -> None:
    named = re.findall(r"`!dynasched (\w[\w-]*)", README.read_text(encoding="utf-8"))
    assert named
    assert set(named) <= set(collect())
