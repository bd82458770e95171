"""In encrypted rooms who comes later sees nothing from before: so the bot speaks when there is somebody to hear it."""

from __future__ import annotations

from datetime import timedelta

from chatops.service.outbox import HOLD_ABSENT
from tests.house import House, address


def test_a_question_waits_until_its_reader_has_come_and_goes_at_once_then(embargoed_house: House) -> None:
    house = embargoed_house
    house.chat.shy.add(address("fedora"))
    house.say("maintainer", "security", f"invite {house.case} fedora")
    assert not house.seen_by("fedora")
    (held,) = house.stuck()
    assert held.state == "waiting"

    room = next(room for room in house.chat.rooms.values() if address("fedora") in room.invited)
    before = house.clock.now
    house.join("fedora", room.id)
    assert house.last(room.id).document.kind == "question"
    assert house.clock.now == before


def test_what_waits_for_the_silent_costs_little() -> None:
    assert timedelta(minutes=1) <= HOLD_ABSENT <= timedelta(minutes=10)


def test_the_security_room_is_spoken_to_when_a_coordinator_is_in_it() -> None:
    house = House()
    house.chat.shy |= {address("maintainer"), address("maintainer-2")}
    for name in ("maintainer", "maintainer-2"):
        house.leave(name, "security")
    house.direct("finder", "report A crafted name overflows the queue.")
    assert {seen.document.kind for seen in house.seen_in("security")} <= {"left"}
    house.join("maintainer", "security")
    assert house.last("security").document.kind == "new report"
    assert address("maintainer") in house.last("security").readers


def test_who_comes_into_an_embargo_room_reads_the_terms_once_for_all_who_come(embargoed_house: House) -> None:
    house = embargoed_house
    house.wait(minutes=1)
    before = len(house.seen_in(house.case))
    house.say("maintainer", "security", f"invite {house.case} debian fedora")
    house.react("fedora", house.last("direct", "fedora"), "✅")
    house.wait(minutes=1)
    terms = [seen for seen in house.seen_in(house.case)[before:] if seen.document.kind == "board" and seen.post.pin]
    assert len(terms) == 1
    assert {address("debian"), address("fedora")} <= terms[0].readers
    assert "You may patch your own systems." in terms[0].text


def test_a_case_that_closes_puts_nobody_out_and_lets_nobody_in(embargoed_house: House) -> None:
    house = embargoed_house
    room = house.room(house.case)
    house.say("maintainer", "security", f"embargo {house.case} end It is known.")
    house.say("maintainer", "security", f"close {house.case} Nothing to release.")
    assert house.members(room) == {"maintainer", "maintainer-2"}
    house.say("maintainer", "security", "contacts add third roles=coordinator address=matrix:@third:example.org")
    assert "third" not in house.members(room)


def test_an_alert_rings_for_every_coordinator(released_house: House) -> None:
    house = released_house
    for text in (f"{'ab' * 32}  dynasched-1.0.1.tar.bz2", f"verify {'ab' * 32}  dynasched-1.0.1.tar.bz2"):
        before = len(house.seen_in("security"))
        house.public("crowd", text, bare=not text.startswith("verify"))
        (alarm,) = house.seen_in("security")[before:]
        assert alarm.document.kind == "leak risk"
        assert set(alarm.post.ping) == {address("maintainer"), address("maintainer-2")}
