"""Somebody whose client is built on ``matrix-js-sdk``, Element's library, with the crypto of its Rust SDK."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from adapters.stage.emulate import node
from adapters.stage.synapse import Synapse
from adapters.stage.tied import tied

_SCRIPT = Path(__file__).with_suffix(".mjs")
_LINE = 1 << 24
Shown = dict[str, Any]
"""An event as the client would show it: edits in place, decrypted or with why it is ``locked``."""


class Sdk:
    """The client, in a Node process of its own. ``id``, ``device`` and ``key`` are the account's and the device's."""

    def __init__(self, process: asyncio.subprocess.Process, user: str, hello: dict[str, str]) -> None:
        self._process = process
        self.id, self.device, self.key = user, hello["device"], hello["key"]

    @classmethod
    @asynccontextmanager
    async def arrive(cls, synapse: Synapse, name: str) -> AsyncIterator[Sdk]:
        """Register, log in, and listen until the end of the block."""
        password = secrets.token_hex(8)
        user = await synapse.register(f"{name}-{secrets.token_hex(3)}", password)
        process = await asyncio.create_subprocess_exec(
            *tied([str(node()), str(_SCRIPT), str(Path(sys.prefix) / "peers"), synapse.url, user]),
            env={**os.environ, "PASSWORD": password},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LINE,
        )
        try:
            yield cls(process, user, await _answer(process))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def ask(self, **what: str) -> Any:
        """One of the requests that the script's head names. Raises AssertionError if the client could not do it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        answer = await _answer(self._process)
        assert "problem" not in answer, answer["problem"]
        return answer

    async def invited(self, within: float = 60) -> str:
        """The room into which they are asked. Waits for that; raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                rooms: list[list[str]] = (await self.ask(rooms=""))["rooms"]
                if asked := [room for room, membership in rooms if membership == "invite"]:
                    return asked[0]
                await asyncio.sleep(0.05)

    async def shown(self, room: str, enough: Callable[[list[Shown]], object], within: float = 60) -> list[Shown]:
        """A room's events, as soon as ``enough`` is true of those that are shown. Raises TimeoutError."""
        seen: list[Shown] = []
        try:
            async with asyncio.timeout(within):
                while not enough(seen := (await self.ask(show=room))["events"]):  # noqa: ASYNC110 (in another process)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not shown within {within:g} s; there is {seen}") from None
        return seen


async def _answer(process: asyncio.subprocess.Process) -> Any:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        line = await process.stdout.readline()
    assert line, "the client has ended"
    return json.loads(line)
