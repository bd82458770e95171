"""What people type by mistake, and whether the answer helps them on."""

from __future__ import annotations

import pytest

from tests.house import TERMS, House


def answer(house: House, who: str, where: str, text: str) -> str:
    said = house.say(who, where, text.format(case=house.case))
    assert said is not None
    return said.title


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("publish {case}", "did you mean announce?"),
        ("release {case} 1.0.1", "did you mean private-release?"),
        ("notify {case} debian", "did you mean invite?"),
        ("closed {case}", "did you mean close? Usage: close CASE [REASON…]"),
        ("traige {case}", "did you mean triage? Usage: triage [CASE] [OPTION=…] [TITLE] (options: help triage)"),
        ("triage {case} severity=high", "Usage: triage [CASE] [OPTION=…] [TITLE] (options: help triage)"),
        ("triage {case} Job overflow severity: " + TERMS, f"write it as severity={TERMS}"),
        ("triage {case} Job overflow " + TERMS, f"write it as severity={TERMS}"),
        ("embargo {case} 2026-03-17 15:00 UTC", "say which date it is: embargo {case} date 2026-03-17 …"),
        ("embargo {case} in 10 days", "say which date it is: embargo {case} date in …"),
        ("embargo {case} date 2026-03-17 15:00 UTC reason=slow builds", 'need quotes: reason="slow …"'),
        (
            'embargo {case} date 2026-03-17 15:00 UTC reason="slow builds',
            'the quote after reason= is not closed: reason="slow builds"',
        ),
        (
            "embargo {case} date 2026-03-17 because of slow builds",
            'A reason is written reason="because of slow builds"',
        ),
        ("remove {case} fedora left the job", 'A reason is written reason="left the job"'),
        (
            'contacts add x organisation="X Y address=matrix:@x:y',
            'quote after organisation= is not closed: organisation="X Y',
        ),
        ("status {case} affected", "you write: correct {case} WHO VALUE"),
        ("bring {case} matrix:@x:example.org", "you write: invite {case} WHO"),
        ("accept {case}", "accept is for those who are asked into a case; what they answered: show {case}"),
        ("pack {case} mitigation Set x=1", "did you mean pack {case} add mitigation …?"),
        ("invite {case} all", "all of whom? all-coordinators, all-packagers"),
        ("invite {case} all-experts", "nobody on the roster has the role expert."),
        ("contacts delete debian", "did you mean remove?"),
        ("contacts list parkager", "did you mean"),
    ],
)
def test_a_coordinator_is_told_how_to_say_it(embargoed_house: House, text: str, hint: str) -> None:
    before = embargoed_house.state()
    assert hint.format(case=embargoed_house.case) in answer(embargoed_house, "maintainer", "security", text)
    assert embargoed_house.state() == before


def test_the_first_half_of_a_word_is_enough_to_guess_it(members_house: House) -> None:
    assert "did you mean not-affected?" in answer(members_house, "debian", members_house.case, "status not affected")


def test_a_coordinator_may_call_themselves_me(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer-2", "security", f"own {house.case} me backup=maintainer")
    file = house.file(house.case)
    assert (file.name(file.case.owner), file.name(file.case.backup)) == ("maintainer-2", "maintainer")


@pytest.mark.parametrize(
    ("who", "text", "hint"),
    [
        ("passer-by", "hi", "to report something in private, write: report and then what you found"),
        ("finder", "any news?", "to see where your report stands, write: report CASE"),
        ("passer-by", "report disclose=in 10 days The queue", 'Several words need quotes: disclose="in 10 days"'),
        ("finder", "show {case}", "to see where your report stands, write: report CASE"),
        ("debian", "hi", "try help"),
    ],
)
def test_a_word_that_is_no_command_is_answered_with_what_they_may_want(
    embargoed_house: House, who: str, text: str, hint: str
) -> None:
    assert hint in answer(embargoed_house, who, "direct", text)


@pytest.mark.parametrize("text", ["timeline", "status {case} affected", "show {case}", "yes", "no"])
def test_who_has_not_answered_the_terms_is_told_to_answer_them_first(members_house: House, text: str) -> None:
    case = members_house.case
    assert answer(members_house, "suse", "direct", text) == f"first answer the terms: accept {case} or decline {case}"


@pytest.mark.parametrize("text", ["invite suse", "triage", "own {case}", "pipeline"])
def test_no_other_command_is_suggested_for_what_is_not_like_it(members_house: House, text: str) -> None:
    who = "suse" if text == "pipeline" else "debian"
    assert answer(members_house, who, "direct", text) == f'I know no "{text.split()[0]}"; try help'


def test_several_may_be_named_with_commas(members_house: House) -> None:
    assert answer(members_house, "maintainer", "security", "invite {case} suse,fedora").endswith("0 notified, 2 not")


def test_the_roster_is_listed_by_role_and_says_whom_it_cannot_reach(members_house: House) -> None:
    house = members_house
    assert answer(house, "maintainer", "security", "contacts list packager") == "3 contacts"
    assert answer(house, "maintainer", "security", "contacts list Debian") == "1 contact"
    house.say("maintainer", "security", "contacts add arch organisation=Arch address=slack:U0123ABCD")
    text = house.last("security", kind="contacts").text
    assert "⚠ no address where I am (matrix), so they cannot be reached; no role, so no group" in text


def test_a_backup_is_taken_back_and_the_owner_stays(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"own {house.case} maintainer-2 backup=maintainer")
    house.say("maintainer", "security", f"own {house.case} backup=none")
    file = house.file(house.case)
    assert (file.name(file.case.owner), file.case.backup) == ("maintainer-2", None)


def test_an_update_says_who_reads_it(members_house: House) -> None:
    house = members_house
    assert answer(house, "maintainer", "security", "tell {case} So far.").endswith("told to 2 members and the reporter")
    house.say("maintainer", "security", f"embargo {house.case} end fixed")
    assert answer(house, "maintainer", "security", "tell {case} Over.").endswith("told to the room and the reporter")


def test_a_stranger_learns_no_verb_of_the_teams(embargoed_house: House) -> None:
    for word in ("publish", "notify", "history", "release"):
        said = answer(embargoed_house, "passer-by", "direct", word)
        assert not {"announce", "invite", "timeline", "private-release"} & set(said.replace("?", " ").split())


@pytest.mark.parametrize(
    ("who", "where", "text", "hint"),
    [
        ("debian", "{case}", "affected", "did you mean status? Usage: status CASE VALUE [version=VERSION]"),
        ("debian", "{case}", "fixed 1.0.0-3", "did you mean status?"),
        ("maintainer", "security", "contacts add x address=x@example.org", "write it as mail:x@example.org"),
        ("maintainer", "security", "contacts add x address=@x:example.org", "write it as matrix:@x:example.org"),
        ("maintainer", "security", "contacts add x address=U0123ABCD", "write it as slack:U0123ABCD"),
        ("maintainer", "security", "contacts import roster.yml", "where is the table? Paste it in a code block"),
        ("maintainer", "security", "contacts import roster.txt", '"txt" is no format; csv or yaml'),
    ],
)
def test_the_nearest_right_form_is_of_what_was_typed(
    members_house: House, who: str, where: str, text: str, hint: str
) -> None:
    assert hint in answer(members_house, who, where.format(case=members_house.case), text)


def test_a_wish_within_a_report_is_said_to_be_text_and_how_to_make_it_one(house: House) -> None:
    house.direct("finder", 'report The queue overflows. credit="A. Finder"')
    assert f"As a wish: !dynasched report {house.case} credit=…" in house.last("direct", "finder").text
    house.direct("finder", "report The option credit_limit=5 overflows.")
    assert "As a wish" not in house.last("direct", "finder").text
