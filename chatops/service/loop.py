"""The one way in which the service's loops live: turn after turn until stopped, surviving every error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

Clock = Callable[[], datetime]
"""Gives the time now, an aware UTC datetime. Tests inject their own."""

POLL_SECONDS = 1.0
"""How long a loop sleeps at most; wake-ups make it sooner. Finds what other processes wrote, and due times."""
LONGEST_PAUSE_SECONDS = 30.0

log = logging.getLogger(__name__)


class Loop:
    """Awaits ``turn`` again and again. A turn returns how many seconds the next one may wait (0: at once).

    ``wake`` ends a wait. A turn that raises is logged by type and tried again, later each time. ``failing`` is the type
    of the error that the last turn ended in, None if it went well: for health.
    """

    def __init__(self, name: str, turn: Callable[[], Awaitable[float]], wake: asyncio.Event) -> None:
        self.name = name
        self.failing: str | None = None
        self._turn = turn
        self._wake = wake
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin, in the running event loop."""
        self._stopping = False
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Finish the turn in hand and end. Does nothing if it does not run."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            self._wake.clear()  # before the turn, so that what is written during it is not slept over
            try:
                pause = min(await self._turn(), POLL_SECONDS)
                self.failing, failures = None, 0
            except Exception as error:
                failures += 1
                pause = min(0.25 * 2**failures, LONGEST_PAUSE_SECONDS)
                self.failing = type(error).__name__
                log.error("%s failed (%d in a row): %s", self.name, failures, self.failing)
            if pause > 0 and not self._stopping:
                await self._sleep(pause, wakeable=not failures)

    async def _sleep(self, seconds: float, *, wakeable: bool) -> None:
        """Wait. After a failure wake-ups do not shorten the pause, but stopping does."""
        end = asyncio.get_running_loop().time() + seconds
        while (left := end - asyncio.get_running_loop().time()) > 0 and not self._stopping:
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                return
            if wakeable:
                return
            self._wake.clear()


def seconds_until(due: datetime | None, now: datetime) -> float:
    """How long until ``due``; a long time if there is none."""
    return POLL_SECONDS if due is None else max(0.01, (due - now).total_seconds())
