from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.slack.limits import ACTIONS, SIZE, TEXT, Json, check, length, size
from adapters.slack.render import MOST, PINGS, Rendered, home, render
from chatops.document import (
    Action,
    Block,
    Board,
    Code,
    Document,
    Link,
    Quote,
    Step,
    Tlp,
    bullets,
    door,
    fields,
    line,
    mono,
    para,
    strong,
    table,
    typed,
    when,
    who,
)
from chatops.plain import is_web, plain_text, visible, visible_line
from chatops.ports import Aside, Post
from tests.documents import CASE, DOWNSTREAMS, RELEASE, REPORT, Made, case_card, documents

COMMAND = "/dynasched"
PEOPLE = {"maintainer": "U0MAINTAIN", "debian": "U0DEBIAN00"}
STAMP = int(RELEASE.timestamp())


def shown(*blocks: Block, **more: Any) -> Rendered:
    return render(Post(document=Document(title="", blocks=blocks), **more), command=COMMAND)


def said(document: Document, **more: Any) -> Rendered:
    return render(Post(document=document, **more), command=COMMAND)


def only(made: Rendered) -> list[Json]:
    """The blocks of what is one message."""
    (message,) = made.messages
    assert made.file is None
    blocks: list[Json] = message["blocks"]
    return blocks


def rich(*blocks: Block, **more: Any) -> list[Json]:
    """The rich text elements of blocks."""
    return [element for block in only(shown(*blocks, **more)) for element in block["elements"]]


def objects(part: Any) -> Iterator[Json]:
    """Every object in some blocks."""
    if isinstance(part, dict):
        yield part
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from objects(inner)


def buttons(made: Rendered) -> list[Json]:
    return [one for message in made.messages for one in objects(message["blocks"]) if one.get("type") == "button"]


def read(part: Any) -> str:
    """What somebody sees of blocks, a line for each block, item and line."""
    if isinstance(part, list):
        return "".join(map(read, part))
    match part["type"]:
        case "header":
            return read(part["text"]) + "\n"
        case "plain_text" | "text":
            return str(part["text"])
        case "link":
            return str(part.get("text", part["url"]))
        case "user":
            return f"@{part['user_id']}"
        case "date":
            return str(part["fallback"])
        case "button":
            return f"[{read(part['text'])}]\n"
        case "rich_text" | "rich_text_list" | "actions":
            return read(part["elements"])
    return read(part["elements"]) + "\n"


def seen(made: Rendered) -> str:
    return "".join(read(message["blocks"]) for message in made.messages)


def text(words: str, **style: bool) -> Json:
    return {"type": "text", "text": words, **({"style": style} if style else {})}


# --- whatever anybody writes ---------------------------------------------------------------------------------------


def sound(made: Rendered) -> None:
    """Slack takes it, and nothing in it is parsed."""
    for message in made.messages:
        assert check(message["blocks"]) == []
        assert 0 < length(message["text"]) <= TEXT
        assert not [one for one in objects(message["blocks"]) if one.get("type") == "mrkdwn"]


@settings(deadline=None)
@given(documents(), st.booleans(), st.booleans())
def test_every_text_is_shown_as_it_is_and_within_the_limits(made: Made, discreet: bool, edit: bool) -> None:
    people = dict.fromkeys(made.short, "U0STRANGER")
    rendered = said(made.document, people=people, discreet=discreet, edit="e1" if edit else None)
    sound(rendered)
    whole = seen(rendered)
    pressed = [button["value"] for button in buttons(rendered)]
    for words in made.short:
        assert visible_line(words).strip() in whole or words in pressed
    for words in made.long:
        assert visible(words).rstrip("\n").strip() in whole
    found = [one for message in rendered.messages for one in objects(message["blocks"])]
    assert all(is_web(one["url"]) for one in found if one.get("type") == "link")
    assert not [one for one in found if one.get("type") == "user"], "nobody was to be notified"
    for action in made.document.actions:
        assert action.command in pressed or visible_line(action.command).strip() in whole
    if discreet:
        assert {message["text"] for message in rendered.messages} <= {f"{CASE}: answer", "answer"}


@settings(deadline=None)
@given(documents(), st.sampled_from(("U0STRANGER", "W0STRANGER", "everyone", "<!channel>", "", "U1\n", "S0GROUP")))
def test_only_who_is_to_be_notified_is_mentioned(made: Made, user: str) -> None:
    people = dict.fromkeys(made.short, user)
    rendered = said(made.document, people=people, ping=(user,))
    sound(rendered)
    named = [one for message in rendered.messages for one in objects(message["blocks"]) if one.get("type") == "user"]
    good = re.fullmatch(r"[UW]0STRANGER", user)
    assert {one["user_id"] for one in named} == ({user} if good else set())
    for message in rendered.messages:
        parsed = re.findall("<[^>]*>", message["text"])
        assert parsed == ([f"<@{user}>"] if good and message is rendered.messages[0] else [])


@pytest.mark.parametrize(
    "words", ["<!channel> <!here>", "<@U0DEBIAN00>", "<https://evil.example|good>", "*b* `c` &lt;"]
)
def test_no_syntax_of_slack_in_somebodys_words_does_anything(words: str) -> None:
    made = said(Document(title=words, blocks=(para(words), Quote(text=words))), people=PEOPLE)
    blocks = only(made)
    assert blocks[0]["text"] == {"type": "plain_text", "text": words, "emoji": False}
    assert blocks[1]["elements"] == [{"type": "rich_text_section", "elements": [text(words)]}]
    assert blocks[2]["elements"] == [{"type": "rich_text_quote", "elements": [text(words)]}]
    assert not re.search("[<>]", made.messages[0]["text"])
    unescaped = made.messages[0]["text"].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert unescaped == f"{words}\n\n{words}\n\n> {words}"


# --- each part of a document ---------------------------------------------------------------------------------------


def test_the_card_reads_well() -> None:
    made = said(case_card(), people=PEOPLE)
    sound(made)
    lines = read(only(made)).splitlines()
    assert lines[:2] == ["🟠 TLP:AMBER+STRICT", f"⚠️ {CASE} · Scheduler token used again across allocations"]
    assert lines[2:6] == [
        "✔ Identification and triage",
        "◐ Notification and embargo · 3 of 5 answered",
        "○ Private release",
        "○ General release",
    ]
    assert "Owner: maintainer" in lines
    assert "Release date: Mon 14 Dec 2026 14:00 UTC (UTC)" in lines
    row = lines.index("Spack — member")
    assert lines[row + 1] == "Status: not affected · Since: Fri 11 Dec 2026"
    assert "sha256 — published" in lines
    assert all(any(one.startswith(name) for one in lines) for name, _, _ in DOWNSTREAMS)
    assert lines[-2:] == ["[✅ accept]", "[❌ decline]"]
    assert made.messages[0]["text"].startswith(f"⚠️ {CASE} · Scheduler token")
    assert made.messages[0]["text"].endswith("TLP:AMBER+STRICT")


def test_words_bold_and_fixed() -> None:
    (section,) = rich(para("a", " b ", strong("c"), mono("d"), " ", typed("show X")))
    assert section == {
        "type": "rich_text_section",
        "elements": [
            text("a b "),
            text("c", bold=True),
            text("d", code=True),
            text(" "),
            text("/dynasched show X", code=True),
        ],
    }


def test_who_is_to_be_notified_is_mentioned_beside_the_name_others_are_only_named() -> None:
    (section,) = rich(
        para(who("maintainer"), ", ", who("debian"), ", ", who("lisa")), people=PEOPLE, ping=("U0DEBIAN00",)
    )
    assert section["elements"] == [
        text("maintainer, debian ("),
        {"type": "user", "user_id": "U0DEBIAN00"},
        text("), lisa"),
    ]


def test_who_is_to_be_notified_without_being_named_is_called_before_the_text() -> None:
    made = shown(para(who("debian"), " waits"), people=PEOPLE, ping=("U0MAINTAIN", "U0DEBIAN00", "U0MAINTAIN"))
    called, _ = (block["elements"][0] for block in only(made))
    assert called["elements"] == [text("For "), {"type": "user", "user_id": "U0MAINTAIN"}]
    assert made.messages[0]["text"] == "<@U0MAINTAIN> <@U0DEBIAN00> debian waits"


def test_a_crowd_leaves_room_for_what_it_is_called_for() -> None:
    made = shown(Quote(text="word " * 600), ping=tuple(f"U0CROWD{n:03}" for n in range(1_000)))
    sound(made)
    assert "word word" in seen(made)
    assert len({one["user_id"] for one in objects(made.messages[0]["blocks"]) if one.get("type") == "user"}) == PINGS


def test_an_answer_that_only_one_person_sees_notifies_nobody_and_so_mentions_all() -> None:
    made = shown(para(who("maintainer"), who("lisa")), people=PEOPLE, aside=Aside(user="U0DEBIAN00"), instant=True)
    mentioned = [one["user_id"] for one in objects(only(made)) if one.get("type") == "user"]
    assert mentioned == ["U0MAINTAIN"]
    assert "<@" not in made.messages[0]["text"]


def test_an_edit_mentions_nobody() -> None:
    made = shown(para(who("maintainer")), people=PEOPLE, ping=("U0MAINTAIN",), edit="e1")
    assert only(made) == only(shown(para("maintainer")))
    assert made.messages[0]["text"] == "maintainer"


def test_an_instant_is_shown_in_utc_and_in_the_readers_own_time() -> None:
    (section,) = rich(para(when(RELEASE)))
    assert section["elements"] == [
        text("Mon 14 Dec 2026 14:00 UTC "),
        {
            "type": "date",
            "timestamp": STAMP,
            "format": "({date_short_pretty}, {time} your time)",
            "fallback": "(UTC)",
        },
    ]
    assert rich(fields(("Until", line(when(RELEASE)))))[0]["elements"][-1]["timestamp"] == STAMP


def test_a_day_and_what_stands_in_a_list_are_shown_in_utc_alone() -> None:
    day = [text("Mon 14 Dec 2026")]
    assert rich(para(when(RELEASE, day=True)))[0]["elements"] == day
    (listed,) = rich(bullets([line(when(RELEASE))]))
    assert listed["elements"][0]["elements"] == [text("Mon 14 Dec 2026 14:00 UTC")]


def test_a_readers_zone_is_named_where_slack_cannot_show_their_own_time() -> None:
    there = when(RELEASE).model_copy(update={"zone": "Europe/Berlin"})
    (section,) = rich(para(there))
    assert section["elements"][0] == text("Mon 14 Dec 2026 14:00 UTC ")
    (listed,) = rich(bullets([line(there)]))
    assert listed["elements"][0]["elements"] == [text("Mon 14 Dec 2026 14:00 UTC (15:00 Europe/Berlin)")]


@pytest.mark.parametrize(
    ("url", "words", "made"),
    [
        ("https://a.example", "here", [{"type": "link", "url": "https://a.example", "text": "here"}]),
        ("https://a.example", "", [{"type": "link", "url": "https://a.example"}]),
        ("https://a.example", " ", [{"type": "link", "url": "https://a.example"}]),
        (
            "https://evil.example",
            "https://good.example",
            [text("https://good.example ("), {"type": "link", "url": "https://evil.example"}, text(")")],
        ),
        ("javascript:alert(1)", "here", [text("here (javascript:alert(1))")]),
        ("https://a.example/\u202e", "here", [text("here (https://a.example/[U+202E])")]),
        ("https://a.example/" + "a" * 3000, "", [text("https://a.example/" + "a" * 3000)]),
    ],
)
def test_only_web_addresses_become_links_and_none_pretends_to_be_another(
    url: str, words: str, made: list[Json]
) -> None:
    assert rich(para(Link(text=words, url=url)))[0]["elements"] == made


def test_lists() -> None:
    (plain,) = rich(bullets(["one", line(strong("two"))]))
    assert (plain["style"], read(plain)) == ("bullet", "one\ntwo\n")
    (numbered,) = rich(bullets(["one"], numbered=True))
    assert numbered["style"] == "ordered"


def test_fields_are_a_line_each() -> None:
    (section,) = rich(fields(("Owner", "maintainer"), ("CVE", line(mono("CVE-2026-1")))))
    assert section["elements"] == [
        text("Owner: ", bold=True),
        text("maintainer\n"),
        text("CVE: ", bold=True),
        text("CVE-2026-1", code=True),
    ]


def test_the_step_that_is_under_way_stands_out() -> None:
    board = Board(steps=(Step(name="One", state="done", note="high"), Step(name="Two", state="under way")))
    (section,) = rich(board)
    assert section["elements"] == [text("✔ One · high\n◐ "), text("Two", bold=True)]


def test_tables_are_lists_and_what_is_plain_needs_no_label() -> None:
    (three,) = rich(table(("who", "embargo", "status"), [("debian", "member", ""), ("", "", "")]))
    assert read(three) == "debian — embargo: member\n—\n"
    assert three["elements"][0]["elements"][0] == text("debian", bold=True)
    (two,) = rich(table(("version", "state"), [("1.0.0", line("out")), (line(mono("1.0.1")), "removed")]))
    assert read(two) == "1.0.0 — out\n1.0.1 — removed\n"
    (wide,) = rich(table(("case", "what", "owner", "next"), [("X", "a flaw", "me", "-"), ("Y", "", "you", "-")]))
    assert read(wide) == "X — a flaw\nowner: me · next: -\nY — owner: you\nnext: -\n"


def test_what_is_to_be_copied_and_what_somebody_wrote() -> None:
    code, quoted = rich(Code(text="  a  b\n\n  c\n"), Quote(text=REPORT))
    assert code == {"type": "rich_text_preformatted", "elements": [text("  a  b\n\n  c")]}
    assert quoted == {"type": "rich_text_quote", "elements": [text(REPORT)]}


def test_what_is_empty_is_left_out_but_a_list_keeps_its_items() -> None:
    nothing = (para(""), para(" "), Code(text="\n"), Quote(text=""), bullets([]), table(("a",), []), fields())
    made = shown(*nothing)
    assert only(made) == []
    assert made.messages[0]["text"] == "•" or made.messages[0]["text"].strip()
    (listed,) = rich(bullets(["", "b"]))
    assert read(listed) == "—\nb\n"


@pytest.mark.parametrize("tone", ["normal", "good", "warning", "alert"])
def test_the_title_is_a_header_with_the_mark_of_its_tone(tone: Any) -> None:
    marks = {"normal": "", "good": "✔ ", "warning": "⚠️ ", "alert": "🚨 "}
    header, _ = only(said(Document(title="t", tone=tone, blocks=(para("x"),))))
    assert header == {"type": "header", "text": {"type": "plain_text", "text": f"{marks[tone]}t", "emoji": False}}


def test_no_more_than_a_sentence_is_no_louder_than_one() -> None:
    (block,) = only(said(Document(title="I know no such command; try help")))
    (section,) = block["elements"]
    assert section == {
        "type": "rich_text_section",
        "elements": [{"type": "text", "text": "I know no such command; try help"}],
    }


@pytest.mark.parametrize("title", ["x" * 149 + "🚨", "x" * 5_000])
def test_a_title_too_long_for_a_header_is_a_bold_text(title: str) -> None:
    made = said(Document(title=title, tone="alert"))
    sound(made)
    first = made.messages[0]["blocks"][0]["elements"][0]["elements"][0]
    assert first["style"] == {"bold": True}
    assert first["text"].startswith("🚨 x")
    whole = "".join(one["text"] for m in made.messages for one in objects(m["blocks"]) if one.get("style"))
    assert whole == f"🚨 {title}"


@pytest.mark.parametrize(("tlp", "mark"), list(zip(Tlp, "⚪🟢🟠🟠🔴", strict=True)))
def test_the_label_comes_before_what_it_is_about(tlp: Tlp, mark: str) -> None:
    first = only(said(Document(title="t", case=CASE, tlp=tlp)))[0]
    assert first == {"type": "context", "elements": [{"type": "plain_text", "text": f"{mark} {tlp}", "emoji": False}]}


def test_what_is_public_has_no_label() -> None:
    assert [block["type"] for block in only(said(Document(title="t")))] == ["rich_text"]


# --- buttons -------------------------------------------------------------------------------------------------------


def test_a_button_bears_its_command_and_what_is_dangerous_is_asked_about() -> None:
    plain, danger = buttons(
        said(
            Document(
                title="",
                actions=(
                    Action(label="own it", command="own X", emoji="✋"),
                    Action(label="confirm", command="confirm 1 \u202e'", emoji="", style="danger"),
                ),
            )
        )
    )
    assert plain == {
        "type": "button",
        "action_id": "do.0",
        "text": {"type": "plain_text", "text": "✋ own it", "emoji": False},
        "value": "own X",
    }
    assert (danger["value"], danger["style"], danger["text"]["text"]) == ("confirm 1 \u202e'", "danger", "confirm")
    assert danger["confirm"]["text"]["text"] == "/dynasched confirm 1 [U+202E]'"
    assert danger["confirm"]["style"] == "danger"


def test_many_buttons_are_several_rows() -> None:
    made = said(Document(title="", actions=tuple(Action(label=f"{n}", command=f"do {n}", emoji="") for n in range(27))))
    sound(made)
    assert [len(block["elements"]) for block in only(made)] == [ACTIONS, 2]
    assert [one["value"] for one in buttons(made)] == [f"do {n}" for n in range(27)]


@pytest.mark.parametrize(
    "action",
    [
        Action(label="x" * 80, command="do it", emoji="✅"),
        Action(label="x", command="do it " + "y" * 2_000, emoji="✅"),
        Action(label="x", command=" ", emoji="✅"),
        Action(label="", command="do it", emoji=""),
    ],
)
def test_what_does_not_fit_a_button_is_a_line_to_copy(action: Action) -> None:
    made = said(Document(title="", actions=(action, Action(label="fine", command="fine", emoji=""))))
    sound(made)
    assert [one["value"] for one in buttons(made)] == ["fine"]
    assert f"/dynasched {action.command}".strip() in read(only(made)).replace("\n", "")


def test_more_buttons_than_there_is_room_for_are_lines_too() -> None:
    made = said(Document(title="t", actions=tuple(Action(label=f"{n}", command="x" * 900, emoji="") for n in range(9))))
    sound(made)
    lines = sum(
        one.get("text") == "/dynasched " + "x" * 900 for one in objects([*(m["blocks"] for m in made.messages)])
    )
    assert len(buttons(made)) + lines == 9
    assert buttons(made) != []


# --- notifications -------------------------------------------------------------------------------------------------


def test_a_discreet_text_names_case_and_kind_only() -> None:
    made = said(case_card(), people=PEOPLE, ping=("U0MAINTAIN",), discreet=True)
    assert made.messages[0]["text"] == f"{CASE}: case card"
    assert {"type": "user", "user_id": "U0MAINTAIN"} in objects(made.messages[0]["blocks"])
    assert said(Document(title="secret"), discreet=True).messages[0]["text"] == "answer"


def test_a_text_is_the_whole_plain_text() -> None:
    made = said(case_card())
    plain = plain_text(case_card(), prefix=COMMAND)
    assert made.messages[0]["text"] == plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --- what is long --------------------------------------------------------------------------------------------------


def huge(letter: str, count: int) -> Document:
    return Document(
        title="long",
        kind="report",
        case=CASE,
        tlp=Tlp.RED,
        blocks=(
            Quote(text=letter * count),
            para(strong(letter * count)),
            bullets((letter * 100 for _ in range(count // 50)), numbered=True),
            table(("a", "b", "c"), [(letter * 50, line("x"), "y") for _ in range(count // 50)]),
        ),
        actions=(Action(label="a", command=f"a {CASE}", emoji="✅"),),
    )


def flat(words: str) -> str:
    return re.sub(r"\s", "", words)


@pytest.mark.parametrize("letter", ["a ", "<", "漢", "\n", "\u202e", "🚨"])
@pytest.mark.parametrize("count", [600, 2_000, 30_000])
@pytest.mark.parametrize("how", [{}, {"discreet": True}, {"edit": "e1"}, {"aside": Aside(user="U0DEBIAN00")}])
def test_what_is_long_is_several_messages_or_a_file_and_nothing_is_lost(
    letter: str, count: int, how: dict[str, Any]
) -> None:
    document = huge(letter, count)
    made = said(document, **how)
    sound(made)
    assert len(made.messages) <= (1 if "edit" in how else MOST)
    assert all(read(message["blocks"]).startswith("🔴 TLP:RED\n") for message in made.messages)
    assert [one["value"] for one in objects(made.messages[-1]["blocks"]) if one.get("type") == "button"] == [
        f"a {CASE}"
    ]
    assert len(buttons(made)) == 1
    if made.file is not None:
        assert (made.file.name, len(made.messages)) == (f"{CASE}-report.txt", 1)
        assert made.file.content == plain_text(document, prefix=COMMAND)
        assert made.file.name in seen(made)
    elif "There is more than fits here." not in seen(made):
        rows = count // 50 * (letter * 150)
        expected = flat(visible(letter * count)) + flat(visible_line(letter * count + rows))
        assert len(flat(seen(made))) > len(expected)


def test_a_long_report_is_divided_between_its_lines_under_the_name_of_the_case() -> None:
    lines = [f"line {n} of the report" for n in range(500)]
    made = said(
        Document(title="secret", kind="report", case=CASE, tone="alert", blocks=(Quote(text="\n".join(lines)),))
    )
    sound(made)
    assert 1 < len(made.messages) <= MOST
    assert made.file is None
    headers = [one["text"]["text"] for m in made.messages for one in m["blocks"] if one["type"] == "header"]
    assert headers == ["🚨 secret", *(f"{CASE}: report, part {n}" for n in range(2, len(made.messages) + 1))]
    quotes = [one for m in made.messages for one in objects(m["blocks"]) if one.get("type") == "rich_text_quote"]
    assert len(quotes) == len(made.messages)
    assert [row for one in quotes for row in read(one).splitlines()] == lines
    texts = [row[2:] for m in made.messages for row in m["text"].replace("&gt;", ">").splitlines() if row[:2] == "> "]
    assert texts == lines


def test_a_list_that_goes_on_keeps_its_numbers() -> None:
    made = said(Document(title="t", blocks=(bullets((f"item {n} " + "x" * 300 for n in range(1, 21)), numbered=True),)))
    sound(made)
    first, second = (m["blocks"][-1]["elements"][0] for m in made.messages)
    assert (first["style"], second["style"]) == ("ordered", "bullet")
    count = len(first["elements"])
    assert second["elements"][0]["elements"][0]["text"].startswith(f"{count + 1}. item {count + 1} ")


def test_who_is_to_be_notified_is_called_once() -> None:
    made = said(Document(title="t", blocks=(Quote(text="word " * 1_500),)), ping=("U0MAINTAIN",))
    assert len(made.messages) > 1
    assert [one["user_id"] for m in made.messages for one in objects(m["blocks"]) if one.get("type") == "user"] == [
        "U0MAINTAIN"
    ]


def test_a_report_of_100_kb_is_shown_in_part_and_handed_out_as_a_file() -> None:
    words = "".join(f"{n} words " for n in range(10_000))
    made = said(Document(title="t", kind="report", case=CASE, blocks=(para("It says:"), Quote(text=words))))
    sound(made)
    (message,) = made.messages
    assert made.file is not None
    assert words.rstrip() in made.file.content
    assert seen(made).rstrip().endswith(f"All of it is in the file {CASE}-report.txt.")
    assert len(message["text"]) > TEXT * 0.8


def test_what_only_one_person_sees_names_the_place_where_there_is_more() -> None:
    made = shown(Quote(text="x" * 100_000), aside=Aside(user="U0DEBIAN00"))
    assert made.file is None
    assert "Ask in our direct chat" in seen(made)


def test_a_single_item_that_is_too_long_is_shortened_and_in_the_file() -> None:
    made = said(Document(title="t", blocks=(fields(("Owner", "me"), ("Mitigation", "y" * 10_000), ("CVE", "none")),)))
    sound(made)
    assert "Mitigation: " + "y" * 250 + "…" in seen(made)
    assert made.file is not None
    assert "y" * 10_000 in made.file.content
    assert made.file.name == "answer.txt"


# --- home pages, and the check itself ------------------------------------------------------------------------------


def test_home_pages_have_the_same_blocks() -> None:
    assert home(Post(document=case_card()), command=COMMAND) == only(said(case_card()))


BROKEN: dict[str, Json] = {
    "unknown block": {"type": "table", "rows": []},
    "header": {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
    "header markup": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "empty header": {"type": "header", "text": {"type": "plain_text", "text": " "}},
    "section": {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
    "fields": {"type": "section", "fields": [{"type": "plain_text", "text": "x"}] * 11},
    "field": {"type": "section", "fields": [{"type": "plain_text", "text": "x" * 2001}]},
    "context": {"type": "context", "elements": [{"type": "plain_text", "text": "x"}] * 11},
    "empty text": {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [text("")]}]},
    "no elements": {"type": "rich_text", "elements": []},
    "empty section": {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]},
    "list style": {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "x", "elements": []}]},
    "date": {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "date", "timestamp": "1"}]}],
    },
    "date in code": {
        "type": "rich_text",
        "elements": [{"type": "rich_text_preformatted", "elements": [{"type": "date", "timestamp": 1, "format": "x"}]}],
    },
    "no buttons": {"type": "actions", "elements": []},
}


@pytest.mark.parametrize("name", BROKEN)
def test_the_check_finds(name: str) -> None:
    assert check([BROKEN[name]]) != []


@pytest.mark.parametrize(
    "update",
    [
        {"text": {"type": "plain_text", "text": "x" * 76}},
        {"value": "x" * 2001},
        {"style": "big"},
        {"action_id": "x" * 256},
        {"action_id": "other"},
        {"confirm": {}},
        {"type": "select"},
    ],
)
def test_the_check_finds_bad_buttons(update: Json) -> None:
    def row(**more: Any) -> Json:
        good = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}, "value": "v"}
        return {"type": "actions", "elements": [{**good, "action_id": "other"}, {**good, **more}]}

    assert check([row()]) == []
    assert check([row(**update)]) != []


def test_the_check_finds_too_much() -> None:
    block = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [text("x" * 240)]}]}
    assert check([block] * 51)[0] == "51 blocks, at most 50"
    assert size([block] * 40) > SIZE
    assert check([block] * 40) != []
    assert check([{**block, "block_id": "a"}] * 2) == ["block ids"]
    assert check([{"type": "divider"}] * 100, most=100) == []


def test_size_counts_what_is_not_ascii_as_it_may_be_sent() -> None:
    assert size([{"a": "漢"}]) == len('[{"a":"\\u6f22"}]') == len(json.dumps([{"a": "漢"}], separators=(",", ":")))


def test_instants_before_the_epoch_and_far_off_are_shown() -> None:
    for year in (1969, 9998):
        made = shown(para(when(datetime(year, 1, 1, tzinfo=UTC))))
        assert str(year) in seen(made)
        sound(made)


# --- doors -----------------------------------------------------------------------------------------------------------

DOORS = {"workspace": "https://dynasched.slack.com/"}
ROOM = "https://dynasched.slack.com/archives/C0ROOM0001"


def links(blocks: list[Json]) -> list[tuple[str, str]]:
    return [(one["text"], one["url"]) for one in objects(blocks) if one.get("type") == "link"]


def test_a_card_ends_with_a_link_to_its_channel_and_a_list_has_one_for_each_case() -> None:
    post = Post(document=Document(title="A card", case=CASE), doors={CASE: "C0ROOM0001"})
    (message,) = render(post, command=COMMAND, **DOORS).messages
    assert links(message["blocks"]) == [(CASE, ROOM)]
    assert f"Room: {CASE} ({ROOM})" in message["text"], "where blocks are not shown, too"
    rows = [(line(door(case)), "x") for case in (CASE, "DS-2026-ZZZZ")]
    listed = Post(document=Document(title="Cases", blocks=(table(("case", "what"), rows),)), doors=post.doors)
    for made in (only(render(listed, command=COMMAND, **DOORS)), home(listed, command=COMMAND, **DOORS)):
        assert links(made) == [(CASE, ROOM)]
        assert "DS-2026-ZZZZ" in read(made), "of a room that is not for them only the number"
    assert not links(only(render(listed, command=COMMAND))), "nor where the workspace's address is not known"
