"""A closed case as one archive, and the look back after a release."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from chatops.cli import main
from chatops.model.exports import JOURNAL, NoExport, pack, verify_export
from chatops.ports import Upload
from tests.house import House, code_in


@pytest.fixture
def closed_house(released_house: House) -> House:
    house = released_house
    card = house.say("maintainer", "security", f"announce {house.case}")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    house.say("maintainer", "security", f"close {house.case}")
    assert house.file(house.case).case.closed_at is not None
    return house


def exported(house: House) -> tuple[str, bytes]:
    """What comes into the security room: its name and bytes."""
    before = len(house.chat.files)
    house.say("maintainer", "security", f"export {house.case}")
    ((room, upload, _),) = house.chat.files[before:]
    assert room == house.room("security")
    assert isinstance(upload, Upload)
    return upload.name, base64.b64decode(upload.data or "")


def files_in(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {Path(one.name).name: (opened.extractfile(one) or io.BytesIO()).read() for one in opened}


def lines_of(house: House) -> list[str]:
    return files_in(exported(house)[1])[JOURNAL].decode().removesuffix("\n").split("\n")


def problems(path: Path) -> list[str]:
    return [fault.problem for fault in verify_export(path)[0]]


def test_an_export_holds_all_that_is_on_record_and_verifies_elsewhere(
    closed_house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = closed_house
    name, archive = exported(house)
    assert name == f"{house.case}-export.tar.gz"
    files = files_in(archive)
    assert set(files) == {JOURNAL, "timeline.txt", "timeline.png", "messages.txt", "releases.json", "SHA256SUMS"}
    assert "general release" in files["timeline.txt"].decode()
    assert "you may publish now" in files["messages.txt"].decode()
    (release,) = json.loads(files["releases.json"])
    assert (release["version"], release["archives"][0]["digests"]["sha256"]) == ("1.0.1", "ab" * 32)
    path = tmp_path / name
    path.write_bytes(archive)
    assert main(["journal", "verify", str(path)]) == 0
    head = house.journal(house.case)[-1]
    assert capsys.readouterr().out == f"{house.case}: {head.seq} entries, head {head.hash}: good\n"
    assert head.hash in house.last("security", kind="export").text
    assert house.journal_is_good()


def test_two_exports_are_the_same(closed_house: House) -> None:
    first = exported(closed_house)
    closed_house.wait(minutes=5)
    assert exported(closed_house) == first


def test_the_shell_writes_the_same_archive_to_a_file_that_was_not_there(
    closed_house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house = closed_house
    raw = house.engine.raw_connection()
    assert isinstance(raw.driver_connection, sqlite3.Connection)
    (tmp_path / "chatops.db").write_bytes(raw.driver_connection.serialize())
    raw.close()
    config, out = tmp_path / "chatops.toml", tmp_path / "out.tar.gz"
    config.write_text(f'[store]\nfolder = "{tmp_path}"\n', encoding="utf-8")
    line = ["--config", str(config), "export"]
    assert main([*line, house.case, str(out)]) == 0
    assert out.read_bytes() == exported(house)[1]
    assert out.stat().st_mode & 0o777 == 0o600
    capsys.readouterr()
    assert main([*line, house.case, str(out)]) == 1
    assert main([*line, "DS-2026-ZZ22", str(tmp_path / "other")]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"chatops: {out} is there already; name another file",
        "chatops: no case DS-2026-ZZ22",
    ]


def test_only_a_closed_case_is_exported_and_only_by_coordinators(members_house: House) -> None:
    house = members_house
    refused = house.say("maintainer", "security", f"export {house.case}")
    assert refused is not None
    assert refused.title == f"{house.case} is not closed; close it first: close {house.case}"
    house.direct("debian", f"export {house.case}")
    assert not house.chat.files


def edit(lines: list[str]) -> list[str]:
    return [*lines[:2], lines[2].replace('"who": "', '"who": "not '), *lines[3:]]


CHANGES: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (edit, "edited: its hash is another"),
    (lambda lines: [*lines[:4], *lines[5:]], "gap: entry 5 is missing"),
    (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "gap: entry 4 is missing"),
    (lambda lines: [*lines[:-2], lines[-1]], "cut: an anchor names an entry that is not there"),
    (lambda lines: lines[1:], "gap: entry 1 is missing"),
    (lambda lines: [*lines[:2], lines[2][:40], *lines[3:]], "this line is no entry"),
    (lambda lines: [*lines[:2], lines[1], *lines[2:]], "gap: entry 3 is missing"),
]


@pytest.mark.parametrize(("change", "problem"), CHANGES)
def test_an_export_that_was_edited_cut_or_reordered_is_found_out(
    closed_house: House, tmp_path: Path, change: Callable[[list[str]], list[str]], problem: str
) -> None:
    """Also where the checksums were made anew, and in the lines alone."""
    files = files_in(exported(closed_house)[1])
    lines = files[JOURNAL].decode().removesuffix("\n").split("\n")
    forged = "".join(f"{line}\n" for line in change(lines)).encode()
    assert forged != files[JOURNAL]
    del files["SHA256SUMS"]
    archive, alone = tmp_path / "export.tar.gz", tmp_path / "lines.jsonl"
    archive.write_bytes(pack("export", {**files, JOURNAL: forged}))
    alone.write_bytes(forged)
    for path in (archive, alone):
        assert problem in problems(path)
        assert main(["journal", "verify", str(path)]) == 1


def test_a_text_that_was_edited_is_found_out(closed_house: House, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    lines = []
    for line in lines_of(closed_house):
        told = json.loads(line)
        for kept in told.get("texts", {}).values():
            kept[1] += " or not"
        lines.append(json.dumps(told))
    path.write_text("\n".join(lines), encoding="utf-8")
    assert set(problems(path)) == {"a text beside it was edited"}


def test_what_lies_beside_the_journal_is_checked_too(closed_house: House, tmp_path: Path) -> None:
    _, archive = exported(closed_house)
    files = files_in(archive)
    plain = gzip.decompress(archive)
    where = plain.index(b"you may publish now")
    path = tmp_path / "export.tar.gz"
    path.write_bytes(gzip.compress(plain[:where] + b"YOU" + plain[where + 3 :]))
    assert [(f.chain, f.problem) for f in verify_export(path)[0]] == [
        ("messages.txt", "edited: SHA256SUMS names another digest")
    ]
    assert "SHA256SUMS" in files


def test_a_chain_that_was_cut_with_its_head_is_found_by_a_head_kept_elsewhere(
    closed_house: House, tmp_path: Path
) -> None:
    lines = lines_of(closed_house)
    last = json.loads(lines[-3])
    head = json.dumps({"anchor": {closed_house.case: [last["seq"], last["hash"]]}})
    path, kept = tmp_path / "lines.jsonl", tmp_path / "heads.log"
    path.write_text("\n".join([*lines[:-2], head]), encoding="utf-8")
    kept.write_text(f"2026-11-03 heads {lines[-1]}\n", encoding="utf-8")
    assert main(["journal", "verify", str(path)]) == 0
    assert main(["journal", "verify", str(path), "--anchors", str(kept)]) == 1


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\x1f\x8bhello", b"{}\n", b'{"anchor": 3}\n', b"\xff\n"])
def test_what_is_no_export_is_refused_in_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "export"
    path.write_bytes(content)
    with pytest.raises(NoExport):
        verify_export(path)
    assert main(["journal", "verify", str(path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


# --- the look back -------------------------------------------------------------------------------------------------


def test_some_days_after_the_release_the_team_is_asked_to_look_back_once(closed_house: House) -> None:
    house = closed_house
    house.wait(days=6, hours=23)
    assert not [one for one in house.seen_in("security") if one.document.kind == "retrospective"]
    house.wait(days=14)
    (asked,) = [one for one in house.seen_in("security") if one.document.kind == "retrospective"]
    assert f"export {house.case}" in asked.text


def test_a_case_that_ends_without_a_release_asks_for_no_look_back(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"embargo {house.case} end Not ours.")
    house.say("maintainer", "security", f"close {house.case} Not ours.")
    house.wait(days=30)
    assert not [one for one in house.seen_in("security") if one.document.kind == "retrospective"]
