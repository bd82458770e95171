"""From a typed line to values: what clients "improve" is undone where it is syntax, and kept where it is text."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from chatops.commands.declare import EVERYWHERE, CaseUse, Command, Who, option, positional, raw, words
from chatops.commands.desk import Actor, Decision, Desk, Refusal
from chatops.commands.kinds import Choice, Text, Version, Word
from chatops.commands.parse import addressed, read_arguments, split, undo
from chatops.config import Settings
from chatops.model.book import Book
from chatops.model.people import PlaceKind
from chatops.ports import Address

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def desk() -> Desk:
    """A desk where nothing is looked up."""
    stranger = Actor(Address("matrix", "", "@x:y"), None, "x")
    return Desk(NOW, Settings(), stranger, Book(Session()), PlaceKind.DIRECT, None, str, str)


@dataclass(frozen=True)
class Everything:
    action: str = positional(Choice(("add", "remove"), "ACTION"), "what")
    name: str | None = positional(Word("NAME"), "whom", default=None)
    text: str | None = raw(Text("TEXT"), "the rest", default=None)
    credit: str | None = option(Text("NAME"), "who")
    next_word: str | None = option(Choice(("yes", "no")), "whether")


@dataclass(frozen=True)
class Titled:
    title: str | None = words(Text("TITLE"), "what", default=None)
    mitigation: str | None = option(Text(), "what helps")
    severity: str | None = option(Word("CVSS"), "how bad")


@dataclass(frozen=True)
class Several:
    versions: tuple[str, ...] = words(Version(), "which", many=True)


@dataclass(frozen=True)
class OnlyOptions:
    zone: str | None = option(Word("ZONE"), "where")


USAGE = "Usage: do [CASE] NUMBER [mitigation=TEXT] [severity=CVSS]"


@pytest.mark.parametrize(
    ("rest", "ends"),
    [
        ("one mitigation=set the limit", 'Several words need quotes: mitigation="set …"'),
        ("one Mitigation=set the limit severity=high", 'Several words need quotes: Mitigation="set …"'),
        ("one mitigation=“set the limit” extra", USAGE),
        ("one severity=high extra", USAGE),
        ("fast mitigation=set severity=high", USAGE),
    ],
)
def test_words_that_an_option_left_out_are_said_to_need_quotes(rest: str, ends: str) -> None:
    """Not where only one word fits, nor where nothing follows."""

    @dataclass(frozen=True)
    class Numbered:
        number: str = positional(Choice(("one", "two"), "NUMBER"), "which")
        mitigation: str | None = option(Text(), "what helps")
        severity: str | None = option(Word("CVSS"), "how bad")

    with pytest.raises(Refusal) as no:
        read_arguments(command(Numbered), rest, desk())
    assert str(no.value).endswith(ends)


def command(args: type) -> Command:
    def handle(desk: Desk, arguments: object) -> Decision:
        return Decision()

    return Command("do", "does", Who.ALL, EVERYWHERE, "do it", handle, args, CaseUse.OPTIONAL)


def read(args: type, rest: str) -> object:
    return read_arguments(command(args), rest, desk())


def refused(args: type, rest: str) -> str:
    with pytest.raises(Refusal) as no:
        read(args, rest)
    return str(no.value)


# --- the bot's name, verb and case ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("!dynasched show X", "show X"),
        ("/dynasched show X", "show X"),
        ("//dynasched show X", "show X"),
        ("  !DynaSched\u00a0show X ", "show X"),
        ("!dynasched", ""),
        ("!dynaschedshow X", None),
        ("///dynasched show", None),
        ("so: !dynasched show", None),
        ("show X", None),
    ],
)
def test_a_message_is_for_the_bot_if_it_begins_with_its_name(text: str, line: str | None) -> None:
    assert addressed(text, "dynasched", bare=False) == line
    assert addressed(text, "dynasched", bare=True) == (text.strip() if line is None else line)


@pytest.mark.parametrize(
    ("line", "verb", "case", "rest"),
    [
        ("show DS-2026-7KQ4", "show", "DS-2026-7KQ4", ""),
        ("SHOW ds‑2026–7kq4 now", "show", "DS-2026-7KQ4", "now"),
        ("private—release DS-2026-7KQ4\n  a\n b", "private-release", "DS-2026-7KQ4", "\n  a\n b"),
        ("report CVE-2026-1234 is ours", "report", None, "CVE-2026-1234 is ours"),
        ("show DS-2026-7KQ", "show", "DS-2026-7KQ", ""),
        ("show DS-26-7KQ4X", "show", "DS-26-7KQ4X", ""),
        ("show AB-2026-7KQ4", "show", "AB-2026-7KQ4", ""),
        ("report USN-6789-1 is ours", "report", None, "USN-6789-1 is ours"),
        ("", "", None, ""),
        ("  ", "", None, ""),
    ],
)
def test_verb_and_case_are_read_off_the_front(line: str, verb: str, case: str | None, rest: str) -> None:
    found = split(line, "DS")
    assert (found.verb, found.case, found.rest) == (verb, case, rest)


def test_typographic_characters_are_undone() -> None:
    assert undo("“a” ‘b’ c–d…\u00a0e\u200b") == "\"a\" 'b' c-d... e"


# --- arguments -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("add", Everything("add")),
        ("add bob", Everything("add", "bob")),
        ("add bob and all the rest", Everything("add", "bob", "and all the rest")),
        ("credit=me add bob text", Everything("add", "bob", "text", "me")),
        ("add credit=“A. Finder” bob next-word=yes a b", Everything("add", "bob", "a b", "A. Finder", "yes")),
        ("add bob Credit='x y' z", Everything("add", "bob", "z", "x y")),
        ("add bob say credit=you", Everything("add", "bob", "say credit=you")),
        ('add "bob" “quoted” text', Everything("add", "bob", "“quoted” text")),
    ],
)
def test_positions_options_and_raw_text(rest: str, wanted: Everything) -> None:
    assert read(Everything, rest) == wanted


@pytest.mark.parametrize(
    ("rest", "wanted"),
    [
        ("Don't trust user's input", "Don't trust user's input"),
        ("It’s a “big” one", "It's a big one"),
        ("6'2\" tall", "6'2\" tall"),
        ("a   b\nc", "a b c"),
        ("key=value stays", "key=value stays"),
        ("'whole title' here", "whole title here"),
    ],
)
def test_words_become_one_text_and_apostrophes_stay(rest: str, wanted: str) -> None:
    got = read(Titled, rest)
    assert isinstance(got, Titled)
    assert got.title == wanted


def test_options_stand_anywhere_among_words() -> None:
    got = read(Titled, 'severity=high Job queue mitigation="limit it" overflow')
    assert got == Titled("Job queue overflow", "limit it", "high")


def test_words_may_be_many_values() -> None:
    assert read(Several, "1.0 v2.0") == Several(("1.0", "2.0"))
    assert "is missing" in refused(Several, "")


@pytest.mark.parametrize(
    ("args", "rest", "says"),
    [
        (Everything, "", "ACTION is missing (what)"),
        (Everything, "ad", '"ad" is none of add, remove; did you mean add?'),
        (Everything, "add bob credt=x", "no option credt=; did you mean credit=?"),
        (Everything, "credit=a credit=b add", "credit is given twice"),
        (Everything, "credit= add", "NAME is empty"),
        (Titled, "severty=high it", "no option severty=; did you mean severity=?"),
        (OnlyOptions, "zone=UTC more", '"more" is one word too many'),
        (OnlyOptions, "zoen=UTC", "no option zoen=; did you mean zone=?"),
        (OnlyOptions, "colour=red", "no option colour=; do knows zone="),
    ],
)
def test_what_is_wrong_is_said_with_the_nearest_right_form_and_the_usage(args: type, rest: str, says: str) -> None:
    end = "" if says.endswith("?") else "."
    assert refused(args, rest) == f"{says}{end} Usage: {command(args).usage}"


def test_the_usage_line_is_typed_as_it_stands() -> None:
    assert command(Everything).usage == "do [CASE] ACTION [NAME] [credit=NAME] [next-word=yes|no] [TEXT…]"
    assert command(Titled).usage == "do [CASE] [mitigation=TEXT] [severity=CVSS] [TITLE]"


@pytest.mark.parametrize("word", ["x" * 5000, "a\nb\tc" * 100, "\u202eevil"])
def test_what_somebody_typed_is_quoted_back_short_and_in_one_line(word: str) -> None:
    line = refused(Everything, f'"{word}"')
    assert "\n" not in line
    assert len(line) < 250


# --- for any text --------------------------------------------------------------------------------------------------

texts = st.text(min_size=1, max_size=200)


@given(text=texts)
def test_raw_text_is_kept_word_for_word(text: str) -> None:
    whole = f"x {text} x"
    got = read(Everything, f"add bob {whole}")
    assert isinstance(got, Everything)
    assert got.text == whole


@given(
    before=st.sampled_from(["add “bob” ", "credit=“A – B” add bob ", "add\u200b bob\u00a0", "add bob…  "]), text=texts
)
def test_raw_text_is_kept_whatever_was_undone_before_it(before: str, text: str) -> None:
    whole = f"x{text}x"
    got = read(Everything, before + whole)
    assert isinstance(got, Everything)
    assert (got.text or "").endswith(whole) or (got.name is not None and whole.startswith("x"))


@given(line=st.text(max_size=300))
def test_any_line_is_read_or_refused_in_one_line(line: str) -> None:
    split(line, "DS")
    for args in (Everything, Titled, Several, OnlyOptions):
        said = ""
        try:
            read(args, line)
        except Refusal as no:
            said = str(no)
        assert "\n" not in said
        assert len(said) < 300


@given(
    value=st.text(
        st.characters(exclude_characters="\"'“”„‟«»＂‘’‚‛‐‑‒–—―−…", exclude_categories=["C", "Z"]), min_size=1
    )
)
def test_a_quoted_value_is_what_stands_between_the_quotes(value: str) -> None:
    got = read(Titled, f'mitigation="{value} and {value}"')
    assert isinstance(got, Titled)
    assert got.mitigation == f"{value} and {value}"


@given(st.text(alphabet="ab'\"=- ", max_size=2000))
def test_reading_takes_no_longer_for_hostile_quotes(text: str) -> None:
    try:
        got = read(Titled, text * 20)
    except Refusal:
        return
    assert isinstance(got, Titled)
