"""The narrator shows what happens, and a step that was not observed ends the play in one clear line."""

from __future__ import annotations

import asyncio
import io

import pytest
from rich.console import Console

from adapters.stage.play import NotObserved, Scene
from adapters.stage.seen import Membership
from tests.conftest import People


async def test_a_scene_reads_like_a_play_and_fails_in_one_line(people: People) -> None:
    page = io.StringIO()
    rita, bob = await asyncio.gather(people("rita"), people("bob"))

    scene = Scene("A short play", console=Console(file=page, width=100), within=10)
    scene.enter(rita, "Rita", "found something")
    scene.enter(bob, "Bob", "packages it")
    scene.act("They meet")
    scene.tell("Nobody else is there.")
    room = await scene.does(rita, "opens a room", rita.open_room(invite=[bob.id]))
    await scene.does(bob, "joins", bob.join(room))
    await scene.expect(rita, "Bob in the room", lambda seen: seen.who == bob.id and seen.now == "join", Membership)
    await scene.says(rita, room, "have a look\nat this")
    heard = await scene.expect(bob, "what she says", lambda seen: "look" in seen.body)
    assert heard.decrypted
    scene.never(bob, "a word about dinner", lambda seen: "dinner" in seen.body)
    scene.check("the sum is right", 1 + 1 == 2)
    scene.end()

    told = page.getvalue()
    for line in (
        "1. They meet",
        "Rita:\n    have a look",
        "✓ Bob sees what she says",
        "│ at this",
        "4 things observed",
    ):
        assert line in told

    scene.act("It goes wrong")
    with pytest.raises(NotObserved, match=r"^Act 2: Bob did not see an answer in 0\.2 s; saw .*$"):
        await scene.expect(bob, "an answer", lambda seen: seen.sender == "@nobody:localhost", within=0.2)
    with pytest.raises(NotObserved, match=r"^Act 2: Bob saw what they must never see: the look$"):
        scene.never(bob, "the look", lambda seen: "look" in seen.body)
    with pytest.raises(NotObserved, match=r"^Act 2: Bob could not do this: joins: Refused: join: M_"):
        await scene.does(bob, "joins", bob.join("!nowhere:localhost"))
