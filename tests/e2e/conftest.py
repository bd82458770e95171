"""A house that several modules share: a bot with two coordinators, a case under embargo, releases, a public room."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.stage.archives import archive, sums
from adapters.stage.synapse import Synapse
from tests.e2e.kit import House, house


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def common(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """1.0.0 is published, 1.0.1 prepared in private. fedora and suse are on the roster and have a chat with the bot.
    A test that stops the bot starts it again.
    """
    folder = tmp_path_factory.mktemp("common")
    published = archive(folder / "public", "1.0.0", "The first stable release.")
    sums(published.parent)
    archive(folder / "private", "1.0.1", "Job names are no longer cut without looking.")
    releases = {"releases": {"folder": published.parent, "staging": folder / "private"}}
    async with house(synapse, folder, "fedora", "suse", "passer-by", more=releases) as made:
        made.public = await made.public_room("passer-by", "fedora")
        for name in ("fedora", "suse"):
            words = f"contacts add {name} roles=packager address=matrix:{made[name].id}"
            await made.commands(words, f"{name} is on the")
        await made.opens_case("Job names overrun the queue")
        await made.commands(f"invite {made.case} fedora suse", "asked")
        for name in ("fedora", "suse"):
            await made.takes_chat(name)
        yield made
