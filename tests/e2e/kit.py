"""The real bot as its operator runs it, people with encrypted clients around it, and the witnesses that a test asks:
the homeserver, as it answers anybody who may look, and the bot's database, read only.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import re
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import psycopg

from adapters.matrix.outgoing import EFFECT
from adapters.stage.bot import matrix_config, start_bot
from adapters.stage.person import Person
from adapters.stage.program import Program
from adapters.stage.seen import Message
from adapters.stage.synapse import Synapse
from tests.e2e.proxy import Proxy
from tests.nursery import forked

WITHIN = 120.0
"""Seconds until what should come counts as lost. Long, because a shared machine is slow; nothing waits it out."""
COORDINATORS = ("maintainer", "maintainer-2")

Event = dict[str, Any]


class Denied(Exception):
    """The homeserver said no, with Matrix's error code."""


async def until(true: Callable[[], object], what: str, within: float = WITHIN) -> None:
    """Wait for what other processes bring about. Raises ``TimeoutError``."""
    try:
        async with asyncio.timeout(within):
            while not true():  # noqa: ASYNC110 (what is waited for is in another process)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise TimeoutError(f"not so within {within:g} s: {what}") from None


def verify(number: int) -> str:
    """A command whose answer is the same for everybody."""
    digest = hashlib.sha256(f"{number}".encode()).hexdigest()
    return f"!dynasched verify {digest}  dynasched-9.{number}.0.tar.bz2"


@dataclass
class House:
    """A bot, its coordinators, and whoever else arrives. ``direct`` holds each one's chat with the bot, by name."""

    synapse: Synapse
    folder: Path
    bot: Program
    bot_id: str
    config: Mapping[str, Any]
    proxy: Proxy | None = None
    people: dict[str, Person] = field(default_factory=dict)
    direct: dict[str, str] = field(default_factory=dict)
    security: str = ""
    case: str = ""
    embargo: str = ""
    public: str = ""
    forced: set[str] = field(default_factory=set)
    """Rooms into which a test let somebody with the bot's own token."""

    def __getitem__(self, name: str) -> Person:
        return self.people[name]

    async def arrive(self, *names: str, at: Synapse | None = None) -> None:
        """People with accounts that nobody else on this homeserver (the bot's, unless it is ``at`` another) has."""

        async def one(name: str) -> None:
            localpart = f"{name}-{secrets.token_hex(3)}"
            self.people[name] = await Person.arrive(at or self.synapse, localpart, self.folder / "people" / localpart)

        await asyncio.gather(*map(one, names))

    # --- doing ---

    async def settle_in(self) -> None:
        """The coordinators join the security room."""
        for name in COORDINATORS:
            if name in self.people:
                invitation = await self[name].invited(by=self.bot_id, within=WITHIN)
                self.security = invitation.room
                await self[name].join(self.security)
        await self.quiet()

    async def opens_case(self, title: str) -> None:
        """The team finds something itself: a case under embargo, and the coordinators in its room."""
        card = await self.commands(f"triage {title}", "DS-")
        self.case = re.findall(r"DS-\d{4}-\w{4}", card.text)[0]
        self.embargo = await self.door("maintainer", [self.security])
        for name in COORDINATORS:
            await self.door(name, [self.security])
            await self[name].join(self.embargo)
        await self.quiet()

    async def asks(self, name: str, room: str, words: str, seeing: str = "") -> Message:
        """Somebody gives a command, and reads ``seeing`` in the answer."""
        said = await self[name].say(room, f"!dynasched {words}")
        return await self.reads(name, room, seeing, lambda seen: seen.answers == said)

    async def commands(self, words: str, seeing: str = "") -> Message:
        """The maintainer gives a command in the security room."""
        return await self.asks("maintainer", self.security, words, seeing)

    async def reads(
        self, name: str, room: str, words: str, more: Callable[[Message], bool] = lambda _: True, after: int = 0
    ) -> Message:
        """Somebody reads something of the bot's in a room."""
        return await self[name].saw(
            Message,
            lambda seen: seen.room == room and seen.sender == self.bot_id and words in seen.text and more(seen),
            what=f"“{words}”",
            within=WITHIN,
            after=after,
        )

    async def opens_chat(self, name: str) -> str:
        """Somebody opens a direct chat with the bot."""
        chat = self.direct[name] = await self[name].direct(self.bot_id, WITHIN)
        return chat

    async def takes_chat(self, name: str) -> str:
        """Somebody joins the direct chat that the bot opened with them."""
        one = self[name]
        before = self.direct.get(name)

        def fitting() -> list[str]:
            return [seen.room for seen in self.doors(name) if seen.direct and seen.room != before]

        await until(fitting, f"a chat is opened with {name}")
        self.direct[name] = fitting()[0]
        await one.join(self.direct[name])
        return self.direct[name]

    def doors(self, name: str) -> list[Any]:
        """Every invitation that somebody ever got from the bot."""
        from adapters.stage.seen import Invitation

        return [seen for seen in self[name].memory if isinstance(seen, Invitation) and seen.by == self.bot_id]

    async def door(self, name: str, apart_from: Sequence[str] = ()) -> str:
        """The room, no direct chat, into which the bot asks somebody."""

        def fitting() -> list[str]:
            return [seen.room for seen in self.doors(name) if not seen.direct and seen.room not in apart_from]

        await until(fitting, f"{name} is invited")
        return fitting()[0]

    async def public_room(self, *guests: str, encrypted: bool = False, host: str = "maintainer") -> str:
        """A room into which a coordinator asked the bot, and everybody in it."""
        room = await self[host].open_room("dynasched", encrypted=encrypted, public=not encrypted)
        for name in guests:
            if encrypted:
                await self[host].invite(room, self[name].id)
            await self[name].join(room)
        await self[host].invite(room, self.bot_id)
        await asyncio.gather(*(self[name].joined(room, self.bot_id, WITHIN) for name in (host, *guests)))
        await self.quiet()
        return room

    # --- the homeserver as a witness ---

    async def api(self, who: Person | str, method: str, path: str, body: Any = None, **query: str) -> Any:
        """Ask the homeserver (a person's own), past the proxy, as a person or with a token. Raises :class:`Denied`."""
        token = who.client.access_token if isinstance(who, Person) else who
        home = who.client.homeserver if isinstance(who, Person) else self.synapse.url
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http,
            http.request(method, f"{home}/_matrix/client/v3/{path}", json=body, params=query or None) as answer,
        ):
            told = await answer.json()
        if answer.status >= 400:
            raise Denied(f"{answer.status} {told.get('errcode')}")
        return told

    async def timeline(self, who: Person | str, room: str) -> list[Event]:
        """All events of a room that somebody may see, oldest first."""
        events: list[Event] = []
        query = {"dir": "b", "limit": "100"}
        while True:
            page = await self.api(who, "GET", f"rooms/{quote(room)}/messages", **query)
            events += page["chunk"]
            if not page.get("end") or not page["chunk"]:
                return events[::-1]
            query["from"] = page["end"]

    async def state(self, who: Person | str, room: str) -> dict[tuple[str, str], Event]:
        """A room's state by type and key."""
        events = await self.api(who, "GET", f"rooms/{quote(room)}/state")
        return {(event["type"], event["state_key"]): event["content"] for event in events}

    async def said_by_bot(self, who: Person | str, room: str) -> list[Event]:
        """The bot's messages in a room, readable or not, as the homeserver has them; edits are none."""
        return [
            event
            for event in await self.timeline(who, room)
            if event["sender"] == self.bot_id
            and event["type"] in ("m.room.message", "m.room.encrypted")
            and _relation(event).get("rel_type") != "m.replace"
        ]

    async def answered(self, reader: str, room: str, asked: Sequence[str]) -> None:
        """Wait for an answer to each of these commands, and for the bot to have nothing more to do; then check that
        the homeserver has exactly one answer for each, that none of the bot's effects is there twice, and that the
        reader could read every answer.
        """
        one, wanted = self[reader], set(asked)

        def missing() -> set[str]:
            return wanted - {seen.answers or "" for seen in one.messages(room) if seen.sender == self.bot_id}

        await one.memory.until(
            lambda: not missing(), within=WITHIN, what=f"an answer to each of {len(wanted)} commands"
        )
        await self.quiet()
        said = await self.said_by_bot(one, room)
        times = Counter(_answers(event) for event in said)
        assert {command: times[command] for command in wanted} == dict.fromkeys(wanted, 1)
        effects = Counter(event["content"].get(EFFECT) for event in said)
        assert {effect: count for effect, count in effects.items() if count > 1} == {}
        events = {event["event_id"] for event in said if _answers(event) in wanted}
        await one.memory.until(
            lambda: events <= {seen.event for seen in one.messages(room)}, within=WITHIN, what="every answer, readable"
        )

    # --- the database as a witness ---

    @property
    def database(self) -> Path:
        return self.bot.folder / "state" / "chatops.db"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the bot's database beside it. ``values`` for SQLite only."""
        if url := self.config["store"].get("url"):
            with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as postgres:
                return postgres.execute(query.encode()).fetchall()
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(query, values).fetchall()

    def inbox(self) -> Counter[str]:
        """How many inbox rows are in which state."""
        return Counter(dict(self.rows("SELECT state, COUNT(*) FROM inbox GROUP BY state")))

    def outbox(self) -> Counter[str]:
        return Counter(dict(self.rows("SELECT state, COUNT(*) FROM outbox GROUP BY state")))

    def unsettled(self) -> int:
        """Rows with which something is still to happen, but for what waits for a guest to join."""
        return int(
            self.rows(
                "SELECT (SELECT COUNT(*) FROM inbox WHERE state IN ('waiting', 'locked')) + (SELECT COUNT(*) FROM"
                " outbox o WHERE state IN ('waiting', 'attempted') AND NOT EXISTS (SELECT 1 FROM occupant c JOIN place"
                " p ON p.id = c.place WHERE c.place = o.place AND c.state = 'invited' AND p.kind = 'direct'))"
            )[0][0]
        )

    async def quiet(self) -> None:
        """Wait until the bot has decided and done all there is."""
        await until(lambda: self.unsettled() == 0, "the bot is done with everything")

    def held_places(self) -> list[str]:
        return [room for (room,) in self.rows("SELECT room FROM place WHERE held")]

    @contextlib.contextmanager
    def database_locked(self) -> Any:
        """Keep the bot from committing anything, as long as less than ten seconds."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    @property
    def bot_token(self) -> str:
        """The bot's own access token, from its folder."""
        session = json.loads((self.bot.folder / "state" / "matrix" / "session.json").read_text())
        token: str = session["access_token"]
        return token

    async def bot_sees(self, words: str) -> None:
        """Wait for a line of the bot's log."""
        await until(lambda: words in self.bot.log.read_text(errors="replace"), f"the log says {words!r}")

    def complaints(self) -> list[str]:
        """Log lines of errors, and tracebacks."""
        lines = self.bot.log.read_text(errors="replace").splitlines()
        return [line for line in lines if re.search(r"ERROR|CRITICAL|Traceback|never (awaited|retrieved)", line)]

    async def restart(self) -> None:
        await self.bot.start(WITHIN)


def _relation(event: Event) -> dict[str, Any]:
    return event["content"].get("m.relates_to") or {}


def _answers(event: Event) -> str:
    relation = _relation(event)
    return str((relation.get("m.in_reply_to") or {}).get("event_id") or relation.get("event_id") or "")


async def burst(house: House, room: str, senders: Sequence[str], count: int, first: int = 0) -> list[str]:
    """So many commands, by all senders at once; their event ids."""
    return list(
        await asyncio.gather(
            *(house[senders[number % len(senders)]].say(room, verify(first + number)) for number in range(count))
        )
    )


@contextlib.asynccontextmanager
async def house(
    synapse: Synapse,
    folder: Path,
    *names: str,
    proxied: bool = False,
    database: str | None = None,
    more: Mapping[str, Any] = {},
) -> AsyncIterator[House]:
    """A bot with two coordinators who are in the security room, and others who have merely arrived."""
    proxy: Proxy | None = None
    async with contextlib.AsyncExitStack() as stack:
        place = House(synapse, folder, Program(folder, ["true"]), "", {})
        stack.push_async_callback(_depart, place)
        await place.arrive(*COORDINATORS, *names)
        config = await matrix_config(
            synapse,
            folder / "bot",
            f"bot-{secrets.token_hex(3)}",
            {name: place[name].id for name in COORDINATORS},
            database,
        )
        config["policy"] = {"stranger_messages_per_hour": 1_000_000}  # who asks in these tests is often a stranger
        for section, values in more.items():
            config[section] = {**config.get(section, {}), **values}
        if proxied:
            proxy = Proxy(synapse.url)
            stack.push_async_callback(proxy.stop)
            await proxy.start()
            config["matrix"]["homeserver"] = proxy.url
        place.proxy, place.config, place.bot_id = proxy, config, config["matrix"]["user"]
        place.bot = await start_bot(folder / "bot", config, run=forked)
        stack.push_async_callback(place.bot.close)
        await place.settle_in()
        yield place


async def _depart(place: House) -> None:
    await asyncio.gather(*(person.close() for person in place.people.values()))


async def timed(waited: Any) -> float:
    """How many seconds it took."""
    began = time.monotonic()
    await waited
    return time.monotonic() - began
