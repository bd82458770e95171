"""What ``chatops verify`` has beyond coreutils: ``--algorithm``, help, and readable complaints."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from chatops.checksums.check import run
from chatops.checksums.digests import Algorithm


def verify(*argv: str, stdin: bytes = b"") -> tuple[int, str, str]:
    out, err = io.BytesIO(), io.StringIO()
    code = run(argv, io.BytesIO(stdin), out, err)
    return code, out.getvalue().decode(errors="replace"), err.getvalue()


@pytest.fixture(autouse=True)
def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").write_bytes(b"hello")


@pytest.mark.parametrize("algorithm", Algorithm)
def test_lines_are_printed_with_any_algorithm_and_check_without_naming_it(algorithm: Algorithm) -> None:
    digest = hashlib.new(algorithm, b"hello").hexdigest()
    for spelling in (algorithm.value, algorithm.value.upper(), f"{algorithm.value}sum"):
        assert verify("-a", spelling, "f") == (0, f"{digest}  f\n", "")
    tagged = f"{algorithm.tag} (f) = {digest}\n"
    assert verify(f"--algorithm={algorithm}", "--tag", "f") == (0, tagged, "")
    for line in (f"{digest}  f\n", tagged):
        assert verify("-c", stdin=line.encode()) == (0, "f: OK\n", "")


def test_sha256_is_the_default() -> None:
    assert verify("f")[1] == f"{hashlib.sha256(b'hello').hexdigest()}  f\n"


def test_help_names_every_option() -> None:
    code, shown, _ = verify("--help")
    assert code == 0
    for option in ("--algorithm", "--check", "--ignore-missing", "--quiet", "--status", "--strict", "--tag", "--warn"):
        assert option in shown


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["-a", "crc32", "f"], "unknown algorithm 'crc32'"),
        (["--nonsense"], "option --nonsense not recognized"),
        (["--strict", "f"], "the --strict option is meaningful only when verifying checksums"),
    ],
)
def test_a_mistaken_call_says_so_and_fails(argv: list[str], complaint: str) -> None:
    code, shown, complained = verify(*argv)
    assert (code, shown) == (1, "")
    assert complained.startswith(f"chatops verify: {complaint}")


def test_a_terminal_sees_no_control_characters_of_a_name() -> None:
    _, _, complained = verify("-c", stdin=b"0" * 40 + b"  \x1b[2Jx\r\xff\n")
    assert complained.splitlines()[0] == r"chatops verify: \x1b[2Jx\r\udcff: No such file or directory"
