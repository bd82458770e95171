"""The bot: what runs in one process, its start and its stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from chatops.commands.desk import Alarm
from chatops.commands.registry import collect
from chatops.config import Settings
from chatops.model.flow import InboxRow, OutboxRow
from chatops.ports import Received, Service
from chatops.service import alerts, roster, rounds, schema
from chatops.service.decide import Decider as Decisions
from chatops.service.decide import fresh
from chatops.service.decider import Decider
from chatops.service.gate import gate
from chatops.service.intake import StoreIntake
from chatops.service.origin import NOWHERE, Origin
from chatops.service.outbox import take_up
from chatops.service.reminders import REPORTS, SURVEY, WATCH
from chatops.service.store import Store
from chatops.service.timers import Timers, set_timer
from chatops.service.unit import Unit
from chatops.service.worker import Worker

WARM_UP = timedelta(hours=1)
"""The first watch of all comes so long after the first start."""
DRAIN_SECONDS = 6.0
"""So long may effects in flight take at a stop; the whole stop takes less than ten seconds."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Bot:
    """Everything that runs in one process. ``services`` are the adapters; those of chats are in ``chats`` too."""

    def __init__(
        self,
        settings: Settings,
        services: Sequence[Service],
        chats: frozenset[str],
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._chats = chats
        self._stopped = False
        self._services = {service.name: service for service in services}
        settings.store.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store = Store(settings.store.database)
        inbox, outbox = asyncio.Event(), asyncio.Event()
        self.intake = StoreIntake(self.store, inbox)
        self.decisions = Decisions(settings, collect(), chats, clock)
        self.decider = Decider(self.store, self.decisions, self._parked, clock, inbox, outbox)
        self.worker = Worker(self.store, self._services, gate, self._fault, clock, outbox, inbox_wake=inbox)
        self.timers = Timers(self.store, clock, inbox)

    async def start(self) -> None:
        """Bring the schema up to date, reconcile the roster, then let everything run.

        Raises NewerSchema, BadConfiguration, and what a service raises that cannot start.
        """
        try:
            schema.upgrade(self._settings.store.database)
            await self.store.write(self._reconcile)
            self.decider.start()
            self.timers.start()
            for service in self._services.values():
                await service.start(self.intake)
            self.worker.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Drain: decide nothing more, finish effects in flight, disconnect. What waits goes on at the next start."""
        if self._stopped:
            return
        self._stopped = True
        try:
            await self.decider.drain()
            await self.worker.stop(DRAIN_SECONDS)
            for service in self._services.values():
                await service.stop()
            await self.timers.stop()
        finally:
            self.store.close()

    def _unit(self, session: Session, who: str, origin: Origin = NOWHERE) -> Unit:
        return Unit(session, self._settings, self._chats, self._clock(), fresh, who=who, origin=origin)

    def _reconcile(self, session: Session) -> None:
        if self.store.alone:
            take_up(session)
        roster.reconcile(self._unit(session, "configuration"), self._settings)
        roster.lists(self._unit(session, "configuration"), self._settings)
        rounds.begin(self._unit(session, "chatops"), self._clock())
        if self._settings.release_host != "none":
            soon = self._clock() - timedelta(seconds=1)
            set_timer(session, SURVEY, soon, SURVEY)
            if self._settings.release_host == "github":
                set_timer(session, REPORTS, soon, REPORTS)
            self._unit(session, "chatops").alarm(Alarm(WATCH, WATCH, self._clock() + WARM_UP, keep=True))

    def _fault(self, session: Session, row: OutboxRow, code: str) -> None:
        alerts.fault(self._unit(session, "chatops"), row, code)

    def _parked(self, session: Session, row: InboxRow, received: Received | None) -> None:
        origin = self.decisions.origin(session, received) if received else NOWHERE
        alerts.parked(self._unit(session, "chatops", origin), row, received)
