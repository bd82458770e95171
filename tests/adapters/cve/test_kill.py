"""``kill -9`` of a real bot: a report that GitHub was told is taken is there, and a reserved CVE id is not lost."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from pathlib import Path

from adapters.stage.bot import start_bot
from adapters.stage.cve_services import KEY, ORG, USER, CveDesk
from adapters.terminal.client import Client
from adapters.terminal.wire import dial
from chatops.plain import plain_text
from tests.adapters.github.test_webhook import SECRET, TOLD, delivered
from tests.e2e.kit import WITHIN
from tests.nursery import forked

NUMBER = r"DS-\d{4}-\w{4}"


async def typed(folder: Path, line: str) -> str:
    """What the bot answers in its shell."""
    async with Client(await dial(folder / "state" / "shell.sock"), "maintainer", lambda reply: None) as shell:
        return plain_text((await shell.ask(line, WITHIN)).document)


async def test_what_was_taken_and_what_was_reserved_outlive_a_kill(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "key").write_text(KEY)
    desk = CveDesk()
    await desk.start()
    config = {
        "store": {"folder": "state"},
        "github": {
            "repository": "dynasched/dynasched",
            "api": "http://127.0.0.1:9",  # nobody: a delivery is enough
            "webhook_host": "127.0.0.1",
            "webhook_port": port,
            "webhook_secret_file": "secret",
        },
        "cve": {"org": ORG, "user": USER, "key_file": "key", "api": desk.url},
        "coordinators": [{"name": "maintainer"}],
    }
    bot = await start_bot(tmp_path, config, run=forked)
    try:
        (case,) = re.findall(NUMBER, (await typed(tmp_path, "triage Queue overflow")).partition("\n")[0])
        hold = desk.hold("POST /api/cve-id")
        await typed(tmp_path, f"advisory {case} cve=reserve")
        await hold.caught.wait()
        assert await delivered(port, json.dumps(TOLD).encode()) == 202
        await bot.kill()
        hold.release.set()
        await bot.start()
        async with asyncio.timeout(WITHIN):
            while "CVE: CVE-" not in await typed(tmp_path, f"advisory {case}"):  # noqa: ASYNC110 (what it did by now)
                await asyncio.sleep(0.05)
        assert desk.called("POST /api/cve-id") == len(desk.ids) == 1
        assert len(set(re.findall(NUMBER, await typed(tmp_path, "cases")))) == 2
    finally:
        await bot.stop()
        await desk.stop()
    log = bot.log.read_text()
    assert KEY not in log
    assert SECRET not in log
