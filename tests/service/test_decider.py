from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from chatops.model.flow import InboxRow
from chatops.ports import Received, Said
from chatops.service import schema
from chatops.service.decider import Decider, decide_all, decide_some
from chatops.service.intake import StoreIntake, enqueue
from chatops.service.store import Store
from chatops.service.tables import INBOX, change_inbox
from tests.service.kit import Clock, effect, inbox, outbox, said, until


class Script:
    """A decision that answers each row with an effect, except where it is told to fail; and takes down what it saw."""

    def __init__(self) -> None:
        self.failing: dict[str, Exception] = {}
        self.tried: list[str] = []
        self.parked: list[tuple[str, bool]] = []
        self.park_fails = False
        self.hook: Callable[[str], None] = lambda text: None

    def decide(self, session: Session, row: InboxRow, received: Received) -> None:
        assert isinstance(received.event, Said)
        text = received.event.text
        self.tried.append(text)
        self.hook(text)
        session.add(effect(f"reply-{text}-{len(self.tried)}"))
        session.flush()
        if text in self.failing:
            raise self.failing[text]

    def park(self, session: Session, row: InboxRow, received: Received | None) -> None:
        self.parked.append((row.key, received is not None))
        session.add(effect(f"parked-{row.key}"))
        if self.park_fails:
            session.flush()
            raise RuntimeError


@pytest.fixture
def script() -> Script:
    return Script()


def admit(store: Store, *received: Received) -> None:
    store.write_now(lambda session: enqueue(session, received))


def run(store: Store, script: Script, clock: Clock, **limits: Any) -> int:
    if limits:
        return store.write_now(lambda s: decide_some(s, script.decide, script.park, clock(), **limits))
    return store.write_now(lambda session: decide_all(session, script.decide, script.park, clock()))


def states(store: Store) -> dict[str, str]:
    return {row.key: row.state for row in inbox(store)}


def test_a_decision_and_its_settling_are_one(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("one"))
    assert run(store, script, clock) == 1
    row = inbox(store)[0]
    assert (row.state, row.event, row.problem) == ("done", {}, None)
    assert list(outbox(store)) == ["reply-one-1"]
    assert run(store, script, clock) == 0


def test_rows_are_decided_in_the_order_of_their_conversation(store: Store, script: Script, clock: Clock) -> None:
    rows = [said(f"{room}{n}", room=room) for n in range(20) for room in "abc"]
    admit(store, *rows)
    while run(store, script, clock, rows=7):
        pass
    for room in "abc":
        assert [text for text in script.tried if text[0] == room] == [f"{room}{n}" for n in range(20)]


def test_a_failing_row_holds_its_conversation_and_no_other(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("bad", room="a"), said("after", room="a"), said("other", room="b"))
    script.failing["bad"] = KeyError("🤫")
    run(store, script, clock)
    assert script.tried == ["bad", "other"]
    assert states(store) == {"$abad": "waiting", "$aafter": "waiting", "$bother": "done"}
    assert list(outbox(store)) == ["reply-other-2"], "what the failed decision wrote is undone"
    row = inbox(store)[0]
    assert (row.attempts, row.problem) == (1, "KeyError")
    clock.forward(seconds=2)
    del script.failing["bad"]
    run(store, script, clock)
    assert script.tried == ["bad", "other", "bad", "after"]
    assert set(states(store).values()) == {"done"}


def fail_for_good(store: Store, script: Script, clock: Clock) -> None:
    script.failing["bad"] = KeyError("🤫")
    for _ in range(10):
        run(store, script, clock)
        clock.forward(minutes=1)


def test_a_row_that_keeps_failing_is_parked_and_told(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("bad"), said("after"))
    fail_for_good(store, script, clock)
    assert script.tried == ["bad"] * 4 + ["after"]
    assert script.parked == [("$!roombad", True)]
    assert "parked-$!roombad" in outbox(store)
    row = inbox(store)[0]
    assert (row.state, row.attempts, row.problem) == ("parked", 4, "KeyError")
    assert row.event["text"] == "bad", "kept, so that it can be decided once the cause is mended"


def test_a_row_is_parked_even_if_nobody_can_be_told(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("bad"), said("after"))
    script.park_fails = True
    fail_for_good(store, script, clock)
    assert states(store) == {"$!roombad": "parked", "$!roomafter": "done"}
    assert not any(key.startswith("parked") for key in outbox(store))


@pytest.mark.parametrize("event", ['{"t": "unheard-of"}', "{broken"])
def test_an_unreadable_row_is_parked_at_once(store: Store, script: Script, clock: Clock, event: str) -> None:
    admit(store, said("bad"), said("after"))
    store.write_now(
        lambda session: session.connection().exec_driver_sql(f"UPDATE inbox SET event = '{event}' WHERE id = 1")
    )
    run(store, script, clock)
    assert script.parked == [("$!roombad", False)]
    assert script.tried == ["after"]
    states = select(INBOX.c.id, INBOX.c.state).order_by(INBOX.c.id)
    assert store.read_now(lambda session: session.execute(states).all()) == [(1, "parked"), (2, "done")]


def test_a_lost_race_for_a_number_is_run_again_at_once(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("one"))
    script.failing["one"] = IntegrityError("", {}, Exception())
    script.hook = lambda text: script.failing.clear() if len(script.tried) == 2 else None
    run(store, script, clock)
    assert states(store) == {"$!roomone": "done"}
    assert inbox(store)[0].attempts == 0


def test_a_clock_set_back_delays_no_row(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("bad"))
    script.failing["bad"] = KeyError()
    run(store, script, clock)
    clock.forward(days=-3)
    run(store, script, clock)
    assert script.tried == ["bad", "bad"]


def test_a_batch_is_bounded(store: Store, script: Script, clock: Clock) -> None:
    admit(store, *(said(f"{n:03}") for n in range(20)))
    assert run(store, script, clock, rows=8, seconds=60) == 8
    assert run(store, script, clock, seconds=0) == 1
    assert run(store, script, clock, stop=lambda: True) == 0


def test_a_locked_row_holds_nobody_up(store: Store, script: Script, clock: Clock) -> None:
    admit(store, said("first"), said("second"))
    store.write_now(lambda session: change_inbox(session, 1, state="locked"))
    run(store, script, clock)
    assert script.tried == ["second"]


async def settled(store: Store, count: int) -> None:
    await until(lambda: sum(row.state == "done" for row in inbox(store)) >= count)


async def test_the_loop_decides_what_comes_in_and_wakes_the_worker(store: Store, script: Script, clock: Clock) -> None:
    wake, outbox_wake = asyncio.Event(), asyncio.Event()
    decider = Decider(store, script.decide, script.park, clock, wake, outbox_wake)
    intake = StoreIntake(store, wake)
    decider.start()
    await intake.admit([said("one")])
    await until(outbox_wake.is_set)
    await settled(store, 1)
    await decider.drain()
    await intake.admit([said("two")])
    assert states(store) == {"$!roomone": "done", "$!roomtwo": "waiting"}


async def test_draining_finishes_the_row_in_hand_only(store: Store, script: Script, clock: Clock) -> None:
    decider = Decider(store, script.decide, script.park, clock, asyncio.Event(), asyncio.Event())
    loop = asyncio.get_running_loop()
    drained: list[Any] = []

    def hook(text: str) -> None:
        if text == "0":
            drained.append(asyncio.run_coroutine_threadsafe(decider.drain(), loop))
            while not decider._draining:
                pass

    script.hook = hook
    admit(store, *(said(str(n)) for n in range(5)))
    decider.start()
    await until(lambda: drained)
    await asyncio.wrap_future(drained[0])
    assert script.tried == ["0"]
    assert [row.state for row in inbox(store)] == ["done"] + ["waiting"] * 4


async def test_logs_and_health_hold_no_text(
    store: Store, script: Script, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "chatops")
    admit(store, said("bad 🤫"))
    script.failing["bad 🤫"] = KeyError("🤫")
    for _ in range(5):
        run(store, script, clock)
        clock.forward(minutes=1)
    assert "KeyError" in caplog.text
    assert "🤫" not in caplog.text


async def test_a_broken_database_does_not_end_the_loop(store: Store, script: Script, clock: Clock) -> None:
    wake = asyncio.Event()
    decider = Decider(store, script.decide, script.park, clock, wake, asyncio.Event())
    store.write_now(lambda session: session.connection().exec_driver_sql("ALTER TABLE inbox RENAME TO hidden"))
    decider.start()
    await until(lambda: decider.loop.failing)
    assert decider.loop.running
    store.write_now(lambda session: session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO inbox"))
    admit(store, said("one"))
    await settled(store, 1)
    await until(lambda: decider.loop.failing is None)
    await decider.drain()


def test_two_processes_share_the_work_of_a_postgresql_database(postgres: str, script: Script, clock: Clock) -> None:
    """While one decides a conversation the other leaves it alone, and takes another."""
    with Store(postgres) as one, Store(postgres) as two:
        schema.upgrade(postgres)
        admit(one, said("a1", room="a"), said("a2", room="a"), said("b1", room="b"))
        beside: list[str] = []
        other = Script()

        def hook(text: str) -> None:
            if text == "a1":
                run(two, other, clock)
                beside.extend(other.tried)

        script.hook = hook
        run(one, script, clock, rows=1)
        assert script.tried == ["a1"]
        assert beside == ["b1"]
        run(two, other, clock)
        assert other.tried == ["b1", "a2"]
