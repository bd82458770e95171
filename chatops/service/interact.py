"""Interaction replies: what a person gets while typing. Computed by the same core, read only, nothing is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from chatops import policy
from chatops.commands.declare import CaseUse, Command, Registry, Shape, Who
from chatops.commands.desk import Actor, Desk
from chatops.commands.parse import split
from chatops.commands.registry import collect
from chatops.config import Settings
from chatops.model.book import Book
from chatops.model.people import PlaceKind
from chatops.ports import Address, Asker, Form, Post
from chatops.service import forms
from chatops.service.decide import Decider, code, fresh, seat
from chatops.service.doors import doors_for
from chatops.service.engines import read_engine
from chatops.service.outbox import opened

T = TypeVar("T")

HOME = ("todo", "cases", "releases")
"""What a home page shows, of what its reader may see."""


def suggest(registry: Registry, desk: Desk, text: str) -> list[str]:
    """The words that may stand in place of the last one of ``text``, among what the asker may see."""
    held = policy.all_roles(desk.actor, desk.book)
    seen = {command.verb: command for command in policy.visible(registry.values(), held)}
    words = text.split()
    if not words or (len(words) == 1 and not text[-1:].isspace()):
        return [verb for verb in seen if verb.startswith(text.strip())]
    command = seen.get(words[0])
    if command is None:
        return []
    last = "" if text[-1:].isspace() else words[-1]
    words = list(seen) if command.verb == "help" else _words(command, desk, text, last)
    return [word for word in words if word.casefold().startswith(last.casefold())]


def _words(command: Command, desk: Desk, text: str, last: str) -> list[str]:
    name, equals, _ = last.partition("=")
    for arg in command.arguments:
        if arg.shape is Shape.OPTION and equals and arg.name.replace("_", "-") == name:
            return [f"{name}={word}" for word in arg.kind.suggest(desk)]
    found: list[str] = []
    typed = split(text, desk.settings.project.case_prefix)
    if command.case is not CaseUse.NONE and (typed.case is None or typed.case == last.upper()):
        found += policy.known_cases(desk.actor, desk.book, ~Who.ALL if Who.ALL in command.who else command.who)
    for arg in command.arguments:
        if arg.shape is Shape.OPTION:
            found.append(arg.name.replace("_", "-") + "=")
        else:
            found += arg.kind.suggest(desk)
    return found


class Interactive:
    """:class:`chatops.ports.Interactions` on a database of the bot's, read only."""

    def __init__(self, settings: Settings, chats: frozenset[str], clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._chats = chats
        self._clock = clock
        self._registry = collect()
        self._engine: Engine | None = None

    def may_open(self, line: str) -> bool:
        """See :meth:`chatops.ports.Interactions.may_open`."""
        return forms.may_open(self._registry, self._settings.project, line)

    async def form(self, asker: Asker, line: str) -> Form | None:
        """See :meth:`chatops.ports.Interactions.form`."""
        return await asyncio.to_thread(self._at_desk, asker, partial(forms.form_for, self._registry, line=line))

    async def check(self, asker: Asker, line: str, values: Mapping[str, str]) -> dict[str, str]:
        """See :meth:`chatops.ports.Interactions.check`."""
        return await asyncio.to_thread(
            self._at_desk, asker, lambda desk: forms.wrong(self._registry, desk, line, values)
        )

    async def home(self, asker: Asker) -> tuple[Post, ...]:
        """See :meth:`chatops.ports.Interactions.home`."""
        return await asyncio.to_thread(self._at_desk, asker, partial(self._home, asker.service))

    def _home(self, service: str, desk: Desk) -> tuple[Post, ...]:
        held = policy.all_roles(desk.actor, desk.book)
        shown = []
        for verb in HOME:
            command = self._registry[verb]
            if policy.sees(command, held):
                reply = command.handle(desk, command.args()).reply
                if reply is not None:
                    doors = doors_for(desk.book, reply, service, {desk.actor.id}, desk.now)
                    shown.append(Post(document=reply, doors=opened(desk.book.session, doors)))
        return tuple(shown)

    def _at_desk(self, asker: Asker, ask: Callable[[Desk], T]) -> T:
        if self._engine is None:  # at the first question: the bot has brought the schema up to date by then
            self._engine = read_engine(self._settings.store.database, connections=2)
        with Session(self._engine) as session:
            book = Book(session)
            actor = Decider.actor(book, asker.service, asker.tenant, asker.user)
            room, kind = seat(book, asker.service, asker.tenant, asker.room or "", aside=True)
            file = book.case(room.case) if room is not None and room.case else None
            place = kind or PlaceKind.DIRECT
            return ask(Desk(self._clock(), self._settings, actor, book, place, room, fresh, code, self._chats, file))


class Completions:
    """Completion for a shell that stands beside the database."""

    def __init__(self, database: str, name: str) -> None:
        self._engine = read_engine(database, connections=1)
        self._name = name
        self._registry = collect()

    def complete(self, text: str) -> list[str]:
        with Session(self._engine) as session:
            book = Book(session)
            actor = Actor(Address("shell", "", self._name), book.named(self._name.casefold()), "completion")
            desk = Desk(datetime.now(UTC), Settings(), actor, book, PlaceKind.DIRECT, None, fresh, code)
            return suggest(self._registry, desk, text)

    def harmless(self, line: str) -> bool:
        """Whether a line may be kept in a history file: it bears no text of a case."""
        command = self._registry.get(split(line).verb)
        return command is not None and not command.bears_text
