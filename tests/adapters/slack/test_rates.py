"""Rates, with a clock of the test's own: within a tier's budget in every minute, and nothing but the budget refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack.methods import METHODS
from adapters.slack.rates import NotDone, Rates

PACED = sorted(name for name, method in METHODS.items() if method.tier in (1, 2, 3, 4))
BUDGET = {1: 1, 2: 20, 3: 50, 4: 100}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def tried(rates: Rates, method: str, channel: str | None = None) -> timedelta | None:
    """How long a call has to wait; None: it was counted."""
    try:
        rates.enter(method, channel)
    except NotDone as early:
        return early.after
    return None


@given(
    method=st.sampled_from(PACED),
    steps=st.lists(st.sampled_from([0.0, 0.01, 0.5, 1.0, 3.0, 20.0, 61.0]), max_size=250),
)
def test_no_minute_holds_more_calls_than_the_tier_allows(method: str, steps: list[float]) -> None:
    clock, made = Clock(), list[float]()
    rates = Rates(clock)
    budget = BUDGET[METHODS[method].tier]
    for step in steps:
        clock.now += step
        recent = [at for at in made if at > clock.now - 60]
        refused = tried(rates, method)
        assert (refused is not None) == (len(recent) == budget)
        if refused is None:
            made.append(clock.now)
        else:  # until exactly then there is no room
            assert refused.total_seconds() == pytest.approx(recent[0] + 60 - clock.now)


@given(steps=st.lists(st.tuples(st.sampled_from(["C1", "C2"]), st.sampled_from([0.0, 0.3, 1.0, 7.0])), max_size=120))
def test_posts_are_about_one_a_second_in_each_channel(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    rates = Rates(clock)
    made: dict[str, list[float]] = {"C1": [], "C2": []}
    for channel, step in steps:
        clock.now += step
        recent = [at for at in made[channel] if at > clock.now - 5]
        refused = tried(rates, "chat.postMessage", channel)
        assert (refused is not None) == (len(recent) == 5)
        if refused is None:
            made[channel].append(clock.now)


def test_who_comes_back_when_told_gets_in() -> None:
    clock = Clock()
    rates = Rates(clock)
    for _ in range(20):
        rates.enter("conversations.create")
    with pytest.raises(NotDone) as early:
        rates.enter("conversations.create")
    assert early.value.after is not None
    clock.now += early.value.after.total_seconds()
    rates.enter("conversations.create")


def test_a_429_closes_the_method_for_as_long_as_slack_says() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.close("conversations.info", "C1", timedelta(seconds=30))
    with pytest.raises(NotDone) as early:
        rates.enter("conversations.info", "C2")
    assert (early.value.code, early.value.after) == ("ratelimited", timedelta(seconds=30))
    rates.enter("conversations.members", "C1")  # another method
    clock.now += 30
    rates.enter("conversations.info", "C2")


def test_a_429_for_a_post_closes_its_channel_only() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.close("chat.postMessage", "C1", timedelta(seconds=30))
    with pytest.raises(NotDone):
        rates.enter("chat.postMessage", "C1")
    rates.enter("chat.postMessage", "C2")


def test_a_shorter_429_does_not_open_what_a_longer_one_closed() -> None:
    clock = Clock()
    rates = Rates(clock)
    rates.close("users.conversations", None, timedelta(seconds=30))
    rates.close("users.conversations", None, timedelta(seconds=1))
    clock.now += 5
    with pytest.raises(NotDone):
        rates.enter("users.conversations")
