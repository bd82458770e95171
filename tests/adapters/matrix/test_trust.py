"""Who reads where devices must be verified: the policy, what an operator types, and both on a real homeserver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from nio.crypto import OlmDevice, TrustState

from adapters.matrix import marking
from adapters.matrix.guards import Machine
from adapters.matrix.session import Unusable
from adapters.matrix.store import CryptoStore
from adapters.matrix.trust import Trust, grouped
from adapters.stage.synapse import Synapse
from chatops import cli
from chatops.model.people import PlaceKind
from chatops.ports import DeviceShut, Post, Said, TryLater
from tests.adapters.matrix.conftest import Bot, card
from tests.adapters.matrix.test_outgoing import invited_into
from tests.conftest import People
from tests.sdk import Sdk, Shown

WITHHELD = "MEGOLM_KEY_WITHHELD_FOR_UNVERIFIED_DEVICE"
DEBIAN, PHONE, LAPTOP = "@debian:example.org", "PHONE", "LAPTOP"
KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"


def device(name: str, key: str = KEY, trust: TrustState = TrustState.unset) -> OlmDevice:
    return OlmDevice(DEBIAN, name, {"ed25519": key, "curve25519": key[::-1]}, trust_state=trust)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The store of a bot that has seen two devices of debian's, and a third whose keys changed."""
    made = tmp_path / "matrix"
    made.mkdir()
    (made / "pickle.key").write_text("k")
    (made / "session.json").write_text('{"user_id": "@bot:example.org", "device_id": "BOT", "access_token": "secret"}')
    with closing(CryptoStore(made / "crypto.db", "k")) as store:
        Machine("@bot:example.org", "BOT", store).save_account()
        changed = device("POSING", KEY[::-1], TrustState.blacklisted)
        store.save_devices([device(PHONE), device(LAPTOP, KEY.swapcase()), changed])
    return made


@pytest.fixture
def store(folder: Path) -> Iterator[CryptoStore]:
    """What a bot that runs holds open meanwhile."""
    with closing(CryptoStore(folder / "crypto.db", "k")) as opened:
        yield opened


@pytest.mark.parametrize("place", [*PlaceKind, None])
def test_a_mark_decides_where_devices_must_be_verified_and_a_bad_one_everywhere(
    folder: Path, store: CryptoStore, place: PlaceKind | None
) -> None:
    strict, easy = Trust(store, frozenset({PlaceKind.EMBARGO})), Trust(store, frozenset())
    unmarked = "m.unverified" if place is PlaceKind.EMBARGO else None
    assert (strict.withheld(place, device(PHONE)), easy.withheld(place, device(PHONE))) == (unmarked, None)
    marking.marked(folder, DEBIAN, PHONE, trusted=True)
    assert strict.withheld(place, device(PHONE)) is None
    assert strict.withheld(place, device(PHONE, KEY[::-1])) == unmarked  # the same name with another key
    assert strict.withheld(place, device(PHONE, trust=TrustState.blacklisted)) == "m.blacklisted"
    marking.marked(folder, DEBIAN, PHONE, trusted=False)
    assert strict.withheld(place, device(PHONE)) == easy.withheld(place, device(PHONE)) == "m.blacklisted"


def test_what_is_saved_anew_of_a_device_keeps_when_it_was_first_seen(store: CryptoStore) -> None:
    before = {one.id: seen for one, seen in store.devices()}
    store._db.execute("UPDATE device SET seen = '2026-01-02 03:04 UTC' WHERE id = ?", (PHONE,))
    gone = device(PHONE)
    gone.deleted = True
    store.save_devices([gone])
    after = {one.id: (seen, one.deleted) for one, seen in store.devices()}
    assert after == {name: (seen, False) for name, seen in before.items()} | {PHONE: ("2026-01-02 03:04 UTC", True)}


def run(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    config = folder.parent / "chatops.toml"
    config.write_text(f'[store]\nfolder = "{folder.parent}"\n')
    code = cli.main(["matrix", *words, "--config", str(config)])
    out, err = capsys.readouterr()
    return code, out + err


def test_what_an_operator_types(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(folder, capsys, "trust", DEBIAN, PHONE)
    assert code == 0
    assert out.startswith(f"{DEBIAN} {PHONE}: verified; it reads wherever its owner is\n    abcd efgh ")
    assert run(folder, capsys, "distrust", DEBIAN, LAPTOP)[0] == 0
    code, out = run(folder, capsys, "devices", DEBIAN)
    assert code == 0
    bot, them = out.split("\n\n")
    assert bot.startswith("@bot:example.org (the bot)\n  BOT\n    ")
    assert f"  {PHONE}  verified, first seen 2" in them
    assert f"  {LAPTOP}  distrusted, first seen 2" in them
    assert "  POSING  blocked: its keys changed, first seen 2" in them
    assert f"    {grouped(KEY)}\n" in out
    assert run(folder, capsys, "devices") == (0, out)
    assert "secret" not in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("trust", "@debain:example.org", PHONE), "no such user is known, @debain:example.org; did you mean @debian:"),
        (("devices", "xyz"), f"no such user is known, xyz; known: {DEBIAN}"),
        (("trust", DEBIAN, "LAPTOPP"), "no such device is known, LAPTOPP; did you mean LAPTOP?"),
        (("trust", DEBIAN, "POSING"), "the keys of POSING changed since it was first seen, so it stays blocked"),
    ],
)
def test_what_cannot_be_marked_is_said_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    code, out = run(folder, capsys, *words)
    assert code == 1
    assert out.startswith(f"chatops: {told}")
    assert out.count("\n") == 1
    with closing(CryptoStore(folder / "crypto.db", "k")) as store:
        assert not store.marks()


def test_before_the_bot_ever_ran_there_is_nothing_to_list(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="the bot has not run yet"):
        marking.listed(tmp_path, None)
    assert not list(tmp_path.iterdir())


# --- on a real homeserver ------------------------------------------------------------------------------------------


def trust(bot: Bot, user: str, device: object, *, trusted: bool = True) -> None:
    """As the operator does it: beside the running bot, in its store."""
    marking.marked(bot.settings.store, user, str(device), trusted=trusted)


async def test_only_marked_devices_read_where_they_must_be(bot: Bot, people: People, synapse: Synapse) -> None:
    """alice's client is built on nio, bob's on matrix-js-sdk: his shows why it can't decrypt.

    What an unmarked device says is heard as such, what a distrusted one says is not heard.
    """
    await bot.stop()
    await bot.start(verified_only=frozenset({PlaceKind.EMBARGO}))
    alice = await people("alice")
    async with Sdk.arrive(synapse, "bob") as bob:
        room = await bot.open("embargo", (alice.id, bob.id))
        await alice.invited(bot.id)
        await alice.join(room)

        async def say(text: str) -> str:
            return str((await bot.do(Post(document=card(text)), room, place=PlaceKind.EMBARGO)).event)

        async def shows(**locks: str | None) -> None:
            """bob's client shows these events, each decrypted or with why not."""

            def enough(seen: list[Shown]) -> bool:
                return {one["event"]: one["locked"] for one in seen}.items() >= locks.items()

            await bob.shown(room, enough)

        with pytest.raises(TryLater, match="no-verified-device") as nobody:
            await say("zero")
        assert not nobody.value.counts  # however long nobody is verified, it is not given up
        shut = await bot.inbox.first(DeviceShut, lambda event: event.who == alice.id)
        assert (shut.device, shut.rooms, shut.may_read) == (alice.client.device_id, (room,), False)
        assert shut.key.replace(" ", "") == alice.client.olm.account.identity_keys["ed25519"]

        assert not (await bot.inbox.got(await alice.say(room, "is it me?"), Said)).verified
        trust(bot, alice.id, alice.client.device_id)
        assert (await bot.inbox.got(await alice.say(room, "it is me"), Said)).verified
        assert await bob.invited() == room
        await bob.ask(join=room)
        one = await say("one")
        assert (await alice.read(one)).decrypted
        await bot.inbox.first(DeviceShut, lambda event: event.who == alice.id and event.may_read)
        await bot.inbox.first(DeviceShut, lambda event: event.who == bob.id and event.key == grouped(bob.key))
        await shows(**{one: WITHHELD})

        trust(bot, bob.id, bob.device)
        await shows(**{one: WITHHELD, await say("two"): None})  # what was before it never reads
        trust(bot, alice.id, alice.client.device_id, trusted=False)
        await shows(**{await say("three"): None})
        outbound = bot.service._outgoing._sharing._outbound[room]  # type: ignore[union-attr]
        assert {user for user, _, _ in outbound.has} == {bob.id}
        unheard = await alice.say(room, "it is me")
        heard = await bot.inbox.got((await bob.ask(say=room, text="and I"))["said"], Said)
        assert (heard.text, heard.verified) == ("and I", True)
        assert unheard not in bot.inbox.rows
    await bot.inbox.first(DeviceShut, lambda event: event.who == bob.id and event.may_read)
    told = [(event.who, event.may_read) for event in bot.inbox.all(DeviceShut)]
    assert sorted(told) == sorted((who, may) for who in (alice.id, bob.id) for may in (False, True))


async def test_who_reads_nothing_yet_is_told_so_without_encryption(bot: Bot, people: People) -> None:
    await bot.stop()
    await bot.start(verified_only=frozenset({PlaceKind.DIRECT}))
    alice = await people("alice")
    chat = await invited_into(bot, alice, "direct")
    with pytest.raises(TryLater, match="no-verified-device"):
        await bot.do(Post(document=card("secret")), chat, place=PlaceKind.DIRECT)
    said = await bot.do(Post(document=card("your device is not verified"), bare=True), chat, place=PlaceKind.DIRECT)
    read = await alice.read(said.event)
    assert not read.decrypted
    assert "your device" in read.text
    trust(bot, alice.id, alice.client.device_id)
    for bare in (False, True):
        said = await bot.do(Post(document=card("secret"), bare=bare), chat, place=PlaceKind.DIRECT)
        assert (await alice.read(said.event)).decrypted
