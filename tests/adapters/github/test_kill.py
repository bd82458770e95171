"""``kill -9`` of a real bot between the record of a release and its deletion: it goes on, once, by looking."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from adapters.stage.bot import start_bot
from adapters.terminal.client import Client
from adapters.terminal.wire import dial
from chatops.plain import plain_text
from tests.adapters.github.conftest import TOKEN, Repository
from tests.e2e.kit import WITHIN, until
from tests.nursery import forked


async def typed(folder: Path, line: str) -> str:
    """What the bot answers in its shell."""
    async with Client(await dial(folder / "state" / "shell.sock"), "maintainer", lambda reply: None) as shell:
        return plain_text((await shell.ask(line, WITHIN)).document)


async def test_a_bot_that_is_killed_before_or_after_it_deletes_goes_on(repository: Repository, tmp_path: Path) -> None:
    proxy, folder = repository.proxy, tmp_path / "bot"
    commits = {version: await repository.tag(f"v{version}") for version in ("1.0.0", "1.0.1")}
    for version in commits:
        await repository.release(f"v{version}", file=b"x")
    folder.mkdir()
    (folder / "token").write_text(TOKEN)
    config = {
        "store": {"folder": "state"},
        "policy": {"alone_minutes": 0},
        "github": {"repository": repository.settings.repository, "token_file": "token", "api": proxy.url},
        "coordinators": [{"name": "maintainer"}],
    }
    bot = await start_bot(folder, config, run=forked)
    try:
        async with asyncio.timeout(WITHIN):
            while "1.0.1" not in await typed(folder, "releases"):  # noqa: ASYNC110 (what the bot has read by now)
                await asyncio.sleep(0.05)
        for version, done, left in (("1.0.0", False, 2), ("1.0.1", True, 0)):
            hold = proxy.hold("DELETE *", done=done)
            preview = await typed(folder, f"delist {version}")
            await typed(folder, f"confirm {preview.partition('confirm ')[2][:6]}")
            await hold.caught.wait()
            assert len(await repository.call("GET", "/releases")) == left
            await bot.kill()
            hold.release.set()
            proxy.calls.clear()
            await bot.start()
            await until(partial(proxy.called, f"GET /repos/*/git/ref/tags/v{version}"), "the tag is read again")
            assert len(proxy.called("DELETE *")) == (0 if done else 1)
            assert (await repository.call("GET", f"/git/ref/tags/v{version}"))["object"]["sha"] == commits[version]
            assert version not in [one["tag_name"][1:] for one in await repository.call("GET", "/releases")]
            assert "removed as vulnerable" in await typed(folder, f"releases {version}")
    finally:
        await bot.stop()
    assert TOKEN not in bot.log.read_text()
