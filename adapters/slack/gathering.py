"""Gathers what comes at the same time into one admission: a workspace's burst is one transaction, not one for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from chatops.ports import Intake, Received

MOST = 64
"""So many admissions are made one."""
_PATIENCE = 0.02
"""Seconds: a commit that takes longer waits for another writer, and whoever came meanwhile should queue there as well,
not behind this one."""
_LINGER = 0.003
"""Seconds to wait in a burst for those who were answered last: they are likely to come again at once."""

_Waiting = tuple[Sequence[Received], asyncio.Future[None]]


class Gathering:
    """Admits rows, those together that came while the ones before were being committed.

    Whoever waits is answered after the commit, as by the intake itself. What fails together is tried alone, so that
    nobody's row fails for another's.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._waiting: list[_Waiting] = []
        self._last = 0  # how many the last commit was for
        self._enough = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._commits: set[asyncio.Task[None]] = set()

    async def admit(self, rows: Sequence[Received]) -> None:
        """Return once they are committed. Raises what the intake raises for these rows."""
        committed = asyncio.get_running_loop().create_future()
        self._waiting.append((rows, committed))
        if len(self._waiting) >= self._last:
            self._enough.set()
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        await committed

    async def _work(self) -> None:
        while self._waiting:
            await self._gather()
            some, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            commit = asyncio.create_task(self._commit(some))
            self._commits.add(commit)
            commit.add_done_callback(self._commits.discard)
            await asyncio.wait([commit], timeout=_PATIENCE)
        self._working = None

    async def _gather(self) -> None:
        if len(self._waiting) < self._last:
            self._enough.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._enough.wait()
        self._last = min(len(self._waiting), MOST)

    async def _commit(self, some: Sequence[_Waiting]) -> None:
        if len(some) == 1 or not await self._together(some):
            for one in some:
                await self._alone(*one)

    async def _together(self, some: Sequence[_Waiting]) -> bool:
        try:
            await self._intake.admit([row for rows, _ in some for row in rows])
        except Exception:
            return False
        for _, committed in some:
            _settle(committed, None)
        return True

    async def _alone(self, rows: Sequence[Received], committed: asyncio.Future[None]) -> None:
        try:
            await self._intake.admit(rows)
        except Exception as problem:
            _settle(committed, problem)
        else:
            _settle(committed, None)


def _settle(committed: asyncio.Future[None], problem: Exception | None) -> None:
    if committed.done():  # whoever waited was cancelled
        return
    if problem is None:
        committed.set_result(None)
    else:
        committed.set_exception(problem)
