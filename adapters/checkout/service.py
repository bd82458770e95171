"""Tries patches on a checkout of the project, without touching it.

A patch is applied by ``git am`` itself, in an empty repository of its own that borrows the checkout's objects and lies
in a private folder until the answer is known. So neither the checkout nor its object store gets a byte of an embargoed
fix, nor does anything that the checkout's own configuration names (hooks, filters) run on it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from chatops.ports import Effect, Impossible, Intake, Receipt, TryLater, TryPatch

PLACES = ("refs/heads", "refs/remotes/origin", "refs/tags")
"""Where a branch is looked for, in this order."""
SECONDS = 120

_FAILED = re.compile(r"^error: patch failed: (.+):(\d+)$", re.MULTILINE)
_MISSING = re.compile(r"^error: (.+?): (does not exist in index|No such file or directory)$", re.MULTILINE)
_ERROR = re.compile(r"^(?:error|fatal): (.+)$", re.MULTILINE)


class Checkout:
    """Performs the repository's effects on the checkout in ``folder``."""

    name = "repository"

    def __init__(self, folder: Path, *, git: str = "git") -> None:
        self._folder = folder
        self._git = git

    async def start(self, intake: Intake) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to disconnect from."""

    async def perform(self, effect: Effect) -> Receipt:
        """Raises Impossible: ``no-git``, ``no-repository``, ``unreadable-branch``; TryLater: ``timeout``."""
        if not isinstance(effect.deed, TryPatch):
            raise Impossible("unsupported")
        return Receipt(data=await asyncio.to_thread(self._try, effect.deed.branch, effect.deed.text))

    def _try(self, branch: str, text: str) -> dict[str, Any]:
        with TemporaryDirectory(prefix="chatops-") as made:
            home = Path(made)
            objects, sort = self._objects(home)
            commit = self._commit(home, branch)
            if commit is None:
                return {"applies": False, "branches": self._branches(home)}
            tree = home / "tree"
            self._run(home, home, "init", "-q", "--template=", f"--object-format={sort}", str(tree))
            (tree / ".git/objects/info").mkdir(exist_ok=True)
            (tree / ".git/objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")
            if self._run(home, tree, "checkout", "-q", "--detach", commit).returncode != 0:
                raise Impossible("unreadable-branch")
            done = self._run(home, tree, "am", "-q", text=text)
            return {"applies": True} if done.returncode == 0 else {"applies": False, "where": _where(done.stderr)}

    def _objects(self, home: Path) -> tuple[Path, str]:
        """Where the checkout's objects lie, and how they are named."""
        asked = self._run(home, self._folder, "rev-parse", "--show-object-format", "--git-path", "objects")
        if asked.returncode != 0:
            raise Impossible("no-repository")
        sort, path = asked.stdout.splitlines()
        return (self._folder / path).resolve(), sort

    def _commit(self, home: Path, branch: str) -> str | None:
        for place in PLACES:
            name = f"{place}/{branch}^{{commit}}"
            asked = self._run(home, self._folder, "rev-parse", "--verify", "--quiet", name)
            if asked.returncode == 0:
                return asked.stdout.strip()
        return None

    def _branches(self, home: Path) -> list[str]:
        listed = self._run(home, self._folder, "for-each-ref", "--format=%(refname)", *PLACES[:2]).stdout
        names = {line.removeprefix(f"{place}/") for line in listed.splitlines() for place in PLACES if place in line}
        return sorted(names - {"HEAD"})

    def _run(self, home: Path, where: Path, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        """git, with nothing of this machine's or account's settings."""
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(home),
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_COMMITTER_NAME": "chatops",
            "GIT_COMMITTER_EMAIL": "chatops@localhost",
        }
        command = [self._git, "-c", f"safe.directory={self._folder.resolve()}", *words]
        try:
            return subprocess.run(  # noqa: S603 - no shell; the branch's name was checked
                command,
                cwd=where,
                env=environment,
                input=text,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise Impossible("no-repository" if not where.is_dir() else "no-git") from None
        except subprocess.TimeoutExpired:
            raise TryLater("timeout") from None


def _where(said: str) -> str:
    """What does not fit, as git names it."""
    if found := _FAILED.search(said):
        return f"{found[1]}, line {found[2]}"
    if found := _MISSING.search(said):
        return f"{found[1]} is not there"
    found = _ERROR.search(said)
    return found[1][:200] if found else "git am refuses it"
