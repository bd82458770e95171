"""The texts in a project's own words: what each may say, what is refused, and what an operator sees of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops import bootstrap
from chatops.cli import main
from chatops.config import BadConfiguration, Mail, Settings
from chatops.document import Document, quote
from chatops.loading import load
from chatops.plain import plain_text
from chatops.preview import preview
from chatops.template import fill, paragraphs
from chatops.wording import EVERY, SLOTS, Wording, example, names, uses

UNTOLD = {
    "receipt": {"case", "next_word"},
    "question": {"case", "facts", "terms"},  # facts: the band and the date, as the consent question lists them
    "question_again": {"case", "facts", "terms"},
    "terms": set(),
    "terms_late": set(),
    "standing_terms": set(),
    "embargo_over": {"case"},
    "holding": {"name"},
    "no_key": set(),
    "removed": {"upgrade"},
}
"""What may be said to those who have not been told of a case, or who may be anybody."""


@pytest.mark.parametrize("name", names())
def test_every_default_is_whole_in_an_example(name: str) -> None:
    settings = Settings()
    shown = plain_text(Document(title="", blocks=example(settings.wording, name, settings.own)))
    assert "{" not in shown
    for paragraph in Wording.model_fields[name].default:
        assert max(paragraph.removeprefix("- ").replace("}", "{").split("{")[::2], key=len).strip() in shown


@pytest.mark.parametrize("name", UNTOLD)
def test_who_was_not_told_of_a_case_cannot_be_told_by_a_text(name: str) -> None:
    assert set(uses(name)) - set(EVERY) == UNTOLD[name]


def test_every_field_is_used_by_a_text_and_explained() -> None:
    assert {field for name in names() for field in uses(name)} == set(SLOTS)


def test_nothing_but_what_a_text_declares_can_be_filled_in() -> None:
    with pytest.raises(LookupError):
        Settings().words("receipt", case="DS-2026-7KQ4", next_word="soon", text=(quote("secret"),))
    with pytest.raises(LookupError):
        Settings().words("receipt", case="DS-2026-7KQ4")


def test_the_defaults_check_an_archive_as_the_policy_does_with_the_real_line() -> None:
    shown = preview(Settings(), "announcement")
    assert "echo 'b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b  dynasched-1.0.1.tar.bz2'|sha1sum -c" in shown


def written(folder: Path, text: str) -> Path:
    file = folder / "chatops.toml"
    file.write_text(f"[wording]\n{text}\n", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ('receipt = "On {next_wrd}."', "receipt: {next_wrd} is not filled in here; did you mean {next_word}?"),
        ('receipt = "{title}"', "receipt: {title} is not filled in here; known: {project}, {release_page}, {case}, "),
        ('no_key = ["It is {case}."]', "no_key: {case} is not filled in here; known: {project}, {release_page}"),
        ('receipt = "By {next_word"', "receipt: a brace lacks its other half; write {{ or }} for a brace itself"),
        ('receipt = "By next_word}"', "receipt: a brace lacks its other half"),
        ('receipt = "By {next_word:%Y}"', "receipt: write {next_word} with nothing after the name"),
        ('receipt = "By {next_word!r}"', "receipt: write {next_word} with nothing after the name"),
        ('receipt = "{}"', "receipt: {} is not filled in here; known: "),
        ('receipt = "{case.id}"', "receipt: {case.id} is not filled in here; did you mean {case}?"),
        ('receipt = "\\n \\n"', "receipt: it is empty"),
        ("receipt = 3", "receipt: Input should be a valid tuple"),
        ('announcement = "{facts}"', "announcement: {text} must be in it"),
        ('announcement = "{text} {facts}"', "announcement: {text} brings lines of its own; put it at the end of a"),
        ('announcement = "- {text}"', "announcement: {text} brings lines of its own; put it at the end of a paragraph"),
        ('anouncement = "{text}"', "anouncement: no such setting; did you mean announcement?"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_at_the_start(tmp_path: Path, told: str, problem: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        load(written(tmp_path, told), {})
    assert str(refused.value).startswith(f"wording.{problem}")
    assert "\n" not in str(refused.value)


OWN = '''
receipt = """
Thank you, from all of {project}.
We answer  by {next_word}.

- One thing
- and another, {{so}}
"""
'''


def test_a_text_of_lines_is_read_as_paragraphs_and_lists(tmp_path: Path) -> None:
    wording = load(written(tmp_path, OWN), {"CHATOPS_WORDING__THANKS": "Bye."}).wording
    assert wording.receipt == (
        "Thank you, from all of {project}. We answer by {next_word}.",
        "- One thing",
        "- and another, {{so}}",
    )
    assert wording.thanks == ("Bye.",)
    blocks = fill(wording.receipt, {"project": "PMIx", "next_word": "*Monday* {case}"})
    assert plain_text(Document(title="", blocks=blocks)) == (
        "Thank you, from all of PMIx. We answer by *Monday* {case}.\n\n• One thing\n• and another, {so}"
    )


@given(st.text(st.characters(categories=("L", "N", "P", "Z"), exclude_characters="-•")))
def test_words_without_fields_stay_what_they_are(text: str) -> None:
    whole = text.replace("{", "{{").replace("}", "}}")
    shown = plain_text(Document(title="", blocks=fill(tuple(paragraphs(whole)), {})))
    assert shown.split() == text.split()


def test_an_operator_sees_which_texts_there_are_and_each_as_its_readers_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(written(tmp_path, OWN + '[project]\nname = "PMIx"\ncommand = "pmix"'))
    assert main(["--config", config, "wording"]) == 0
    listed = capsys.readouterr().out
    assert "receipt (your own words): for who reported something, at once" in listed
    assert "thanks: for members, at the end" in listed
    assert main(["--config", config, "wording", "receipt"]) == 0
    shown = capsys.readouterr().out
    assert "Thank you, from all of PMIx. We answer by Mon 14 Dec 2026." in shown
    assert "{next_word}  the day by which they hear of us" in shown
    assert main(["--config", config, "wording", "private_release"]) == 0
    assert "!pmix status DS-2026-7KQ4 fix-ready" in capsys.readouterr().out
    assert main(["--config", config, "wording", "reciept"]) == 2
    assert capsys.readouterr().err == "chatops: no text 'reciept'; did you mean receipt?\n"


def test_who_has_no_key_is_told_so_in_the_project_s_own_words() -> None:
    box = Mail(address="security@example.org", smtp_host="mail.example.org")
    settings = Settings(mail=box, wording=Wording(no_key=("Write to {project}.",)))
    assert "Write to DynaSched." in plain_text(Document(title="", blocks=bootstrap.mail_settings(box, settings).no_key))
