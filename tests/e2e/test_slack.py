"""A whole disclosure on Slack: the real bot against the real emulator, with the manifest's scopes and no more.

People type, press and fill in forms as signed payloads, over HTTP and over Socket Mode; what comes of it is looked at
through the emulator's own API by other clients.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlmodel import select

from adapters.slack.methods import METHODS
from adapters.stage.archives import archive, check_line, sums
from adapters.stage.slackers import Slackers
from adapters.stage.workspace import Workspace, workspace
from chatops import bootstrap
from chatops.config import Person, Releases, Settings, Slack, Store
from chatops.model.people import Place
from chatops.service.bot import Bot

Json = dict[str, Any]
PEOPLE = ("maintainer", "coordinator", "debian", "fedora", "suse", "reporter", "passer-by")
SEVERITY = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H"
CANARY = "canary-quetzal"
PATIENCE = 60


class Scene:
    """The workspace, its people and the bot."""

    def __init__(self, workspace: Workspace, settings: Settings, bot: Bot) -> None:
        self.settings = settings
        self.bot = bot
        self.emulate = workspace.emulate
        self.proxy = workspace.proxy
        self.folder = settings.store.folder.parent
        self.hook = self.proxy.hook(uses=10_000)
        self.slackers = Slackers(workspace.delivery, hook=self.hook.url)

    def user(self, name: str) -> str:
        return self.emulate.user(name)

    # --- what people do

    async def types(self, who: str, text: str, channel: str, *, answer: str | None = None) -> Json | None:
        """Type a slash command; with ``answer``, wait for what only they see to say that."""
        before = len(self.hook.taken)
        taken = await self.slackers.command(self.user(who), text, channel)
        assert taken.status == 200, taken
        if answer is None:
            return None

        def look() -> Json | None:
            return next((one for one in self.hook.taken[before:] if answer in said(one)), None)

        try:
            found: Json = await self.wait(look)
        except TimeoutError:
            seen = [said(one)[:200] for one in self.hook.taken[before:]]
            raise AssertionError(f"{who} does not read {answer}: {seen}") from None
        return found

    async def presses(self, who: str, command: str, channel: str, ts: str) -> None:
        taken = await self.slackers.press(self.user(who), command, channel, ts)
        assert taken.status == 200, taken

    async def fills(self, who: str, view: Json, fields: Json) -> Any:
        return await self.slackers.submit(self.user(who), view, fields)

    async def form(self, who: str, text: str, channel: str) -> Json:
        """The form that a command opens."""
        before = len(self.proxy.called("views.open"))
        await self.types(who, text, channel)
        (opened,) = self.proxy.called("views.open")[before:]
        return {**opened["view"], "id": f"V{len(self.proxy.calls)}"}

    # --- what is to be seen

    async def wait(self, look: Callable[[], Any]) -> Any:
        """Until ``look`` finds something. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = look()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return found
                await asyncio.sleep(0.05)

    async def channels(self) -> list[Json]:
        found = await self.emulate.call("conversations.list", types="private_channel,public_channel", limit=1000)
        return [one for one in found["channels"] if one.get("is_private")]

    async def members(self, channel: str) -> set[str]:
        told = await self.emulate.call("conversations.members", channel=channel)
        names = {self.user(name): name for name in PEOPLE}
        return {names[one] for one in told["members"] if one in names}

    async def room(self, part: str) -> Json:
        """A channel that the bot made. It is there a moment before the bot knows that its call made it: then it is
        no room of the bot's yet, and no door leads to it.
        """

        async def look() -> Json | None:
            known = await self.bot.store.read(lambda session: set(session.exec(select(Place.room)).all()))
            return next((one for one in await self.channels() if part in one["name"] and one["id"] in known), None)

        found: Json = await self.wait(look)
        return found

    async def direct(self, who: str) -> str:
        opened = await self.emulate.call("conversations.open", users=self.user(who))
        return str(opened["channel"]["id"])

    async def messages(self, channel: str) -> list[Json]:
        page = await self.emulate.call("conversations.history", channel=channel, limit=1000)
        return [one for one in reversed(page["messages"]) if one.get("subtype") in (None, "file_share")]

    async def reads(self, channel: str, words: str) -> Json:
        async def look() -> Json | None:
            return next((one for one in await self.messages(channel) if words in said(one)), None)

        try:
            found: Json = await self.wait(look)
        except TimeoutError:
            seen = [said(one)[:200] for one in await self.messages(channel)]
            raise AssertionError(f"{words} not among {seen}") from None
        return found


def said(message: Json) -> str:
    """All that a message shows."""
    return f"{message.get('text', '')} {json.dumps(message.get('blocks') or [], ensure_ascii=False)}"


@asynccontextmanager
async def playing(folder: Path, way: Literal["http", "socket"]) -> AsyncIterator[Scene]:
    async with workspace(folder / "slack", PEOPLE, way) as slack, AsyncExitStack() as stack:
        settings = configured(folder, slack)
        bot = bootstrap.bot(settings)
        await bot.start()
        scene = Scene(slack, settings, bot)
        stack.push_async_callback(lambda: scene.bot.stop())
        yield scene


def configured(folder: Path, workspace: Workspace) -> Settings:
    emulate, port = workspace.emulate, workspace.port
    private = archive(folder / "private", "1.0.1", "Job names are no longer cut without looking.").parent
    public = archive(folder / "public", "1.0.0", "The first stable release.").parent
    sums(public)
    (folder / "token").write_text(emulate.bot_token)
    slack = Slack.model_validate(
        {
            "bot_token": emulate.bot_token,
            "bot_token_file": folder / "token",
            "app_token": "xapp-fake-app-token",
            "signing_secret": emulate.signing_secret,
            "api": workspace.proxy.api,
            "host": None if port is None else "127.0.0.1",
            "port": port or 3000,
        }
    )
    return Settings(
        store=Store(folder=folder / "state"),
        slack=slack,
        releases=Releases(folder=public, staging=private),
        coordinators=tuple(
            Person(name=name, addresses=(f"slack:{emulate.user(name)}",)) for name in ("maintainer", "coordinator")
        ),
    )


@pytest.fixture(params=["http", "socket"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    async with playing(tmp_path, request.param) as made:
        yield made


async def test_a_disclosure(scene: Scene) -> None:
    security = await scene.room("security")
    secure = str(security["id"])
    assert security["is_private"]
    assert await scene.wait(_both(scene, secure))
    for name, more in (("debian", "organisation=Debian standing=yes"), ("fedora", "organisation=Fedora"), ("suse", "")):
        words = f"contacts add {name} roles=packager address=<@{scene.user(name)}|{name}>"
        await scene.types("maintainer", f"{words} {more}", secure, answer=f"{name} is on the roster")

    # A public channel, into which a coordinator asks the bot.
    made = await scene.emulate.call("conversations.create", by="maintainer", name="general-talk")
    public = str(made["channel"]["id"])
    await scene.emulate.call("conversations.invite", by="maintainer", channel=public, users=scene.emulate.bot_user)
    published = archive(scene.folder / "public", "1.0.0", "The first stable release.")
    await scene.types("passer-by", f"verify {check_line(published)}", public, answer="the one we published")

    # A report, by the form, from somebody the bot has never heard of.
    view = await scene.form("reporter", "report", public)
    refused = await scene.fills("reporter", view, {"text": ""})
    assert refused.body["response_action"] == "errors"
    report = f"A job name of 300 bytes overruns the queue ({CANARY}).\nAnybody can do it."
    handed = await scene.fills("reporter", view, {"text": report, "credit": "R. Eporter"})
    assert not handed.body
    chat = await scene.direct("reporter")
    receipt = await scene.reads(chat, "has arrived")
    case = re.findall(r"DS-\d{4}-\w{4}", said(receipt))[0]
    await scene.reads(secure, CANARY)

    # Triage, the embargo channel, and who is asked.
    await scene.types("maintainer", f"triage {case} severity={SEVERITY} versions=1.0.0", secure, answer="high")
    embargo = await scene.room(case.lower())
    room = str(embargo["id"])
    assert CANARY not in json.dumps(embargo)
    assert embargo["is_private"]
    await scene.types("maintainer", f"show {case}", secure, answer=f"/archives/{room}")
    await scene.reads(chat, "we take your report on")
    await scene.types("maintainer", f"own {case} backup=coordinator", secure, answer="maintainer")
    await scene.types("maintainer", f"invite {case} all-packagers", secure, answer="told in full")
    await scene.reads(await scene.direct("debian"), CANARY)
    questions = {}
    for name in ("fedora", "suse"):
        questions[name] = await scene.reads(await scene.direct(name), "will you keep this private")
        assert CANARY not in said(questions[name])
    assert await scene.wait(_there(scene, room, "debian"))
    assert not {"fedora", "suse"} & await scene.members(room)
    await scene.presses("fedora", f"accept {case}", await scene.direct("fedora"), questions["fedora"]["ts"])
    await scene.presses("suse", f"decline {case}", await scene.direct("suse"), questions["suse"]["ts"])
    assert await scene.wait(_there(scene, room, "fedora"))
    await scene.reads(secure, "suse declined")
    assert "suse" not in await scene.members(room)
    terms = await scene.reads(room, "what you may do here")
    assert CANARY not in terms["text"], "a notification in an embargo room names case and kind only"

    # Somebody lets in who was not asked: put out again.
    await scene.emulate.call("conversations.invite", by="debian", channel=room, users=scene.user("passer-by"))
    await scene.reads(secure, "does not belong in the embargo room")
    assert await scene.wait(_gone(scene, room, "passer-by"))

    # Working: an update, a status, the private release, a line pasted.
    await scene.types("maintainer", f"tell {case} The fix cuts names ({CANARY}-2).", secure, answer="told to")
    await scene.reads(room, f"{CANARY}-2")
    await scene.reads(chat, f"{CANARY}-2")
    await scene.types("debian", "status affected", room, answer="affected")
    await scene.types("maintainer", f"private-release {case} 1.0.1", secure)
    prepared = archive(scene.folder / "private", "1.0.1", "Job names are no longer cut without looking.")
    await scene.reads(room, check_line(prepared).split()[0])
    shared = await scene.wait(lambda: _files(scene, room))
    assert prepared.name in json.dumps(shared)
    await scene.types("debian", f"verify {check_line(prepared)}", room, answer="of the private release")
    await scene.types("passer-by", f"verify {check_line(prepared)}", public, answer="Not known")
    pasted = await scene.emulate.call(
        "chat.postMessage", by="passer-by", channel=public, text=f"```\n{check_line(prepared)}\n```"
    )
    await scene.reads(secure, "in a public room")
    thread = await scene.emulate.call("conversations.replies", channel=public, ts=pasted["ts"])
    assert len(thread["messages"]) == 1, "silence in public"

    # Home pages.
    for name, words in (("maintainer", case), ("debian", case), ("passer-by", "1.0.0")):
        event = {"type": "app_home_opened", "user": scene.user(name), "channel": public, "tab": "home"}
        await scene.slackers.event(event)
        await scene.wait(_page(scene, name, words))
    assert case not in json.dumps(_pages(scene, "passer-by"))
    for name, shown in (("debian", True), ("maintainer", True), ("passer-by", False)):
        assert (f"/archives/{room}" in json.dumps(_pages(scene, name))) is shown, "a way into the channel"

    # General release, by two.
    card = await scene.types(
        "maintainer", f"announce {case} vulnerable=1.0.0 Any user could run code as root.", secure, answer="confirm"
    )
    assert card is not None
    code = re.findall(r"confirm ([0-9A-Z]{6})", said(card))[0]
    await scene.reads(secure, f"confirm {code}")  # the second person sees what they confirm
    await scene.types("maintainer", f"confirm {code}", secure, answer="needs a second coordinator")
    for channel in (public,):
        assert case not in json.dumps(await scene.messages(channel))
    await scene.types("coordinator", f"confirm {code}", secure)
    await scene.reads(room, "you may publish now")
    await scene.reads(public, "fixes a vulnerability")
    await scene.reads(await scene.direct("suse"), "the embargo is over")
    await scene.types("passer-by", f"verify {check_line(prepared)}", public, answer="the one we published")
    await scene.types("maintainer", f"close {case}", secure, answer="closed")
    await scene.reads(room, "I say nothing more in this room")
    assert await scene.wait(_archived(scene, room))

    # Over all of it: nobody who was not cleared has read a word, and each message came once.
    assert CANARY not in json.dumps(await scene.messages(public))
    for name in ("suse", "passer-by"):
        assert CANARY not in json.dumps(await scene.messages(await scene.direct(name)))
    for channel in (room, secure, public, chat):
        marks = [one["metadata"]["event_payload"] for one in await scene.messages(channel) if one.get("metadata")]
        told = [json.dumps(one, sort_keys=True) for one in marks]
        assert len(told) == len(set(told))
    warned = [said(one) for one in await scene.messages(secure) if "I was put out" in said(one)]
    assert not warned, "what the bot archives itself is no news"
    called = {call.method for call in scene.proxy.calls}
    assert called <= METHODS.keys()


def _both(scene: Scene, channel: str) -> Callable[[], Any]:
    async def look() -> bool:
        return await scene.members(channel) == {"maintainer", "coordinator"}

    return look


def _there(scene: Scene, channel: str, name: str) -> Callable[[], Any]:
    async def look() -> bool:
        return name in await scene.members(channel)

    return look


def _gone(scene: Scene, channel: str, name: str) -> Callable[[], Any]:
    async def look() -> bool:
        return name not in await scene.members(channel)

    return look


def _archived(scene: Scene, channel: str) -> Callable[[], Any]:
    async def look() -> bool:
        told = await scene.emulate.call("conversations.info", channel=channel)
        return told["channel"]["is_archived"] is True

    return look


async def _files(scene: Scene, channel: str) -> list[Any]:
    return [one["files"] for one in await scene.messages(channel) if one.get("files")]


def _pages(scene: Scene, name: str) -> list[Json]:
    user = scene.user(name)
    return [one["view"] for one in scene.proxy.called("views.publish") if one["user_id"] == user]


def _page(scene: Scene, name: str, words: str) -> Callable[[], bool]:
    return lambda: any(words in json.dumps(view) for view in _pages(scene, name))
