"""The outbox under random trouble: order within each conversation, every effect once, whatever happens between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlmodel import Session

from chatops.ports import Impossible, Receipt, TryLater
from chatops.service.outbox import Claim, Outbox
from chatops.service.store import Store
from chatops.service.tables import OUTBOX
from tests.service.kit import Clock, Faults, effect, open_gate, outbox, put

TALKS = "abc"


class Deliveries(RuleBasedStateMachine):
    """A worker driven step by step; the service is idempotent by key, as adapters are."""

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self.store.write_now(lambda session: session.execute(OUTBOX.delete()))
        self.clock = Clock()
        self.outbox = Outbox(["matrix"], open_gate, Faults(), jitter=lambda: 0.5)
        self.made: dict[str, list[str]] = {talk: [] for talk in TALKS}
        self.flying: list[Claim] = []
        self.arrived: list[str] = []  # at the service, first arrivals only
        self.keys: set[str] = set()
        self.impossible: set[str] = set()

    def do(self, job: Any) -> Any:
        return self.store.write_now(job)

    @rule(talk=st.sampled_from(TALKS), count=st.integers(1, 3))
    def add(self, talk: str, count: int) -> None:
        for _ in range(count):
            key = f"{talk}{len(self.made[talk])}"
            self.made[talk].append(key)
            put(self.store, [effect(key, talk)])

    @rule(free=st.integers(1, 4))
    def claim(self, free: int) -> None:
        def job(session: Session) -> list[Claim]:
            return self.outbox.claim(session, self.clock(), free, self.flying, 8)[0]

        self.flying += self.do(job)

    def arrive(self, claim: Claim) -> None:
        if claim.effect.id not in self.arrived:
            self.arrived.append(claim.effect.id)

    def end(self, result: Receipt | Exception, which: int) -> None:
        claim = self.flying.pop(which % len(self.flying))
        self.do(lambda session: self.outbox.settle(session, self.clock(), claim, result))

    @rule(which=st.integers(0, 9))
    def succeed(self, which: int) -> None:
        if self.flying:
            self.arrive(self.flying[which % len(self.flying)])
            self.end(Receipt(event="$e"), which)

    @rule(which=st.integers(0, 9), arrived=st.booleans(), after=st.integers(0, 90))
    def fail(self, which: int, arrived: bool, after: int) -> None:
        if self.flying:
            if arrived:
                self.arrive(self.flying[which % len(self.flying)])
            self.end(TryLater("timeout", timedelta(seconds=after)), which)

    @rule(which=st.integers(0, 9))
    def refuse(self, which: int) -> None:
        if self.flying:
            self.impossible.add(self.flying[which % len(self.flying)].effect.id)
            self.end(Impossible("forbidden"), which)

    @rule(arrived=st.booleans())
    def crash(self, arrived: bool) -> None:
        """The process dies; what was in flight may have arrived. The next one comes up when the leases are over."""
        if arrived:
            for claim in self.flying:
                self.arrive(claim)
        self.flying = []
        self.clock.forward(seconds=61)
        self.outbox = Outbox(["matrix"], open_gate, Faults(), jitter=lambda: 0.5)

    @rule(seconds=st.integers(1, 50))
    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)
        self.do(lambda session: self.outbox.renew(session, self.clock(), self.flying))

    @invariant()
    def one_of_a_conversation_flies(self) -> None:
        talks = [claim.effect.id[0] for claim in self.flying]
        assert len(talks) == len(set(talks))

    @invariant()
    def order_is_kept(self) -> None:
        for talk in TALKS:
            came = [key for key in self.arrived if key[0] == talk]
            # What is impossible may have come (an earlier try of unknown outcome) or not; the rest is in order.
            assert came == [key for key in self.made[talk] if key in set(came)]
            settled = [key for key in self.made[talk][: len(came)] if key not in self.arrived]
            assert set(settled) <= self.impossible

    def teardown(self) -> None:
        self.crash(arrived=False)
        while any(row.state in ("waiting", "attempted") for row in outbox(self.store).values()):
            self.clock.forward(minutes=11)
            self.claim(4)
            while self.flying:
                self.succeed(0)
        self.order_is_kept()
        rows = outbox(self.store)
        for key, row in rows.items():
            assert row.state == ("dead" if key in self.impossible else "done")
            assert key in self.arrived or key in self.impossible


def test_order_and_once_under_random_trouble(store: Store) -> None:
    machine = type("Run", (Deliveries,), {"store": store})
    # One example more or less matters little here; the databases' pace does.
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
