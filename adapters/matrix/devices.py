"""Other people's devices (their keys, our Olm sessions with them) and the keys that our own device publishes."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection, Iterable
from itertools import islice
from time import monotonic
from typing import Any

from nio.crypto import OlmDevice, TrustState

from adapters.matrix.guards import Machine
from adapters.matrix.http import Http, Json, Refused, path
from adapters.matrix.store import CryptoStore

log = logging.getLogger(__name__)

_USERS_A_QUERY = 200
_PATIENCE = 60.0  # seconds before a server or device that gave no keys is asked again


class Devices:
    """Device lists are asked for again whenever the server says that they changed, and once a process."""

    def __init__(self, machine: Machine, store: CryptoStore, http: Http) -> None:
        self._machine = machine
        self._store = store
        self._http = http
        self._querying = asyncio.Lock()
        self._fresh: set[str] = set()
        self._asked: set[str] = set()
        """Those of the fresh whose lists are still on their way to us."""
        self._not_before: dict[Any, float] = {}

    # --- other people's -----------------------------------------------------------------------------------------------

    def changed(self, users: Iterable[str]) -> None:
        """The server says that these users' devices changed, or that we may have missed it."""
        for user in users:
            self._fresh.discard(user)
            self._machine.tracked_users.discard(user)

    def stale(self, users: Collection[str]) -> list[str]:
        now = monotonic()
        return [user for user in users if user not in self._fresh and self._not_before.get(user, 0) <= now]

    async def refresh(self, users: Collection[str]) -> bool:
        """Make sure that we know these users' devices as of now; False if we did.

        Somebody else's question that is still unanswered is waited for: a message that is encrypted before the answer
        would be one that a newcomer can never read.
        """
        if not self.stale(users) and self._asked.isdisjoint(users):
            return False
        async with self._querying:
            waiting = iter(self.stale(users))
            while some := list(islice(waiting, _USERS_A_QUERY)):
                await self._query(some)
        return True

    async def _query(self, users: list[str]) -> None:
        # Fresh from the moment of asking: a change that is reported meanwhile makes them stale again.
        self._fresh.update(users)
        self._asked.update(users)
        try:
            answer = await self._http.call(
                "POST",
                path("keys", "query"),
                {"device_keys": {user: [] for user in users}, "timeout": 10_000},
            )
        except BaseException:
            self._fresh.difference_update(users)
            raise
        finally:
            self._asked.difference_update(users)
        lists = answer.get("device_keys")
        lists = lists if isinstance(lists, dict) else {}
        with self._store.atomic():
            for user in users:
                devices = lists.get(user)
                if isinstance(devices, dict):
                    self._learn(user, devices)
                else:
                    # Their server is away. Who is known stays known, and they are asked for again soon.
                    log.warning("no device list for %s", user)
                    self._fresh.discard(user)
                    self._not_before[user] = monotonic() + _PATIENCE
                self._machine.users_for_key_query.discard(user)
        # Only these can be judged by a missing device; see Machine._session.
        self._machine.tracked_users.update(self._fresh.intersection(users))

    def _learn(self, user: str, listed: Json) -> None:
        known: dict[str, Any] = self._machine.device_store[user]
        changed: list[Any] = []
        for device_id, keys in listed.items():
            if (user, device_id) == (self._machine.user_id, self._machine.device_id):
                continue
            claimed = self._verified(user, device_id, keys)
            held = known.get(device_id)
            if claimed is None:
                continue
            if held is None:
                known[device_id] = claimed
                changed.append(claimed)
            elif (held.ed25519, held.curve25519) != (claimed.ed25519, claimed.curve25519):
                # The same device id with other keys: somebody (perhaps their server) poses as that device.
                if not held.blacklisted:
                    log.warning("device %s of %s changed its keys: blocked", device_id, user)
                    held.trust_state = TrustState.blacklisted
                    changed.append(held)
            elif held.deleted:
                held.deleted = False
                changed.append(held)
        for device_id, held in known.items():
            if device_id not in listed and not held.deleted:
                held.deleted = True
                changed.append(held)
        self._store.save_devices(changed)

    def _verified(self, user: str, device_id: str, payload: Any) -> Any:
        """The device that a list names, if it signed its own keys; else None."""
        try:
            ed, curve = payload["keys"][f"ed25519:{device_id}"], payload["keys"][f"curve25519:{device_id}"]
            good = (
                (payload["user_id"], payload["device_id"]) == (user, device_id)
                and isinstance(curve, str)
                and self._machine.verify_json(payload, ed, user, device_id)
            )
        except Exception as problem:
            log.warning("a device list of %s is malformed: %s", user, type(problem).__name__)
            return None
        return OlmDevice(user, device_id, {"ed25519": ed, "curve25519": curve}) if good else None

    async def meet(self, devices: Iterable[Any]) -> None:
        """Start Olm sessions with those devices that we have none with.

        One that has no key to give is left out and asked again after a minute.
        """
        now = monotonic()
        wanted = {
            (device.user_id, device.id): device
            for device in devices
            if self._machine.session_store.get(device.curve25519) is None
            and self._not_before.get((device.user_id, device.id), 0) <= now
        }
        await self._claim(wanted)

    async def _claim(self, wanted: dict[tuple[str, str], Any]) -> list[Any]:
        if not wanted:
            return []
        ask: dict[str, dict[str, str]] = {}
        for user, device_id in wanted:
            ask.setdefault(user, {})[device_id] = "signed_curve25519"
        answer = await self._http.call("POST", path("keys", "claim"), {"one_time_keys": ask, "timeout": 10_000})
        given = answer.get("one_time_keys")
        met = []
        with self._store.atomic():
            for (user, device_id), device in wanted.items():
                try:
                    ((name, key),) = given[user][device_id].items()  # type: ignore[index]
                    if name.startswith("signed_curve25519:") and self._machine.verify_json(
                        key, device.ed25519, user, device_id
                    ):
                        self._machine.create_session(key["key"], device.curve25519)
                        met.append(device)
                        continue
                    why = "signature"
                except Exception as problem:
                    why = type(problem).__name__
                log.warning("no session with device %s of %s: %s", device_id, user, why)
                self._not_before[user, device_id] = monotonic() + _PATIENCE
        return met

    async def unwedge(self) -> None:
        """Give devices whose messages can't be decrypted any more a fresh session, by a dummy message in it."""
        wedged = {(device.user_id, device.id): device for device in self._machine.wedged_devices}
        if not wedged:
            return
        self._machine.wedged_devices.clear()  # one try; the next broken message marks the device again
        met = await self._claim(wedged)
        if met:
            await self.send(met, "m.dummy", {})

    async def send(self, devices: Collection[Any], kind: str, content: Json) -> None:
        """Send an Olm message to each device (we must have met). Raises when the server didn't take it (trap 3)."""
        messages: dict[str, Json] = {}
        with self._store.atomic():
            for device in devices:
                session = self._machine.session_store.get(device.curve25519)
                sealed = self._machine._olm_encrypt(session, device, kind, content)
                messages.setdefault(device.user_id, {})[device.id] = sealed
        where = path("sendToDevice", "m.room.encrypted", secrets.token_hex(12))
        await self._http.call("PUT", where, {"messages": messages})

    # --- our own --------------------------------------------------------------------------------------------------

    async def publish(self, left: int | None, *, fallback: bool) -> None:
        """Upload the device's keys if they were not yet, one-time keys if few are ``left``, and a fallback key."""
        account = self._machine.account
        most = account.max_one_time_keys
        content: Json = {}
        if not account.shared:
            content["device_keys"] = self._identity()
            left = left or 0
        ready = len(account.one_time_keys["curve25519"])  # made before a kill, and perhaps uploaded: at once, or not
        if ready or (left is not None and left <= most // 2):
            if left is not None and ready < most - left:
                account.generate_one_time_keys(most - left - ready)
            keys = account.one_time_keys["curve25519"]
            content["one_time_keys"] = {f"signed_curve25519:{n}": self._signed({"key": k}) for n, k in keys.items()}
        if fallback:
            if not account._account.fallback_key:
                account._account.generate_fallback_key()
            content["fallback_keys"] = {
                f"signed_curve25519:{n}": self._signed({"key": k.to_base64(), "fallback": True})
                for n, k in account._account.fallback_key.items()
            }
        if not content:
            return
        # Saved before the upload: a kill in between would leave the server handing out keys that we lack.
        self._machine.save_account()
        try:
            await self._http.call("POST", path("keys", "upload"), content)
        except Refused as problem:
            # After a restored backup the server has other keys of these names: let them go and make new ones.
            log.warning("the server refused our one-time keys: %s", problem.code)
            if "device_keys" in content and "one_time_keys" not in content:
                raise
        else:
            account.shared = True
        account.mark_keys_as_published()
        self._machine.save_account()

    def _identity(self) -> Json:
        device, keys = self._machine.device_id, self._machine.account.identity_keys
        return self._signed(
            {
                "algorithms": self._machine._algorithms,
                "device_id": device,
                "user_id": self._machine.user_id,
                "keys": {f"curve25519:{device}": keys["curve25519"], f"ed25519:{device}": keys["ed25519"]},
            }
        )

    def _signed(self, content: Json) -> Json:
        signature = self._machine.sign_json(content)
        return {**content, "signatures": {self._machine.user_id: {f"ed25519:{self._machine.device_id}": signature}}}
