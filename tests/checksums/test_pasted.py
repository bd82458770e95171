"""The chat reader: every notation, what chat clients do to lines, near misses, and hostile texts."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.checksums.digests import Algorithm
from chatops.checksums.lines import Improper
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.pasted import looks_like_check_lines, read_for_verify, read_pasted

N = "dynasched-1.0.0.tar.bz2"
MD5 = "5d41402abc4b2a76b9719d911017c592"
SHA1 = "b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b"
SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
SHA384 = "59e1748777448c69de6b800d7a33bbfb9ff1b463e44354c3553bcdb9c666fa90125a3c79f90397bdf5f6a13de828684f"
SHA512 = (
    "9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7"
    "2323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043"
)
BLAKE2B = (
    "e4cfa39a3d37be31c59609e807970799caa68a19bfaa15135f165085e01d41a6"
    "5ba1e1b146aeb6bd0092b49eac214c103ccfa3a365954bbbe52f74a2b3620c94"
)
SRI = "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
OF = {
    digest: algorithm
    for algorithm, digest in zip(Algorithm, [MD5, SHA1, "", SHA256, SHA384, SHA512, BLAKE2B], strict=True)
}


def pasted(
    digest: str,
    notation: Notation,
    name: str | None = None,
    *tolerated: str,
    version: str | None = None,
    size: int | None = None,
    algorithms: tuple[Algorithm, ...] = (),
) -> Pasted:
    return Pasted(digest, algorithms or (OF[digest],), notation, name, version, size, tolerated)


def read(text: str) -> list[Pasted]:
    return [replace(each, line="") for each in read_pasted(text)]


GNU = pasted(SHA1, Notation.GNU, N)


@pytest.mark.parametrize(
    ("text", "tolerated"),
    [
        (f"{SHA1}  {N}", []),
        (f"{SHA1} *{N}", []),
        (f"{SHA1.upper()}  {N}\r\n", []),
        (f"   {SHA1}  {N}", []),
        (f"{SHA1} {N}", ["one blank instead of two"]),
        (f"{SHA1}\t{N}", ["one blank instead of two"]),
        (f"{SHA1}      {N}", ["extra blanks"]),
        (f"echo '{SHA1}  {N}'|sha1sum -c", ["shell command"]),
        (f'shell$ echo "{SHA1}  {N}" | sha1sum -c -', ["shell command"]),
        (f"$ echo {SHA1}  {N} | /usr/bin/sha1sum --check", ["shell command"]),
        (f"user@host:~$ sha1sum -c <<< '{SHA1}  {N}'", ["shell command"]),
        (f"echo ‘{SHA1}  {N}’|sha1sum -c", ["typographic quotes", "shell command"]),
        (f"`{SHA1}  {N}`", ["code marks"]),
        (f"```{SHA1}  {N}```", ["code marks"]),
        (f"```\n{SHA1}  {N}\n```", []),
        (f"~~~ text\n{SHA1}  {N}\n~~~", []),
        (f"```{SHA1}  {N}\n```", ["code marks"]),
        (f"> {SHA1}  {N}", ["block quote"]),
        (f"> > `{SHA1}  {N}`", ["block quote", "code marks"]),
        (f"&gt; {SHA1}  {N}", ["block quote"]),
        (f"- {SHA1}  {N}", ["bullet"]),
        (f"• {SHA1}  {N}", ["bullet"]),
        (f"'{SHA1}  {N}'", ["quote marks"]),
        (f"“{SHA1}  {N}”", ["typographic quotes", "quote marks"]),
        (f"{SHA1}\u00a0\u00a0{N}", ["non-breaking blanks"]),
        (f"\ufeff{SHA1}\u202f {N}\u200b", ["invisible characters", "non-breaking blanks"]),
        (f'{SHA1}  "{N}"', ["quote marks"]),
        (f"hello\n\n{SHA1}  {N}\n\nIs this right?", []),
    ],
)
def test_a_check_line_as_chat_has_it(text: str, tolerated: list[str]) -> None:
    assert read(text) == [replace(GNU, tolerated=tuple(tolerated))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"SHA1 ({N}) = {SHA1}", [pasted(SHA1, Notation.BSD, N)]),
        (f"SHA1({N})= {SHA1}", [pasted(SHA1, Notation.BSD, N)]),
        (f"sha1 ({N}) = {SHA1}", [pasted(SHA1, Notation.BSD, N, "sha1 for SHA1")]),
        (f"SHA2-256({N})= {SHA256}", [pasted(SHA256, Notation.BSD, N, "SHA2-256 for SHA256")]),
        (f"BLAKE2B-512({N})= {BLAKE2B}", [pasted(BLAKE2B, Notation.BSD, N, "BLAKE2B-512 for BLAKE2b")]),
        (f"SHA512 ({N}) = {SHA512}\n", [pasted(SHA512, Notation.BSD, N)]),
        (f"\\{SHA1}  a\\nb", [pasted(SHA1, Notation.GNU, "a\nb")]),
        (
            f"{SHA512}  {N}",
            [pasted(SHA512, Notation.GNU, N, algorithms=(Algorithm.SHA512, Algorithm.BLAKE2B))],
        ),
        (f"echo '{BLAKE2B}  {N}'|b2sum -c", [pasted(BLAKE2B, Notation.GNU, N, "shell command")]),
        (
            f"Files:\n {MD5} 1234 {N}\nChecksums-Sha1:\n {SHA1} 1234 {N}\nChecksums-Sha256:\n {SHA256} 1234 {N}\n",
            [pasted(digest, Notation.DEBIAN, N, size=1234) for digest in (MD5, SHA1, SHA256)],
        ),
        (f"Files:\n {MD5} 99 net optional {N}", [pasted(MD5, Notation.DEBIAN, N, size=99)]),
        (f" {SHA256} 1234 {N}", [pasted(SHA256, Notation.DEBIAN, N, size=1234)]),
        (f'    version("1.0.1", sha256="{SHA256}")', [pasted(SHA256, Notation.SPACK, version="1.0.1")]),
        (f"version('1.0.1', '{MD5}')", [pasted(MD5, Notation.SPACK, None, "words around the digest", version="1.0.1")]),
        (
            f'    version(\n        "1.0.1",\n        sha256="{SHA256}",\n        url="https://example.org/x",\n    )',
            [pasted(SHA256, Notation.SPACK, version="1.0.1")],
        ),
        (
            f'version("1.0.1", sha256="{SHA256}")\nversion("1.0.0", sha1="{SHA1}")',
            [pasted(SHA256, Notation.SPACK, version="1.0.1"), pasted(SHA1, Notation.SPACK, version="1.0.0")],
        ),
        (
            f"DIST {N} 1234 BLAKE2B {BLAKE2B} SHA512 {SHA512}",
            [pasted(digest, Notation.GENTOO, N, size=1234) for digest in (BLAKE2B, SHA512)],
        ),
        (f"DIST {N} 1234 RMD160 {SHA1} SHA1 {SHA1}", [pasted(SHA1, Notation.GENTOO, N, size=1234)]),
        (
            f"TIMESTAMP = 1700000000\nSHA256 ({N}) = {SHA256}\nSIZE ({N}) = 1234",
            [pasted(SHA256, Notation.FREEBSD, N, size=1234)],
        ),
        (f"SHA256 ({N}) = {SHA256}\nSIZE (other) = 1234", [pasted(SHA256, Notation.BSD, N)]),
        (f"sha256:{SHA256}", [pasted(SHA256, Notation.GITHUB)]),
        (f"{N}  sha256:{SHA256}", [pasted(SHA256, Notation.GITHUB, N)]),
        (f"{N}: sha256:{SHA256}", [pasted(SHA256, Notation.GITHUB, N)]),
        (f"`sha256:{SHA256}` {N}", [pasted(SHA256, Notation.GITHUB, N, "code marks")]),
        (f"sha256:{SHA256} 1.2 MB yesterday", [pasted(SHA256, Notation.GITHUB, None, "words around the digest")]),
        (f'"digest": "sha256:{SHA256}",', [pasted(SHA256, Notation.GITHUB, None, "words around the digest")]),
        (f"SHA-256: {SHA256}", [pasted(SHA256, Notation.LABELLED)]),
        (f'  sha256 "{SHA256}"', [pasted(SHA256, Notation.LABELLED)]),
        (f"sha256={SHA256}", [pasted(SHA256, Notation.LABELLED)]),
        (f"sha256-{SHA256}", [pasted(SHA256, Notation.LABELLED)]),
        (f"sha256sums=('{SHA256}')", [pasted(SHA256, Notation.ARRAY)]),
        (
            f"sha256sums=('{SHA256}'\n            '{SHA256}')\nb2sums_x86_64+=('SKIP' '{BLAKE2B}')",
            [pasted(digest, Notation.ARRAY) for digest in (SHA256, SHA256, BLAKE2B)],
        ),
        (f'sha512sums="\n{SHA256}  {N}\n"', [pasted(SHA256, Notation.GNU, N)]),
        (SRI, [pasted(SHA256, Notation.SRI)]),
        (f'"integrity": "{SRI}",', [pasted(SHA256, Notation.SRI)]),
        (SHA1, [pasted(SHA1, Notation.BARE)]),
        (f"`{SHA1}`.", [pasted(SHA1, Notation.BARE, None, "code marks")]),
        (f"is {SHA1} the one for {N}?", [pasted(SHA1, Notation.BARE, None, "words around the digest")]),
        (f"{SHA1} is what I get", [pasted(SHA1, Notation.BARE, None, "words around the digest")]),
        (
            f"{N}: 5D 41 40 2A BC 4B 2A 76  B9 71 9D 91 10 17 C5 92",
            [pasted(MD5, Notation.GPG, N)],
        ),
        (
            f"{N}: B4E1 CB79 DFD9 4C1B 9DB8  EABA 02F7 25C0 7EF9 DF2B",
            [pasted(SHA1, Notation.GPG, N)],
        ),
        (
            f"{N}: 2CF24DBA 5FB0A30E 26E83B2A C5B9E29E 1B161E5C 1FA7425E\n  73043362 938B9824\nthanks",
            [pasted(SHA256, Notation.GPG, N)],
        ),
        (
            "a-long-name.tar.bz2: \n"
            "9B71D224 BD62F378 5D96D46A D3EA3D73 319BFBC2 890CAADA E2DFF725 19673CA7 2323C3D9\n"
            " 9BA5C11D 7C7ACC6E 14B8C5DA 0C466347 5C2E5C3A DEF46F73 BCDEC043",
            [pasted(SHA512, Notation.GPG, "a-long-name.tar.bz2")],
        ),
        (
            f"{N}:   SHA1 = B4E1 CB79 DFD9 4C1B 9DB8  EABA 02F7 25C0 7EF9\n                                  DF2B\n"
            f"{N}: RMD160 = 108F 07B8 3824 1261 2C04  8D07 D13F 8141 1844\n                                  5ACD\n"
            f"{N}: SHA256 = 2CF24DBA 5FB0A30E 26E83B2A C5B9E29E 1B161E5C\n"
            "                                  1FA7425E 73043362 938B9824",
            [pasted(SHA1, Notation.GPG, N), pasted(SHA256, Notation.GPG, N)],
        ),
        (
            f"> {N}: 2CF24DBA 5FB0A30E 26E83B2A C5B9E29E\u00a01B161E5C 1FA7425E\n> 73043362 938B9824",
            [pasted(SHA256, Notation.GPG, N)],
        ),
    ],
)
def test_notations(text: str, expected: list[Pasted]) -> None:
    assert read(text) == expected
    assert looks_like_check_lines(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The build fails with exit code 1.",
        "see https://github.com/x/y/commit/b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b",
        "Numbers: 10 20 30 and 40",
        "AB CD EF",
        "version(",
        f"{SHA1}0  {N}",
        f"{SHA1[1:]}  {N}",
        f"x{SHA1}",
        f"SHA256 ({N}) = {SHA1}",
        f"{SHA1}  a\0b",
        "550e8400-e29b-41d4-a716-446655440000",
        "-----BEGIN PGP SIGNATURE-----",
    ],
)
def test_what_is_no_checksum_is_passed_over(text: str) -> None:
    assert read_pasted(text) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{SHA1[1:]}  {N}", "39 hexadecimal digits: SHA1 has 40"),
        (f"{SHA1}0  {N}", "41 hexadecimal digits: SHA1 has 40"),
        (f"SHA256 ({N}) = {SHA1}", "40 hexadecimal digits: SHA256 has 64"),
        (f"sha256:{SHA1}", "40 hexadecimal digits: SHA256 has 64"),
        (f"SHA1 {N} = {SHA1[:20]}", "write it as SHA1 (name) = 40 hexadecimal digits"),
        (f"g{SHA1[1:]}  {N}", "g in the digest: hexadecimal digits are 0 to 9 and a to f"),
        (f"{SHA1}  a\0b", "a NUL in the line"),
        (f"echo '{SHA256}  {N}'|sha1sum -c", "64 hexadecimal digits first: SHA1 has 40"),
        (f"Checksums-Sha256:\n {SHA1} 12 {N}", "40 hexadecimal digits: SHA256 has 64"),
        (f"DIST {N} 12 SHA512 {SHA1}", "40 hexadecimal digits: SHA512 has 128"),
        ("sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0Jec==", "not the base64 of a SHA256 digest: 32 bytes"),
        (f"{N}: 2CF24DBA 5FB0A30E 26E83B2A C5B9E29E", "32 hexadecimal digits in groups, not 56 or 64 or 96 or 128"),
        (N, "no digest: a check line is the digest, two blanks and the file's name"),
        ("", "no digest: a check line is the digest, two blanks and the file's name"),
        ("a" * 5000, "longer than 4096 characters"),
    ],
)
def test_an_explicit_verify_says_why_a_line_is_improper(text: str, reason: str) -> None:
    (improper,) = read_for_verify(text)
    assert isinstance(improper, Improper)
    assert improper.reason == reason
    assert read_pasted(text) == ()


def test_right_and_wrong_lines_stay_in_order_and_prose_is_left_out() -> None:
    right, wrong = f"{SHA1}  {N}", f"{SHA1[2:]}  {N}"
    found = read_for_verify(f"Are these right?\n{right}\n{wrong}\n{right}\nThanks")
    assert [(type(each), each.line) for each in found] == [(Pasted, right), (Improper, wrong), (Pasted, right)]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        *((N, False), ("a..b", False), ("...", False), ("-x", False), ("a\\nb", True)),
        *(("./" + N, True), ("/etc/passwd", True), ("..", True), ("../x", True), ("-", True), ("a\\b", True)),
    ],
)
def test_paths_are_called_out(name: str, path: bool) -> None:
    (found,) = read_pasted(f"{SHA1}  {name}")
    assert (found.name, found.has_path) == (name, path)


HOSTILE = [
    *("a" * 31 + " ", "a" * 33, "A" * 129, "0" * 40 + "  ", "AB ", "ABCD  ", "ABCDEF01\n", "ABCDEF01 " * 9 + "\n"),
    *("sha256-" + "A" * 26, "sha256-" + "A" * 86, "sha256:", "version(", 'version("', "SHA1 (", "SHA1 (a) = ", ") = "),
    *(
        "SIZE (a) = 1\n",
        f"SHA1 (a) = {SHA1}\n",
        "a:",
        "a: ",
        "> ",
        ">",
        "`",
        "```\n",
        "'",
        "\u00a0",
        " ",
        "\t",
        "|",
        "<<<",
    ),
    *("echo '", "$ ", "- ", "\\", "\\n", "=", "DIST ", f"DIST a 1 SHA1 {SHA1} ", "sha256sums=(", "(", "Files:\n", "\n"),
    *("sha-2-", "sha", "sums", "[", "\ufeff", "x" * 79 + "$", f"{SHA1} ", f"{SHA1}\n", f"sha1={SHA1} ", "\r"),
]


@pytest.mark.parametrize("piece", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_take_linear_time(piece: str) -> None:
    text = (piece * (200_000 // len(piece)))[:200_000] + "x"
    start = time.process_time()
    looks_like_check_lines(text)
    looked = time.process_time() - start
    # As much as a message holds, and the longest lines that are read at all.
    start = time.process_time()
    read_for_verify(text[:40_000])
    read_for_verify("\n".join([(piece * 4096)[:4096]] * 5))
    assert looked < 0.25
    assert time.process_time() - start < 1


PIECES = [
    *HOSTILE,
    SHA1,
    SHA256,
    N,
    "  ",
    " (",
    ") = ",
    "\n",
    "SHA256",
    SRI,
    "echo '",
    "'|sha1sum -c",
    "“",
    "Checksums-Sha1:",
]


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12).map("".join))
def test_any_text_is_read_and_the_pre_filter_never_hides_a_digest(text: str) -> None:
    found = read_for_verify(text)
    assert found
    for each in read_pasted(text):
        assert all(len(each.digest) == a.hex_digits for a in each.algorithms if a is not Algorithm.BLAKE2B)
        assert each.digest == each.digest.lower()
        assert "\0" not in each.line
    if read_pasted(text):
        assert looks_like_check_lines(text)
