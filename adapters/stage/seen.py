"""What a person on the stage has seen, as plain records, and a memory of them that can be waited on.

A record's ``repr`` bears identifiers only: these are printed when a test fails, and a test may be about case text.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from adapters.stage.shown import shown


@dataclass(frozen=True)
class Message:
    """A message; of an edit, the new text, with ``replaces`` naming the message that it replaces.

    ``decrypted`` is True if it came through end-to-end encryption. ``thread`` is the thread's root, ``reply_to`` the
    message answered (a thread's fallback is not a reply). ``at`` is the server's time in ms.
    """

    room: str
    sender: str
    event: str
    at: int
    decrypted: bool
    kind: str  # msgtype: m.text, m.notice, m.file …
    body: str = field(repr=False)
    formatted: str | None = field(repr=False)
    thread: str | None
    reply_to: str | None
    replaces: str | None
    content: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def is_file(self) -> bool:
        return self.kind in ("m.file", "m.image", "m.audio", "m.video")

    @property
    def text(self) -> str:
        """What a client shows of it: the formatted text, which says more than a discreet body."""
        return self.body if self.formatted is None else shown(self.formatted)

    @property
    def answers(self) -> str | None:
        """The message that this one is about: replied to, or the thread's root."""
        return self.reply_to or self.thread


@dataclass(frozen=True)
class Reaction:
    room: str
    sender: str
    event: str
    target: str
    key: str


@dataclass(frozen=True)
class Redaction:
    room: str
    sender: str
    event: str
    target: str


@dataclass(frozen=True)
class Membership:
    """``by`` made ``who`` a member, or no longer one: ``now`` is join, invite, leave, ban or knock."""

    room: str
    who: str
    by: str
    event: str
    now: str


@dataclass(frozen=True)
class Invitation:
    """The person was invited. ``direct``: meant as a two-person chat."""

    room: str
    by: str
    direct: bool


@dataclass(frozen=True)
class State:
    """Another state event of a room: its name, topic, encryption, power levels, tombstone …"""

    room: str
    sender: str
    event: str
    type: str
    key: str
    content: Mapping[str, Any] = field(repr=False, compare=False)


Seen = Message | Reaction | Redaction | Membership | Invitation | State

S = TypeVar("S", Message, Reaction, Redaction, Membership, Invitation, State)


def read(room: str, event: Mapping[str, Any], decrypted: bool) -> Seen | None:
    """Turn an event, in the form that the server or the decrypted payload has it, into a record; None if it is none.

    A message that was taken back has no text any more and is none.
    """
    content = event.get("content") or {}
    sender, event_id, kind = str(event["sender"]), str(event["event_id"]), event["type"]
    relation = content.get("m.relates_to") or {}
    if kind == "m.room.member" and "state_key" in event:
        return Membership(room, event["state_key"], sender, event_id, content.get("membership", "leave"))
    if "state_key" in event:
        return State(room, sender, event_id, kind, event["state_key"], content)
    if kind == "m.reaction" and "event_id" in relation:
        return Reaction(room, sender, event_id, relation["event_id"], relation.get("key", ""))
    if kind == "m.room.redaction":
        return Redaction(room, sender, event_id, content.get("redacts") or event.get("redacts") or "")
    if kind == "m.room.message" and "msgtype" in content:
        return _message(room, sender, event_id, event, decrypted)
    return None


def _message(room: str, sender: str, event_id: str, event: Mapping[str, Any], decrypted: bool) -> Message:
    outer = event["content"]
    relation = outer.get("m.relates_to") or {}
    replaces = relation.get("event_id") if relation.get("rel_type") == "m.replace" else None
    content = outer.get("m.new_content", outer) if replaces else outer
    thread = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
    reply = None if relation.get("is_falling_back") else (relation.get("m.in_reply_to") or {}).get("event_id")
    return Message(
        room=room,
        sender=sender,
        event=event_id,
        at=int(event.get("origin_server_ts", 0)),
        decrypted=decrypted,
        kind=content.get("msgtype", "m.text"),
        body=content.get("body", ""),
        formatted=content.get("formatted_body"),
        thread=thread,
        reply_to=reply,
        replaces=replaces,
        content=content,
    )


class NotSeen(AssertionError):
    """What was expected did not come in time."""


class Memory:
    """All that one person saw, in the order in which they could read it; one event once."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._seen: list[Seen] = []
        self._events: set[str] = set()
        self._changed = asyncio.Condition()
        self._broken: BaseException | None = None

    def __iter__(self) -> Iterator[Seen]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    async def add(self, record: Seen) -> None:
        event = None if isinstance(record, Invitation) else record.event
        if event in self._events:
            return
        async with self._changed:
            if event is not None:
                self._events.add(event)
            self._seen.append(record)
            self._changed.notify_all()

    async def give_up(self, problem: BaseException) -> None:
        """Nothing will come any more: whoever waits is told why, at once."""
        async with self._changed:
            self._broken = problem
            self._changed.notify_all()

    async def first(
        self, kind: type[S], predicate: Callable[[S], bool], *, within: float, what: str, after: int = 0
    ) -> S:
        """The first record of a kind, at or after position ``after``, for which ``predicate`` holds; waits for it.

        Raises :class:`NotSeen` after ``within`` seconds.
        """
        position = after
        try:
            async with asyncio.timeout(within), self._changed:
                while True:
                    for record in self._seen[position:]:
                        if isinstance(record, kind) and predicate(record):
                            return record
                    position = len(self._seen)
                    if self._broken is not None:
                        raise NotSeen(f"{self._owner} stopped listening, waiting for {what}") from self._broken
                    await self._changed.wait()
        except TimeoutError:
            raise NotSeen(f"{self._owner} did not see {what} in {within:g} s; saw {self._tally(after)}") from None

    async def until(self, condition: Callable[[], bool], *, within: float, what: str) -> None:
        """Wait until a condition over the whole memory (a count, a set) holds. Raises :class:`NotSeen`."""
        try:
            async with asyncio.timeout(within), self._changed:
                while not condition():
                    if self._broken is not None:
                        raise NotSeen(f"{self._owner} stopped listening, waiting for {what}") from self._broken
                    await self._changed.wait()
        except TimeoutError:
            raise NotSeen(f"{self._owner} did not see {what} in {within:g} s; saw {self._tally(0)}") from None

    def _tally(self, after: int) -> str:
        counts = Counter(type(record).__name__.lower() for record in self._seen[after:])
        return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing"
