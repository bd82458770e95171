"""The release host on plain directories."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from adapters.directory.host import DirectoryHost
from chatops.ports import Deed, Effect, Impossible, Inspect, PrepareDraft, Publish, Stage, Survey

NAME = "dynasched-1.0.1.tar.bz2"
CONTENT = b"the archive"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    (public := tmp_path / "public").mkdir()
    (staging := tmp_path / "staging").mkdir()
    return public, staging


async def perform(folders: tuple[Path, Path], deed: Deed) -> dict[str, Any]:
    return (await DirectoryHost(*folders).perform(Effect(id="1", service="releases", deed=deed))).data


async def test_exactly_what_members_verified_is_published_with_its_sums(folders: tuple[Path, Path]) -> None:
    public, staging = folders
    (staging / NAME).write_bytes(CONTENT)
    [staged] = (await perform(folders, Stage(version="1.0.1")))["archives"]
    assert staged["digests"]["sha256"] == SHA256
    assert (await perform(folders, PrepareDraft(version="1.0.1", archives={NAME: SHA256}, text="")))["url"] is None
    publish = Publish(version="1.0.1", archives={NAME: SHA256})
    for _ in range(2):  # the second as after a crash
        await perform(folders, publish)
    assert (public / "SHA256SUMS").read_text() == f"{SHA256}  {NAME}\n"
    [release] = (await perform(folders, Survey()))["releases"]
    assert release["archives"][0]["digests"]["sha256"] == {"computed": SHA256, "posted": SHA256}
    (staging / NAME).write_bytes(b"another")
    with pytest.raises(Impossible, match="changed-since-the-private-release"):
        await perform(folders, publish)


async def test_what_a_sum_and_the_file_say_is_told_of_each(folders: tuple[Path, Path]) -> None:
    (folders[0] / NAME).write_bytes(CONTENT)
    (folders[0] / "SHA256SUMS").write_text(f"{'9' * 64}  {NAME}\n")
    [release] = (await perform(folders, Survey()))["releases"]
    assert release["archives"][0]["digests"]["sha256"] == {"computed": SHA256, "posted": "9" * 64}


async def test_published_archives_are_hashed_anew_and_nothing_else(folders: tuple[Path, Path]) -> None:
    public, staging = folders
    (public / NAME).write_bytes(CONTENT)
    (staging / "secret.tar").write_bytes(b"secret")
    (public / "link.tar").symlink_to(staging / "secret.tar")
    names = {NAME: "", "gone.tar": "", "link.tar": "", "../staging/secret.tar": ""}
    told = (await perform(folders, Inspect(version="1.0.1", archives=names)))["archives"]
    assert (told[0]["size"], told[0]["digests"]["sha256"]) == (len(CONTENT), SHA256)
    assert [one.get("problem") for one in told] == [None, "not-found", "not-found", "not-found"]
