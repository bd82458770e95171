"""The pinned board of an embargo room: kept up to date in place, and said afresh to who cannot read what was before."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from chatops.document import Tlp
from chatops.model.people import Place
from chatops.ports import TryLater
from tests.house import House, Seen, address


def boards(house: House) -> list[Seen]:
    return [seen for seen in house.seen_in(house.case) if seen.document.kind == "board"]


def settled(house: House) -> House:
    house.wait(seconds=10)  # those who came in a few seconds get one board
    return house


def test_whoever_comes_into_an_embargo_room_is_told_the_terms(members_house: House) -> None:
    board = boards(settled(members_house))[-1]
    assert board.document.tlp == Tlp.AMBER_STRICT
    assert board.post.pin
    assert "You may patch your own systems" in board.text
    assert "fedora" in board.text
    assert address("fedora") in board.post.ping, "they owe a status"


@pytest.mark.parametrize(
    "line",
    ["status affected", "embargo date in 40 days reason=slow", "object too late"],
)
def test_what_changes_it_is_shown_by_an_edit_in_place(members_house: House, line: str) -> None:
    house = settled(members_house)
    if line.startswith("object"):
        house.say("debian", house.case, "embargo date in 40 days reason=slow")
    before = boards(house)
    said = house.say("fedora", house.case, line)
    assert said is not None
    assert said.kind != "refusal", said.title
    after = boards(house)
    assert len(after) == len(before) + 1
    assert after[-1].event == before[-1].event
    assert after[-1].text != before[-1].text
    assert [seen.document.kind for seen in house.seen_in(house.case) if seen.post.pin] == ["board"]


def test_what_changes_nothing_on_it_edits_nothing(members_house: House) -> None:
    house = settled(members_house)
    before = len(boards(house))
    house.say("maintainer", "security", f"tell {house.case} Something.")
    assert len(boards(house)) == before


def test_changes_while_nothing_can_be_sent_become_one_edit(members_house: House) -> None:
    house = settled(members_house)
    before = len(boards(house))
    house.chat.fail = lambda effect: TryLater("down") if effect.room == house.room(house.case) else None
    house.direct("fedora", f"status {house.case} investigating")
    house.direct("fedora", f"status {house.case} affected")
    house.direct("fedora", f"status {house.case} fix-ready")
    house.chat.fail = lambda effect: None
    for _ in range(8):
        house.wait(minutes=2)
    new = boards(house)[before:]
    assert len(new) == 1
    assert "fix ready" in new[-1].text


def test_who_comes_later_gets_board_and_release_afresh(released_house: House) -> None:
    house = settled(released_house)
    old = boards(house)[-1]
    files = len(house.chat.files)
    house.direct("suse", f"accept {house.case}")
    settled(house)
    seen = [one for one in house.seen_in(house.case) if address("suse") in one.readers]
    board = next(one for one in reversed(boards(house)) if one.post.pin)
    assert board.event != old.event
    assert "suse" in board.text
    assert any(one.document.kind == "private release" for one in seen)
    assert len(house.chat.files) > files
    assert "further down" in [one for one in boards(house) if one.event == old.event][-1].text
    house.direct("suse", f"status {house.case} affected")
    assert boards(house)[-1].event == board.event


def test_where_the_past_is_shown_the_board_says_so_and_nothing_is_said_twice(released_house: House) -> None:
    house = released_house
    with house.read() as session:
        session.execute(update(Place).where(Place.kind == "embargo").values(shows_past=True))  # type: ignore[arg-type]
        session.commit()
    settled(house)
    files, releases = len(house.chat.files), len([s for s in house.seen_in(house.case) if "release" in s.document.kind])
    house.direct("suse", f"accept {house.case}")
    settled(house)
    assert len({seen.event for seen in boards(house)}) == 1
    assert "what was said before" in boards(house)[-1].text
    assert "suse" in boards(house)[-1].text
    assert len(house.chat.files) == files
    assert len([s for s in house.seen_in(house.case) if "release" in s.document.kind]) == releases
