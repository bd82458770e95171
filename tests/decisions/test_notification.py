"""Asked, asked again by another path, no answer; a colleague brought; who said no and comes after all."""

from __future__ import annotations

import pytest

from chatops.model.machines import Consent
from chatops.plain import plain_text
from tests.house import House, address, embargoed, with_roster


def consent(house: House, name: str) -> Consent:
    file = house.file(house.case)
    contact = next(one.id for one in file.contacts.values() if one.name == name)
    return Consent(file.participants[contact].consent)


def colleague(house: House, name: str, organisation: str = "Fedora", **more: str) -> None:
    told = f"organisation={organisation} roles=packager address=matrix:{address(name)}"
    card = house.say("maintainer", "security", f"contacts add {name} {told}")
    assert card is not None
    assert card.kind == "contacts"


def questions(house: House, who: str) -> int:
    return len([seen for seen in house.seen_by(who) if seen.document.kind == "question"])


# --- bring


def test_a_member_brings_a_colleague_who_is_asked_and_everybody_is_told(members_house: House) -> None:
    house = members_house
    colleague(house, "fedora-2")
    house.direct("fedora", f"bring {house.case} fedora-2")
    title = f"{house.case}: fedora asks in fedora-2 of Fedora"
    assert house.last(house.case).document.title == title
    assert house.last("security").document.title == title
    assert consent(house, "fedora-2") is Consent.INVITED
    asked = house.seen_by("fedora-2")[-1].document
    assert asked.kind == "question"
    assert "Job queue" not in house.seen_by("fedora-2")[-1].text
    house.direct("fedora-2", f"accept {house.case}")
    assert "fedora-2" in house.members(house.case)
    assert house.journal_is_good()


def test_a_coordinator_refuses_who_was_brought_with_one_press(members_house: House) -> None:
    house = members_house
    colleague(house, "fedora-2")
    house.say("fedora", house.case, f"bring {house.case} fedora-2")
    house.react("maintainer", house.last("security", kind="brought"), "🚫")
    assert consent(house, "fedora-2") is Consent.REMOVED
    refused = house.direct("fedora", f"bring {house.case} fedora-2")
    assert refused is not None
    assert refused.title == "fedora-2 was asked before; only a coordinator can ask them again"


def test_whom_the_roster_does_not_have_a_coordinator_is_asked_to_add(members_house: House) -> None:
    house = members_house
    answer = house.direct("fedora", f"bring {house.case} matrix:@newcomer:example.org")
    assert answer is not None
    assert answer.title == f"{house.case}: I asked the coordinators to add your colleague"
    text = house.last("security", kind="brought").text
    assert "contacts add NAME organisation=Fedora address=matrix:@newcomer:example.org" in text
    assert not house.seen_by("newcomer")


def test_somebody_of_another_organisation_answers_as_somebody_unknown(members_house: House) -> None:
    house = members_house
    colleague(house, "gentoo", "Gentoo")
    other = house.direct("fedora", f"bring {house.case} gentoo")
    nobody = house.direct("fedora", f"bring {house.case} nobodyx")
    assert other is not None
    assert nobody is not None
    assert other.title.replace("gentoo", "X") == nobody.title.replace("nobodyx", "X")
    there = house.direct("fedora", f"bring {house.case} matrix:{address('gentoo')}")
    unknown = house.direct("fedora", f"bring {house.case} matrix:@unknown:example.org")
    assert there == unknown
    assert not house.seen_by("gentoo")


def test_the_team_is_told_whose_address_it_is_that_the_roster_has_already(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"bring {house.case} matrix:{address('suse')}")
    text = house.last("security", kind="brought").text
    assert f"That is suse of Suse, on the roster; if that is right: !dynasched invite {house.case} suse" in text
    assert "contacts add" not in text
    assert f"!dynasched matrix:{address('suse')}" not in text  # an address is no command
    before = house.state()
    own = house.direct("fedora", f"bring {house.case} matrix:{address('fedora')}")
    assert own is not None
    assert own.title == f"that is your own address, and you are in {house.case} already"
    assert house.state() == before


@pytest.mark.parametrize(("who", "answer"), [("suse", None), ("stranger", None), ("fedora", "is a member already")])
def test_only_members_bring(members_house: House, who: str, answer: str | None) -> None:
    house = members_house
    colleague(house, "fedora-2")
    if answer:
        house.direct("fedora", f"bring {house.case} fedora-2")
        house.direct("fedora-2", f"accept {house.case}")
    refused = house.direct(who, f"bring {house.case} fedora-2")
    assert refused is not None
    if answer:
        assert answer in refused.title
    else:
        assert not house.seen_by("fedora-2")


# --- silence


def test_who_is_silent_is_asked_again_and_then_another_person_is_called_for(members_house: House) -> None:
    house = members_house
    assert questions(house, "suse") == 1
    house.wait(days=2)
    assert questions(house, "suse") == 2
    house.wait(days=2)
    assert questions(house, "suse") == 2
    call = house.last("security", kind="reminder")
    assert call.document.title == f"{house.case}: no answer from suse; please find another person for Suse"
    house.say("maintainer", "security", f"show {house.case}")
    assert "suse" in house.last("security").text
    before = len(house.seen_in("security"))
    house.wait(days=1)
    assert not [s for s in house.seen_in("security")[before:] if "no answer from" in s.document.title]
    house.react("maintainer", call, "🔁")
    assert questions(house, "suse") == 3
    late = house.direct("suse", f"accept {house.case}")
    assert late is not None
    assert consent(house, "suse") is Consent.SIGNATORY
    assert house.journal_is_good()


def test_who_answered_meanwhile_is_left_in_peace(members_house: House) -> None:
    house = members_house
    house.direct("suse", f"decline {house.case}")
    house.wait(days=10)
    assert questions(house, "suse") == 1
    assert not [s for s in house.seen_in("security") if "no answer from" in s.document.title]


def test_each_time_the_next_path_is_taken() -> None:
    house = House(services=("matrix", "slack"))
    with_roster(house)
    both = f"matrix:{address('spack')} slack:U0SPACK01"
    house.say("maintainer", "security", f'contacts add spack organisation=Spack address="{both}"')
    case = embargoed(house)
    house.say("maintainer", "security", f"invite {case} spack")
    house.wait(days=2)
    asked = [effect.service for effect in house.chat.done if effect_is_question(effect)]
    assert sorted(asked) == ["matrix", "slack"]
    assert asked[0] != asked[1]
    house.wait(days=2)
    text = house.last("security", kind="reminder").text
    assert "asked 2 times" in text
    assert "slack" in text
    assert "matrix" in text


def test_the_preferred_path_comes_first_and_a_second_address_is_a_path_too() -> None:
    house = House(services=("matrix", "slack"))
    with_roster(house)
    house.direct("spack-2", "help")  # an old chat is no preference
    both = f"matrix:{address('spack-1')} matrix:{address('spack-2')} slack:U0SPACK01"
    told = f'contacts add spack organisation=Spack address="{both}" paths=slack'
    house.say("maintainer", "security", told)
    case = embargoed(house)
    house.say("maintainer", "security", f"invite {case} spack")
    house.wait(days=20)
    asked = [one for one in house.chat.done if effect_is_question(one)]
    assert [one.service for one in asked] == ["slack", "matrix", "matrix"]
    assert [questions(house, name) for name in ("spack-1", "spack-2")] == [1, 1]
    (call,) = [one for one in house.seen_in("security") if "no answer from spack" in one.document.title]
    assert "asked 3 times, by slack and matrix" in call.text


def effect_is_question(effect: object) -> bool:
    document = getattr(getattr(effect, "deed", None), "document", None)
    return getattr(document, "kind", None) == "question"


# --- a no that becomes a yes


def test_who_declined_and_would_come_after_all_is_let_in_by_one_press(members_house: House) -> None:
    house = members_house
    house.direct("suse", f"decline {house.case}")
    house.direct("suse", f"accept {house.case}")
    assert consent(house, "suse") is Consent.DECLINED
    house.react("maintainer", house.last("security", kind="answer"), "📣")
    assert consent(house, "suse") is Consent.INVITED
    house.direct("suse", f"accept {house.case}")
    assert "suse" in house.members(house.case)


def test_who_lapsed_is_asked_once_more_and_after_their_date_invited_anew(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    assert consent(house, "fedora") is Consent.LAPSED
    said = house.say("maintainer", "security", f"invite {house.case} fedora")
    assert said is not None
    assert "asked about the new one, and once more now" in plain_text(said)
    assert "Until you answer, the date that you accepted holds" in house.last("direct", "fedora").text
    house.wait(days=31)
    assert "fedora" not in house.members(house.case)
    house.say("maintainer", "security", f"invite {house.case} fedora")
    assert consent(house, "fedora") is Consent.INVITED
    assert "Nothing happens until you answer." in house.last("direct", "fedora").text
    house.direct("fedora", f"accept {house.case}")
    assert "fedora" in house.members(house.case)
