"""What comes of GitHub's page over time: drafts, drift, missing digests, private reports, trouble told once."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from chatops.service.reminders import REPORTS, WATCH
from chatops.service.timers import cancel_timer, set_timer
from tests.decisions.test_checksums import survey
from tests.house import TERMS, House, privately_released, with_roster

OURS, WRONG = "11" * 32, "99" * 32
NAME = "dynasched-1.0.0.tar.bz2"


@pytest.fixture
def house() -> House:
    """1.0.0 is on GitHub's page."""
    made = with_roster(House(github=True))
    made.host.release("1.0.0", sha256=OURS)
    survey(made)
    return made


def due(house: House, key: str) -> None:
    with Session(house.engine) as session:
        set_timer(session, key, house.clock.now, key)
        session.commit()
    house.run()


def watch(house: House) -> list[str]:
    """The alerts of a watch."""
    before = len(house.seen_in("security"))
    due(house, WATCH)
    house.wait(minutes=10)
    return [one.text for one in house.seen_in("security")[before:] if one.document.kind == "release watch"]


def test_digests_that_nobody_stated_are_computed_once(house: House) -> None:
    assert house.host.done.count("inspect") == 1
    answer = house.public("anybody", f"verify {OURS[:40]}  {NAME}")  # a SHA-1, which GitHub does not state
    assert answer is not None
    assert answer.title == f"{NAME}: this line is the one we published"
    survey(house)
    assert house.host.done.count("inspect") == 1


def test_what_drifts_is_told_in_one_alert_and_once(house: House) -> None:
    assert watch(house) == []
    house.host.release("1.0.1", sha256="22" * 32)
    survey(house)
    house.host.downloads = {NAME: WRONG, "dynasched-1.0.1.tar.bz2": None}
    [alert] = watch(house)
    assert "sha256 of the file itself is not what it was" in alert
    assert "cannot be downloaded any more" in alert
    assert watch(house) == []


def test_what_was_another_file_all_along_is_told(house: House) -> None:
    house.host.release("1.0.1", sha256="22" * 32)
    house.host.downloads = {"dynasched-1.0.1.tar.bz2": WRONG}
    survey(house)
    house.wait(minutes=10)
    assert f"the host: {'22' * 8}…, the file itself: {WRONG[:16]}…" in house.last("security", kind="release watch").text


def test_a_release_that_is_gone_or_comes_back_is_told(house: House) -> None:
    gone, house.host.public = house.host.public, []
    survey(house)
    assert "1.0.0" in house.last("security", kind="release watch").text
    assert "is not on the release page any more" in house.last("security", kind="release watch").text
    house.host.public = gone
    survey(house)
    assert house.journal_is_good()


def test_many_releases_are_watched_in_turn_and_the_newest_each_time() -> None:
    house = with_roster(House(github=True))
    for number in range(25):
        house.host.release(f"1.{number}.0", sha256=f"{number:064x}")
    for _ in range(3):
        survey(house)
    turns = []
    for _ in range(3):
        house.host.inspected.clear()
        due(house, WATCH)
        turns.append(set(house.host.inspected))
        with Session(house.engine) as session:
            cancel_timer(session, WATCH)
            session.commit()
        house.wait(hours=24)
    assert all("1.24.0" in turn and len(turn) <= 11 for turn in turns)
    assert set.union(*turns) == {f"1.{number}.0" for number in range(25)}


def test_a_draft_is_prepared_with_the_private_release(house: House) -> None:
    case = privately_released(house)
    [draft] = house.host.drafts
    assert draft.archives == {"dynasched-1.0.1.tar.bz2": "ab" * 32}
    assert f"    {'ab' * 32}  dynasched-1.0.1.tar.bz2" in draft.text
    assert case not in draft.text
    assert "the draft of 1.0.1 is prepared on GitHub" in house.last("security", kind="draft prepared").text


def test_a_draft_that_fails_keeps_nobody_from_the_private_release(house: House) -> None:
    perform = house.host.perform
    from chatops.ports import Impossible, PrepareDraft

    def refuse(effect):  # type: ignore[no-untyped-def]
        if isinstance(effect.deed, PrepareDraft):
            raise Impossible("token-refused")
        return perform(effect)

    house.host.perform = refuse  # type: ignore[method-assign]
    case = privately_released(house)
    assert house.last(case, kind="private release")
    word = house.last("security", kind="draft prepared").document
    assert "GitHub refuses the bot's token" in word.title
    assert not [seen for seen in house.seen_in("security") if seen.document.kind == "fault"]


def test_a_private_report_on_github_becomes_a_case_once(house: House) -> None:
    told = {
        "id": "GHSA-fake",
        "url": "https://github.com/x",
        "sender": "finder",
        "title": "Overflow",
        "text": "A name …",
    }
    house.host.reports = [told]
    due(house, REPORTS)
    due(house, REPORTS)
    [case] = house.cases()
    card = house.last("security", kind="new report")
    assert "finder on GitHub, who is answered there: https://github.com/x" in card.text
    assert "A name …" in card.text
    assert house.file(case).case.title == "Overflow"
    house.say("maintainer", "security", f'reject {case} reason="Not a bug."')
    due(house, REPORTS)
    assert house.cases() == [case]
    assert house.journal_is_good()


def test_the_same_account_is_the_same_person_and_is_reached_once_there_is_a_way(house: House) -> None:
    house.host.reports = [{"id": "GHSA-1", "url": "https://x", "sender": "finder", "title": "Overflow", "text": ""}]
    due(house, REPORTS)
    case = house.file(house.case)
    name = case.name(case.case.reporter)
    house.say("maintainer", "security", f"contacts change {name} address=matrix:@finder:example.org")
    house.say("maintainer", "security", f"triage {case.id} Overflow severity={TERMS}")
    assert "we take your report on" in house.last("direct", "finder").text
    house.host.reports.append({"id": "GHSA-2", "url": "https://y", "sender": "finder", "title": "More", "text": ""})
    due(house, REPORTS)
    assert house.file(house.case).case.reporter == case.case.reporter


def test_trouble_is_one_word_until_it_is_over(house: House) -> None:
    before = len(house.seen_in("security"))
    house.host.problem = "token-refused"
    for _ in range(3):
        survey(house)
        house.wait(minutes=100)
    house.host.problem = None
    survey(house)
    titles = [seen.document.title for seen in house.seen_in("security")[before:]]
    assert not house.stuck() or {row.state for row in house.stuck()} == {"skipped"}
    assert titles == [
        "I cannot read the release page: GitHub refuses the bot's token; give it a good one (github.token_file)",
        "I can read the release page again",
    ]
