"""All that the demo needs in one folder: a homeserver, people with accounts on it, releases, and the bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.stage.archives import archive, sums
from adapters.stage.bot import matrix_config, start_bot
from adapters.stage.person import Person
from adapters.stage.program import Program
from adapters.stage.strand import Strand
from adapters.stage.synapse import Synapse

NAMES = ("maintainer", "maintainer-2", "expert", "debian", "fedora", "suse", "spack", "reporter", "passer-by")
COORDINATORS = NAMES[:2]
BOT = "dynasched-bot"


def password(name: str) -> str:
    """For accounts on a server that listens on loopback only, and is gone when the demo is."""
    return f"not-a-secret-{name}"


@dataclass(frozen=True)
class Company:
    """Everybody, ready to play."""

    synapse: Synapse
    people: dict[str, Person]
    bot: Program
    bot_id: str
    published: Path
    """The archive of the release that is out and vulnerable."""
    prepared: Path
    """The archive of the release with the fix, prepared in private."""


@asynccontextmanager
async def assembled(folder: Path, strands: Sequence[Strand] = ()) -> AsyncIterator[Company]:
    """Start everything in a folder, and end it in order. Everything in it is kept."""
    published = archive(folder / "releases" / "public", "1.0.0", "The first stable release.")
    sums(published.parent)
    prepared = archive(folder / "releases" / "private", "1.0.1", "Job names are no longer cut without looking.")
    async with AsyncExitStack() as stack:
        synapse = Synapse(folder / "homeserver")
        await synapse.start()
        stack.push_async_callback(synapse.stop)
        people: dict[str, Person] = {}

        async def arrive(name: str) -> None:
            person = await Person.arrive(synapse, name, folder / "people" / name, password(name))
            stack.push_async_callback(person.close)
            people[name] = person

        async with asyncio.TaskGroup() as together:
            for name in NAMES:
                together.create_task(arrive(name))
        config = await matrix_config(synapse, folder / "bot", BOT, {name: people[name].id for name in COORDINATORS})
        config["releases"] = {"folder": published.parent.absolute(), "staging": prepared.parent.absolute()}
        for strand in strands:
            await strand.start(stack, folder, config)
        bot = await start_bot(folder / "bot", config)
        stack.push_async_callback(_ended, bot)
        yield Company(synapse, people, bot, config["matrix"]["user"], published, prepared)


async def _ended(bot: Program) -> None:
    try:
        await bot.stop()
    except TimeoutError:
        await bot.close()
