"""The machine's own coreutils, as the oracle for ``chatops verify -c``; and ours, run the same way."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chatops.checksums.check import run
from chatops.checksums.digests import Algorithm

TOOLS = {
    Algorithm.MD5: "md5sum",
    Algorithm.SHA1: "sha1sum",
    Algorithm.SHA256: "sha256sum",
    Algorithm.SHA512: "sha512sum",
    Algorithm.BLAKE2B: "b2sum",
}


@dataclass(frozen=True)
class Checked:
    """What a check said, without its wording: only classifications, counts and the exit code.

    ``results`` are the lines of standard output: the (escaped) name and OK, FAILED or FAILED open or read.
    """

    exit_code: int
    results: tuple[bytes, ...]
    improper: int
    improper_lines: tuple[int, ...]
    nothing_found: int


def coreutils_version() -> tuple[int, ...]:
    """The version of the machine's sha1sum."""
    said = subprocess.run(["sha1sum", "--version"], capture_output=True, check=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", said)
    assert found
    return tuple(map(int, found.groups()))


def theirs(algorithm: Algorithm, arguments: Sequence[str], stdin: bytes, here: Path) -> Checked:
    """Run the tool of an algorithm."""
    done = subprocess.run([TOOLS[algorithm], *arguments], input=stdin, capture_output=True, cwd=here, check=False)
    return _classified(done.returncode, done.stdout, done.stderr.decode(errors="replace"))


def ours(algorithm: Algorithm | None, arguments: Sequence[str], stdin: bytes) -> Checked:
    """Run ``chatops verify`` in this process; its working directory must be the test's."""
    out, err = io.BytesIO(), io.StringIO()
    chosen = ["-a", algorithm] if algorithm else []
    code = run([*chosen, *arguments], io.BytesIO(stdin), out, err)
    return _classified(code, out.getvalue(), err.getvalue())


def _classified(code: int, stdout: bytes, stderr: str) -> Checked:
    return Checked(
        exit_code=code,
        results=tuple(stdout.split(b"\n")),
        improper=sum(map(int, re.findall(r"(\d+) lines? (?:is|are) improperly", stderr))),
        improper_lines=tuple(map(int, re.findall(r": (\d+): improperly", stderr))),
        nothing_found=len(re.findall("no properly formatted", stderr)),
    )
