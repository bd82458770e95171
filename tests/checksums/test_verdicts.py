"""The table of verdicts, row by row, and that what is kept back cannot be told from what does not exist."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chatops.checksums.archives import ArchiveState
from chatops.checksums.digests import Algorithm
from chatops.checksums.lines import Improper
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.pasted import read_pasted
from chatops.checksums.verdicts import Remark, VerdictKind, judge, judge_archive
from tests.checksums.known import Known, archive, digest

CURRENT = archive("1.0.1")
REMOVED = archive("1.0.0", ArchiveState.REMOVED, upgrade_to="1.0.1")
PRIVATE = archive("1.0.2", ArchiveState.PRIVATE)
PUBLIC = Known([CURRENT, REMOVED])
CLEARED = Known([CURRENT, REMOVED, PRIVATE])
ONLY_SHA256 = Known([archive("1.0.1", algorithms=[Algorithm.SHA256])])
ONLY_SHA512 = Known([archive("1.0.1", algorithms=[Algorithm.SHA512])])

MD5, SHA1, SHA256, SHA512, BLAKE2B = (
    digest(each, "1.0.1")
    for each in (Algorithm.MD5, Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512, Algorithm.BLAKE2B)
)
OLD = digest(Algorithm.SHA256, "1.0.0")
NEW = digest(Algorithm.SHA256, "1.0.2")
N, OLD_N, NEW_N = CURRENT.name, REMOVED.name, PRIVATE.name


def one(text: str) -> Pasted:
    (pasted,) = read_pasted(text)
    return pasted


@pytest.mark.parametrize(
    ("text", "known", "kind", "remarks"),
    [
        (f"{SHA256}  {N}", PUBLIC, VerdictKind.GENUINE, ()),
        (f"{SHA256}  ./{N}", PUBLIC, VerdictKind.GENUINE, ()),
        (f"{SHA256}  -", PUBLIC, VerdictKind.GENUINE, ()),
        (f"{SHA512}  {N}", PUBLIC, VerdictKind.GENUINE, ()),
        (f"{BLAKE2B}  {N}", PUBLIC, VerdictKind.GENUINE, ()),
        (SHA1, PUBLIC, VerdictKind.GENUINE, ()),
        (f'version("1.0.1", sha256="{SHA256}")', PUBLIC, VerdictKind.GENUINE, ()),
        (f" {SHA256} 1000 {N}", PUBLIC, VerdictKind.GENUINE, ()),
        (f" {SHA256} 999 {N}", PUBLIC, VerdictKind.GENUINE, (Remark.SIZE_DIFFERS,)),
        (f" {SHA256} 1000 dynasched_1.0.1.orig.tar.bz2", PUBLIC, VerdictKind.GENUINE, (Remark.RENAMED_BY_DEBIAN,)),
        (f"SHA512 ({N}) = {BLAKE2B}", PUBLIC, VerdictKind.GENUINE, (Remark.OTHER_ALGORITHM,)),
        (f"{OLD}  {OLD_N}", PUBLIC, VerdictKind.GENUINE_REMOVED, ()),
        (OLD, PUBLIC, VerdictKind.GENUINE_REMOVED, ()),
        (f"{OLD}  x/{OLD_N}", PUBLIC, VerdictKind.GENUINE_REMOVED, ()),
        (f'version("1.0.0", sha256="{OLD}")', PUBLIC, VerdictKind.GENUINE_REMOVED, ()),
        (f"{OLD}  {N}", PUBLIC, VerdictKind.OTHER_NAME, ()),
        (f"{SHA256}  something-else.tar", PUBLIC, VerdictKind.OTHER_NAME, ()),
        (f'version("1.0.1", sha256="{OLD}")', PUBLIC, VerdictKind.OTHER_NAME, (Remark.OTHER_VERSION,)),
        (f"{'0' * 64}  {N}", PUBLIC, VerdictKind.MISMATCH, ()),
        (f"{'0' * 40}  {N}", PUBLIC, VerdictKind.MISMATCH, ()),
        (f"{'0' * 64}  {OLD_N}", PUBLIC, VerdictKind.MISMATCH, ()),
        (f"{'0' * 128}  {N}", PUBLIC, VerdictKind.MISMATCH, ()),
        (f"{'0' * 128}  {N}", ONLY_SHA512, VerdictKind.MISMATCH, (Remark.MAY_BE_BLAKE2B,)),
        (f" {'0' * 64} 999 {N}", PUBLIC, VerdictKind.MISMATCH, (Remark.SIZE_DIFFERS,)),
        (f"{'0' * 64}  dynasched_1.0.1.orig.tar.bz2", PUBLIC, VerdictKind.MISMATCH, (Remark.RENAMED_BY_DEBIAN,)),
        (f'version("1.0.1", sha256="{"0" * 64}")', PUBLIC, VerdictKind.MISMATCH, (Remark.BY_VERSION_ONLY,)),
        (f"{SHA1}  {N}", ONLY_SHA256, VerdictKind.UNDECIDED, ()),
        (f"{'0' * 128}  {N}", ONLY_SHA256, VerdictKind.UNDECIDED, ()),
        (f"BLAKE2b-256 ({N}) = {'0' * 64}", PUBLIC, VerdictKind.UNDECIDED, ()),
        (f"{'0' * 64}  x/{N}", PUBLIC, VerdictKind.UNKNOWN, ()),
        (f"{'0' * 64}  other.tar.gz", PUBLIC, VerdictKind.UNKNOWN, ()),
        ("0" * 64, PUBLIC, VerdictKind.UNKNOWN, ()),
        (f'version("9.9", sha256="{"0" * 64}")', PUBLIC, VerdictKind.UNKNOWN, ()),
        (f"{NEW}  {NEW_N}", CLEARED, VerdictKind.GENUINE, ()),
        (f"{'0' * 64}  {NEW_N}", CLEARED, VerdictKind.MISMATCH, ()),
    ],
)
def test_the_table(text: str, known: Known, kind: VerdictKind, remarks: tuple[Remark, ...]) -> None:
    verdict = judge(one(text), known)
    assert (verdict.kind, verdict.remarks) == (kind, remarks)
    assert verdict.ours is (kind is not VerdictKind.UNKNOWN and Remark.BY_VERSION_ONLY not in remarks)
    assert verdict.path_called_out is ("/" in text or text.endswith("-"))
    if verdict.ours:
        assert verdict.archive in known.archives


def test_a_vulnerable_archive_in_disguise_shows() -> None:
    verdict = judge(one(f"{OLD}  {N}"), PUBLIC)
    assert verdict.archive == REMOVED
    assert verdict.archive.upgrade_to == "1.0.1"


def test_an_improper_line() -> None:
    improper = Improper("x", "no digest")
    assert judge(improper, PUBLIC).kind is VerdictKind.IMPROPER
    assert not judge(improper, PUBLIC).ours


@pytest.mark.parametrize("text", [f"{NEW}  {NEW_N}", NEW, f"{'0' * 64}  {NEW_N}", f"{NEW}  x", f"{NEW}  x/{NEW_N}"])
def test_what_is_kept_back_cannot_be_told_from_what_does_not_exist(text: str) -> None:
    unknown = "f" * 64
    other = text.replace(NEW, unknown).replace(NEW_N, "unheard-of")
    kept_back, nonexistent = judge(one(text), PUBLIC), judge(one(other), PUBLIC)
    assert kept_back.kind is VerdictKind.UNKNOWN
    assert replace(kept_back, pasted=nonexistent.pasted) == nonexistent


@pytest.mark.parametrize("weak", [MD5, SHA1])
def test_a_weak_line_gets_the_stronger_one_ready_to_paste(weak: str) -> None:
    verdict = judge(one(f"{weak}  {N}"), PUBLIC)
    assert verdict.weak
    assert verdict.stronger_line == f"{SHA256}  {N}"
    only_weak = Known([archive("1.0.1", algorithms=[Algorithm.MD5, Algorithm.SHA1])])
    assert judge(one(f"{weak}  {N}"), only_weak).stronger_line is None
    assert judge(one(f"{SHA256}  {N}"), PUBLIC).stronger_line is None


def test_what_was_tolerated_is_passed_on() -> None:
    assert judge(one(f"> {SHA256} {N}"), PUBLIC).tolerated == ("block quote", "one blank instead of two")


def test_of_several_archives_with_a_digest_the_one_named_counts_then_the_published() -> None:
    twin = archive("1.0.1", name="twin.tar.bz2")
    gone = archive("1.0.0", ArchiveState.REMOVED, contents="1.0.1")
    known = Known([gone, CURRENT, twin])
    assert judge(one(f"{SHA256}  twin.tar.bz2"), known).archive == twin
    assert judge(one(f"{SHA256}  {OLD_N}"), known).kind is VerdictKind.GENUINE_REMOVED
    assert judge(one(SHA256), known).archive == CURRENT
    assert judge(one(f'version("1.0.0", sha256="{SHA256}")'), known).archive == gone


def test_a_replaced_archive_is_held_against_the_published_one() -> None:
    withdrawn = archive("1.0.1", ArchiveState.REMOVED, contents="first try")
    verdict = judge(one(f"{'0' * 64}  {N}"), Known([withdrawn, CURRENT]))
    assert verdict.archive == CURRENT
    first_try = digest(Algorithm.SHA256, "first try")
    assert judge(one(f"{first_try}  {N}"), Known([withdrawn, CURRENT])).kind is VerdictKind.GENUINE_REMOVED


def test_an_archive_is_judged_by_the_strongest_digest_on_record() -> None:
    digests = CURRENT.digests
    assert judge_archive(N, 1000, digests, PUBLIC).algorithm is Algorithm.SHA512
    assert judge_archive(N, 1000, digests, ONLY_SHA256).algorithm is Algorithm.SHA256
    assert judge_archive(N, 1000, digests, Known([])).kind is VerdictKind.UNKNOWN
    forged = {**digests, Algorithm.SHA256: "0" * 64}
    assert judge_archive(N, 1000, forged, ONLY_SHA256).kind is VerdictKind.MISMATCH
    assert judge_archive(N, 1, {Algorithm.SHA256: SHA256}, PUBLIC).pasted == Pasted(
        SHA256, (Algorithm.SHA256,), Notation.FILE, name=N, size=1
    )
    with pytest.raises(ValueError, match="no digest"):
        judge_archive(N, 1000, {}, PUBLIC)


def test_a_shared_weak_digest_does_not_pass_a_forgery() -> None:
    weakly_known = archive("1.0.1", algorithms=[Algorithm.SHA1, Algorithm.SHA256])
    forged = {Algorithm.SHA1: SHA1, Algorithm.SHA256: "0" * 64}
    assert judge_archive(N, 1000, forged, Known([weakly_known])).kind is VerdictKind.MISMATCH
