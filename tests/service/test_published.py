"""``chatops verify --published``: each line is held against the releases on the bot's record, too."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sqlmodel import Session

from chatops.cli import main
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.service import schema
from chatops.service.engines import write_engine

NAMES = ("1.0.0", "1.0.1", "1.1.0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two archives, and a configuration whose bot has not run yet."""
    monkeypatch.chdir(tmp_path)
    for version in NAMES:
        (tmp_path / f"dynasched-{version}.tar").write_text(version)
    (tmp_path / "chatops.toml").write_text('[store]\nfolder = "state"\n')
    return tmp_path


def recorded(folder: Path, **states: str) -> None:
    (folder / "state").mkdir(exist_ok=True)
    url = f"sqlite:///{folder / 'state' / 'chatops.db'}"
    schema.upgrade(url)
    engine = write_engine(url)
    with Session(engine) as session:
        for version, state in zip(NAMES, states.values(), strict=False):
            name = f"dynasched-{version}.tar"
            session.add(Release(version=version, state=state, upgrade_to="1.0.1" if state == "removed" else None))
            session.add(Archive(id=version, version=version, name=name))
            digest = hashlib.sha256(version.encode()).hexdigest()
            session.add(ArchiveDigest(archive=version, algorithm="sha256", digest=digest, source="posted"))
        session.commit()
    engine.dispose()


def checked(folder: Path, capfdbinary: pytest.CaptureFixture[bytes], lines: str) -> tuple[int, list[str], str]:
    (folder / "SUMS").write_text(lines)
    code = main(["verify", "-c", "--published", "SUMS"])
    out, err = capfdbinary.readouterr()
    return code, out.decode().splitlines(), err.decode()


def line(version: str, name: str = "") -> str:
    return f"{hashlib.sha256(version.encode()).hexdigest()}  {name or f'dynasched-{version}.tar'}\n"


def test_what_was_published_passes_and_all_else_is_named(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    recorded(folder, old="removed", new="published", secret="private")
    assert checked(folder, capfdbinary, line("1.0.1")) == (0, ["dynasched-1.0.1.tar: OK"], "")
    (folder / "dist").mkdir()
    (folder / "dist" / "dynasched-1.0.1.tar").write_text("1.0.1")
    assert checked(folder, capfdbinary, line("1.0.1", "dist/dynasched-1.0.1.tar"))[0] == 0
    code, out, _ = checked(folder, capfdbinary, line("1.0.0") + line("1.1.0"))
    assert code == 1
    assert out == [
        "dynasched-1.0.0.tar: OK",
        "dynasched-1.0.0.tar: published, but removed as vulnerable; upgrade to 1.0.1",
        "dynasched-1.1.0.tar: OK",
        "dynasched-1.1.0.tar: NOT published",  # as for any unknown file: it is private
    ]
    (folder / "dynasched-1.0.1.tar").write_text("forged")
    code, out, _ = checked(folder, capfdbinary, line("forged", "dynasched-1.0.1.tar"))
    assert (code, out[1]) == (1, "dynasched-1.0.1.tar: NOT the published digest")


def test_without_a_record_it_says_so(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    code, out, err = checked(folder, capfdbinary, line("1.0.1"))
    assert (code, out) == (1, [])
    assert err.startswith("chatops verify: the bot has no database here yet")
    assert not (folder / "state").exists()
    recorded(folder)
    assert "no releases are on record yet" in checked(folder, capfdbinary, line("1.0.1"))[2]
    (folder / "chatops.toml").write_text("[nonsense]\n")
    assert "nonsense: no such setting" in checked(folder, capfdbinary, line("1.0.1"))[2]


def test_it_is_for_checks_only(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["verify", "--published", "SUMS"]) == 1
    assert b"--published option is meaningful only when verifying" in capfdbinary.readouterr().err
