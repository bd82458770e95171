"""What a pasted checksum says about the project's archives. Pure: who may know of what is for ``KnownArchives``.

The digest decides, and the name (or, where a notation has none, the version) is compared with what the digest belongs
to. A name with a path is passed over, and ``Verdict.path_called_out`` says so.

=================  ==========================  =======================  ================================================
digest             name (or version) in line   on record under it       verdict
=================  ==========================  =======================  ================================================
ours               none, or a path             -                        GENUINE, or GENUINE_REMOVED
ours               that of the archive         -                        GENUINE, or GENUINE_REMOVED
ours               Debian's ``x_V.orig.tar.*`` -                        as above, with RENAMED_BY_DEBIAN
ours               another                     anything or nothing      OTHER_NAME; a vulnerable archive in disguise
                                                                        shows in ``archive.state``
ours               another version             anything or nothing      OTHER_NAME, with OTHER_VERSION
ours, as another   any                         -                        as above, with OTHER_ALGORITHM (the line says
algorithm                                                               SHA512, the digest is our BLAKE2b)
not ours           that of an archive          digest of that           MISMATCH
                                               algorithm, another
not ours           that of an archive          no digest of that        UNDECIDED: neither yes nor no can be said
                                               algorithm
not ours           Debian's ``x_V.orig.tar.*`` of an archive              as for its name, with RENAMED_BY_DEBIAN
not ours           that of a version (Spack)   as for a name            as for a name, with BY_VERSION_ONLY: other
                                                                        projects have such versions, so not ``ours``
not ours           unknown, none, or a path    -                        UNKNOWN
improper           -                           -                        IMPROPER
=================  ==========================  =======================  ================================================

- 128 digits without an algorithm are SHA-512 or BLAKE2b. If they differ from both, or from the SHA-512 on record, it
  is a MISMATCH (with MAY_BE_BLAKE2B if no BLAKE2b is on record to settle it).
- A size that differs from that on record never changes the kind, since the digest covers it: SIZE_DIFFERS is added.
- Several archives with the digest: that of the line's name or version counts, else the one listed first that is
  published, else the first. Several of the name: likewise the published one is what the line is held against.
- A removed archive that mismatches stays MISMATCH; that it is removed shows in ``archive.state``.
- An archive that ``KnownArchives`` keeps back gives exactly what an unknown one gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chatops.checksums.archives import ArchiveState, KnownArchive, KnownArchives
from chatops.checksums.digests import STRONGEST_FIRST, Algorithm
from chatops.checksums.lines import Improper, gnu_line
from chatops.checksums.paste import Notation, Pasted

_DEBIAN_ORIG: Final = re.compile(r"([^_]+)_([^_]+)\.orig(\.tar\.[a-z0-9]+)")
# SHA-256 first: strong, and what most recipes and release pages use.
_OFFERED_FIRST: Final = (Algorithm.SHA256, *STRONGEST_FIRST)


class VerdictKind(StrEnum):
    """What a line says of an archive."""

    GENUINE = "genuine"
    GENUINE_REMOVED = "genuine-removed"
    MISMATCH = "mismatch"
    OTHER_NAME = "other-name"
    UNDECIDED = "undecided"
    UNKNOWN = "unknown"
    IMPROPER = "improper"


class Remark(StrEnum):
    """What else is to be said with a verdict."""

    BY_VERSION_ONLY = "by-version-only"
    MAY_BE_BLAKE2B = "may-be-blake2b"
    OTHER_ALGORITHM = "other-algorithm"
    OTHER_VERSION = "other-version"
    RENAMED_BY_DEBIAN = "renamed-by-debian"
    SIZE_DIFFERS = "size-differs"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one pasted digest.

    ``archive`` is the one whose digest it is, or whose name or version the line bears; ``algorithm`` is that which
    was compared. ``stronger_line`` is a check line ready to paste where the line used a weak algorithm and a stronger
    digest of ``archive`` is on record.
    """

    kind: VerdictKind
    pasted: Pasted | Improper
    archive: KnownArchive | None = None
    algorithm: Algorithm | None = None
    remarks: tuple[Remark, ...] = ()
    stronger_line: str | None = None

    @property
    def ours(self) -> bool:
        """Whether it surely concerns one of our archives; a bot that only listens is silent about all else."""
        return self.archive is not None and Remark.BY_VERSION_ONLY not in self.remarks

    @property
    def weak(self) -> bool:
        """Whether the line relies on MD5 or SHA-1."""
        return self.algorithm is not None and self.algorithm.weak

    @property
    def path_called_out(self) -> bool:
        """Whether the name was not judged, being a path, ``..`` or ``-``."""
        return isinstance(self.pasted, Pasted) and self.pasted.has_path

    @property
    def tolerated(self) -> tuple[str, ...]:
        """What was mended to read the line, in short phrases."""
        return self.pasted.tolerated if isinstance(self.pasted, Pasted) else ()


def judge(pasted: Pasted | Improper, known: KnownArchives) -> Verdict:
    """Judge one digest against the archives that the asker may know of; the table above says how."""
    if isinstance(pasted, Improper):
        return Verdict(VerdictKind.IMPROPER, pasted)
    name = None if pasted.has_path else pasted.name
    holders = known.by_digest(pasted.digest)
    if holders:
        return _genuine(pasted, name, holders)
    if name is not None and (of_name := known.by_name(name)):
        return _not_genuine(pasted, of_name, ())
    if name is not None and (upstream := _before_debian(name)) and (of_name := known.by_name(upstream)):
        return _not_genuine(pasted, of_name, (Remark.RENAMED_BY_DEBIAN,))
    if pasted.version is not None and (of_version := known.by_version(pasted.version)):
        return _not_genuine(pasted, of_version, (Remark.BY_VERSION_ONLY,))
    return Verdict(VerdictKind.UNKNOWN, pasted)


def judge_archive(name: str, size: int, digests: Mapping[Algorithm, str], known: KnownArchives) -> Verdict:
    """Judge an archive that was hashed: by the strongest digest that settles it.

    The strongest first, so that a forgery that shares a weak digest with the genuine archive is found out.
    """
    verdict = None
    for algorithm in STRONGEST_FIRST:
        if algorithm in digests:
            pasted = Pasted(digests[algorithm], (algorithm,), Notation.FILE, name=name, size=size)
            verdict = judge(pasted, known)
            if verdict.kind not in (VerdictKind.UNKNOWN, VerdictKind.UNDECIDED):
                break
    if verdict is None:
        raise ValueError("no digest of a known algorithm")
    return verdict


def _genuine(pasted: Pasted, name: str | None, holders: Sequence[KnownArchive]) -> Verdict:
    remarks: list[Remark] = []
    kind = VerdictKind.GENUINE
    archive = next((each for each in holders if name is not None and each.name == name), None)
    if archive is None and name is not None and (upstream := _before_debian(name)):
        archive = next((each for each in holders if each.name == upstream), None)
        if archive:
            remarks.append(Remark.RENAMED_BY_DEBIAN)
    if archive is None:
        of_version = [each for each in holders if each.version == pasted.version]
        archive = _foremost(of_version or holders)
        if name is not None:
            kind = VerdictKind.OTHER_NAME
    if pasted.version not in (None, archive.version):
        kind = VerdictKind.OTHER_NAME
        remarks.append(Remark.OTHER_VERSION)
    if kind is VerdictKind.GENUINE and archive.state is ArchiveState.REMOVED:
        kind = VerdictKind.GENUINE_REMOVED
    algorithm = next(
        (each for each, digest in archive.digests.items() if digest == pasted.digest), pasted.algorithms[0]
    )
    if algorithm not in pasted.algorithms:
        remarks.append(Remark.OTHER_ALGORITHM)
    return _verdict(kind, pasted, archive, algorithm, remarks)


def _not_genuine(pasted: Pasted, candidates: Sequence[KnownArchive], remarks: tuple[Remark, ...]) -> Verdict:
    """The digest is not ours, but the name or version is."""
    for archive in _foremost_first(candidates):
        compared = [each for each in pasted.algorithms if _comparable(pasted, archive, each)]
        if compared and compared[0] is pasted.algorithms[0]:
            if len(compared) < len(pasted.algorithms):
                remarks = (*remarks, Remark.MAY_BE_BLAKE2B)
            return _verdict(VerdictKind.MISMATCH, pasted, archive, compared[0], remarks)
    return _verdict(VerdictKind.UNDECIDED, pasted, _foremost(candidates), pasted.algorithms[0], remarks)


def _comparable(pasted: Pasted, archive: KnownArchive, algorithm: Algorithm) -> bool:
    # A BLAKE2b digest may be shorter than the one on record: then it says nothing.
    return len(archive.digests.get(algorithm, "")) == len(pasted.digest)


def _verdict(
    kind: VerdictKind, pasted: Pasted, archive: KnownArchive, algorithm: Algorithm, remarks: Iterable[Remark]
) -> Verdict:
    if pasted.size is not None and archive.size is not None and pasted.size != archive.size:
        remarks = (*remarks, Remark.SIZE_DIFFERS)
    stronger = stronger_line(archive) if algorithm.weak else None
    return Verdict(kind, pasted, archive, algorithm, tuple(remarks), stronger)


def stronger_line(archive: KnownArchive) -> str | None:
    """A check line for an archive with a digest that is not weak, SHA-256 if possible; ``None`` if there is none."""
    for algorithm in _OFFERED_FIRST:
        if algorithm in archive.digests and not algorithm.weak:
            return gnu_line(archive.digests[algorithm], archive.name)
    return None


def _before_debian(name: str) -> str | None:
    """The upstream name of a tarball that Debian renamed: ``x_1.0.orig.tar.gz`` was ``x-1.0.tar.gz``."""
    renamed = _DEBIAN_ORIG.fullmatch(name)
    return f"{renamed[1]}-{renamed[2]}{renamed[3]}" if renamed else None


def _foremost_first(archives: Sequence[KnownArchive]) -> list[KnownArchive]:
    return sorted(archives, key=lambda archive: archive.state is not ArchiveState.PUBLISHED)


def _foremost(archives: Sequence[KnownArchive]) -> KnownArchive:
    return _foremost_first(archives)[0]
