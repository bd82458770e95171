"""A leak: what anybody may say, what one coordinator confirms, and who hears what in that minute."""

from __future__ import annotations

import pytest

from chatops.model.machines import Embargo, Exposure
from chatops.plain import plain_text
from chatops.ports import Upload
from tests.house import PACKAGERS, START, House, address, code_in, embargoed, reported

LINK = "https://lists.example.org/oss/1 zqlinkqz"
NOBODY = "DS-2026-ZZ22"
TEAM = frozenset({address("maintainer"), address("maintainer-2")})


def readers(house: House, words: str) -> set[frozenset[str]]:
    """Who could read a text, for each time that it was shown."""
    return {seen.readers for seen in house.chat.seen if words in seen.text}


@pytest.mark.parametrize("who", ["nobody", "finder", "debian", "suse", "maintainer"])
@pytest.mark.parametrize("named", ["{case}", NOBODY, ""])
def test_everybody_is_answered_the_same_whatever_they_name(members_house: House, who: str, named: str) -> None:
    house = members_house
    before = len(house.chat.seen)
    first = house.direct(who, f"leak {named.format(case=house.case)} {LINK}")
    assert first is not None
    nowhere = house.direct("stranger", f"leak DS-2026-2222 {LINK}")
    assert plain_text(first) == plain_text(nowhere or first)
    assert house.case not in plain_text(first)
    told = [seen for seen in house.chat.seen[before:] if "zqlinkqz" in seen.text]
    assert {reader for seen in told for reader in seen.readers} == TEAM
    assert len([seen for seen in told if seen.readers == TEAM]) == 2, "once in the security room for each claim"
    for coordinator in TEAM:
        assert len([seen for seen in told if seen.readers == {coordinator}]) == 2
    case = house.file(house.case).case
    assert (case.embargo, case.exposure) == (Embargo.ACTIVE, Exposure.NONE), "a claim moves nothing"
    assert house.journal_is_good()


def test_in_public_it_is_taken_back_and_answered_the_same(members_house: House) -> None:
    house = members_house
    house.room("public")
    there = house.public("passer-by", f"leak {house.case} {LINK}")
    nowhere = house.public("passer-by", f"leak {NOBODY} {LINK}")
    assert there is not None
    assert there == nowhere
    assert len(house.chat.redacted) == 2
    assert readers(house, "zqlinkqz") <= {
        TEAM,
        frozenset({address("maintainer")}),
        frozenset({address("maintainer-2")}),
    }


def test_in_an_embargo_room_it_is_about_that_case_and_another_ones_number_tells_nothing(members_house: House) -> None:
    house = members_house
    first = house.case
    other = reported(house, "Another thing", who="second")
    here = house.say("debian", first, f"leak {LINK}")
    assert here == house.say("debian", first, f"leak {other}") == house.say("debian", first, f"leak {NOBODY}")
    claims = [seen.document.case for seen in house.seen_in("security") if seen.document.kind == "leak claim"]
    assert claims == [first, other, None]
    assert "zqlinkqz" not in "".join(seen.text for seen in house.seen_in(first))


def test_a_number_that_is_none_of_ours_reaches_the_team_as_it_was_typed(reported_house: House) -> None:
    house = reported_house
    house.direct("nobody", f"leak {NOBODY} it is out")
    alert = house.last("security", kind="leak claim")
    assert f"{NOBODY} it is out" in alert.text
    assert [action.command for action in alert.document.actions] == [f"exposed {house.case} public"]
    assert set(alert.post.ping) == set(TEAM)


def test_nothing_said_is_one_line_with_the_right_form(house: House) -> None:
    before = house.state(), len(house.chat.seen)
    answer = house.direct("nobody", "leak")
    assert answer is not None
    assert answer.title == "say what is public: a link, or where you saw it. Usage: leak [CASE] [TEXT…]"
    assert len(house.chat.seen) == before[1] + 1


def test_one_coordinator_confirms_with_a_button_and_everybody_hears_it_at_once(members_house: House) -> None:
    house = members_house
    case = house.case
    house.direct("fedora", f"decline {case}")
    house.say("maintainer", "security", f"embargo {case} date in 5 days")
    house.direct("nobody", f"leak {case} {LINK}")
    before = len(house.chat.seen)
    house.react("maintainer-2", house.last("direct", "maintainer-2", kind="leak claim"), "📢")
    file = house.file(case)
    assert (file.case.embargo, file.case.exposure) == (Embargo.EXITED, Exposure.PUBLIC)
    assert {one.fix[0] for one in file.downstreams.values()} == {"V"}, "what is public, every vendor knows"
    for name in PACKAGERS:  # members, who declined, and who never answered
        assert house.last("direct", name, kind="embargo over").event in {s.event for s in house.chat.seen[before:]}
    assert house.last("direct", "finder").document.title == f"{case}: it is public; the embargo is over"
    room = house.last(case)
    assert room.document.title == f"{case}: it is public; the embargo is over"
    assert room.readers == TEAM | {address("debian")}
    assert room.document.actions == ()
    card = house.last("security", kind="case card")
    assert [action.command for action in card.document.actions] == [f"statement {case}"]
    assert f"announce {case} version=VERSION" in card.text
    said = "".join(s.text for s in house.chat.seen[before:] if not s.readers <= TEAM)
    assert "zqlinkqz" not in said
    assert house.clock.now == START, "in the same minute"
    count = len(house.chat.seen)
    house.wait(days=6)
    assert not [s for s in house.chat.seen[count:] if "release date" in s.text], "no date binds any more"
    assert house.journal_is_good()


def test_an_exploit_makes_it_public_too_and_a_proposed_embargo_is_no_question_any_more(house: House) -> None:
    case = reported(house)
    house.say("maintainer", "security", f"embargo {case} date in 9 days")
    house.say("maintainer", "security", f"exposed {case} exploit seen on a forum zqforumqz")
    file = house.file(case)
    assert (file.case.embargo, file.case.exposure) == (Embargo.NONE, Exposure.PUBLIC_EXPLOIT)
    assert file.question is None
    assert house.last("direct", "finder").document.title == f"{case}: an exploit is public"
    assert readers(house, "zqforumqz") == {TEAM}
    refused = house.say("maintainer", "security", f"embargo {case} date in 9 days")
    assert refused is not None
    assert refused.kind == "refusal", "no new embargo for what is public"


def test_attacks_leave_the_choice_to_coordinators(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"exposed {house.case} attacks zqtraceqz")
    file = house.file(house.case)
    assert (file.case.embargo, file.case.exposure) == (Embargo.ACTIVE, Exposure.ATTACKS)
    assert f"embargo {house.case} end REASON" in house.last("security").text
    assert "The embargo holds." in house.last(house.case).text
    assert readers(house, "zqtraceqz") == {TEAM}
    house.say("maintainer", "security", f"exposed {house.case} public")
    assert house.file(house.case).case.exposure == Exposure.PUBLIC_ATTACKS


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("exposed {case}", "public|exploit|attacks is missing (what is known outside). Usage: exposed CASE"),
        ("exposed {case} pubic", '"pubic" is none of public, exploit, attacks; did you mean public?'),
        (f"exposed {NOBODY} public", f"there is no case {NOBODY}"),
        ("statement {case}", "{case} is not known to be public; first: exposed {case} public"),
        ("statement {case} 123456", "{case} is not known to be public; first: exposed {case} public"),
    ],
)
def test_what_is_wrong_is_one_line_and_changes_nothing(members_house: House, text: str, answer: str) -> None:
    house = members_house
    before = house.state()
    refused = house.say("maintainer", "security", text.format(case=house.case))
    assert refused is not None
    assert refused.title.startswith(answer.format(case=house.case))
    assert house.state() == before


@pytest.mark.parametrize("who", ["nobody", "finder", "debian"])
def test_only_coordinators_confirm_and_others_do_not_learn_the_word(members_house: House, who: str) -> None:
    house = members_house
    for verb in ("exposed", "statement"):
        refused = house.direct(who, f"{verb} {house.case} public")
        assert refused is not None
        assert refused.title.startswith(f'I know no "{verb}"')
    assert house.file(house.case).case.embargo == Embargo.ACTIVE


def test_what_is_known_already_is_not_confirmed_twice(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"exposed {house.case} public")
    before = house.state()
    again = house.say("maintainer-2", "security", f"exposed {house.case} public")
    assert again is not None
    assert again.title == f"{house.case} is known for that already: it is public"
    assert house.state() == before


def test_a_holding_statement_goes_out_as_it_was_read_under_one_name_once(members_house: House) -> None:
    house = members_house
    house.room("public")
    house.say("maintainer", "security", f"exposed {house.case} public")
    preview = house.say("maintainer", "security", f"statement {house.case}")
    assert preview is not None
    assert not house.seen_in("public"), "a preview sends nothing"
    wrong = house.say("maintainer", "security", f"statement {house.case} 000000")
    assert wrong is not None
    assert "does not stand for what would go out" in wrong.title
    theirs = house.say("maintainer-2", "security", preview.actions[0].command)
    assert theirs is not None
    assert theirs.kind == "refusal", "in another name it would be another statement"
    house.say("maintainer", "security", preview.actions[0].command)
    out = house.last("public")
    assert "maintainer, for the security team" in out.text
    assert plain_text(preview).count("details of a vulnerability are public") == 1
    for secret in (house.case, "queue", "1.0.0", "debian"):
        assert secret not in out.text
    twice = house.say("maintainer", "security", preview.actions[0].command)
    assert twice is not None
    assert twice.title == f"that statement about {house.case} went out already"
    assert len(house.seen_in("public")) == 1


def test_after_a_leak_the_release_goes_on_with_what_is_ready(released_house: House) -> None:
    house = released_house
    house.say("maintainer", "security", f"exposed {house.case} public")
    card = house.last("security", kind="case card")
    assert f"announce {house.case}" in [action.command for action in card.document.actions]
    preview = house.say("maintainer", "security", f"announce {house.case}")
    assert preview is not None
    assert house.say("maintainer-2", "security", f"confirm {code_in(preview)}") is not None
    assert house.file(house.case).case.released_at == START


def test_a_confirmation_asked_for_before_the_leak_is_void_after_it(released_house: House) -> None:
    house = released_house
    preview = house.say("maintainer", "security", f"announce {house.case}")
    assert preview is not None
    house.say("maintainer", "security", f"exposed {house.case} public")
    stale = house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    assert stale is not None
    assert "has changed since" in stale.title


def test_a_closed_case_can_be_named_and_offers_no_button(house: House) -> None:
    case = embargoed(house)
    house.say("maintainer", "security", f"embargo {case} end Over.")
    house.say("maintainer", "security", f"close {case} Nothing to release.")
    house.direct("nobody", f"leak {case}")
    alert = house.last("security", kind="leak claim").document
    assert alert.actions == ()


def test_after_a_leak_the_board_says_what_is_owed_and_the_timeline_what_was_confirmed(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"exposed {house.case} public")
    assert "Waits for: maintainer to release the fix and announce it" in house.last("security").text
    house.say("maintainer", "security", f"timeline {house.case}")
    (upload,) = [deed for one in house.chat.done if isinstance(deed := one.deed, Upload)]
    assert upload.picture is not None
    assert max(mark.lane for mark in upload.picture.marks) == 3
