"""``chatops demo --slack``: some of the people are on Slack (emulated), in the same case as those on Matrix."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from adapters.stage.archives import check_line
from adapters.stage.seen import Invitation, Message
from adapters.stage.slacker import Slacker
from adapters.stage.strand import Strand
from adapters.stage.troupe import CANARIES, Troupe, bears_canary
from adapters.stage.workspace import workspace

PARTS = {
    "maintainer-3": "coordinates, and is on Slack only",
    "ubuntu": "packages it; on Slack",
    "site": "runs it on a cluster; in a public channel on Slack",
}


class WithSlack(Strand):
    """A third coordinator, a packager and somebody from the public, each with a token of their own."""

    async def start(self, stack: AsyncExitStack, folder: Path, config: dict[str, Any]) -> None:
        self.workspace = await stack.enter_async_context(workspace(folder / "slack", [*PARTS]))
        emulate = self.workspace.emulate
        self.maintainer, self.ubuntu, self.site = (Slacker(self.workspace, name) for name in PARTS)
        (folder / "bot" / "slack-bot-token").write_text(emulate.bot_token)
        (folder / "bot" / "slack-signing-secret").write_text(emulate.signing_secret)
        config["slack"] = {
            "bot_token_file": "slack-bot-token",
            "signing_secret_file": "slack-signing-secret",
            "api": self.workspace.proxy.api,
            "host": "127.0.0.1",
            "port": self.workspace.port,
        }
        config["coordinators"].append({"name": "maintainer-3", "addresses": [f"slack:{self.maintainer.id}"]})

    def visit(self) -> list[str]:
        emulate = self.workspace.emulate
        return [
            f"Slack (emulated), what is there on a page: {emulate.url}",
            f"  Its Web API, as one of {', '.join(PARTS)}:",
            f"  curl -X POST -H 'Authorization: Bearer {emulate.token('site')}' \\",
            f"    {emulate.api}conversations.list",
        ]

    # --- the acts ----------------------------------------------------------------------------------------------------

    async def enter(self, play: Troupe) -> None:
        play.scene.tell("Slack (emulated) has some of the people:")
        for who in (self.maintainer, self.ubuntu, self.site):
            play.scene.enter(who, who.name, PARTS[who.name])

    async def prologue(self, play: Troupe) -> None:
        scene = play.scene
        scene.tell("On Slack the bot has made a security channel of its own.")
        self.security = await self._enters(play, self.maintainer, "the security channel", "security")
        await play.commands(f"contacts add ubuntu roles=packager address=slack:{self.ubuntu.id}", "ubuntu is on the")
        made = await scene.does(self.maintainer, "opens a public channel, with the bot in it", self._opens_public())
        await scene.does(self.site, "joins", self.site.call("conversations.join", channel=made))
        self.public = made
        await self._verifies(play, self.site, made, play.company.published, "the one we published")

    async def report(self, play: Troupe) -> None:
        await self._reads(play, self.maintainer, "the report, in the channel on Slack", CANARIES[1], self.security)

    async def triage(self, play: Troupe) -> None:
        what = "an embargo channel, beside the room on Matrix"
        self.embargo = await self._enters(play, self.maintainer, what, play.case.lower())

    async def notification(self, play: Troupe) -> None:
        scene, ubuntu = play.scene, self.ubuntu
        scene.tell("ubuntu was asked on Slack, in a direct message.")
        question = await self._reads(play, ubuntu, "the question", "will you keep this private", show=False)
        scene.check("ubuntu is in no channel of the case", self.embargo not in ubuntu.channels)
        scene.never(ubuntu, "the title, the report or a note", bears_canary)
        await scene.does(ubuntu, "presses “accept”", ubuntu.press(question, "accept"))
        await self._reads(play, ubuntu, "the case", CANARIES[0], question.room)
        await self._enters(play, ubuntu, "the embargo channel", play.case.lower())
        await self._reads(play, ubuntu, "the terms, at its top", "what you may do here", self.embargo, show=False)
        await scene.says(ubuntu, self.embargo, "/dynasched status affected")
        await play.reads("debian", "on Matrix that ubuntu is affected", "ubuntu is affected", play.embargo)

    async def revision(self, play: Troupe) -> None:
        question = await self._reads(play, self.ubuntu, "the question on Slack, too", "until the new date", show=False)
        await play.scene.does(self.ubuntu, "presses “accept”", self.ubuntu.press(question, "accept"))
        await self._reads(play, self.maintainer, "that ubuntu stays", "ubuntu accepted the new date", self.security)

    async def private_release(self, play: Troupe) -> None:
        scene, ubuntu, archive = play.scene, self.ubuntu, play.company.prepared
        await self._reads(play, ubuntu, "check lines in the channel", check_line(archive), self.embargo, show=False)
        file = await scene.expect(ubuntu, "the archive", lambda seen: seen.is_file, show=False)
        digest = hashlib.sha256(await scene.fetches(ubuntu, file)).hexdigest()
        scene.check(f"sha256sum -c: {archive.name}: OK", check_line(archive).startswith(digest))

    async def verification(self, play: Troupe) -> None:
        await self._verifies(play, self.site, self.public, play.company.prepared, "Not known")
        play.scene.never(self.site, "the case, in the channel on Slack", lambda seen: play.case in seen.text)

    async def decision(self, play: Troupe) -> None:
        await self._reads(play, self.ubuntu, "that packages may go out", "you may publish now", self.embargo)

    async def general_release(self, play: Troupe) -> None:
        scene = play.scene
        await self._reads(play, self.site, "the announcement, on Slack", "fixes a vulnerability", self.public)
        await self._reads(play, self.ubuntu, "thanks", "the embargo is over", self.embargo, show=False)
        scene.never(self.site, "the title, the report or a note", bears_canary)

    async def epilogue(self, play: Troupe) -> None:
        async def archived() -> bool:
            told = await self.maintainer.call("conversations.info", channel=self.embargo)
            return bool(told["channel"]["is_archived"])

        await self._verifies(play, self.site, self.public, play.company.published, "removed as vulnerable")
        await play.scene.until("the embargo channel on Slack is archived", archived)

    # --- doing and seeing --------------------------------------------------------------------------------------------

    async def _opens_public(self) -> str:
        made = await self.maintainer.call("conversations.create", name="dynasched")
        channel = str(made["channel"]["id"])
        await self.maintainer.call("conversations.invite", channel=channel, users=self.workspace.emulate.bot_user)
        return channel

    async def _verifies(self, play: Troupe, who: Slacker, channel: str, archive: Path, seeing: str) -> None:
        await play.scene.says(who, channel, f"/dynasched verify {check_line(archive)}")
        await self._reads(play, who, f"“{seeing}”, shown to them alone", seeing, "", show=False)

    async def _enters(self, play: Troupe, who: Slacker, what: str, words: str) -> str:
        """Somebody was put into a channel of the bot's. Returns its id."""
        found = await play.scene.expect(
            who, what, lambda seen: words in str(who.channels[seen.room].get("name")), Invitation
        )
        return found.room

    async def _reads(
        self, play: Troupe, who: Slacker, what: str, words: str, room: str | None = None, *, show: bool = True
    ) -> Message:
        """Somebody reads ``words`` of the bot's: in a channel, or ("") alone."""
        return await play.scene.expect(
            who, what, lambda seen: words in seen.text and room in (None, seen.room), show=show
        )
