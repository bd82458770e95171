"""The ways in which a report ends without an embargo of its own: a duplicate, a referral, the short path."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatops.config import Component
from chatops.model.machines import Embargo, Exposure, Report
from chatops.plain import plain_text
from tests.house import REPORT, START, House, address, code_in, embargoed, prepared, privately_released, with_roster

TEAM = frozenset({address("maintainer"), address("maintainer-2")})
NOBODY = "DS-2026-ZZ22"


def readers(house: House, words: str) -> set[frozenset[str]]:
    """Who could read a text, for each time that it was shown."""
    return {seen.readers for seen in house.chat.seen if words in seen.text}


def second_report(house: House) -> str:
    """Somebody else finds the same, with a credit and a date of their own."""
    known = set(house.cases())
    house.direct("second", 'report credit="B. Finder" disclose="in 12 days" zqsecondqz the queue overflows')
    return (set(house.cases()) - known).pop()


# --- duplicates ----------------------------------------------------------------------------------------------------


def test_a_duplicate_is_deferred_and_its_reporter_hears_of_the_other_case(members_house: House) -> None:
    house = members_house
    first, second = house.case, second_report(house)
    note = house.say("maintainer", "security", f"duplicate {second} {first} The same missing check.")
    assert note is not None
    assert note.title == f"{second}: a duplicate of {first}; they are linked"
    case, other = house.file(second).case, house.file(first)
    assert (case.report, case.outcome, case.embargo) == (Report.DEFERRED, "duplicate", Embargo.NONE)
    assert (case.links, other.case.links) == ({first: "the original"}, {second: "a duplicate"})
    assert other.case.credit == "B. Finder"
    assert other.case.asked_date == case.asked_date
    told = house.last("direct", "second")
    assert "The same missing check." in told.text
    assert told.readers == {address("second")}
    stands = house.direct("second", f"report {first}")
    assert stands is not None
    assert stands.kind == "progress"
    house.say("maintainer", "security", f"tell {first} The fix is under review.")
    for reporter in ("finder", "second"):
        assert "The fix is under review." in house.last("direct", reporter).text
    assert readers(house, "zqsecondqz") <= {TEAM}
    shown = house.say("maintainer", "security", f"show {second}")
    assert shown is not None
    assert f"close {second}" in [action.command for action in shown.actions]
    house.say("maintainer", "security", f"close {second}")
    assert house.last("direct", "second").document.title == f"{second}: your report is closed. Thank you"
    assert house.file(first).embargoed, "that ends nothing of the other case"
    assert house.journal_is_good()


def test_members_of_one_case_learn_neither_the_other_nor_who_reported_it(members_house: House) -> None:
    house = members_house
    first, second = house.case, second_report(house)
    house.say("maintainer", "security", f"duplicate {second} {first} zqreasonqz")
    name = house.file(second).name(house.file(second).case.reporter)
    for text in ("show", "timeline", "embargo"):
        house.say("debian", first, text)
        house.direct("debian", f"{text} {first}")
    seen = "".join(one.text for one in house.seen_by("debian"))
    for secret in (second, name, "zqreasonqz", "duplicate"):
        assert secret not in seen
    assert second in house.seen_in("security")[-1].text or second in str(house.say("maintainer", "security", "cases"))


def test_both_reporters_get_the_private_release_and_the_thanks(house: House) -> None:
    first = embargoed(house)
    second = second_report(house)
    house.say("maintainer", "security", f"duplicate {second} {first}")
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {first} 1.0.1")
    for reporter in ("finder", "second"):
        assert "1.0.1" in house.last("direct", reporter, kind="private release").text
        assert len([1 for _, _, who in house.chat.files if who == {address(reporter)}]) == 1
    preview = house.say("maintainer", "security", f"announce {first}")
    assert preview is not None
    house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    for reporter in ("finder", "second"):
        assert house.last("direct", reporter).document.kind == "thanks"


def test_a_duplicate_that_is_triaged_again_is_a_case_of_its_own(members_house: House) -> None:
    house = members_house
    first, second = house.case, second_report(house)
    house.say("maintainer", "security", f"duplicate {second} {first}")
    refused = house.say("maintainer", "security", f"triage {second}")
    assert refused is not None
    assert "is settled (duplicate)" in refused.title
    house.say("maintainer", "security", f"triage {second} Another check after all")
    case = house.file(second).case
    assert (case.report, case.outcome, case.embargo) == (Report.ACCEPTED, None, Embargo.PROPOSED)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("duplicate {second}", "OTHER is missing"),
        ("duplicate {second} {second}", "{second} is no duplicate of itself; name the other case"),
        (f"duplicate {{second}} {NOBODY}", f"there is no case {NOBODY}"),
        ("duplicate {second} somewhere", "there is no case SOMEWHERE; see cases"),
        (f"duplicate {NOBODY} {{first}}", f"there is no case {NOBODY}"),
        ("duplicate {first} {third}", "{third} is a duplicate itself, of {second}; name that one"),
    ],
)
def test_what_is_no_duplicate_is_one_line_and_changes_nothing(members_house: House, text: str, answer: str) -> None:
    house = members_house
    names = {"first": house.case, "second": second_report(house)}
    house.direct("third", "report the same again")
    names["third"] = next(c for c in house.cases() if c not in names.values())
    house.say("maintainer", "security", f"duplicate {names['third']} {names['second']}")
    before = house.state()
    refused = house.say("maintainer", "security", text.format(**names))
    assert refused is not None
    assert refused.title.startswith(answer.format(**names))
    assert house.state() == before


@pytest.mark.parametrize("verb", ["duplicate", "refer"])
def test_they_are_coordinators_commands_and_not_for_embargo_rooms(members_house: House, verb: str) -> None:
    house = members_house
    for who in ("nobody", "finder", "debian"):
        refused = house.direct(who, f"{verb} {house.case} {house.case}")
        assert refused is not None
        assert refused.title.startswith(f'I know no "{verb}"')
    refused = house.say("maintainer", house.case, f"{verb} {house.case} {NOBODY}")
    assert refused is not None
    assert refused.title == f"{verb} does not work here; use it in the security room or a direct chat with me"


def test_linked_cases_respect_each_others_dates(house: House) -> None:
    """Announcing one ahead of the other's date needs a second person who read that."""
    house.direct("second", "report the daemon, too")
    other = house.case
    house.say("maintainer", "security", f"triage {other} The daemon")
    first = privately_released(house)
    house.say("maintainer", "security", f"duplicate {other} {first}")
    preview = house.say("maintainer", "security", f"announce {first}")
    assert preview is not None
    assert f"Linked: {other} is under an embargo until" in house.last("security", kind="preview").text
    house.say("maintainer", "security", f"embargo {other} end It is the same.")
    stale = house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    assert stale is not None
    assert "has changed since" in stale.title
    house.say("maintainer", "security", f"announce {first}")
    assert "Linked:" not in house.last("security", kind="preview").text


# --- referrals -----------------------------------------------------------------------------------------------------


def _with_components() -> House:
    house = with_roster(House())
    house.say("maintainer", "security", f"contacts add pmix organisation=PMIx address=matrix:{address('pmix')}")
    components = {
        "pmix": Component(name="PMIx", contact="security@pmix.example", contacts=("pmix", "pmix-2")),
        "plugin": Component(name="the plugin", contact="plugin.example/security"),
    }
    house.settings = house.settings.model_copy(update={"components": components})
    house._wire()
    house.direct("finder", f"report {REPORT} zqwordsqz")
    return house


REFERRING = prepared(_with_components)


@pytest.fixture
def referring() -> House:
    """A directory of two components; one has somebody on the roster. A report that is theirs."""
    return REFERRING()


@pytest.mark.parametrize(("word", "title"), [("yes", "thank you; PMIx has it now"), ("no", "we pass nothing on")])
def test_the_reporter_answers_with_one_word(referring: House, word: str, title: str) -> None:
    house = referring
    house.say("maintainer", "security", f"refer {house.case} pmix It is their event handler.")
    added = house.direct("finder", f"report {house.case} yes please")
    assert added is not None
    assert f"To agree: !dynasched report {house.case} refer=yes" in plain_text(added)
    assert house.seen_by("pmix") == []
    answer = house.direct("finder", word)
    assert answer is not None
    assert answer.title == f"{house.case}: {title}"
    again = house.direct("finder", word)
    assert again is not None
    assert "I asked you nothing" in again.title


def test_nothing_is_passed_on_before_the_reporter_agrees(referring: House) -> None:
    house = referring
    card = house.say("maintainer", "security", f"refer {house.case} pmix It is their event handler.")
    assert card is not None
    assert card.title == f"{house.case}: the reporter is asked whether PMIx may have it"
    assert house.seen_by("pmix") == []
    question = house.last("direct", "finder")
    assert "It is their event handler." in question.text
    assert "security@pmix.example" in question.text
    answer = house.react("finder", question, "✅")
    assert answer is not None
    assert answer.title == f"{house.case}: thank you; PMIx has it now"
    passed = house.last("direct", "pmix")
    assert passed.document.kind == "referral"
    assert "zqwordsqz" in passed.text
    assert passed.readers == {address("pmix")}
    name = house.file(house.case).name(house.file(house.case).case.reporter)
    assert name not in passed.text
    assert "the reporter" in passed.text
    assert "pmix-2: not on the roster" in house.last("security", kind="referral").text
    case = house.file(house.case).case
    assert (case.report, case.outcome, case.referred, case.referral) == (
        Report.DEFERRED,
        "referred",
        "pmix",
        "passed",
    )
    shown = house.say("maintainer", "security", f"show {house.case}")
    assert shown is not None
    assert "to pmix: passed on" in house.last("security", kind=shown.kind).text
    assert readers(house, "zqwordsqz") == {TEAM, frozenset({address("pmix")})}
    assert house.journal_is_good()


def test_whom_it_was_passed_on_to_hears_nothing_more_and_may_ask_nothing(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", f"refer {house.case} pmix")
    house.direct("finder", f"report {house.case} refer=yes")
    before = len(house.seen_by("pmix"))
    house.say("maintainer", "security", f"tell {house.case} More of it.")
    assert len(house.seen_by("pmix")) == before
    refused = house.direct("pmix", f"report {house.case}")
    assert refused is not None
    assert refused.title.startswith(f"{house.case} is not your own report")
    for verb in ("show", "status", "tell"):
        refused = house.direct("pmix", f"{verb} {house.case} text")
        assert refused is not None
        assert refused.kind == "refusal"
    assert "pmix" not in house.last("direct", "finder").text


def test_those_to_whom_it_was_passed_on_say_whether_it_is_theirs(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", f"refer {house.case} pmix")
    waits = house.direct("finder", "todo")
    assert waits is not None
    assert f"report {house.case} refer=yes" in plain_text(waits)
    house.direct("finder", f"report {house.case} refer=yes")
    assert f"accept {house.case}" in [one.command for one in house.last("direct", "pmix").document.actions]
    waits = house.direct("pmix", "todo")
    assert waits is not None
    assert "Is it yours?" in plain_text(waits)
    house.direct("pmix", f"decline {house.case}")
    assert "pmix says that it is none of PMIx's" in house.last("security", kind="referral").text
    heard = len(house.seen_in("direct", "finder"))
    thanks = house.direct("pmix", f"accept {house.case}")  # they looked again
    assert thanks is not None
    assert thanks.title == f"{house.case}: thank you; the security team knows that it is yours"
    assert "pmix takes it on for PMIx" in house.last("security", kind="referral").text
    assert len(house.seen_in("direct", "finder")) == heard + 1
    assert "PMIx has your report" in house.last("direct", "finder").text
    assert house.journal_is_good()


def test_a_reporter_who_says_no_gets_the_contact_and_nothing_goes_out(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", f"refer {house.case} pmix")
    house.react("finder", house.last("direct", "finder"), "❌")
    assert "security@pmix.example" in house.last("direct", "finder").text
    assert house.last("security", kind="referral").document.title == (
        f"{house.case}: the reporter does not want it passed on to PMIx"
    )
    assert house.seen_by("pmix") == []
    assert house.file(house.case).case.referral == "declined"


def test_without_anybody_on_the_roster_the_team_is_told_whom_to_write_to(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", f"refer {house.case} plugin")
    house.direct("finder", f"report {house.case} refer=yes")
    told = house.last("security", kind="referral")
    assert told.document.title == f"{house.case}: please pass it on to the plugin yourself: the reporter agrees"
    assert "plugin.example/security" in told.text
    assert house.file(house.case).case.referral == "agreed"


def test_under_an_embargo_they_are_invited_like_everybody_else(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", f"triage {house.case} Event handler")
    house.say("maintainer", "security", f"refer {house.case} pmix")
    house.direct("finder", f"report {house.case} refer=yes")
    assert house.seen_by("pmix") == []
    house.react("maintainer", house.last("security", kind="referral"), "📣")
    question = house.last("direct", "pmix")
    assert question.document.kind == "question"
    assert "zqwordsqz" not in question.text


def test_what_the_team_found_is_passed_on_at_once(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", "triage open=minor A crash in the event handler")
    case = next(c for c in house.cases() if house.file(c).case.reporter is None)
    card = house.say("maintainer", "security", f"refer {case} pmix")
    assert card is not None
    assert card.title == f"{case}: passed on to PMIx"
    assert "DynaSched's security team" in house.last("direct", "pmix").text


@pytest.mark.parametrize(
    ("who", "text", "answer"),
    [
        ("maintainer", "refer {case}", "COMPONENT is missing"),
        ("maintainer", "refer {case} pmx", 'no component is called "pmx"; did you mean pmix?'),
        ("maintainer", "refer {case} scheduler", 'no component is called "scheduler"; known: plugin, pmix'),
        ("maintainer", f"refer {NOBODY} pmix", f"there is no case {NOBODY}"),
        ("finder", "report {case} refer=yes", "nobody asks to pass {case} on"),
        ("finder", "report {case} refer=maybe", '"maybe" is none of yes, no'),
    ],
)
def test_a_wrong_referral_is_one_line_and_changes_nothing(referring: House, who: str, text: str, answer: str) -> None:
    house = referring
    before = house.state()
    where = "security" if who == "maintainer" else "direct"
    refused = house.say(who, where, text.format(case=house.case))
    assert refused is not None
    assert refused.title.startswith(answer.format(case=house.case))
    assert house.state() == before


def test_without_a_directory_that_is_said(reported_house: House) -> None:
    refused = reported_house.say("maintainer", "security", f"refer {reported_house.case} pmix")
    assert refused is not None
    assert refused.title.startswith("no components are configured: add [components.NAME] to the configuration")


def test_an_old_question_passes_nothing_on_once_the_case_is_taken_up_again(referring: House) -> None:
    house = referring
    house.say("maintainer", "security", f"refer {house.case} pmix")
    question = house.last("direct", "finder")
    house.say("maintainer", "security", f"triage {house.case} It is ours after all")
    answer = house.react("finder", question, "✅")
    assert answer is not None
    assert answer.title == f"nobody asks to pass {house.case} on"
    assert house.seen_by("pmix") == []


# --- the short path ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "exposure", "news"),
    [
        ("minor", Exposure.NONE, "we take your report on; it is minor, so we fix it in the open"),
        ("public", Exposure.PUBLIC, "we take your report on; it is public already, so there is no embargo"),
    ],
)
def test_what_is_minor_or_public_needs_no_embargo(reported_house: House, why: str, exposure: str, news: str) -> None:
    house = reported_house
    house.say("maintainer", "security", f"triage {house.case} open={why} Job queue overflow")
    case = house.file(house.case).case
    assert (case.report, case.embargo, case.exposure, case.review_date) == (
        Report.ACCEPTED,
        Embargo.NONE,
        exposure,
        None,
    )
    assert house.last("direct", "finder").document.title == f"{house.case}: {news}"
    assert not house.has_room(house.case)
    house.say("maintainer", "security", f"triage {house.case} mitigation=none")
    assert house.file(house.case).case.embargo == Embargo.NONE, "a later word brings no embargo either"
    preview = house.say("maintainer", "security", f"announce {house.case} version=1.0.1")
    assert preview is not None
    house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    assert house.file(house.case).case.released_at == START


@pytest.mark.parametrize(("why", "way"), [("public", "exposed {case} public"), ("minor", "embargo {case} end REASON")])
def test_an_embargo_in_force_does_not_end_by_the_way(members_house: House, why: str, way: str) -> None:
    house = members_house
    before = house.state()
    refused = house.say("maintainer", "security", f"triage {house.case} open={why}")
    assert refused is not None
    assert refused.title.endswith(f"to end it: {way.format(case=house.case)}")
    assert house.state() == before


# --- the reporter --------------------------------------------------------------------------------------------------


def test_the_reporters_own_date_is_a_deviation_that_everybody_sees_and_reminders_respect(members_house: House) -> None:
    house = members_house
    noted = house.direct("finder", f'report {house.case} disclose="in 8 days" process="zqprocessqz only by mail"')
    assert noted is not None
    assert noted.title == f"{house.case}: noted, as you wish"
    assert house.file(house.case).case.asked_date == (START + timedelta(days=8)).replace(hour=15)
    card = house.last("security", kind="case card")
    assert "the reporter means to publish" in card.text
    assert "zqprocessqz" in card.text
    house.say("debian", house.case, "show")
    assert "the reporter means to publish" in house.last(house.case).text
    assert readers(house, "zqprocessqz") == {TEAM, frozenset({address("finder")})}  # who sees what was noted of them
    house.wait(days=2)
    assert "the reporter means to publish soon" in house.last("security", kind="reminder").document.title


def test_a_wish_is_the_first_reporters_and_of_an_open_case(members_house: House) -> None:
    house = members_house
    first, second = house.case, second_report(house)
    house.say("maintainer", "security", f"duplicate {second} {first}")
    refused = house.direct("second", f"report {first} known=yes")
    assert refused is not None
    assert refused.title == f"{first} was reported by others, too; say what you wish with your own report"
    past = house.direct("finder", f"report {first} disclose=2020-01-01")
    assert past is not None
    assert "lies in the past" in past.title


def test_the_reporter_hears_of_each_step_in_fixed_phrases(house: House) -> None:
    case = privately_released(house)
    preview = house.say("maintainer", "security", f"announce {case}")
    assert preview is not None
    house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    house.say("maintainer", "security", f"close {case}")
    news = [seen.document.title.removeprefix(f"{case}: ") for seen in house.seen_by("finder")]
    assert news == [
        "your report has arrived",
        "we take your report on",
        "those who package or run it are told now, in private",
        news[3],
        "1.0.1 is out, with the fix for what you found. Thank you",
        "your report is closed. Thank you",
    ]
    assert "1.0.1" in news[3]
    for name in ("debian", "fedora", "suse"):
        assert name not in "".join(seen.text for seen in house.seen_by("finder"))


def test_a_reporter_who_wished_it_reads_the_advisory_before_it_is_decided(house: House) -> None:
    house.direct("finder", f"report review=yes {REPORT}")
    case = house.case
    house.say("maintainer", "security", f"triage {case} open=minor Job queue overflow")
    house.say("maintainer", "security", f"announce {case} version=1.0.1 A crafted name zqdraftqz.")
    draft = house.last("direct", "finder")
    assert draft.document.title == f"{case}: this is what the public will read; is it right?"
    assert readers(house, "zqdraftqz") == {TEAM, frozenset({address("finder")})}
    house.direct("finder", f"report {case} It is the queue daemon's name.")
    assert "the queue daemon's name" in house.last("security", kind="addition").text


def test_a_leak_of_one_case_asks_about_the_linked_one(house: House) -> None:
    house.direct("second", "report the daemon, too")
    other = house.case
    house.say("maintainer", "security", f"triage {other} The daemon")
    first = embargoed(house)
    house.say("maintainer", "security", f"duplicate {other} {first}")
    house.say("maintainer", "security", f"exposed {first} public")
    assert f"Linked, and still under an embargo: {other}. Is that out, too?" in house.last("security").text
    assert house.file(other).case.embargo == Embargo.ACTIVE
