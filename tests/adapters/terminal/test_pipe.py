from __future__ import annotations

import asyncio
import hashlib
import io
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from adapters.terminal.service import TerminalService
from adapters.terminal.shell import run_shell
from adapters.terminal.wire import REPLY_LIMIT, Streams, dial
from chatops.document import Document
from chatops.ports import Dropped, Received, Said
from tests.adapters.terminal.bot import Bot, echo, post
from tests.documents import case_card


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    service = TerminalService(tmp_path / "run" / "s")
    bot = Bot(service)
    await service.start(bot)
    yield bot
    await service.stop()
    await asyncio.gather(*bot.tasks, return_exceptions=True)


async def piped(bot: Bot, text: str, *, name: str = "m", timeout: float = 5) -> tuple[int, str]:  # noqa: ASYNC109
    out = io.StringIO()
    code = await run_shell(
        bot.service.connect,
        name,
        interactive=False,
        stdin=io.StringIO(text),
        stdout=out,
        complete=lambda _: [],
        timeout=timeout,
    )
    return code, out.getvalue()


async def test_lines_are_sent_one_by_one_and_answered_plainly(bot: Bot) -> None:
    code, out = await piped(bot, "# a comment\n\ncases\n   help verify  \n")
    who = bot.heard[0].sender
    assert (code, out) == (0, f"heard cases\n\nfrom {who}\n\nheard help verify\n\nfrom {who}\n")
    assert [said.text for said in bot.heard] == ["cases", "help verify"]


async def test_an_archive_named_by_its_path_is_hashed_where_it_lies(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "an archive.tar").write_bytes(b"hello")
    digest = hashlib.sha256(b"hello").hexdigest()
    code, out = await piped(bot, f"verify '{tmp_path}/an archive.tar'\nverify {digest}  an.tar\nverify nothing.tar\n")
    assert (code, out.splitlines()[0]) == (0, "hashed an archive.tar")
    dropped = bot.admitted[0].event
    assert isinstance(dropped, Dropped)
    assert (dropped.name, dropped.size, dropped.digests["sha256"]) == ("an archive.tar", 5, digest)
    assert [said.text for said in bot.heard] == [f"verify {digest}  an.tar", "verify nothing.tar"]


@pytest.mark.parametrize(("path", "said"), [("./no.tar", "there is no file ./no.tar here"), ("/", "a folder")])
async def test_a_path_that_leads_to_no_file_is_said_here(bot: Bot, path: str, said: str) -> None:
    code, out = await piped(bot, f"verify {path}\n")
    assert code == 1
    assert said in out
    assert not bot.admitted


async def test_one_refusal_fails_the_run_but_does_not_end_it(bot: Bot) -> None:
    code, out = await piped(bot, "bad verb\ncases\n")
    assert code == 1
    assert "heard bad verb" in out
    assert "heard cases" in out


async def test_exit_leaves(bot: Bot) -> None:
    assert (await piped(bot, "one\nexit\ntwo\n"))[0] == 0
    assert [said.text for said in bot.heard] == ["one"]


async def test_a_line_without_an_answer_ends_the_run(bot: Bot) -> None:
    code, out = await piped(bot, "silence\ncases\n", timeout=0.1)
    assert code == 1
    assert out == "No answer within 0.1 s; the command may be carried out all the same.\n"
    assert [said.text for said in bot.heard] == ["silence"]


async def test_a_line_that_the_bot_could_not_take(bot: Bot) -> None:
    bot.broken = True
    assert await piped(bot, "cases\n") == (1, "Not sent: the line was not taken; send it again later.\n")


async def test_a_line_that_is_too_long(bot: Bot) -> None:
    assert await piped(bot, "x" * 2_000_000) == (1, "Not sent: the line is too long.\n")


async def test_other_documents_are_shown_in_the_order_they_come(bot: Bot) -> None:
    async def talkative(bot: Bot, received: Received, said: Said) -> None:
        await bot.service.perform(post(said.room, Document(title="working"), effect="p"))
        await bot.service.perform(post(said.room, Document(title="half"), effect="p2", edit="p"))
        await echo(bot, received, said)

    bot.habit = talkative
    code, out = await piped(bot, "cases\n")
    assert code == 0
    assert out.startswith("working\n\nhalf\n\nheard cases\n")


async def test_the_whole_card_is_printed(bot: Bot) -> None:
    async def card(bot: Bot, received: Received, said: Said) -> None:
        await bot.service.perform(post(said.room, case_card(), effect="c", reply_to=said.event))

    bot.habit = card
    _, out = await piped(bot, "show\n")
    assert out.endswith("TLP:AMBER+STRICT\n")
    assert "\x1b" not in out


async def test_a_name_that_cannot_be_one(bot: Bot) -> None:
    code, out = await piped(bot, "cases\n", name="root#0")
    assert code == 1
    assert "cannot be a name" in out
    assert bot.admitted == []


async def test_no_bot_is_one_clear_line(tmp_path: Path) -> None:
    out = io.StringIO()
    code = await run_shell(
        lambda: dial(tmp_path / "none"),
        "m",
        interactive=False,
        stdin=io.StringIO("cases\n"),
        stdout=out,
        complete=lambda _: [],
    )
    assert (code, out.getvalue()) == (1, "The bot cannot be reached: No such file or directory.\n")


async def test_a_bot_that_dies_while_a_line_waits(bot: Bot) -> None:
    async def die(bot: Bot, received: Received, said: Said) -> None:
        await bot.service.stop()

    bot.habit = die
    assert await piped(bot, "cases\ncases\n") == (1, "The connection to the bot was lost.\n")


async def test_a_bot_that_dies_while_nothing_is_typed(bot: Bot) -> None:
    """A pipe that stays open holds neither the message nor the end of the run up."""
    reads, writes = os.pipe()
    out = io.StringIO()
    with os.fdopen(reads, encoding="utf-8") as stdin, os.fdopen(writes, "w", encoding="utf-8") as typed:
        shell = asyncio.create_task(
            run_shell(
                bot.service.connect, "m", interactive=False, stdin=stdin, stdout=out, complete=lambda _: [], timeout=5
            )
        )
        print("cases", file=typed, flush=True)
        while "heard cases" not in out.getvalue():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await bot.service.stop()
        assert await asyncio.wait_for(shell, 5) == 1
    assert out.getvalue().endswith("\nThe connection to the bot was lost.\n")


async def test_nonsense_from_the_other_end_is_a_lost_connection() -> None:
    async def connect() -> Streams:
        ours, theirs = socket.socketpair()
        ours.sendall(b'{"hello": 1}\n')
        streams = await asyncio.open_unix_connection(sock=theirs, limit=REPLY_LIMIT)
        asyncio.get_running_loop().call_later(0.2, ours.close)
        return streams

    out = io.StringIO()
    code = await run_shell(
        connect, "m", interactive=False, stdin=io.StringIO("cases\n"), stdout=out, complete=lambda _: [], timeout=5
    )
    assert (code, out.getvalue()) == (1, "The connection to the bot was lost.\n")
    await asyncio.sleep(0.25)


async def test_an_output_that_nobody_reads_ends_the_run(bot: Bot) -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    code = await run_shell(
        bot.service.connect, "m", interactive=False, stdin=io.StringIO("a\nb\n"), stdout=Closed(), complete=lambda _: []
    )
    assert code == 1
    assert len(bot.heard) == 1


async def test_an_output_that_is_not_unicode_gets_question_marks(bot: Bot) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    await run_shell(
        bot.service.connect, "m", interactive=False, stdin=io.StringIO("é\n"), stdout=out, complete=lambda _: []
    )
    assert raw.getvalue().startswith(b"heard ?\n")


SCRIPT = """
import asyncio, sys
from pathlib import Path
from adapters.terminal.shell import run_shell
from adapters.terminal.wire import dial
sys.exit(asyncio.run(run_shell(lambda: dial(Path(sys.argv[1])), "m", interactive=False, stdin=sys.stdin,
                               stdout=sys.stdout, complete=lambda _: [])))
"""


@pytest.mark.parametrize(
    ("feed", "code"), [(lambda: "cases\n", 0), (lambda: "bad\ncases\n", 1), (lambda: "", 0), (lambda: "last", 0)]
)
async def test_a_real_process(bot: Bot, tmp_path: Path, feed: Callable[[], str], code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        str(tmp_path / "run" / "s"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(feed().encode()), 30)
    assert (process.returncode, err) == (code, b"")
    assert out.decode().count("heard") == len(feed().split("\n")) - feed().endswith("\n") - (not feed())


async def test_a_process_whose_input_stays_open_ends_when_the_bot_does(bot: Bot, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SCRIPT,
        str(tmp_path / "run" / "s"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(b"cases\n")
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"heard cases\n"
    await bot.service.stop()
    assert await asyncio.wait_for(process.wait(), 10) == 1
    process.stdin.close()
    assert process.stderr
    assert await process.stderr.read() == b""
