"""What the tests of outgoing effects share: effects made short, and the workspace as its people see it."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.slack.render import File, Rendered
from adapters.stage.emulate import Emulate
from chatops.document import Document, para
from chatops.ports import Aside, Deed, Effect, Post

Json = dict[str, Any]


def shown(post: Post) -> Rendered:
    """A stand-in for the renderer: a message for the title, and one for each block after the first; a file where the
    title asks for one."""
    parts = [post.document.title, *("more" for _ in post.document.blocks[1:])]
    section = {"type": "section", "text": {"type": "plain_text", "text": "x"}}
    file = File("all-of-it.txt", "all of it, ä") if post.document.title == "with a file" else None
    return Rendered(tuple({"text": text, "blocks": [section]} for text in parts), file)


def post(title: str = "hello", *, parts: int = 1, **more: Any) -> Post:
    if aside := more.get("aside"):
        more["aside"] = aside if isinstance(aside, Aside) else Aside(user=aside)
        more["instant"] = True
    return Post(document=Document(title=title, blocks=tuple(para("x") for _ in range(parts))), **more)


def effect(deed: Deed, room: str | None = None, **more: Any) -> Effect:
    return Effect(id=more.pop("id", None) or secrets.token_hex(8), service="slack", deed=deed, room=room, **more)


def again(one: Effect, *, seconds: float = 60) -> Effect:
    """The same effect, tried once more, so long after the first try began."""
    first = datetime.now(UTC) - timedelta(seconds=seconds)
    return one.model_copy(update={"attempts": one.attempts + 1, "first": first})


class Workspace:
    """Makes channels in the emulator and looks at them, past any trouble on the bot's way there."""

    def __init__(self, emulate: Emulate) -> None:
        self.emulate = emulate

    def user(self, name: str) -> str:
        return self.emulate.user(name)

    async def channel(self, *people: str, private: bool = True, by: str | None = None) -> str:
        """A channel with the bot in it (made by the bot unless somebody is named) and these people."""
        made = await self.emulate.call(
            "conversations.create", by=by, name=f"t-{secrets.token_hex(6)}", is_private=private
        )
        channel = str(made["channel"]["id"])
        if by is not None:
            await self.add(channel, self.emulate.bot_user, by=by)
        for name in people:
            await self.add(channel, self.user(name), by=by)
        return channel

    async def add(self, channel: str, user: str, *, by: str | None = None) -> None:
        await self.emulate.call("conversations.invite", by=by, channel=channel, users=user)

    async def messages(self, channel: str, *, by: str | None = None) -> list[Json]:
        """What was said, oldest first; the channel's own doings (topics, archiving) left out."""
        page = await self.emulate.call("conversations.history", by=by, channel=channel, limit=1000)
        return [one for one in reversed(page["messages"]) if one.get("subtype") in (None, "file_share")]

    async def texts(self, channel: str) -> list[str]:
        return [one["text"] for one in await self.messages(channel)]

    async def members(self, channel: str, *, by: str | None = None) -> set[str]:
        return set((await self.emulate.call("conversations.members", by=by, channel=channel))["members"])

    async def info(self, channel: str, *, by: str | None = None) -> Json:
        found: Json = (await self.emulate.call("conversations.info", by=by, channel=channel))["channel"]
        return found

    async def direct(self, name: str) -> str:
        """The bot's direct chat with somebody."""
        opened = await self.emulate.call("conversations.open", users=self.user(name))
        return str(opened["channel"]["id"])
