"""The release host port on plain directories: one that is public, and one where releases are prepared in private.

Many projects publish that way: archives beside ``SHA1SUMS``, ``SHA256SUMS`` and the like. The folder's own files are
believed as *posted*; what they do not say is computed once per file and remembered while its size and time stand.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chatops.checksums.digests import Algorithm, hash_file
from chatops.checksums.posted import Posted, in_sums, is_sums, version_in
from chatops.ports import (
    Effect,
    Impossible,
    Inspect,
    Intake,
    PrepareDraft,
    Publish,
    Receipt,
    Stage,
    Survey,
    WriteAdvisory,
)

WANTED = (Algorithm.SHA1, Algorithm.SHA256, Algorithm.SHA512)


class DirectoryHost:
    """Performs the release host's effects. Paths never leave the folders."""

    name = "releases"

    def __init__(self, public: Path | None, staging: Path | None, advisories: Path | None = None) -> None:
        self._public = public
        self._staging = staging
        self._advisories = advisories
        self._seen: dict[tuple[str, int, int], dict[Algorithm, str]] = {}

    async def start(self, intake: Intake) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to disconnect from."""

    async def perform(self, effect: Effect) -> Receipt:
        """Raises Impossible: ``no-folder``, ``not-writable``, ``no-archives`` (nothing bears the version),
        ``changed-since-the-private-release``, ``another-file-of-that-name``."""
        try:
            return await self._perform(effect)
        except (FileNotFoundError, NotADirectoryError):
            raise Impossible("no-folder") from None
        except PermissionError:
            raise Impossible("not-writable") from None

    async def _perform(self, effect: Effect) -> Receipt:
        match effect.deed:
            case Stage(version=version):
                return Receipt(data={"archives": await asyncio.to_thread(self._stage, version)})
            case Publish(version=version, archives=digests):
                return Receipt(data={"archives": await asyncio.to_thread(self._publish, version, digests)})
            case WriteAdvisory(files=files):
                return Receipt(data={"files": await asyncio.to_thread(self._write, files)})
            case Survey():
                return Receipt(data={"releases": await asyncio.to_thread(self._survey)})
            case Inspect(archives=names):
                return Receipt(data={"archives": await asyncio.to_thread(self._inspect, names)})
            case PrepareDraft():
                return Receipt(data={"url": None})
            case _:
                raise Impossible("unsupported")

    def _write(self, files: Mapping[str, str]) -> list[str]:
        """Each file whole or not at all; again the same if it is done again."""
        if self._advisories is None:
            raise Impossible("no-folder")
        self._advisories.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            if Path(name).name != name or name.startswith("."):
                raise Impossible("unsupported")
            part = self._advisories / f".{name}.part"
            part.write_text(content, encoding="utf-8")
            part.rename(self._advisories / name)
        return sorted(files)

    def _stage(self, version: str) -> list[dict[str, Any]]:
        if self._staging is None:
            raise Impossible("no-folder")
        found = [path for path, of in _archives(self._staging) if of == version]
        if not found:
            raise Impossible("no-archives")
        return [self._told(path) for path in found]

    def _told(self, path: Path) -> dict[str, Any]:
        digests = {algorithm.value: digest for algorithm, digest in self._hashed(path).items()}
        return {"name": path.name, "path": str(path), "size": path.stat().st_size, "digests": digests}

    def _publish(self, version: str, digests: Mapping[str, str]) -> list[dict[str, Any]]:
        """Copy exactly the archives that members verified, then write the SHA*SUMS files: idempotent, all looked at
        before the first is copied, and never a sum without its file.
        """
        told = [archive for archive in self._stage(version) if archive["name"] in digests]
        if self._public is None:
            raise Impossible("no-folder")
        if {archive["name"]: archive["digests"]["sha256"] for archive in told} != dict(digests):
            raise Impossible("changed-since-the-private-release")
        self._public.mkdir(parents=True, exist_ok=True)
        there = [archive for archive in told if (self._public / archive["name"]).exists()]
        for archive in there:
            if self._hashed(self._public / archive["name"])[Algorithm.SHA256] != archive["digests"]["sha256"]:
                raise Impossible("another-file-of-that-name")
        for archive in told:
            if archive not in there:
                target = self._public / archive["name"]
                part = target.with_name(f".{target.name}.part")
                shutil.copyfile(archive["path"], part)
                if hash_file(part, (Algorithm.SHA256,))[Algorithm.SHA256] != digests[archive["name"]]:
                    part.unlink()
                    raise Impossible("changed-since-the-private-release")
                part.rename(target)
        for sums, algorithm in (("SHA1SUMS", "sha1"), ("SHA256SUMS", "sha256")):
            _add_lines(self._public / sums, [(a["digests"][algorithm], a["name"]) for a in told])
        return self._inspect({archive["name"]: "" for archive in told})

    def _survey(self) -> list[dict[str, Any]]:
        if self._public is None or not self._public.is_dir():
            return []
        posted = _posted(self._public)
        releases: dict[str, list[dict[str, Any]]] = {}
        for path, version in _archives(self._public):
            digests = {a.value: {"computed": digest} for a, digest in self._hashed(path).items()}
            for algorithm, digest in posted.get(path.name, {}).items():
                digests.setdefault(algorithm.value, {})["posted"] = digest
            archive = {"name": path.name, "size": path.stat().st_size, "url": None, "digests": digests}
            releases.setdefault(version, []).append(archive)
        return [{"version": version, "archives": archives} for version, archives in sorted(releases.items())]

    def _inspect(self, names: Mapping[str, str]) -> list[dict[str, Any]]:
        """Hash published archives anew, whatever their time says."""
        told: list[dict[str, Any]] = []
        for name in names:
            try:
                path = self._found(name)
                digests = {a.value: digest for a, digest in hash_file(path, WANTED).items()}
                told.append({"name": name, "size": path.stat().st_size, "digests": digests})
            except OSError:
                told.append({"name": name, "problem": "not-found"})
        return told

    def _found(self, name: str) -> Path:
        """Raises FileNotFoundError, also for what does not lie in the folder itself."""
        if self._public is None or Path(name).name != name or (self._public / name).is_symlink():
            raise FileNotFoundError
        return self._public / name

    def _hashed(self, path: Path) -> dict[Algorithm, str]:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self._seen:
            self._seen[key] = hash_file(path, WANTED)
        return self._seen[key]


def _archives(folder: Path) -> Iterator[tuple[Path, str]]:
    """The archives in a folder, with the versions in their names."""
    for path in sorted(folder.iterdir()):
        version = version_in(path.name)
        if version and path.is_file() and not path.is_symlink():  # a link could lead anywhere
            yield path, version


def _posted(folder: Path) -> Posted:
    """What the SHA*SUMS files say, by file name."""
    said: Posted = {}
    for path in sorted(folder.iterdir()):
        if is_sums(path.name):
            for name, digests in in_sums(path.name, path.read_bytes()).items():
                said.setdefault(name, {}).update(digests)
    return said


def _add_lines(path: Path, lines: list[tuple[str, str]]) -> None:
    have = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    fresh = [f"{digest}  {name}" for digest, name in lines if f"{digest}  {name}" not in have]
    if fresh:
        part = path.with_name(f".{path.name}.part")
        part.write_text("\n".join([*have, *fresh]) + "\n", encoding="utf-8")
        part.rename(path)
