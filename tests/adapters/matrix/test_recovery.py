"""A device that was logged out, a store that was lost: what heals by itself, and what an operator is told."""

from __future__ import annotations

import shutil

import pytest

from adapters.matrix.http import Http, path
from adapters.matrix.session import Unusable
from adapters.stage.person import Person
from chatops.ports import Said, TryLater
from tests.adapters.matrix.conftest import Bot, together
from tests.conftest import People


async def private(bot: Bot, alice: Person) -> str:
    room = await bot.open("embargo", (alice.id,))
    await alice.invited(bot.id)
    await alice.join(room)
    return room


async def delete_device(bot: Bot) -> None:
    """As somebody would in the settings of another session of the account."""
    identifier = {"type": "m.id.user", "user": bot.id}
    auth = {"type": "m.login.password", "identifier": identifier, "password": bot.settings.password}
    body = {"devices": [bot.service.device_id], "auth": auth}
    await bot.service._http.call("POST", path("delete_devices"), body)


async def log_out(bot: Bot, token: str | None) -> None:
    http = Http(bot.settings.homeserver)
    http.open()
    http.token = token
    await http.call("POST", path("logout"), {})
    await http.close()


async def test_a_device_that_was_deleted_heals_with_a_password(bot: Bot, people: People) -> None:
    alice = await people("alice")
    plain, room = await together(bot, alice, encrypted=False), await private(bot, alice)
    assert (await alice.read(await bot.say(room, "before"))).decrypted
    device, key = bot.service.device_id, bot.service.fingerprint
    await delete_device(bot)
    assert await bot.inbox.got(await alice.say(plain, "hello?"), Said)
    assert (await alice.read(await bot.say(room, "after"))).decrypted
    assert (bot.service.device_id, bot.service.fingerprint) == (device, key)


async def test_logged_out_while_it_was_down(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await private(bot, alice)
    device, token = bot.service.device_id, bot.service._http.token
    await bot.stop()
    await log_out(bot, token)
    await bot.start()
    assert bot.service.device_id == device
    assert (await alice.read(await bot.say(room, "here again"))).decrypted


async def test_without_a_password_one_line_says_what_to_do(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    await bot.stop()
    token, device = bot.service._http.token, bot.service.device_id
    await bot.start(password=None, access_token=token)
    room = await bot.open()
    await bot.service._http.call("POST", path("logout"), {})
    for _ in range(3):
        with pytest.raises(TryLater):
            await bot.say(room, "unheard")
    line = (
        f"the homeserver doesn't accept the Matrix access token: give a new one of device {device}, or a password, "
        "and start the bot again"
    )
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [line]
    assert not any(record.exc_info for record in caplog.records)
    await bot.stop()
    with pytest.raises(Unusable) as problem:
        await bot.start()
    assert str(problem.value) == line


async def test_a_lost_store_is_not_replaced_unasked(bot: Bot, people: People) -> None:
    alice = await people("alice")
    room = await private(bot, alice)
    old = bot.service.device_id
    await bot.stop()
    shutil.rmtree(bot.settings.store)
    with pytest.raises(Unusable, match=r"restore the folder .* from a backup; if there is none"):
        await bot.start()
    assert not (bot.settings.store / "session.json").exists()
    (bot.settings.store / "new-device").touch()
    await bot.start()
    assert bot.service.device_id != old
    assert not (bot.settings.store / "new-device").exists()
    assert await bot.inbox.got(await alice.say(room, "are you new?"), Said)
    assert (await alice.read(await bot.say(room, "I am"))).decrypted


async def test_lost_keys_are_not_made_anew_for_the_same_device(bot: Bot) -> None:
    old, token = bot.service.device_id, bot.service._http.token
    await bot.stop()
    for file in bot.settings.store.glob("crypto.db*"):
        file.unlink()
    with pytest.raises(Unusable, match="the Matrix crypto store is lost"):
        await bot.start()
    (bot.settings.store / "new-device").touch()
    for _ in range(2):
        with pytest.raises(Unusable, match=f"for the lost device {old}: give one of a new device"):
            await bot.start(access_token=token)
    await bot.start(access_token=None)
    assert bot.service.device_id != old


async def test_parts_of_different_stores_do_not_open(bot: Bot) -> None:
    await bot.stop()
    store = bot.settings.store
    session, key = (store / "session.json").read_text(), (store / "pickle.key").read_text()
    (store / "session.json").unlink()
    with pytest.raises(Unusable, match=r"session\.json is missing"):
        await bot.start()
    (store / "session.json").write_text(session)
    (store / "pickle.key").write_text(key[::-1])
    with pytest.raises(Unusable, match=r"pickle\.key does not open"):
        await bot.start()
    (store / "pickle.key").write_text(key)
    for file in store.glob("crypto.db-*"):
        file.unlink()
    (store / "crypto.db").write_bytes(b"no database " * 500)
    with pytest.raises(Unusable, match=r"crypto\.db in the Matrix store is damaged"):
        await bot.start()
