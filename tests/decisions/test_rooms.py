"""Rooms, and who is in them: what is said there waits until nobody is there who should not be."""

from __future__ import annotations

import pytest

from chatops.document import Tlp
from chatops.model.people import PlaceKind
from chatops.ports import Effect, Impossible, Invite, Leave, Member, Post, Remove, Replaced, Retire, TryLater
from tests.house import BOT, House, Room, address, places, reported


def test_an_intruder_is_put_out_and_posts_wait_until_they_are_gone(members_house: House) -> None:
    house = members_house
    case = house.case
    house.chat.fail = lambda effect: TryLater("slow") if isinstance(effect.deed, Remove) else None
    house.join("crook", case, by="fedora")
    house.say("maintainer", "security", f"tell {case} Not for crooks.")
    assert not any("Not for crooks." in seen.text for seen in house.seen_in(case))
    alarm = house.last("security", kind="intruder")
    assert alarm.document.title.startswith("somebody unknown, let in by fedora, does not belong in the embargo room")
    house.chat.fail = lambda effect: None
    house.wait(minutes=2)
    assert "crook" not in house.members(case)
    assert any("Not for crooks." in seen.text for seen in house.seen_in(case))
    assert not any("Not for crooks." in seen.text for seen in house.seen_by("crook"))
    assert house.journal_is_good()


def test_who_is_only_invited_by_a_member_holds_the_room_too(members_house: House) -> None:
    house = members_house
    house.chat.shy.add(address("crook"))
    house.chat.fail = lambda effect: TryLater("slow") if isinstance(effect.deed, Remove) else None
    house.chat.invite(house.chat.rooms[house.room(house.case)], address("crook"), by=address("fedora"))
    house.run()
    before = len(house.seen_in(house.case))
    house.say("maintainer", "security", f"tell {house.case} Not for crooks.")
    assert len(house.seen_in(house.case)) == before
    house.chat.fail = lambda effect: None
    house.wait(minutes=2)
    assert len(house.seen_in(house.case)) > before


def test_somebody_of_the_roster_without_a_part_is_an_intruder_too(embargoed_house: House) -> None:
    house = embargoed_house
    house.join("suse", house.case)
    assert "suse" not in house.members(house.case)
    assert house.last("security", kind="intruder").document.title.startswith("suse, who came by themselves")
    house.join("debian", "security")
    assert "debian" not in house.members("security")


def test_who_leaves_and_comes_back_is_still_a_member(members_house: House) -> None:
    house = members_house
    house.leave("fedora", house.case)
    assert "fedora" not in house.members(house.case)  # not asked back of our own accord
    house.join("fedora", house.case)
    assert "fedora" in house.members(house.case)


def test_a_third_person_ends_a_direct_chat_and_the_next_word_comes_in_a_new_one(members_house: House) -> None:
    house = members_house
    room = house.room("direct", "fedora")
    house.join("crook", room)
    assert BOT not in house.chat.rooms[room].members
    place = next(place for place in places(house) if place.room == room)
    assert place.state == "closed"
    assert any(isinstance(effect.deed, Leave) for effect in house.chat.done)
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    question = house.seen_by("fedora")[-1]
    assert question.document.kind == "question"
    assert question.room != room
    assert not [seen for seen in house.seen_by("crook") if seen.document.case]


def test_a_two_person_chat_with_three_in_it_is_left_again(house: House) -> None:
    room = house.open_direct("finder", also=("crook",))
    assert BOT not in house.chat.rooms[room].members
    assert all(place.state == "closed" for place in places(house) if place.room == room)


def test_the_bot_follows_coordinators_only(house: House) -> None:
    room = house.open_public(by="debian")
    assert BOT not in house.chat.rooms[room].members
    assert not [place for place in places(house) if place.room == room]
    room = house.open_public(by="maintainer")
    assert BOT in house.chat.rooms[room].members
    place = next(place for place in places(house) if place.room == room)
    assert (place.kind, place.clearance) == (PlaceKind.PUBLIC, Tlp.CLEAR)


def replaced(house: House, where: str, by: str, who: str | None = None) -> tuple[str, str]:
    old = house.room(where, who)
    successor = Room(house.chat.fresh("!next"), "next", "", members={address(by)})
    house.chat.rooms[successor.id] = successor
    house.receive(old, Replaced(room=old, by=address(by), successor=successor.id))
    return old, successor.id


def test_the_bot_follows_a_coordinator_from_a_public_room_into_its_successor(house: House) -> None:
    old, successor = replaced(house, "public", "maintainer")
    assert BOT not in house.chat.rooms[old].members
    assert BOT in house.chat.rooms[successor].members
    states = {place.room: (place.state, place.kind, place.clearance) for place in places(house)}
    assert states[old][0] == "closed"
    assert states[successor] == ("bound", PlaceKind.PUBLIC, Tlp.CLEAR)
    house.receive(old, Replaced(room=old, by=address("maintainer"), successor=successor))
    assert len([place for place in places(house) if place.room == successor]) == 1
    assert house.journal_is_good()


@pytest.mark.parametrize("by", ["debian", "crook"])
def test_the_bot_follows_nobody_else_there(house: House, by: str) -> None:
    old, successor = replaced(house, "public", by)
    assert BOT not in house.chat.rooms[old].members | house.chat.rooms[successor].members
    assert not [place for place in places(house) if place.room == successor]
    name = by if by == "debian" else "somebody"
    assert house.last("security", kind="left").document.title == f"{name} replaced a public room; I left it"


@pytest.mark.parametrize("kind", ["embargo", "security"])
def test_a_private_room_that_was_replaced_is_made_anew_and_not_followed(members_house: House, kind: str) -> None:
    house = members_house
    where = house.case if kind == "embargo" else "security"
    before = house.members(where)
    old, successor = replaced(house, where, "maintainer")
    assert BOT not in house.chat.rooms[old].members | house.chat.rooms[successor].members
    assert house.room(where) not in (old, successor)
    assert house.members(where) == before
    told = [seen for seen in house.seen_in("security") if seen.document.kind == "left"]
    assert [seen.document.title for seen in told] == [f"maintainer replaced the {kind} room; I left it"]
    house.say("maintainer-2", "security", f"tell {house.case} Not for everybody.")
    assert any("Not for everybody." in seen.text for seen in house.seen_in(house.case))
    assert not [seen for seen in house.chat.seen if seen.room == successor]
    assert house.journal_is_good()


def test_a_direct_chat_that_was_replaced_is_not_followed(members_house: House) -> None:
    house = members_house
    old, successor = replaced(house, "direct", "fedora", "fedora")
    assert BOT not in house.chat.rooms[old].members | house.chat.rooms[successor].members
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    assert house.seen_by("fedora")[-1].room not in (old, successor)


def closing(house: House) -> str:
    """The room of a case whose embargo has ended."""
    house.chat.archives = True
    house.say("maintainer", "security", f"embargo {house.case} end It is known.")
    return house.room(house.case)


def test_the_room_of_a_closed_case_is_archived_after_all_that_was_to_be_said_there(members_house: House) -> None:
    house = members_house
    room = closing(house)
    house.chat.fail = lambda effect: TryLater("slow") if effect.room == room and isinstance(effect.deed, Post) else None
    house.say("maintainer", "security", f"close {house.case} Nothing to release.")
    house.wait(minutes=1)
    assert not house.chat.rooms[room].archived
    (retire,) = (row for row in house.stuck() if row.kind == "retire")
    assert (retire.state, retire.attempts, retire.not_before) == ("waiting", 0, None), "nobody asks meanwhile"
    house.chat.fail = lambda effect: None
    house.wait(minutes=5)
    assert house.chat.rooms[room].archived
    assert house.last(room).text.startswith(f"{house.case}: closed")
    assert [place.state for place in places(house) if place.room == room] == ["closed"]
    house.say("maintainer", "security", f"show {house.case}")
    assert not [seen for seen in house.seen_in("security") if seen.document.kind in ("left", "fault")]
    assert house.journal_is_good()


def test_where_nothing_is_archived_the_room_of_a_closed_case_stays(members_house: House) -> None:
    house = members_house
    room = closing(house)
    house.chat.archives = False
    house.say("maintainer", "security", f"close {house.case} Nothing to release.")
    house.wait(minutes=1)
    assert [place.state for place in places(house) if place.room == room] == ["bound"]


def test_a_person_who_archives_the_room_of_a_closed_case_alarms_nobody(members_house: House) -> None:
    house = members_house
    room = closing(house)
    house.chat.fail = lambda effect: TryLater("slow") if isinstance(effect.deed, Retire) else None
    house.say("maintainer", "security", f"close {house.case} Nothing to release.")
    house.receive(room, Member(room=room, who=BOT, by=address("maintainer"), now="leave", own=True))
    assert [place.state for place in places(house) if place.room == room] == ["closed"]
    assert not [seen for seen in house.seen_in("security") if seen.document.kind == "left"]


def test_who_left_or_was_put_out_is_told_of_as_what_is_known(members_house: House) -> None:
    house = members_house
    room = house.room(house.case)
    house.receive(room, Member(room=room, who=address("fedora"), by=None, now="leave"))
    left = house.last("security", kind="left")
    assert left.document.title == "fedora is no longer in the embargo room"
    assert "They left, or somebody put them out" in left.text
    assert f"invite {house.case} fedora" in left.text


def test_being_put_out_is_told_once_though_slack_says_it_twice(members_house: House) -> None:
    house = members_house
    room = house.room(house.case)
    for _ in ("member_left_channel", "group_left"):
        house.receive(room, Member(room=room, who=BOT, by=BOT, now="leave", own=True))
    told = [seen for seen in house.seen_in("security") if seen.document.kind == "left"]
    assert [seen.document.title for seen in told] == ["I was put out of the embargo room"]


def test_in_a_room_that_the_bot_was_never_asked_into_it_says_nothing(house: House) -> None:
    house.chat.rooms["!elsewhere"] = Room("!elsewhere", "elsewhere", "", members={address("maintainer")})
    assert house.say("maintainer", "!elsewhere", "help") is None


def test_a_message_that_may_not_be_read_there_is_refused_recorded_and_told(members_house: House) -> None:
    """The gate asks again before every attempt, frozen payloads included."""
    house = members_house
    case = house.case

    def slow(effect: Effect) -> Exception | None:
        late = isinstance(effect.deed, Post) and effect.room == house.room("direct", "debian")
        return TryLater("slow") if late else None

    house.chat.fail = slow
    house.say("maintainer", "security", f"remove {case} debian")
    house.say("maintainer", "security", f"invite {case} debian tell=now")
    house.say("maintainer", "security", f"remove {case} debian")
    house.chat.fail = lambda effect: None
    before = len(house.seen_by("debian"))
    house.wait(minutes=30)
    assert not [seen for seen in house.seen_by("debian")[before:] if seen.document.kind == "notice"]
    fault = house.last("security", kind="fault")
    assert "its reader is not cleared for the case" in fault.text
    assert any(entry.what == "message refused" for entry in house.journal(case))
    assert [row.problem for row in house.stuck() if row.state == "refused"] == ["not-cleared"]


def test_what_fails_for_good_is_told_and_lets_those_behind_it_pass(members_house: House) -> None:
    from chatops.ports import Impossible

    house = members_house
    room = house.room(house.case)
    house.chat.fail = lambda effect: (
        Impossible("too-large") if isinstance(effect.deed, Post) and "first" in effect.deed.model_dump_json() else None
    )
    house.say("maintainer", "security", f"tell {house.case} the first one")
    house.say("maintainer", "security", f"tell {house.case} the second one")
    texts = [seen.text for seen in house.seen_in(room)]
    assert any("the second one" in text for text in texts)
    assert not any("the first one" in text for text in texts)
    assert "too-large" in house.last("security", kind="fault").text


def test_an_alert_that_cannot_be_shown_raises_no_other(house: House) -> None:
    from chatops.ports import Impossible

    room = house.room("security")
    house.broken = lambda received: RuntimeError("pretended") if received.service == "shell" else None
    house.chat.fail = lambda effect: Impossible("forbidden") if effect.room == room else None
    house.shell("maintainer", "help")
    house.wait(minutes=5)
    dead = [row for row in house.stuck() if row.state == "dead"]
    assert len(dead) == 1


def test_an_answer_that_is_not_for_everybody_here_comes_in_private(house: House) -> None:
    house.room("public")
    assert house.public("finder", "report A crafted job name overflows the queue.") is None
    receipt = house.seen_by("finder")[-1]
    assert receipt.document.kind == "receipt"
    assert receipt.readers == {address("finder")}


def test_room_names_and_topics_bear_the_case_number_only(members_house: House) -> None:
    house = members_house
    room = house.chat.rooms[house.room(house.case)]
    assert room.name == f"DynaSched {house.case}"
    assert "overflow" not in room.topic


def test_messages_of_embargo_rooms_notify_discreetly(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"tell {house.case} Something.")
    assert all(seen.post.discreet for seen in house.seen_in(house.case))
    assert not house.last("direct", "finder").post.discreet


def test_a_second_report_by_the_same_person_goes_on_in_the_same_chat(house: House) -> None:
    reported(house)
    room = house.room("direct", "finder")
    reported(house, "Another thing.")
    assert house.room("direct", "finder") == room
    names = {house.file(case).name(house.file(case).case.reporter) for case in house.cases()}
    assert len(names) == 1


def test_an_account_that_is_theirs_no_longer_leaves_the_rooms_and_hears_nothing_more(members_house: House) -> None:
    house = members_house
    told = f"contacts change fedora address=matrix:{address('fedora-new')}"
    house.say("maintainer", "security", told)
    assert "fedora" not in house.members(house.case)
    assert "fedora-new" in house.members(house.case)
    before = len(house.seen_by("fedora"))
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    assert len(house.seen_by("fedora")) == before
    assert house.last("direct", "fedora-new").document.kind == "question"
    assert house.journal_is_good()


def test_a_coordinators_old_account_leaves_the_security_room(house: House) -> None:
    house.say("maintainer", "security", f"contacts add third roles=coordinator address=matrix:{address('third')}")
    house.say("maintainer", "security", f"contacts change third address=matrix:{address('third-new')}")
    assert house.members("security") == {"maintainer", "maintainer-2", "third-new"}


def test_a_strangers_report_costs_the_same_however_many_cases_there_are(members_house: House) -> None:
    house = members_house

    def looked(who: str) -> int:
        statements: list[str] = []
        house.direct(who, "help")
        with house.watching(statements):
            reported(house, "Another thing.", who=who)
        return len(statements)

    few = looked("second")
    for number in range(4):
        house.say("maintainer", "security", f"triage Matter {number}")
    assert looked("third") == few


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("user_not_found", "they are not in this workspace"),
        ("ura_max_channels", "they are a guest"),
        ("not_paid", "whose plan has no Slack Connect"),
        ("restricted_action", "lets its administrators only use Slack Connect"),
        ("member_limit_exceeded", "takes no more people by Slack Connect"),
    ],
)
def test_who_cannot_be_put_into_a_channel_is_told_of_in_words_with_what_to_do(
    embargoed_house: House, code: str, why: str
) -> None:
    house = embargoed_house
    house.chat.fail = lambda effect: Impossible(code) if isinstance(effect.deed, Invite) else None
    house.say("maintainer", "security", f"invite {house.case} debian")
    text = house.last("security", kind="fault").text
    assert why in text
    assert code not in text
    assert "contacts change debian address=matrix:@NAME:SERVER" in text
    assert "Slack Connect" in text
    assert "debian" not in house.members(house.case)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("is_archived", "somebody archived the channel"),
        ("channel_not_found", "the channel is gone"),
        ("not_in_channel", "I am not in the channel any more"),
        ("not-private", "everybody in the workspace can read"),
        ("missing_scope:chat:write", "the app lacks a permission"),
        ("outcome-unknown", "look before it is tried again"),
    ],
)
def test_what_slack_refuses_to_say_is_told_in_words_and_can_be_tried_again(
    members_house: House, code: str, why: str
) -> None:
    house = members_house
    room = house.room(house.case)
    house.chat.fail = lambda effect: Impossible(code) if effect.room == room and isinstance(effect.deed, Post) else None
    house.say("maintainer", "security", f"tell {house.case} The fix is under review.")
    text = house.last("security", kind="fault").text
    assert why in text
    assert f"Case: {house.case}" in text
    assert "under review" not in text, "an alert names what failed, not what it said"
    house.chat.fail = lambda effect: None
    for stuck in house.stuck():
        house.say("maintainer", "security", f"stuck retry {stuck.key[:8]}")
    assert sum("The fix is under review." in seen.text for seen in house.seen_in(room)) == 1


@pytest.mark.parametrize(("deed", "what"), [(Remove, "remove"), (Retire, "retire")])
def test_what_a_workspace_leaves_to_its_administrators_is_said(
    members_house: House, deed: type[Remove] | type[Retire], what: str
) -> None:
    house = members_house
    house.chat.archives = True
    house.chat.fail = lambda effect: Impossible("restricted_action") if isinstance(effect.deed, deed) else None
    if deed is Remove:
        house.say("maintainer", "security", f"remove {house.case} fedora")
    else:
        house.say("maintainer", "security", f"embargo {house.case} end It is known.")
        house.say("maintainer", "security", f"close {house.case} Nothing to release.")
    text = house.last("security", kind="fault").text
    assert f"What: {what}" in text
    assert "the workspace allows its administrators only to do that" in text


def test_who_has_to_accept_an_invitation_from_outside_is_told_of_and_let_in_then(
    embargoed_house: House,
) -> None:
    house = embargoed_house
    house.chat.shy.add(address("debian"))
    house.chat.pending.add(address("debian"))
    house.say("maintainer", "security", f"invite {house.case} debian")
    told = house.last("security", kind="invitation")
    assert told.document.title == "debian is invited by Slack Connect, as they are outside the workspace"
    assert "debian" not in house.members(house.case)
    room = house.room(house.case)
    house.receive(room, Member(room=room, who=address("debian"), by=address("debian"), now="join"))
    assert not [seen for seen in house.seen_in("security") if seen.document.kind in ("intruder", "fault")]
    assert house.journal_is_good()


def test_who_is_not_let_in_is_tried_again_at_another_address_only(embargoed_house: House) -> None:
    house = embargoed_house
    gone = address("debian")
    house.chat.fail = lambda effect: (
        Impossible("user_not_found") if isinstance(effect.deed, Invite) and effect.deed.user == gone else None
    )
    house.say("maintainer", "security", f"invite {house.case} debian")
    house.say("maintainer", "security", f"invite {house.case} fedora")
    house.direct("fedora", f"accept {house.case}")
    alerts = [seen for seen in house.seen_in("security") if "Slack Connect" in seen.text]
    assert len(alerts) == 1
    assert house.members(house.case) == {"maintainer", "maintainer-2", "fedora"}
    house.say("maintainer", "security", f"contacts change debian address=matrix:{address('debian-new')}")
    assert "debian-new" in house.members(house.case)
