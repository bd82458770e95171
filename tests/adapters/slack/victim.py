"""A bot's Slack service in a process of its own, to be killed: ``python -m tests.adapters.slack.victim FOLDER API``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from adapters.slack.service import SlackService
from adapters.slack.settings import SlackSettings
from chatops.service import schema
from chatops.service.intake import StoreIntake
from chatops.service.store import Store
from tests.adapters.slack.front import SECRET, Core


async def main(folder: Path, api: str) -> None:
    url = f"sqlite:///{folder / 'chatops.db'}"
    settings = SlackSettings(bot_token="xoxb-fake-bot-token", signing_secret=SECRET, api=api, host="127.0.0.1", port=0)
    with Store(url) as store:
        schema.upgrade(url)
        service = SlackService(settings, Core())
        await service.start(StoreIntake(store, asyncio.Event()))
        print(service.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
