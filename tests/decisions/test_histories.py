"""Random histories of many people, places, faults and hours; what must always hold is looked at after every step.

Text that is typed into a case bears words that occur nowhere else. Whatever is shown is searched for them when it is
shown: may everybody who can read it now? The answer comes from roster, consent and journal, not from the gate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlmodel import Session, col, func, select

from chatops.config import Component
from chatops.model import machines
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case, Pending, Proposal
from chatops.model.changes import Moved
from chatops.model.flow import OutboxRow
from chatops.model.journal import Entry, changes_of
from chatops.model.machines import Consent, Embargo, Exposure, FixStatus, Kind, Report
from chatops.model.moves import MOVES, Move
from chatops.model.people import Contact, ContactAddress, Place, PlaceKind, Role
from chatops.model.releases import Release
from chatops.ports import (
    Effect,
    Impossible,
    Invite,
    OpenRoom,
    Post,
    Publish,
    Receipt,
    Received,
    Said,
    TryLater,
    Upload,
)
from chatops.service import decide
from chatops.service.gate import gate
from chatops.service.outbox import take_up
from chatops.service.timers import next_due
from tests.house import BOT, TERMS, Broken, House, address, prepared
from tests.patches import patch

PROFILE = settings(
    max_examples=7,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

COORDINATORS = ("maintainer", "maintainer-2")
ROSTER = {
    "expert": "roles=expert",
    "debian": "organisation=Debian roles=packager standing=yes",
    "suse": "organisation=SUSE roles=packager",
    "suse-2": "organisation=SUSE roles=packager",
    "partner": "organisation=PMIx roles=partner",
}
PEOPLE = (*COORDINATORS, *ROSTER, "finder", "crook")
NO_CASE = "DS-2026-ZZ22"

TEMPLATES = (
    "report {report}",
    'report disclose="in 9 days" known=yes help=yes {report}',
    "report {case} {addition}",
    "report {case}",
    'triage {case} {title} severity={cvss} mitigation="{mitigation}" complexity="{complexity}"',
    "triage {case}",
    "triage {title}",
    "own {case}",
    "own {case} maintainer backup=maintainer-2",
    "reject {case} {reject}",
    "embargo {case}",
    'embargo {case} date in {days} days reason="{proposal}"',
    'embargo {case} date in {days} days reason="{proposal}"',
    'embargo {case} review in {days} days reason="{proposal}"',
    "embargo {case} accept",
    "embargo {case} reject {refusal}",
    "embargo {case} end {end}",
    "invite {case} {who}",
    "invite {case} all-packagers",
    "invite {case} suse {who} tell=now",
    "accept {case}",
    "decline {case}",
    "bring {case} {who}",
    "snooze {case} 2 days",
    "refer {case} pmix {refer}",
    "report {case} refer={yes}",
    "drill {title}",
    "play {who} accept {case}",
    "play {who} status {case} {answer}",
    "play maintainer-2 confirm {code}",
    "export {case}",
    "status {case} {answer}",
    "correct {case} {who} {answer} {correction}",
    "agree {case}",
    "object {case} {vote}",
    "team {case} add {who}",
    "team {case} remove {who}",
    "team {case}",
    "tell {case} {update}",
    "pack {case} add {thing} {pack}",
    "pack {case} add patch branch=main {patch}",
    "pack {case} drop {thing} {withdrawal}",
    "pack {case}",
    "pack {case} list",
    "timeline {case}",
    "show {case}",
    "cases",
    "help",
    'remove {case} {who} reason="{removal}"',
    "private-release {case} {version}",
    "private-release {case} {version} {lines}",
    "announce {case}",
    "announce {case} {announcement}",
    "confirm {code}",
    "leak {case} {claim}",
    "triage {case} open={open} {title}",
    "duplicate {case} {case} {duplicate}",
    'report {case} process="{process}" disclose="in 9 days"',
    "exposed {case} {outside} {exposure}",
    "statement {case}",
    "close {case} {closing}",
    "close {case}",
    "releases",
    "releases {version}",
    "verify {lines}",
    "contacts list",
    "contacts change {who} standing={yes}",
    "contacts change {who} address=matrix:@{who}:example.org,matrix:@{who}-two:example.org",
    "contacts change {who} address=matrix:@{who}-two:example.org",
    "contacts remove {who}",
    'contacts add {who} address=matrix:@{who}:example.org organisation="{who}"',
    "",
    "no such thing",
)
"""Lines that are right for somebody, somewhere, at some time."""

WORD = re.compile(r"zq([a-z]+)\d+qz|(cafe)\d{4}")
FOR_THE_REPORTER = frozenset({"report", "addition", "update", "reject", "duplicate", "refer", "refusal", "archive"})
"""Their own report, its progress, the private release."""
FOR_THE_PARTNER = frozenset({"report", "addition", "title"})
"""What is passed on to those whose matter it is, once the reporter agreed."""

_TABLES: dict[Kind, set[tuple[str, str]]] = {}
for _machine in machines.MACHINES:
    _TABLES.setdefault(_machine.kind, set()).update((str(old), str(new)) for (old, _), new in _machine.table.items())


class Crash(BaseException):
    """The process ended after an effect had happened and before that was written down."""


class Dice:
    """Numbers that nobody could guess, the same in every run."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def token_hex(self, size: int) -> str:
        return f"{self._random.getrandbits(8 * size):0{2 * size}x}"

    def choice(self, among: str) -> str:
        return self._random.choice(among)


def _furnished() -> House:
    house = House(stranger_messages_per_hour=1000)
    directory = {"pmix": Component(name="PMIx", contact="security@pmix.example", contacts=("partner",))}
    house.settings = house.settings.model_copy(update={"components": directory})
    house._wire()
    for name, told in ROSTER.items():
        house.say("maintainer", "security", f"contacts add {name} {told} address=matrix:{address(name)}")
    house.room("public")
    for name in PEOPLE:
        house.direct(name, "help")
    return house


BEFORE = {"zqreport1qz": "finder", "zqtitle2qz": "maintainer"}
"""Words that are in a case when a history begins, and who wrote them."""
STAGES = (
    ("finder", "direct", "report zqreport1qz\nIn 1.0.0."),
    ("maintainer", "security", f"triage {{case}} zqtitle2qz severity={TERMS}"),
    ("maintainer", "security", "invite {case} debian suse"),
    ("suse", "direct", "accept {case}"),
)
"""A history begins before the first of these, or after some of them."""


def _at_stage(number: int) -> Callable[[], House]:
    def make() -> House:
        house = STARTS[number - 1]() if number else None
        decide.secrets = Dice(number)  # type: ignore[attr-defined,assignment]
        if house is None:
            return _furnished()
        who, where, text = STAGES[number - 1]
        house.say(who, where, text.format(case=house.cases()[-1] if number > 1 else ""))
        return house

    return prepared(make)


STARTS: list[Callable[[], House]] = []
for _number in range(len(STAGES) + 1):
    STARTS.append(_at_stage(_number))


def words_in(text: str) -> dict[str, str]:
    """The words of a case in a text, with what sort of text each is from."""
    return {found[0]: found[1] or "archive" for found in WORD.finditer(text)}


@dataclass
class Fill:
    """Fills templates from what a step drew."""

    history: Histories
    who: str
    picks: Iterator[int]

    def __getitem__(self, name: str) -> str:
        pick = next(self.picks)
        house = self.history.house
        match name:
            case "case":
                cases = [*reversed(house.cases()), NO_CASE]
                return cases[pick % len(cases)]
            case "cvss":
                return TERMS
            case "days":
                return ("1", "5", "20", "60", "100")[pick % 5]
            case "who":
                return PEOPLE[pick % len(PEOPLE)]
            case "answer":
                return ("affected", "fix-ready", "deployed", "not-affected", "investigating", "fixed")[pick % 6]
            case "thing":
                return ("mitigation", "test", "restart")[pick % 3]
            case "patch":
                return patch(self.history.word(name, self.who))
            case "open":
                return ("minor", "public")[pick % 2]
            case "outside":
                return ("public", "exploit", "attacks")[pick % 3]
            case "yes":
                return ("yes", "no")[pick % 2]
            case "version":
                return self.history.version(pick)
            case "lines":
                return self.history.line(pick, self.who)
            case "code":
                return self.history.code(pick)
            case _:
                return f"{self.history.word(name, self.who)} and more"

    def keys(self) -> list[str]:
        return []


@dataclass
class Known:
    """What somebody may read of a case at one moment."""

    everything: bool = False
    reporter: bool = False
    partner: bool = False


class Histories(RuleBasedStateMachine):
    house: House

    @initialize(stage=st.integers(0, len(STAGES)))
    def begin(self, stage: int) -> None:
        self.house = STARTS[stage]()
        decide.secrets = Dice(99)  # type: ignore[attr-defined,assignment]
        self.authors = {word: address(author) for word, author in BEFORE.items()}
        self.cases_of: dict[str, str] = {}
        self.free: set[str] = set()
        self.agreed: set[str] = set()
        self.receipts: dict[str, Receipt] = {}
        self.plan: list[str] = []
        self.crash_in: int | None = None
        self.stumbles = 0
        self.archives: dict[str, str] = {}
        self.read_to = 0
        self.rows = 0
        self.proposals: set[str] = set()
        self.deed = self.house._perform
        self.house._perform = self._perform  # type: ignore[method-assign]
        self.house.broken = self._broken

    # --- what is typed

    def word(self, kind: str, author: str) -> str:
        made = f"zq{kind}{len(self.authors) + 10}qz"
        self.authors[made] = address(author)
        return made

    def version(self, pick: int) -> str:
        version = f"1.0.{pick % 8}"
        if version not in self.house.host.staged:
            digest = f"cafe{len(self.archives):04d}" * 8
            self.archives[version] = digest
            self.house.host.stage(version, sha256=digest)
        return version

    def line(self, pick: int, who: str) -> str:
        version = self.version(pick)
        return f"{self.archives[version]}  dynasched-{version}.tar.bz2"

    def code(self, pick: int) -> str:
        with self.house.read() as session:
            codes = session.exec(select(Pending.code).order_by(col(Pending.made_at).desc())).all()
        return [*codes, "7KQ4XM"][pick % (len(codes) + 1)]

    def say(self, who: str, where: str, text: str) -> None:
        opens = (text.startswith("report ") and " DS-" not in text) or text.startswith(("triage zq", "drill zq"))
        if opens and len(self.house.cases()) >= 3:
            return
        if where == "shell":
            self._guarded(lambda: self.house.shell(who, text, user=f"os-{who}"))
            return
        room = where
        if where not in ("direct", "public"):
            found = self._room(where)
            if found is None or address(who) not in self.house.chat.rooms[found].members:
                return
            room = found
        self._guarded(lambda: self.house.say(who, room, text))

    def _room(self, where: str) -> str | None:
        if where == "case":
            rooms = [case for case in self.house.cases() if self.house.has_room(case)]
            return self.house.room(rooms[-1]) if rooms else None
        return self.house.room(where)

    def _guarded(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Crash:
            self.crash_in = None
            self.house._wire()
            with Session(self.house.engine) as session:
                take_up(session)
                session.commit()
            self._news()
        except Broken as fault:
            raise AssertionError("a decision raised") from fault.__cause__
        self.crash_in = None
        if self.stumbles:
            for seconds in (2, 6, 21):
                self.house.clock.now += timedelta(seconds=seconds)
                self.house.run()
            self.stumbles = 0

    def _news(self) -> None:
        """What the service reports is decided before anything else happens."""
        news, self.house._news = self.house._news, []
        for room, happened in news:
            self.house._put(room, happened)
        self.house.run()

    # --- what people do

    @rule(
        who=st.sampled_from(PEOPLE),
        where=st.sampled_from(("direct", "direct", "security", "case", "public", "shell")),
        template=st.sampled_from(TEMPLATES),
        picks=st.lists(st.integers(0, 9), min_size=6, max_size=6),
        typo=st.one_of(st.none(), st.none(), st.none(), st.integers(0, 25)),
    )
    def anybody_types(self, who: str, where: str, template: str, picks: list[int], typo: int | None) -> None:
        text = template.format_map(Fill(self, who, iter(picks)))
        if typo is not None and typo < len(text) - 1:
            text = text[:typo] + text[typo + 1] + text[typo] + text[typo + 2 :]
        self.say(who, where, text)

    @rule(
        who=st.sampled_from(COORDINATORS),
        where=st.sampled_from(("security", "direct", "case")),
        template=st.sampled_from(TEMPLATES),
        picks=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    )
    def a_coordinator_types(self, who: str, where: str, template: str, picks: list[int]) -> None:
        self.say(who, where, template.format_map(Fill(self, who, iter(picks))))

    @rule(who=st.sampled_from(COORDINATORS), pick=st.integers(0, 5), again=st.integers(1, 4))
    def goes_on(self, who: str, pick: int, again: int) -> None:
        self.it_goes_on(who, pick, again)

    def it_goes_on(self, who: str, pick: int, again: int) -> None:
        """The sensible next steps of the newest case that is open."""
        for _ in range(again):
            files = [self.house.file(case) for case in self.house.cases()]
            file = next((file for file in reversed(files) if file.case.closed_at is None), None)
            if file is None and pick > 3:
                self.say(who, "security", f"export {self.house.cases()[-1]}" if self.house.cases() else "cases")
                return
            if file is None:
                self.say("finder", "direct", f"report {self.word('report', 'finder')}\nIn 1.0.0.")
                return
            self._next_step(who, file, pick)

    def _next_step(self, who: str, file: CaseFile, pick: int) -> None:
        case = file.case
        asked = [file.name(one.contact) for one in file.participants.values() if one.consent in ("invited", "lapsed")]
        text = f"show {case.id}"
        if case.report != Report.ACCEPTED:
            text = f"triage {case.id} {self.word('title', who)} severity={TERMS}"
        elif case.released_at is not None:
            text = f"close {case.id}"
        elif case.embargo == Embargo.PROPOSED:
            text = f"embargo {case.id} accept"
        elif file.embargoed and not file.ever_asked():
            text = f"invite {case.id} all-packagers"
        elif file.embargoed and asked and pick < 4:
            who, text = asked[pick % len(asked)], f"accept {case.id}"
        elif case.embargo == Embargo.REVISE:
            text = f"embargo {case.id} {'reject' if pick == 0 else 'accept'}"
        elif file.embargoed and case.version is None:
            text = f"private-release {case.id} {self.version(len(self.house.host.published) + pick % 2)}"
        elif case.version is not None:
            with self.house.read() as session:
                waiting = [(row.code, row.by) for row in Book(session).open_pending(case.id)]
            text = f"confirm {waiting[0][0]}" if waiting else f"announce {case.id} {self.word('announcement', who)}"
            if waiting and pick:
                who = next(name for name in COORDINATORS if name != file.name(waiting[0][1]))
        elif case.embargo == Embargo.EXITED:
            text = f"close {case.id} {self.word('closing', who)}"
        self.say(who, "direct", text)

    @rule(who=st.sampled_from(PEOPLE), back=st.integers(0, 30), action=st.integers(0, 2))
    def somebody_reacts(self, who: str, back: int, action: int) -> None:
        cards = [seen for seen in self.house.chat.seen if seen.document.actions]
        mine = [card for card in cards if address(who) in self.house.chat.rooms[card.room].members]
        if not mine:
            return
        card = mine[-1 - back % len(mine)]
        key = card.document.actions[action % len(card.document.actions)].emoji
        self._guarded(lambda: self.house.react(who, card, key))

    @rule(
        who=st.sampled_from((*PEOPLE, "nobody")),
        where=st.sampled_from(("security", "case", "case", "direct")),
        how=st.sampled_from(("let in", "let in", "leaves", "is slow")),
    )
    def somebody_comes_or_goes(self, who: str, where: str, how: str) -> None:
        if how == "is slow":
            self.house.chat.shy ^= {address(who)}
            return
        owner = "suse" if how == "let in" else who
        found: list[str | None] = []
        self._guarded(
            lambda: found.append(self.house.room("direct", owner) if where == "direct" else self._room(where))
        )
        room = self.house.chat.rooms.get((found[0] if found else None) or "")
        if room is None:
            return
        if how == "leaves" and address(who) in room.members | room.invited:
            self._guarded(lambda: self.house.leave(who, room.id))
        elif how == "let in" and address(who) not in room.members:
            by = who if address(who) in room.invited else "debian"
            self.house.chat.join(room, address(who), by=address(by))
            self._guarded(self._news)

    @rule(who=st.sampled_from(PEOPLE), pick=st.integers(0, 3), command=st.booleans())
    def somebody_pastes_a_line(self, who: str, pick: int, command: bool) -> None:
        line = self.line(pick, who)
        self._guarded(lambda: self.house.public(who, f"verify {line}" if command else line, bare=not command))

    # --- what happens to them

    @rule(hours=st.sampled_from((1, 30, 24 * 8, 24 * 33, -1, -50, -24 * 9)))
    def time_passes(self, hours: int) -> None:
        until = self.house.clock.now + timedelta(hours=hours)
        for _ in range(20):
            with self.house.read() as session:
                due = next_due(session)
            if due is None or due > until:
                break
            self.house.clock.now = max(due, self.house.clock.now)
            self._guarded(self.house.run)
        self.house.clock.now = until
        self._guarded(self.house.run)

    @rule(
        plan=st.lists(st.sampled_from(("", "later", "later", "never")), max_size=6),
        crash=st.one_of(st.none(), st.integers(0, 4)),
        stumbles=st.sampled_from((0, 0, 0, 1, 3, 4)),
        problem=st.sampled_from((None, None, "disk-full")),
        pick=st.integers(0, 5),
    )
    def it_goes_on_in_trouble(
        self, plan: list[str], crash: int | None, stumbles: int, problem: str | None, pick: int
    ) -> None:
        """Effects fail, the process ends after some effect, a decision raises."""
        self.plan, self.crash_in, self.stumbles, self.house.host.problem = plan, crash, stumbles, problem
        self.it_goes_on(COORDINATORS[pick % 2], pick, 1)
        self.house.host.problem = None

    def _broken(self, received: Received) -> Exception | None:
        if self.stumbles and isinstance(received.event, Said):
            self.stumbles -= 1
            return RuntimeError("pretended")
        return None

    # --- what is shown, at the moment when it is

    def _perform(self, effect: Effect) -> Receipt:
        if effect.id in self.receipts:
            return self.receipts[effect.id]
        trouble = self.plan.pop(0) if self.plan else ""
        if trouble:
            raise TryLater("busy") if trouble == "later" else Impossible("forbidden")
        if self.crash_in == 0:
            raise Crash
        with Session(self.house.engine) as session:
            self._watch(Book(session), effect)
        receipt = self.deed(effect)
        self.receipts[effect.id] = receipt
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in == 0:
                raise Crash
        return receipt

    def _watch(self, book: Book, effect: Effect) -> None:
        deed = effect.deed
        row = book.session.exec(select(OutboxRow).where(OutboxRow.key == effect.id)).one()
        room = self.house.chat.rooms.get(effect.room or "")
        if row.case and book.is_drill(row.case):
            assert effect.room == self.house.room("security"), f"{deed.t} of a drill leaves the security room"
        if isinstance(deed, Publish):
            assert self._two_agreed(book, row.case), "published without two"
        elif isinstance(deed, Invite):
            place = book.session.exec(select(Place).where(Place.id == row.place)).one()
            assert self._belongs(book, deed.user, place), f"{deed.user} is invited to {place.kind}"
        elif isinstance(deed, Upload):
            assert room is not None
            if room.name == "lobby":  # the advisory says what the announcement said
                assert set(words_in(deed.open().read().decode())) <= self.free
                return
            for reader in self._readers(effect, row, book):
                known = self._known(book, reader, row.case or "")
                assert known.everything or known.reporter, f"{reader} gets a file of {row.case}"
        elif isinstance(deed, Post):
            words = words_in(deed.document.model_dump_json())
            if room is not None and room.name == "lobby":
                self._in_public(book, deed, set(words))
                return
            for reader in self._readers(effect, row, book):
                for word, kind in words.items():
                    self._may_read(book, reader, word, kind, deed)
        else:
            shown = f"{deed.name} {deed.topic}" if isinstance(deed, OpenRoom) else deed.model_dump_json()
            assert not words_in(shown), f"a word of a case in {deed.t}"

    def _readers(self, effect: Effect, row: OutboxRow, book: Book) -> set[str]:
        if effect.service == "shell":
            one = book.session.exec(select(Contact).where(Contact.id == row.audience)).first()
            return {address(one.name)} if one else set()
        room = self.house.chat.rooms[effect.room or ""]
        return (room.members | room.invited) - {BOT}

    def _in_public(self, book: Book, post: Post, words: set[str]) -> None:
        document = post.document
        assert document.case is None
        assert document.tlp == 0
        if document.kind == "announcement":
            cases = {case for case in book.session.exec(select(Case.id)) if self._two_agreed(book, case)}
            assert {self._case_of(book, word) for word in words} <= cases, "announced without two"
            assert cases
            self.free |= words
        assert words <= self.free, f"{words - self.free} in public: {document.kind}"

    def _may_read(self, book: Book, reader: str, word: str, kind: str, post: Post) -> None:
        if word in self.free or self.authors.get(word) == reader:
            return
        case = self._case_of(book, word)
        what = f"{reader} reads {word} of {case} in {post.document.kind}: {post.document.title}"
        assert case is not None, what
        known = self._known(book, reader, case)
        if known.everything or (known.reporter and kind in FOR_THE_REPORTER):
            return
        if known.partner and kind in FOR_THE_PARTNER:
            return
        raise AssertionError(what)

    def _case_of(self, book: Book, word: str) -> str | None:
        """The case whose journal has the word in its texts, or (a digest) whose release it is of."""
        if word.startswith("cafe"):
            version = next(v for v, digest in self.archives.items() if digest.startswith(word))
            release = book.session.exec(select(Release).where(Release.version == version)).first()
            return release.case if release else None
        if word not in self.cases_of:
            for entry in book.session.exec(select(Entry).order_by(col(Entry.id).desc())):
                if any(word in text for _, text in entry.texts.values()):
                    self.cases_of[word] = entry.chain
                    break
        return self.cases_of.get(word)

    def _contact(self, book: Book, user: str) -> Contact | None:
        found = select(Contact).join(ContactAddress, col(ContactAddress.contact) == Contact.id)
        return book.session.exec(found.where(ContactAddress.address == user)).first()

    def _known(self, book: Book, user: str, case: str) -> Known:
        """By role, report, consent, or a coordinator's word in the journal."""
        contact = self._contact(book, user)
        file = book.case(case)
        if contact is None:
            return Known()
        if file is None:  # what names no case is the team's own
            return Known(everything=contact.active and Role.COORDINATOR in (contact.roles or []))
        known = Known(reporter=contact.id in file.reporters)
        one = file.participants.get(contact.id)
        if contact.active and Role.COORDINATOR in (contact.roles or []):
            known.everything = True
        elif one is not None:
            known.partner = one.role == "referred" and file.case.referral == "passed"
            accepted = one.consent == Consent.SIGNATORY or (
                one.consent == Consent.LAPSED and one.terms_until is not None and self.house.clock.now < one.terms_until
            )
            known.everything = (
                one.role == "expert"
                or accepted
                or (file.case.embargo == Embargo.EXITED and self._was_member(book, case, contact.id))
                or (one.consent == Consent.INVITED and self._was_told(book, case, contact.name))
            )
        return known

    def _was_member(self, book: Book, case: str, contact: str) -> bool:
        """Whether somebody was a member when the embargo ended."""
        was = False
        for entry in book.session.exec(select(Entry).where(Entry.chain == case).order_by(col(Entry.seq))):
            for change in changes_of(entry):
                if isinstance(change, Moved) and change.column == "consent" and change.key["contact"] == contact:
                    was = change.old == Consent.SIGNATORY and change.new == Consent.NO_EMBARGO
        return was

    def _was_told(self, book: Book, case: str, name: str) -> bool:
        entries = book.session.exec(select(Entry).where(Entry.chain == case, Entry.what == "notified"))
        hows = [entry for entry in entries if entry.told["facts"]["who"] == name]
        return bool(hows) and hows[-1].told["facts"]["how"] == "told and asked" and hows[-1].who in COORDINATORS

    def _belongs(self, book: Book, user: str, place: Place) -> bool:
        if place.kind == PlaceKind.SECURITY:
            contact = self._contact(book, user)
            return contact is not None and Role.COORDINATOR in (contact.roles or [])
        return self._known(book, user, place.case or "").everything

    def _two_agreed(self, book: Book, case: str | None) -> bool:
        """Whether one coordinator asked for the announcement and another confirmed the same."""
        if case in self.agreed:
            return True
        asked: dict[str, str] = {}
        for entry in book.session.exec(select(Entry).where(Entry.chain == (case or "")).order_by(col(Entry.seq))):
            if entry.what == "announce previewed":
                asked[entry.told["facts"]["code"]] = entry.who
            if entry.what == "confirmed":
                first = asked.get(entry.told["facts"]["code"])
                if case and {first, entry.who} == set(COORDINATORS):
                    self.agreed.add(case)
                    return True
        return False

    # --- what must hold after every step

    @invariant()
    def everything_holds(self) -> None:
        with self.house.read() as session:
            book = Book(session)
            self.the_machines_agree(book)
            self.only_moves_of_the_table_were_made(book)
            self.nobody_proposes_who_may_not(book)
            self.nothing_on_its_way_is_lost(book)
            self.where_somebody_does_not_belong_nothing_is_said(book)
        self.names_of_rooms_tell_nothing()

    def the_machines_agree(self, book: Book) -> None:
        for case in book.session.exec(select(Case.id)).all():
            file = book.case(case)
            assert file is not None
            _agrees(file)
            if file.case.released_at is not None:
                assert self._two_agreed(book, case)
        for release in book.session.exec(select(Release).where(Release.state == "published")):
            assert self._two_agreed(book, release.case)

    def only_moves_of_the_table_were_made(self, book: Book) -> None:
        for entry in book.session.exec(select(Entry).where(col(Entry.id) > self.read_to).order_by(col(Entry.id))):
            open_to_all = words_in(f"{entry.told} {entry.what} {entry.who}")
            assert set(open_to_all.values()) <= {"archive"}, f"text of a case in the facts: {entry}"
            for change in changes_of(entry):
                if isinstance(change, Moved):
                    self._checks_move(book, entry, change)
            self.read_to = entry.id or 0

    def _checks_move(self, book: Book, entry: Entry, change: Moved) -> None:
        kind = Kind(change.column)
        assert (change.old, change.new) in _TABLES[kind], change
        assert Move(change.move) in MOVES
        file = book.case(entry.chain)
        assert file is not None
        if kind is Kind.EMBARGO and change.old == Embargo.NONE:
            fixes = [FixStatus(fix) for fix in (file.case.fix, *(down.fix for down in file.downstreams.values()))]
            assert machines.embargo_may_start(Exposure(file.case.exposure), fixes)
        if kind is Kind.CONSENT and change.new == Consent.SIGNATORY:
            one = file.participants[change.key["contact"]]
            played = file.case.drill and entry.who in COORDINATORS
            assert one.standing or played or entry.who == file.name(one.contact), "silence was taken for a yes"

    def nobody_proposes_who_may_not(self, book: Book) -> None:
        for proposal in book.session.exec(select(Proposal)):
            if proposal.id in self.proposals:
                continue
            self.proposals.add(proposal.id)
            file = book.case(proposal.case)
            assert file is not None
            one = file.participants.get(proposal.by)
            outside = one is not None and one.role not in ("expert", "reporter")
            report = Report(one.report if one is not None and outside else file.case.report)
            assert machines.may_propose(report)

    def nothing_on_its_way_is_lost(self, book: Book) -> None:
        count = book.session.exec(select(func.count()).select_from(OutboxRow)).one()
        assert count >= self.rows
        self.rows = count
        for row in book.session.exec(select(OutboxRow).where(OutboxRow.state != "done").order_by(col(OutboxRow.id))):
            assert row.state in ("refused", "dead", "waiting"), row.state
            if row.state != "waiting":
                assert row.problem
            else:
                assert self._waits_for(book, row), f"{row} {row.kind} {row.deed['t']} waits for nothing"

    def _waits_for(self, book: Book, row: OutboxRow) -> str:
        if row.attempts and row.not_before is not None and row.not_before > self.house.clock.now and row.problem:
            return row.problem
        earlier = select(OutboxRow.key).where(
            OutboxRow.conversation == row.conversation,
            col(OutboxRow.state).in_(("waiting", "attempted")),
            col(OutboxRow.id) < row.id,
        )
        if (before := book.session.exec(earlier).first()) is not None:
            return before
        place = book.session.get(Place, row.place) if row.place else None
        if place is not None and place.room is None:
            openers = book.session.exec(
                select(OutboxRow).where(OutboxRow.place == place.id, OutboxRow.kind == "open-room")
            )
            return next((one.problem or one.state for one in openers if one.state != "done"), "")
        if edit := row.deed.get("edit"):
            target = book.session.exec(select(OutboxRow).where(OutboxRow.key == edit)).first()
            if target is not None and target.state in ("waiting", "attempted"):
                return str(edit)
        verdict, code = gate(book.session, row, self.house.clock.now)
        return code if verdict == "hold" else ""

    def where_somebody_does_not_belong_nothing_is_said(self, book: Book) -> None:
        for place in book.session.exec(select(Place).where(Place.state == "bound")):
            if place.kind not in (PlaceKind.SECURITY, PlaceKind.EMBARGO) or place.held:
                continue
            room = self.house.chat.rooms[place.room or ""]
            for user in (room.members | room.invited) - {BOT}:
                assert self._belongs(book, user, place), f"{user} is in the {place.kind} room"

    def names_of_rooms_tell_nothing(self) -> None:
        for room in self.house.chat.rooms.values():
            assert not words_in(f"{room.name} {room.topic}")

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        self.plan, self.crash_in, self.stumbles = [], None, 0
        self.house.clock.now += timedelta(hours=1)
        self._guarded(self.house.run)
        self.everything_holds()
        assert self.house.journal_is_good()
        self.house.close()


def _agrees(file: CaseFile) -> None:
    case = file.case
    embargo, exposure = Embargo(case.embargo), Exposure(case.exposure)
    assert machines.embargo_agrees(embargo, exposure)
    assert machines.joint_agrees(FixStatus(case.fix), exposure)
    assert machines.fix_agrees(FixStatus(case.fix), [Report(case.report)])
    for down in file.downstreams.values():
        theirs = [Report(p.report) for p in file.participants.values() if p.organisation == down.organisation]
        assert machines.joint_agrees(FixStatus(down.fix), exposure)
        assert machines.fix_agrees(FixStatus(down.fix), theirs)
    for one in file.participants.values():
        assert machines.consent_agrees(Consent(one.consent), embargo)
        if one.consent == Consent.SIGNATORY:
            assert one.answered_at is not None
    assert (case.closed_at is not None) == (case.report == Report.CLOSED)
    if case.closed_at is not None:
        assert machines.may_close(embargo)
    if embargo in (Embargo.PROPOSED, Embargo.REVISE):
        assert [p.state for p in file.proposals].count("open") == 1


def test_histories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "secrets", decide.secrets)  # type: ignore[attr-defined]  # put back afterwards
    run_state_machine_as_test(Histories, settings=PROFILE)
