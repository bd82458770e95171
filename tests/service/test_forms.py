from __future__ import annotations

import pytest

from chatops.commands.registry import collect
from chatops.config import Project
from chatops.service.forms import may_open

REGISTRY = collect()
OPENING = [begin for command in REGISTRY.values() for begin in command.form]


@pytest.mark.parametrize("begin", OPENING)
def test_what_opens_a_form_looks_like_it_however_it_is_written(begin: str) -> None:
    verb, _, rest = begin.partition(" ")
    for line in (begin, f" {begin}  ", f"/dynasched {begin}", f"{verb.upper()} DS-2026-7KQ4 {rest}", f"{verb}: {rest}"):
        assert may_open(REGISTRY, Project(), line), line


@pytest.mark.parametrize("begin", OPENING)
def test_a_line_with_more_in_it_opens_none(begin: str) -> None:
    for line in (f"{begin} some words", "", "show", "no-such-command", "status"):
        assert not may_open(REGISTRY, Project(), line), line
