from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from chatops.model.flow import OutboxRow
from chatops.model.people import Occupant, Place
from chatops.picture import Mark, Picture, Sort
from chatops.ports import (
    Effect,
    Impossible,
    Invite,
    Leave,
    OpenRoom,
    Outcome,
    Receipt,
    Redact,
    TryLater,
    Upload,
)
from chatops.service.intake import as_received
from chatops.service.outbox import TRIES, Gate, Ruling, again, take_up
from chatops.service.store import Store
from chatops.service.worker import Worker
from tests.service.kit import (
    START,
    Clock,
    FakeService,
    Faults,
    effect,
    inbox,
    open_gate,
    outbox,
    post,
    put,
    state,
    until,
)


class Bench:
    """A worker with one fake service, driven by hand."""

    def __init__(self, store: Store, clock: Clock, faults: Faults) -> None:
        self.store = store
        self.clock = clock
        self.faults = faults
        self.matrix = FakeService()
        self.wake, self.inbox_wake = asyncio.Event(), asyncio.Event()
        self.worker = self.make()

    def make(self, gate: Gate = open_gate, **rest: Any) -> Worker:
        self.worker = Worker(
            self.store,
            {"matrix": self.matrix},
            gate,
            self.faults,
            self.clock,
            self.wake,
            inbox_wake=self.inbox_wake,
            **rest,
        )
        return self.worker

    def put(self, *rows: Any) -> None:
        put(self.store, rows)

    async def flush(self) -> None:
        async with asyncio.timeout(30):
            await self.worker.flush()

    def row(self, key: str) -> OutboxRow:
        return outbox(self.store)[key]

    def outcomes(self) -> list[Outcome]:
        events = [as_received(row).event for row in inbox(self.store, "outcome")]
        return [event for event in events if isinstance(event, Outcome)]


@pytest.fixture
def bench(store: Store, clock: Clock, faults: Faults) -> Bench:
    return Bench(store, clock, faults)


async def test_an_effect_is_performed_and_settled(bench: Bench) -> None:
    bench.put(effect("k", tenant="T"))
    await bench.flush()
    assert bench.matrix.effects == [Effect(id="k", service="matrix", tenant="T", room="!room", deed=post())]
    row = bench.row("k")
    assert (row.state, row.event, row.attempts, row.lease_until) == ("done", "$sent-k", 1, None)
    assert (row.first_at, row.done_at) == (START, START)
    assert row.deed["t"] == "post", "kept: reactions look up its actions"
    assert bench.outcomes() == []


async def test_a_picture_is_drawn_when_it_is_sent_and_the_same_at_each_try(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        if not sent.attempts:
            raise TryLater("503")
        return Receipt()

    bench.matrix.script = script
    drawing = Upload(name="a.png", picture=Picture("DS-2026-7KQ4: timeline", (Mark(START, 0, Sort.NOTICE),), START))
    bench.put(effect("k", deed=drawing))
    frozen = dict(bench.row("k").deed)
    await bench.flush()
    bench.clock.forward(seconds=2)
    await bench.flush()
    first, second = [sent.deed for sent in bench.matrix.effects]
    assert first == second == drawing.drawn()
    assert second.open().read().startswith(b"\x89PNG")
    assert bench.row("k").state == "done"
    assert bench.row("k").deed == frozen, "what was decided, not what was drawn"


async def test_a_row_is_on_disk_as_attempted_before_it_is_sent(bench: Bench) -> None:
    seen: list[tuple[str, int, datetime | None]] = []

    def script(sent: Effect) -> Receipt:
        row = bench.row(sent.id)
        seen.append((row.state, row.attempts, row.lease_until))
        return Receipt()

    bench.matrix.script = script
    bench.put(effect("k"))
    await bench.flush()
    assert seen == [("attempted", 1, START + timedelta(seconds=60))]


async def test_order_is_kept_in_a_conversation(bench: Bench) -> None:
    bench.put(*(effect(f"{talk}{n}", talk) for n in range(4) for talk in "ab"))
    await bench.flush()
    for talk in "ab":
        assert [key for key in bench.matrix.ids if key[0] == talk] == [f"{talk}{n}" for n in range(4)]


async def test_a_failure_waits_with_its_conversation_and_holds_no_other(bench: Bench) -> None:
    failing = {"a0"}

    def script(sent: Effect) -> Receipt:
        if sent.id in failing:
            raise TryLater("503")
        return Receipt()

    bench.matrix.script = script
    bench.put(effect("a0", "a"), effect("a1", "a"), effect("b0", "b"))
    await bench.flush()
    assert bench.matrix.ids == ["a0", "b0"]
    row = bench.row("a0")
    assert (row.state, row.attempts, row.problem) == ("waiting", 1, "503")
    failing.clear()
    bench.clock.forward(seconds=2)
    await bench.flush()
    assert bench.matrix.ids == ["a0", "b0", "a0", "a1"]
    again = bench.matrix.effects[2]
    assert (again.attempts, again.first) == (1, START)
    assert again.deed == bench.matrix.effects[0].deed


async def test_the_servers_own_wait_is_honoured(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        raise TryLater("ratelimited", timedelta(minutes=7))

    bench.matrix.script = script
    bench.put(effect("k"))
    await bench.flush()
    assert bench.row("k").not_before == START + timedelta(minutes=7)


async def test_what_surely_did_not_happen_does_not_count_and_goes_out_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    refused = [True]

    def script(sent: Effect) -> Receipt:
        if refused:
            raise TryLater("token_revoked", timedelta(minutes=10), counts=False)
        return Receipt(event=f"$sent-{sent.id}")

    bench.matrix.script = script
    bench.put(effect("k0", "k"), effect("k1", "k"))
    await exhaust(bench)
    assert len(bench.matrix.effects) > TRIES
    assert [bench.row(key).state for key in ("k0", "k1")] == ["waiting", "waiting"]
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    bench.matrix.effects.clear()
    refused.clear()
    await exhaust(bench)
    assert bench.matrix.ids == ["k0", "k1"]
    assert [bench.row(key).state for key in ("k0", "k1")] == ["done", "done"]


async def test_waits_grow_up_to_ten_minutes(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        raise ConnectionError("🤫")

    bench.matrix.script = script
    bench.put(effect("k"))
    waits = []
    for _ in range(11):
        await bench.flush()
        due = bench.row("k").not_before
        assert due is not None
        waits.append((due - bench.clock()).total_seconds())
        bench.clock.now = due
    for number, wait in enumerate(waits):
        most = min(2**number, 600)
        assert most / 2 <= wait <= most
    assert bench.row("k").problem == "ConnectionError"
    assert bench.row("k").first_at == START


async def exhaust(bench: Bench) -> None:
    for _ in range(40):
        await bench.flush()
        bench.clock.forward(minutes=11)


async def test_after_twelve_attempts_a_row_is_dead_and_those_behind_it_pass(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        if sent.id == "k":
            raise TryLater("503")
        return Receipt()

    bench.matrix.script = script
    bench.put(effect("k"), effect("behind"))
    await exhaust(bench)
    assert bench.matrix.ids == ["k"] * 12 + ["behind"]
    assert (bench.row("k").state, bench.row("k").problem) == ("dead", "503")
    assert bench.outcomes() == [Outcome(effect="k", ok=False, problem="503")]
    assert bench.faults.codes == [("k", "503")]


async def test_the_impossible_is_dead_at_once(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        raise Impossible("forbidden")

    bench.matrix.script = script
    bench.put(
        effect("k", place="p", deed=Invite(user="@bob")), Place(id="p", kind="embargo", service="matrix", room="!p")
    )
    await bench.flush()
    assert (bench.row("k").state, bench.row("k").problem) == ("dead", "forbidden")
    assert bench.outcomes() == [Outcome(effect="k", ok=False, problem="forbidden")]
    assert inbox(bench.store, "outcome")[0].conversation == "outcome:p"


async def test_a_dead_row_can_be_retried_and_its_success_is_news(bench: Bench) -> None:
    """The second outcome must not be taken for a duplicate of the first."""
    problems: list[Exception] = [Impossible("forbidden")]

    def script(sent: Effect) -> Receipt:
        if problems:
            raise problems.pop()
        return Receipt(data={"room": "!new"})

    bench.matrix.script = script
    bench.put(effect("k", deed=OpenRoom(purpose="direct", name="n", topic="t")))
    await bench.flush()
    assert bench.store.write_now(lambda session: again(session, "k"))
    assert not bench.store.write_now(lambda session: again(session, "k"))
    await bench.flush()
    assert bench.row("k").state == "done"
    assert bench.matrix.effects[1].attempts == 1, "the service is told of the earlier try"
    assert bench.outcomes() == [
        Outcome(effect="k", ok=False, problem="forbidden"),
        Outcome(effect="k", ok=True, data={"room": "!new"}),
    ]


async def test_a_retried_row_gets_twelve_more_attempts(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        raise TryLater("503")

    bench.matrix.script = script
    bench.put(effect("k"))
    await exhaust(bench)
    bench.store.write_now(lambda session: again(session, "k"))
    await exhaust(bench)
    assert len(bench.matrix.ids) == 24
    assert len(bench.outcomes()) == 2
    assert bench.store.write_now(lambda session: again(session, "k", give_up=True))
    assert not bench.store.write_now(lambda session: again(session, "k", give_up=True))
    assert state(bench.store, "k") == "skipped"


async def test_news_comes_in_as_an_inbox_row(bench: Bench) -> None:
    bench.matrix.script = lambda sent: Receipt(data={"room": "!made"} if sent.id == "open" else {})
    bench.put(
        effect("open", "a", deed=OpenRoom(purpose="embargo", name="n", topic="t")),
        effect("upload", "b", deed=Upload(path="/x", name="x", sha256="0")),
        effect("redact", "c", deed=Redact(event="$e", reason="r")),
        effect("post", "d"),
    )
    await bench.flush()
    assert bench.outcomes() == [
        Outcome(effect="open", ok=True, data={"room": "!made"}),
        Outcome(effect="upload", ok=True),
    ]
    first = inbox(bench.store, "outcome")[0]
    assert (first.key, first.conversation) == ("open", "outcome:open")
    assert bench.inbox_wake.is_set()


# --- places, edits, the gate ---


async def test_messages_wait_until_their_place_exists(bench: Bench) -> None:
    place = Place(id="p", kind="embargo", service="matrix")
    opening = effect("open", "rooms", place="p", room=None, deed=OpenRoom(purpose="embargo", name="n", topic="t"))
    bench.put(place, effect("hello", place="p", room=None), opening, effect("nowhere", "x", place="unknown", room=None))
    await bench.flush()
    assert bench.matrix.ids == ["open"]
    assert bench.matrix.effects[0].room is None

    def made(session: Session) -> None:
        session.get_one(Place, "p").room = "!made"

    bench.store.write_now(made)
    await bench.flush()
    assert bench.matrix.ids == ["open", "hello"]
    assert bench.matrix.effects[1].room == "!made"
    assert state(bench.store, "nowhere") == "waiting"


async def test_many_that_wait_for_a_place_hide_nobody(bench: Bench) -> None:
    bench.put(*(effect(f"w{n}", f"w{n}", place="p", room=None) for n in range(60)))
    bench.put(effect("open", "rooms", place="p", room=None, deed=OpenRoom(purpose="embargo", name="n", topic="t")))
    await bench.flush()
    assert bench.matrix.ids == ["open"]


async def test_an_edit_names_the_message_that_came_of_the_earlier_effect(bench: Bench) -> None:
    bench.put(
        effect("first"), effect("second", deed=post("2", edit="first")), effect("third", deed=post("3", edit="second"))
    )
    await bench.flush()
    assert [sent.target for sent in bench.matrix.effects] == [None, "$sent-first", "$sent-first"]


async def test_an_edit_waits_for_its_message(bench: Bench) -> None:
    bench.matrix.held["!slow"] = asyncio.Event()
    bench.put(effect("first", "a", room="!slow"), effect("edit", "b", deed=post("2", edit="first")))
    flushing = asyncio.create_task(bench.flush())
    await until(lambda: bench.row("edit").not_before)
    bench.matrix.held["!slow"].set()
    await flushing
    assert bench.matrix.ids == ["first"]
    bench.clock.forward(seconds=5)
    await bench.flush()
    assert bench.matrix.effects[1].target == "$sent-first"


async def test_an_edit_of_what_never_came_is_a_new_message(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        if sent.id == "first":
            raise Impossible("forbidden")
        return Receipt()

    bench.matrix.script = script
    bench.put(
        effect("first"), effect("edit", deed=post("2", edit="first")), effect("stray", deed=post("3", edit="none"))
    )
    await bench.flush()
    assert [sent.target for sent in bench.matrix.effects] == [None, None, None]
    assert [sent.deed for sent in bench.matrix.effects[1:]] == [post("2"), post("3")]
    assert bench.row("edit").deed["edit"] is None, "frozen so: a later attempt is the same message"


class Guard:
    """A gate that can be turned."""

    def __init__(self) -> None:
        self.rulings: dict[str, Ruling | Exception] = {}
        self.asked: list[tuple[str, str, int]] = []

    def __call__(self, session: Session, row: OutboxRow, now: datetime) -> Ruling:
        self.asked.append((row.key, row.state, row.attempts))
        ruling = self.rulings.get(row.key, Ruling("pass"))
        if isinstance(ruling, Exception):
            raise ruling
        return ruling


async def test_what_is_held_waits_and_goes_when_it_may(bench: Bench) -> None:
    guard = Guard()
    bench.make(guard)
    guard.rulings["k"] = Ruling("hold", "intruder")
    bench.put(effect("k"), effect("behind"), effect("other", "b"))
    await bench.flush()
    assert bench.matrix.ids == ["other"]
    assert (bench.row("k").state, bench.row("k").attempts) == ("waiting", 0)
    guard.rulings.clear()
    bench.clock.forward(seconds=5)
    await bench.flush()
    assert bench.matrix.ids == ["other", "k", "behind"]


async def test_what_is_refused_is_never_sent_and_always_told(bench: Bench) -> None:
    guard = Guard()
    bench.make(guard)
    guard.rulings["k"] = Ruling("refuse", "clearance")
    bench.put(effect("k"), effect("behind"))
    await bench.flush()
    assert bench.matrix.ids == ["behind"]
    assert (bench.row("k").state, bench.row("k").problem) == ("refused", "clearance")
    assert bench.faults.codes == [("k", "clearance")]


async def test_the_gate_is_asked_before_every_attempt(bench: Bench) -> None:
    """Who lost their clearance between two attempts does not get the second."""
    guard = Guard()
    bench.make(guard)

    def script(sent: Effect) -> Receipt:
        raise TryLater("503")

    bench.matrix.script = script
    bench.put(effect("k"))
    await bench.flush()
    guard.rulings["k"] = Ruling("refuse", "not-cleared")
    bench.clock.forward(minutes=1)
    await bench.flush()
    assert guard.asked == [("k", "waiting", 0), ("k", "waiting", 1)]
    assert bench.matrix.ids == ["k"]
    assert state(bench.store, "k") == "refused"


async def test_a_gate_that_fails_lets_nothing_through(bench: Bench) -> None:
    guard = Guard()
    bench.make(guard)
    guard.rulings["k"] = KeyError("🤫")
    bench.put(effect("k"), effect("other", "b"))
    await exhaust(bench)
    assert bench.matrix.ids == ["other"]
    assert (bench.row("k").state, bench.row("k").problem) == ("dead", "KeyError")
    assert bench.faults.codes == [("k", "KeyError")]


async def test_a_refusal_that_cannot_be_told_is_not_dropped(bench: Bench) -> None:
    guard = Guard()
    guard.rulings["k"] = Ruling("refuse", "clearance")
    told: list[str] = []

    def fault(session: Session, row: OutboxRow, code: str) -> None:
        told.append(code)
        if len(told) <= 2:  # the worker's quick try, and the careful one
            raise RuntimeError

    bench.faults = fault  # type: ignore[assignment]
    bench.make(guard)
    bench.put(effect("k"))
    await bench.flush()
    assert state(bench.store, "k") == "waiting"
    bench.clock.forward(minutes=1)
    await bench.flush()
    assert state(bench.store, "k") == "refused"
    assert told == ["clearance"] * 3
    assert bench.matrix.ids == []


async def test_a_damaged_row_is_dead_and_blocks_nobody(bench: Bench) -> None:
    bench.put(effect("k"), effect("behind"), effect("odd", "b"), effect("lost", "c", place="p", room=None))
    bench.store.write_now(
        lambda session: session.connection().exec_driver_sql(
            "UPDATE outbox SET deed = CASE key WHEN 'odd' THEN '{\"t\":\"odd\"}' ELSE '{' END WHERE key <> 'behind'"
        )
    )
    await bench.flush()
    assert bench.matrix.ids == ["behind"]
    assert sorted(bench.faults.codes) == [("k", "unreadable"), ("lost", "unreadable"), ("odd", "unreadable")]


async def test_who_may_be_in_the_room_goes_with_what_is_said_there(bench: Bench) -> None:
    for kind in ("embargo", "public"):
        bench.put(
            Place(id=kind, kind=kind, service="matrix", room=f"!{kind}"),
            Occupant(place=kind, address="@alice", state="joined"),
            Occupant(place=kind, address="@bob", state="invited"),
            effect(f"said-{kind}", kind, place=kind),
        )
    bench.put(effect("done", "x", place="embargo", deed=Leave()))
    await bench.flush()
    audiences = {one.id: one.audience for one in bench.matrix.effects}
    assert audiences == {"said-embargo": ("@alice", "@bob"), "said-public": None, "done": None}


# --- leases, instant rows, stopping ---


def crash(bench: Bench) -> None:
    """What a process leaves behind that dies between attempt and acknowledgement."""
    bench.store.write_now(lambda session: bench.worker._outbox.claim(session, bench.clock(), 8, [], 8))


async def test_an_attempt_that_was_broken_off_is_made_again_when_its_lease_ran_out(bench: Bench) -> None:
    bench.put(effect("k"), effect("behind"))
    crash(bench)
    await bench.flush()
    assert bench.matrix.ids == []
    bench.clock.forward(seconds=61)
    await bench.flush()
    assert bench.matrix.ids == ["k", "behind"]
    assert (bench.matrix.effects[0].attempts, bench.matrix.effects[0].first) == (1, START)


async def test_who_is_alone_takes_up_broken_attempts_at_once(bench: Bench) -> None:
    bench.put(effect("k"), effect("now", "b", deed=post(instant=True)), effect("new", "c"))
    bench.store.write_now(lambda session: bench.worker._outbox.claim(session, bench.clock(), 2, [], 8))
    bench.store.write_now(take_up)
    await bench.flush()
    assert bench.matrix.ids == ["k", "new"]
    assert [sent.attempts for sent in bench.matrix.effects] == [1, 0]
    assert state(bench.store, "now") == "dead"


async def test_a_clock_set_back_does_not_lengthen_a_lease(bench: Bench) -> None:
    bench.put(effect("k"))
    crash(bench)
    bench.clock.forward(days=-2)
    await bench.flush()
    assert bench.matrix.ids == ["k"]


async def test_an_effect_that_breaks_the_process_each_time_dies_too(bench: Bench) -> None:
    bench.put(effect("k"))
    for _ in range(20):
        crash(bench)
        bench.clock.forward(minutes=2)
    assert (bench.row("k").state, bench.row("k").problem, bench.row("k").attempts) == ("dead", "unknown", 12)
    assert bench.faults.codes == [("k", "unknown")]


async def test_an_instant_answer_is_sent_at_most_once(bench: Bench) -> None:
    bench.put(effect("k", deed=post(instant=True)), effect("behind"))
    crash(bench)
    bench.clock.forward(minutes=2)
    await bench.flush()
    assert bench.matrix.ids == ["behind"]
    assert (bench.row("k").state, bench.row("k").problem) == ("dead", "unknown")
    assert bench.faults.codes == []
    assert bench.outcomes() == []
    bench.store.write_now(lambda session: again(session, "k"))
    await bench.flush()
    assert bench.matrix.ids == ["behind"]


async def test_an_instant_answer_that_fails_is_not_sent_again(bench: Bench) -> None:
    def script(sent: Effect) -> Receipt:
        raise TryLater("timeout")

    bench.matrix.script = script
    bench.put(effect("k", deed=post(instant=True)))
    await exhaust(bench)
    assert bench.matrix.ids == ["k"]
    assert (bench.row("k").state, bench.faults.codes) == ("dead", [])


async def test_a_long_effect_keeps_its_lease(bench: Bench) -> None:
    bench.matrix.held["!room"] = asyncio.Event()
    bench.put(effect("k"))
    await bench.worker.turn()
    for _ in range(6):
        bench.clock.forward(seconds=30)
        await bench.worker.turn()
    assert bench.row("k").lease_until == bench.clock() + timedelta(seconds=60)
    other = bench.make()
    await other.turn()
    assert bench.matrix.ids == ["k"], "nobody else takes it"


async def test_a_result_that_comes_after_the_lease_was_lost_changes_nothing(bench: Bench) -> None:
    bench.put(effect("k"))
    first = bench.worker._outbox
    (claim,), _ = bench.store.write_now(lambda session: first.claim(session, bench.clock(), 8, [], 8))
    bench.clock.forward(minutes=2)
    (second,), _ = bench.store.write_now(lambda session: first.claim(session, bench.clock(), 8, [], 8))
    bench.store.write_now(lambda session: first.settle(session, bench.clock(), claim, Impossible("late")))
    assert state(bench.store, "k") == "attempted"
    bench.store.write_now(lambda session: first.settle(session, bench.clock(), second, Receipt(event="$e")))
    bench.store.write_now(lambda session: first.settle(session, bench.clock(), claim, Receipt(event="$late")))
    assert (bench.row("k").state, bench.row("k").event) == ("done", "$e")


async def test_no_more_than_so_many_at_once_and_a_slow_place_leaves_room(bench: Bench) -> None:
    slow = bench.matrix.held["!slow"] = asyncio.Event()
    bench.put(*(effect(f"s{n}", f"s{n}", room="!slow") for n in range(30)))
    bench.put(*(effect(f"q{n}", f"q{n}", room="!quick") for n in range(10)))
    bench.worker.start()
    await until(lambda: sum(key[0] == "q" for key in bench.matrix.ids) == 10)
    assert sum(key[0] == "s" for key in bench.matrix.ids) == 8
    slow.set()
    await until(lambda: len(bench.matrix.ids) == 40)
    await bench.worker.stop()
    assert bench.matrix.most == 11
    assert {row.state for row in outbox(bench.store).values()} == {"done"}


async def test_a_service_that_hangs_leaves_room_for_another(store: Store, clock: Clock, faults: Faults) -> None:
    hangs, works = FakeService(), FakeService()
    wake = asyncio.Event()
    worker = Worker(store, {"slack": hangs, "matrix": works}, open_gate, faults, clock, wake)
    rows = [effect(f"s{n}", f"s{n}", room=f"C{n}", service="slack") for n in range(20)]
    for row in rows:
        hangs.held[row.room or ""] = asyncio.Event()
    put(store, [*rows, effect("m")])
    worker.start()
    await until(lambda: state(store, "m") == "done")
    await worker.stop(timeout=0)
    assert state(store, "s0") == "waiting"


async def test_only_services_that_run_here_are_claimed(bench: Bench) -> None:
    bench.put(effect("slack", "a", service="slack"), effect("matrix", "b"))
    await bench.flush()
    assert state(bench.store, "slack") == "waiting"
    assert state(bench.store, "matrix") == "done"


async def test_stopping_waits_for_what_is_in_flight(bench: Bench) -> None:
    held = bench.matrix.held["!room"] = asyncio.Event()
    bench.put(effect("k"), effect("behind"))
    bench.worker.start()
    await until(lambda: bench.matrix.ids)
    stopping = asyncio.create_task(bench.worker.stop())
    await asyncio.sleep(0)
    held.set()
    await stopping
    assert state(bench.store, "k") == "done"
    assert state(bench.store, "behind") == "waiting"


async def test_stopping_does_not_wait_for_ever(bench: Bench) -> None:
    bench.matrix.held["!room"] = asyncio.Event()
    bench.put(effect("k"), effect("now", "b", deed=post(instant=True)))
    bench.worker.start()
    await until(lambda: len(bench.matrix.ids) == 2)
    await bench.worker.stop(timeout=0.01)
    row = bench.row("k")
    assert (row.state, row.attempts, row.problem) == ("waiting", 1, "stopped")
    assert state(bench.store, "now") == "dead"


async def test_a_settlement_that_fails_with_the_database_is_made_up_for(bench: Bench) -> None:
    bench.put(effect("k"))
    await bench.worker.turn()
    await until(lambda: bench.worker._ended)
    bench.store.write_now(lambda session: session.connection().exec_driver_sql("ALTER TABLE outbox RENAME TO hidden"))
    with pytest.raises(Exception, match="outbox"):
        await bench.worker.turn()
    bench.store.write_now(lambda session: session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO outbox"))
    await bench.flush()
    assert bench.matrix.ids == ["k"]
    assert state(bench.store, "k") == "done"


async def test_a_burst_shares_its_commits(bench: Bench) -> None:
    bench.put(*(effect(f"k{n}", f"c{n}") for n in range(100)))
    before = bench.store.commits
    await bench.flush()
    assert len(bench.matrix.ids) == 100
    assert bench.store.commits - before <= 40  # far fewer than the 200 of a claim and a settlement each


async def test_logs_hold_no_text(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "chatops")

    def script(sent: Effect) -> Receipt:
        raise ValueError("🤫")

    bench.matrix.script = script
    bench.put(effect("k", deed=post("🤫")))
    await exhaust(bench)
    assert "effect k is dead: ValueError" in caplog.text
    assert "🤫" not in caplog.text
