"""Notification and embargo (policy step 2): who is asked, told and bound, and until when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chatops.model.machines import Consent, Embargo
from tests.house import REPORT, START, House, address, embargoed, reported, with_roster


def consent(house: House, who: str) -> Consent:
    file = house.file(house.case)
    return next(Consent(one.consent) for one in file.participants.values() if file.name(one.contact) == who)


def told(house: House, who: str) -> list[str]:
    """The kinds of what somebody has read."""
    return [seen.document.kind for seen in house.seen_by(who)]


# --- inviting ------------------------------------------------------------------------------------------------------


def test_standing_terms_bring_the_details_at_once_others_are_asked_with_five_facts_only(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"invite {house.case} all-packagers")
    assert consent(house, "debian") is Consent.SIGNATORY
    assert "notice" in told(house, "debian")
    assert "debian" in house.members(house.case)
    assert consent(house, "suse") is Consent.INVITED
    question = house.seen_by("suse")[-1]
    assert question.document.kind == "question"
    assert "Job queue overflow" not in question.text
    assert "1.0.0" not in question.text
    assert house.case in question.text
    assert "high" in question.text
    assert "suse" not in house.members(house.case)
    assert house.file(house.case).case.notified_at == START


def test_who_is_on_board_already_is_not_asked_again(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"contacts add quiet address=matrix:{address('quiet')}")
    before = len(house.seen_by("debian"))
    card = house.say("maintainer", "security", f"invite {house.case} debian suse maintainer-2")
    assert card is not None
    text = house.last("security").text
    assert "a member already" in text
    assert "asked already, and once more now" in text
    assert "on the team already" in text
    assert card.title == f"{house.case}: 0 notified, 3 not"
    assert before == len(house.seen_by("debian"))


def test_an_organisation_and_a_group_mean_their_contacts(embargoed_house: House) -> None:
    house = embargoed_house
    for name in ("cook", "baker"):
        told = f"organisation=OpenHPC address=matrix:{address(name)}"
        house.say("maintainer", "security", f"contacts add {name} {told}")
    house.say("maintainer", "security", f"invite {house.case} openhpc")
    assert consent(house, "cook") is consent(house, "baker") is Consent.INVITED
    refused = house.say("maintainer", "security", f"invite {house.case} all-reporters")
    assert refused is not None
    assert refused.kind == "refusal"


def test_a_coordinator_may_decide_to_tell_in_the_message_that_asks(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"invite {house.case} suse tell=now")
    assert house.last("direct", "suse").document.kind == "notice"
    assert consent(house, "suse") is Consent.INVITED
    assert "suse" not in house.members(house.case)
    assert house.journal(house.case)[-2].what == "notified" or any(
        entry.what == "notified" and entry.told["facts"]["how"] == "told and asked"
        for entry in house.journal(house.case)
    )


def test_who_is_reached_by_no_service_that_runs_does_not_count_as_asked(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", "contacts add far address=slack:U0123ABCD standing=yes")
    house.say("maintainer", "security", f"invite {house.case} far")
    assert "not reachable: no address on matrix" in house.last("security").text
    file = house.file(house.case)
    assert "far" not in {file.name(one) for one in file.participants}


def test_who_cannot_be_reached_where_they_are_said_to_be_is_told_and_tried_anew(embargoed_house: House) -> None:
    from chatops.ports import Effect, Impossible, OpenRoom

    house = embargoed_house

    def nobody_there(effect: Effect) -> Exception | None:
        deed = effect.deed
        return Impossible("no-such-user") if isinstance(deed, OpenRoom) and deed.purpose == "direct" else None

    house.chat.fail = nobody_there
    house.say("maintainer", "security", f"invite {house.case} suse")
    assert "suse could not be reached on matrix: 1 messages did not arrive" in house.last("security").text or any(
        "suse could not be reached" in seen.text for seen in house.seen_in("security")
    )
    assert not [row for row in house.stuck() if row.state == "waiting"]
    house.chat.fail = lambda effect: None
    house.say("maintainer", "security", f"remove {house.case} suse")
    house.say("maintainer", "security", f"invite {house.case} suse")
    assert house.last("direct", "suse").document.kind == "question"


def test_nobody_is_invited_where_no_embargo_is_in_force(reported_house: House) -> None:
    house = reported_house
    refused = house.say("maintainer", "security", f"invite {house.case} debian")
    assert refused is not None
    assert refused.title == f"no embargo is in force in {house.case}; triage it first"


# --- answering -----------------------------------------------------------------------------------------------------


def test_accepting_brings_the_case_and_the_room_and_everybody_hears_it(members_house: House) -> None:
    house = members_house
    before = len(house.seen_by("debian"))
    answer = house.react("suse", house.last("direct", "suse", kind="question"), "✅")
    assert answer is not None
    assert "Job queue overflow" in house.last("direct", "suse").text
    assert house.members(house.case) == {"maintainer", "maintainer-2", "debian", "fedora", "suse"}
    assert any("suse accepted" in seen.text for seen in house.seen_by("debian")[before:])
    again = house.direct("suse", f"accept {house.case}")
    assert again is not None
    assert again.title == f"you are a member of {house.case} already"


def test_declining_takes_the_room_and_only_a_coordinator_can_ask_again(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"decline {house.case}")
    assert consent(house, "fedora") is Consent.DECLINED
    assert "fedora" not in house.members(house.case)
    again = house.direct("fedora", f"accept {house.case}")
    assert again is not None
    assert again.title == f"you declined {house.case}; I told the coordinators that you would like to be invited again"
    house.say("maintainer", "security", f"invite {house.case} fedora")
    house.direct("fedora", f"accept {house.case}")
    assert "fedora" in house.members(house.case)


def test_a_refusal_of_one_case_under_standing_terms_is_one_word(members_house: House) -> None:
    house = members_house
    notice = house.last("direct", "debian", kind="notice")
    house.react("debian", notice, "❌")
    assert consent(house, "debian") is Consent.DECLINED
    house.say("maintainer", "security", f"invite {house.case} debian")
    assert consent(house, "debian") is Consent.INVITED  # asked this time


def test_removing_takes_the_room_at_once_and_ends_what_they_may_know(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"remove {house.case} fedora")
    assert consent(house, "fedora") is Consent.REMOVED
    assert "fedora" not in house.members(house.case)
    before = len(house.seen_by("fedora"))
    house.say("maintainer", "security", f"tell {house.case} Something new.")
    assert len(house.seen_by("fedora")) == before
    asked = house.direct("fedora", f"show {house.case}")
    assert asked is not None
    assert asked.title.startswith('I know no "show"')


def test_a_yes_to_a_question_that_was_replaced_does_not_count(members_house: House) -> None:
    house = members_house
    old = house.last("direct", "suse", kind="question")
    house.say("maintainer", "security", f"embargo {house.case} date in 50 days")
    new = house.last("direct", "suse", kind="question")
    assert new.event != old.event
    refused = house.react("suse", old, "✅")
    assert refused is not None
    assert refused.kind == "refusal"
    assert consent(house, "suse") is Consent.INVITED
    house.react("suse", new, "✅")
    assert consent(house, "suse") is Consent.SIGNATORY


# --- dates ---------------------------------------------------------------------------------------------------------


def test_a_longer_date_lapses_acceptances_but_not_under_standing_terms(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    assert consent(house, "debian") is Consent.SIGNATORY
    assert consent(house, "fedora") is Consent.LAPSED
    assert "fedora" in house.members(house.case)  # until the date that they did accept
    assert house.last("direct", "fedora").document.kind == "question"
    house.wait(days=31)
    assert "fedora" not in house.members(house.case)
    before = len(house.seen_by("fedora"))
    house.say("maintainer", "security", f"tell {house.case} Something new.")
    assert len(house.seen_by("fedora")) == before
    house.direct("fedora", f"accept {house.case}")
    assert consent(house, "fedora") is Consent.SIGNATORY
    assert "fedora" in house.members(house.case)
    assert house.journal_is_good()


def test_a_shorter_date_binds_without_asking(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 10 days")
    assert consent(house, "fedora") is Consent.SIGNATORY
    assert house.last(house.case).document.kind == "date"


def test_a_review_behind_the_release_date_changes_nobodys_terms(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 10 days")
    house.say("maintainer", "security", f"embargo {house.case} review in 20 days")
    assert consent(house, "fedora") is Consent.SIGNATORY


def test_who_lapsed_is_not_turned_out_by_a_second_invitation(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    house.say("maintainer", "security", f"invite {house.case} fedora")
    assert consent(house, "fedora") is Consent.LAPSED
    assert "fedora" in house.members(house.case)


def test_members_propose_and_vote_and_coordinators_close_the_question(members_house: House) -> None:
    house = members_house
    case = house.case
    no_reason = house.say("fedora", case, f"embargo {case} date in 20 days")
    assert no_reason is not None
    assert no_reason.kind == "refusal"
    card = house.say("fedora", case, 'embargo date in 20 days reason="our builds"')
    assert card is not None
    assert card.kind == "date"
    assert house.file(case).case.embargo == Embargo.REVISE
    mute = house.say("debian", case, "object")
    assert mute is not None
    assert mute.title == f"say why, so that others can answer: object {case} REASON"
    house.say("debian", case, "object Too late for us.")
    assert "Too late for us." in house.last("security", kind="date").text
    for verb in ("accept", "reject", "end because"):
        refused = house.say("fedora", case, f"embargo {verb}")
        assert refused is not None
        assert "coordinators" in refused.title
    house.say("maintainer", case, "embargo reject We keep the old one.")
    assert house.file(case).case.embargo == Embargo.ACTIVE
    assert [one.state for one in house.file(case).proposals] == ["accepted", "rejected"]  # first the default
    house.direct("fedora", f'embargo {case} date in 25 days reason="please"')
    house.say("maintainer", "security", f"embargo {case} accept")
    assert house.file(case).case.release_date == datetime(2026, 3, 27, 15, tzinfo=UTC)
    ledger = house.direct("fedora", f"embargo {case}")
    assert ledger is not None
    assert "not taken" in house.last("direct", "fedora").text


def test_ending_the_embargo_announces_nothing_and_tells_everybody_who_was_ever_asked(members_house: House) -> None:
    house = members_house
    house.room("public")
    house.direct("fedora", f"decline {house.case}")
    house.say("maintainer", "security", f"embargo {house.case} end It became known.")
    assert house.file(house.case).case.embargo == Embargo.EXITED
    for who in ("debian", "fedora", "suse", "finder"):
        assert house.last("direct", who).document.kind == "embargo over", who
    assert not house.seen_in("public")
    assert "next-word" in next(row for row in _timers(house) if "next-word" in row)
    assert not [row for row in _timers(house) if row.startswith(("crd", "review"))]


def _timers(house: House) -> list[str]:
    from sqlmodel import Session, select

    from chatops.model.flow import TimerRow

    with Session(house.engine) as session:
        return list(session.exec(select(TimerRow.key)).all())


def test_former_members_still_see_the_case_and_say_that_they_deployed(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"status {house.case} affected")
    house.say("maintainer", "security", f"embargo {house.case} end It became known.")
    shown = house.direct("fedora", f"show {house.case}")
    assert shown is not None
    assert shown.kind == "case card"
    house.direct("fedora", f"status {house.case} deployed")
    down = house.file(house.case).downstreams["Fedora"]
    assert (down.fix, down.answer) == ("VFD", "deployed")
    assert house.direct("suse", f"show {house.case}") is not None
    assert house.last("direct", "suse").document.kind == "refusal"


# --- status --------------------------------------------------------------------------------------------------------


def test_status_is_per_organisation_and_silence_is_its_own_state(members_house: House) -> None:
    house = members_house
    house.say("fedora", house.case, "status fix-ready version=1:1.0.1-2.fc44")
    shown = house.say("maintainer", "security", f"show {house.case}")
    assert shown is not None
    text = house.last("security").text
    assert "fix ready (1:1.0.1-2.fc44)" in text
    assert "no answer" in text
    down = house.file(house.case).downstreams["Fedora"]
    assert (down.fix, down.version) == ("VFd", "1:1.0.1-2.fc44")
    assert "Fedora is fix ready" in house.last(house.case, kind="status").text
    house.direct("debian", "status not-affected")
    assert "Debian is not affected" in house.last(house.case, kind="status").text


def test_a_packager_who_reports_speaks_for_their_organisation_once_they_are_a_member(house: House) -> None:
    house.direct("debian", f"report {REPORT}")
    case = house.case
    house.say("maintainer", "security", f"triage {case}")
    house.say("maintainer", "security", f"invite {case} debian")
    status = house.direct("debian", f"status {case} affected")
    assert status is not None
    assert status.kind == "status"
    assert house.file(case).downstreams["Debian"].answer == "affected"
    room = house.say("maintainer", case, "show")
    assert room is not None
    assert "debian" in house.last(case).text  # among those asked


# --- updates and who reported --------------------------------------------------------------------------------------


def test_an_update_reaches_everybody_in_their_own_place_and_the_reporters_wait_begins_anew(
    members_house: House,
) -> None:
    house = members_house
    house.direct("suse", f"decline {house.case}")  # so that nobody is asked again meanwhile
    house.say("maintainer", "security", f"own {house.case}")  # nor an owner called for
    house.wait(days=2)
    done = house.say("maintainer", "security", f"tell {house.case} Archives follow — on “Thursday”.")
    assert done is not None
    assert done.title == f"{house.case}: told to 2 members and the reporter"
    for seen in (house.last(house.case, kind="update"), house.last("direct", "finder", kind="update")):
        assert "Archives follow — on “Thursday”." in seen.text
    before = len(house.seen_in("security"))
    house.wait(days=2)
    assert len(house.seen_in("security")) == before
    house.wait(days=2)
    assert house.last("security").document.kind == "reminder"


@pytest.mark.parametrize("verb", ["triage", "own", "show", "timeline", "embargo", "team"])
def test_what_coordinators_type_in_an_embargo_room_does_not_tell_who_reported(members_house: House, verb: str) -> None:
    house = members_house
    house.say("fedora", house.case, 'embargo date in 20 days reason="our builds"')
    house.direct("finder", f"agree {house.case}")
    house.say("maintainer", house.case, verb)
    name = house.file(house.case).name(house.file(house.case).case.reporter)
    shown = "".join(seen.text for seen in house.seen_in(house.case))
    assert name not in shown
    assert "the reporter agrees" in shown
    house.say("maintainer", "security", f"show {house.case}")
    assert name in house.last("security").text


def test_closing_in_the_embargo_room_does_not_tell_who_reported(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} end Over.")
    house.say("maintainer", house.case, "close Nothing to release.")
    name = house.file(house.case).name(house.file(house.case).case.reporter)
    assert name not in "".join(seen.text for seen in house.seen_in(house.case))
    assert name in house.last("security", kind="closed").text


def test_a_reporter_who_allows_it_is_named(house: House) -> None:
    house.direct("finder", f"report known=yes {REPORT}")
    house.say("maintainer", "security", f"triage {house.case}")
    house.say("maintainer", "security", f"invite {house.case} debian")
    name = house.file(house.case).name(house.file(house.case).case.reporter)
    assert name in house.last("direct", "debian", kind="notice").text


def test_what_the_reporter_is_told_of_a_vote_does_not_name_members(members_house: House) -> None:
    house = members_house
    house.say("fedora", house.case, 'embargo date in 20 days reason="our builds"')
    house.direct("finder", f"agree {house.case}")
    text = house.last("direct", "finder").text
    assert "noted: you agree" in text
    assert "fedora" not in text
    assert "our builds" not in text


# --- the roster ----------------------------------------------------------------------------------------------------


def test_who_comes_back_to_the_roster_comes_back_without_their_old_role(house: House) -> None:
    told = f"address=matrix:{address('third')}"
    house.say("maintainer", "security", f"contacts add third roles=coordinator {told}")
    assert "third" in house.members("security")
    house.say("maintainer", "security", "contacts remove third")
    assert "third" not in house.members("security")
    house.say("maintainer", "security", f"contacts add third {told}")
    assert "third" not in house.members("security")
    shown = house.say("maintainer", "security", "contacts show third")
    assert shown is not None
    assert "coordinator" not in house.last("security").text


def test_the_last_coordinator_stays() -> None:
    house = House(coordinators=("maintainer",))
    house.say("maintainer", "security", f"contacts add second roles=coordinator address=matrix:{address('second')}")
    mine = house.say("second", "security", "contacts change maintainer roles=packager")
    assert mine is not None
    assert "by the configuration" in mine.title
    house.say("maintainer", "security", "contacts change second roles=packager")
    assert house.members("security") == {"maintainer"}


def test_a_new_coordinator_comes_into_every_room_of_an_open_case(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"contacts add third roles=coordinator address=matrix:{address('third')}")
    assert "third" in house.members("security")
    assert "third" in house.members(house.case)
    house.say("maintainer", "security", "contacts change third roles=packager")
    assert "third" not in house.members(house.case)


def test_standing_terms_run_out(house: House) -> None:
    house.wait(days=366)
    embargoed(house)
    house.say("maintainer", "security", f"invite {house.case} debian")
    assert consent(house, "debian") is Consent.INVITED


def test_addresses_are_one_persons_only(house: House) -> None:
    refused = house.say("maintainer", "security", f"contacts add double address=matrix:{address('debian')}")
    assert refused is not None
    assert refused.title == f"matrix:{address('debian')} is the address of debian already"


def test_the_default_terms_come_from_the_configuration() -> None:
    house = with_roster(House(review_days=10, tell_now=True))
    case = reported(house)
    house.say("maintainer", "security", f"triage {case}")
    assert house.file(case).case.review_date == START + timedelta(days=10)
    house.say("maintainer", "security", f"invite {case} suse")
    assert house.last("direct", "suse").document.kind == "notice"
