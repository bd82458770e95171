"""A disclosure with twelve participants in three zones, on Slack and Matrix: every message, and exactly who saw it.

Beside each thing that somebody does stands all that comes of it, as ``kind: who read it``. ``team`` are the security
rooms, ``room`` the case's rooms (one on each service) with those who are in them by what was played so far.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sqlmodel import Session

from chatops.config import Component, Person
from chatops.ports import Said
from chatops.service import roster
from tests.house import House, address, code_in

SLACK = {
    "spack": "U0SPACK000",
    "suse": "U0SUSE000",
    "suse-2": "U0SUSE2000",
    "gentoo": "U0GENTOO00",
    "lab": "U0LAB000",
    "maintainer-2": "U0MAINTAINER2",
}
BOTH = {"spack", "maintainer-2"}
EUROPE, AMERICA, ASIA = "zone=Europe/Berlin", "zone=America/New_York", "zone=Asia/Tokyo"
ROSTER = {
    "debian": f"organisation=Debian roles=packager standing=yes {EUROPE}",
    "fedora": f"organisation=Fedora roles=packager {AMERICA}",
    "arch": f"organisation=Arch roles=packager {ASIA}",
    "nix": f"organisation=Nix roles=packager {ASIA}",
    "site": f'organisation="A cluster" roles=administrator {AMERICA}',
    "spack": f"organisation=Spack roles=packager {AMERICA} paths=matrix,slack",
    "suse": f"organisation=SUSE roles=packager {EUROPE}",
    "suse-2": f"organisation=SUSE roles=packager {EUROPE}",
    "gentoo": f"organisation=Gentoo roles=packager {ASIA}",
    "lab": f'organisation="A lab" roles=administrator {ASIA}',
    "expert": f"roles=expert {EUROPE}",
    "pmix": f"organisation=PMIx roles=partner {AMERICA}",
}


class Step(NamedTuple):
    """WHO WHERE: what they type (or how many days pass); what comes of it; who came into the rooms by it, who left."""

    line: str
    told: str
    comes: str = ""
    goes: str = ""


ACCEPTED = "answer: team; answer: room; board: room"

SCRIPT = (
    Step("finder direct: report A crafted name overflows the queue.", "receipt: finder; new report: team"),
    Step("maintainer security: triage CASE Job queue overflow", "case card: team; progress: finder"),
    Step("maintainer security: team CASE add expert", "team: team; team: expert", comes="expert"),
    Step(  # standing terms are told in full; whoever has none is asked first
        "maintainer security: invite CASE debian fedora arch site spack suse gentoo lab",
        "invitations: team; notice: debian; progress: finder; question: fedora; question: arch; question: site;"
        " question: spack; question: suse; question: gentoo; question: lab",
        comes="debian",
    ),
    Step("0.001", "board: room"),
    Step("fedora direct: accept CASE", f"notice: fedora; {ACCEPTED}", comes="fedora"),
    Step("site direct: accept CASE", f"notice: site; {ACCEPTED}", comes="site"),
    Step("suse slack: accept CASE", f"notice: suse; {ACCEPTED}", comes="suse"),
    Step("lab slack: accept CASE", f"notice: lab; {ACCEPTED}", comes="lab"),
    Step("arch direct: decline CASE", "answer: arch; answer: team; board: room"),
    Step("2.5", "question: spack; board: room"),  # a silence: asked on the other path
    Step("spack slack: accept CASE", f"notice: spack; {ACCEPTED}", comes="spack"),
    Step("2.5", "question: gentoo; reminder: team; board: room"),
    Step("suse slack room: bring suse-2", "brought: room; brought: team; question: suse-2; board: room"),
    Step("suse-2 slack: accept CASE", f"notice: suse-2; {ACCEPTED}", comes="suse-2"),
    Step(
        'fedora room: embargo date in 11 days reason="Our builds take a week."', "date: room; date: team; board: room"
    ),
    Step("debian room: agree", "date: room; date: team; board: room"),
    Step(  # agreed; gentoo, who never answered, is asked for the terms that are in force now
        "maintainer security: embargo CASE accept",
        "case card: team; date: room; progress: finder; question: gentoo; board: room",
    ),
    Step(
        'lab slack room: embargo date in 15 days reason="The machine is busy."', "date: room; date: team; board: room"
    ),
    Step(
        "maintainer-2 security: embargo CASE reject The date stands.",
        "date: team; date: room; date: lab; board: room",
    ),
    Step("maintainer security: remove CASE lab", "removal: team; removal: lab; board: room", goes="lab"),
    Step("debian room: status affected", "status: room; status: team; board: room"),
    Step("suse slack room: status investigating", "status: room; status: team; board: room"),
    Step("maintainer security: tell CASE The fix is under review.", "update: team; update: room; update: finder"),
    Step(
        "maintainer security: private-release CASE 1.0.1",
        "private release: team; private release: room; private release: finder; board: room",
    ),
    Step("maintainer security: invite CASE nix", "invitations: team; question: nix; board: room"),
    Step("nix direct: accept CASE", f"notice: nix; {ACCEPTED}", comes="nix"),
    Step("0.1", "board: room"),
    Step("second direct: report The other library crashes.", "receipt: second; new report: team"),
    Step("maintainer security: refer LAST pmix It is theirs.", "referral: team; progress: second"),
    Step("second direct: report LAST refer=yes", "progress: second; referral: team; referral: pmix"),
    Step("5.9", "reminder: team; reminder: site; reminder: fedora; reminder: spack; reminder: nix; board: room"),
    Step("crook direct: leak CASE https://example.org/1", "leak: crook; leak claim: team; leak claim: each"),
    Step(  # five days before the date
        "maintainer-2 security: exposed CASE public",
        "case card: team; case card: room; progress: finder; board: room; embargo over: debian; embargo over: fedora;"
        " embargo over: arch; embargo over: site; embargo over: spack; embargo over: suse; embargo over: suse-2;"
        " embargo over: gentoo; embargo over: lab; embargo over: nix",
    ),
    Step("maintainer-2 security: announce CASE Names were too long.", "preview: team"),
    Step(
        "maintainer security: confirm CODE",
        "announcement: team; go: room; announcement: public; thanks: finder; thanks: room; board: room",
    ),
    Step("maintainer security: close CASE", "closed: team; closed: room; progress: finder"),
)

Told = Counter[tuple[str, frozenset[str]]]
TEAM = (frozenset({"maintainer", "maintainer-2"}), frozenset({"maintainer-2"}))
"""Who reads the security room of Matrix, and that of Slack."""
NAMES = {user: who for who, user in SLACK.items()}


def name(user: str) -> str:
    return NAMES.get(user) or user[1:].partition(":")[0]


class Play:
    """The house with both services, the roster, and who should be in the case's rooms by what was played."""

    def __init__(self) -> None:
        self.house = house = House(services=("matrix", "slack"))
        components = {"pmix": Component(name="PMIx", contact="security@pmix.example", contacts=("pmix",))}
        both = Person(name="maintainer-2", addresses=(f"matrix:{address('maintainer-2')}", "slack:U0MAINTAINER2"))
        coordinators = (house.settings.coordinators[0], both)
        house.settings = house.settings.model_copy(update={"components": components, "coordinators": coordinators})
        house._wire()
        with Session(house.engine) as session:
            roster.reconcile(house._unit(session, "configuration"), house.settings)
            session.commit()
        house.run()
        for who, told in ROSTER.items():
            there = [f"slack:{SLACK[who]}"] if who in SLACK else []
            here = [f"matrix:{address(who)}"] if who not in SLACK or who in BOTH else []
            card = house.say("maintainer", "security", f"contacts add {who} {told} address={','.join(here + there)}")
            assert card is not None
            assert card.kind == "contacts", card.title
        house.host.stage("1.0.1")
        house.room("public")
        self.read = len(house.chat.seen)
        self.inside = {"maintainer", "maintainer-2"}

    def type(self, line: str) -> None:
        """What a step's line says, in the first case."""
        house = self.house
        who_where, colon, text = line.partition(": ")
        if not colon:
            house.wait(days=float(line))
            return
        who, _, where = who_where.partition(" ")
        cases = house.cases()
        if cases:
            text = text.replace("CASE", cases[0]).replace("LAST", cases[-1])
        if "CODE" in text:
            text = text.replace("CODE", code_in(house.last("security", kind="preview").document))
        if where.startswith("slack"):
            self._on_slack(who, text, alone=where == "slack")
            return
        house.say(who, cases[0] if where == "room" else where, text)

    def _on_slack(self, who: str, text: str, *, alone: bool) -> None:
        user, house = SLACK[who], self.house
        rooms = [room for room in house.chat.rooms.values() if room.service == "slack" and user in room.members]
        room = next(room for room in reversed(rooms) if (len(room.members) == 2) is alone)
        typed = text if alone else f"!dynasched {text}"
        number = f"$slack{len(house.chat.done)}"
        said = Said(sender=user, room=room.id, event=number, text=typed)
        house.receive(room.id, said, service="slack", key=number)

    def came(self) -> Told:
        """What was shown since the last time, and to whom. A board and reminders may come several times in a step."""
        new, self.read = self.house.chat.seen[self.read :], len(self.house.chat.seen)
        found = Counter((seen.document.kind, frozenset(map(name, seen.readers))) for seen in new)
        often = ("board", "reminder")
        # "hashing …" and "announcing …" are edited, or followed where they can't be
        return Counter({told: 1 if told[0] in often or told[1] in TEAM else number for told, number in found.items()})

    def expected(self, told: str) -> Told:
        return Counter(one for line in told.split("; ") for one in self._readers(*line.split(": ")))

    def _readers(self, kind: str, who: str) -> Iterator[tuple[str, frozenset[str]]]:
        on_matrix = {one for one in self.inside if one not in SLACK or one in BOTH}
        on_slack = {one for one in self.inside if one in SLACK}
        rooms = {
            "team": TEAM,
            "room": (frozenset(on_matrix), frozenset(on_slack)),
            "each": (frozenset({"maintainer"}), frozenset({"maintainer-2"})),
            "public": (frozenset({"maintainer", "crowd"}),),
        }
        yield from ((kind, readers) for readers in rooms.get(who, (frozenset({who}),)))


@pytest.fixture(scope="module")
def played() -> list[tuple[Step, Told, Told]]:
    """Each step with what should come of it, and what came."""
    play, found = Play(), []
    for step in SCRIPT:
        play.type(step.line)
        play.inside |= set(step.comes.split())
        play.inside -= set(step.goes.split())
        found.append((step, play.expected(step.told), play.came()))
    assert not play.house.stuck()
    assert play.house.journal_is_good()
    return found


@pytest.mark.parametrize("number", range(len(SCRIPT)), ids=[step.line.partition(":")[0] for step in SCRIPT])
def test_whatever_comes_of_a_step_is_read_by_whom_it_is_for_and_nobody_else(
    played: list[tuple[Step, Told, Told]], number: int
) -> None:
    step, expected, came = played[number]
    assert set(came) == set(expected), step.line
    assert all(came[told] == 1 for told in came if told[1] not in TEAM), step.line


def test_twelve_take_part_in_three_zones_on_both_services() -> None:
    assert len(ROSTER) == 12
    assert {zone for zone in (EUROPE, AMERICA, ASIA) if any(zone in told for told in ROSTER.values())} == {
        EUROPE,
        AMERICA,
        ASIA,
    }
    assert SLACK.keys() & ROSTER.keys()
    assert ROSTER.keys() - SLACK.keys()
