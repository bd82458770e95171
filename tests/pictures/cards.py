"""A disclosure is played from the first report to the release; the cards that its people see on the way are kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from chatops.document import Document
from chatops.ports import Asker, Form, Post
from chatops.service.interact import Interactive
from tests.decisions.test_checksums import OURS, PRIVATE, WRONG, published
from tests.house import TERMS, House, Seen, address, code_in, with_roster

REPORT = (
    "Version 1.0.0 writes past its job queue when a name is longer than 255 bytes:\n\n"
    "    dynasched submit --name $(python3 -c 'print(\"A\" * 5000)')\n\n"
    "The daemon runs as root, so any user of the cluster becomes root on its head node."
)


@dataclass
class Gallery:
    """Posts by name, forms by the line that opens them, and the coordinator's home page."""

    posts: dict[str, Post] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    home: tuple[Post, ...] = ()


def gallery() -> Gallery:
    """Everything to be drawn."""
    play = _Play()
    play.run()
    return play.shown


class _Play:
    def __init__(self) -> None:
        self.house = published(with_roster(House()))
        self.shown = Gallery()

    def run(self) -> None:
        house = self.house
        self.keep("help-stranger", house.direct("finder", "help"))
        self.keep("report-receipt", house.direct("finder", f'report credit="A. Finder" help=yes {REPORT}'))
        self.seen("report-arrives", house.last("security"))
        self.say(
            "triage",
            f'triage {house.case} Job queue overflow severity={TERMS} versions="1.0.0 and before" '
            'boundary="user to root" mitigation="set job_name_max to 255"',
        )
        house.say("maintainer", "security", f"own {house.case} maintainer backup=maintainer-2")
        self.say("invitations", f"invite {house.case} all-packagers")
        self.seen("terms-question", house.last("direct", "fedora"))
        self.seen("told-in-full", house.last("direct", "debian"))
        self.keep("consent", house.direct("fedora", f"accept {house.case}"))
        self.talk()
        self.everyday()
        self.home_and_forms()
        self.release()

    def talk(self) -> None:
        """Status and dates, in the embargo room."""
        house = self.house
        house.wait(days=1, hours=2)
        self.keep("status", house.direct("debian", "status fix-ready version=1.0.0-3+deb12u1"))
        house.direct("fedora", f"status {house.case} investigating")
        self.say(
            "proposal", f'embargo {house.case} date 2026-03-20 15:00 UTC reason="all builds take a week"', "fedora"
        )
        self.seen("proposal-in-room", house.last(house.case))
        house.direct("debian", f"object {house.case} That is a Friday: nobody is there on Saturday.")
        house.direct("fedora", f"embargo {house.case} date 2026-03-19 15:00 Europe/Berlin")
        house.direct("debian", f"agree {house.case}")
        self.say("date-accepted", f"embargo {house.case} accept")
        self.say("tell", f"tell {house.case} The fix is under review; archives follow on Thursday.")
        self.seen("board", next(one for one in reversed(house.seen_in(house.case)) if one.post.pin))

    def everyday(self) -> None:
        """What people ask for at any time."""
        house = self.house
        for line in ("show", "timeline", "status table", "team"):
            if line != "status table":
                self.say(line, f"{line} {house.case}")
        self.say("cases", "cases")
        self.say("todo", "todo")
        self.say("help", "help")
        self.say("help-verb", "help embargo")
        self.say("contacts", "contacts list")
        self.say("reporter-asks", f"report {house.case}", "finder", "direct")
        self.say("releases", "releases", "anybody", "public")
        self.say("releases-one", "releases 1.0.0", "anybody", "public")
        for number, line in enumerate(
            (
                f"shwo {house.case}",
                f"embargo {house.case} date yesterday",
                "invite DS-2026-ZZ22 debian",
                "status green",
            ),
            1,
        ):
            self.say(f"error-{number}", line)

    def release(self) -> None:
        house = self.house
        house.host.stage("1.0.1")
        self.say("private-release", f"private-release {house.case} 1.0.1")
        self.seen("private-release-in-room", house.last(house.case, kind="private release"))
        self.seen("private-release-to-reporter", house.last("direct", "finder", kind="private release"))
        preview = self.say(
            "announce-preview",
            f"announce {house.case} vulnerable=1.0.0,0.9.0 A crafted job name "
            "overflows the queue of the head node, and any user of the cluster can become root there.",
        )
        house.room("public")
        self.keep("announced", house.say("maintainer-2", "security", f"confirm {code_in(preview)}"))
        self.seen("announcement", house.last("public"))
        self.seen("thanks", house.last("direct", "finder"))
        self.verify()
        self.say("leak", "leak I saw it at https://lists.example.org/oss/2026/3/1", "anybody", "direct")
        self.seen("leak-in-security", house.last("security"))

    def verify(self) -> None:
        for name, lines in {
            "ours": f"{PRIVATE}  {_name('1.0.1')}",
            "removed": f"{OURS}  {_name('1.0.0')}",
            "other-digest": f"{WRONG}  {_name('1.0.1')}",
            "other-name": f"{PRIVATE}  {_name('1.0.0')}",
            "no-such-kind": f"{'0' * 128}  {_name('1.0.1')}",
            "unknown": f"{WRONG}  elsewhere.tar.gz",
            "no-line": "hello there",
            "weak": f"{'cd' * 20}  {_name('1.0.1')}",
            "several": f"{PRIVATE}  {_name('1.0.1')}\n{OURS}  {_name('1.0.0')}\n{WRONG}  {_name('0.9.0')}",
        }.items():
            self.say(f"verify-{name}", f"verify {lines}", "anybody", "public")

    def home_and_forms(self) -> None:
        house = self.house
        desk = Interactive(house.settings, frozenset(house.services), house.clock)
        desk._engine = house.engine
        asker = Asker(service="matrix", tenant="", user=address("maintainer"), room=house.room("security"))
        self.shown.home = asyncio.run(desk.home(Asker(service="matrix", tenant="", user=address("maintainer"))))
        for line in (line for command in house.registry.values() for line in command.form):
            form = asyncio.run(desk.form(asker, line)) if line in ("report", "triage") else None
            form = form or asyncio.run(desk.form(asker, f"{line} ".replace(" ", f" {house.case} ", 1)))
            assert form is not None, line
            self.shown.forms[line.replace(" ", "-")] = form

    # --- keeping

    def say(self, name: str, line: str, who: str = "maintainer", where: str = "security") -> Document:
        if who in ("debian", "fedora") and where == "security":
            where = self.house.case
        answer = self.house.say(who, where, line)
        assert answer is not None, line
        self.keep(name, answer)
        return answer

    def keep(self, name: str, document: Document | None) -> None:
        """An answer, as the post that it came in."""
        assert document is not None, name
        self.seen(name, next(one for one in reversed(self.house.chat.seen) if one.document == document))

    def seen(self, name: str, seen: Seen) -> None:
        assert name not in self.shown.posts
        self.shown.posts[name] = seen.post


def _name(version: str) -> str:
    return f"dynasched-{version}.tar.bz2"
