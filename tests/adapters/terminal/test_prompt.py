from __future__ import annotations

import asyncio
import io
import os
import pty
import re
import select
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.data_structures import Size
from prompt_toolkit.document import Document as Typed
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output

from adapters.terminal.history import DiscreetHistory
from adapters.terminal.prompt import Words
from adapters.terminal.service import TerminalService
from adapters.terminal.shell import run_shell
from chatops.document import Document
from chatops.ports import Effect, Receipt
from tests.adapters.terminal.bot import Bot, eventually, post

SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def remember(line: str) -> bool:
    return not line.startswith(("report", "tell"))


class Terminal:
    """A person's terminal: keys go in, what would be on the screen comes out."""

    def __init__(self, bot: Bot, keys: PipeInput, history: Path) -> None:
        self.bot = bot
        self.keys = keys
        self.history = history
        self.raw = io.StringIO()
        self.output = Vt100_Output(self.raw, lambda: Size(rows=24, columns=80), term="xterm")

    @property
    def screen(self) -> str:
        return SEQUENCE.sub("", self.raw.getvalue())

    async def run(self, timeout: float = 5) -> int:  # noqa: ASYNC109
        with create_app_session(input=self.keys, output=self.output):
            return await run_shell(
                self.bot.service.connect,
                "maintainer",
                interactive=True,
                stdin=sys.stdin,
                stdout=sys.stdout,
                complete=lambda before: [word for word in ("cases", "close") if word.startswith(before)],
                history=self.history,
                remember=remember,
                timeout=timeout,
            )

    def type(self, text: str) -> None:
        self.keys.send_text(text)


@pytest.fixture
async def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("PROMPT_TOOLKIT_NO_CPR", "1")
    service = TerminalService()
    bot = Bot(service)
    await service.start(bot)
    with create_pipe_input() as keys:
        yield Terminal(bot, keys, tmp_path / "state" / "history")
    await service.stop()
    await asyncio.gather(*bot.tasks, return_exceptions=True)


async def heard(terminal: Terminal, line: str) -> None:
    """Type a line and wait for its answer."""
    terminal.type(f"{line}\r")
    await eventually(lambda: f"heard {line}" in terminal.screen)


@pytest.mark.parametrize("leave", ["exit\r", " quit \r", "\x04", "\x03"])
async def test_a_line_is_answered_and_the_shell_left(terminal: Terminal, leave: str) -> None:
    shell = asyncio.create_task(terminal.run())
    await heard(terminal, "cases")
    terminal.type(leave)
    assert await asyncio.wait_for(shell, 5) == 0
    assert [said.text for said in terminal.bot.heard] == ["cases"]
    assert "maintainer> " in terminal.screen


async def test_what_comes_unasked_is_shown_above_the_prompt(terminal: Terminal) -> None:
    shell = asyncio.create_task(terminal.run())
    await heard(terminal, "cases")
    terminal.type("half a li")
    await eventually(lambda: "half a li" in terminal.screen)
    room = terminal.bot.heard[0].room
    card = post(room, Document(title="Past its date", tone="alert"), effect="c", edit="b")
    assert await terminal.bot.service.perform(card) == Receipt(event="c")
    await eventually(lambda: "Past its date" in terminal.screen)
    assert "(updated)" in terminal.screen
    terminal.type("ne\r")
    await eventually(lambda: "heard half a line" in terminal.screen)
    terminal.type("\x04")
    assert await asyncio.wait_for(shell, 5) == 0


async def test_words_are_completed(terminal: Terminal) -> None:
    shell = asyncio.create_task(terminal.run())
    terminal.type("ca\t")
    await eventually(lambda: "ses" in terminal.screen)
    terminal.type("\r")
    await eventually(lambda: terminal.bot.heard)
    terminal.type("\x04")
    await asyncio.wait_for(shell, 5)
    assert terminal.bot.heard[0].text == "cases"


async def test_a_lost_bot_ends_the_prompt(terminal: Terminal) -> None:
    shell = asyncio.create_task(terminal.run())
    await heard(terminal, "cases")
    await terminal.bot.service.stop()
    assert await asyncio.wait_for(shell, 5) == 1
    assert terminal.screen.count("The connection to the bot was lost.") == 1


async def test_a_late_answer_is_still_shown(terminal: Terminal) -> None:
    shell = asyncio.create_task(terminal.run(timeout=0.1))
    terminal.type("silence\r")
    await eventually(lambda: "No answer within 0.1 s" in terminal.screen)
    said = terminal.bot.heard[0]
    effect: Effect = post(said.room, Document(title="at last"), effect="l", reply_to=said.event)
    await terminal.bot.service.perform(effect)
    await eventually(lambda: "at last" in terminal.screen)
    terminal.type("\x04")
    assert await asyncio.wait_for(shell, 5) == 0


async def test_a_line_that_was_not_taken(terminal: Terminal) -> None:
    terminal.bot.broken = True
    shell = asyncio.create_task(terminal.run())
    terminal.type("cases\r")
    await eventually(lambda: "Not sent: the line was not taken" in terminal.screen)
    terminal.type("\r\x04")
    assert await asyncio.wait_for(shell, 5) == 0


async def test_lines_that_bear_a_cases_text_are_not_kept(terminal: Terminal) -> None:
    shell = asyncio.create_task(terminal.run())
    for line in ("cases", "report a hole in the daemon", "show X"):
        await heard(terminal, line)
    terminal.type("\x04")
    await asyncio.wait_for(shell, 5)
    kept = terminal.history.read_text(encoding="utf-8")
    assert "+cases" in kept
    assert "+show X" in kept
    assert "hole" not in kept
    assert stat.S_IMODE(terminal.history.stat().st_mode) == 0o600
    assert stat.S_IMODE(terminal.history.parent.stat().st_mode) == 0o700


def test_an_older_history_file_is_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "history"
    path.write_text("\n# then\n+cases\n")
    path.chmod(0o644)
    kept = DiscreetHistory(path, remember)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(kept.load_history_strings()) == ["cases"]


def test_a_link_in_place_of_the_history_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "history").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic"):
        DiscreetHistory(tmp_path / "history", remember)


async def test_a_history_that_cannot_be_used_is_one_clear_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "history").symlink_to(tmp_path / "target")
    out = io.StringIO()
    code = await run_shell(
        terminal.bot.service.connect,
        "m",
        interactive=True,
        stdin=sys.stdin,
        stdout=out,
        complete=lambda _: [],
        history=tmp_path / "history",
    )
    assert code == 1
    assert out.getvalue().startswith("The history file cannot be used: ")


def test_a_completion_replaces_the_last_word() -> None:
    words = Words(lambda before: ["status="] if before == "pack add st" else [])
    (found,) = words.get_completions(Typed("pack add st"), CompleteEvent())
    assert (found.text, found.start_position) == ("status=", -2)


SCRIPT = """
import asyncio, sys
from pathlib import Path
from adapters.terminal.service import TerminalService
from adapters.terminal.shell import run_shell
from tests.adapters.terminal.bot import Bot
async def main():
    service = TerminalService()
    await service.start(Bot(service))
    code = await run_shell(service.connect, "m", interactive=True, stdin=sys.stdin, stdout=sys.stdout,
                           complete=lambda _: [], history=Path(sys.argv[1]), remember=lambda _: True)
    await service.stop()
    return code
sys.exit(asyncio.run(main()))
"""


def test_on_a_real_terminal(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "history")],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
        start_new_session=True,
    )
    os.close(slave)
    screen = b""

    def read_until(sought: bytes) -> None:
        nonlocal screen
        deadline = time.monotonic() + 30
        while sought not in screen:
            ready, _, _ = select.select([master], [], [], max(deadline - time.monotonic(), 0))
            assert ready, screen
            screen += os.read(master, 65536)

    try:
        read_until(b"m>")
        os.write(master, b"cases\r")
        read_until(b"heard cases")
        assert re.search(rb"\x1b\[[0-9;]*1m(\x1b\[[0-9;]*m)*heard cases", screen)
        os.write(master, b"exit\r")
        assert shell.wait(10) == 0
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
    assert b"Traceback" not in screen
