"""Somebody in a workspace on the emulated Slack: they act by signed payloads, as Slack sends them to the bot, and see
what Slack's API shows them with a token of their own.
"""

from __future__ import annotations

from typing import Any

import aiohttp

from adapters.stage.onlooker import Onlooker
from adapters.stage.seen import Invitation, Message
from adapters.stage.slackers import Json, Slackers
from adapters.stage.workspace import Workspace

_ALL = "public_channel,private_channel,im"


class Refused(RuntimeError):
    """The bot did not take a payload; the message is the status."""


class Slacker(Onlooker):
    """``channels`` are those they are in, by id, as Slack tells of them. What only they see is in memory, too."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        super().__init__(workspace.emulate.user(name))
        self.name = name
        self.channels: dict[str, Json] = {}
        self._emulate = workspace.emulate
        self._hook = workspace.proxy.hook(uses=10_000)
        self._slackers = Slackers(workspace.delivery, hook=self._hook.url)

    # --- doing -------------------------------------------------------------------------------------------------------

    async def call(self, method: str, **arguments: Any) -> Json:
        """Ask Slack's API as themselves. Raises ``RuntimeError`` if it refuses."""
        return await self._emulate.call(method, by=self.name, **arguments)

    async def say(self, room: str, text: str) -> str:
        """Type a slash command, or say something. Returns the message's ``ts``; none of a command."""
        if not text.startswith("/"):
            return str((await self.call("chat.postMessage", channel=room, text=text))["ts"])
        answer = await self._slackers.command(self.id, text.partition(" ")[2], room)
        if answer.status != 200:
            raise Refused(str(answer.status))
        return ""

    async def press(self, card: Message, verb: str) -> None:
        """Press the button of a card whose command begins with a verb."""
        buttons = [one for block in card.content["blocks"] for one in block.get("elements", ()) if "value" in one]
        value = next(one["value"] for one in buttons if one["value"].startswith(verb))
        answer = await self._slackers.press(self.id, value, card.room, card.content["ts"])
        if answer.status != 200:
            raise Refused(str(answer.status))

    async def fetch(self, file: Message) -> bytes:
        """The bytes of the first file of a message."""
        headers = {"Authorization": f"Bearer {self._emulate.token(self.name)}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.get(file.content["files"][0]["url_private"]) as got,
        ):
            got.raise_for_status()
            return await got.read()

    # --- seeing ------------------------------------------------------------------------------------------------------

    async def look(self) -> None:
        told = await self.call("conversations.list", types=_ALL, limit=1000)
        for one in (one for one in told["channels"] if one.get("is_member")):
            self.channels[one["id"]] = one
            if not any(isinstance(seen, Invitation) and seen.room == one["id"] for seen in self.memory):
                await self.memory.add(Invitation(one["id"], str(one["creator"]), bool(one["is_im"])))
            page = await self.call("conversations.history", channel=one["id"], limit=1000)
            for message in reversed(page["messages"]):
                if message.get("subtype") in (None, "file_share", "bot_message"):
                    await self.memory.add(_read(one["id"], message))
        for number, message in enumerate(self._hook.taken):
            await self.memory.add(_read("", {"ts": f"only-{number}", "user": "", **message}))


def _read(room: str, message: Json) -> Message:
    """What Slack shows of a message: its blocks, if there are any; an edit is another record."""
    ts, text = str(message["ts"]), str(message.get("text") or "")
    edited = (message.get("edited") or {}).get("ts")
    return Message(
        room=room,
        sender=str(message.get("user") or ""),
        event=f"{ts}-{edited}" if edited else ts,
        at=0,
        decrypted=False,
        kind="m.file" if message.get("files") else "m.text",
        body="\n".join(filter(None, map(_shown, message.get("blocks") or ()))) or text,
        formatted=None,
        thread=message.get("thread_ts"),
        reply_to=None,
        replaces=ts if edited else None,
        content=message,
    )


def _shown(block: Json) -> str:
    """The text of a block, a line for each line, or of an element of one."""
    inside = [_shown(one) for one in block.get("elements") or ()]
    match block["type"]:
        case "header":
            return str(block["text"]["text"])
        case "button":
            return f"[{block['text']['text']}]"
        case "rich_text":
            return "\n".join(inside)
        case "rich_text_list":
            return "\n".join(f"• {one}" for one in inside)
        case "rich_text_quote":
            return "» " + "".join(inside)
        case "actions" | "context":
            return " ".join(inside)
        case "user":
            return f"@{block['user_id']}"
    return "".join(inside) or str(block.get("text") or block.get("url") or "")
