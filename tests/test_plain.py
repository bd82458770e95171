from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.document import Code, Document, Link, Quote, Tlp, When, line, para, table, who
from chatops.plain import columns, instant, is_web, plain_text, visible, visible_line
from tests.documents import CASE, DIGEST, DOWNSTREAMS, RELEASE, Made, case_card, documents


@settings(deadline=None)
@given(documents())
def test_every_text_of_a_user_is_in_the_plain_text(made: Made) -> None:
    said = plain_text(made.document)
    for text in made.short:
        assert visible_line(text).strip() in said
    for text in made.long:
        for row in visible(text).rstrip("\n").split("\n"):
            assert row in said


@settings(deadline=None)
@given(documents())
def test_nothing_unseen_is_left_in_the_plain_text(made: Made) -> None:
    unseen = {"Cc", "Cs", "Zl", "Zp"}
    assert not [c for c in plain_text(made.document) if unicodedata.category(c) in unseen and c not in "\n\t"]


@given(st.text())
def test_making_visible_twice_changes_nothing(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\r\nb\tc", "a\nb\tc"),
        ("\x1b[31m", "␛[31m"),
        ("\x7f\x9b", "[U+007F][U+009B]"),
        ("\u202egnp.exe", "[U+202E]gnp.exe"),
        ("a\u200bb\ufeff", "a[U+200B]b[U+FEFF]"),
        ("👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم"),
        ("x\u2028y", "x[U+2028]y"),
        ("漢字é", "漢字é"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_name_cannot_forge_a_line() -> None:
    said = plain_text(Document(title="hello\nTLP:CLEAR", case=CASE, tlp=Tlp.RED))
    assert said.splitlines() == ["hello ⏎ TLP:CLEAR", "", "TLP:RED"]


def test_the_label_ends_every_message_about_a_case() -> None:
    assert plain_text(case_card()).splitlines()[-1] == "TLP:AMBER+STRICT"
    assert plain_text(Document(title="released", case=CASE)).splitlines()[-1] == "TLP:CLEAR"
    assert plain_text(Document(title="Not a checksum line.")) == "Not a checksum line."


def test_instants_are_in_utc_whatever_zone_they_came_in() -> None:
    berlin_summer = timezone(timedelta(hours=2))
    assert instant(When(at=RELEASE)) == "Mon 14 Dec 2026 14:00 UTC"
    assert instant(When(at=datetime(2026, 7, 1, 1, 5, tzinfo=berlin_summer))) == "Tue 30 Jun 2026 23:05 UTC"
    assert instant(When(at=datetime(2026, 7, 1, 1, 5, tzinfo=UTC), day=True)) == "Wed 1 Jul 2026"
    assert instant(When(at=RELEASE, zone="Europe/Berlin")) == "Mon 14 Dec 2026 14:00 UTC (15:00 Europe/Berlin)"
    late = "Mon 14 Dec 2026 14:00 UTC (Tue 15 Dec 2026 03:00 Pacific/Auckland)"
    assert instant(When(at=RELEASE, zone="Pacific/Auckland")) == late


@pytest.mark.parametrize("url", ["http://a.example", "https://a.example/x?y=1#z", "https://[::1]:8000/"])
def test_web_addresses(url: str) -> None:
    assert is_web(url)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//a.example",
        "https://",
        "https:a.example",
        " https://a.example",
        "https://a.example/ x",
        "java\nscript:x",
        "https://a\u202e.example",
        'https://a.example/"onclick=',
        "https://[bad",
        "mxc://a/b",
        "",
    ],
)
def test_what_is_no_web_address(url: str) -> None:
    assert not is_web(url)


def test_a_link_spells_out_where_it_leads() -> None:
    said = plain_text(Document(title="", blocks=(para(Link(text="notes", url="https://a.example")),)))
    assert said == "notes (https://a.example)"


def test_a_small_table_is_aligned() -> None:
    said = plain_text(Document(title="", blocks=(table(("name", "state"), [("漢字", "ok"), ("spack", "")]),)))
    assert said == "name   state\n-----  -----\n漢字   ok\nspack"


@pytest.mark.parametrize(
    "text", ["", "https://a.example/x", "http://a.example/x/", "a.example/x", " https://a.example/x/ "]
)
def test_an_address_that_is_shown_as_itself_is_shown_once(text: str) -> None:
    said = plain_text(Document(title="", blocks=(para(Link(text=text, url="https://a.example/x")),)))
    assert said == "https://a.example/x"


def test_a_wide_table_is_one_line_a_row_without_empty_cells() -> None:
    said = plain_text(Document(title="", blocks=(case_card().blocks[2],))).splitlines()
    assert len(said) == len(DOWNSTREAMS)
    assert said[0] == "• Debian Security Team — member · Status: affected · Since: Mon 14 Dec 2026"
    assert "Status" not in said[-1]


def test_rows_shorter_and_longer_than_the_head_lose_nothing() -> None:
    said = plain_text(Document(title="", blocks=(table(("a",), [("1", "2"), ()]),)), width=1)
    assert said.splitlines()[0] == "• 1 — 2"


def test_people_show_their_address_where_it_is_known() -> None:
    document = Document(title="", blocks=(para(who("maintainer"), ", ", who("lisa")),))
    assert plain_text(document, people={"maintainer": "@m:a.example"}) == "maintainer (@m:a.example), lisa"


def test_commands_begin_with_what_the_reader_must_type() -> None:
    assert f"✅ accept: !pmix accept {CASE}" in plain_text(case_card(), prefix="!pmix")
    assert f"✅ accept {CASE}" in plain_text(case_card(), prefix="")


def test_quotes_and_code_stand_apart_from_the_card() -> None:
    said = plain_text(Document(title="", blocks=(Quote(text="a\n\nb"), Code(text="x\n\ny\n"))))
    assert said == "> a\n>\n> b\n\n    x\n\n    y"
    assert f"    {DIGEST}  dynasched-1.0.0.tar.bz2" in plain_text(case_card())


def test_columns_counts_what_the_screen_does() -> None:
    assert [columns(text) for text in ("abc", "漢字", "e\u0301", "a\u200db")] == [3, 4, 1, 2]


def test_an_empty_line_makes_no_empty_paragraph() -> None:
    assert plain_text(Document(title="t", blocks=(para(*line("")), para("x")))) == "t\n\nx"
