"""The Matrix service: wires the parts, starts and stops them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from adapters.matrix.acl import bring_in_line
from adapters.matrix.archives import Archives
from adapters.matrix.devices import Devices
from adapters.matrix.http import Http, LoggedOut, Refused, path
from adapters.matrix.incoming import SERVICE, Reader
from adapters.matrix.outgoing import Outgoing
from adapters.matrix.rooms import Rooms
from adapters.matrix.session import Session
from adapters.matrix.settings import MatrixSettings
from adapters.matrix.sharing import Sharing
from adapters.matrix.shut import Shut
from adapters.matrix.store import CryptoStore
from adapters.matrix.sync import SyncLoop, cursor_of
from adapters.matrix.trust import Trust, grouped
from adapters.matrix.waiting import Waiting
from chatops.ports import Effect, Impossible, Intake, Receipt, Received, TryLater

log = logging.getLogger(__name__)

_UPKEEP = 5.0  # seconds, at the latest


class MatrixService:
    """A ports.Service. One object is started once; after :meth:`stop` make another on the same store."""

    name = SERVICE

    def __init__(self, settings: MatrixSettings) -> None:
        self._settings = settings
        self._http = Http(settings.homeserver)
        self._session = Session(settings, self._http)
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._in_hand: set[asyncio.Task[object] | None] = set()
        self._store: CryptoStore | None = None
        self._outgoing: Outgoing | None = None

    @property
    def device_id(self) -> str:
        """The device's id, once started: an operator compares it, and the fingerprint, with what others see."""
        return self._session.device_id

    @property
    def fingerprint(self) -> str:
        """The device's Ed25519 key, once started."""
        return str(self._machine.account.identity_keys["ed25519"])

    async def start(self, intake: Intake) -> None:
        """Connect, and return when the first sync has been admitted and the device's keys are published.

        Raises:
            session.Unusable: the account or the store can't be used as configured.
            TryLater: the homeserver can't be reached.
        """
        self._http.open()
        try:
            await self._start(intake)
        except BaseException:
            await self.stop()
            raise

    async def _start(self, intake: Intake) -> None:
        known = await intake.cursor(cursor_of(self._settings.user_id)) is not None
        await self._session.begin(known=known)
        self._store = store = self._session.store()
        self._machine = machine = self._session.machine(store)
        self._devices = devices = Devices(machine, store, self._http)
        self._rooms = rooms = Rooms(self._http, store, self._settings.user_id)
        trust = Trust(store, self._settings.verified_only)
        reader = Reader(self._settings, machine, trust)
        reader.display_name = await self._display_name()
        archives = Archives(self._http, self._settings.largest_archive, self._settle)
        self._waiting = waiting = Waiting(self._settings, reader, rooms, intake, archives.put)
        await waiting.load()
        self._shut = shut = Shut(self._settings, machine, self._http, trust, intake, self._wake.set)
        self._outgoing = Outgoing(self._settings, self._http, rooms, Sharing(machine, devices, rooms, trust, shut))
        self._loop = SyncLoop(
            me=self._settings.user_id,
            http=self._http,
            session=self._session,
            machine=machine,
            store=store,
            rooms=rooms,
            devices=devices,
            reader=reader,
            waiting=waiting,
            intake=intake,
            wake=self._wake.set,
        )
        await self._publish()
        log.info("Matrix device %s, its key: %s", self.device_id, grouped(self.fingerprint))
        self._wake.set()
        for work in (self._loop.run(self._stop), self._upkeep(), archives.run(self._stop)):
            self._tasks.append(asyncio.create_task(work))
        await self._loop.ready.wait()
        await bring_in_line(self._http, rooms, self._settings.acl)

    async def perform(self, effect: Effect) -> Receipt:
        """See ports.Service. What is unexpected is told as TryLater with the exception's class as its code."""
        if self._outgoing is None or self._stop.is_set():
            raise TryLater("stopped")
        task = asyncio.current_task()
        token = self._http.token
        self._in_hand.add(task)
        try:
            return await self._outgoing.perform(effect)
        except LoggedOut:
            await self._session.renew(token)
            raise
        except (TryLater, Impossible):
            raise
        except Exception as problem:
            log.error("effect %s: %s", effect.id, type(problem).__name__)
            raise TryLater(type(problem).__name__) from None
        finally:
            self._in_hand.discard(task)

    async def stop(self) -> None:
        """Stop feeding, give effects in hand half a minute, disconnect."""
        self._stop.set()
        self._wake.set()
        if in_hand := [task for task in self._in_hand if task is not None and task is not asyncio.current_task()]:
            await asyncio.wait(in_hand, timeout=30)
        for task in self._tasks:
            task.cancel()  # a sync that is cut short is asked again from the same token
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        await self._http.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    # --- beside the loop ----------------------------------------------------------------------------------------

    async def _upkeep(self) -> None:
        """What follows from a sync but would hold the loop up: keys, device lists, rows that wait."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_UPKEEP):
                    await self._wake.wait()
            self._wake.clear()
            await self._try(self._publish)
            await self._try(self._learn)
            await self._try(self._waiting.retry)
            await self._try(self._devices.unwedge)
            await self._try(self._shut.tell)

    async def _try(self, chore: Callable[[], Awaitable[object]]) -> None:
        try:
            await chore()
        except (TryLater, Impossible) as problem:
            log.warning("upkeep: %s", problem.code)
        except Exception as problem:
            log.error("upkeep: %s", type(problem).__name__)

    async def _publish(self) -> None:
        if self._session.anew:
            # A device that was logged out has lost its keys on the server.
            self._machine.account.shared = False
        loop = self._loop
        left, fallback = loop.one_time_keys, loop.fallback_used
        # What one sync said is acted on once: keys made again before the next one would push out those just uploaded.
        loop.one_time_keys, loop.fallback_used = None, False
        try:
            await self._devices.publish(left, fallback=fallback)
        except BaseException:
            loop.one_time_keys = left if loop.one_time_keys is None else loop.one_time_keys
            loop.fallback_used |= fallback
            raise
        self._session.anew = False

    async def _learn(self) -> None:
        """Know the devices of who may write to us before they do."""
        users = set(self._machine.users_for_key_query)
        for room in self._rooms:
            if room.encrypted:
                users |= room.joined()
        users.discard(self._settings.user_id)
        await self._devices.refresh(users)

    async def _settle(self, row: Received) -> None:
        await self._waiting.settle(row)

    async def _display_name(self) -> str:
        try:
            profile = await self._http.call("GET", path("profile", self._settings.user_id))
        except Refused:
            return ""
        name = profile.get("displayname")
        return name if isinstance(name, str) else ""
