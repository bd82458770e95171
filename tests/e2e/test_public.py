"""What slips out in a public room: taken back, met with silence there, and told to those who must know."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest

from adapters.stage.archives import check_line
from adapters.stage.seen import Message, Redaction
from tests.e2e.kit import WITHIN, House, verify

pytestmark = pytest.mark.asyncio(loop_scope="session")

CANARY = "velvet-otter"


async def give_power(place: House, room: str) -> None:
    """What a moderator has: the bot may redact."""
    levels = (await place.state(place["maintainer"], room))["m.room.power_levels", ""]
    levels["users"][place.bot_id] = 50
    await place.api(place["maintainer"], "PUT", f"rooms/{quote(room)}/state/m.room.power_levels/", levels)


def said_there(place: House, after: int) -> list[str]:
    """What the bot said in the public room, as somebody in it read it."""
    seen = list(place["passer-by"].memory)[after:]
    return [
        one.text for one in seen if isinstance(one, Message) and (one.room, one.sender) == (place.public, place.bot_id)
    ]


@pytest.mark.parametrize("powerful", [True, False])
async def test_case_text_typed_in_public(common: House, powerful: bool) -> None:
    place, maintainer, passer_by = common, common["maintainer"], common["passer-by"]
    if powerful:
        room = await place.public_room("passer-by")
        await give_power(place, room)
        await place.quiet()
    else:
        room = place.public
    mark, heard = place["maintainer-2"].mark(), passer_by.mark()
    cases = place.rows('SELECT COUNT(*) FROM "case"')
    typed = await maintainer.say(room, f"!dynasched triage {CANARY}")
    await passer_by.read(typed)
    await place.reads("maintainer-2", place.security, "typed triage in a public room", after=mark)
    if "maintainer" not in place.direct:
        await place.takes_chat("maintainer")
    word = await place.reads("maintainer", place.direct["maintainer"], "triage was typed in a public room")
    assert word.decrypted
    await place.quiet()
    event = await place.api(passer_by, "GET", f"rooms/{quote(room)}/event/{quote(typed)}")
    if powerful:
        await passer_by.saw(
            Redaction, lambda seen: seen.target == typed and seen.sender == place.bot_id, what="it taken back"
        )
        assert event["content"] == {}
    else:
        assert CANARY in event["content"]["body"]
        await place.reads("maintainer-2", place.security, "no-power", after=mark)
    # The room heard nothing of it, and no case was opened.
    nothing = await passer_by.ask(room, verify(4000), within=WITHIN)
    later = [seen for seen in list(passer_by.memory)[heard:] if isinstance(seen, Message) and seen.room == room]
    assert [seen.event for seen in later if seen.sender == place.bot_id] == [nothing.event]
    assert place.rows('SELECT COUNT(*) FROM "case"') == cases


async def test_a_line_of_the_private_release_pasted_in_public(common: House) -> None:
    place = common
    line = check_line(place.folder / "private" / "dynasched-1.0.1.tar.gz")
    mark = place["maintainer"].mark()
    await place.commands(f"private-release {place.case} 1.0.1", "hashing")
    await place.reads("maintainer", place.security, "with the members", after=mark)
    heard, mark = place["passer-by"].mark(), place["maintainer"].mark()
    stranger = await place["passer-by"].say(place.public, line)
    alarm = await place.reads("maintainer", place.security, "in a public room", after=mark)
    assert place.case in alarm.text
    member = await place["fedora"].say(place.public, f"look: {line}")
    await place.quiet()
    # Silence: a later question is answered, those two are not.
    later = await place["passer-by"].ask(place.public, verify(4001), within=WITHIN)
    asked = await place["passer-by"].ask(place.public, f"!dynasched verify {line}", within=WITHIN)
    assert asked.text == later.text
    assert not [seen for seen in place["passer-by"].messages(place.public) if seen.answers in (stranger, member)]
    assert not any(place.case in text or "private" in text for text in said_there(place, heard))


async def test_the_bot_is_put_out_of_a_public_room(common: House) -> None:
    """The coordinators hear of it, and nobody waits for what cannot be said there any more."""
    place, maintainer = common, common["maintainer"]
    room = await place.public_room("passer-by")
    mark = maintainer.mark()
    await maintainer.kick(room, place.bot_id)
    await place.reads("maintainer", place.security, "I was put out of the public room", after=mark)
    await maintainer.say(room, verify(4002))
    await asyncio.gather(place.quiet())
    assert place.rows("SELECT state FROM place WHERE room = ?", room) == [("closed",)]
