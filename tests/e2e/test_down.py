"""What is said while the bot is down is heard when it is back: all of it, in every kind of room, once."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from tests.e2e.kit import House, burst, verify

pytestmark = pytest.mark.asyncio(loop_scope="session")

CHATTER = 110
"""More in all than the homeserver puts into one sync's timeline (100), so that the rest must be fetched."""


@pytest.mark.parametrize(("how", "who", "button"), [("stop", "fedora", "✅"), ("kill", "suse", "❌")])
async def test_said_while_it_was_down(common: House, how: Literal["stop", "kill"], who: str, button: str) -> None:
    place, one, chat = common, common[who], common.direct[who]
    question = await place.reads(who, chat, "will you keep this private")
    await one.reaction(question.event, button)
    await place.quiet()
    await (place.bot.stop() if how == "stop" else place.bot.kill())

    speakers = ("passer-by", "maintainer")
    asked = await burst(place, place.public, speakers, 25, first=3000)
    await asyncio.gather(
        *(place[speakers[number % 2]].say(place.public, f"nothing for a bot {number}") for number in range(CHATTER))
    )
    asked += await burst(place, place.public, speakers, 15, first=3100)
    private = await asyncio.gather(*(one.say(chat, verify(3200 + number)) for number in range(12)))
    mark = one.mark()
    await one.react(chat, question.event, button)
    later = await one.say(chat, "!dynasched help")

    await place.restart()
    await place.answered("maintainer", place.public, asked)
    await place.answered(who, chat, [*private, later])
    done = {"✅": "thank you", "❌": "you declined"}[button]
    await place.reads(who, chat, done, after=mark)
    assert len([seen for seen in one.messages(chat) if done in seen.text]) == 1
    told = {"✅": f"{who} accepted", "❌": f"{who} declined"}[button]
    await place.reads("maintainer", place.security, told)
    assert len([seen for seen in place["maintainer"].messages(place.security) if told in seen.text]) == 1


async def test_a_thread_and_an_edit(common: House) -> None:
    """A command in a thread is answered there; an edit is no new command, also across a restart."""
    place, passer_by = common, common["passer-by"]
    root = await passer_by.say(place.public, "is this archive good?")
    asked = await passer_by.say(place.public, verify(3300), thread=root)
    await place.answered("passer-by", place.public, [asked])
    answer = await passer_by.answer(asked)
    assert (answer.thread, answer.reply_to) == (root, asked)
    await place.bot.stop()
    edit = await passer_by.say(place.public, verify(3301), replaces=asked)
    following = await passer_by.say(place.public, verify(3302))
    await place.restart()
    await place.answered("passer-by", place.public, [asked, following])
    assert not [seen for seen in passer_by.messages(place.public) if seen.answers == edit]
