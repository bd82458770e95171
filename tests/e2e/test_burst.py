"""Many commands at once: each is answered exactly once, whatever happens to the bot meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from adapters.stage.synapse import Synapse
from tests.e2e.kit import WITHIN, House, burst, house, timed, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

SENDERS = tuple(f"sender-{number}" for number in range(8))
COMMANDS = 300
MIDST = 60
SEED = 20260301


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, str, str]]:
    """A bot, eight people, a plain public room and an encrypted one. Only the maintainer reads; the others' reading
    would be a load on the homeserver and prove nothing more.
    """
    async with house(synapse, tmp_path_factory.mktemp("crowd"), *SENDERS) as place:
        plain = await place.public_room(*SENDERS)
        sealed = await place.public_room(*SENDERS, encrypted=True)
        # One command of each: everybody knows the bot's device, and is known to it.
        await place.answered("maintainer", sealed, await burst(place, sealed, SENDERS, len(SENDERS)))
        for name in (*SENDERS, "maintainer-2"):
            await place[name].deafen()
        yield place, plain, sealed


async def test_in_a_plain_room(crowd: tuple[House, str, str]) -> None:
    place, plain, _ = crowd
    await place.answered("maintainer", plain, await burst(place, plain, SENDERS, COMMANDS))
    assert place.complaints() == []


async def test_in_an_encrypted_room(crowd: tuple[House, str, str]) -> None:
    place, _, sealed = crowd
    await place.answered("maintainer", sealed, await burst(place, sealed, SENDERS, COMMANDS))
    assert all(seen.decrypted for seen in place["maintainer"].messages(sealed) if seen.sender == place.bot_id)
    assert place.complaints() == []


async def test_killed_in_the_middle(crowd: tuple[House, str, str]) -> None:
    """Twice, at moments that are random but for the seed, while people go on speaking."""
    place, plain, sealed = crowd
    chance = random.Random(SEED)
    done = place.outbox()["done"]
    speaking = [asyncio.create_task(burst(place, room, SENDERS, MIDST, first=1000)) for room in (plain, sealed)]
    for _ in range(2):
        done += chance.randrange(10, 40)

        def in_the_middle(mark: int = done) -> bool:
            return place.outbox()["done"] >= mark and place.unsettled() > 0

        await until(in_the_middle, f"{done} effects are done, others not")
        await place.bot.kill()
        await place.restart()
    for room, asked in zip((plain, sealed), await asyncio.gather(*speaking), strict=True):
        await place.answered("maintainer", room, asked)


async def test_stopped_in_the_middle(crowd: tuple[House, str, str]) -> None:
    """SIGTERM ends it within ten seconds, and what it had not yet done it does after the next start."""
    place, plain, sealed = crowd
    done = place.outbox()["done"]
    speaking = [asyncio.create_task(burst(place, room, SENDERS, MIDST, first=2000)) for room in (plain, sealed)]
    await until(lambda: place.outbox()["done"] >= done + 10, "some effects are done")
    assert await timed(place.bot.stop(WITHIN)) < 10
    assert place.outbox()["attempted"] == 0, "what was in flight was waited for, and written down"
    asked = await asyncio.gather(*speaking)
    await place.restart()
    for room, some in zip((plain, sealed), asked, strict=True):
        await place.answered("maintainer", room, some)
