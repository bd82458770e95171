"""Who is in which room, as a second client and the homeserver see it: nobody before they accepted, nobody after they
left, and nothing said while somebody is there who should not be.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from adapters.stage.person import Refused
from adapters.stage.seen import Membership, Message
from adapters.stage.synapse import Synapse
from tests.e2e.kit import WITHIN, Denied, House, house, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

TITLE = "Job names overrun the queue velvet-otter"
BEFORE, AFTER, HELD, LATER = "copper-lantern", "paper-harbour", "tin-whistle", "glass-anchor"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A case under embargo; fedora and suse have been asked, neither has answered."""
    folder = tmp_path_factory.mktemp("rooms")
    async with house(synapse, folder, "fedora", "suse", proxied=True) as made:
        for name in ("fedora", "suse"):
            await made.commands(
                f"contacts add {name} roles=packager address=matrix:{made[name].id}", f"{name} is on the"
            )
        await made.opens_case(TITLE)
        await made.commands(f"invite {made.case} all-packagers", "asked")
        for name in ("fedora", "suse"):
            await made.takes_chat(name)
            await made.reads(name, made.direct[name], "will you keep this private")
        yield made
        only_asked(made, "suse")  # whatever happened


def only_asked(place: House, name: str) -> None:
    """Who has not accepted: invited into no room but their own chat, and told nothing of what it is about."""
    assert {seen.room for seen in place.doors(name)} <= {place.direct[name], *place.forced}
    for seen in place[name].memory:
        if isinstance(seen, Message):
            assert not any(word in seen.text for word in (TITLE, BEFORE, AFTER, HELD, LATER))


async def memberships(place: House, who: str) -> list[tuple[str, str]]:
    """What became of somebody's membership of the embargo room, ever: (membership, by whom)."""
    names = {person.id: name for name, person in place.people.items()} | {place.bot_id: "bot"}
    return [
        (event["content"]["membership"], names[event["sender"]])
        for event in await place.timeline(place.bot_token, place.embargo)
        if event["type"] == "m.room.member" and event["state_key"] == place[who].id
    ]


async def test_what_the_room_is(place: House) -> None:
    state = await place.state(place["maintainer-2"], place.embargo)
    assert state["m.room.join_rules", ""]["join_rule"] == "invite"
    assert state["m.room.history_visibility", ""]["history_visibility"] == "joined"
    assert state["m.room.guest_access", ""]["guest_access"] == "forbidden"
    assert state["m.room.encryption", ""]["algorithm"] == "m.megolm.v1.aes-sha2"
    assert state["m.room.create", ""]["m.federate"] is True  # the default; see test_postgres for the other
    assert place.case in state["m.room.name", ""]["name"]
    assert ("m.room.avatar", "") not in state
    for (kind, _), content in state.items():
        assert not any(word in str(content) for word in TITLE.split()), kind
    power = state["m.room.power_levels", ""]
    assert power["users"] == {place.bot_id: 100}
    assert min(power[deed] for deed in ("invite", "kick", "ban", "redact", "state_default")) == 100


async def test_members_cannot_change_it_or_let_anybody_in(place: House) -> None:
    maintainer, suse = place["maintainer"], place["suse"]
    with pytest.raises(Refused, match="M_FORBIDDEN"):
        await maintainer.invite(place.embargo, suse.id)
    with pytest.raises(Refused, match="M_FORBIDDEN"):
        await maintainer.kick(place.embargo, place["maintainer-2"].id)
    for kind, content in (
        ("m.room.join_rules", {"join_rule": "public"}),
        ("m.room.history_visibility", {"history_visibility": "world_readable"}),
        ("m.room.name", {"name": TITLE}),
    ):
        with pytest.raises(Denied, match="M_FORBIDDEN"):
            await place.api(maintainer, "PUT", f"rooms/{quote(place.embargo)}/state/{kind}/", content)
    with pytest.raises(Refused):
        await suse.join(place.embargo)
    assert await memberships(place, "suse") == []


async def test_who_accepts_is_asked_in_and_reads_from_then_on(place: House) -> None:
    fedora, note = place["fedora"], f"tell {place.case} {BEFORE}"
    await place.commands(note, "told to")
    await place.reads("maintainer", place.embargo, BEFORE)
    assert await memberships(place, "fedora") == []
    await place.asks("fedora", place.direct["fedora"], f"accept {place.case}", TITLE)
    assert await place.door("fedora") == place.embargo
    await fedora.join(place.embargo)
    await place.commands(f"tell {place.case} {AFTER}", "told to")
    read = await place.reads("fedora", place.embargo, AFTER)
    assert read.decrypted
    assert await memberships(place, "fedora") == [("invite", "bot"), ("join", "fedora")]
    # Who came later sees nothing from before: the homeserver does not even show the ciphertext.
    joined = next(seen for seen in fedora.memory if isinstance(seen, Membership) and seen.room == place.embargo)
    seen = [event["event_id"] for event in await place.timeline(fedora, place.embargo)]
    said = [event["event_id"] for event in await place.said_by_bot(place.bot_token, place.embargo)]
    shared = [event for event in said if event in seen]
    assert joined.room == place.embargo
    assert shared == said[-len(shared) :] != said
    assert fedora.locked == 0
    only_asked(place, "suse")


async def test_somebody_let_in_from_outside_is_put_out(place: House) -> None:
    """With the bot's own token, as an operator of the homeserver could. The kick is kept from the homeserver for a
    while: until it is through, the room is told nothing, and the coordinators know.
    """
    assert place.proxy is not None
    suse, mark = place["suse"], place["maintainer"].mark()
    kick = place.proxy.trap(rf"POST .*/rooms/{place.embargo}/kick$", "request")
    place.forced.add(place.embargo)
    os.kill(place.bot.pid, signal.SIGSTOP)
    try:
        await place.api(place.bot_token, "POST", f"rooms/{quote(place.embargo)}/invite", {"user_id": suse.id})
        await suse.join(place.embargo)
        told = await place["maintainer"].say(place.security, f"!dynasched tell {place.case} {HELD}")
    finally:
        os.kill(place.bot.pid, signal.SIGCONT)
    await kick.caught_within(WITHIN)
    await place.reads("maintainer", place.security, "does not belong", after=mark)
    await place["maintainer"].answer(told, WITHIN)
    assert place.held_places() == [place.embargo]
    # Another note, said when the bot had long noticed.
    await place.commands(f"tell {place.case} {LATER}", "told to")
    assert not any(word in seen.text for seen in place["fedora"].messages(place.embargo) for word in (HELD, LATER))
    place.proxy.release(kick)
    for word in (HELD, LATER):
        await place.reads("fedora", place.embargo, word)
    assert await memberships(place, "suse") == [("invite", "bot"), ("join", "suse"), ("leave", "bot")]
    assert place.held_places() == []
    # While suse was in the room, the bot said nothing there.
    timeline = await place.timeline(place.bot_token, place.embargo)
    joined, left = (
        next(
            number
            for number, event in enumerate(timeline)
            if event["type"] == "m.room.member"
            and event["state_key"] == suse.id
            and event["content"]["membership"] == now
        )
        for now in ("join", "leave")
    )
    # (What it had said before may be pinned late: a pin names an event, and tells nothing.)
    said = [event["type"] for event in timeline[joined:left] if event["sender"] == place.bot_id]
    assert [kind for kind in said if kind != "m.room.pinned_events"] == []
    only_asked(place, "suse")


async def test_who_is_removed_is_out_and_reads_no_more(place: House) -> None:
    fedora = place["fedora"]
    await place.commands(f"remove {place.case} fedora", "fedora is out")
    await fedora.saw(
        Membership,
        lambda seen: seen.room == place.embargo and seen.who == fedora.id and seen.now == "leave",
        what="being put out",
        within=WITHIN,
    )
    seen = {event["event_id"] for event in await place.timeline(fedora, place.embargo)}
    mark = place["maintainer"].mark()
    await place.commands(f"tell {place.case} after all {LATER}", "told to")
    card = await place.reads("maintainer", place.embargo, "after all", after=mark)
    await place.quiet()
    # Fewer, if anything: what was sent in the moment of the kick, Synapse shows only until something comes after it.
    assert {event["event_id"] for event in await place.timeline(fedora, place.embargo)} <= seen
    assert card.event not in seen
    with pytest.raises(Refused):
        await fedora.join(place.embargo)
    assert (await memberships(place, "fedora"))[-1] == ("leave", "bot")


async def test_a_third_person_in_a_direct_chat(place: House) -> None:
    """The bot leaves, and what it has to say is said in a new chat of two."""
    await place.arrive("debian")
    debian = place["debian"]
    await place.commands(f"contacts add debian organisation=Debian address=matrix:{debian.id}", "debian is on the")
    chat = await place.opens_chat("debian")
    await place.asks("debian", chat, "help", "verify")
    mark = place["maintainer"].mark()
    await debian.invite(chat, place["suse"].id)
    await debian.saw(
        Membership,
        lambda seen: seen.room == chat and seen.who == place.bot_id and seen.now == "leave",
        what="the bot leaving",
        within=WITHIN,
    )
    await place.commands(f"invite {place.case} debian", "asked")
    await until(lambda: [seen for seen in place.doors("debian") if seen.room != chat], "a new chat is opened")
    new = await place.takes_chat("debian")
    assert new != chat
    await place.reads("debian", new, "will you keep this private")
    assert not any("will you keep" in seen.text for seen in debian.messages(chat))
    assert not [seen for seen in place["maintainer"].messages(place.security)[mark:] if "held back" in seen.text]


async def test_the_bot_put_out_of_a_direct_chat(place: House) -> None:
    """Somebody throws the bot out of their chat: what it has to say to them comes in a new one."""
    await place.arrive("spack")
    spack = place["spack"]
    await place.commands(f"contacts add spack address=matrix:{spack.id}", "spack is on the")
    encryption = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    asked = {"preset": "private_chat", "is_direct": True, "invite": [place.bot_id], "initial_state": [encryption]}
    chat = (await place.api(spack, "POST", "createRoom", asked))["room_id"]  # the host alone has power
    await spack.joined(chat, place.bot_id, WITHIN)
    await place.asks("spack", chat, "help", "verify")
    await spack.kick(chat, place.bot_id)
    await place.quiet()
    await until(
        lambda: place.rows("SELECT 1 FROM place WHERE room = ? AND state = 'closed'", chat), "the chat is given up"
    )
    await place.commands(f"invite {place.case} spack", "asked")
    new = await place.takes_chat("spack")
    await place.reads("spack", new, "will you keep this private")


async def test_nothing_went_wrong(place: House) -> None:
    await asyncio.gather(place.quiet())
    assert place.outbox()["dead"] == place.outbox()["refused"] == 0
    assert [line for line in place.complaints() if "Traceback" in line] == []
