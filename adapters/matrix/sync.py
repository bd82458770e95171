"""The sync loop: what the server tells goes into the crypto store, then, with the token, into the inbox."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from adapters.matrix.devices import Devices
from adapters.matrix.guards import Machine
from adapters.matrix.http import Http, Json, LoggedOut, path, pause
from adapters.matrix.incoming import Attachment, Reader
from adapters.matrix.rooms import Rooms
from adapters.matrix.session import Session
from adapters.matrix.store import CryptoStore
from adapters.matrix.waiting import Waiting
from chatops.ports import Impossible, Intake, Invitation, Locked, Received, Replaced, TryLater

log = logging.getLogger(__name__)

_LONG_POLL = 30  # seconds
_LONGEST_PAUSE = 60.0
_CROWD = 3  # events in one answer
_GATHER = 0.1  # seconds; in a burst an answer for every few events is most of the homeserver's work
_PAGE = "100"  # Synapse gives no more


@dataclass(slots=True)
class _Batch:
    """What one response amounts to."""

    rows: list[Received] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)

    def add(self, made: Received | Attachment | None) -> None:
        if isinstance(made, Attachment):
            self.attachments.append(made)
            self.rows.append(made.row)
        elif made is not None:
            self.rows.append(made)

    def inviters(self) -> Iterator[tuple[str, str]]:
        """Who would have the bot come where: rooms, and who is in them."""
        for row in self.rows:
            match row.event:
                case Invitation(room=room, by=by) | Replaced(successor=room, by=by):
                    yield room, by


@dataclass(slots=True)
class SyncLoop:
    """Owns the cursor and all pauses. ``wake`` is called when keys or device lists may need work outside the loop."""

    me: str
    http: Http
    session: Session
    machine: Machine
    store: CryptoStore
    rooms: Rooms
    devices: Devices
    reader: Reader
    waiting: Waiting
    intake: Intake
    wake: Callable[[], None]
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    one_time_keys: int | None = None
    fallback_used: bool = False
    crowded: bool = False
    """Whether the last answer brought so much that more is likely to follow at once."""

    @property
    def cursor(self) -> str:
        return cursor_of(self.me)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the server until ``stop``. Whatever goes wrong is tried again, slower each time."""
        token: str | None = None
        loaded, full, failures = False, True, 0
        while not stop.is_set():
            before = self.http.token
            try:
                if not loaded:
                    token, loaded = await self.intake.cursor(self.cursor), True
                token = await self._once(token, full=full)
            except LoggedOut:
                delay = await self._log_in_again(before)
            except (TryLater, Impossible) as problem:
                after = problem.after if isinstance(problem, TryLater) else None
                log.warning("sync failed: %s", problem.code)
                delay = max((after or timedelta()).total_seconds(), _backoff(failures))
            except Exception as problem:
                log.error("sync failed: %s", type(problem).__name__)
                delay = _backoff(failures)
            else:
                full, failures = False, 0
                self.ready.set()
                if self.crowded:
                    await pause(_GATHER, stop)
                continue
            failures += 1
            await pause(delay, stop)

    async def _log_in_again(self, stale: str | None) -> float:
        try:
            return 0 if await self.session.renew(stale) else _LONGEST_PAUSE
        except Exception as problem:
            log.warning("logging in again failed: %s", type(problem).__name__)
            return 10

    async def _once(self, token: str | None, *, full: bool) -> str:
        query = {"timeout": "0" if full else str(_LONG_POLL * 1000), "filter": _filter(first=token is None, full=full)}
        if token is not None:
            query["since"] = token
        if full:
            query["full_state"] = "true"  # what rooms look like is known in memory only
        began = monotonic()
        answer = await self.http.call("GET", path("sync"), query=query, wait=_LONG_POLL + 60)
        following = answer.get("next_batch")
        if not isinstance(following, str):
            raise TryLater("no-next-batch")
        if following == token and not full:
            if monotonic() - began < 1:
                await asyncio.sleep(0.2)  # a proxy that answers at once must not make a busy loop
            return following
        rooms = _dict(_dict(answer.get("rooms")).get("join")).values()
        self.crowded = sum(len(_events(info, "timeline")) for info in rooms) >= _CROWD
        gaps = await self._gaps(answer, token)
        batch = _Batch()
        # One transaction: a kill between Olm's ratchet and the Megolm key that came in its message would lose the key.
        with self.store.atomic():
            self._take_crypto(answer)
            self._take_rooms(answer, token, gaps, batch)
        self.rooms.inviters.update(batch.inviters())
        await self.intake.admit(batch.rows, cursor=(self.cursor, following))
        for row in batch.rows:
            if isinstance(row.event, Locked):
                self.waiting.add(row)
        for attachment in batch.attachments:
            self.waiting.fetch(attachment)
        self.wake()
        return following

    def _take_crypto(self, answer: Json) -> None:
        counts = _dict(answer.get("device_one_time_keys_count"))
        left = counts.get("signed_curve25519", 0)
        self.one_time_keys = left if isinstance(left, int) else 0
        unused = answer.get("device_unused_fallback_key_types")
        self.fallback_used = isinstance(unused, list) and "signed_curve25519" not in unused
        lists = _dict(answer.get("device_lists"))
        for which in ("changed", "left"):
            self.devices.changed(user for user in lists.get(which) or () if isinstance(user, str))
        self.machine.receive(_dict(answer.get("to_device")).get("events") or [])

    def _take_rooms(self, answer: Json, token: str | None, gaps: dict[str, list[Any]], batch: _Batch) -> None:
        sections = _dict(answer.get("rooms"))
        for room_id, info in _dict(sections.get("invite")).items():
            told = self.reader.invitation(room_id, _events(info, "invite_state"))
            batch.add(told)
        for room_id, info in _dict(sections.get("leave")).items():
            self._take_departure(room_id, info, batch)
        for room_id, info in _dict(sections.get("join")).items():
            self._take_room(room_id, info, token, gaps.get(room_id, []), batch)

    def _take_room(self, room_id: str, info: Any, token: str | None, gap: list[Any], batch: _Batch) -> None:
        room = self.rooms.entered(room_id)
        for event in _events(info, "state"):
            self._apply(room_id, event)
            batch.add(self.reader.state(room_id, event))
        timeline = [*gap, *_events(info, "timeline")]
        # Nothing is answered that was said before the bot came; a first start without a token drops it all.
        start = len(timeline) if token is None else _after_own_join(timeline, self.me)
        for number, event in enumerate(timeline):
            is_state = "state_key" in event
            if is_state:
                self._apply(room_id, event)
            if number >= start or is_state:
                batch.add(self.reader.read(room, event))

    def _apply(self, room_id: str, event: Any) -> None:
        try:
            self.rooms.apply(self.rooms.entered(room_id), event)
        except Exception as problem:
            log.warning("dropped a state event in %s: %s", room_id, type(problem).__name__)

    def _take_departure(self, room_id: str, info: Any, batch: _Batch) -> None:
        self.rooms.left(room_id)
        for event in (*_events(info, "state"), *_events(info, "timeline")):
            if event.get("type") == "m.room.member" and event.get("state_key") == self.me:
                batch.add(self.reader.state(room_id, event))

    # --- gaps ---------------------------------------------------------------------------------------------------

    async def _gaps(self, answer: Json, token: str | None) -> dict[str, list[Any]]:
        """The events that the server left out of truncated timelines, oldest first."""
        if token is None:
            return {}
        gaps = {}
        for room_id, info in _dict(_dict(answer.get("rooms")).get("join")).items():
            timeline = _dict(_dict(info).get("timeline"))
            if timeline.get("limited") and isinstance(timeline.get("prev_batch"), str):
                gaps[room_id] = await self._gap(room_id, timeline["prev_batch"], token)
        return gaps

    async def _gap(self, room_id: str, newest: str, oldest: str) -> list[Any]:
        events: list[Any] = []
        place: str | None = newest
        while place is not None:
            query = {"dir": "b", "limit": _PAGE, "from": place, "to": oldest}
            page = await self.http.call("GET", path("rooms", room_id, "messages"), query=query)
            some = [event for event in page.get("chunk") or () if isinstance(event, dict)]
            events += some
            # Before the bot came there is nothing for it.
            place = page.get("end") if some and not _after_own_join(some[::-1], self.me) else None
        return events[::-1]


def cursor_of(user: str) -> str:
    """The name under which an account's sync token is kept."""
    return f"matrix:{user}"


def _after_own_join(timeline: list[Any], me: str) -> int:
    """The index after the bot's last own join in a timeline; 0 if it was there all the time."""
    for number in range(len(timeline) - 1, -1, -1):
        event = timeline[number]
        if event.get("type") == "m.room.member" and event.get("state_key") == me:
            prior = _dict(_dict(event.get("unsigned")).get("prev_content"))
            if _dict(event.get("content")).get("membership") == "join" and prior.get("membership") != "join":
                return number + 1
    return 0


def _filter(*, first: bool, full: bool) -> str:
    none: Json = {"types": []}
    if full:
        # Synapse answers an identical request from a cache for two minutes: a bot that starts twice without a token
        # would get a stale one and answer what was said in between. No two requests are identical with this.
        none["not_types"] = [secrets.token_hex(8)]
    room = {"timeline": {"limit": 1 if first else 100}, "ephemeral": none, "account_data": none}
    return json.dumps({"presence": none, "account_data": none, "room": room})


def _events(info: Any, section: str) -> list[Json]:
    return list(_dicts(_dict(_dict(info).get(section)).get("events")))


def _dicts(value: Any) -> Iterator[Json]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _backoff(failures: int) -> float:
    return min(0.5 * 2.0 ** min(failures, 10), _LONGEST_PAUSE)
