"""Answers a second in a burst: our bot against a bare HTTP echo, on the same homeserver, in the same run, in turns.

Run ``python -m tests.bench.bench_burst``. Most of a round trip is the homeserver's, and it drifts: only the ratios of
one run mean something. Times are the homeserver's own, from the first command to the last answer, so what the readers
need is not counted. Ends with status 1 if our bot lost a command or answered one twice.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from adapters.stage.bot import matrix_config, start_bot
from adapters.stage.person import Person
from adapters.stage.program import Program
from adapters.stage.seen import Message, NotSeen
from adapters.stage.synapse import Synapse

_SILENCE = 20.0  # seconds without a new answer after which the rest counts as lost


@dataclass(frozen=True)
class Contestant:
    label: str
    user: str
    room: str


@dataclass(frozen=True)
class Result:
    rate: float  # answers/s
    lost: int
    doubled: int
    p50: float  # ms, one command at a time
    p95: float

    def __str__(self) -> str:
        return (
            f"{self.rate:7.1f} answers/s   lost {self.lost:3}   doubled {self.doubled:3}"
            f"   alone p50 {self.p50:4.0f} ms  p95 {self.p95:4.0f} ms"
        )


def _command(number: int) -> str:
    digest = hashlib.sha256(f"{number}".encode()).hexdigest()
    return f"!dynasched verify {digest}  dynasched-1.0.{number}.tar.bz2"


class Bench:
    """The observer alone listens; the senders are deaf, so that their reading is no load on the homeserver."""

    def __init__(self, observer: Person, senders: Sequence[Person], commands: int, pings: int) -> None:
        self._observer = observer
        self._senders = senders
        self._commands = commands
        self._pings = pings

    async def run(self, who: Contestant) -> Result:
        # One command of each sender first: keys are shared and caches filled for everybody alike.
        warm = await asyncio.gather(*(sender.say(who.room, _command(0)) for sender in self._senders))
        await asyncio.gather(*(self._observer.answer(event, within=60) for event in warm))
        alone = [await self._ping(who) for _ in range(self._pings)]

        asked = await asyncio.gather(
            *(
                self._senders[number % len(self._senders)].say(who.room, _command(number))
                for number in range(self._commands)
            )
        )
        await self._until_silent(who, set(asked))
        # What it would say twice it says before it answers this.
        with contextlib.suppress(NotSeen):
            await self._observer.ask(who.room, _command(0), within=_SILENCE)
        return self._count(who, set(asked), alone)

    async def _ping(self, who: Contestant) -> float:
        began = time.perf_counter()
        await self._observer.ask(who.room, _command(0), within=60)
        return (time.perf_counter() - began) * 1000

    async def _until_silent(self, who: Contestant, asked: set[str]) -> None:
        """Until every command is answered, or no further answer comes."""
        answered = -1
        while answered < len(asked):
            before = answered = len({seen.answers for seen in self._answers(who, asked)})

            def more(before: int = before) -> bool:
                count = len({seen.answers for seen in self._answers(who, asked)})
                return count > before or count == len(asked)

            try:
                await self._observer.memory.until(more, within=_SILENCE, what="a further answer")
            except NotSeen:
                return

    def _answers(self, who: Contestant, asked: set[str]) -> list[Message]:
        return [
            seen
            for seen in self._observer.messages(who.room)
            if seen.sender == who.user and seen.answers in asked and seen.replaces is None
        ]

    def _count(self, who: Contestant, asked: set[str], alone: Sequence[float]) -> Result:
        answers = self._answers(who, asked)
        times = Counter(seen.answers for seen in answers)
        began = min(seen.at for seen in self._observer.messages(who.room) if seen.event in asked)
        took = (max((seen.at for seen in answers), default=began) - began) / 1000
        return Result(
            rate=len(times) / took if took else 0.0,
            lost=len(asked) - len(times),
            doubled=sum(count > 1 for count in times.values()),
            p50=median(alone),
            p95=quantiles(alone, n=20)[-1],
        )


async def _gather_in(room: str, host: Person, guests: Sequence[Person], bot: str) -> None:
    """Everybody into a room, and everybody aware of the bot there (else they would not give it their keys)."""
    for guest in guests:
        await host.invite(room, guest.id)
        await guest.join(room)
    await host.invite(room, bot)
    await asyncio.gather(*(person.joined(room, bot, 60) for person in (host, *guests)))


@contextlib.asynccontextmanager
async def _stage(folder: Path, senders: int) -> AsyncIterator[tuple[Synapse, Person, list[Person]]]:
    synapse = Synapse(folder / "synapse")
    people: list[Person] = []
    try:
        await synapse.start()
        for name in ["observer", *(f"sender-{number}" for number in range(senders))]:
            people.append(await Person.arrive(synapse, name, folder / name))
        yield synapse, people[0], people[1:]
    finally:
        await asyncio.gather(*(person.close() for person in people))
        await synapse.stop()


async def _start_echo(synapse: Synapse, folder: Path) -> tuple[Program, str]:
    account = await Person.arrive(synapse, "echo", folder / "account")
    await account.deafen()
    program = Program(
        folder,
        [sys.executable, "-m", "adapters.stage.echo", synapse.url],
        {"ECHO_TOKEN": account.client.access_token, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    await account.close()
    await program.start()
    return program, account.id


async def _start_our_bot(synapse: Synapse, folder: Path, coordinator: Person) -> tuple[Program, str]:
    config = await matrix_config(synapse, folder, "bot", {"observer": coordinator.id})
    # The senders are strangers to it, and these are its limits against strangers.
    config["policy"] = {"stranger_messages_per_hour": 1_000_000}
    return await start_bot(folder, config), config["matrix"]["user"]


async def measure(options: argparse.Namespace, folder: Path) -> dict[str, list[Result]]:
    async with _stage(folder, options.senders) as (synapse, observer, senders), contextlib.AsyncExitStack() as running:
        program, echo = await _start_echo(synapse, folder / "echo")
        running.push_async_callback(program.close)
        contestants = [("echo, plain room", echo, False)]
        if not options.echo_only:
            program, bot = await _start_our_bot(synapse, folder / "bot", observer)
            running.push_async_callback(program.close)
            contestants += [("bot, plain room", bot, False), ("bot, encrypted room", bot, True)]

        field = []
        for label, user, encrypted in contestants:
            room = await observer.open_room("bench", encrypted=encrypted, public=not encrypted)
            await _gather_in(room, observer, senders, user)
            field.append(Contestant(label, user, room))
        for sender in senders:
            await sender.deafen()

        bench = Bench(observer, senders, options.commands, options.pings)
        results: dict[str, list[Result]] = {who.label: [] for who in field}
        for number in range(1, options.rounds + 1):
            for who in field:
                result = await bench.run(who)
                results[who.label].append(result)
                print(f"round {number}  {who.label:20} {result}", flush=True)
        return results


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.bench_burst", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--commands", type=int, default=300, metavar="N", help="sent at once (default 300)")
    parser.add_argument("--senders", type=int, default=8, metavar="N")
    parser.add_argument(
        "--pings", type=int, default=20, metavar="N", help="sent one after another (default 20, least 2)"
    )
    parser.add_argument("--echo-only", action="store_true", help="measure the baseline alone")
    options = parser.parse_args(arguments)
    logging.getLogger("nio").setLevel(logging.ERROR)  # it warns of every device that it has yet to meet
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        results = asyncio.run(measure(options, Path(folder)))

    print(f"load of the machine over the last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    baseline = results.pop("echo, plain room")
    for label, ours in results.items():
        ratios = [bot.rate / echo.rate for bot, echo in zip(ours, baseline, strict=True)]
        print(f"{label} / echo: {median(ratios):.2f}  (rounds: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")
    return int(any(result.lost or result.doubled for ours in results.values() for result in ours))


if __name__ == "__main__":
    sys.exit(main())
