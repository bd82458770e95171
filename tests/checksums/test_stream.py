"""A dropped file as it streams: what is wanted, and what is kept of it."""

from __future__ import annotations

import hashlib

import pytest

from chatops.checksums.stream import LARGEST_PATCH, Stream, is_patch, is_wanted


@pytest.mark.parametrize(
    ("name", "patch", "wanted"),
    [
        ("0001-fix.patch", True, True),
        ("series.MBOX", True, True),
        ("a.tar.bz2", False, True),
        ("patch", False, False),
        ("cat.jpeg", False, False),
        (None, False, False),
    ],
)
def test_what_is_fetched(name: object, patch: bool, wanted: bool) -> None:
    assert (is_patch(name), is_wanted(name)) == (patch, wanted)


def test_digests_are_of_all_of_it_and_only_a_small_patch_in_utf_8_is_kept() -> None:
    for name, data, text in (
        ("a.patch", b"Subject: x\n" * 3, "Subject: x\n" * 3),
        ("a.zip", b"Subject: x\n", None),
        ("a.patch", b"\xff\xfe", None),
        ("a.patch", b"x" * (LARGEST_PATCH + 1), None),
    ):
        stream = Stream(name)
        for start in range(0, len(data), 100_000):
            stream.take(data[start : start + 100_000])
        assert (stream.size, stream.text) == (len(data), text)
        assert stream.digests["sha256"] == hashlib.sha256(data).hexdigest()
