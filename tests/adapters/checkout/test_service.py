"""Patches tried on real checkouts by real git."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from adapters.checkout.service import Checkout
from chatops.ports import Effect, Impossible, Post, TryLater, TryPatch
from tests.patches import patch

GIT = shutil.which("git") or "git"


def git(folder: Path, *words: str) -> str:
    command = [GIT, "-c", "user.name=m", "-c", "user.email=m@example.org", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout on main, with a branch v1.0 that the patch does not fit and one, v0.9, known of the remote only. Its
    hooks would tell.
    """
    made = tmp_path_factory.mktemp("checkout")
    git(made, "init", "-q", "-b", "main")
    (made / "queue.c").write_text("int a;\nstrcpy(a, b);\nint b;\n")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "First")
    git(made, "update-ref", "refs/remotes/origin/v0.9", "main")
    git(made, "checkout", "-q", "-b", "v1.0")
    (made / "queue.c").write_text("int a;\nmemcpy(a, b);\nint b;\n")
    git(made, "commit", "-q", "-a", "-m", "Second")
    git(made, "checkout", "-q", "main")
    for hook in ("applypatch-msg", "pre-applypatch", "post-applypatch", "post-checkout"):
        (made / ".git/hooks").mkdir(exist_ok=True)
        (made / ".git/hooks" / hook).write_text(f"#!/bin/sh\ntouch {made}/hooked\n")
        (made / ".git/hooks" / hook).chmod(0o755)
    return made


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def tried(checkout: Checkout, branch: str = "main", text: str = "") -> dict[str, Any]:
    deed = TryPatch(branch=branch, text=text or patch(), by="x")
    return (await checkout.perform(Effect(id="e", service="repository", deed=deed))).data


async def test_what_applies_and_what_does_not_and_nothing_is_left_behind(folder: Path) -> None:
    before = everything(folder)
    series = patch("One") + patch("Two", new="x").replace("-strcpy(a, b);", "-strlcpy(a, b, n);")
    checkout = Checkout(folder)
    assert await tried(checkout) == {"applies": True}
    assert await tried(checkout, "v0.9", series) == {"applies": True}
    assert await tried(checkout, "v1.0") == {"applies": False, "where": "queue.c, line 1"}
    assert await tried(checkout, text=patch().replace("queue.c", "heap.c")) == {
        "applies": False,
        "where": "heap.c is not there",
    }
    assert await tried(checkout, "v2.0") == {"applies": False, "branches": ["main", "v0.9", "v1.0"]}
    assert everything(folder) == before, "the checkout is only read"


async def test_a_shallow_copy_and_a_linked_worktree_do_as_well(folder: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{folder}", "shallow")
    git(folder, "worktree", "add", "-q", str(tmp_path / "linked"), "v1.0")
    assert await tried(Checkout(tmp_path / "shallow")) == {"applies": True}
    assert await tried(Checkout(tmp_path / "linked")) == {"applies": True}


@pytest.mark.parametrize(
    ("where", "program", "code"),
    [("", "no-such-git", "no-git"), ("empty", "git", "no-repository"), ("missing", "git", "no-repository")],
)
async def test_what_cannot_be_tried_says_why(folder: Path, tmp_path: Path, where: str, program: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    place = tmp_path / where if where else folder
    with pytest.raises(Impossible) as no:
        await tried(Checkout(place, git=program))
    assert no.value.code == code


async def test_git_that_hangs_is_tried_again_later(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "git"
    slow.write_text("#!/bin/sh\nexec sleep 5\n")
    slow.chmod(0o755)
    monkeypatch.setattr("adapters.checkout.service.SECONDS", 0.05)
    with pytest.raises(TryLater):
        await tried(Checkout(folder, git=str(slow)))


async def test_it_does_nothing_else(folder: Path) -> None:
    from chatops.document import Document

    with pytest.raises(Impossible):
        await Checkout(folder).perform(Effect(id="e", service="repository", deed=Post(document=Document(title="x"))))
