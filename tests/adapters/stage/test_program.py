"""A child process on the stage: it is ready when it says so, it can be stopped, cut off and started again."""

from __future__ import annotations

import asyncio
import os
import sys
import tomllib
from pathlib import Path

import pytest

from adapters.stage.bot import matrix_config, start_bot, toml
from adapters.stage.program import NotReady, Program
from adapters.stage.synapse import Synapse
from chatops.config import Settings
from tests.conftest import People
from tests.nursery import forked

_COUNTS_ITS_LIVES = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
lives = pathlib.Path("lives")
lives.write_text(str(int(lives.read_text() or 0) + 1 if lives.exists() else 1))
print("warming up")
print("ready at", lives.read_text())
signal.pause()
"""


def _program(folder: Path, script: str) -> Program:
    return Program(folder, [sys.executable, "-c", script])


async def test_a_program_stops_is_killed_and_lives_again(tmp_path: Path) -> None:
    program = _program(tmp_path, _COUNTS_ITS_LIVES)
    await program.start(within=20)
    first = program.pid
    assert await program.stop() == 0
    await program.start(within=20)
    assert program.pid != first
    await program.kill()
    await program.start(within=20)
    pid = program.pid
    await program.restart(within=20)
    await program.close()
    assert (tmp_path / "lives").read_text() == "4"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_what_it_printed_is_kept_and_its_pipe_never_fills(tmp_path: Path) -> None:
    program = _program(tmp_path, "print('ready')\nfor number in range(20_000): print('a line', number)")
    await program.start(within=20)
    assert await program.ended() == 0
    assert program.last_words(1) == "a line 19999"


async def test_a_program_that_ends_early_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"(?s)ended with status 3.*no such setting"):
        await _program(tmp_path, "import sys; print('no such setting'); sys.exit(3)").start(within=20)


async def test_a_program_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    program = _program(tmp_path, "import time; print('still at it', flush=True); time.sleep(600)")
    with pytest.raises(NotReady, match=r"(?s)no word in 0\.5 s.*still at it"):
        await program.start(within=0.5)
    with pytest.raises(RuntimeError, match="not running"):
        _ = program.pid


async def test_the_bots_configuration_is_one_that_it_reads(synapse: Synapse, tmp_path: Path) -> None:
    config = await matrix_config(synapse, tmp_path, f"bot-{os.urandom(3).hex()}", {"maria": "@maria:localhost"})
    config["policy"] = {"quorum": 1, "discreet": False}
    read_back = tomllib.loads(toml(config))
    assert read_back == config
    Settings.model_validate(read_back)
    assert (tmp_path / "matrix-password").stat().st_mode & 0o777 == 0o600


def test_strings_keep_their_characters() -> None:
    odd = {"title": 'a "quoted" \\ 🔒 ü \n\x7f\x01', "section": {"list": ["a", 1, True], "path": Path("/x y")}}
    assert tomllib.loads(toml(odd)) == odd | {"section": {"list": ["a", 1, True], "path": "/x y"}}


async def test_the_echo_loses_nothing_in_a_burst(people: People, synapse: Synapse, tmp_path: Path) -> None:
    alice, echo = await asyncio.gather(people("alice"), people("echo"))
    await echo.deafen()
    room = await alice.open_room(encrypted=False, invite=[echo.id])
    program = Program(
        tmp_path,
        [sys.executable, "-m", "adapters.stage.echo", synapse.url],
        {"ECHO_TOKEN": echo.client.access_token, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    await program.start()
    try:
        await alice.joined(room, echo.id)
        asked = await asyncio.gather(*(alice.say(room, f"!ask {number}") for number in range(60)))
        await alice.memory.until(lambda: len(alice.answers(room, asked[0])) >= 60, within=30, what="60 answers")
        answers = [seen.answers for seen in alice.messages(room) if seen.sender == echo.id]
        assert sorted(filter(None, answers)) == sorted(asked)
    finally:
        await program.close()


async def test_a_bot_from_the_nursery_is_a_process_of_its_own_that_can_be_killed(tmp_path: Path) -> None:
    bot = await start_bot(tmp_path, {"coordinators": [{"name": "maintainer"}]}, run=forked)
    first = bot.pid
    await bot.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    await bot.start()
    assert bot.pid not in (first, os.getpid())
    assert await bot.stop() == 0
    (tmp_path / "chatops.toml").write_text("odd = 1")
    with pytest.raises(NotReady, match=r"ended with status 1:(.|\n)*chatops: odd: no such setting"):
        await bot.start()
