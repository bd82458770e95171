"""``chatops verify -c`` against the machine's md5sum, sha1sum, sha256sum, sha512sum and b2sum, over real files.

Nothing may differ in classification or exit code, except where ours is documented as stricter: NUL.
"""

from __future__ import annotations

import hashlib
import io
import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatops.checksums.check import run
from chatops.checksums.digests import Algorithm
from chatops.checksums.lines import CheckLine
from tests.checksums.oracle import TOOLS, coreutils_version, ours, theirs

NAMES = ["f", "g", "a b", " lead", "*star", "new\nline", "back\\slash", "car\rret", "p)q", "(p)", "ünï", "f\r", "-x"]
CHECK_OPTIONS = ["--strict", "--ignore-missing", "--quiet", "--status", "--warn"]
COMBINATIONS = [
    list(chosen) for count in range(len(CHECK_OPTIONS) + 1) for chosen in itertools.combinations(CHECK_OPTIONS, count)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name in NAMES:
        (folder / name).write_text(f"contents of {name!r}")
    (folder / "directory").mkdir()
    (folder / "sub").mkdir()
    (folder / "sub" / "f").write_bytes(b"below")
    (folder / "big").write_bytes(bytes(range(256)) * 8192)
    return folder


@pytest.fixture(autouse=True)
def _inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


def digest_of(algorithm: Algorithm, folder: Path, name: str) -> str:
    try:
        return hashlib.new(algorithm, (folder / name).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return "0" * algorithm.hex_digits


def same(algorithm: Algorithm, options: list[str], content: bytes, folder: Path, *, stdin: bool = False) -> None:
    check_file = folder / "SUMS"
    check_file.write_bytes(content)
    arguments = ["-c", *options, "-" if stdin else "SUMS"]
    fed = content if stdin else b""
    assert ours(algorithm, arguments, fed) == theirs(algorithm, arguments, fed, folder), content


def hand_picked(algorithm: Algorithm, folder: Path) -> list[str]:
    """The table of the field notes, and more, for an algorithm."""
    tag = algorithm.tag
    d, e, big, below = (digest_of(algorithm, folder, name) for name in ("f", "new\nline", "big", "sub/f"))
    other = {tool.tag: tool for tool in Algorithm}
    other.pop(tag)
    return [
        *(
            f"{d}  f\n",
            f"{d} *f\n",
            f"{d}  f",
            f"{d}  f\r\n",
            f"{d.upper()}  f\n",
            f"{big}  big\n",
            f"{below}  sub/f\n",
        ),
        *(f"{tag} (f) = {d}\n", f"{tag}(f)= {d}\n", f"{tag} (f)={d}\n", f"{tag}(f)={d}\n", f"{tag} (f)\t=\t{d}\n"),
        *(
            f"{tag} (p)q) = {d}\n",
            f"{tag} ((p)) = {d}\n",
            f"{tag} () = {d}\n",
            f"{tag} (f) = {d} \n",
            f"{tag} (f) = \n",
        ),
        *(f"{d} f\n", f"{d}\tf\n", f"{d}\t f\n", f"{d}  f\n{d} f\n", f"{d} f\n{d}  f\n", f"{d} *f\n{d} f\n"),
        *(f"{tag} (f) = {d}\n{d} f\n", f"{d} f\n{tag} (f) = {d}\n", f"x\n{d} f\n", f"{d}  \n{d}  f\n"),
        *(f"\\{e}  new\\nline\n", f"\\{d}  a\\tb\n", f"\\{d}  f\\\n", f"{e}  new\\nline\n", f"\\{d}  f\n"),
        *(f"\\{d}  back\\\\slash\n", f"\\{d}  car\\rret\n", f" \\{d}  f\n", f"\\ {d}  f\n", f"\\\\{d}  f\n"),
        *(f"\\{tag} (new\\nline) = {e}\n", f"\\{tag} (f\\) = {d}\n", f"\t {tag} (f) = {d}\n", f"  {d}  f\n"),
        *("# comment\n", f"#{d}  f\n", f" #{d}  f\n", "\n", "\r\n", "\r", " \n", "\t\n", "", f"\n\n{d}  f\n"),
        *(f"{tag.lower()} (f) = {d}\n", f"{tag[:3]}-{tag[3:]} (f) = {d}\n", f"{tag} f = {d}\n", f"{tag}  (f) = {d}\n"),
        *(f"{d}\n", f"{d} \n", f"{d}  \n", f"{d}x f\n", f"{d[1:]}  f\n", f"{d}0  f\n", f"{d}00  f\n", f"g{d[1:]}  f\n"),
        *(f"\ufeff{d}  f\n", f"`{d}  f`\n", f"{d}\u00a0 f\n", f"{d}\u00a0\u00a0f\n", f"{d} \u00a0f\n", f"{d}  f \n"),
        *(f"{d}  directory\n", f"{d}  missing\n", f"{d}  missing\n{d}  f\n", f"{d}  g\n", f"{d}  f\n{d}  g\n{d}  f\n"),
        *(f"{d}  f/x\n", f"{d}  {'n' * 300}\n", f"{d}   lead\n", f"{d} **star\n", f"{d}  f\r\r\n", f"{d}  ./f\n"),
        *(f"{d}  {d}  f\n", f"{d}  f\v\n", f"{d}  f\n{'z' * 5000}\n", "junk\nmore junk\n", f"{d}  f\njunk\n"),
        *(f"{other_tag} (f) = {digest_of(tool, folder, 'f')}\n" for other_tag, tool in other.items()),
        *(f"{digest_of(tool, folder, 'f')}  f\n" for tool in Algorithm if tool is not algorithm),
        *(
            f"{tag}\n",
            f"{tag} \n",
            f"{tag} (f\n",
            f"{tag} (f)\n",
            f"{tag} (f) {d}\n",
            f"{tag} (f) =\n",
            f"{tag}-256 (f) = {d}\n",
        ),
    ]


@pytest.mark.parametrize("algorithm", TOOLS)
def test_hand_picked_lines(algorithm: Algorithm, folder: Path) -> None:
    for content in hand_picked(algorithm, folder):
        for options in ([], ["--strict", "--warn", "--ignore-missing"]):
            same(algorithm, options, content.encode(), folder)


@pytest.mark.parametrize("options", COMBINATIONS, ids=" ".join)
def test_every_combination_of_options(options: list[str], folder: Path) -> None:
    d, g = (digest_of(Algorithm.SHA1, folder, name) for name in ("f", "g"))
    for content in (
        f"{d}  f\n{g}  g\n",
        f"{d}  f\n{d}  g\njunk\n# c\n{d}  missing\n{d} f\n{d}  directory\n",
        f"{d}  missing\n",
        f"{d}  f\n{d}  missing\n",
        f"{d}  f\njunk\n",
        f"{d}  g\n{d}  missing\n",
        "junk\n",
        "",
    ):
        same(Algorithm.SHA1, options, content.encode(), folder)


@pytest.mark.parametrize(
    "options", [["--status", "-w"], ["-w", "--status"], ["--quiet", "-w"], ["-w", "--quiet"], ["--quiet", "--status"]]
)
def test_of_status_warn_and_quiet_the_last_wins(options: list[str], folder: Path) -> None:
    d = digest_of(Algorithm.SHA256, folder, "f")
    same(Algorithm.SHA256, options, f"{d}  f\njunk\n{d}  g\n{d}  missing\n".encode(), folder)


@pytest.mark.parametrize(
    "arguments",
    [
        *([option, "f"] for option in CHECK_OPTIONS),
        *(["-c", option, "SUMS"] for option in ("--tag", "-b", "-t", "--binary", "--text")),
        *(["--tag", "-t", "f"], ["--bogus", "f"], ["-c", "nowhere"], ["-c", "directory"], ["-c", "/dev/null"]),
        *(
            ["f"],
            ["f", "g", "directory", "missing", "new\nline", "back\\slash"],
            ["--tag", "f"],
            ["-b", "f"],
            ["-t", "f"],
        ),
        *(
            ["-"],
            [],
            ["--tag", "new\nline", "-"],
            ["-c", "SUMS", "SUMS"],
            ["SUMS", "-c", "--ig"],
            ["-cw", "--", "SUMS"],
        ),
        *(["-c", "--s", "SUMS"], ["-c", "GNU", "REVERSED"], ["-c", "REVERSED", "GNU"], ["-c", "nowhere", "SUMS"]),
        *(["-c", "LISTS-STDIN", "--quiet"], ["-c"], ["-c", "-"], ["-c", "-", "SUMS"]),
    ],
    ids=repr,
)
def test_invocations(arguments: list[str], folder: Path) -> None:
    d = digest_of(Algorithm.SHA1, folder, "f")
    (folder / "SUMS").write_text(f"{d}  f\n{d}  missing\njunk\n")
    (folder / "GNU").write_text(f"{d}  f\n")
    (folder / "REVERSED").write_text(f"{d} f\n")
    (folder / "LISTS-STDIN").write_text(f"{d}  -\n{d}  -\n{d}  f\n")
    fed = (folder / "f").read_bytes() if "LISTS-STDIN" in arguments else f"{d}  f\n{d}  -\n".encode()
    assert ours(Algorithm.SHA1, arguments, fed) == theirs(Algorithm.SHA1, arguments, fed, folder)


def test_b2sum_lengths(folder: Path) -> None:
    contents = (folder / "f").read_bytes()
    d, short, byte = (hashlib.blake2b(contents, digest_size=size).hexdigest() for size in (64, 32, 1))
    lines = [
        *(f"{short}  f", f"{byte}  f", f"BLAKE2b-256 (f) = {short}", f"BLAKE2b-256(f)= {short}", f"BLAKE2b(f)= {d}"),
        *(f"BLAKE2b-512 (f) = {d}", f"BLAKE2b-8 (f) = {byte}", f"BLAKE2b-256 (f) = {d}", f"BLAKE2b (f) = {short}"),
        *(f"BLAKE2b-0 (f) = {d}", f"BLAKE2b-7 (f) = {d}", f"BLAKE2b-520 (f) = {d}00", f"BLAKE2b-256  (f) = {short}"),
        *(
            f"BLAKE2b-1k (f) = {d}",
            f"{byte}0  f",
            f"{d}00  f",
            f"BLAKE2b- (f) = {d}",
            f"BLAKE2b-{'9' * 6000} (f) = {d}",
        ),
    ]
    if coreutils_version() == (9, 1):  # what only follows from how its C reads a number and a blank
        lines += [
            *(f"BLAKE2b-0x100 (f) = {short}", f"BLAKE2b-0400 (f) = {short}", f"BLAKE2b-+256 (f) = {short}"),
            *(
                f"BLAKE2b- 256 (f) = {short}",
                f"BLAKE2b-08 (f) = {byte}",
                f"BLAKE2bx (f) = {d}",
                f"BLAKE2bxx (f) = {d}",
                f"BLAKE2b  (f) = {d}",
            ),
            *(f"BLAKE2b\t(f) = {d}", f"BLAKE2b\t (f) = {d}", f"BLAKE2b \t(f) = {d}", f"{d} ", f"{byte} "),
            *(f"BLAKE2b-\v512 (f) = {d}", f"BLAKE2b-512\t(f) = {d}", f"BLAKE2b-{'0' * 6000}1000(f) = {d}"),
        ]
    for line in lines:
        same(Algorithm.BLAKE2B, ["--warn"], f"{line}\n".encode(), folder)


DIGESTS = {a: [hashlib.new(a, f"contents of {name!r}".encode()).hexdigest() for name in NAMES] for a in TOOLS}
names = st.sampled_from([*NAMES, "missing", "directory", "", "-", "f\\nb", "sub/f", "./f", "x\\"])
fragments = st.one_of(
    names,
    st.sampled_from(["  ", " *", " ", "\t", " (", ") = ", "(", ")= ", "=", "\\", "#", "\r", "\u00a0", "\n", "\n", "0"]),
    st.text("0123456789abcdefABCDEF", max_size=3),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3),
)


@st.composite
def nearly_lines(draw: st.DrawFn, algorithm: Algorithm) -> str:
    """A right line, or one with a piece replaced, dropped or put in."""
    name = draw(names)
    digest = draw(st.sampled_from(DIGESTS[algorithm]))
    if name in NAMES and draw(st.integers(0, 3)):
        digest = DIGESTS[algorithm][NAMES.index(name)]
    if draw(st.booleans()):
        name, mark = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r"), "\\"
    else:
        mark = ""
    gnu = [mark, digest, draw(st.sampled_from(["  ", " *", "  ", " "])), name]
    bsd = [
        mark,
        algorithm.tag,
        draw(st.sampled_from([" (", "("])),
        name,
        draw(st.sampled_from([") = ", ")= "])),
        digest,
    ]
    pieces = draw(st.sampled_from([gnu, gnu, bsd]))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at = draw(st.integers(0, len(pieces)))
        pieces[at : at + draw(st.integers(0, 1))] = [draw(fragments)]
    return "".join(pieces)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_generated_lines(data: st.DataObject, folder: Path) -> None:
    algorithm = data.draw(st.sampled_from(list(TOOLS)))
    lines = data.draw(st.lists(st.one_of(nearly_lines(algorithm), st.lists(fragments).map("".join)), max_size=6))
    ending = data.draw(st.sampled_from(["\n", "\n", "\r\n"]))
    options = data.draw(st.lists(st.sampled_from(CHECK_OPTIONS), max_size=3))
    content = (ending.join(lines) + data.draw(st.sampled_from(["", ending]))).encode()
    same(algorithm, options, content, folder, stdin=data.draw(st.booleans()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=60).filter(lambda content: b"\0" not in content))
def test_generated_bytes(content: bytes, folder: Path) -> None:
    d = digest_of(Algorithm.MD5, folder, "f").encode()
    same(Algorithm.MD5, ["-w"], d + b"  f\n" + d + content + b"\n" + content, folder)


@pytest.mark.parametrize("line", ["{d}  f\0x", "SHA1 (f\0x) = {d}", "SHA1 (f) = {d}\0x", "\0{d}  f", "{d}\0 f"])
def test_a_nul_is_improper_where_coreutils_cuts_the_name_off(line: str, folder: Path) -> None:
    content = line.format(d=digest_of(Algorithm.SHA1, folder, "f")).encode()
    checked = ours(Algorithm.SHA1, ["-cw"], content)
    assert (checked.exit_code, checked.improper_lines, checked.results) == (1, (1,), (b"",))


def test_without_an_algorithm_each_line_says_which(folder: Path) -> None:
    lines = [f"{digest_of(algorithm, folder, 'f')}  f" for algorithm in Algorithm]
    lines += [f"{algorithm.tag} (g) = {digest_of(algorithm, folder, 'g')}" for algorithm in Algorithm]
    lines += [f"{'0' * 128}  f", f"{'0' * 100}  f"]
    checked = ours(None, ["-cw"], "\n".join(lines).encode())
    assert checked.results == (*[b"f: OK"] * 7, *[b"g: OK"] * 7, b"f: FAILED", b"")
    assert (checked.exit_code, checked.improper_lines) == (1, (len(lines),))


def test_results_keep_the_order_of_the_check_file(folder: Path) -> None:
    names = ["big", "f", "g", "missing", "big", "directory"] * 20
    content = "".join(f"{digest_of(Algorithm.SHA256, folder, name)}  {name}\n" for name in names)
    same(Algorithm.SHA256, [], content.encode(), folder)


def test_a_judge_is_asked_about_every_line_and_can_fail_the_check(folder: Path) -> None:
    d, g = (digest_of(Algorithm.SHA1, folder, name) for name in ("f", "g"))
    out, err = io.BytesIO(), io.StringIO()
    content = io.BytesIO(f"{d}  f\n{g}  g\n".encode())

    def judge(line: CheckLine) -> str | None:
        return "not published" if line.name == "g" else None

    code = run(["-c", "--published"], content, out, err, published=lambda _: judge)
    assert (code, out.getvalue()) == (1, b"f: OK\ng: OK\ng: not published\n")
