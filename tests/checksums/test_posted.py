"""What release pages say of their archives, in the forms that projects use."""

from __future__ import annotations

import pytest

from chatops.checksums.digests import Algorithm
from chatops.checksums.posted import in_sums, in_text, is_signature, is_sums, version_in

NAME = "dynasched-1.0.0.tar.bz2"
SHA1, SHA256, SHA512 = "b4e1cb79" * 5, "ab" * 32, "cd" * 64


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("SHA256SUMS", f"{SHA256}  {NAME}\n", {NAME: {Algorithm.SHA256: SHA256}}),
        ("SHA1SUM.txt", f"{SHA1} *{NAME}\r\n", {NAME: {Algorithm.SHA1: SHA1}}),
        ("sha512sums", f"{SHA512}  ./{NAME}\n", {NAME: {Algorithm.SHA512: SHA512}}),
        ("SHA256SUMS", f"SHA256 ({NAME}) = {SHA256.upper()}\n", {NAME: {Algorithm.SHA256: SHA256}}),
        (f"{NAME}.sha256", f"{SHA256}\n", {NAME: {Algorithm.SHA256: SHA256}}),
        (f"{NAME}.sha256", f"{SHA256}  {NAME}\n", {NAME: {Algorithm.SHA256: SHA256}}),
        ("SHA256SUMS", f"{SHA1}  {NAME}\n\xff", {}),
        ("README", f"{SHA256}  {NAME}\n", {}),
    ],
)
def test_sums_beside_the_archives(name: str, content: str, said: object) -> None:
    assert in_sums(name, content.encode("latin-1")) == said
    assert is_sums(name) is (name != "README")


def test_check_lines_in_the_text_of_a_release() -> None:
    text = f"## News\n\nFixed a bug. See commit {SHA1}.\n\n```\n{SHA1}  {NAME}\n{SHA256}  {NAME}\n```\n"
    assert in_text(text) == {NAME: {Algorithm.SHA1: SHA1, Algorithm.SHA256: SHA256}}
    assert in_text(f"{SHA256}  ../{NAME}") == {}
    assert in_text("") == {}


def test_what_a_file_is_by_its_name() -> None:
    assert version_in(NAME) == "1.0.0"
    assert version_in("SHA256SUMS") is None
    assert is_signature(f"{NAME}.asc")
    assert not is_signature(NAME)
