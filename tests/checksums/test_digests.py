"""Hashing once for several digests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.checksums.digests import CHUNK, Algorithm, Hasher, algorithms_of_length, hash_file


@settings(deadline=None)
@given(st.lists(st.binary()))
def test_a_stream_has_the_digests_of_the_whole(chunks: list[bytes]) -> None:
    hasher = Hasher(Algorithm)
    for chunk in chunks:
        hasher.update(chunk)
    whole = b"".join(chunks)
    assert hasher.size == len(whole)
    assert hasher.digests() == {algorithm: hashlib.new(algorithm, whole).hexdigest() for algorithm in Algorithm}


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1])
def test_a_file_has_the_digests_of_its_contents(size: int, tmp_path: Path) -> None:
    contents = bytes(size)
    (tmp_path / "f").write_bytes(contents)
    found = hash_file(tmp_path / "f", [Algorithm.SHA1, Algorithm.BLAKE2B], blake2b_bytes=32)
    assert found == {
        Algorithm.SHA1: hashlib.sha1(contents).hexdigest(),
        Algorithm.BLAKE2B: hashlib.blake2b(contents, digest_size=32).hexdigest(),
    }


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        hash_file(tmp_path, [Algorithm.SHA1])
    with pytest.raises(FileNotFoundError):
        hash_file(tmp_path / "missing", [Algorithm.SHA1])


def test_what_is_known_of_algorithms() -> None:
    for algorithm in Algorithm:
        assert len(Hasher([algorithm]).digests()[algorithm]) == algorithm.hex_digits
        assert algorithm in algorithms_of_length(algorithm.hex_digits)
    assert {algorithm for algorithm in Algorithm if algorithm.weak} == {Algorithm.MD5, Algorithm.SHA1}
    assert algorithms_of_length(128) == (Algorithm.SHA512, Algorithm.BLAKE2B)
    assert algorithms_of_length(41) == ()
