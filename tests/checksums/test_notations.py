"""Every notation is read back by the chat reader as what was written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatops.checksums.archives import KnownArchive
from chatops.checksums.digests import Algorithm
from chatops.checksums.notations import NOTATIONS, notation_of
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.pasted import looks_like_check_lines, read_pasted
from tests.checksums.known import archive

EXPECTED = {
    "gnu": Notation.GNU,
    "bsd": Notation.BSD,
    "debian": Notation.DEBIAN,
    "fedora": Notation.BSD,
    "suse": Notation.ARRAY,
    "spack": Notation.SPACK,
    "gentoo": Notation.GENTOO,
    "freebsd": Notation.FREEBSD,
    "github": Notation.GITHUB,
    "sri": Notation.SRI,
}
NAMED = {"gnu", "bsd", "debian", "fedora", "gentoo", "freebsd", "github"}
SIZED = {"debian", "gentoo", "freebsd"}

versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){1,2}(rc[0-9])?", fullmatch=True)
stems = st.from_regex(r"[a-z][A-Za-z0-9+_.-]{0,12}[a-z0-9]", fullmatch=True)
archives = st.builds(
    lambda stem, version, size, digests: KnownArchive(f"{stem}-{version}.tar.bz2", version, digests, size=size),
    stems,
    versions,
    st.integers(0, 10**12),
    st.fixed_dictionaries(
        {each: st.text("0123456789abcdef", min_size=each.hex_digits, max_size=each.hex_digits) for each in Algorithm}
    ),
)


def test_every_notation_is_tested() -> None:
    assert EXPECTED.keys() == NOTATIONS.keys()


@pytest.mark.parametrize("notation", NOTATIONS)
@settings(max_examples=25, deadline=None)
@given(written=st.lists(archives, min_size=1, max_size=3, unique_by=(lambda a: a.version, lambda a: a.name)))
def test_what_is_written_is_read_back(notation: str, written: list[KnownArchive]) -> None:
    text = NOTATIONS[notation](written)
    found = read_pasted(text)
    assert looks_like_check_lines(text)
    of_archive = [(each, found[place * len(found) // len(written) :]) for place, each in enumerate(written)]
    per_archive = len(found) // len(written)
    assert per_archive == (2 if notation == "gentoo" else 1)
    for expected, rest in of_archive:
        for pasted in rest[:per_archive]:
            assert same(pasted, expected, notation), pasted


def same(pasted: Pasted, archive: KnownArchive, notation: str) -> bool:
    return (
        pasted.digest in [archive.digests.get(algorithm) for algorithm in pasted.algorithms]
        and pasted.notation is EXPECTED[notation]
        and pasted.name == (archive.name if notation in NAMED else None)
        and pasted.version == (archive.version if notation == "spack" else None)
        and pasted.size == (archive.size if notation in SIZED else None)
        and not pasted.tolerated
    )


@pytest.mark.parametrize("notation", NOTATIONS)
def test_an_archive_that_a_notation_cannot_state_is_left_out(notation: str) -> None:
    only_md5 = archive("1.0.0", algorithms=[Algorithm.MD5])
    assert NOTATIONS[notation]([only_md5]) == (
        f"{only_md5.digests[Algorithm.MD5]}  {only_md5.name}\n" * (notation == "gnu")
    )
    assert NOTATIONS[notation]([]) == ""


def test_spack_gets_one_archive_of_a_version() -> None:
    first, second = archive("1.0.1"), archive("1.0.1", name="dynasched-1.0.1.tar.gz", contents="other")
    assert NOTATIONS["spack"]([first, second]) == f'    version("1.0.1", sha256="{first.digests[Algorithm.SHA256]}")\n'


@pytest.mark.parametrize(
    ("organisation", "notation"),
    [("Debian", "debian"), ("openSUSE", "suse"), ("Red Hat", "fedora"), ("A site", None), ("", None)],
)
def test_a_downstream_is_known_by_its_name(organisation: str, notation: str | None) -> None:
    assert notation_of(organisation) == notation
