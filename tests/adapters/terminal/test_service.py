from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.terminal import service as service_module
from adapters.terminal.service import TerminalService
from adapters.terminal.wire import ASK_LIMIT, Problem, Reply, Streams, dial, read_answer
from chatops.document import Document
from chatops.ports import Effect, Impossible, Leave, Service
from tests.adapters.terminal.bot import Bot, eventually, post

NOON = datetime(2026, 12, 14, 12, tzinfo=UTC)
ID = "0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "shell.sock"


@pytest.fixture
async def bot(path: Path) -> AsyncIterator[Bot]:
    service = TerminalService(path, now=lambda: NOON)
    bot = Bot(service)
    await service.start(bot)
    yield bot
    await service.stop()
    await asyncio.gather(*bot.tasks, return_exceptions=True)


def send(streams: Streams, **frame: object) -> None:
    streams[1].write(json.dumps(frame).encode() + b"\n")


async def reply(streams: Streams) -> Reply:
    frame = await asyncio.wait_for(read_answer(streams[0]), 5)
    assert isinstance(frame, Reply)
    return frame


async def problem(streams: Streams) -> Problem:
    frame = await asyncio.wait_for(read_answer(streams[0]), 5)
    assert isinstance(frame, Problem)
    return frame


async def hang_up(streams: Streams) -> None:
    streams[1].close()
    await streams[1].wait_closed()


def test_it_is_a_service() -> None:
    service: Service = TerminalService()
    assert service.name == "shell"


async def test_a_line_is_admitted_and_its_answer_comes_back(bot: Bot, path: Path) -> None:
    streams = await dial(path)
    send(streams, line="cases", id=ID, **{"as": "maintainer"})
    answer = await reply(streams)
    assert answer.reply_to == ID
    assert answer.effect == f"to-{ID}"
    assert answer.document.title == "heard cases"
    (received,) = bot.admitted
    (said,) = bot.heard
    assert (received.service, received.tenant, received.key, received.at) == ("shell", "", ID, NOON)
    assert received.conversation == said.room
    assert said.room.startswith("shell:")
    assert (said.sender, said.event, said.text) == (f"maintainer#{os.getuid()}", ID, "cases")
    await hang_up(streams)


async def test_the_same_without_a_socket(bot: Bot) -> None:
    streams = await bot.service.connect()
    send(streams, line="cases", id=ID, **{"as": "maintainer"})
    assert (await reply(streams)).reply_to == ID
    assert bot.heard[0].sender == f"maintainer#{os.getuid()}"
    await hang_up(streams)


async def test_a_line_sent_twice_is_carried_out_once(bot: Bot, path: Path) -> None:
    streams = await dial(path)
    send(streams, line="cases", id=ID, **{"as": "m"})
    send(streams, line="cases", id=ID, **{"as": "m"})
    send(streams, line="next", id="f" * 16, **{"as": "m"})
    assert [(await reply(streams)).reply_to for _ in range(2)] == [ID, "f" * 16]
    assert len(bot.admitted) == 2
    await hang_up(streams)


async def test_sessions_are_apart(bot: Bot, path: Path) -> None:
    one, two = await dial(path), await dial(path)
    send(one, line="one", id="1" * 8, **{"as": "m"})
    send(two, line="two", id="2" * 8, **{"as": "m"})
    assert (await reply(one)).document.title == "heard one"
    assert (await reply(two)).document.title == "heard two"
    assert len({said.room for said in bot.heard}) == 2
    await hang_up(one)
    await hang_up(two)


async def test_an_effect_performed_again_is_shown_once(bot: Bot, path: Path) -> None:
    streams = await dial(path)
    send(streams, line="hello", id=ID, **{"as": "m"})
    await reply(streams)
    room = bot.heard[0].room
    card = post(room, Document(title="card"), effect="e1")
    assert [(await bot.service.perform(card)).event for _ in range(2)] == ["e1", "e1"]
    await bot.service.perform(post(room, Document(title="card, newer"), effect="e2", edit="e1"))
    first, second = await reply(streams), await reply(streams)
    assert (first.effect, first.reply_to, first.edit) == ("e1", None, None)
    assert (second.effect, second.edit, second.document.title) == ("e2", "e1", "card, newer")
    await hang_up(streams)


async def test_what_cannot_be_done_here(bot: Bot, path: Path) -> None:
    with pytest.raises(Impossible, match="unsupported"):
        await bot.service.perform(Effect(id="e", service="shell", room="shell:x", deed=Leave()))
    with pytest.raises(Impossible, match="gone"):
        await bot.service.perform(post("shell:x", Document(title="t"), effect="e"))


async def test_a_terminal_that_left_is_gone(bot: Bot, path: Path) -> None:
    streams = await dial(path)
    send(streams, line="hello", id=ID, **{"as": "m"})
    await reply(streams)
    await hang_up(streams)
    await asyncio.sleep(0.05)
    with pytest.raises(Impossible, match="gone"):
        await bot.service.perform(post(bot.heard[0].room, Document(title="t"), effect="e"))


async def test_a_terminal_that_does_not_read_holds_nobody_up(
    bot: Bot, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "_PATIENCE", 0.05)
    stopped = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stopped.connect(str(path))
    stopped.sendall(json.dumps({"line": "silence", "as": "m", "id": ID}).encode() + b"\n")
    await eventually(lambda: bot.heard)
    room = bot.heard[0].room
    with pytest.raises(Impossible, match="gone"):
        await bot.service.perform(post(room, Document(title="x" * 3_000_000), effect="large"))
    stopped.close()


@pytest.mark.parametrize(
    "frame",
    [
        b"not json",
        b"{}",
        b"[]",
        b'{"line": "x", "as": "a#0", "id": "12345678"}',
        b'{"line": "x", "as": "two words", "id": "12345678"}',
        b'{"line": "x", "as": "", "id": "12345678"}',
        b'{"line": "x", "as": "m\\u202e", "id": "12345678"}',
        b'{"line": "x", "as": "m", "id": "short"}',
        b'{"line": "x", "as": "m", "id": "12345678", "uid": 0}',
        b'{"line": 1, "as": "m", "id": "12345678"}',
        b"\xff\xfe",
        b"x" * (ASK_LIMIT + 10),
    ],
)
async def test_a_frame_that_is_none_ends_the_session(bot: Bot, path: Path, frame: bytes) -> None:
    streams = await dial(path)
    streams[1].write(frame + b"\n")
    assert (await problem(streams)).reply_to is None
    assert await asyncio.wait_for(read_answer(streams[0]), 5) is None
    assert bot.admitted == []
    await hang_up(streams)


async def test_a_frame_cut_short_is_not_carried_out(bot: Bot, path: Path) -> None:
    streams = await dial(path)
    streams[1].write(b'{"line": "leak", "as": "m", "id": "12345678"}')
    await hang_up(streams)
    await asyncio.sleep(0.05)
    assert bot.admitted == []


async def test_a_line_that_is_not_admitted_is_said_to_be_so(
    bot: Bot, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    streams = await dial(path)
    bot.broken = True
    with caplog.at_level(logging.ERROR):
        send(streams, line="secret words", id=ID, **{"as": "m"})
        assert (await problem(streams)).reply_to == ID
    assert ID in caplog.text
    assert "RuntimeError" in caplog.text
    assert "text of a case" not in caplog.text
    assert "secret" not in caplog.text
    bot.broken = False
    send(streams, line="again", id=ID, **{"as": "m"})
    assert (await reply(streams)).document.title == "heard again"
    await hang_up(streams)


async def test_only_the_owner_can_reach_the_socket(bot: Bot, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600  # noqa: ASYNC240
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_folder_open_to_others_is_refused(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    with pytest.raises(PermissionError, match="chmod 700"):
        await TerminalService(path).start(Bot(TerminalService()))


async def test_a_second_bot_is_refused_and_a_dead_ones_socket_replaced(bot: Bot, path: Path) -> None:
    second = TerminalService(path)
    with pytest.raises(FileExistsError, match="another bot"):
        await second.start(bot)
    await second.stop()
    assert path.exists()  # noqa: ASYNC240
    await bot.service.stop()
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()
    await second.start(bot)
    await hang_up(await dial(path))
    await second.stop()
    assert not path.exists()  # noqa: ASYNC240


async def test_another_file_is_not_replaced(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_text("mine")  # noqa: ASYNC240
    with pytest.raises(FileExistsError, match="not a socket"):
        await TerminalService(path).start(Bot(TerminalService()))
    assert path.read_text() == "mine"  # noqa: ASYNC240


async def test_stopping_hangs_up(bot: Bot, path: Path) -> None:
    streams = await dial(path)
    send(streams, line="hello", id=ID, **{"as": "m"})
    await reply(streams)
    await bot.service.stop()
    assert await asyncio.wait_for(read_answer(streams[0]), 5) is None
    await hang_up(streams)
