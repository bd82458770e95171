"""What nio 0.26 lets through, refused here (traps 1 and 2 of the field notes).

Anybody can send the bot's device any to-device message, and a member can put anything into an encrypted event. A
malformed one must not stop the loop, and a decrypted one is only ever a message or a reaction, by the person whose
device made the session, in the room for which it was made.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import vodozemac  # type: ignore[import-not-found, import-untyped, unused-ignore]
from nio.crypto import InboundGroupSession, Olm
from unpaddedbase64 import decode_base64

from adapters.matrix.http import Json
from adapters.matrix.store import CryptoStore

log = logging.getLogger(__name__)

MEGOLM = "m.megolm.v1.aes-sha2"
_READABLE = frozenset({"m.room.message", "m.reaction"})
_DEEPEST = 40


class NoKey(Exception):
    """The event can't be decrypted, or its sender not be proven, with what is known now."""


class Distrusted(Exception):
    """The event decrypts to something that must not be believed. ``code`` says why, without its content."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Machine(Olm):  # type: ignore[misc]
    """nio's Olm machine behind guards. Room state is not its business: it is never asked about rooms."""

    def __init__(self, user_id: str, device_id: str, store: CryptoStore) -> None:
        self.arrived: set[tuple[str, str]] = set()
        """(room, session id) of room keys that came since somebody last looked."""
        super().__init__(user_id, device_id, store)

    def receive(self, events: list[Any]) -> None:
        """Take to-device messages; what is malformed is dropped, one by one."""
        took = False
        for event in events:
            try:
                took |= self._receive(event)
            except BaseException as problem:
                # vodozemac is Rust: a panic arrives as a BaseException, and a stranger's message may cause one.
                if isinstance(problem, (KeyboardInterrupt, SystemExit)):
                    raise
                log.warning("dropped a to-device message: %s", type(problem).__name__)
        if took:
            # nio saves the account before a session consumes its one-time key; save it without the key.
            self.save_account()

    def _receive(self, event: Any) -> bool:
        content = event["content"]
        if event["type"] != "m.room.encrypted" or content["algorithm"] != self._olm_algorithm:
            return False
        own = content["ciphertext"].get(self.account.identity_keys["curve25519"])
        if own is None:
            return False
        sender, sender_key = str(event["sender"]), str(content["sender_key"])
        message: Any
        if own["type"] == 0:
            message = vodozemac.PreKeyMessage.from_base64(own["body"])
        else:
            message = vodozemac.AnyOlmMessage.normal(decode_base64(own["body"]))
        try:
            self.decrypt(sender, sender_key, message)
        except vodozemac.SessionCreationException:
            # A one-time key that we don't have (a restored backup): ask for a fresh session, at most hourly.
            self._mark_device_for_unwedging(sender, sender_key)
            raise
        return True

    def create_group_session(
        self, sender_key: str, sender_fp_key: str, room_id: str, session_id: str, session_key: str
    ) -> None:
        """Keep a room key, unless the one that is held reaches further back. Called by nio."""
        session = InboundGroupSession(session_key, sender_fp_key, sender_key, room_id)
        if session.id != session_id:
            raise Distrusted("session-id")
        held = self.inbound_group_store.get(room_id, sender_key, session_id)
        if held is not None and (
            held.ed25519 != session.ed25519 or held.first_known_index <= session.first_known_index
        ):
            return
        self.inbound_group_store.add(session)
        self.save_inbound_group_session(session)
        self.arrived.add((room_id, session_id))

    def check_if_wedged(self, event: Any) -> None:
        """Nothing: nio would queue key requests whose answers it refuses."""

    def open(self, room: str, event: Json) -> Json:
        """What an ``m.room.encrypted`` event says, as ``{"type", "content"}``, and nio's record of the ``device`` that
        said it.

        Raises:
            NoKey: try again when keys or device lists have come.
            Distrusted: never.
        """
        content = event["content"]
        sender, name = event["sender"], content.get("session_id")
        if "state_key" in event:
            raise Distrusted("encrypted-state")
        if content.get("algorithm") != MEGOLM or not isinstance(name, str):
            raise Distrusted("algorithm")
        session, device = self._session(room, name, sender)
        try:
            plaintext, number = session.decrypt(content["ciphertext"])
        except (vodozemac.MegolmDecryptionException, vodozemac.DecodeException, TypeError, KeyError):
            raise NoKey from None
        first = self.store.first_seen_in(f"{session.sender_key} {name}", number, event["event_id"])
        if first != event["event_id"]:
            raise Distrusted("replay")
        return {**_checked(room, plaintext, content), "device": device}

    def _session(self, room: str, name: str, sender: str) -> tuple[Any, Any]:
        """The sender's own session of that id, and the device that made it: one whose keys their server published."""
        held = [sessions[name] for sessions in self.inbound_group_store[room].values() if name in sessions]
        if not held:
            raise NoKey
        devices = self.device_store[sender].values()
        for session in held:
            for device in devices:
                if device.curve25519 == session.sender_key and device.ed25519 == session.ed25519:
                    return session, device
        if sender not in self.tracked_users:
            self.users_for_key_query.add(sender)
            raise NoKey
        raise Distrusted("not-the-senders-session")


def _checked(room: str, plaintext: str, outer: Json) -> Json:
    payload = json.loads(plaintext)
    if not isinstance(payload, dict) or not isinstance(payload.get("content"), dict):
        raise Distrusted("payload")
    if payload.get("room_id") != room:
        raise Distrusted("other-room")
    if "state_key" in payload or payload.get("type") not in _READABLE:
        raise Distrusted("type")
    inner = dict(payload["content"])
    if "m.relates_to" not in inner and "m.relates_to" in outer:
        inner["m.relates_to"] = outer["m.relates_to"]
    return {"type": payload["type"], "content": tidy(inner)}


def tidy(value: Any, depth: int = 0) -> Any:
    """JSON without what databases refuse: lone surrogates and NUL. An encrypted payload has not been checked by any
    server, and a row that can't be written would stop the loop at that event for ever.
    """
    if depth > _DEEPEST:
        raise Distrusted("depth")
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {tidy(str(key)): tidy(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [tidy(item, depth + 1) for item in value]
    return value
