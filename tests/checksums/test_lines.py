"""The grammar of check lines by itself; ``test_differential`` compares it with coreutils."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.checksums.digests import Algorithm
from chatops.checksums.lines import CheckLine, CheckLineReader, Form, Improper, bsd_line, escape, gnu_line, unescape

D = "b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b"
N = "dynasched-1.0.0.tar.bz2"


def test_the_line_that_the_policy_shows() -> None:
    read = CheckLineReader().read(f"{D}  {N}\n")
    assert read == CheckLine((Algorithm.SHA1,), D, N, Form.GNU, f"{D}  {N}")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (D, "no file name after the digest"),
        (f"{D} ", "no file name after the digest"),
        (f"{D[1:]}  {N}", "39 hexadecimal digits first: SHA1 has 40"),
        (f"{D}g  {N}", "the digest runs into other text"),
        (f"SHA1 {N} = {D}", "the name is not in brackets: SHA1 (name) = digest"),
        (f"SHA1 ({N}) {D}", "no ) = after the name: SHA1 (name) = digest"),
        (f"SHA1 ({N}) = {D} x", "after the = not 40 hexadecimal digits, and only those"),
        (f"\\{D}  a\\tb", "in an escaped name a backslash stands before n, r or a backslash"),
        (f"{D}  a\0b", "a NUL in the line"),
    ],
)
def test_reasons(line: str, reason: str) -> None:
    assert CheckLineReader(Algorithm.SHA1).read(line) == Improper(line, reason)


def test_the_form_of_the_first_untagged_line_holds() -> None:
    gnu_first, reversed_first = CheckLineReader(), CheckLineReader()
    lines = [f"SHA1 ({N}) = {D}", f"{D}  {N}", f"{D} {N}"]
    forms = [type(gnu_first.read(line)) for line in lines]
    assert forms == [CheckLine, CheckLine, Improper]
    names = [read.name for line in reversed(lines) if isinstance(read := reversed_first.read(line), CheckLine)]
    assert names == [N, f" {N}", N]


@pytest.mark.parametrize("line", ["# a comment\n", "#", "", "\n", "\r\n"])
def test_comments_and_empty_lines_are_nothing(line: str) -> None:
    assert CheckLineReader().read(line) is None


names = st.text(st.characters(exclude_characters="\0"), min_size=1)


@settings(deadline=None)
@given(names)
def test_escaping_is_undone_by_unescaping(name: str) -> None:
    assert unescape(escape(name)[1]) == name
    assert "\n" not in escape(name)[1]


@pytest.mark.parametrize("name", ["\\", "a\\", "\\t", "\\\\\\"])
def test_a_stray_backslash_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="backslash"):
        unescape(name)


@settings(deadline=None)
@given(names, st.sampled_from(Algorithm), st.booleans(), st.data())
def test_what_is_written_is_read_back(name: str, algorithm: Algorithm, told: bool, data: st.DataObject) -> None:
    digest = data.draw(st.text("0123456789abcdef", min_size=algorithm.hex_digits, max_size=algorithm.hex_digits))
    for line in (gnu_line(digest, name), gnu_line(digest, name, binary=True), bsd_line(algorithm, digest, name)):
        read = CheckLineReader(algorithm if told else None).read(line + "\n")
        assert isinstance(read, CheckLine)
        assert (read.digest, read.name) == (digest, name)
        assert algorithm in read.algorithms
