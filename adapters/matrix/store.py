"""The crypto store: one SQLite file that nio's Olm machine writes through.

nio's own store binds every peewee model on every call (1.3 s of the 2.3 s for the first message to 300 devices), logs
pickles at DEBUG, and keys Megolm sessions by their id alone, so that a member who has been given somebody's session can
overwrite the stored copy with a poorer one. This one is plain SQL with the same methods; pickles are encrypted with a
key of the installation.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from nio.crypto import (
    DeviceStore,
    GroupSessionStore,
    InboundGroupSession,
    OlmAccount,
    OlmDevice,
    Session,
    SessionStore,
    TrustState,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS account (one INTEGER PRIMARY KEY CHECK (one = 1), shared INTEGER NOT NULL,
    pickle BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS olm (id TEXT PRIMARY KEY, curve25519 TEXT NOT NULL, pickle BLOB NOT NULL,
    created TEXT NOT NULL, used TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS megolm (room TEXT, curve25519 TEXT, id TEXT, ed25519 TEXT NOT NULL, pickle BLOB NOT NULL,
    PRIMARY KEY (room, curve25519, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS device (user TEXT, id TEXT, ed25519 TEXT NOT NULL, curve25519 TEXT NOT NULL,
    name TEXT NOT NULL, deleted INTEGER NOT NULL, trust INTEGER NOT NULL,
    seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M UTC', 'now')), PRIMARY KEY (user, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mark (user TEXT, id TEXT, ed25519 TEXT, trusted INTEGER NOT NULL,
    PRIMARY KEY (user, id, ed25519)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS encrypted_room (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (session TEXT, number INTEGER, event TEXT NOT NULL,
    PRIMARY KEY (session, number)) WITHOUT ROWID;
"""


Marked = tuple[str, str, str]
"""A user id, a device id, and the device's Ed25519 key."""


class CryptoStore:
    """Account, sessions, devices and the message indices that were seen. ``synchronous=FULL``: what was committed
    survives a power cut, as in the core's database.
    """

    def __init__(self, file: Path, pickle_key: str) -> None:
        self._key = pickle_key
        self._depth = 0
        self._marks: Mapping[Marked, bool] = {}
        self._marks_of: int | None = None
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA secure_delete = ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """All or nothing. Nests into the outermost. Nothing inside may suspend: the connection is shared."""
        if self._depth:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._depth = 0

    # --- what nio's Olm asks for ------------------------------------------------------------------------------------

    def load_account(self) -> Any:
        row = self._db.execute("SELECT pickle, shared FROM account").fetchone()
        return None if row is None else OlmAccount.from_pickle(row[0], self._key, bool(row[1]))

    def save_account(self, account: Any) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO account VALUES (1, ?, ?)",
            (int(account.shared), account.pickle(self._key)),
        )

    def load_sessions(self) -> Any:
        store = SessionStore()
        for curve, pickle, created, used in self._db.execute("SELECT curve25519, pickle, created, used FROM olm"):
            times = datetime.fromisoformat(created), datetime.fromisoformat(used)
            store.add(curve, Session.from_pickle(pickle, times[0], self._key, times[1]))
        return store

    def save_session(self, curve25519: str, session: Any) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO olm VALUES (?, ?, ?, ?, ?)",
            (
                session.id,
                curve25519,
                session.pickle(self._key),
                session.creation_time.isoformat(),
                session.use_time.isoformat(),
            ),
        )

    def load_inbound_group_sessions(self) -> Any:
        store = GroupSessionStore()
        for room, curve, ed, pickle in self._db.execute("SELECT room, curve25519, ed25519, pickle FROM megolm"):
            store.add(InboundGroupSession.from_pickle(pickle, ed, curve, room, self._key))
        return store

    def save_inbound_group_session(self, session: Any) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO megolm VALUES (?, ?, ?, ?, ?)",
            (session.room_id, session.sender_key, session.id, session.ed25519, session.pickle(self._key)),
        )

    def load_device_keys(self) -> Any:
        store = DeviceStore()
        for device, _ in self.devices():
            store.add(device)
        return store

    def devices(self) -> Iterator[tuple[Any, str]]:
        """All devices of others that were ever seen, and when that was first (UTC, to be read by people)."""
        for user, device, ed, curve, name, deleted, trust, seen in self._db.execute("SELECT * FROM device"):
            keys = {"ed25519": ed, "curve25519": curve}
            yield OlmDevice(user, device, keys, name, bool(deleted), TrustState(trust)), seen

    def save_devices(self, devices: Iterable[Any]) -> None:
        self._db.executemany(
            "INSERT INTO device (user, id, ed25519, curve25519, name, deleted, trust) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET ed25519 = excluded.ed25519, curve25519 = excluded.curve25519,"
            " name = excluded.name, deleted = excluded.deleted, trust = excluded.trust",
            [
                (d.user_id, d.id, d.ed25519, d.curve25519, d.display_name, int(d.deleted), d.trust_state.value)
                for d in devices
            ],
        )

    def load_outgoing_key_requests(self) -> dict[str, Any]:
        return {}  # we make none: the only answers nio accepts are from our own verified devices, and we have one

    # --- what is ours -------------------------------------------------------------------------------------------------

    def encrypted_rooms(self) -> set[str]:
        """Rooms that were ever encrypted. A server can't make us forget that."""
        return {room for (room,) in self._db.execute("SELECT id FROM encrypted_room")}

    def save_encrypted_room(self, room: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO encrypted_room VALUES (?)", (room,))

    def marks(self) -> Mapping[Marked, bool]:
        """What the operator said of devices: whether they trust them. Read anew when another process has written."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]
        if version != self._marks_of:
            rows = self._db.execute("SELECT user, id, ed25519, trusted FROM mark")
            self._marks = {(user, device, key): bool(trusted) for user, device, key, trusted in rows}
            self._marks_of = version
        return self._marks

    def save_mark(self, device: Any, *, trusted: bool) -> None:
        """Note that the operator trusts a device, or does not."""
        values = device.user_id, device.id, device.ed25519, int(trusted)
        self._db.execute("INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)", values)
        self._marks_of = None

    def first_seen_in(self, session: str, number: int, event: str) -> str:
        """The event that first bore a session's message index; ``event`` itself if this is the first time.

        Kept for ever, because a server can replay a ciphertext after a restart as well.
        """
        self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (session, number, event))
        row = self._db.execute("SELECT event FROM seen WHERE session = ? AND number = ?", (session, number)).fetchone()
        return str(row[0])
