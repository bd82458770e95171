"""The least bot that loses nothing while it runs: Matrix over bare HTTP, no encryption, nothing kept on disk.

The baseline for the benchmark: what remains beside it is the homeserver's time. It answers a message that begins with
``!`` with a notice that replies to it. Run as a program it takes the server's URL as argument, an access token from
``ECHO_TOKEN``, and prints ``ready``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp

_IN_FLIGHT = 8  # more gain nothing with Synapse


class Echo:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._base = f"{url}/_matrix/client/v3"
        self._me = ""
        self._free = asyncio.Semaphore(_IN_FLIGHT)
        self._sends: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Accept every invitation and answer, until cancelled. What was said before the start is not answered."""
        self._me = (await self._get("account/whoami"))["user_id"]
        seen = await self._get("sync", timeout="0")
        print("ready", flush=True)
        while True:
            for room in seen.get("rooms", {}).get("invite", {}):
                await self._post(f"join/{quote(room)}")
            since = seen["next_batch"]
            seen = await self._get("sync", since=since, timeout="30000")
            for room, news in seen.get("rooms", {}).get("join", {}).items():
                async for event in self._timeline(room, news["timeline"], since):
                    self._consider(room, event)

    async def _timeline(self, room: str, timeline: dict[str, Any], since: str) -> AsyncIterator[dict[str, Any]]:
        """The room's new events; newest last, but what was cut off is read backwards and comes first."""
        page_from = timeline["prev_batch"] if timeline.get("limited") else None
        while page_from is not None:
            page = await self._get(
                f"rooms/{quote(room)}/messages", **{"from": page_from}, to=since, dir="b", limit="100"
            )
            for event in page["chunk"]:
                yield event
            page_from = page.get("end") if page["chunk"] else None
        for event in timeline["events"]:
            yield event

    def _consider(self, room: str, event: dict[str, Any]) -> None:
        body = str(event.get("content", {}).get("body", ""))
        if event["type"] == "m.room.message" and event["sender"] != self._me and body.startswith("!"):
            task = asyncio.create_task(self._answer(room, event["event_id"], body))
            self._sends.add(task)
            task.add_done_callback(self._sends.discard)

    async def _answer(self, room: str, event: str, body: str) -> None:
        content = {"msgtype": "m.notice", "body": body, "m.relates_to": {"m.in_reply_to": {"event_id": event}}}
        path = f"rooms/{quote(room)}/send/m.room.message/{quote(event, safe='')}"
        async with self._free, self._http.put(f"{self._base}/{path}", json=content) as response:
            response.raise_for_status()

    async def _get(self, path: str, **parameters: str) -> Any:
        async with self._http.get(f"{self._base}/{path}", params=parameters) as response:
            response.raise_for_status()
            return await response.json()

    async def _post(self, path: str) -> None:
        async with self._http.post(f"{self._base}/{path}", json={}) as response:
            response.raise_for_status()


async def _main(url: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=90)) as http:
        await Echo(http, url).run()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], os.environ["ECHO_TOKEN"]))
