"""What an operator types about devices, beside a running bot: list them, trust one, distrust one.

The marks go into the crypto store; a bot that runs sees at its next message that another process has written there.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from adapters.matrix.session import Unusable
from adapters.matrix.store import CryptoStore
from adapters.matrix.trust import grouped


def listed(folder: Path, user: str | None) -> list[str]:
    """Lines on the bot's own device and on those of others (one user's, or all), with the keys that people compare.

    Raises :class:`Unusable` where there is no store, or no such user in it.
    """
    with _opened(folder) as store:
        known = _by_user(store)
        if user is not None and user not in known:
            raise Unusable(_unknown("user", user, list(known)))
        identity = json.loads((folder / "session.json").read_text())
        lines = [f"{identity['user_id']} (the bot)", f"  {identity['device_id']}", f"    {_own_key(store)}"]
        for one in sorted(known) if user is None else [user]:
            lines += ["", one]
            for device, seen in sorted(known[one].values(), key=lambda pair: pair[1]):
                lines.append(f"  {device.id}  {_state(store, device)}, first seen {seen}")
                lines.append(f"    {grouped(device.ed25519)}")
        return lines


def marked(folder: Path, user: str, name: str, *, trusted: bool) -> list[str]:
    """Mark a device. Raises :class:`Unusable` where there is none such, or it cannot be trusted."""
    with _opened(folder) as store:
        known = _by_user(store)
        if user not in known:
            raise Unusable(_unknown("user", user, list(known)))
        if name not in known[user]:
            raise Unusable(_unknown("device", name, list(known[user])))
        device, _ = known[user][name]
        if trusted and device.blacklisted:
            raise Unusable(
                f"the keys of {name} changed since it was first seen, so it stays blocked; its owner logs in anew"
            )
        store.save_mark(device, trusted=trusted)
        then = "reads wherever its owner is" if trusted else "gets no more keys in any room"
        return [f"{user} {name}: {_state(store, device)}; it {then}", f"    {grouped(device.ed25519)}"]


@contextmanager
def _opened(folder: Path) -> Iterator[CryptoStore]:
    if not all((folder / name).exists() for name in ("crypto.db", "pickle.key", "session.json")):
        raise Unusable(f"there is no whole Matrix crypto store in {folder}: the bot has not run yet, or lost it")
    with closing(CryptoStore(folder / "crypto.db", (folder / "pickle.key").read_text())) as store:
        yield store


def _by_user(store: CryptoStore) -> dict[str, dict[str, tuple[Any, str]]]:
    """Those that still exist, by user and name, each with when it was first seen."""
    found: dict[str, dict[str, tuple[Any, str]]] = {}
    for device, seen in store.devices():
        if not device.deleted:
            found.setdefault(device.user_id, {})[device.id] = (device, seen)
    return found


def _state(store: CryptoStore, device: Any) -> str:
    if device.blacklisted:
        return "blocked: its keys changed"
    mark = store.marks().get((device.user_id, device.id, device.ed25519))
    return {True: "verified", False: "distrusted", None: "not verified"}[mark]


def _own_key(store: CryptoStore) -> str:
    return grouped(str(store.load_account().identity_keys["ed25519"]))


def _unknown(what: str, given: str, known: list[str]) -> str:
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known)[:8]) or 'none'}"
    return f"no such {what} is known, {given}; {hint}"
