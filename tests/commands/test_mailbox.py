"""What is taken for a patch, and what is said of the rest."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.checksums.stream import LARGEST_PATCH
from chatops.commands.mailbox import NoPatch, read_mailbox
from tests.patches import fenced, patch

SERIES = patch("[1/2] Bound the job name") + "\n" + patch("Say so in the manual", new="x")


def refused(text: str) -> str:
    with pytest.raises(NoPatch) as no:
        read_mailbox(text)
    assert "\n" not in str(no.value)
    return str(no.value)


def test_a_patch_is_kept_to_the_letter_however_it_came() -> None:
    for text in (patch(), fenced(patch()), f"\n```diff\n{patch()}```\n"):
        assert read_mailbox(text).text == patch()
    assert read_mailbox(patch()).subjects == ("Bound the job name",)


def test_a_series_has_a_subject_for_each_patch() -> None:
    assert read_mailbox(SERIES).subjects == ("Bound the job name", "Say so in the manual")


def test_a_single_mail_and_an_encoded_subject_do() -> None:
    mail = patch().split("\n", 1)[1].replace("[PATCH] Bound", "=?UTF-8?q?[PATCH]_B=C3=B6und?=\n")
    assert read_mailbox(mail).subjects == ("Böund the job name",)
    unknown = patch().replace("[PATCH] Bound", "=?nonsense?q?Bound?=")
    assert "Bound" in read_mailbox(unknown).subjects[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fix it", "no patch that git am takes; make one with git format-patch"),
        (patch().split("\n\n", 1)[1].split("\n\n", 1)[1], "a plain diff"),
        ("Note: see the other room", "no subject"),
        (patch().replace("From: Maintainer <maintainer@example.org>", "From: nobody"), "names no author"),
        (patch("[0/1] A series").split("diff --git")[0], '"A series" bears no change; leave a cover letter out'),
        (patch().split(" int b;")[0], "is cut short in the hunk at line"),
        (patch().replace("+strlcpy(a, b, n);\n", ""), "is cut short in the hunk at line"),
        (patch() + "x" * LARGEST_PATCH, "larger than 512 KiB"),
    ],
)
def test_what_git_am_would_not_take_is_refused_with_what_would_do(text: str, said: str) -> None:
    assert said in refused(text)


@given(st.text(max_size=300), st.integers(0, len(SERIES)), st.integers(0, len(SERIES)))
def test_nothing_that_is_pasted_is_worse_than_refused(text: str, start: int, end: int) -> None:
    for broken in (text, SERIES[:start] + text + SERIES[end:], f"Subject: {text}\nFrom: {text}@\n\n{SERIES[end:]}"):
        try:
            box = read_mailbox(broken)
        except NoPatch:
            continue
        assert all(box.subjects)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    git = shutil.which("git")
    assert git is not None
    (folder / "queue.c").write_text("int a;\nstrcpy(a, b);\nint b;\n")
    for line in ("init -q", "add .", "-c user.name=m -c user.email=m@x commit -q -m First"):
        subprocess.run([git, *line.split()], cwd=folder, check=True)
    return folder


def test_what_is_taken_is_what_git_itself_takes(checkout: Path) -> None:
    """The oracle: git, with the same text."""
    whole = patch("One") + patch("Two", new="x").replace("-strcpy(a, b);", "-strlcpy(a, b, n);")
    for text, good in ((patch(), True), (whole, True), (patch().split(" int b;")[0], False)):
        command = ["git", "-c", "user.name=m", "-c", "user.email=m@x", "am", "-q"]
        done = subprocess.run(command, cwd=checkout, input=text, text=True, capture_output=True, check=False)
        assert (done.returncode == 0) is good, done.stderr
        subprocess.run(["git", "am", "--abort"], cwd=checkout, capture_output=True, check=False)
        subprocess.run(
            ["git", "reset", "-q", "--hard", "HEAD~" + str(2 if text == whole else int(good))], cwd=checkout, check=True
        )
        if good:
            assert read_mailbox(text).text == text
        else:
            refused(text)
