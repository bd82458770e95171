from __future__ import annotations

import asyncio

import pytest
from sqlmodel import Session

from chatops.ports import Intake, Locked, Received, Said, Unreadable
from chatops.service.intake import StoreIntake, as_received, enqueue, unpark
from chatops.service.store import Store
from chatops.service.tables import change_inbox
from tests.service.kit import START, inbox, said


@pytest.fixture
def wake() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def intake(store: Store, wake: asyncio.Event) -> StoreIntake:
    return StoreIntake(store, wake)


def locked(key: str) -> Received:
    event = Locked(sender="@alice", room="!room", event=key, raw={"session": "s"})
    return Received(service="matrix", key=key, conversation="!room", at=START, event=event)


async def test_what_was_admitted_is_stored_as_it_was(store: Store, intake: StoreIntake, wake: asyncio.Event) -> None:
    port: Intake = intake
    await port.admit([said("one"), said("two")])
    assert [as_received(row) for row in inbox(store)] == [said("one"), said("two")]
    assert [row.state for row in inbox(store)] == ["waiting", "waiting"]
    assert wake.is_set()


async def test_duplicates_are_dropped(store: Store, intake: StoreIntake) -> None:
    await intake.admit([said("one")])
    await intake.admit([said("one"), said("two"), said("two")])
    assert [as_received(row) for row in inbox(store)] == [said("one"), said("two")]


async def test_the_same_key_of_another_tenant_is_another_event(store: Store, intake: StoreIntake) -> None:
    await intake.admit([said("one"), said("one").model_copy(update={"tenant": "T2"})])
    await intake.admit([said("one").model_copy(update={"service": "slack"})])
    assert len(inbox(store)) == 3


async def test_the_cursor_comes_with_its_rows_or_not_at_all(store: Store, intake: StoreIntake) -> None:
    assert await intake.cursor("sync") is None
    await intake.admit([said("one")], cursor=("sync", "t1"))
    assert await intake.cursor("sync") == "t1"
    broken = said("two").model_copy(update={"conversation": None})
    with pytest.raises(Exception, match=r"NOT NULL|null value"):
        await intake.admit([said("three"), broken], cursor=("sync", "t2"))
    assert await intake.cursor("sync") == "t1"
    assert len(inbox(store)) == 1
    await intake.admit([], cursor=("sync", "t3"))
    assert await intake.cursor("sync") == "t3"


async def test_a_locked_row_keeps_its_number_when_its_key_comes(
    store: Store, intake: StoreIntake, wake: asyncio.Event
) -> None:
    await intake.admit([locked("$a"), said("after")])
    assert await intake.locked("matrix") == [locked("$a")]
    assert await intake.locked("slack") == []
    wake.clear()
    opened = said("opened", key="$a")
    await intake.unlock(opened)
    assert wake.is_set()
    assert [as_received(row) for row in inbox(store)] == [opened, said("after")]
    assert [row.state for row in inbox(store)] == ["waiting", "waiting"]
    assert await intake.locked("matrix") == []


async def test_unlocking_twice_changes_nothing(store: Store, intake: StoreIntake) -> None:
    await intake.admit([locked("$a")])
    await intake.unlock(said("opened", key="$a"))
    gone = Unreadable(sender="@alice", room="!room", event="$a")
    await intake.unlock(locked("$a").model_copy(update={"event": gone}))
    assert [as_received(row) for row in inbox(store)] == [said("opened", key="$a")]


async def test_unlocking_what_was_never_admitted_loses_nothing(store: Store, intake: StoreIntake) -> None:
    await intake.unlock(said("opened"))
    assert [as_received(row) for row in inbox(store)] == [said("opened")]


async def test_no_text_can_block_the_door(store: Store, intake: StoreIntake) -> None:
    """Half a surrogate pair and NUL come in through JSON; no database stores them."""
    bad = Locked(sender="@a", room="!r", event="e", raw={"x\0": ["\ud800", {"y": "😀 ok"}]})
    await intake.admit([said("a\ud800b\0c 😀", key="k1"), locked("$b").model_copy(update={"event": bad})])
    first, second = (as_received(row).event for row in inbox(store))
    assert isinstance(first, Said)
    assert first.text == "a\ufffdb\ufffdc 😀"
    assert isinstance(second, Locked)
    assert second.raw == {"x\ufffd": ["\ufffd", {"y": "😀 ok"}]}


def test_a_parked_row_can_be_let_in_again(store: Store) -> None:
    store.write_now(lambda session: enqueue(session, [said("one")]))
    number = inbox(store)[0].id or 0
    assert not store.write_now(lambda session: unpark(session, number))

    def park(session: Session) -> bool:
        change_inbox(session, number, state="parked", attempts=4, problem="KeyError")
        return unpark(session, number)

    assert store.write_now(park)
    row = inbox(store)[0]
    assert (row.state, row.attempts, row.problem) == ("waiting", 0, None)
