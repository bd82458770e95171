"""From a typed line to a verb, a case and the rest: what clients "improve" is undone where it is syntax."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.commands.parse import addressed, split, undo


@pytest.mark.parametrize(
    ("typed", "bare", "meant"),
    [
        ("!dynasched help", False, "help"),
        ("/dynasched help", False, "help"),
        ("//dynasched help", False, "help"),
        ("  !DynaSched   show DS-2026-7KQ4 ", False, "show DS-2026-7KQ4"),
        ("!dynasched", False, ""),
        ("!dynaschedule help", False, None),
        ("help", False, None),
        ("help", True, "help"),
        ("/dynasched help", True, "help"),
        ("say !dynasched help", False, None),
    ],
)
def test_addressed(typed: str, bare: bool, meant: str | None) -> None:
    assert addressed(typed, "dynasched", bare=bare) == meant


@pytest.mark.parametrize(
    ("line", "verb", "case", "rest"),
    [
        ("show", "show", None, ""),
        ("Show DS-2026-7KQ4", "show", "DS-2026-7KQ4", ""),
        ("show ds-2026-7kq4", "show", "DS-2026-7KQ4", ""),
        ("show DS–2026–7KQ4", "show", "DS-2026-7KQ4", ""),
        ("tell DS-2026-7KQ4 It’s “done” – nearly", "tell", "DS-2026-7KQ4", "It’s “done” – nearly"),
        ("report line one\nline two", "report", None, "line one\nline two"),
        ("private-release DS-2026-7KQ4 1.0.1", "private-release", "DS-2026-7KQ4", "1.0.1"),
        ("triage\u00a0Title", "triage", None, "Title"),
    ],
)
def test_split(line: str, verb: str, case: str | None, rest: str) -> None:
    found = split(line)
    assert (found.verb, found.case, found.rest) == (verb, case, rest)


@given(st.text(max_size=200))
def test_any_line_is_split(text: str) -> None:
    found = split(text)
    assert found.rest == "" or found.rest in text


@given(st.text(max_size=200))
def test_undoing_twice_is_undoing_once(text: str) -> None:
    assert undo(undo(text)) == undo(text)
