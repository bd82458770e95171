"""What only its sender sees, as Slack's slash commands: answered beside the conversation, or in the direct chat."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from chatops.commands.registry import collect
from chatops.config import Settings, Store
from chatops.document import Document
from chatops.model.flow import OutboxRow
from chatops.model.people import Place, PlaceKind
from chatops.ports import Asker, Form, OpenRoom, Reacted, Said
from chatops.service.interact import Interactive
from tests.house import House, Room, address, places, with_members

ELSEWHERE = "C0SOMEWHERE"


def titles(documents: list[Document]) -> list[str]:
    return [document.title for document in documents]


def test_anybody_is_answered_beside_the_conversation_wherever_they_are(house: House) -> None:
    before = len(house.chat.seen)
    for where in (ELSEWHERE, "public"):
        (answer,) = house.aside("passer-by", where, "help")
        assert "verify" in str(answer.model_dump())
        assert "triage" not in str(answer.model_dump())
    assert len(house.chat.seen) == before


def test_what_is_private_goes_to_the_direct_chat_and_a_pointer_beside(embargoed_house: House) -> None:
    house = embargoed_house
    for where in (ELSEWHERE, "public"):
        answers = house.aside("maintainer", where, f"show {house.case}")
        assert titles(answers) == ["I answered in our direct chat."]
        seen = house.last("direct", "maintainer")
        assert house.case in seen.document.title
        assert seen.readers == {address("maintainer")}


def test_in_a_room_with_a_role_the_answer_is_for_the_asker_only(embargoed_house: House) -> None:
    house = embargoed_house
    room = house.room(house.case)
    before = len(house.seen_in(room))
    (answer,) = house.aside("maintainer", house.case, "show")
    assert answer.case == house.case
    (listed,) = house.aside("maintainer", "security", "cases")
    assert "open case" in listed.title
    assert len(house.seen_in(room)) == before


SAID_TO_ALL = [
    ("maintainer", "security", "triage Another overflow", "case card"),
    ("maintainer", "security", "own CASE backup=maintainer-2", "case card"),
    ("maintainer", "security", "invite CASE suse", "invitations"),
    ("maintainer", "security", "tell CASE The fix is under review.", "update"),
    ("maintainer", "security", "announce CASE Root for everybody.", "preview"),
    ("debian", "CASE", "status affected", "status"),
    ("debian", "CASE", "embargo date in 40 days reason=slow", "date"),
]


@pytest.mark.parametrize(("who", "where", "text", "kind"), SAID_TO_ALL)
def test_what_a_room_would_have_read_in_answer_it_reads_though_it_was_typed_aside(
    released_house: House, who: str, where: str, text: str, kind: str
) -> None:
    """The second person sees the preview that the first asked for, and members who says what."""
    house = released_house
    where, text = where.replace("CASE", house.case), text.replace("CASE", house.case)
    before = len(house.seen_in(where))
    (answer,) = house.aside(who, where, text)
    assert answer.kind != "refusal", answer.title
    assert [seen.document.kind for seen in house.seen_in(where)[before:]].count(kind) == 1


@pytest.mark.parametrize(("who", "where", "text", "kind"), SAID_TO_ALL)
def test_typed_for_all_to_see_it_is_said_once(
    released_house: House, who: str, where: str, text: str, kind: str
) -> None:
    house = released_house
    where, text = where.replace("CASE", house.case), text.replace("CASE", house.case)
    before = len(house.seen_in(where))
    answer = house.say(who, where, text)
    assert answer is not None
    assert answer.kind != "refusal", answer.title
    assert [seen.document.kind for seen in house.seen_in(where)[before:]].count(kind) <= 1


def test_who_closes_a_case_from_its_room_says_goodbye_to_the_others(members_house: House) -> None:
    house = members_house
    house.chat.archives = True
    house.say("maintainer", "security", f"embargo {house.case} end It is known.")
    room = house.room(house.case)
    house.aside("maintainer", house.case, "close Nothing to release.")
    assert "I say nothing more in this room" in house.last(room).text
    assert house.chat.rooms[room].archived


def test_a_team_on_two_services_reads_on_both_what_was_done_on_one() -> None:
    house = House(services=("matrix", "slack"))
    house.say("maintainer", "security", "contacts add maintainer-3 roles=coordinator address=slack:U0123ABCD")
    rooms = {place.service: str(place.room) for place in places(house) if place.kind == "security"}
    assert rooms.keys() == {"matrix", "slack"}
    house.say("maintainer", rooms["matrix"], "triage An overflow")
    for room in rooms.values():
        assert [seen.document.kind for seen in house.chat.seen if seen.room == room].count("case card") == 1


def test_typed_aside_nothing_is_taken_back_for_nobody_saw_it(embargoed_house: House) -> None:
    house = embargoed_house
    answers = house.aside("finder", "public", "report A second overflow, in the launcher.")
    assert titles(answers) == ["I answered in our direct chat."]
    assert not house.chat.redacted
    assert len(house.cases()) == 2
    assert "launcher" not in str([seen.text for seen in house.seen_in("public")])


def test_a_strangers_report_is_acknowledged(house: House) -> None:
    house.chat.shy.clear()
    answers = house.aside("passer-by", ELSEWHERE, "report The launcher reads past its buffer.")
    assert titles(answers) == ["I answered in our direct chat."]
    assert house.seen_by("passer-by")


def test_a_chat_of_two_by_nature_needs_no_invitation(house: House) -> None:
    room = Room("D0PAIR", "pair", "", members={address("passer-by"), "@bot"})
    house.chat.rooms[room.id] = room
    said = Said(sender=address("passer-by"), room=room.id, event="$1", text="help", pair=True)
    house.receive(room.id, said)
    assert "what you can do here" in house.last(room.id).document.title
    with house.read() as session:
        (place,) = session.exec(select(Place).where(Place.room == room.id)).all()
    assert (place.kind, place.state) == (PlaceKind.DIRECT, "bound")


def test_who_writes_while_the_bot_opens_the_same_chat_gets_all_of_it_there(embargoed_house: House) -> None:
    """Slack has one chat for each two people: opening it, and being written to in it, may come at the same time."""
    house = embargoed_house
    opening: list[str] = []
    room = Room("D0SAME", "pair", "", members={address("fedora"), "@bot"})

    real = house.chat.perform

    def perform(effect: Any) -> Any:
        if isinstance(effect.deed, OpenRoom) and effect.deed.invite == (address("fedora"),):
            house.chat.rooms[room.id] = room
            opening.append(effect.id)
            word = Said(sender=address("fedora"), room=room.id, event="$9", text="hello", pair=True)
            house._put(room.id, word)  # it is decided before the outcome is
            from chatops.ports import Receipt

            return Receipt(data={"room": room.id})
        return real(effect)

    house.chat.perform = perform  # type: ignore[method-assign]
    house.say("maintainer", "security", f"invite {house.case} fedora")
    assert opening
    assert "question" in [seen.document.kind for seen in house.seen_in(room.id)]
    with house.read() as session:
        open_ = session.exec(select(Place).where(Place.room == room.id, Place.state != "closed")).all()
        waiting = session.exec(select(OutboxRow).where(col(OutboxRow.state) == "waiting")).all()
    assert len(open_) == 1
    assert not [row for row in waiting if row.kind == "question"]


def test_a_button_says_its_command_and_answers_its_presser(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"invite {house.case} fedora")
    asked = house.last("direct", "fedora")
    pressed = Reacted(sender=address("fedora"), room=asked.room, target=asked.event, command=f"accept {house.case}")
    house.receive(asked.room, pressed)
    assert address("fedora") in house.chat.rooms[house.room(house.case)].members


def test_fields_of_a_form_are_read_as_they_are(embargoed_house: House) -> None:
    house = embargoed_house
    fields = {"title": 'He said "x=1" and\nleft', "versions": "1.0 to 1.2", "mitigation": "Turn it off.\nThen wait."}
    house.aside("maintainer", "security", f"triage {house.case}", fields=fields)
    case = house.file(house.case).case
    assert case.title == 'He said "x=1" and left'
    assert case.mitigation == "Turn it off.\nThen wait."
    assert case.versions == "1.0 to 1.2"


# --- while somebody types ------------------------------------------------------------------------------------------


class Typing:
    """Interaction replies about what a house knows."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._interactive = Interactive(Settings(), frozenset({"matrix"}), lambda: house.clock.now)
        self._interactive._engine = house.engine

    def _asker(self, who: str, where: str) -> Asker:
        room = self._house.room(where, who) if where != ELSEWHERE else where
        return Asker(service="matrix", tenant="", user=address(who), room=room)

    def form(self, who: str, where: str, line: str) -> Form | None:
        async def ask() -> Form | None:
            return self._interactive._at_desk(self._asker(who, where), lambda desk: _form(desk, line))

        return asyncio.run(ask())

    def check(self, who: str, where: str, line: str, values: dict[str, str]) -> dict[str, str]:
        return self._interactive._at_desk(self._asker(who, where), lambda desk: _wrong(desk, line, values))

    def home(self, who: str) -> tuple[Document, ...]:
        asker = Asker(service="matrix", tenant="", user=address(who))
        shown = self._interactive._at_desk(asker, partial(self._interactive._home, "matrix"))
        return tuple(post.document for post in shown)


def _form(desk: Any, line: str) -> Form | None:
    from chatops.service.forms import form_for

    return form_for(collect(), desk, line)


def _wrong(desk: Any, line: str, values: dict[str, str]) -> dict[str, str]:
    from chatops.service.forms import wrong

    return wrong(collect(), desk, line, values)


def test_a_form_asks_for_what_it_is_about_and_nothing_else(embargoed_house: House) -> None:
    typing = Typing(embargoed_house)

    def asked(who: str, where: str, line: str) -> list[tuple[str, str]]:
        form = typing.form(who, where, line)
        assert form is not None
        return [(field.label, field.hint) for field in form.fields]

    assert asked("maintainer", "security", f"embargo {embargoed_house.case} end") == [("Why it ends", "")]
    found, credit, *more = asked("passer-by", ELSEWHERE, "report")
    assert found == ("What you found", "Versions, how to see it, what it lets one do")
    assert credit == ("Credit", "How to credit you; none, if left out")
    assert "Refer" not in dict(more)  # is for when we ask
    assert "Dry run" not in dict(asked("maintainer", "security", "contacts add"))


def test_a_command_that_needs_more_than_a_line_opens_a_form(embargoed_house: House) -> None:
    house = embargoed_house
    typing = Typing(house)
    report = typing.form("passer-by", ELSEWHERE, "/dynasched report")
    assert report is not None
    assert [field.name for field in report.fields][:2] == ["text", "credit"]
    assert report.line == "report"
    assert {field.name: field.shape for field in report.fields}["process"] == "text"  # its own words, and not in a line
    triage = typing.form("maintainer", "security", f"triage {house.case}")
    assert triage is not None
    assert triage.line == f"triage {house.case}"
    assert {field.name: field.value for field in triage.fields}["title"] == "Job queue overflow"
    add = typing.form("maintainer", "security", "contacts add")
    assert add is not None
    assert "action" not in [field.name for field in add.fields]
    assert typing.form("maintainer", house.case, "embargo date") is not None
    for enough in ("help", f"show {house.case}", "contacts", "report it is broken", f"triage {house.case} x", ""):
        assert typing.form("maintainer", "security", enough) is None


def test_who_may_not_do_it_sees_no_form(embargoed_house: House) -> None:
    house = embargoed_house
    typing = Typing(house)
    for line in ("triage", f"triage {house.case}", "triage DS-2026-ZZZZ", "contacts add", f"tell {house.case}"):
        assert typing.form("passer-by", ELSEWHERE, line) is None


def test_what_is_wrong_stands_at_its_field_and_nothing_has_changed(embargoed_house: House) -> None:
    house = embargoed_house
    typing = Typing(house)
    before = house.state()
    line = f"triage {house.case}"
    assert typing.check("maintainer", "security", line, {"title": "", "severity": "high"}).keys() == {"severity"}
    assert typing.check("maintainer", "security", line, {"title": "x", "cve": "CVE-1"}).keys() == {"cve"}
    assert typing.check("maintainer", "security", line, {"title": "x", "cve": "CVE-2026-12345"}) == {}
    nowhere = {"name": "arch", "roles": "packager", "address": ""}
    assert typing.check("maintainer", "security", "contacts add", nowhere).keys() == {"address"}
    roles = {"name": "arch", "roles": "packagr", "zone": "", "address": "matrix:@arch:x.org"}
    assert typing.check("maintainer", "security", "contacts add", roles).keys() == {"roles"}
    zone = {"name": "arch", "roles": "packager", "zone": "Europe/Berln", "address": "matrix:@arch:x.org"}
    assert typing.check("maintainer", "security", "contacts add", zone).keys() == {"zone"}
    assert typing.check("passer-by", ELSEWHERE, "contacts add", zone)
    assert house.state() == before


def test_home_shows_what_waits_for_its_reader_and_nothing_else(house: House) -> None:
    case = with_members(house)
    typing = Typing(house)
    coordinator = [document.kind for document in typing.home("maintainer")]
    assert coordinator == ["todo", "cases", "releases"]
    member = typing.home("debian")
    assert [document.kind for document in member] == ["todo", "cases", "releases"]
    assert f"status {case}" in str(member[0].model_dump())
    stranger = typing.home("passer-by")
    assert [document.kind for document in stranger] == ["releases"]
    assert case not in str([document.model_dump() for document in stranger])


def test_todo_names_what_is_owed_until_it_is_done(house: House) -> None:
    case = with_members(house)
    house.say("maintainer", "security", f"invite {case} suse")
    asked = house.direct("suse", "todo")
    assert asked is not None
    assert f"accept {case}" in str(asked.model_dump())
    house.direct("debian", f"status {case} affected")
    done = house.direct("debian", "todo")
    assert done is not None
    assert done.title == "Nothing waits for you"
    assert house.direct("passer-by", "todo") is not None
    house.direct("finder", "report Another one.")
    owner = house.say("maintainer", "security", "todo")
    assert owner is not None
    assert "nobody owns it" in str(owner.model_dump())


async def test_it_reads_the_bots_own_database(tmp_path: Path) -> None:
    from chatops.service import schema

    settings = Settings(store=Store(folder=tmp_path))
    schema.upgrade(settings.store.database)
    interactive = Interactive(settings, frozenset({"slack"}), lambda: datetime.now(UTC))
    asker = Asker(service="slack", tenant="", user="U0PASSERBY", room=ELSEWHERE)
    form = await interactive.form(asker, "report")
    assert form is not None
    assert (await interactive.check(asker, form.line, {"text": ""})).keys() == {"text"}
    assert (await interactive.check(asker, form.line, {"text": "It breaks."})) == {}
    assert [post.document.kind for post in await interactive.home(asker)] == ["releases"]


def test_forms_and_previews_do_not_mix() -> None:
    """What two people confirm is kept as a line."""
    forms = [command for command in collect().values() if command.form]
    assert forms
    for command in forms:
        assert command.preview is None
        assert all(line.split()[0] == command.verb for line in command.form)
