"""The bot's device: logged in once, and the same for ever.

A Matrix transaction id belongs to a device, so a bot that came back as another device would post again what it had
posted; and messages are encrypted to devices. The store folder holds the device id, the token, and the key under
which the crypto store's pickles are encrypted.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import sqlite3
from dataclasses import asdict, dataclass, field
from pathlib import Path

import vodozemac  # type: ignore[import-not-found, import-untyped, unused-ignore]

from adapters.matrix.guards import Machine
from adapters.matrix.http import Http, Json, LoggedOut, Refused, path
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.store import CryptoStore

log = logging.getLogger(__name__)

_DATABASE = "crypto.db"
_ANEW = "new-device"  # an empty file by which an operator says that a lost device is given up


class Unusable(Exception):
    """The account or the store can't be used as configured; the message tells an operator what to mend."""


@dataclass(frozen=True)
class Identity:
    """What ``session.json`` in the store folder holds."""

    user_id: str
    device_id: str
    access_token: str = field(repr=False)


class Session:
    """Logs in and keeps the token that ``http`` uses."""

    def __init__(self, settings: MatrixSettings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._file = settings.store / "session.json"
        self._renewing = asyncio.Lock()
        self._told: str | None = None
        self._given_up = ""
        self.device_id = ""
        self.anew = False
        """Whether the device was logged in since its keys were last known to be on the server."""

    async def begin(self, *, known: bool) -> None:
        """Take up the device of this store, or log in as a new one. ``known``: the account has been at work before.

        Raises:
            Unusable: what is configured doesn't fit the store, or isn't accepted.
            TryLater: the server can't be reached now.
        """
        silence()
        self._settings.store.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = self._load()
        if kept is not None and kept.user_id != self._settings.user_id:
            raise Unusable(f"the Matrix store belongs to {kept.user_id}, not to {self._settings.user_id}")
        if known and self._lost():
            self._given_up, kept = kept.device_id if kept else "", None
            log.warning("the Matrix device %s is given up for a new one", self._given_up)
        if kept is not None:
            self.device_id = kept.device_id
        for token in (kept.access_token if kept else None, self._settings.access_token):
            if token is None:
                continue
            try:
                await self._take(token)
                return
            except LoggedOut:
                continue
        await self._log_in()

    def _lost(self) -> bool:
        """Whether the device's keys are lost, and an operator has given them up.

        A device that came back under its old id with other keys would be taken for an impostor, and read by nobody; one
        with a new id and the old keys likewise.
        """
        store = self._settings.store
        if (store / _DATABASE).exists():
            if not self._file.exists() and self._settings.access_token is None:
                raise Unusable("session.json is missing beside the Matrix crypto store: restore it from a backup")
            return False
        if not (store / _ANEW).exists():
            raise Unusable(
                f"the Matrix crypto store is lost: restore the folder {store} from a backup; if there is none, "
                f"create an empty file {_ANEW} in it, and the bot goes on as a new device"
            )
        return True

    async def renew(self, stale: str | None) -> bool:
        """After the server dropped the ``stale`` token: log in again as the same device, if there is a password."""
        async with self._renewing:
            if self._http.token != stale:
                return True
            try:
                await self._log_in()
            except Unusable as problem:
                if self._told != stale:  # once, not at every try
                    log.error("%s", problem)
                    self._told = stale
                return False
            log.warning("the homeserver had logged the device out; it is logged in again")
            return True

    async def _take(self, token: str) -> None:
        self._http.token = token
        answer = await self._http.call("GET", path("account", "whoami"))
        self._accept(answer, token)

    async def _log_in(self) -> None:
        if self._settings.password is None:
            raise Unusable(
                "the homeserver doesn't accept the Matrix access token: give a new one"
                f"{f' of device {self.device_id}' if self.device_id else ''}, or a password, and start the bot again"
            )
        body: Json = {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": self._settings.user_id},
            "password": self._settings.password,
            "initial_device_display_name": self._settings.device_name,
        }
        if self.device_id:
            body["device_id"] = self.device_id
        before, self._http.token = self._http.token, None
        try:
            answer = await self._http.call("POST", path("login"), body)
        except Refused as problem:
            raise Unusable(f"the homeserver refuses to log in {self._settings.user_id}: {problem.code}") from None
        finally:
            self._http.token = before
        self._http.token = str(answer["access_token"])
        self._accept(answer, self._http.token)
        self.anew = True

    def _accept(self, answer: Json, token: str) -> None:
        user, device = answer.get("user_id"), answer.get("device_id")
        if user != self._settings.user_id or not isinstance(device, str):
            raise Unusable(f"the Matrix access token is not one of {self._settings.user_id}")
        if self.device_id and device != self.device_id:
            raise Unusable(f"the Matrix access token is for device {device}, the store is of device {self.device_id}")
        if device == self._given_up:
            raise Unusable(f"the Matrix access token is for the lost device {device}: give one of a new device")
        self.device_id = device
        identity = Identity(self._settings.user_id, device, token)
        _write(self._file, json.dumps(asdict(identity)))

    def _load(self) -> Identity | None:
        if not self._file.exists():
            return None
        try:
            return Identity(**json.loads(self._file.read_text()))
        except (ValueError, TypeError):
            raise Unusable("session.json in the Matrix store is damaged: restore it from a backup") from None

    def store(self) -> CryptoStore:
        """Open the crypto store under the installation's own key."""
        file = self._settings.store / "pickle.key"
        database = self._settings.store / _DATABASE
        if not file.exists():
            if database.exists():
                raise Unusable("pickle.key is missing beside the Matrix crypto store: restore it from a backup")
            _write(file, secrets.token_urlsafe(32))
        database.touch(mode=0o600)
        (self._settings.store / _ANEW).unlink(missing_ok=True)
        try:
            return CryptoStore(database, file.read_text())
        except sqlite3.OperationalError:
            raise  # a full disk, a folder that can't be written to
        except sqlite3.DatabaseError:
            raise Unusable("crypto.db in the Matrix store is damaged: restore the folder from a backup") from None

    def machine(self, store: CryptoStore) -> Machine:
        """The Olm machine of what the store holds."""
        try:
            return Machine(self._settings.user_id, self.device_id, store)
        except (vodozemac.PickleException, vodozemac.LibolmPickleException):
            raise Unusable(
                "pickle.key does not open the Matrix crypto store: restore the folder from one backup, whole"
            ) from None


def _write(file: Path, text: str) -> None:
    """Replace a file so that it is whole after a power cut, readable by nobody else from its first byte on."""
    beside = file.with_suffix(".new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def silence() -> None:
    """Turn off the libraries' own logs: nio prints whole responses at DEBUG, peewee prints pickles (trap 8)."""
    for name in ("nio", "peewee"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
