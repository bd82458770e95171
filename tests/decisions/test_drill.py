"""A drill plays the whole process, and nothing of it leaves the security room."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from chatops.document import Tlp
from chatops.model.book import Book
from chatops.model.flow import OutboxRow
from chatops.service.gate import gate
from tests.house import House, code_in, reported

LINES = f"{'ab' * 32}  dynasched-1.0.9.tar.bz2"


@pytest.fixture
def drill_house(house: House) -> House:
    opened = house.say("maintainer", "security", "drill A hole in the plugin")
    assert opened is not None
    assert opened.title.startswith("DRILL: ")
    return house


def elsewhere(house: House) -> list[str]:
    """What was said in any other room than the security room."""
    return [seen.document.title for seen in house.chat.seen if seen.room != house.room("security")]


def test_a_whole_drill_is_played_in_the_security_room_alone(drill_house: House) -> None:
    house = drill_house
    house.open_public()
    case, rooms, before = house.case, set(house.chat.rooms), elsewhere(house)
    releases = house.say("maintainer", "security", "releases")
    for line in (
        f"triage {case} severity=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        f"invite {case} all-packagers",
        f"embargo {case} date in 9 days",
        f"tell {case} We have a fix.",
        f"private-release {case} 1.0.9\n{LINES}",
    ):
        reply = house.say("maintainer", "security", line)
        assert reply is not None
        assert reply.kind != "refusal", reply.title
        assert reply.title.startswith("DRILL: "), reply.title
    house.wait(days=6)
    preview = house.say("maintainer", "security", f"announce {case}")
    assert preview is not None
    house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    assert house.file(case).case.released_at is not None
    house.say("maintainer", "security", f"close {case}")
    house.wait(days=30)
    assert elsewhere(house) == before
    assert set(house.chat.rooms) == rooms
    assert not house.chat.files
    assert not house.host.published
    assert not house.stuck()
    about = [seen.document for seen in house.seen_in("security") if seen.document.case == case]
    assert all("DRILL" in document.title for document in about)
    titles = "\n".join(document.title for document in about)
    for to in ("to debian", "to suse", "to the embargo room", "to every public room"):
        assert f"DRILL, {to}: " in titles
    assert house.say("maintainer", "security", "releases") == releases
    assert house.journal_is_good()


def test_nobody_learns_of_a_drill_who_would_take_part_in_it(drill_house: House) -> None:
    house = drill_house
    case = house.case
    house.say("maintainer", "security", f"triage {case}")
    house.say("maintainer", "security", f"invite {case} debian suse")
    for line in ("show {}", "accept {}", "status {} affected", "timeline {}"):
        told = house.direct("debian", line.format(case))
        unknown = house.direct("debian", line.format("DS-2026-ZZ22"))
        assert told is not None
        assert unknown is not None
        assert told.title.replace(case, "DS-2026-ZZ22") == unknown.title
    cases = house.direct("debian", "cases")
    assert cases is None or case not in cases.model_dump_json()


def test_an_answer_asked_for_elsewhere_comes_to_the_security_room(drill_house: House) -> None:
    house = drill_house
    answer = house.direct("maintainer", f"show {house.case}")
    assert answer is not None
    assert (answer.title, answer.case) == ("DRILL: answered in the security room", None)
    assert house.last("security").document.title.startswith("DRILL, an answer: ")
    (aside,) = house.aside("maintainer", "security", f"show {house.case}")
    assert aside.case is None
    assert not house.stuck()


@pytest.mark.parametrize("kind", ["direct", "public"])
def test_the_gate_refuses_a_drill_anywhere_else(drill_house: House, kind: str) -> None:
    house = drill_house
    house.open_public()
    house.direct("maintainer", "help")
    case, room = house.case, house.room(kind, "maintainer")
    with Session(house.engine) as session:
        place = Book(session).room("matrix", "", room)
        assert place is not None
        row = OutboxRow(
            key="k",
            service="matrix",
            place=place.id,
            conversation="c",
            case=case,
            deed={"t": "post"},
            tlp=int(Tlp.CLEAR),
            made_at=house.clock(),
        )
        assert gate(session, row, house.clock()) == ("refuse", "drill")


@pytest.mark.parametrize("drill_first", [True, False])
def test_a_drill_is_linked_to_no_real_case(drill_house: House, drill_first: bool) -> None:
    house = drill_house
    drill = house.case
    reported(house)
    pair = (drill, house.case) if drill_first else (house.case, drill)
    refused = house.say("maintainer", "security", f"duplicate {pair[0]} {pair[1]} The same.")
    assert refused is not None
    assert refused.title == f"{drill} is a drill; it is linked to no real case"
    assert not any(house.file(case).case.links for case in pair)


def test_one_person_alone_plays_every_part(drill_house: House) -> None:
    house = drill_house
    house.open_public()
    case, before = house.case, elsewhere(house)
    house.say("maintainer", "security", f"triage {case}")
    house.say("maintainer", "security", f"invite {case} debian fedora suse")
    question = next(seen for seen in house.seen_in("security") if seen.document.title.startswith("DRILL, to fedora: "))
    assert [action.label for action in question.document.actions] == ["accept (as fedora)", "decline (as fedora)"]
    house.react("maintainer", question, "✅")
    for line in (
        f"play suse decline {case}",
        f'play fedora embargo {case} date in 20 days reason="A long build."',
        f"embargo {case} accept",
        f"play debian status {case} affected",
        "play fedora status fix-ready",
        f"private-release {case} 1.0.9",
    ):
        reply = house.say("maintainer", "security", line)
        assert reply is not None
        assert reply.kind != "refusal", (line, reply.title)
    preview = house.say("maintainer", "security", f"announce {case}")
    assert preview is not None
    alone = house.say("maintainer", "security", f"confirm {code_in(preview)}")
    assert alone is not None
    assert "needs a second coordinator" in alone.title
    house.say("maintainer", "security", f"play maintainer-2 confirm {code_in(preview)}")
    file = house.file(case)
    assert file.case.released_at is not None
    assert {down.organisation: down.answer for down in file.downstreams.values()} == {
        "Debian": "affected",
        "Fedora": "fix-ready",
        "Suse": None,
    }
    assert elsewhere(house) == before
    assert {entry.who for entry in house.journal(case)} <= {"maintainer", "chatops"}
    assert not house.host.published
    assert house.journal_is_good()


def test_the_reporters_and_a_strangers_part_are_played_too(drill_house: House) -> None:
    house = drill_house
    case, before = house.case, elsewhere(house)
    house.say("maintainer", "security", f"play reporter !dynasched report {case} credit=Bob Also in 0.9.")
    assert house.file(case).case.credit == "Bob"
    house.say("maintainer", "security", f"triage {case}")
    house.say("maintainer", "security", f"tell {case} We look at it.")
    titles = [seen.document.title for seen in house.seen_in("security")]
    reporter = f"reporter-{case[-4:].casefold()}"
    assert f"DRILL: {case}: the reporter adds" in titles
    assert f"DRILL, to {reporter}: {case}: update by maintainer" in titles
    house.say("maintainer", "security", f"play stranger leak {case} https://example.org/1")
    assert f"DRILL: {case}: somebody says that it is public" in [s.document.title for s in house.seen_in("security")]
    assert elsewhere(house) == before
    assert house.cases() == [case]
    assert house.journal_is_good()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("play stranger report It overflows.", "is not somebody's to do"),
        ("play stranger link ABCDEF", "is not somebody's to do"),
        ("play debian accept {real}", "in a drill only"),
        ("play debian contacts list", "contacts is not debian's to do"),
        ("play debian report It overflows.", "is not your own report"),
        ("play maintainer-2 confirm {code}", "in a drill only"),
        ("play maintainer-2 play debian accept {drill}", "play is not"),
        ("play nobodyx accept {drill}", "is called"),
        ("play suse accept {drill}", "accept is not suse's to do"),
    ],
)
def test_no_part_is_played_in_earnest(drill_house: House, line: str, says: str) -> None:
    house = drill_house
    drill = house.case
    real = reported(house)
    house.say("maintainer", "security", f"triage {real} Overflow")
    house.say("maintainer", "security", f"invite {real} debian")
    house.say("maintainer", "security", f"private-release {real} 1.0.1\n{LINES.replace('1.0.9', '1.0.1')}")
    preview = house.say("maintainer", "security", f"announce {real}")
    assert preview is not None
    typed = line.format(real=real, drill=drill, code=code_in(preview))
    would = house.would("maintainer", "security", typed)
    assert [document.kind for _, document in would.answers] == ["refusal"]
    assert says in would.answers[0][1].title, would.answers[0][1].title
    assert (would.journal, would.writes) == ([], 0)
