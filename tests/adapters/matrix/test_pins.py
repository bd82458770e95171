"""What is to be kept at the top of a room, on a real homeserver."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from adapters.matrix.http import path
from adapters.matrix.pins import MOST
from chatops.ports import Post
from tests.adapters.matrix.conftest import Bot, card, together
from tests.conftest import People


async def pinned(bot: Bot, room: str) -> list[str]:
    state = await bot.state(room)
    listed: list[str] = state.get(("m.room.pinned_events", ""), {}).get("pinned", [])
    return listed


async def pinned_by_hand(bot: Bot, room: str, events: list[str]) -> None:
    where = path("rooms", room, "state", "m.room.pinned_events") + "/"
    await bot.service._http.call("PUT", where, {**(await bot.service._http.call("GET", where)), "pinned": events})


async def test_the_newest_is_pinned_once_beside_what_others_pinned(bot: Bot) -> None:
    room = await bot.open()
    effect = bot.effect(Post(document=card("the terms"), pin=True), room)
    first = (await bot.service.perform(effect)).event
    assert await pinned(bot, room) == [first]
    assert (await bot.service.perform(effect)).event == first
    assert await pinned(bot, room) == [first]
    await pinned_by_hand(bot, room, ["$theirs", str(first), "$more"])
    second = (await bot.do(Post(document=card("newer terms"), pin=True), room)).event
    await bot.say(room, "something else")
    assert await pinned(bot, room) == ["$theirs", "$more", second]


async def test_pins_are_not_without_number(bot: Bot) -> None:
    room = await bot.open()
    await bot.do(Post(document=card("the terms"), pin=True), room)
    many = [f"${secrets.token_hex(4)}" for _ in range(MOST + 5)]
    await pinned_by_hand(bot, room, many)
    newest = (await bot.do(Post(document=card("newer terms"), pin=True), room)).event
    assert await pinned(bot, room) == [*many[6:], newest]


async def test_where_the_bot_may_not_pin_it_still_posts(
    bot: Bot, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    alice = await people("alice")
    room = await together(bot, alice, encrypted=False)
    receipt = await bot.do(Post(document=card("the terms"), pin=True), room)
    assert (await alice.read(receipt.event)).text
    assert await pinned(bot, room) == []
    assert f"a message in {room} is not pinned: M_FORBIDDEN" in caplog.messages


async def test_nobody_else_pins_in_a_room_of_the_bots(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await bot.open("embargo", (alice.id,))
    await alice.invited(bot.id)
    await alice.join(room)
    refused: Any = await alice.client.room_put_state(room, "m.room.pinned_events", {"pinned": ["$mine"]})
    assert refused.status_code == "M_FORBIDDEN"
    receipt = await bot.do(Post(document=card("the terms"), pin=True), room)
    assert await pinned(bot, room) == [receipt.event]
