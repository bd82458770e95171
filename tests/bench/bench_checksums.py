"""``chatops verify -c`` against the tools it stands in for, in the same run: ``python -m tests.bench.bench_checksums``.

64 archives of 16 MiB against ``sha256sum -c``, and one of 1 GiB against ``openssl dgst -sha256`` where there is one;
``--small`` takes a sixteenth of each. Ratios above 1 mean that ours is faster. Asserts nothing.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from chatops.checksums.check import run
from chatops.checksums.digests import Algorithm, hash_file
from chatops.checksums.lines import gnu_line

MIB = 1 << 20


class Took(NamedTuple):
    """Seconds of a run: on the wall, and of all processors together (which a busy machine changes little)."""

    wall: float
    cpu: float


def seconds(*actions: Callable[[], object], turns: int = 3) -> list[Took]:
    """The best of each, taking turns: what else the machine does meanwhile is everybody's."""
    runs: list[list[Took]] = [[] for _ in actions]
    for _ in range(turns):
        for place, action in enumerate(actions):
            start, used = time.perf_counter(), sum(os.times()[:4])
            action()
            runs[place].append(Took(time.perf_counter() - start, sum(os.times()[:4]) - used))
    return [Took(min(run.wall for run in told), min(run.cpu for run in told)) for told in runs]


def verify(check_file: Path) -> None:
    code = run(["-c", "-a", "sha256", str(check_file)], io.BytesIO(), io.BytesIO(), sys.stderr)
    if code:
        raise SystemExit(f"verify failed: {code}")


def tool(*command: str) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def archives(folder: Path, count: int, mib: int) -> Path:
    """Write archives and a file of their check lines; hashing them to do so also warms the page cache."""
    lines = []
    for number in range(count):
        path = folder / f"archive-{count}-{number}.tar"
        with path.open("wb") as file:
            for _ in range(mib):
                file.write(os.urandom(MIB))
        lines.append(gnu_line(hash_file(path, [Algorithm.SHA256])[Algorithm.SHA256], str(path)) + "\n")
    check_file = folder / f"SHA256SUMS-{count}"
    check_file.write_text("".join(lines))
    return check_file


def report(what: str, mib: int, ours: Took, theirs: Took, whose: str) -> None:
    print(
        f"{what}: ours {mib / ours.wall:,.0f} MiB/s, {whose} {mib / theirs.wall:,.0f} MiB/s, "
        f"ratio {theirs.wall / ours.wall:.2f}; processor time {ours.cpu:.2f} s against {theirs.cpu:.2f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a sixteenth of the data")
    scale = 16 if parser.parse_args().small else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = archives(folder, 64, 16 // scale)
        ours, theirs = seconds(lambda: verify(many), tool("sha256sum", "-c", "--quiet", str(many)))
        report(f"64 archives of {16 // scale} MiB", 1024 // scale, ours, theirs, "sha256sum -c")
        for path in folder.iterdir():
            path.unlink()
        if shutil.which("openssl"):
            one = archives(folder, 1, 1024 // scale)
            ours, theirs = seconds(
                lambda: verify(one), tool("openssl", "dgst", "-sha256", str(folder / "archive-1-0.tar"))
            )
            report(f"one archive of {1024 // scale} MiB", 1024 // scale, ours, theirs, "openssl dgst -sha256")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, the interpreter included")


if __name__ == "__main__":
    main()
