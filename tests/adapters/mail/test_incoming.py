"""The mailbox, over a real IMAP server: what came is committed first and marked seen then, once, whatever happens."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.mail.imap import Incoming
from adapters.mail.pgp import Keychain
from adapters.mail.reading import Reader
from adapters.mail.settings import MailSettings
from adapters.mail.tokens import LABEL, Tokens
from adapters.stage.letters import BOT, plain
from adapters.stage.post_office import PostOffice
from chatops.ports import Automatic, Letter, Received
from tests.adapters.mail.conftest import Roster

FINDER = "finder@research.example"


class Shelf:
    """:class:`chatops.ports.Intake` that remembers; ``broken`` makes the next commit fail."""

    def __init__(self) -> None:
        self.rows: dict[str, Received] = {}
        self.cursors: dict[str, str] = {}
        self.broken = 0
        self.changed = asyncio.Event()

    async def admit(self, received: Sequence[Received], *, cursor: tuple[str, str] | None = None) -> None:
        if self.broken and received:
            self.broken -= 1
            self.changed.set()
            raise OSError("disk full")
        for one in received:
            self.rows.setdefault(one.key, one)
        if cursor is not None:
            self.cursors[cursor[0]] = cursor[1]
        self.changed.set()

    async def cursor(self, name: str) -> str | None:
        return self.cursors.get(name)

    async def locked(self, service: str) -> Sequence[Received]:
        return ()

    async def unlock(self, received: Received) -> None:
        raise NotImplementedError

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not reached():
                self.changed.clear()
                await self.changed.wait()

    @property
    def letters(self) -> list[Letter]:
        return [row.event for row in self.rows.values() if isinstance(row.event, Letter)]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@asynccontextmanager
async def reading(settings: MailSettings, shelf: Shelf) -> AsyncIterator[None]:
    incoming = Incoming(settings, shelf, Reader(settings, Keychain(settings.key), Roster(), Tokens(b"secret")))
    incoming.start()
    try:
        yield
    finally:
        await incoming.stop()


async def seen(office: PostOffice) -> list[bool]:
    return [r"\Seen" in flags for flags in await office.flags(BOT)]


async def eventually(reached: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await reached():  # noqa: ASYNC110  # a server tells no test
            await asyncio.sleep(0.01)


async def until_seen(office: PostOffice, count: int) -> None:
    async def reached() -> bool:
        return sum(await seen(office)) >= count

    await eventually(reached)


async def test_what_waited_and_what_comes_is_taken_at_once_and_marked(
    settings: MailSettings, office: PostOffice, shelf: Shelf
) -> None:
    await office.deliver(BOT, plain(FINDER, "before").as_bytes())
    async with reading(settings, shelf):
        await shelf.until(lambda: len(shelf.rows) == 1)
        await until_seen(office, 1)
        await office.deliver(BOT, plain(FINDER, "while idle").as_bytes())
        await shelf.until(lambda: len(shelf.rows) == 2)
        await until_seen(office, 2)
    assert [letter.text for letter in shelf.letters] == ["before", "while idle"]


async def test_a_server_without_idle_is_asked_again_and_again(settings: MailSettings, shelf: Shelf) -> None:
    office = PostOffice(BOT, idle=False)
    await office.start()
    async with reading(dataclasses.replace(settings, imap_port=office.imap_port, poll=0.05), shelf):
        await shelf.until(lambda: True)
        await office.deliver(BOT, plain(FINDER, "hello").as_bytes())
        await shelf.until(lambda: len(shelf.rows) == 1)
    await office.stop()


async def test_nothing_is_marked_that_was_not_committed_and_it_is_taken_later(
    settings: MailSettings, office: PostOffice, shelf: Shelf
) -> None:
    shelf.broken = 1
    await office.deliver(BOT, plain(FINDER, "hello").as_bytes())
    async with reading(settings, shelf):
        await shelf.until(lambda: not shelf.broken)
        assert await seen(office) == [False]
        assert not shelf.rows
        await shelf.until(lambda: len(shelf.rows) == 1)
        await until_seen(office, 1)


async def test_it_stops_though_its_cancellation_came_together_with_an_answer_and_was_lost(
    settings: MailSettings, office: PostOffice, shelf: Shelf
) -> None:
    asked = asyncio.Event()

    async def cursor(name: str) -> str | None:
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if len(lost) < 1:
                lost.append(name)
                return None
            raise
        return None

    lost: list[str] = []
    shelf.cursor = cursor  # type: ignore[method-assign]
    async with asyncio.timeout(20):
        async with reading(settings, shelf):
            await asked.wait()
    assert len(lost) == 1


async def test_what_somebody_else_has_read_meanwhile_is_taken_all_the_same(
    settings: MailSettings, office: PostOffice, shelf: Shelf
) -> None:
    await office.deliver(BOT, plain(FINDER, "one").as_bytes())
    async with reading(settings, shelf):
        await shelf.until(lambda: len(shelf.rows) == 1)
        await until_seen(office, 1)
    await office.deliver(BOT, plain(FINDER, "two").as_bytes())
    await office.mark_all(BOT)
    async with reading(settings, shelf):
        await shelf.until(lambda: len(shelf.rows) == 2)


async def test_a_reply_code_is_good_once_but_the_same_letter_may_come_again(
    settings: MailSettings, office: PostOffice, shelf: Shelf
) -> None:
    effect = "0123456789abcdef0123456789abcdef"
    text = f"accept\n\n> {LABEL} {Tokens(b'secret').code(effect, FINDER)}\n"
    await office.deliver(BOT, plain(FINDER, text).as_bytes())
    await office.deliver(BOT, plain(FINDER, text, "stolen").as_bytes())
    async with reading(settings, shelf):
        await shelf.until(lambda: len(shelf.rows) == 2)
    assert [letter.proven for letter in shelf.letters] == [True, False]
    shelf.rows.clear()
    shelf.cursors.pop("mail seen")  # as if the commit had been lost, but not what was proven
    await office.unmark_all(BOT)
    async with reading(settings, shelf):
        await shelf.until(lambda: len(shelf.rows) == 2)
    assert [letter.proven for letter in shelf.letters] == [True, False]


async def test_a_report_of_25_mb_is_kept_whole_and_a_larger_one_is_told_of(
    settings: MailSettings, office: PostOffice, shelf: Shelf
) -> None:
    report = plain(FINDER, "The core dump shows it.")
    report.add_attachment(bytes(range(256)) * (74_000), maintype="application", subtype="octet-stream", filename="core")
    raw = report.as_bytes()
    assert len(raw) > 25_000_000
    await office.deliver(BOT, raw)
    began = time.monotonic()
    async with reading(settings, shelf):
        await shelf.until(lambda: len(shelf.rows) == 1)
    (letter,) = shelf.letters
    assert base64.b64decode(letter.original) == raw
    assert (letter.text, letter.more) == ("The core dump shows it.", True)
    assert time.monotonic() - began < 20
    shelf.rows.clear()
    shelf.cursors.clear()
    await office.unmark_all(BOT)
    async with reading(dataclasses.replace(settings, largest_letter=1 << 20), shelf):
        await shelf.until(lambda: len(shelf.rows) == 1)
    (row,) = shelf.rows.values()
    assert row.event == Automatic(sender=FINDER, what="too-large")


@pytest.mark.parametrize(
    ("wrong", "why"), [({"imap_port": 1}, "ConnectionRefusedError"), ({"password": "hush hush"}, "login")]
)
async def test_a_mailbox_that_cannot_be_read_shows_in_the_log_and_holds_nothing_up(
    settings: MailSettings, shelf: Shelf, caplog: pytest.LogCaptureFixture, wrong: dict[str, Any], why: str
) -> None:
    async def told() -> bool:
        return why in caplog.text

    async with reading(dataclasses.replace(settings, **wrong), shelf):
        await eventually(told)
    assert "hush" not in caplog.text
    assert not shelf.rows
