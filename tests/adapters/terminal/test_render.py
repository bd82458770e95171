from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import given, settings
from rich.console import Console

from adapters.terminal.render import show
from chatops.document import Action, Document, Link, fields, para
from chatops.plain import plain_text, visible, visible_line
from tests.documents import CASE, DIGEST, DOWNSTREAMS, Made, case_card, documents

SEQUENCE = re.compile(r"\x1b\[[0-9;]*m")


def printed(document: Document, width: int = 80, *, terminal: bool = True, **environment: str) -> str:
    out = io.StringIO()
    known = {"TERM": "xterm-256color", **environment}
    show(document, Console(file=out, width=width, force_terminal=terminal, color_system="truecolor", _environ=known))
    return out.getvalue()


def squeezed(text: str) -> str:
    """Without blanks and line feeds: what wrapping moves."""
    return "".join(character for character in text if not character.isspace())


@settings(deadline=None)
@given(documents())
def test_every_text_of_a_user_is_shown_and_none_drives_the_terminal(made: Made) -> None:
    said = SEQUENCE.sub("", printed(made.document, width=10_000))
    assert not [c for c in said if unicodedata.category(c) == "Cc" and c not in "\n\t"]
    for text in [visible_line(text) for text in made.short] + [visible(text) for text in made.long]:
        assert squeezed(text.replace("▌", "")) in squeezed(said.replace("▌", ""))


@settings(deadline=None)
@given(documents())
def test_any_document_fits_any_width(made: Made) -> None:
    for width in (1, 12, 40):
        printed(made.document, width)


@settings(deadline=None)
@given(documents())
def test_what_is_no_terminal_gets_the_plain_text(made: Made) -> None:
    assert printed(made.document, terminal=False) == plain_text(made.document, prefix="") + "\n"


@pytest.mark.parametrize("width", [40, 80])
def test_the_card_keeps_to_the_width(width: int) -> None:
    lines = SEQUENCE.sub("", printed(case_card(), width)).splitlines()
    assert [line for line in lines if len(line) > width] == [f"    {DIGEST}  dynasched-1.0.0.tar.bz2"]
    assert "✔ Identification and triage" in lines
    assert "Release date: Mon 14 Dec 2026 14:00 UTC" in lines
    assert f"✅ accept {CASE}" in lines
    assert lines[-1] == "TLP:AMBER+STRICT"


def test_what_is_wrapped_stays_beside_its_mark() -> None:
    lines = SEQUENCE.sub("", printed(case_card(), 40)).splitlines()
    at = lines.index("◐ Notification and embargo · 3 of 5")
    assert lines[at + 1] == "  answered"


def test_a_table_that_does_not_fit_is_a_line_a_row() -> None:
    wide = SEQUENCE.sub("", printed(case_card(), 120))
    assert "Downstream" in wide
    narrow = SEQUENCE.sub("", printed(case_card(), 80))
    assert "Downstream" not in narrow
    assert "• Spack — member · Status: not affected · Since: Fri 11 Dec 2026" in narrow
    assert all(squeezed(name) in squeezed(narrow) for name, _, _ in DOWNSTREAMS)


def test_a_long_label_does_not_squeeze_its_value() -> None:
    document = Document(title="", blocks=(fields(("Affected versions", "1.0.0 and 1.0.1")),))
    assert SEQUENCE.sub("", printed(document, 40)) == "Affected versions: 1.0.0 and 1.0.1\n"


@pytest.mark.parametrize(("tone", "colour"), [("good", "32"), ("warning", "33"), ("alert", "31")])
def test_tones_have_colours(tone: str, colour: str) -> None:
    document = Document.model_validate({"title": "title", "tone": tone})
    assert f"\x1b[1;{colour}m" in printed(document)


def test_no_colour_where_none_is_wanted() -> None:
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", printed(case_card(), NO_COLOR="1"))


def test_a_dumb_terminal_gets_the_plain_text() -> None:
    assert printed(case_card(), TERM="dumb") == plain_text(case_card(), prefix="") + "\n"


def test_links_are_spelled_out() -> None:
    assert "notes (https://a.example)" in SEQUENCE.sub(
        "", printed(Document(title="", blocks=(para(Link(text="notes", url="https://a.example")),)))
    )


def test_a_label_that_differs_from_its_command_is_shown() -> None:
    document = Document(title="", actions=(Action(label="take it on", command="own X", emoji=""),))
    assert "1. take it on: own X" in SEQUENCE.sub("", printed(document))
