"""Links from cards to their case's room: for those who may enter it, and for nobody else."""

from __future__ import annotations

from chatops.ports import OpenRoom, TryLater
from tests.house import House, address, code_in, embargoed


def doors(house: House, who: str, where: str, text: str) -> dict[str, str]:
    """The rooms to which the answer to a command leads."""
    house.say(who, where, text)
    return house.last(where, who).post.doors


def test_the_team_and_members_are_led_to_the_room(members_house: House) -> None:
    house, case = members_house, members_house.case
    leads = {case: house.room(case)}
    assert doors(house, "maintainer", "security", f"show {case}") == leads
    assert doors(house, "maintainer", "security", "cases") == leads
    assert doors(house, "maintainer", "direct", "todo") == leads
    assert doors(house, "debian", "direct", f"show {case}") == leads
    assert doors(house, "fedora", "direct", "cases") == leads


def test_in_the_room_itself_nothing_leads_there(members_house: House) -> None:
    house, case = members_house, members_house.case
    assert doors(house, "debian", case, "show") == {}
    assert doors(house, "maintainer", case, "cases") == {}


def test_nobody_else_is_led_anywhere(members_house: House) -> None:
    house, case = members_house, members_house.case
    for who in ("finder", "suse"):  # the reporter, who is no member, and who was asked and has not accepted
        house.direct(who, "cases")
        house.direct(who, "todo")
        house.direct(who, f"report {case} One more thing.")
        assert [seen.document.kind for seen in house.seen_by(who) if seen.post.doors] == []
    house.say("maintainer", "security", f"announce {case} Root for everybody.")
    house.public("passer-by", f"show {case}")
    assert [seen for seen in house.seen_in("public") if seen.post.doors] == []


def test_over_a_whole_disclosure_who_is_led_is_let_in(released_house: House) -> None:
    house, case = released_house, released_house.case
    house.say("maintainer", "security", f"remove {case} fedora")
    assert doors(house, "debian", "direct", f"show {case}") == {case: house.room(case)}
    house.direct("fedora", "cases")
    assert not house.last("direct", "fedora").post.doors, "who was put out is led there no more"
    preview = house.say("maintainer", "security", f"announce {case} Root for everybody.")
    assert preview is not None
    house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    room = house.chat.rooms[house.room(case)]
    led = [seen for seen in house.chat.seen if seen.post.doors]
    assert len(led) > 10
    for seen in led:
        assert set(seen.post.doors.values()) == {room.id}
        assert seen.room != room.id
        assert seen.readers <= {address(name) for name in ("maintainer", "maintainer-2", "debian", "fedora")}


def test_before_there_is_a_room_a_card_leads_nowhere_and_after_it_does(house: House) -> None:
    house.chat.fail = lambda effect: (
        TryLater("503") if isinstance(effect.deed, OpenRoom) and effect.deed.purpose == "embargo" else None
    )
    case = embargoed(house)
    assert house.last("security", kind="case card").post.doors == {}
    house.chat.fail = lambda effect: None
    house.wait(minutes=5)
    assert doors(house, "maintainer", "security", f"show {case}") == {case: house.room(case)}


def test_a_room_that_is_archived_is_no_door_any_more(members_house: House) -> None:
    house, case = members_house, members_house.case
    house.say("maintainer", "security", f"embargo {case} end no need")
    house.chat.archives = True
    house.say("maintainer", "security", f"close {case} nothing came of it")
    assert doors(house, "maintainer", "security", f"show {case}") == {}
