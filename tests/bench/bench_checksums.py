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

from chatops.checksums.check import run
from chatops.checksums.digests import Algorithm, hash_file
from chatops.checksums.lines import gnu_line

MIB = 1 << 20


def seconds(action: Callable[[], object]) -> float:
    """The better of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


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


def report(what: str, mib: int, ours: float, theirs: float, whose: str) -> None:
    print(
        f"{what}: ours {mib / ours:,.0f} MiB/s, {whose} {mib / theirs:,.0f} MiB/s, ratio {theirs / ours:.2f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a sixteenth of the data")
    scale = 16 if parser.parse_args().small else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = archives(folder, 64, 16 // scale)
        theirs = seconds(tool("sha256sum", "-c", "--quiet", str(many)))
        report(
            f"64 archives of {16 // scale} MiB", 1024 // scale, seconds(lambda: verify(many)), theirs, "sha256sum -c"
        )
        for path in folder.iterdir():
            path.unlink()
        if shutil.which("openssl"):
            one = archives(folder, 1, 1024 // scale)
            theirs = seconds(tool("openssl", "dgst", "-sha256", str(folder / "archive-1-0.tar")))
            ours = seconds(lambda: verify(one))
            report(f"one archive of {1024 // scale} MiB", 1024 // scale, ours, theirs, "openssl dgst -sha256")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB, the interpreter included")


if __name__ == "__main__":
    main()
