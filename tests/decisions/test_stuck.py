"""What could not be done: told with its code, tried again or given up by command, and never lost meanwhile."""

from __future__ import annotations

from chatops.ports import Effect, Impossible, Invite, Post, Received, Said
from tests.house import House, address, with_members


def _code(house: House) -> str:
    return next(one.key[:8] for one in house.stuck() if one.state in ("dead", "refused"))


def test_what_failed_for_good_is_told_with_its_code_and_tried_again(embargoed_house: House) -> None:
    house = embargoed_house

    def forbidden(effect: Effect) -> Exception | None:
        return Impossible("forbidden") if isinstance(effect.deed, Invite) else None

    house.chat.fail = forbidden
    house.say("maintainer", "security", f"invite {house.case} debian")  # told at once, under standing terms
    code = _code(house)
    alert = house.last("security", kind="fault")
    assert code in alert.text
    assert {action.command for action in alert.document.actions} == {f"stuck retry {code}", f"stuck skip {code}"}
    listed = house.say("maintainer", "security", "stuck")
    assert listed is not None
    assert listed.title == "1 thing is stuck"

    house.chat.fail = lambda effect: None
    house.react("maintainer", alert, "🔁")
    assert address("debian") in house.chat.rooms[house.room(house.case)].members
    empty = house.say("maintainer", "security", "stuck")
    assert empty is not None
    assert empty.title == "Nothing is stuck"
    assert house.journal_is_good()


def test_a_room_that_could_not_be_made_is_made_later_and_hears_all_that_waited() -> None:
    house = House()
    house.direct("finder", "report A crafted name overflows the queue.")

    def full(effect: Effect) -> Exception | None:
        return Impossible("limit") if effect.deed.t == "open-room" else None

    house.chat.fail = full
    house.say(
        "maintainer", "security", f"triage {house.cases()[0]} severity=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    )
    assert not house.has_room(house.case)
    house.chat.fail = lambda effect: None
    house.say("maintainer", "security", f"stuck retry {_code(house)}")
    assert house.has_room(house.case)


def test_giving_up_is_final_and_changes_nothing_else(embargoed_house: House) -> None:
    house = embargoed_house
    house.chat.fail = lambda effect: Impossible("forbidden") if isinstance(effect.deed, Invite) else None
    house.say("maintainer", "security", f"invite {house.case} debian")
    code = _code(house)
    house.say("maintainer", "security", f"stuck skip {code}")
    again = house.say("maintainer", "security", f"stuck retry {code}")
    assert again is not None
    assert "nothing that is stuck" in again.title


def test_what_could_not_be_decided_is_decided_later(embargoed_house: House) -> None:
    house = embargoed_house

    def broken(received: Received) -> Exception | None:
        bad = isinstance(received.event, Said) and "tell" in received.event.text
        return ZeroDivisionError() if bad else None

    house.broken = broken
    house.say("maintainer", "security", f"tell {house.case} A fix is under way.")
    for _ in range(10):
        house.wait(minutes=10)
    (row,) = house.parked()
    house.broken = lambda received: None
    house.say("maintainer", "security", f"stuck retry in{row.id}")
    assert not house.parked()
    assert "A fix is under way." in "".join(seen.text for seen in house.seen_in(house.case))


def test_only_coordinators_know_of_it(embargoed_house: House) -> None:
    answer = embargoed_house.direct("finder", "stuck")
    assert answer is not None
    assert 'I know no "stuck"' in answer.title


def test_who_left_a_room_comes_back_by_accept(house: House) -> None:
    case = with_members(house)
    room = house.room(case)
    house.leave("debian", room)
    assert address("debian") not in house.chat.rooms[room].members
    answer = house.direct("debian", f"accept {case}")
    assert answer is not None
    assert "thank you" in answer.title
    assert address("debian") in house.chat.rooms[room].members
    second = house.direct("debian", f"accept {case}")
    assert second is not None
    assert "a member of" in second.title


def test_help_in_an_unencrypted_chat_shows_what_works_there(embargoed_house: House) -> None:
    house = embargoed_house
    room = house.open_direct("maintainer", encrypted=False)
    answer = house.say("maintainer", room, "help")
    assert answer is not None
    text = str([seen.text for seen in house.seen_in(room)])
    assert "verify" in text
    assert "triage" not in text


def test_posts_still_go_while_something_else_is_stuck(embargoed_house: House) -> None:
    house = embargoed_house
    bad = "please look"
    house.chat.fail = lambda effect: (
        Impossible("too-large") if isinstance(effect.deed, Post) and bad in str(effect.deed.model_dump()) else None
    )
    house.say("maintainer", "security", f"tell {house.case} {bad}")
    house.chat.fail = lambda effect: None
    house.say("maintainer", "security", f"tell {house.case} second word")
    assert "second word" in "".join(seen.text for seen in house.seen_in(house.case))
