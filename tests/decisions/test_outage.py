"""A service that takes us no more: the team hears of it by another, what waits is not counted, and all of it goes out
at once when the service takes us again.
"""

from __future__ import annotations

from datetime import timedelta

from chatops.model.people import PlaceKind
from chatops.ports import Effect, TryLater, Working
from tests.house import House, places


def two_services() -> tuple[House, dict[str, str]]:
    house = House(services=("matrix", "slack"))
    house.say("maintainer", "security", "contacts add maintainer-3 roles=coordinator address=slack:U0123ABCD")
    return house, {one.service: str(one.room) for one in places(house) if one.kind == PlaceKind.SECURITY}


def refused(effect: Effect) -> TryLater | None:
    gone = effect.service == "slack"
    return TryLater("token_revoked", timedelta(minutes=10), counts=False) if gone else None


def test_the_team_hears_of_it_on_the_other_service_and_nothing_is_lost_or_said_twice() -> None:
    house, rooms = two_services()
    house.chat.fail = refused
    house.receive("token", Working(problem="token_revoked"), service="slack")
    alarm = [seen for seen in house.chat.seen if seen.document.kind == "outage"]
    assert [seen.room for seen in alarm] == [rooms["matrix"]]
    assert "token_revoked" in alarm[0].document.title
    assert len(alarm[0].post.ping) == 2, "all coordinators who are there"
    house.say("maintainer", rooms["matrix"], "triage An overflow")
    house.wait(days=3)
    waiting = [row for row in house.stuck() if row.service == "slack"]
    assert waiting
    assert {row.attempts - row.spared for row in waiting} == {0}, "none of these tries counts"
    house.chat.fail = lambda effect: None
    house.receive("token", Working(), service="slack")  # the clock stands still
    assert not [row for row in house.stuck() if row.service == "slack"]
    said = [seen.document.title for seen in house.chat.seen if seen.room == rooms["slack"]]
    assert sum("An overflow" in title for title in said) == len({title for title in said if "An overflow" in title})
    assert said[-1] == "Slack takes me again"
    assert house.journal_is_good()


def test_with_one_service_it_is_on_record_and_told_afterwards() -> None:
    house = House()
    house.receive("token", Working(problem="token_revoked"))
    house.receive("token", Working())
    assert [seen.document.title for seen in house.seen_in("security")] == ["Matrix takes me again"]
    assert [entry.what for entry in house.journal()][-2:] == ["service refuses us", "service works again"]


def test_a_service_that_is_not_heard_is_told_of_there_too() -> None:
    house, rooms = two_services()
    house.receive("token", Working(problem="token_revoked", deaf=True), service="slack")
    alarm = [seen for seen in house.chat.seen if seen.document.kind == "outage"]
    assert {seen.room for seen in alarm} == set(rooms.values())
    assert {seen.document.title for seen in alarm} == {
        "Slack does not tell me any more what is said there (token_revoked)"
    }
    house.receive("token", Working(deaf=True), service="slack")
    assert house.chat.seen[-1].document.title == "Slack tells me again what is said there"
    assert [entry.what for entry in house.journal()][-2:] == ["service is not heard", "service is heard again"]
    assert house.journal_is_good()


def test_what_a_service_wants_later_waits_as_long_as_it_said() -> None:
    house, rooms = two_services()
    house.chat.fail = lambda effect: (
        TryLater("ratelimited", timedelta(minutes=5), counts=False) if effect.service == "slack" else None
    )
    house.say("maintainer", rooms["matrix"], "triage An overflow")
    house.chat.fail = lambda effect: None
    house.receive("token", Working(), service="slack")
    assert [row for row in house.stuck() if row.service == "slack" and row.problem == "ratelimited"]
    house.wait(minutes=5)
    assert not [row for row in house.stuck() if row.service == "slack"]
