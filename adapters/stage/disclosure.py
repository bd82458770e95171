"""The script of the demo: one vulnerability, from the first report to the announcement and after."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from adapters.stage.archives import check_line
from adapters.stage.strand import Strand
from adapters.stage.troupe import CANARIES, Troupe, bears_canary

PARTS = {
    "maintainer": "coordinates",
    "maintainer-2": "coordinates too",
    "expert": "knows the code",
    "debian": "packages it; agreed to standing terms",
    "fedora": "packages it",
    "suse": "packages it; has no time for this",
    "spack": "packages it; never looks into this chat",
    "reporter": "found something",
    "passer-by": "is in the public room",
}
TITLE = f"Job names overrun the queue ({CANARIES[0]})"
REPORT = f"A job name of 300 bytes overruns the queue of 1.0.0 ({CANARIES[1]}).\nAny user of the cluster can do it."
NOTE = f"The fix cuts job names at 255 bytes ({CANARIES[2]}); archives follow."
SEVERITY = "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H"
ADVISORY = "Any user could overwrite the job queue with a long job name, and run code as root."


class Disclosure(Troupe):
    """The play. ``case`` and ``timeline`` are what is left of it."""

    case = ""
    timeline = ""

    async def play(self, strands: Sequence[Strand] = ()) -> None:
        """``strands`` go on after each act, with what is theirs of it."""
        for act in (
            self.enter,
            self.prologue,
            self.report,
            self.triage,
            self.notification,
            self.revision,
            self.private_release,
            self.verification,
            self.decision,
            self.general_release,
            self.epilogue,
        ):
            await act()
            for strand in strands:
                await getattr(strand, act.__name__)(self)

    async def enter(self) -> None:
        for name, part in PARTS.items():
            self.scene.enter(self.who(name), name, part)

    # --- the acts --------------------------------------------------------------------------------------------------

    async def prologue(self) -> None:
        scene, maintainer = self.scene, self.who("maintainer")
        scene.act("Before: the roster, and a public room")
        scene.tell("The bot has made the security room and asked the coordinators in.")
        for name in ("maintainer", "maintainer-2"):
            self.security = await self.sees_door(name, "an invitation to the security room")
        for name in ("maintainer", "maintainer-2"):
            await self.joins(name, self.security, "joins the security room")
        await self.commands("contacts add expert roles=expert address=matrix:@expert:localhost", "expert is on the")
        for name in ("fedora", "suse", "spack"):
            words = f"contacts add {name} roles=packager address=matrix:@{name}:localhost"
            await self.commands(words, f"{name} is on the", show=False)
        await self.commands(
            "contacts add debian organisation=Debian roles=packager address=matrix:@debian:localhost standing=yes",
            "debian is on the",
        )
        await self.opens_door("debian")
        await self.hears("debian", "what standing terms mean", "standing terms")
        passer_by, bot = self.who("passer-by"), self.company.bot_id
        room = maintainer.open_room("dynasched", encrypted=False, public=True, invite=[passer_by.id, bot])
        self.public = await scene.does(maintainer, "opens a public room, with the bot in it", room)
        await scene.does(passer_by, "joins", passer_by.join(self.public))
        await passer_by.joined(self.public, bot)
        await self.verifies_in_public(self.company.published, "the one we published")

    async def report(self) -> None:
        scene, reporter = self.scene, self.who("reporter")
        scene.act("A report")
        scene.tell("The reporter has never heard of this bot, and opens an encrypted chat with it.")
        self.direct["reporter"] = await scene.does(reporter, "opens a chat", reporter.direct(self.company.bot_id))
        await scene.says(reporter, self.direct["reporter"], f'report credit="R. Eporter" help=yes {TITLE}\n{REPORT}')
        receipt = await self.hears("reporter", "a case number, and a date for the next word", "has arrived")
        self.case = re.findall(r"DS-\d{4}-\w{4}", receipt.text)[0]
        scene.check("the chat is encrypted", receipt.decrypted)
        card = await self.reads("maintainer-2", "the report, in the security room", CANARIES[1], self.security)
        scene.check("so is the security room", card.decrypted)

    async def triage(self) -> None:
        scene = self.scene
        scene.act("Identification and triage")
        await self.commands(
            f'triage {self.case} severity={SEVERITY} versions=1.0.0 mitigation="refuse job names over 255 bytes"',
            "Identification and triage · high",
        )
        await self.hears("reporter", "that it is taken seriously, and by whom", "Who looks after it: maintainer")
        self.embargo = await self.sees_door("maintainer", "an invitation to the case's embargo room")
        await self.sees_door("maintainer-2", "an invitation to it")
        for name in ("maintainer", "maintainer-2"):
            await self.joins(name, self.embargo, "joins it")
        await self.commands(f"own {self.case} backup=maintainer-2", "backup maintainer-2", show=False)
        await self.commands(f"team {self.case} add expert", "expert is on the team")
        await self.sees_door("expert", "an invitation to the embargo room")
        await self.opens_door("expert")
        await self.hears("expert", "the case", CANARIES[0])
        await self.joins("expert", self.embargo, "joins the embargo room")
        self.nothing_in_public()

    async def notification(self) -> None:
        scene = self.scene
        scene.act("Notification and embargo")
        scene.tell("Standing terms: told at once. All others are asked first, and told what they agree to.")
        await self.commands(f"invite {self.case} all-packagers", "told in full")
        await self.hears("debian", "the case, in full", CANARIES[0])
        await self.sees_door("debian", "an invitation to the embargo room")
        for name in ("fedora", "suse", "spack"):
            self.direct[name] = await self.sees_door(name, "an invitation to a chat with the bot", direct=True)
        await self.joins("debian", self.embargo, "joins it")
        await self.reads("debian", "the terms, at the top of the room", "what you may do here", self.embargo)
        questions = {}
        for name in ("fedora", "suse", "spack"):
            await self.opens_door(name)
            questions[name] = await self.hears(
                name, "the question: number, severity, date, terms", "will you keep this private", show=name == "suse"
            )
            self.only_asked(name)
        scene.check("they are invited nowhere else, and know nothing more", True)
        await self.presses("fedora", questions["fedora"], "✅")
        await self.hears("fedora", "the case", CANARIES[0])
        await self.sees_door("fedora", "an invitation to the embargo room")
        await self.reads("maintainer", "that fedora has joined", "fedora accepted", self.security)
        await self.joins("fedora", self.embargo, "joins it")
        await self.presses("suse", questions["suse"], "❌")
        await self.hears("suse", "that nothing follows", "you declined")
        await self.reads("maintainer", "that suse does not take part", "suse declined", self.security)
        await self.commands(f"tell {self.case} {NOTE}", "told to", show=False)
        await self.reads("fedora", "the team's note in the embargo room", CANARIES[2], self.embargo)
        await self.hears("reporter", "the same", CANARIES[2], show=False)
        self.nothing_outside()

    async def revision(self) -> None:
        scene = self.scene
        scene.act("A date, revised")
        await self.commands(f"embargo {self.case} date in 10 days", "the release date is set", show=False)
        await self.reads("debian", "the date, in the embargo room", "release date is set", self.embargo)
        await scene.says(self.who("debian"), self.embargo, "!dynasched status affected")
        await self.reads("fedora", "that Debian is affected", "Debian is affected", self.embargo, show=False)
        proposal = 'embargo date in 17 days reason="all builds take a week"'
        await scene.says(self.who("debian"), self.embargo, f"!dynasched {proposal}")
        card = await self.reads("fedora", "the proposal", "another date is proposed", self.embargo)
        await self.presses("fedora", card, "👍")
        await self.reads("debian", "that fedora agrees", "fedora agrees", self.embargo, show=False)
        scene.tell("A longer date needs everybody's yes anew. Standing terms cover it; fedora is asked.")
        await self.commands(f"embargo {self.case} accept", "the release date is set", show=False)
        again = await self.hears("fedora", "the question, with the new date", "will you keep this private")
        await self.presses("fedora", again, "✅")
        await self.hears("fedora", "thanks", "thank you", show=False)
        await self.reads("maintainer", "that fedora stays", "fedora accepted the new date", self.security)
        self.nothing_outside()

    async def private_release(self) -> None:
        scene = self.scene
        scene.act("Private release")
        await self.commands(f"private-release {self.case} 1.0.1", "hashing", show=False)
        await self.reads("maintainer", "that it is out among the members", "with the members", self.security)
        await self.reads("debian", "check lines in the embargo room", check_line(self.company.prepared), self.embargo)
        for name, room in (("debian", self.embargo), ("fedora", self.embargo), ("reporter", self.direct["reporter"])):
            await self.unpacks(name, room)
        line = check_line(self.company.prepared)
        pasted = await scene.says(self.who("debian"), self.embargo, line)
        verdict = await self.reads("debian", "that it is genuine, in a thread", "of the private release", self.embargo)
        scene.check("the answer is in a thread on the line", verdict.thread == pasted)
        await scene.says(self.who("debian"), self.embargo, "!dynasched status fix-ready")
        await self.reads("maintainer", "Debian's answer", "Debian is fix ready", self.security, show=False)

    async def verification(self) -> None:
        scene, passer_by = self.scene, self.who("passer-by")
        scene.act("The same line in public, too early")
        line = check_line(self.company.prepared)
        pasted = await scene.says(passer_by, self.public, line)
        await self.reads("maintainer", "that it was shown in public", "in a public room", self.security)
        private = await self.verifies_in_public(self.company.prepared, "Not known")
        stray = hashlib.sha256(b"anything").hexdigest() + "  dynasched-9.9.9.tar.gz"
        await scene.says(passer_by, self.public, f"!dynasched verify {stray}")
        unknown = await self.reads("passer-by", "the answer for any file", "Not known", self.public, show=False)
        scene.check("both answers are the same, word for word", private.text == unknown.text)
        answers = [seen for seen in passer_by.messages(self.public) if seen.answers == pasted]
        scene.check("the pasted line itself was met with silence", not answers)
        self.nothing_outside()

    async def decision(self) -> None:
        scene, second = self.scene, self.who("maintainer-2")
        scene.act("General release")
        card = await self.commands(f"announce {self.case} vulnerable=1.0.0 {ADVISORY}", "Read it as the public will")
        code = re.findall(r"confirm ([0-9A-Z]{6})", card.text)[0]
        await self.commands(f"confirm {code}", "needs a second coordinator")
        self.nothing_outside()
        await scene.does(second, "presses ✅ under the preview", second.react(self.security, card.event, "✅"))
        await self.reads("debian", "that packages may go out", "you may publish now", self.embargo)

    async def general_release(self) -> None:
        scene = self.scene
        await self.reads("passer-by", "the announcement", "fixes a vulnerability", self.public)
        await self.reads("maintainer", "that it is done", "1.0.1 is announced", self.security, show=False)
        await self.reads("fedora", "thanks", "the embargo is over", self.embargo, show=False)
        await self.hears("reporter", "thanks", "Thank you", show=False)
        for name in ("suse", "spack"):
            await self.hears(name, "that the embargo is over", "the embargo is over", show=name == "spack")
        for name in ("suse", "spack", "passer-by"):
            scene.never(self.who(name), "the title, the report or a note", bears_canary)

    async def epilogue(self) -> None:
        scene = self.scene
        scene.act("Afterwards")
        await self.verifies_in_public(self.company.prepared, "the one we published")
        await self.verifies_in_public(self.company.published, "removed as vulnerable")
        card = await self.commands(f"close {self.case}", "closed (fixed)", show=False)
        self.timeline = card.text
