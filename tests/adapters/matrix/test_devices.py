"""Device lists: nothing is encrypted for a newcomer before their devices are known, whoever asked for them first."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, cast

import pytest

from adapters.matrix.devices import Devices


class SlowServer:
    """Answers ``/keys/query`` when told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.was_asked = asyncio.Event()
        self.answer = asyncio.Event()

    async def call(self, method: str, where: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(sorted(body["device_keys"]))
        self.was_asked.set()
        await self.answer.wait()
        return {"device_keys": {user: {} for user in body["device_keys"]}}


@pytest.fixture
def server() -> SlowServer:
    return SlowServer()


@pytest.fixture
def devices(server: SlowServer) -> Devices:
    machine = SimpleNamespace(
        user_id="@bot:x", device_id="B", device_store=defaultdict(dict), users_for_key_query=set(), tracked_users=set()
    )
    store = SimpleNamespace(atomic=contextlib.nullcontext, save_devices=lambda devices: None)
    return Devices(cast(Any, machine), cast(Any, store), cast(Any, server))


async def test_whoever_needs_a_list_waits_for_it_also_if_somebody_else_asked(
    devices: Devices, server: SlowServer
) -> None:
    upkeep = asyncio.create_task(devices.refresh(["@debian:x"]))
    await server.was_asked.wait()
    sending = asyncio.create_task(devices.refresh(["@debian:x"]))
    for _ in range(10):  # turns of the event loop, in which it would have ended
        await asyncio.sleep(0)
    assert not sending.done()

    server.answer.set()
    await asyncio.gather(upkeep, sending)
    assert server.asked == [["@debian:x"]]
    assert await devices.refresh(["@debian:x"]) is False
