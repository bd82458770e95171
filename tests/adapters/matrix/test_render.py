from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings

from adapters.matrix.render import LIMIT, Rendered, render
from chatops.document import Action, Code, Document, Link, Para, Quote, Tlp, bullets, door, line, para, table, who
from chatops.plain import is_web, visible, visible_line
from tests.documents import CASE, DOWNSTREAMS, REPORT, Made, case_card, documents

# Those of the specification's list that this renderer has a use for.
ALLOWED = {
    "p": set(),
    "br": set(),
    "strong": set(),
    "code": set(),
    "pre": set(),
    "blockquote": set(),
    "ul": set(),
    "ol": set(),
    "li": set(),
    "table": set(),
    "thead": set(),
    "tbody": set(),
    "tr": set(),
    "th": set(),
    "td": set(),
    "a": {"href"},
    "span": {"data-mx-color", "data-mx-bg-color"},
}
PEOPLE = {"maintainer": "@ralph:example.org"}


class Page(HTMLParser):
    """What a client would make of the HTML: the text, the tags, the links; and whether the tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags, self.links = "", set[str](), list[str]()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= ALLOWED[tag]
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag == "br":
            self.text += "\n"
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in ("p", "li", "td", "th", "pre", "blockquote"):
            self.text += "\n"

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration")

    def handle_pi(self, data: str) -> None:
        raise AssertionError("a processing instruction")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError("a declaration")


def shown(*blocks: Para | Quote | Code, people: dict[str, str] | None = None) -> Rendered:
    return render(Document(title="", blocks=blocks), people=people or {}, discreet=False)


@settings(deadline=None)
@given(documents())
def test_no_text_of_a_user_becomes_markup_and_none_is_lost(made: Made) -> None:
    page = Page(render(made.document, people={}, discreet=False).formatted_body)
    for text in made.short:
        assert visible_line(text).strip() in page.text
    for text in made.long:
        assert visible(text) in page.text
    assert all(is_web(url) for url in page.links)


def test_the_card_reads_well() -> None:
    made = render(case_card(), people=PEOPLE, discreet=False)
    page = Page(made.formatted_body)
    lines = page.text.splitlines()
    assert lines[0] == f"⚠️ {CASE} · Scheduler token used again across allocations"
    assert lines[1:5] == [
        "✔ Identification and triage",
        "◐ Notification and embargo · 3 of 5 answered",
        "○ Private release",
        "○ General release",
    ]
    assert "Owner: maintainer" in lines
    assert "Release date: Mon 14 Dec 2026 14:00 UTC" in lines
    assert f"✅ accept: !dynasched accept {CASE}" in lines
    assert lines[-1] == "TLP:AMBER+STRICT"
    assert f"<code>!dynasched accept {CASE}</code>" in made.formatted_body
    assert made.body.splitlines()[-1] == "TLP:AMBER+STRICT"


def test_a_large_table_is_two_lines_a_row_and_a_small_one_a_table() -> None:
    html = render(case_card(), people={}, discreet=False).formatted_body
    assert "<li><strong>Spack</strong><br>member · Status: not affected · Since: Fri 11 Dec 2026</li>" in html
    assert html.count("<table>") == 1
    assert "<tr><td>sha256</td><td>published</td></tr>" in html
    assert all(name in html for name, _, _ in DOWNSTREAMS)


def test_three_columns_of_long_cells_are_no_table_on_a_phone() -> None:
    document = Document(title="", blocks=(table(("a", "b"), [("x" * 30, "y" * 30)]),))
    assert "<table>" not in render(document, people={}, discreet=False).formatted_body


def test_a_known_person_is_a_pill_and_a_mention_once() -> None:
    made = shown(para(who("maintainer"), " and ", who("maintainer"), ", ", who("lisa")), people=PEOPLE)
    pill = '<a href="https://matrix.to/#/@ralph:example.org">maintainer</a>'
    assert made.formatted_body == f"<p>{pill} and {pill}, lisa</p>"
    assert made.mentions == ("@ralph:example.org",)


@pytest.mark.parametrize("address", ["U024BE7LH", "@nobody", '@a"b', "@a :b", "", "ralph@example.org"])
def test_what_is_no_user_id_makes_no_pill(address: str) -> None:
    made = shown(para(who("maintainer")), people={"maintainer": address})
    assert made.formatted_body == "<p>maintainer</p>"
    assert made.mentions == ()


def test_a_user_id_is_percent_encoded_in_its_pill() -> None:
    made = shown(para(who("m")), people={"m": '@a/b"<c:example.org'})
    assert Page(made.formatted_body).links == ["https://matrix.to/#/@a%2Fb%22%3Cc:example.org"]


def test_discreet_bodies_name_case_and_kind_only() -> None:
    made = render(case_card(), people=PEOPLE, discreet=True)
    assert made.body == f"{CASE}: case card"
    assert "Scheduler token" in made.formatted_body
    assert render(Document(title="secret"), people={}, discreet=True).body == "answer"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "mxc://x/y", "https://a.example/\u202e"])
def test_only_web_addresses_become_links(url: str) -> None:
    page = Page(shown(para(Link(text="here", url=url))).formatted_body)
    assert page.links == []
    assert page.text == f"here ({visible(url)})\n"


def test_a_text_that_looks_like_another_address_shows_the_true_one() -> None:
    made = shown(para(Link(text="https://good.example", url="https://evil.example/{}")))
    url = "https://evil.example/{}"
    assert made.formatted_body == f'<p>https://good.example (<a href="{url}">{url}</a>)</p>'


def test_quotes_keep_the_reporters_words() -> None:
    page = Page(shown(Quote(text=REPORT)).formatted_body)
    assert page.text.replace("\N{NO-BREAK SPACE}", " ").rstrip("\n") == REPORT
    assert "\N{NO-BREAK SPACE}" in page.text, "HTML would take blanks at the beginning of a line away"
    assert page.tags == {"blockquote", "br"}


def test_actions_without_an_emoji_are_numbered() -> None:
    actions = tuple(Action(label=f"do {n}", command=f"do{n}", emoji="") for n in "ab")
    made = render(Document(title="", actions=actions), people={}, discreet=False, prefix="!x")
    assert made.formatted_body == "<p>1. do a: <code>!x doa</code><br>2. do b: <code>!x dob</code></p>"


@pytest.mark.parametrize("tlp", list(Tlp))
def test_every_label_has_its_colour(tlp: Tlp) -> None:
    made = render(Document(title="t", case=CASE, tlp=tlp), people={}, discreet=False)
    assert re.search(rf'data-mx-color="#[0-9a-f]{{6}}">{re.escape(str(tlp))}</span></p>$', made.formatted_body)


def huge(letter: str) -> Document:
    return Document(
        title="long",
        case=CASE,
        tlp=Tlp.RED,
        blocks=(
            Quote(text=letter * 30_000),
            para(letter * 30_000),
            bullets(letter * 100 for _ in range(500)),
            table(("a", "b"), [(letter * 50, line("x")) for _ in range(500)]),
        ),
    )


@pytest.mark.parametrize("letter", ["a", "<", "漢", "\n"])
@pytest.mark.parametrize("discreet", [True, False])
def test_what_is_too_long_for_an_event_is_cut_and_says_so(letter: str, discreet: bool) -> None:
    made = render(huge(letter), people={}, discreet=discreet)
    assert len((made.body + made.formatted_body).encode()) <= LIMIT
    page = Page(made.formatted_body)
    assert "more characters]" in page.text
    assert re.search(r"\[… \d+ more\]", page.text)
    assert page.text.splitlines()[-1] == "TLP:RED"
    assert made.body.startswith(f"{CASE}: answer")


def test_a_long_report_loses_its_plain_body_before_its_words() -> None:
    words = "word " * 5_000
    made = render(Document(title="t", blocks=(Quote(text=words),)), people={}, discreet=False)
    assert words in made.formatted_body
    assert made.body == "t: answer (long: see the formatted message)"


def test_a_card_ends_with_a_link_to_its_room_and_a_list_has_one_for_each_case() -> None:
    url = "https://matrix.to/#/!room:example.org?via=example.org"
    card = render(Document(title="A card", case=CASE), people={}, discreet=False, doors={CASE: url})
    assert Page(card.formatted_body).links == [url]
    assert f"Room: {CASE} ({url})" in card.body
    rows = [(line(door(case)), line("x")) for case in (CASE, "DS-2026-ZZZZ")]
    listed = Document(title="Cases", blocks=(table(("case", "what"), rows),))
    page = Page(render(listed, people={}, discreet=False, doors={CASE: url}).formatted_body)
    assert page.links == [url]
    assert "DS-2026-ZZZZ" in page.text
