"""``play``: in a drill, a coordinator takes somebody's part: a packager who accepts, the second person who confirms.

So that one person alone can rehearse all of it. It works in drills only, and what comes of it stays in the security
room; the journal says who really typed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.commands.declare import Command, Who, positional, raw
from chatops.commands.desk import Decision, Desk, Refusal
from chatops.commands.kinds import Person, Text
from chatops.model.people import Contact, PlaceKind

REPORTER, STRANGER = "reporter", "stranger"


@dataclass(frozen=True)
class Part(Person):
    """A contact; or the drill's reporter, or a stranger, by that word."""

    def read(self, word: str, desk: Desk) -> Any:
        part = {"reporter": REPORTER, "stranger": STRANGER, "somebody": STRANGER}.get(word.casefold())
        return part or super().read(word, desk)


@dataclass(frozen=True)
class Play:
    who: Contact | str = positional(Part(), "whose part it is: a contact, reporter, or stranger")
    line: str = raw(Text("LINE", 4000), "what they would type in the drill: accept DS-2026-7KQ4")


def handle(desk: Desk, args: Play) -> Decision:
    raise Refusal(f"parts are played in a drill only. Usage: {COMMAND.usage}")


COMMAND = Command(
    verb="play",
    summary="in a drill, take somebody's part",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY}),
    example="play debian accept DS-2026-7KQ4",
    args=Play,
    handle=handle,
    bears_text=True,
)
