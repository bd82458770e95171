"""kill -9 at each point of the work, then another start: nothing lost, nothing decided twice, one key an effect."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pytest

from chatops.service.store import Store
from tests.service import victim
from tests.service.kit import inbox, outbox
from tests.service.victim import MESSAGES, POINTS

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([victim.__name__])


def run(url: str, point: str, file: Path, hours: float) -> int | None:
    """The exit status of a process of its own; None: it hangs. All are forked from one that has only imported."""
    process = FORKS.Process(target=victim.main, args=(url, point, file, hours))
    process.start()
    process.join(120)
    status = process.exitcode
    process.kill()
    process.join()
    process.close()
    return status


@pytest.mark.parametrize("point", POINTS)
def test_after_a_kill_nothing_is_lost_and_nothing_done_twice(database_url: str, tmp_path: Path, point: str) -> None:
    sent = tmp_path / "sent"
    sent.touch()
    assert run(database_url, point, sent, hours=0) == -signal.SIGKILL
    assert run(database_url, "", sent, hours=1) == 0
    with Store(database_url) as store:
        received, effects = inbox(store), outbox(store)
    assert [row.key for row in received] == [f"$!{n % 2}{n}" for n in range(MESSAGES)]
    assert {row.state for row in received} == {"done"}
    assert {row.state for row in effects.values()} == {"done"}
    assert [key.split(":")[0] for key in effects] == [row.key for row in received], "one decision each, in order"
    lines = [line.split() for line in sent.read_text().splitlines()]
    assert {key for key, _ in lines} == set(effects), "each arrived, under the one key that it ever had"
    twice = [key for key, attempts in lines if attempts != "0"]
    again = point in (
        "between attempt and sending",
        "between sending and acknowledgement",
        "before a settlement is committed",
    )
    assert bool(twice) == again, "an earlier try of unknown outcome is made known to the service, and no other"
    for room in "01":
        came = list(dict.fromkeys(key for key, _ in lines if key.startswith(f"$!{room}")))
        assert came == [key for key in effects if key.startswith(f"$!{room}")]
