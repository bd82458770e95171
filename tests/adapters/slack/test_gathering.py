"""What comes together is committed together, and fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from adapters.slack.gathering import MOST, Gathering
from chatops.ports import Received
from tests.service.kit import said, until


class Intake:
    """Remembers admissions; the first waits until it is ``free``. ``bad`` texts fail whatever they come with."""

    def __init__(self) -> None:
        self.admissions: list[list[str]] = []
        self.free = asyncio.Event()
        self.bad: set[str] = set()

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        self.admissions.append([row.key for row in received])
        await self.free.wait()
        if self.bad & {row.key for row in received}:
            raise OSError(f"{len(received)}")

    async def cursor(self, name: str) -> str | None:
        raise NotImplementedError

    async def locked(self, service: str) -> Sequence[Received]:
        raise NotImplementedError

    async def unlock(self, received: Received) -> None:
        raise NotImplementedError


@pytest.fixture
def intake() -> Intake:
    return Intake()


async def begun(gathering: Gathering, *keys: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(gathering.admit([said(key, key=key)])) for key in keys]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_who_comes_during_a_commit_shares_the_next(intake: Intake) -> None:
    gathering = Gathering(intake)
    first = await begun(gathering, "a")
    others = await begun(gathering, "b", "c", "d")
    assert not any(task.done() for task in (*first, *others))
    intake.free.set()
    await asyncio.gather(*first, *others)
    assert intake.admissions == [["a"], ["b", "c", "d"]]
    await gathering.admit([said("e", key="e")])
    assert intake.admissions[2:] == [["e"]]


async def test_one_that_fails_fails_alone(intake: Intake) -> None:
    gathering = Gathering(intake)
    intake.bad = {"c"}
    tasks = await begun(gathering, "a") + await begun(gathering, "b", "c", "d")
    intake.free.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), OSError, type(None)]
    assert str(outcomes[2]) == "1", "its own problem, not that of all together"


async def test_who_stopped_waiting_stops_nobody(intake: Intake) -> None:
    gathering = Gathering(intake)
    first = await begun(gathering, "a")
    gone, stays = await begun(gathering, "b", "c")
    gone.cancel()
    intake.free.set()
    await asyncio.gather(*first, stays)
    assert intake.admissions == [["a"], ["b", "c"]]


async def test_nobody_waits_behind_a_commit_that_waits_itself(intake: Intake) -> None:
    gathering = Gathering(intake)
    tasks = await begun(gathering, "a") + await begun(gathering, "b", "c")
    await until(lambda: len(intake.admissions) == 2)
    assert intake.admissions == [["a"], ["b", "c"]]
    assert not any(task.done() for task in tasks)
    intake.free.set()
    await asyncio.gather(*tasks)


async def test_a_commit_does_not_grow_without_end(intake: Intake) -> None:
    gathering = Gathering(intake)
    tasks = await begun(gathering, "first", *(str(n) for n in range(3 * MOST)))
    intake.free.set()
    await asyncio.gather(*tasks)
    assert max(len(admission) for admission in intake.admissions) == MOST
    assert sum(len(admission) for admission in intake.admissions) == 3 * MOST + 1
