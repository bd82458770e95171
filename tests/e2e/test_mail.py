"""A whole case by mail alone: reporter, packager and coordinators have nothing else, over real servers."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from adapters.stage.archives import archive
from adapters.stage.letters import BOT, bounce, key, plain, public, reply, sealed, signed, told, unsealed
from adapters.stage.post_office import PASSWORD, PostOffice, Taken
from adapters.terminal.client import Client
from adapters.terminal.wire import dial
from chatops import bootstrap
from chatops.config import Mail, MailList, Person, Releases, Settings, Store
from chatops.plain import plain_text

REPORTER, PACKAGER = "reporter@example.org", "packager@example.org"
FIRST, SECOND = "first@example.org", "second@example.org"
ANNOUNCE = ("announce@lists.example", "users@lists.example")
CANARY = "a crafted job name overflows the queue"


class Post:
    """The post office as its people see it, and a shell for the first coordinator."""

    def __init__(self, office: PostOffice, shell: Client) -> None:
        self.office = office
        self._shell = shell
        self._read = 0

    async def shell(self, line: str) -> str:
        return plain_text((await self._shell.ask(line, 60)).document, prefix="")

    async def write(self, message: EmailMessage | bytes) -> None:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        await self.office.deliver(BOT, raw)

    async def gets(self, address: str, words: str) -> tuple[EmailMessage, str]:
        """The first message to somebody that bears these words inside, and what it says."""

        def found(taken: list[Taken]) -> bool:
            return any(words in opened(one) for one in taken if address in one.to)

        taken = await self.office.until(found, 40)
        one = next(one for one in taken if address in one.to and words in opened(one))
        return one.message, opened(one)

    def count(self, address: str, words: str) -> int:
        return sum(words in opened(one) for one in self.office.taken if address in one.to)


def opened(taken: Taken) -> str:
    """What the reader of a message sees: unsealed with their own key, attachments by name."""
    return told(unsealed(taken.message, taken.to[0].partition("@")[0]))


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    office = PostOffice(BOT)
    await office.start()
    archive(tmp_path / "staging", "1.0.1", "fixed")
    settings = Settings(
        store=Store(folder=tmp_path / "s"),
        releases=Releases(staging=tmp_path / "staging"),
        coordinators=(
            Person(name="maintainer", addresses=(f"mail:{FIRST}",)),
            Person(name="maintainer-2", addresses=(f"mail:{SECOND}",)),
        ),
        mail=Mail.model_validate(
            {
                "address": BOT,
                "smtp_host": "127.0.0.1",
                "smtp_port": office.smtp_port,
                "smtp_tls": "none",
                "imap_host": "127.0.0.1",
                "imap_port": office.imap_port,
                "imap_tls": "none",
                "password": PASSWORD,
                "key": str(key("security")),
                "lists": [MailList(address=one) for one in ANNOUNCE],
            }
        ),
    )
    bot = bootstrap.bot(settings)
    await bot.start()
    try:
        streams = await dial(settings.store.folder / "shell.sock")
        async with Client(streams, "maintainer", lambda shown: None) as shell:
            yield Post(office, shell)
    finally:
        await bot.stop()
        await office.stop()


async def test_a_reporter_a_packager_and_two_coordinators_take_part_by_mail_alone(post: Post) -> None:
    await post.shell(f"contacts change maintainer {public('first')}")
    await post.shell(f"contacts change maintainer-2 {public('second')}")
    await post.shell(f"contacts add packager organisation=Distro roles=packager address=mail:{PACKAGER}")
    await post.shell(f"contacts change packager {public('packager')}")

    # A report, with the reporter's key; the acknowledgement says nothing of it, and is sealed.
    report = plain(REPORTER, f"With 300 bytes {CANARY}.\n", "Overflow in 1.0.0")
    report.add_attachment(public("reporter").encode(), maintype="application", subtype="pgp-keys", filename="k.asc")
    await post.write(report)
    receipt, text = await post.gets(REPORTER, "your report has arrived")
    assert CANARY not in text
    assert receipt["In-Reply-To"] == report["Message-ID"]
    case = text.split(":")[0].split()[-1]
    await post.gets(SECOND, CANARY)
    await post.write(reply(REPORTER, "Also in 0.9.", receipt, text))
    await post.gets(REPORTER, "added to your report")

    # The packager is asked, accepts by answering with the code, and says how it stands with a signature.
    await post.shell(f"triage {case} severity=CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H Job queue overflow")
    await post.shell(f"invite {case} packager")
    question, text = await post.gets(PACKAGER, "will you keep this private?")
    assert question["Subject"] == f"[DynaSched] {case}: question"
    assert CANARY not in text
    await post.write(reply(PACKAGER, "accept", question, text))
    welcome, _ = await post.gets(PACKAGER, "thank you; here it is")
    assert welcome["References"].split()[0] == question["References"].split()[0]
    await post.write(signed("packager", reply(PACKAGER, "status affected", welcome, "")))
    await post.gets(SECOND, "Distro is affected")

    # Somebody writes in the packager's name: nothing happens, and the team sees it.
    await post.write(reply(PACKAGER, "decline", question, "I stole this thread, not its code."))
    await post.gets(SECOND, "Mail in the name of packager")
    await post.gets(PACKAGER, "Did you write to us just now?")
    assert "1 of 1 joined" in await post.shell(f"show {case}")

    # A sealed question reaches the team; an update and the archives reach everybody in their own thread.
    await post.write(sealed("packager", reply(PACKAGER, "Is 0.8 affected, too?", welcome, "")))
    await post.gets(SECOND, "Is 0.8 affected, too?")
    await post.shell(f"tell {case} The fix is under review.")
    for address in (PACKAGER, REPORTER):
        await post.gets(address, "The fix is under review.")
    await post.shell(f"private-release {case} 1.0.1")
    for address in (PACKAGER, REPORTER):
        await post.gets(address, "[dynasched-1.0.1.tar.gz]")

    # One coordinator asks, the other confirms, both by signed mail; lists get one message each, in the clear.
    await post.write(signed("first", plain(FIRST, f"announce {case} A crafted job name could overflow the queue.")))
    _, preview = await post.gets(FIRST, "Read it as the public will")
    code = re.findall(r"confirm ([0-9A-Z]{6})\b", preview)[0]
    await post.write(signed("second", plain(SECOND, f"confirm {code}")))
    for address in ANNOUNCE:
        public_word, text = await post.gets(address, "A crafted job name could overflow the queue.")
        assert public_word["Subject"] == "DynaSched 1.0.1 fixes a vulnerability"
        assert "sha1sum" in text
        assert f"{case.lower()}.md" in [part.get_filename() for part in public_word.iter_attachments()]
    await post.gets(PACKAGER, "you may publish now")
    await post.gets(REPORTER, "is out, with the fix for what you found")
    assert [post.count(one, "A crafted job name could") for one in ANNOUNCE] == [1, 1]

    # Nothing of it was ever readable on the way, and no message has another's id.
    for taken in post.office.taken:
        assert CANARY.encode() not in taken.raw
    sent = [taken.message["Message-ID"] for taken in post.office.taken]
    assert len(set(sent)) == len(sent)

    # What comes back is shown on the roster; a vacation is answered by nobody.
    vacation = reply(PACKAGER, "I am away.", question, "", Auto_Submitted="auto-replied")
    await post.write(vacation)
    await post.write(bounce(question))
    await post.gets(SECOND, "packager could not be reached by mail: there is no such mailbox")
    assert "came back" in await post.shell("contacts show packager")
    assert not [one for one in post.office.taken if vacation["Message-ID"] in (one.message["References"] or "")]


async def test_a_report_that_hangs_on_nothing_is_one_case_however_often_the_server_stumbles(post: Post) -> None:
    """SMTP's answer is lost after it took the acknowledgement: the same Message-ID comes again, and one report."""
    lost = secrets.token_hex(4)
    post.office.after = lambda taken: "451 lost" if REPORTER in taken.to and len(post.office.taken) < 3 else None
    await post.write(plain(REPORTER, f"It crashes ({lost}).\n", "Crash"))
    await post.office.until(lambda taken: sum(REPORTER in one.to for one in taken) == 2)
    both = [taken.message["Message-ID"] for taken in post.office.taken if REPORTER in taken.to]
    assert both[0] == both[1]
    assert (await post.shell("cases")).count("Crash") == 1
