from __future__ import annotations

from tests.pictures.cards import gallery


def test_everything_that_is_to_be_drawn_can_be_played() -> None:
    """So that the pictures are there when somebody wants to look, whatever was renamed since."""
    shown = gallery()
    assert shown.posts["triage"].document.kind == "case card"
    assert shown.posts["announce-preview"].document.kind == "preview"
    assert shown.forms["triage"].fields
    assert len(shown.home) == 3
