"""Two homeservers: the bot and its coordinators on one, packagers on another. What holds in one house holds across."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import nio
import pytest
import pytest_asyncio

from adapters.stage.seen import Invitation, Membership
from adapters.stage.synapse import Synapse
from tests.e2e.kit import WITHIN, Denied, Event, House, house

pytestmark = pytest.mark.asyncio(loop_scope="session")

TITLE = "Job names overrun the queue velvet-otter"
TOGETHER, APART = "copper-lantern", "paper-harbour"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Synapse, Synapse]]:
    one, two = (Synapse(tmp_path_factory.mktemp(name), federates=True) for name in ("one", "two"))
    await asyncio.gather(one.start(), two.start())
    yield one, two
    await asyncio.gather(one.stop(), two.stop())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(servers: tuple[Synapse, Synapse], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A case under embargo; debian, gentoo and arch are on the roster, with addresses on the second server."""
    one, two = servers
    names = ("debian", "gentoo", "arch")
    async with house(one, tmp_path_factory.mktemp("federation")) as made:
        await made.arrive(*names, at=two)
        for name in names:
            assert made[name].id.endswith(f":{two.server_name}")
            assert two.server_name != one.server_name
            words = f"contacts add {name} roles=packager address=matrix:{made[name].id}"
            await made.commands(words, f"{name} is on the")
        await made.opens_case(TITLE)
        yield made


def can_read(place: House, name: str, event: Event) -> bool:
    """Whether somebody's client can read a message's ciphertext, however they came by it."""
    sealed = nio.Event.parse_encrypted_event(event)
    assert isinstance(sealed, nio.MegolmEvent)
    sealed.room_id = place.embargo
    try:
        return not isinstance(place[name].client.decrypt_event(sealed), nio.MegolmEvent)
    except nio.EncryptionError:
        return False


async def test_asked_across_servers_in_an_encrypted_chat(place: House) -> None:
    await place.commands(f"invite {place.case} debian gentoo", "asked")
    for name in ("debian", "gentoo"):
        chat = await place.takes_chat(name)
        question = await place.reads(name, chat, "will you keep this private")
        assert question.decrypted
        assert TITLE not in question.text
        assert {seen.room for seen in place.doors(name)} == {chat}


async def test_who_accepts_is_let_in_and_reads(place: House) -> None:
    """debian accepts with a reaction, gentoo in words."""
    debian, chat = place["debian"], place.direct["debian"]
    question = await place.reads("debian", chat, "will you keep this private")
    await debian.reaction(question.event, "✅")
    await debian.react(chat, question.event, "✅")
    await place.asks("gentoo", place.direct["gentoo"], f"accept {place.case}", TITLE)
    for name in ("debian", "gentoo"):
        assert await place.door(name) == place.embargo
        await place[name].join(place.embargo)
        await place["maintainer"].joined(place.embargo, place[name].id, WITHIN)
    await place.quiet()
    await place.commands(f"tell {place.case} {TOGETHER}", "told to")
    for name in ("debian", "gentoo"):
        assert (await place.reads(name, place.embargo, TOGETHER)).decrypted
    # People's own words cross over too, both ways.
    said = await debian.say(place.embargo, "ours builds")
    assert (await place["maintainer"].read(said, WITHIN)).decrypted
    said = await place["maintainer"].say(place.embargo, "good")
    assert (await debian.read(said, WITHIN)).decrypted


async def test_who_is_removed_is_out_and_has_no_key_to_what_follows(place: House) -> None:
    """gentoo stays, so the second server goes on receiving the room; debian's account there is shown none of it."""
    debian = place["debian"]
    together = await place.reads("debian", place.embargo, TOGETHER)
    await place.commands(f"remove {place.case} debian", "debian is out")
    await debian.saw(
        Membership,
        lambda seen: seen.room == place.embargo and seen.who == debian.id and seen.now == "leave",
        what="being put out",
        within=WITHIN,
    )
    await place.quiet()
    await place.commands(f"tell {place.case} {APART}", "told to")
    apart = await place.reads("gentoo", place.embargo, APART)
    # What was sent to debian's devices before this answer has come with it or before.
    await place.asks("debian", place.direct["debian"], "help", "verify")

    said = {event["event_id"]: event for event in await place.said_by_bot(place.bot_token, place.embargo)}
    before, after = said[together.event], said[apart.event]
    assert before["content"]["session_id"] != after["content"]["session_id"]
    assert can_read(place, "debian", before)
    assert not can_read(place, "debian", after)
    assert can_read(place, "gentoo", before)
    assert can_read(place, "gentoo", after)
    assert apart.event not in {event["event_id"] for event in await place.timeline(debian, place.embargo)}
    assert not [seen for seen in debian.messages(place.embargo) if APART in seen.text]
    with pytest.raises(Denied, match="M_FORBIDDEN"):
        await place.api(debian, "POST", f"join/{quote(place.embargo)}", {}, server_name=place.synapse.server_name)


async def test_who_was_not_asked_sees_no_invitation(place: House) -> None:
    """Not even who is on the roster, on a server that has the room."""
    arch, gentoo = place["arch"], place["gentoo"]
    await place.quiet()
    with pytest.raises(Denied, match="M_FORBIDDEN"):
        await place.api(arch, "POST", f"join/{quote(place.embargo)}", {}, server_name=place.synapse.server_name)
    with pytest.raises(Denied):
        await place.timeline(arch, place.embargo)
    last = await gentoo.open_room("another matter", invite=[arch.id])
    await arch.invited(by=gentoo.id)
    assert [seen.room for seen in arch.memory if isinstance(seen, Invitation)] == [last]


async def test_nothing_went_wrong(place: House) -> None:
    await place.quiet()
    assert place.outbox()["dead"] == place.outbox()["refused"] == 0
    assert place.complaints() == []
