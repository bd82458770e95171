"""Forms as views that Slack takes, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import forms
from adapters.slack.forms import Origin, values, view
from adapters.stage.slackers import Posts, Slackers
from chatops.ports import Form, FormField
from tests.adapters.slack.front import MAINTAINER

NOWHERE = Origin("report", "C0PUBLIC", False)


def a_field(**more: Any) -> FormField:
    told: dict[str, Any] = {"name": "text", "label": "Text", "hint": "", "shape": "text", "required": True}
    return FormField(**{**told, **more})


def shown(*fields: FormField, title: str = "Report") -> dict[str, Any]:
    return view(Form(line="report", title=title, fields=fields), NOWHERE)


def element(**more: Any) -> dict[str, Any]:
    (block,) = shown(a_field(**more))["blocks"]
    made: dict[str, Any] = block["element"]
    return made


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_a_view_in_full() -> None:
    made = shown(
        a_field(name="summary", label="Summary", hint="A sentence", shape="line", value="so far"),
        a_field(name="severity", label="Severity", shape="one", required=False, options=("low", "high"), value="high"),
        a_field(name="who", label="Who", shape="many", options=("debian", "fedora"), value="fedora,gone"),
    )
    low, high = ({"text": text(word), "value": word} for word in ("low", "high"))
    debian, fedora = ({"text": text(word), "value": word} for word in ("debian", "fedora"))
    assert made == {
        "type": "modal",
        "callback_id": "form",
        "title": text("Report"),
        "submit": text("Send"),
        "close": text("Cancel"),
        "private_metadata": NOWHERE.write(),
        "blocks": [
            {
                "type": "input",
                "block_id": "summary",
                "label": text("Summary"),
                "hint": text("A sentence"),
                "optional": False,
                "element": {
                    "type": "plain_text_input",
                    "action_id": "value",
                    "multiline": False,
                    "initial_value": "so far",
                },
            },
            {
                "type": "input",
                "block_id": "severity",
                "label": text("Severity"),
                "optional": True,
                "element": {
                    "type": "static_select",
                    "action_id": "value",
                    "options": [low, high],
                    "initial_option": high,
                },
            },
            {
                "type": "input",
                "block_id": "who",
                "label": text("Who"),
                "optional": False,
                "element": {
                    "type": "multi_static_select",
                    "action_id": "value",
                    "options": [debian, fedora],
                    "initial_options": [fedora],
                },
            },
        ],
    }


def text(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": False}


def test_what_does_not_fit_a_menu_is_typed() -> None:
    assert element(shape="one", options=tuple(str(n) for n in range(100)))["type"] == "static_select"
    assert element(shape="one", options=tuple(str(n) for n in range(101)))["type"] == "plain_text_input"
    assert element(shape="many", options=())["type"] == "plain_text_input"
    assert element(shape="one", options=("x" * 151,))["type"] == "plain_text_input"


def test_a_long_option_is_shown_short_and_meant_whole() -> None:
    (option,) = element(shape="one", options=("x" * 100,))["options"]
    assert len(option["text"]["text"]) == 75
    assert option["value"] == "x" * 100


def test_a_value_that_does_not_fit_is_not_begun() -> None:
    assert "initial_value" not in element(value="x" * 3001)
    assert element(value="x" * 3000)["initial_value"] == "x" * 3000


words = st.text(max_size=3000)
names = st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True)


@st.composite
def fields(draw: st.DrawFn) -> FormField:
    return FormField(
        name=draw(names),
        label=draw(words),
        hint=draw(words),
        shape=draw(st.sampled_from(("line", "text", "one", "many"))),
        required=draw(st.booleans()),
        options=tuple(draw(st.lists(st.text(max_size=160), max_size=120))),
        value=draw(words),
    )


@given(st.text(min_size=1), st.lists(fields(), min_size=1, max_size=6, unique_by=lambda field: field.name))
def test_views_keep_slacks_limits(title: str, told: list[FormField]) -> None:
    made = view(Form(line="tell DS-2026-7KQ4", title=title, fields=tuple(told)), NOWHERE)
    assert 1 <= len(made["title"]["text"]) <= 24
    assert len(made["private_metadata"]) <= 3000
    assert len(made["blocks"]) <= 100
    assert len({block["block_id"] for block in made["blocks"]}) == len(told)
    for block in made["blocks"]:
        assert 1 <= len(block["label"]["text"]) <= 2000
        assert 1 <= len(block.get("hint", text("x"))["text"]) <= 2000
        assert 1 <= len(block["block_id"]) <= 255
        inner = block["element"]
        if inner["type"] == "plain_text_input":
            assert len(inner.get("initial_value", "")) <= 3000
            continue
        options = inner["options"]
        assert 1 <= len(options) <= 100
        assert all(1 <= len(one["text"]["text"]) <= 75 and 1 <= len(one["value"]) <= 150 for one in options)
        assert len({one["value"] for one in options}) == len(options)
        chosen = inner.get("initial_options", [inner["initial_option"]] if "initial_option" in inner else options[:1])
        assert chosen
        assert all(one in options for one in chosen)


# --- what comes back -------------------------------------------------------------------------------------------------


@pytest.fixture
async def slackers() -> Any:
    posts = Posts("http://127.0.0.1:9/", "fake-secret")
    yield Slackers(posts)
    await posts.close()


def test_values_by_field(slackers: Slackers) -> None:
    made = shown(
        a_field(name="summary", shape="line"),
        a_field(name="text"),
        a_field(name="severity", shape="one", options=("low", "high")),
        a_field(name="who", shape="many", options=("debian", "fedora", "arch")),
        a_field(name="empty"),
        a_field(name="unpicked", shape="one", options=("a",)),
        a_field(name="none", shape="many", options=("a",)),
    )
    filled = {"summary": "a & <b>", "text": "one\ntwo", "severity": "high", "who": ["fedora", "debian"]}
    payload = slackers.submit_payload(MAINTAINER, {**made, "id": "V1"}, filled)
    found = values(payload["view"]["state"]["values"])
    assert found == {"summary": "a & <b>", "text": "one\ntwo", "severity": "high", "who": "fedora,debian"}


def test_problems_stand_at_fields_that_are_shown() -> None:
    made = shown(a_field(name="summary"), a_field(name="text"))
    problems = {"text": "too short", "case": "there is no such case", "summary": "say more"}
    assert forms.errors(made, problems) == {"text": "too short", "summary": "there is no such case say more"}


def test_an_origin_comes_back() -> None:
    origin = Origin("tell DS-2026-7KQ4", "G0EMBARGO", True)
    assert Origin.read(origin.write()) == origin
    for other in ("", "{}", "[]", json.dumps({"line": "x", "room": 1, "pair": True}), "nonsense"):
        with pytest.raises(ValueError):  # noqa: PT011 - any
            Origin.read(other)
