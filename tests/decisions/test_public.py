"""What is typed where everybody reads it, by strangers, unencrypted, too often; and what goes wrong on our side."""

from __future__ import annotations

import pytest

from chatops.document import Document
from chatops.ports import Reacted, Received, Said, Unreadable
from tests.house import REPORT, House, address, embargoed


def private_word(house: House, who: str, before: int) -> Document:
    """What somebody alone was told since."""
    mine = [seen for seen in house.chat.seen[before:] if seen.readers == {address(who)}]
    assert mine
    return mine[-1].document


# --- typed in public -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "report {text}",
        "reprot {text}",
        "report DS-2026-ZZ22 {text}",
        "report disclose=someday {text}",
    ],
)
def test_a_report_in_public_is_taken_back_and_the_team_hears_of_it(house: House, text: str) -> None:
    house.room("public")
    assert "overflow" not in str(house.public("finder", text.format(text=REPORT)))
    assert len(house.chat.redacted) == 1
    assert house.last("security", kind="leak risk").document.title == "somebody typed report in a public room"
    assert not any(REPORT in seen.text for seen in house.seen_in("public"))


@pytest.mark.parametrize("text", ["tell {case} The overflow …", "tel {case} The overflow …", "object The overflow …"])
def test_text_of_a_case_in_public_is_taken_back_and_answered_in_private(members_house: House, text: str) -> None:
    house = members_house
    house.room("public")
    who = "fedora" if text.startswith("object") else "maintainer"
    house.direct(who, "help")
    before = len(house.chat.seen)
    assert house.public(who, text.format(case=house.case)) is None
    assert len(house.chat.redacted) == 1
    assert private_word(house, who, before).kind == "refusal"
    assert f"{who} typed" in house.last("security", kind="leak risk").document.title
    assert not house.seen_in("public")
    assert not [row for row in house.stuck() if row.state == "refused"]


def test_a_report_in_public_is_a_report_all_the_same(house: House) -> None:
    house.room("public")
    house.public("finder", f"report {REPORT}")
    assert len(house.cases()) == 1
    assert house.seen_by("finder")[-1].document.kind == "receipt"


def test_where_it_may_not_take_back_that_is_told(house: House) -> None:
    from chatops.ports import Impossible, Redact

    house.room("public")
    house.chat.fail = lambda effect: Impossible("forbidden") if isinstance(effect.deed, Redact) else None
    house.public("finder", f"report {REPORT}")
    assert "redact" in house.last("security", kind="fault").text


# --- strangers -----------------------------------------------------------------------------------------------------


def test_a_stranger_is_answered_so_often_an_hour_then_once_more_then_not() -> None:
    house = House(stranger_messages_per_hour=3)
    house.open_direct("pest")
    answers = [house.direct("pest", "help") for _ in range(6)]
    kinds = [answer.kind if answer else None for answer in answers]
    assert kinds[:2] == ["help", "help"]
    assert kinds.count("refusal") == 1
    assert kinds[-2:] == [None, None]
    house.wait(hours=1, seconds=1)
    later = house.direct("pest", "help")
    assert later is not None
    assert later.kind == "help"
    assert house.direct("debian", "help") is not None


def test_who_is_on_the_roster_is_answered_as_often_as_they_ask(house: House) -> None:
    limit = house.settings.policy.stranger_messages_per_hour
    assert all(house.direct("debian", "releases") for _ in range(limit + 3))


def test_a_strangers_help_names_what_is_for_all_only(house: House) -> None:
    house.direct("nobody", "help")
    text = house.last("direct", "nobody").text
    assert "report" in text
    assert "verify" in text
    assert not any(verb in text for verb in ("triage", "invite", "accept", "status", "contacts"))
    house.direct("maintainer", "help")
    assert "triage" in house.last("direct", "maintainer").text


@pytest.mark.parametrize("text", ["", "!dynasched", "/dynasched", "//dynasched  ", "help"])
def test_a_bare_name_is_a_call_for_help(house: House, text: str) -> None:
    answer = house.direct("nobody", text)
    assert answer is not None
    assert answer.kind == "help"


# --- what cannot be trusted or read --------------------------------------------------------------------------------


def test_a_message_without_encryption_in_an_encrypted_room_is_not_acted_on(members_house: House) -> None:
    house = members_house
    before = house.state()
    answer = house.say("maintainer", "security", f"embargo {house.case} end because", private=False)
    assert answer is not None
    assert answer.title == "Your message came without encryption; I act on encrypted ones only."
    assert house.state() == before


def test_who_could_not_be_understood_is_asked_to_send_it_again(house: House) -> None:
    room = house.room("direct", "finder")
    house.receive(room, Unreadable(sender=address("finder"), room=room, event="$lost"))
    assert "could not decrypt" in house.last("direct", "finder").document.title


# --- reactions -----------------------------------------------------------------------------------------------------


def test_a_reaction_that_is_no_button_and_a_target_that_is_none_of_ours_do_nothing(members_house: House) -> None:
    house = members_house
    before = house.state(), len(house.chat.seen)
    question = house.last("direct", "suse", kind="question")
    assert house.react("suse", question, "🎉") is None
    house.receive(question.room, Reacted(sender=address("suse"), room=question.room, target="$none", key="✅"))
    assert (house.state(), len(house.chat.seen)) == before


def test_a_button_pressed_by_somebody_else_is_their_own_command(members_house: House) -> None:
    house = members_house
    card = house.last("direct", "suse", kind="question")
    house.chat.rooms[card.room].members.add(address("crook"))
    house.react("crook", card, "✅")
    file = house.file(house.case)
    assert [one.consent for one in file.participants.values()].count("signatory") == 2


def test_pressing_twice_is_told_and_changes_nothing_more(members_house: House) -> None:
    house = members_house
    question = house.last("direct", "suse", kind="question")
    house.react("suse", question, "✅️")  # with a variation selector, as some clients send it
    before = house.state()
    again = house.react("suse", question, "✅")
    assert again is not None
    assert again.kind == "refusal"
    assert house.state() == before


# --- our own faults ------------------------------------------------------------------------------------------------


def test_what_cannot_be_decided_is_parked_and_its_sender_and_the_team_are_told(members_house: House) -> None:
    house = members_house
    before = house.state()

    def fault(received: Received) -> Exception | None:
        event = received.event
        return RuntimeError("pretended") if isinstance(event, Said) and "tell" in event.text else None

    house.broken = fault
    assert house.say("maintainer", "security", f"tell {house.case} Something.") is None
    house.wait(minutes=1)
    assert len(house.parked()) == 1
    shown = [seen.document.title for seen in house.seen_in("security")]
    assert "That went wrong on my side; the coordinators know. Nothing was changed." in shown
    assert "Something that came in could not be handled" in shown
    assert house.state() == before
    house.broken = lambda received: None
    assert house.say("maintainer", "security", "cases") is not None


def test_messages_that_are_no_commands_are_not_answered_in_rooms(members_house: House) -> None:
    house = members_house
    for where in ("security", house.case, "public"):
        assert house.say("maintainer", where, "Good morning, all.", bare=True) is None


def test_being_named_is_being_addressed(house: House) -> None:
    embargoed(house)
    answer = house.say("maintainer", "security", "cases", bare=True, addressed=True)
    assert answer is not None
    assert answer.title == "1 open case"


def test_an_invisible_case_list_is_the_same_as_an_empty_one(members_house: House) -> None:
    house, case = members_house, members_house.case
    house.say("maintainer", "security", "triage Another matter")
    listed = house.direct("fedora", "cases")
    assert listed is not None
    assert listed.title == "1 open case"
    text = house.last("direct", "fedora").text
    assert "Another" not in text
    assert "overflow" not in text
    inside = house.say("maintainer", case, "cases")
    assert inside is not None
    assert inside.title == "1 open case"


def test_an_answer_to_the_shell_stays_in_the_shell(members_house: House) -> None:
    house = members_house
    before = len(house.chat.seen)
    shown = house.shell("maintainer", f"show {house.case}")
    assert shown is not None
    assert shown.kind == "case card"
    assert len(house.chat.seen) == before
    nobody = house.shell("stranger", "show")
    assert nobody is not None
    assert nobody.title == "nobody on the roster has that name"
    member = house.shell("fedora", f"show {house.case}")
    assert member is not None
    assert member.kind == "case card"
