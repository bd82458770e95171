"""The timeline in words and as a picture: who gets it, where, and what is not in it."""

from __future__ import annotations

import base64

from sqlmodel import Session, select

from chatops.model.flow import OutboxRow
from chatops.ports import Upload
from tests.house import House

PNG = b"\x89PNG\r\n\x1a\n"


def test_the_decision_leaves_the_drawing_to_the_sender(members_house: House) -> None:
    """It takes longer than all the rest, and every other decision waits meanwhile."""
    house = members_house
    house.say("maintainer", "security", f"timeline {house.case}")
    with Session(house.engine) as session:
        rows = session.exec(select(OutboxRow)).all()
    (deed,) = [row.deed for row in rows if row.deed["t"] == "upload"]
    assert deed["data"] is None
    assert deed["picture"]["marks"]


def files(house: House, where: str, who: str | None = None) -> list[Upload]:
    return [upload for room, upload, _ in house.chat.files if room == house.room(where, who)]


def test_a_timeline_comes_with_a_picture_named_by_the_case_only(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"timeline {house.case}")
    (picture,) = files(house, "security")
    assert picture.name == f"{house.case}-timeline.png"
    assert base64.b64decode(picture.data or "").startswith(PNG)
    house.say("maintainer", "security", f"timeline {house.case}")
    first, again = files(house, "security")
    assert first == again


def test_a_member_gets_a_picture_of_what_they_may_know(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"team {house.case} add expert")
    house.say("maintainer", "security", f"timeline {house.case}")
    house.direct("debian", f"timeline {house.case}")
    house.say("debian", house.case, "timeline")
    (inside,) = files(house, "security")
    assert [one.sha256 for one in files(house, "direct", "debian")] == [one.sha256 for one in files(house, house.case)]
    assert inside.sha256 != files(house, house.case)[0].sha256  # an expert who was added is the team's own business


def test_who_is_not_in_the_case_gets_neither(members_house: House) -> None:
    house = members_house
    house.direct("suse", f"timeline {house.case}")
    house.direct("finder", f"timeline {house.case}")
    assert not house.chat.files


def test_a_picture_asked_for_where_only_the_asker_sees_the_answer_comes_to_their_chat(members_house: House) -> None:
    house = members_house
    (answer,) = house.aside("maintainer", "security", f"timeline {house.case}")
    assert answer.kind == "timeline"
    assert not files(house, "security")
    assert len(files(house, "direct", "maintainer")) == 1


def test_a_shell_gets_the_words(members_house: House) -> None:
    house = members_house
    answer = house.shell("maintainer", f"timeline {house.case}")
    assert answer is not None
    assert answer.kind == "timeline"
    assert not house.chat.files
    assert not house.stuck()
