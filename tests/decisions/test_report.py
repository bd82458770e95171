"""A report, from the first word to its triage or rejection (policy step 1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import col, select

from chatops.document import Tlp
from chatops.model.flow import TimerRow
from chatops.model.machines import Embargo, Report
from chatops.plain import plain_text
from tests.house import REPORT, START, TERMS, House, address, reported


def test_a_stranger_who_reports_becomes_a_contact_with_a_name_that_tells_nothing(house: House) -> None:
    receipt = house.direct("finder", f"report {REPORT}")
    assert receipt is not None
    assert receipt.title == f"{house.case}: your report has arrived"
    assert receipt.tlp == Tlp.GREEN
    file = house.file(house.case)
    assert file.name(file.case.reporter) == f"reporter-{house.case[-4:].casefold()}"
    assert (file.case.report, file.case.embargo, file.case.triaged_at) == (Report.RECEIVED, Embargo.NONE, None)
    told = house.last("security", kind="new report")
    assert REPORT in told.text
    assert set(told.post.ping) == {address("maintainer"), address("maintainer-2")}
    assert house.journal_is_good()


def test_a_report_is_kept_word_for_word(house: House) -> None:
    text = "It’s here — “quoted”…\n\n    indented\ttab\n\u200bzero width"
    case = reported(house, text)
    told = house.last("security", kind="new report").document
    assert any(getattr(block, "text", None) == text for block in told.blocks)
    shown = house.say("maintainer", "security", f"show {case}")
    assert shown is not None
    assert any(getattr(block, "text", None) == text for block in shown.blocks)


def test_wishes_are_on_record_and_help_is_answered_sooner(house: House) -> None:
    house.direct("finder", f'report credit="A. Finder" review=yes {REPORT}')
    slow = house.file(house.case).case
    house.direct("other", f"report help=yes {REPORT}")
    fast = house.file(next(c for c in house.cases() if c != slow.id)).case
    assert slow.wishes == {"review": "yes"}
    assert slow.credit == "A. Finder"
    assert fast.next_word is not None
    assert slow.next_word is not None
    assert fast.next_word < slow.next_word


def test_wishes_are_shown_as_they_were_understood_and_taken_back(reported_house: House) -> None:
    house = reported_house
    case = house.case
    noted = house.direct(
        "finder", f'report {case} credit="A. Finder" disclose="in 10 days" process="by CERT" review=yes'
    )
    assert noted is not None
    for shown in (
        "Credit: A. Finder",
        "You mean to publish: Thu 12 Mar 2026",
        "Review: yes",
        "Another process: by CERT",
    ):
        assert shown in plain_text(noted)
    assert "means to publish" in house.last("security").text
    assert _asked_alarms(house)
    house.direct("finder", f"report {case} disclose=none process=no credit=none")
    assert "Deviation" not in house.last("security").text
    assert not _asked_alarms(house)
    stands = house.direct("finder", f"report {case}")
    assert stands is not None
    assert "Review: yes" in plain_text(stands)
    assert "Credit" not in plain_text(stands)
    assert (house.file(case).case.credit, house.file(case).case.asked_date, house.file(case).case.process) == (
        None,
    ) * 3


def _asked_alarms(house: House) -> int:
    with house.read() as session:
        return len(session.exec(select(TimerRow).where(TimerRow.kind == "asked", col(TimerRow.fired).is_(False))).all())


def test_the_list_of_a_reporters_cases_points_to_what_they_may_use(reported_house: House) -> None:
    listed = reported_house.direct("finder", "cases")
    assert listed is not None
    assert "One of them: !dynasched report CASE" in plain_text(listed)


def test_a_report_with_an_open_quote_is_kept_and_says_what_was_noted(house: House) -> None:
    receipt = house.direct("finder", 'report credit="Bob The queue overflows')
    assert receipt is not None
    assert house.file(house.case).case.credit == "Bob"
    assert "Credit: Bob" in plain_text(receipt)
    assert f"report {house.case} credit=" in plain_text(receipt)


def test_the_reporter_adds_and_sees_where_it_stands_and_reads_nothing_of_others(members_house: House) -> None:
    house = members_house
    added = house.direct("finder", f"report {house.case} Also in 0.9.")
    assert added is not None
    assert added.title == f"{house.case}: added to your report"
    assert "Also in 0.9." in house.last("security", kind="addition").text
    stands = house.direct("finder", f"report {house.case}")
    assert stands is not None
    assert stands.kind == "progress"
    text = house.last("direct", "finder").text
    assert "fedora" not in text
    assert "debian" not in text
    assert house.direct("finder", "report") is not None
    assert house.case in house.last("direct", "finder").text


def test_another_persons_report_is_neither_seen_nor_added_to(reported_house: House) -> None:
    house = reported_house
    other = house.direct("nosy", f"report {house.case} tell me more")
    assert other is not None
    assert other.title == f"there is no case {house.case}"
    coordinator = house.say("maintainer", "security", f"report {house.case} more of it")
    assert coordinator is not None
    assert "not your own report" in coordinator.title
    assert len(house.cases()) == 1


def test_a_cve_in_front_of_a_report_is_no_case(house: House) -> None:
    receipt = house.direct("finder", "report CVE-2026-1234 is in your queue, too")
    assert receipt is not None
    assert receipt.kind == "receipt"


def test_a_report_in_an_unencrypted_chat_is_answered_in_an_encrypted_one(house: House) -> None:
    room = house.open_direct("finder", encrypted=False)
    assert house.say("finder", room, f"report {REPORT}", bare=True) is None
    receipt = house.seen_by("finder")[-1]
    assert receipt.document.kind == "receipt"
    assert receipt.room != room
    assert house.chat.rooms[receipt.room].encrypted


def test_triage_accepts_the_report_and_default_terms_make_the_embargo_active(reported_house: House) -> None:
    house = reported_house
    card = house.say("maintainer", "security", f"triage {house.case} severity={TERMS} Job queue overflow")
    assert card is not None
    case = house.file(house.case).case
    assert (case.report, case.embargo, case.title) == (Report.ACCEPTED, Embargo.ACTIVE, "Job queue overflow")
    assert (case.band, case.triaged_at) == ("high", START)
    assert case.review_date == START + timedelta(days=30)
    assert house.members(house.case) == {"maintainer", "maintainer-2"}
    assert house.last("direct", "finder").document.kind == "progress"


def test_triage_again_amends_and_changes_no_machine(embargoed_house: House) -> None:
    house = embargoed_house
    before = house.file(house.case).case
    house.say("maintainer", "security", f'triage {house.case} mitigation="Limit names to 64 bytes" cve=cve-2026-12345')
    after = house.file(house.case).case
    assert (after.mitigation, after.cve) == ("Limit names to 64 bytes", "CVE-2026-12345")
    assert (after.embargo, after.review_date, after.triaged_at) == (
        before.embargo,
        before.review_date,
        before.triaged_at,
    )
    assert house.journal(house.case)[-1].what == "triage amended"


def test_a_case_found_by_the_team_has_its_finder_as_owner(house: House) -> None:
    house.say("maintainer-2", "security", "triage The daemon's socket isn't checked")
    file = house.file(house.case)
    assert file.case.title == "The daemon's socket isn't checked"
    assert file.name(file.case.owner) == "maintainer-2"
    assert file.case.embargo == Embargo.ACTIVE


def test_the_reporters_own_date_stays_a_proposal_until_a_coordinator_takes_it(house: House) -> None:
    house.direct("finder", f'report disclose="2026-04-10 15:00 UTC" {REPORT}')
    case = house.case
    house.say("maintainer", "security", f"triage {case} severity={TERMS}")
    assert house.file(case).case.embargo == Embargo.PROPOSED
    refused = house.say("maintainer", "security", f"invite {case} debian")
    assert refused is not None
    assert "no embargo is in force" in refused.title
    house.say("maintainer-2", "security", f"embargo {case} accept")
    accepted = house.file(case)
    assert accepted.case.embargo == Embargo.ACTIVE
    assert f"{accepted.case.release_date:%Y-%m-%d %H:%M}" == "2026-04-10 15:00"
    assert house.last("direct", "finder").document.title == f"{case}: the embargo is active"


def test_other_terms_of_a_coordinator_need_a_second_one_or_the_reporter(house: House) -> None:
    case = reported(house)
    house.say("maintainer", "security", f"embargo {case} date 2026-04-10 15:00 UTC")
    assert house.file(case).case.embargo == Embargo.PROPOSED
    again = house.say("maintainer", "security", f"embargo {case} accept")
    assert again is not None
    assert again.title == "a second coordinator or the reporter must accept terms that are not the default"
    asked = house.last("direct", "finder", kind="date")
    answer = house.react("finder", asked, "👍")
    assert answer is not None
    assert "you agree" in answer.title
    file = house.file(case)
    assert file.case.embargo == Embargo.ACTIVE
    assert [one.state for one in file.proposals] == ["accepted"]


def test_of_two_first_proposals_the_shorter_wins_and_the_longer_becomes_a_revision(house: House) -> None:
    house.direct("finder", f'report disclose="2026-04-10 15:00 UTC" {REPORT}')
    case = house.case
    house.say("maintainer", "security", f"triage {case}")
    house.say("maintainer", "security", f"embargo {case} date 2026-05-10 15:00 UTC")
    assert house.file(case).question is not None
    house.say("maintainer-2", "security", f"embargo {case} accept")
    file = house.file(case)
    assert f"{file.case.release_date:%m-%d}" == "04-10"
    assert file.case.embargo == Embargo.REVISE
    assert file.question is not None
    assert f"{file.question.at:%m-%d}" == "05-10"


def test_with_a_quorum_of_one_a_coordinators_terms_hold_at_once() -> None:
    house = House(coordinators=("maintainer",), quorum=1)
    case = reported(house)
    house.say("maintainer", "security", f"embargo {case} review in 5 days")
    assert house.file(case).case.embargo == Embargo.ACTIVE


def test_the_owner_and_a_backup_are_set_and_the_reporter_hears_a_name(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", f"own {house.case} maintainer-2 backup=maintainer")
    file = house.file(house.case)
    assert (file.name(file.case.owner), file.name(file.case.backup)) == ("maintainer-2", "maintainer")
    assert "maintainer-2" in house.last("direct", "finder").text
    same = house.say("maintainer", "security", f"own {house.case} maintainer backup=maintainer")
    assert same is not None
    assert same.kind == "refusal"


def test_an_expert_is_on_the_team_before_any_embargo_and_off_it_again(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", f"contacts add expert roles=expert address=matrix:{address('expert')}")
    house.say("maintainer", "security", f"team {house.case} add expert")
    assert REPORT in house.last("direct", "expert").text
    shown = house.direct("expert", "show")
    assert shown is not None
    assert shown.kind == "case card"
    assert house.direct("expert", f"own {house.case}") is not None
    assert house.last("direct", "expert").document.kind == "refusal"
    house.say("maintainer", "security", f"team {house.case} remove expert")
    gone = house.direct("expert", f"show {house.case}")
    assert gone is not None
    assert gone.title.startswith('I know no "show"')


def test_a_rejection_reaches_the_reporter_and_a_second_thought_reopens_it(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", f"reject {house.case} This needs root already.")
    assert "This needs root already." in house.last("direct", "finder").text
    assert house.file(house.case).case.report == Report.INVALID
    house.say("maintainer", "security", f"triage {house.case} It was right after all")
    case = house.file(house.case).case
    assert (case.report, case.embargo, case.outcome, case.reason) == (Report.ACCEPTED, Embargo.ACTIVE, None, None)


def test_a_rejected_proposal_leaves_no_question_behind(house: House) -> None:
    case = reported(house)
    house.say("maintainer", "security", f"embargo {case} date 2026-04-10 15:00 UTC")
    house.say("maintainer", "security", f"reject {case} It is no vulnerability.")
    assert house.file(case).question is None
    vote = house.direct("finder", f"agree {case}")
    assert vote is not None
    assert vote.title == f"no date is proposed in {case}"


@pytest.mark.parametrize("where", ["direct", "security"])
def test_a_coordinator_reports_like_anybody(house: House, where: str) -> None:
    receipt = house.say("maintainer", where, f"report {REPORT}")
    assert receipt is not None
    assert receipt.kind == "receipt"
    assert house.file(house.case).case.reporter is not None


def test_progress_is_a_word_and_moves_the_date_of_the_next_one(reported_house: House) -> None:
    house = reported_house
    case = house.case

    def promised() -> int:
        at = house.file(case).case.next_word
        assert at is not None
        return (at - house.clock.now).days

    assert promised() == 3
    for line in (f"triage {case} Job queue overflow", f"invite {case} debian", f"embargo {case} date in 9 days"):
        house.wait(days=2)
        house.say("maintainer", "security", line)
        assert promised() == 3, line
    assert not [seen for seen in house.seen_in("security") if "waits for a word" in seen.text]
    assert "Next word by: Wed 11 Mar 2026" in house.last("direct", "finder", kind="progress").text
    house.wait(days=4)
    assert "we owe you a word" in plain_text(house.direct("finder", f"report {case}"))  # type: ignore[arg-type]
    assert house.journal_is_good()


def test_who_is_taken_up_again_after_a_rejection_is_promised_a_word(reported_house: House) -> None:
    house = reported_house
    house.say("maintainer", "security", f"reject {house.case} It needs root.")
    house.say("maintainer", "security", f"triage {house.case} It is one after all")
    assert "Next word by: Thu 5 Mar 2026" in house.last("direct", "finder", kind="progress").text


def test_an_update_can_be_for_the_reporter_or_for_the_room_alone(members_house: House) -> None:
    house = members_house
    case = house.case
    told = house.say("maintainer", "security", f"tell {case} to=reporter Could you send us your test?")
    assert told is not None
    assert told.title == f"{case}: told to the reporter"
    assert "Could you send us" in house.last("direct", "finder", kind="update").text
    assert not [seen for seen in house.seen_by("debian") if "Could you send us" in seen.text]
    told = house.say("maintainer", "security", f"tell {case} to=members Please try the build.")
    assert told is not None
    assert told.title == f"{case}: told to 2 members"
    assert "Please try" in house.last(case, kind="update").text
    assert not [seen for seen in house.seen_by("finder") if "Please try" in seen.text]
    own = house.say("maintainer", "security", "triage A matter of our own")
    assert own is not None
    nobody = house.say("maintainer", "security", f"tell {house.case} to=reporter Hello?")
    assert nobody is not None
    assert nobody.title == f"{house.case} has no reporter that I could tell"


def test_a_word_to_one_person_alone_goes_where_only_they_read_it(members_house: House) -> None:
    house = members_house
    case = house.case
    told = house.say("maintainer", "security", f"tell {case} to=debian Your build fails in the zq test?")
    assert told is not None
    assert told.title == f"{case}: told to debian alone"
    theirs = house.last("direct", "debian", kind="update")
    assert theirs.document.title == f"{case}: maintainer writes to you alone"
    assert "the case's room does not show it" in theirs.text
    readers = {reader for seen in house.chat.seen if "zq test" in seen.text for reader in seen.readers}
    assert readers == {address(one) for one in ("maintainer", "maintainer-2", "debian")}
    timelines = {where: house.say(who, where, f"timeline {case}") for who, where in TIMELINES}
    assert "told alone: debian" in plain_text(timelines["security"] or told)
    assert "told alone" not in plain_text(timelines["direct"] or told)
    assert house.journal_is_good()
    word = house.say("maintainer", "security", f"tell {case} to=reporter-{case[-4:].lower()} Thank you so far.")
    assert word is not None
    assert "Thank you so far." in house.last("direct", "finder", kind="update").text


TIMELINES = (("maintainer", "security"), ("fedora", "direct"))


@pytest.mark.parametrize(
    ("to", "refused"),
    [
        ("suse", "suse has not accepted the terms of {case}, so I tell them nothing of it; see show {case}"),
        ("maintainer-2", "maintainer-2 is on the team; write to them yourself"),
        ("debain", 'no contact is called "debain"; did you mean debian?'),
    ],
)
def test_who_may_not_hear_of_a_case_is_told_nothing_alone(members_house: House, to: str, refused: str) -> None:
    house = members_house
    answer = house.say("maintainer", "security", f"tell {house.case} to={to} Look at the zq test.")
    assert answer is not None
    assert answer.title.startswith(refused.format(case=house.case))
    assert not [seen for seen in house.seen_by(to) if "zq test" in seen.text and seen.document.kind == "update"]


def test_a_word_to_one_alone_is_not_typed_where_all_read_along(members_house: House) -> None:
    answer = members_house.say("maintainer", members_house.case, "tell to=debian Your build fails?")
    assert answer is not None
    assert answer.title.startswith("every member reads along here")
