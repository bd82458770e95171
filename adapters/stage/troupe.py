"""What the people of the demo do again and again, and what must hold of them all the time."""

from __future__ import annotations

import hashlib
from pathlib import Path

from adapters.stage.archives import check_line
from adapters.stage.company import Company
from adapters.stage.person import Person
from adapters.stage.play import NotObserved, Scene
from adapters.stage.seen import Invitation, Message, State

CANARIES = ("velvet-otter", "copper-lantern", "paper-harbour")
"""Words that stand for the case's title, its report and its notes: nobody outside may ever see one."""


class Troupe:
    """The people on the stage, and the rooms they are in: one direct chat each with the bot, by name."""

    case = ""
    public = ""
    security = ""
    embargo = ""

    def __init__(self, scene: Scene, company: Company) -> None:
        self.scene = scene
        self.company = company
        self.direct: dict[str, str] = {}

    def who(self, name: str) -> Person:
        return self.company.people[name]

    # --- seeing ----------------------------------------------------------------------------------------------------

    async def reads(self, name: str, what: str, words: str, room: str, *, show: bool = True) -> Message:
        """Somebody reads ``words`` of the bot's in a room, encrypted everywhere but in public."""
        message = await self.scene.expect(
            self.who(name),
            what,
            lambda seen: seen.room == room and seen.sender == self.company.bot_id and words in seen.text,
            show=show,
        )
        if room != self.public and not message.decrypted:
            raise NotObserved(f"{name} got a message that was not encrypted: {what}")
        return message

    async def hears(self, name: str, what: str, words: str, *, show: bool = True) -> Message:
        """Somebody reads ``words`` in their direct chat with the bot."""
        return await self.reads(name, what, words, self.direct[name], show=show)

    # --- doors -----------------------------------------------------------------------------------------------------

    async def sees_door(self, name: str, what: str, *, direct: bool = False) -> str:
        """Somebody is invited by the bot. Returns the room."""
        invitation = await self.scene.expect(
            self.who(name),
            what,
            lambda seen: seen.by == self.company.bot_id and seen.direct is direct,
            Invitation,
        )
        return invitation.room

    async def opens_door(self, name: str) -> None:
        """Somebody joins the direct chat that the bot opened with them."""
        if name not in self.direct:
            self.direct[name] = await self.sees_door(name, "an invitation to a chat with the bot", direct=True)
        await self.joins(name, self.direct[name], "opens the chat")

    async def joins(self, name: str, room: str, what: str) -> None:
        await self.scene.does(self.who(name), what, self.who(name).join(room))

    # --- speaking --------------------------------------------------------------------------------------------------

    async def commands(self, words: str, seeing: str, *, show: bool = True) -> Message:
        """The maintainer gives a command in the security room, and it is answered."""
        return await self.asks("maintainer", self.security, words, seeing, "the answer", show=show)

    async def verifies_in_public(self, archive: Path, seeing: str) -> Message:
        """The passer-by asks in the public room about an archive."""
        return await self.asks("passer-by", self.public, f"verify {check_line(archive)}", seeing, f"“{seeing}”")

    async def asks(self, name: str, room: str, words: str, seeing: str, what: str, *, show: bool = True) -> Message:
        """Somebody gives a command, and the answer to it says ``seeing``."""
        said = await self.scene.says(self.who(name), room, f"!dynasched {words}")
        return await self.scene.expect(
            self.who(name), what, lambda seen: seen.answers == said and seeing in seen.text, show=show
        )

    async def presses(self, name: str, card: Message, button: str) -> None:
        one = self.who(name)
        await one.reaction(card.event, button)  # the bot has put it there
        await self.scene.does(one, f"presses {button}", one.react(card.room, card.event, button))

    async def unpacks(self, name: str, room: str) -> None:
        """Somebody fetches the archive that was handed out in a room, and checks it as the card says."""
        one, archive = self.who(name), self.company.prepared
        file = await self.scene.expect(
            one,
            "the archive",
            lambda seen: seen.room == room and seen.is_file and seen.body == archive.name,
            show=False,
        )
        data = await self.scene.fetches(one, file)
        digest = hashlib.sha256(data).hexdigest()
        self.scene.check(f"sha256sum -c: {file.body}: OK", check_line(archive) == f"{digest}  {file.body}")

    # --- what must hold --------------------------------------------------------------------------------------------

    def only_asked(self, name: str) -> None:
        """Who was asked and has not accepted: in no room but their chat, and told nothing of what it is about."""
        one = self.who(name)
        rooms = {seen.room for seen in one.memory if isinstance(seen, Invitation)}
        if rooms != {self.direct[name]}:
            raise NotObserved(f"{name} was invited elsewhere than into the chat with the bot")
        self.scene.never(one, "the title, the report or a note", bears_canary, show=False)

    def nothing_in_public(self) -> None:
        """The public room shows no trace of the case, nor is there a room whose name or topic tells of it."""
        case, passer_by = self.case, self.who("passer-by")
        self.scene.never(passer_by, "the case", lambda seen: case in seen.text or bears_canary(seen), show=False)
        for one in self.company.people.values():
            self.scene.never(one, "the subject in a room's name or topic", state_bears_canary, State, show=False)
        self.scene.check("nothing of it in the public room, nor in any room's name or topic", True)

    def nothing_outside(self) -> None:
        self.nothing_in_public()
        for name in ("suse", "spack"):
            self.only_asked(name)
        self.scene.check("suse and spack are in no room but their chat, and know nothing of it", True)


def bears_canary(seen: Message) -> bool:
    return any(word in text for word in CANARIES for text in (seen.body, seen.text))


def state_bears_canary(seen: State) -> bool:
    return any(word in str(seen.content) for word in CANARIES)
