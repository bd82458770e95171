"""``chatops demo --mail``: a packager has only mail and an OpenPGP key; a list is told at the end."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from adapters.stage.archives import check_line
from adapters.stage.correspondent import Correspondent, posted
from adapters.stage.letters import BOT, key, public, reply
from adapters.stage.post_office import PASSWORD, PostOffice
from adapters.stage.seen import Message
from adapters.stage.strand import Strand
from adapters.stage.troupe import CANARIES, Troupe, bears_canary

PACKAGER = "gentoo@example.org"
LIST = "announce@lists.example"


class WithMail(Strand):
    """``reader`` is who reads the list."""

    async def start(self, stack: AsyncExitStack, folder: Path, config: dict[str, Any]) -> None:
        self.office = PostOffice(BOT, PACKAGER, LIST)
        await self.office.start()
        stack.push_async_callback(self.office.stop)
        self.gentoo, self.reader = Correspondent(self.office, PACKAGER), Correspondent(self.office, LIST)
        self.key = folder / "mail" / "gentoo.asc"
        self.key.parent.mkdir()
        self.key.write_text(str(key("gentoo")))
        (folder / "bot" / "mail-password").write_text(PASSWORD)
        (folder / "bot" / "mail-key.asc").write_text(str(key("security")))
        config["mail"] = {
            "address": BOT,
            "smtp_host": "127.0.0.1",
            "smtp_port": self.office.smtp_port,
            "smtp_tls": "none",
            "imap_host": "127.0.0.1",
            "imap_port": self.office.imap_port,
            "imap_tls": "none",
            "password_file": "mail-password",
            "key_file": "mail-key.asc",
            "lists": [{"address": LIST}],
        }

    def visit(self) -> list[str]:
        return [
            "Mail, on this machine, without TLS:",
            f"  IMAP 127.0.0.1:{self.office.imap_port}, SMTP 127.0.0.1:{self.office.smtp_port}",
            f"  Mailboxes {PACKAGER}, {LIST},",
            f"    {BOT}; password {PASSWORD}",
            f"  gentoo's OpenPGP key: {self.key}",
        ]

    # --- the acts ----------------------------------------------------------------------------------------------------

    async def enter(self, play: Troupe) -> None:
        play.scene.tell("Mail (servers on this machine) is all that some have:")
        play.scene.enter(self.gentoo, "gentoo", "packages it; has an OpenPGP key")
        play.scene.enter(self.reader, "reader", f"reads {LIST}")

    async def prologue(self, play: Troupe) -> None:
        scene, maintainer = play.scene, play.who("maintainer")
        await play.commands(f"contacts add gentoo roles=packager address=mail:{PACKAGER}", "gentoo is on", show=False)
        words = f"!dynasched contacts change gentoo {public('gentoo')}"
        said = await scene.does(maintainer, "adds gentoo's public key to it", maintainer.say(play.security, words))
        await scene.expect(maintainer, "the answer", lambda seen: seen.answers == said and "gentoo" in seen.text)

    async def notification(self, play: Troupe) -> None:
        scene, gentoo = play.scene, self.gentoo
        question = await self._reads(play, "the question, by mail", "will you keep this private?")
        scene.never(gentoo, "the title, the report or a note", bears_canary)
        await scene.says(gentoo, question.room, "accept")
        case = await self._reads(play, "the case, in full", CANARIES[0])
        scene.check("it came encrypted to gentoo's key, and signed", case.decrypted)
        await scene.says(gentoo, case.room, "status affected")
        await play.reads("debian", "on Matrix that gentoo is affected", "gentoo is affected", play.embargo, show=False)

    async def revision(self, play: Troupe) -> None:
        question = await self._reads(play, "the question, with the new date", "until the new date", show=False)
        await play.scene.says(self.gentoo, question.room, "accept")
        await play.reads("maintainer", "that gentoo stays", "gentoo accepted the new date", play.security, show=False)

    async def private_release(self, play: Troupe) -> None:
        scene, gentoo, archive = play.scene, self.gentoo, play.company.prepared
        file = await scene.expect(gentoo, "the archive, by mail", lambda seen: f"[{archive.name}]" in seen.text)
        digest = hashlib.sha256(await scene.fetches(gentoo, file)).hexdigest()
        scene.check(f"sha256sum -c: {archive.name}: OK", check_line(archive).startswith(digest))
        forged = reply(PACKAGER, "decline", gentoo.letter(file), "").as_bytes()
        deed = posted(self.office, PACKAGER, forged)
        await scene.does(play.who("passer-by"), "writes “decline” in gentoo's name, without the key", deed)
        await play.reads("maintainer", "that it was not gentoo", "Mail in the name of gentoo", play.security)

    async def verification(self, play: Troupe) -> None:
        await self.reader.look()
        play.scene.check("the list has no mail yet", not len(self.reader.memory))

    async def decision(self, play: Troupe) -> None:
        await self._reads(play, "that packages may go out", "you may publish now")

    async def general_release(self, play: Troupe) -> None:
        scene = play.scene
        told = await scene.expect(self.reader, "the announcement", lambda seen: "fixes a vulnerability" in seen.text)
        scene.check("with the check line of the archive", check_line(play.company.prepared) in told.text)
        await self._reads(play, "thanks", "the embargo is over", show=False)
        scene.never(self.reader, "the title, the report or a note", bears_canary)
        sent = [one.raw for one in self.office.taken]
        clear = [raw for raw in sent if any(word.encode() in raw for word in CANARIES)]
        scene.check(f"of {len(sent)} mails none tells of it to whoever carries them", not clear)

    async def epilogue(self, play: Troupe) -> None:
        await self.reader.look()
        mails = [seen for seen in self.reader.memory if isinstance(seen, Message)]
        play.scene.check("the list has one mail, with the advisory's files", [seen.is_file for seen in mails] == [True])

    # --- seeing ------------------------------------------------------------------------------------------------------

    async def _reads(self, play: Troupe, what: str, words: str, *, show: bool = True) -> Message:
        return await play.scene.expect(self.gentoo, what, lambda seen: words in seen.text, show=show)
