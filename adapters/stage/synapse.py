"""Real Synapse homeservers from PyPI as child processes, on loopback, with SQLite in a folder."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from adapters.stage.certificate import certify
from adapters.stage.loopback import DidNotStart as DidNotStart
from adapters.stage.loopback import free_port
from adapters.stage.tied import tied

_UNLIMITED = {"per_second": 100_000, "burst_count": 100_000}
_LIMITS: dict[str, Any] = {
    "rc_message": _UNLIMITED,
    "rc_registration": _UNLIMITED,
    "rc_registration_token_validity": _UNLIMITED,
    "rc_login": {"address": _UNLIMITED, "account": _UNLIMITED, "failed_attempts": _UNLIMITED},
    "rc_admin_redaction": _UNLIMITED,
    "rc_joins": {"local": _UNLIMITED, "remote": _UNLIMITED},
    "rc_joins_per_room": _UNLIMITED,
    "rc_key_requests": _UNLIMITED,
    "rc_3pid_validation": _UNLIMITED,
    "rc_invites": {"per_room": _UNLIMITED, "per_user": _UNLIMITED, "per_issuer": _UNLIMITED},
    "rc_third_party_invite": _UNLIMITED,
    "rc_media_create": _UNLIMITED,
    "rc_presence": {"per_user": _UNLIMITED},
    "rc_delayed_event_mgmt": _UNLIMITED,
    "rc_room_creation": _UNLIMITED,
    "rc_reports": _UNLIMITED,
    "rc_user_directory": _UNLIMITED,
    "rc_profile": _UNLIMITED,
}

# All addresses but 127.0.0.0/8. Synapse looks at no whitelist where a server is named by its address.
_ELSEWHERE = ["0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/4", "112.0.0.0/5", "120.0.0.0/6", "124.0.0.0/7", "126.0.0.0/8"]
_ELSEWHERE += ["128.0.0.0/1", "::/0"]

_FOR_BOTS: dict[str, Any] = {
    "push": {"enabled": False},
    "user_directory": {"enabled": False},
    "stats": {"enabled": False},
}
"""Without what only people's apps show: counts of unread messages, a search for people, a directory of rooms."""


class Synapse:
    """One homeserver in one folder. Started again on the same folder it has its data, port and URL again.

    ``server_name`` is the part after the colon in user ids; it need not resolve, as nothing is federated. One that
    ``federates`` is named after where the others on this machine find it, ``127.0.0.1:PORT``, from its first start on.
    ``for_bots``: nobody will look at it with an app, which takes a fifth of the work from it.
    """

    def __init__(
        self, folder: Path, server_name: str = "localhost", *, federates: bool = False, for_bots: bool = False
    ) -> None:
        self.folder = folder
        self.server_name = server_name
        self.federates = federates
        self.for_bots = for_bots
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("this Synapse is not running")
        return self._process.pid

    async def start(self, timeout: float = 60) -> None:  # noqa: ASYNC109 - a deadline for another process, not for us
        """Start and return when it accepts requests. Raises :class:`DidNotStart`.

        Call it in the event loop's own thread if that is the main one: the server dies with the thread (see
        :mod:`adapters.stage.tied`).
        """
        deadline = time.monotonic() + timeout
        fresh = not (self.folder / "homeserver.yaml").exists()
        while True:
            self._configure()
            try:
                await self._launch(deadline)
            except DidNotStart as problem:
                # Between our probe of a port and Synapse's bind somebody else may have taken it. A server that was
                # up before keeps its URL, because people hold on to it.
                if not (fresh and "Address already in use" in str(problem) and time.monotonic() < deadline):
                    raise
                (self.folder / "homeserver.yaml").unlink()
            else:
                return

    async def stop(self, patience: float = 10) -> None:
        """Stop (SIGTERM; SIGKILL after ``patience`` seconds). Nothing happens if it does not run."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, patience)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    def kill(self) -> None:
        """End it at once, as a power cut would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def register(self, localpart: str, password: str) -> str:
        """Make an account and return its user id. Raises ``RuntimeError`` with Matrix's error code."""
        body = {
            "username": localpart,
            "password": password,
            "auth": {"type": "m.login.dummy"},
            "inhibit_login": True,
        }
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{self.url}/_matrix/client/v3/register", json=body) as response,
        ):
            answer = await response.json()
        if response.status != 200:
            raise RuntimeError(f"registering {localpart!r}: {response.status} {answer.get('errcode')}")
        return str(answer["user_id"])

    # --- the process -----------------------------------------------------------------------------------------------

    async def _launch(self, deadline: float) -> None:
        # Synapse reports readiness as systemd services do: a datagram to $NOTIFY_SOCKET. A socket's path may have 108
        # bytes at most, so it does not live in the folder.
        with (
            tempfile.TemporaryDirectory(prefix="synapse-") as short,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready,
        ):
            ready.bind(f"{short}/notify")
            alive, held_open = os.pipe()  # nobody writes; it reads as ended when the child is gone
            try:
                with (self.folder / "console.log").open("wb") as console:
                    self._process = subprocess.Popen(  # noqa: S603, ASYNC220 - returns at once
                        tied([sys.executable, "-m", "synapse.app.homeserver", "-c", "homeserver.yaml"]),
                        cwd=self.folder,
                        env=os.environ | {"NOTIFY_SOCKET": f"{short}/notify", "PYTHONWARNINGS": "ignore"},
                        stdin=subprocess.DEVNULL,
                        stdout=console,
                        stderr=console,
                        pass_fds=[held_open],
                        start_new_session=True,  # Ctrl-C in a terminal is for us; we stop it in order
                    )
                os.close(held_open)
                came_up = await asyncio.to_thread(_ready_before_end, ready, alive, deadline)
            finally:
                os.close(alive)
        if not came_up:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it lets go of its files a moment before it ends
                await asyncio.to_thread(self._process.wait, 1)
            code = self._process.poll()
            self.kill()
            how = "in time" if code is None else f"(exit status {code})"
            raise DidNotStart(f"Synapse in {self.folder} did not start {how}:\n{self._last_words()}")

    def _last_words(self, lines: int = 25) -> str:
        said = [line for name in ("console.log", "synapse.log") for line in _lines(self.folder / name)]
        return "\n".join(said[-lines:])

    # --- the configuration -----------------------------------------------------------------------------------------

    def _configure(self) -> None:
        """Write the configuration on the first start; on later ones only read back the port."""
        path = self.folder / "homeserver.yaml"
        if path.exists():
            kept = json.loads(path.read_text())
            self._port, self.server_name = kept["listeners"][0]["port"], kept["server_name"]
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        settings = self._settings() | (self._federation(free_port()) if self.federates else {})
        key = self.folder / "signing.key"
        if not key.exists():
            # Synapse can generate one, at the price of starting Python twice.
            from signedjson.key import generate_signing_key, write_signing_keys

            with key.open("w") as file:
                write_signing_keys(file, [generate_signing_key(f"a_{secrets.token_hex(2)}")])
        (self.folder / "log.yaml").write_text(json.dumps(self._logging()))
        path.write_text(json.dumps(settings, indent=1))  # YAML is a superset of JSON

    def _settings(self) -> dict[str, Any]:
        here = self.folder.absolute()
        return {
            "server_name": self.server_name,
            "public_baseurl": f"{self.url}/",
            "pid_file": str(here / "homeserver.pid"),
            "listeners": [
                {
                    "port": self._port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": False,
                    "resources": [{"names": ["client"], "compress": False}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(here / "homeserver.db")}},
            "log_config": str(here / "log.yaml"),
            "signing_key_path": str(here / "signing.key"),
            "media_store_path": str(here / "media"),
            "max_upload_size": "200M",
            "macaroon_secret_key": secrets.token_urlsafe(32),
            "form_secret": secrets.token_urlsafe(32),
            "registration_shared_secret": secrets.token_urlsafe(32),
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "bcrypt_rounds": 4,  # the least that bcrypt takes
            "report_stats": False,
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "presence": {"enabled": False},
            "url_preview_enabled": False,
            "federation_domain_whitelist": [],  # nobody: nothing leaves the machine
            **_LIMITS,
            **(_FOR_BOTS if self.for_bots else {}),
        }

    def _federation(self, port: int) -> dict[str, Any]:
        """What is different in one that talks to others: a door for them, with a certificate that nobody signed."""
        self.server_name = f"127.0.0.1:{port}"
        certify(self.folder / "tls.crt", self.folder / "tls.key")
        settings = self._settings()
        return {
            "server_name": self.server_name,
            "listeners": [
                *settings["listeners"],
                {
                    "port": port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "tls": True,  # servers do not speak to each other without
                    "resources": [{"names": ["federation"], "compress": False}],
                },
            ],
            "tls_certificate_path": str(self.folder.absolute() / "tls.crt"),
            "tls_private_key_path": str(self.folder.absolute() / "tls.key"),
            "federation_verify_certificates": False,
            # Anybody on this machine, as port numbers are not known beforehand; nothing leaves it.
            "federation_domain_whitelist": None,
            "ip_range_blacklist": _ELSEWHERE,
            "rc_federation": {"sleep_limit": 100_000, "reject_limit": 100_000, "concurrent": 100},
            # Who was down for a moment is tried again soon, not in ten minutes.
            "federation": {"destination_min_retry_interval": "1s", "destination_max_retry_interval": "2s"},
        }

    def _logging(self) -> dict[str, Any]:
        return {
            "version": 1,
            "formatters": {"line": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
            "handlers": {
                "file": {
                    "class": "logging.FileHandler",
                    "filename": str(self.folder.absolute() / "synapse.log"),
                    "formatter": "line",
                    "encoding": "utf-8",
                }
            },
            "root": {"level": "WARNING", "handlers": ["file"]},
            "disable_existing_loggers": False,
        }


def _ready_before_end(ready: socket.socket, alive: int, deadline: float) -> bool:
    """True when the child has reported ready; False when it ended or the deadline passed."""
    while (left := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([ready.fileno(), alive], [], [], left)
        if ready.fileno() in readable:
            if b"READY=1" in ready.recv(4096):
                return True
        elif alive in readable:
            return False
    return False


def _lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.exists() else []
