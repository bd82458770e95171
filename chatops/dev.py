"""From a clone to a running demo or a passed test suite, with nothing but Python: ``python3 -m chatops.dev demo|test``.

Only the standard library, because nothing is installed yet. It makes ``.venv`` beside the sources, installs exactly
what ``requirements/dev.txt`` and ``requirements/node`` pin by hash, and goes on in there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements" / "dev.txt"
PEERS = ROOT / "requirements" / "node"
"""What the tests run against that comes from npm, with a lock of its own."""
STAMP = VENV / "installed"

CHECKS: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("pytest", "-q", "-n", "2", "--dist", "loadfile"),
)
"""What ``test`` runs, in order; the first that fails ends it."""


def main(arguments: list[str]) -> int:
    """Set up, then run what was asked for. The exit code is that of what ran."""
    if not arguments or arguments[0] not in ("setup", "demo", "test"):
        print(
            "usage: python3 -m chatops.dev setup | demo [options, see --help] | test [pytest options]", file=sys.stderr
        )
        return 2
    set_up()
    what, rest = arguments[0], arguments[1:]
    if what == "demo":
        return _run("chatops", "demo", *rest)
    if what == "test" and rest:
        return _run("pytest", *rest)
    if what == "test":
        return next((code for check in CHECKS if (code := _run(*check))), 0)
    return 0


def set_up() -> None:
    """Make the virtual environment, unless it is there as the lock and the project file want it."""
    files = (LOCK, ROOT / "pyproject.toml", PEERS / "package-lock.json")
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    print("setting up .venv (a minute or two, once) …", flush=True)
    if not (VENV / "bin" / "python").exists():
        venv.create(VENV, with_pip=True)
    pip = (str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)  # noqa: S603 (our own words)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)  # noqa: S603
    (VENV / "peers").mkdir(exist_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copy(PEERS / file, VENV / "peers" / file)
    if _run(
        "npm", "ci", "--prefix", str(VENV / "peers"), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"
    ):
        raise SystemExit("npm could not install what the tests run against")
    STAMP.write_text(wanted)


def _run(program: str, *arguments: str) -> int:
    print(f"$ {' '.join((program, *arguments))}", flush=True)
    environment = {
        **os.environ,
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
        # The wheel's Node brings certificates of its own, and would not trust what this machine does (a proxy's).
        "NODE_OPTIONS": f"{os.environ.get('NODE_OPTIONS', '')} --use-system-ca".strip(),
    }
    # Where Python is told to write none, each of the many processes of a test run would compile all sources anew.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    words = [str(VENV / "bin" / program), *arguments]
    try:
        return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
