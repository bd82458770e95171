from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, select

from chatops.model import journal
from chatops.model.changes import Happened
from chatops.model.flow import TimerRow
from chatops.model.journal import Anchor
from chatops.ports import Due
from chatops.service.intake import as_received
from chatops.service.store import Store
from chatops.service.timers import Timers, cancel_timer, fire, set_timer
from tests.service.kit import START, Clock, inbox, until

SOON = START + timedelta(hours=1)


def set_now(store: Store, key: str = "t", hours: float = 1, **rest: str) -> None:
    due = START + timedelta(hours=hours)
    store.write_now(lambda session: set_timer(session, key, due, "review", case=rest.get("case"), data={"n": 1}))


def fired(store: Store, clock: Clock) -> int:
    return store.write_now(lambda session: fire(session, clock()))


def test_a_timer_that_comes_due_becomes_an_inbox_row(store: Store, clock: Clock) -> None:
    set_now(store, case="DS-1")
    assert fired(store, clock) == 0
    clock.forward(hours=1)
    assert fired(store, clock) == 1
    (row,) = inbox(store)
    assert (row.service, row.key, row.conversation) == ("timer", "t@2026-03-01T13:00:00+00:00", "timer:DS-1")
    at = datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert as_received(row).event == Due(timer="t", kind="review", case="DS-1", data={"n": 1}, at=at)
    assert fired(store, clock) == 0


def test_a_timer_set_anew_is_moved(store: Store, clock: Clock) -> None:
    set_now(store, hours=1)
    set_now(store, hours=5)
    clock.forward(hours=2)
    assert fired(store, clock) == 0
    clock.forward(hours=3)
    assert fired(store, clock) == 1
    set_now(store, hours=9)
    clock.forward(hours=9)
    assert fired(store, clock) == 1
    assert len(inbox(store)) == 2


def test_a_timer_can_be_called_off(store: Store, clock: Clock) -> None:
    set_now(store)
    store.write_now(lambda session: cancel_timer(session, "t"))
    store.write_now(lambda session: cancel_timer(session, "never"))
    clock.forward(days=1)
    assert fired(store, clock) == 0


def test_setting_and_calling_off_belong_to_the_decision(store: Store, clock: Clock) -> None:
    def job(session: Session) -> None:
        set_timer(session, "t", SOON, "review")
        raise LookupError

    with pytest.raises(LookupError):
        store.write_now(job)
    clock.forward(days=1)
    assert fired(store, clock) == 0


def test_each_fires_once_after_a_long_stop_and_through_a_clock_set_back(store: Store, clock: Clock) -> None:
    for n in range(250):
        set_now(store, f"t{n}", hours=n)
    clock.forward(days=365)
    while fired(store, clock):
        pass
    clock.forward(days=-400)
    assert fired(store, clock) == 0
    clock.forward(days=500)
    assert fired(store, clock) == 0
    rows = inbox(store)
    assert len(rows) == 250
    assert rows[0].key.startswith("t0@")


def test_the_same_instant_fires_once_even_if_set_again(store: Store, clock: Clock) -> None:
    set_now(store)
    clock.forward(hours=1)
    fired(store, clock)
    set_now(store)
    assert fired(store, clock) == 1
    assert len(inbox(store)) == 1


def remember(store: Store, what: str) -> None:
    store.write_now(
        lambda session: journal.append(session, Happened(what, facts={"k": "v"}), at=START, who="w", where="h")
    )


def anchors(store: Store) -> list[Anchor]:
    return list(store.read_now(lambda session: session.exec(select(Anchor)).all()))


async def test_the_loop_fires_and_wakes_the_decider(store: Store, clock: Clock) -> None:
    wake = asyncio.Event()
    timers = Timers(store, clock, wake)
    set_now(store)
    timers.start()
    await until(lambda: anchors(store) is not None)
    clock.forward(hours=1)
    await until(wake.is_set)
    await timers.stop()
    assert len(inbox(store)) == 1
    assert store.read_now(lambda session: session.exec(select(TimerRow.fired)).all()) == [True]


async def test_the_journal_is_anchored_at_start_every_hour_and_at_stop(
    store: Store, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "chatops")
    timers = Timers(store, clock, asyncio.Event())
    remember(store, "one")
    await timers.turn()
    remember(store, "two")
    await timers.turn()
    assert [anchor.heads["installation"][0] for anchor in anchors(store)] == [1]
    clock.forward(hours=1)
    await timers.turn()
    clock.forward(hours=-30)
    remember(store, "three")
    await timers.turn()
    remember(store, "four")
    await timers.stop()
    found = anchors(store)
    assert [anchor.heads["installation"][0] for anchor in found] == [1, 2, 3, 4]
    for anchor in found:
        assert anchor.heads["installation"][1] in caplog.text, "kept in the log too, where a cut database cannot reach"
