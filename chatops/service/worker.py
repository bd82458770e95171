"""The worker: has the services perform what the outbox holds, a few effects at once.

Each turn is one transaction: it settles what ended since the last and claims what may go now. So a burst shares its
commits, and nothing is sent that is not on disk as attempted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from chatops.ports import Effect, Receipt, Service, TryLater, Upload
from chatops.service.loop import POLL_SECONDS, Clock, Loop, seconds_until
from chatops.service.outbox import LEASE, TRIES, Claim, Fault, Gate, Outbox
from chatops.service.store import Store, lost, nested

PATIENCE = timedelta(minutes=15)
"""An effect that takes longer is cut off and tried again (a large upload is the longest that there is)."""

IN_FLIGHT = 11
"""Three quarters of it, eight, for one place or for one service beside others: more gain nothing with Synapse."""
GATHER_SECONDS = 0.02
"""While enough others are in flight, what ended waits so long for more to be settled in the same transaction."""

log = logging.getLogger(__name__)

_Ended = tuple[Claim, Receipt | BaseException]


class Worker:
    """Performs the outbox rows of ``services`` (by name), at most ``in_flight`` at once.

    ``wake`` tells it that there is something new; it sets ``inbox_wake`` when an outcome was written for the core.
    ``lease`` and ``tries`` as in :class:`chatops.service.outbox.Outbox`.
    """

    def __init__(
        self,
        store: Store,
        services: Mapping[str, Service],
        gate: Gate,
        fault: Fault,
        clock: Clock,
        wake: asyncio.Event,
        in_flight: int = IN_FLIGHT,
        *,
        inbox_wake: asyncio.Event | None = None,
        lease: timedelta = LEASE,
        tries: int = TRIES,
    ) -> None:
        self._store = store
        self._services = services
        self._outbox = Outbox(services, gate, fault, lease=lease, tries=tries)
        self._clock = clock
        self._wake = wake
        self._inbox_wake = inbox_wake or asyncio.Event()
        self._in_flight = in_flight
        self._share = max(1, in_flight * 3 // 4)
        self._busy: dict[int, Claim] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[_Ended] = []
        self._renewed: datetime | None = None
        self.loop = Loop("worker", self.turn, wake)

    def start(self) -> None:
        """Begin to perform effects, in the running event loop."""
        self.loop.start()

    async def stop(self, timeout: float = 10) -> None:  # noqa: ASYNC109 (the caller's budget for all of it)
        """Claim nothing more, wait up to ``timeout`` seconds for what is in flight, settle it, end.

        What is cut off is written down as tried with unknown outcome: the next start tries it again under its key.
        """
        await self.loop.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._transact(claim=False)

    async def flush(self) -> None:
        """Perform everything that may go now, and return. Only while the loop does not run (shell, tests)."""
        while True:
            self._wake.clear()
            pause = await self.turn()
            if self._busy:
                await self._wake.wait()
            elif pause and not self._ended:
                return

    async def turn(self) -> float:
        """Settle and claim in one transaction; begin what was claimed. Returns seconds until the next turn is due."""
        if self._ended and len(self._busy) >= self._in_flight // 2:
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
        claims, due = await self._transact(claim=True)
        for claim in claims:
            self._busy[claim.number] = claim
            task = asyncio.get_running_loop().create_task(self._perform(claim), name=f"effect {claim.effect.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return min(due, POLL_SECONDS)

    async def _transact(self, *, claim: bool) -> tuple[list[Claim], float]:
        ended, self._ended = self._ended, []
        busy = list(self._busy.values())
        free = self._in_flight - len(busy) if claim else 0
        now = self._clock()
        renew = self._renewed is None or abs(now - self._renewed) > self._outbox.lease / 3

        def job(session: Session, *, careful: bool = False) -> tuple[list[Claim], bool, datetime | None]:
            (self._settle_each if careful else self._settle)(session, now, ended)
            if renew:
                self._outbox.renew(session, now, busy)
            claims, passed = self._outbox.claim(session, now, free, busy, self._share, careful=careful)
            return claims, passed, None if claims or not free else self._outbox.heads.next_due(session, now)

        if not ended and not free and not renew:
            return [], POLL_SECONDS
        try:
            try:
                claims, passed, due = await self._store.write(job)
            except Exception:
                # Something in it cannot be done: each by itself, under savepoints. They cost too much for every day.
                self._outbox.heads.forget()
                claims, passed, due = await self._store.write(partial(job, careful=True))
        except BaseException:
            self._outbox.heads.forget()
            self._ended = ended + self._ended  # settled by the next turn, under the same lease
            raise
        if renew:
            self._renewed = now
        if passed or any(map(_may_tell, ended)):
            self._inbox_wake.set()
        return claims, 0 if passed else seconds_until(due, now)

    def _settle(self, session: Session, now: datetime, ended: Sequence[_Ended]) -> None:
        for claim, result in ended:
            self._outbox.settle(session, now, claim, result)

    def _settle_each(self, session: Session, now: datetime, ended: Sequence[_Ended]) -> None:
        for claim, result in ended:
            try:
                with nested(session) as inner:
                    self._outbox.settle(inner, now, claim, result)
            except Exception as error:
                if lost(error):
                    raise
                # Its lease runs out and it is tried again under the same key, as after a crash.
                log.error("effect %s could not be settled: %s", claim.effect.id, type(error).__name__)

    async def _perform(self, claim: Claim) -> None:
        result: Receipt | BaseException
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                result = await self._services[claim.effect.service].perform(await _drawn(claim.effect))
        except TimeoutError:
            result = TryLater("timeout")
        except asyncio.CancelledError:
            result = TryLater("stopped")
        except Exception as error:
            result = error
        del self._busy[claim.number]
        self._ended.append((claim, result))
        self._wake.set()


async def _drawn(effect: Effect) -> Effect:
    """With the picture that it puts somewhere, if it is one: drawn in a thread, as nobody need wait for it."""
    if not isinstance(effect.deed, Upload) or effect.deed.picture is None:
        return effect
    return effect.model_copy(update={"deed": await asyncio.to_thread(effect.deed.drawn)})


def _may_tell(ended: _Ended) -> bool:
    """Whether settling it may have written an outcome for the core."""
    claim, result = ended
    return claim.awaited or not isinstance(result, Receipt) or bool(result.data)
