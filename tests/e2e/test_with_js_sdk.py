"""What a second client library shows of the bot's rooms: ``matrix-js-sdk``, Element's own, on the Rust SDK's crypto."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

import pytest

from tests.e2e.kit import House, until
from tests.sdk import Sdk, Shown

pytestmark = pytest.mark.asyncio(loop_scope="session")

LINE = hashlib.sha256(b"1.0.9").hexdigest() + "  dynasched-1.0.9.tar.gz"
BEFORE, AFTER = "copper-lantern", "paper-harbour"
CURE = "turn job arrays off"
SHOWN = ("msgtype", "body", "format", "formatted_body", "m.mentions")


def html(shown: Shown) -> str:
    return str(shown["content"].get("formatted_body", ""))


def bearing(*words: str) -> Callable[[list[Shown]], bool]:
    return lambda seen: all(any(word in html(one) for one in seen) for word in words)


def cards(place: House, seen: list[Shown]) -> list[Shown]:
    """The bot's messages, each as it stands now; what only edits another is none."""
    return [
        one
        for one in seen
        if one["sender"] == place.bot_id
        and not one["state"]
        and one["type"] != "m.reaction"
        and (one["content"].get("m.relates_to") or {}).get("rel_type") != "m.replace"
    ]


def as_nio_shows(place: House, room: str, event: str) -> dict[str, object]:
    """A message as the maintainer's client, built on nio, has it: its latest version."""
    versions = [one for one in place["maintainer"].messages(room) if event in (one.event, one.replaces)]
    return {name: versions[-1].content.get(name) for name in SHOWN} if versions else {}


async def test_who_comes_later_is_shown_the_same_cards_and_nothing_from_before(common: House) -> None:
    place, known = common, [seen.room for seen in common.doors("maintainer")]
    card = await place.commands("triage Job arrays overrun the log", "DS-")
    case = re.findall(r"DS-\d{4}-\w{4}", card.text)[0]
    room = await place.door("maintainer", known)
    await place["maintainer"].join(room)
    await place.commands(f"private-release {case} 1.0.9\n{LINE}", "with the members")
    await place.asks("maintainer", room, f"pack add mitigation {CURE}")
    await place.commands(f"tell {case} {BEFORE}", "told to")
    await place.reads("maintainer", room, BEFORE)
    await place.quiet()
    old = {event["event_id"] for event in await place.said_by_bot(place.bot_token, room)}
    async with Sdk.arrive(place.synapse, "arch") as arch:
        await place.commands(f"contacts add arch roles=packager address=matrix:{arch.id}", "arch is on the")
        await place.commands(f"invite {case} arch", "asked")
        chat = await arch.invited()
        await arch.ask(join=chat)
        (question,) = cards(place, await arch.shown(chat, bearing("will you keep this private")))
        assert (question["encrypted"], question["locked"]) == (True, None)
        await arch.ask(say=chat, text=f"accept {case}")
        assert await arch.invited() == room
        await place.quiet()  # what is encrypted just before they come in and arrives just after, they could not read
        await arch.ask(join=room)
        await place.commands(f"tell {case} {AFTER}", "told to")
        seen = await arch.shown(room, bearing(AFTER, "You may patch your own systems", LINE, CURE))

        # Terms, board, release and pack came afresh, encrypted; of what was said before not even the ciphertext.
        assert BEFORE not in json.dumps(seen)
        assert old.isdisjoint(one["event"] for one in seen)
        assert {(one["encrypted"], one["locked"]) for one in cards(place, seen)} == {(True, None)}
        (board,) = [one for one in cards(place, seen) if "You may patch your own systems" in html(one)]
        assert "no answer" in html(board)
        assert (await arch.ask(show=room))["pinned"] == [board["event"]]

        # The board is edited in place, and stays pinned.
        await arch.ask(say=room, text=f"!dynasched status {case} affected")
        seen = await arch.shown(
            room, lambda now: any("<td>affected" in html(one) for one in now if one["event"] == board["event"])
        )
        (again,) = [one for one in seen if one["event"] == board["event"]]
        assert again["edited"] not in (None, board["event"])
        assert (await arch.ask(show=room))["pinned"] == [board["event"]]

        # Both libraries show every card alike.
        theirs = {one["event"]: {name: one["content"].get(name) for name in SHOWN} for one in cards(place, seen)}
        assert len(theirs) >= 4  # board, release, pack, the word to all
        await until(lambda: theirs == {event: as_nio_shows(place, room, event) for event in theirs}, "the same cards")
