"""The dates of an embargo: how they are typed and shown, what is said against one, and what stays on record."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chatops.document import Document
from chatops.plain import plain_text
from tests.house import House, address


def test_a_date_is_shown_in_utc_and_where_one_person_reads_in_their_zone_too(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", "contacts change fedora zone=Europe/Berlin")
    house.say("maintainer", "security", "contacts change maintainer zone=America/New_York")
    house.say("maintainer", "security", f"embargo {house.case} date 2026-03-23 15:00 Europe/Berlin")
    assert house.file(house.case).case.release_date == datetime(2026, 3, 23, 14, tzinfo=UTC)
    for where in (house.case, "security"):  # others read along there
        shown = [seen.text for seen in house.seen_in(where)]
        assert any("Mon 23 Mar 2026 14:00 UTC" in text for text in shown)
        assert not any(" Europe/Berlin)" in text or " America/New_York)" in text for text in shown)
    house.direct("fedora", f"show {house.case}")
    assert "Mon 23 Mar 2026 14:00 UTC (15:00 Europe/Berlin)" in house.last("direct", "fedora").text
    house.direct("debian", f"show {house.case}")
    assert "until the release date, Mon 23 Mar 2026 14:00 UTC" in house.last("direct", "debian").text
    typed = house.shell("maintainer", f"show {house.case}")
    assert typed is not None
    assert "Mon 23 Mar 2026 14:00 UTC (10:00 America/New_York)" in plain_text(typed)


def said(house: House, text: str, who: str = "maintainer") -> str:
    """What somebody is answered about a date, as they read it."""
    where = "security" if who == "maintainer" else "direct"
    card = house.say(who, where, f"embargo {house.case} {text}")
    assert card is not None
    return plain_text(card)


@pytest.mark.parametrize(
    ("date", "word"),
    [
        ("2026-03-09 15:00 UTC", ""),
        ("2026-03-13 15:00 UTC", "A Friday"),
        ("2026-03-14 15:00 UTC", "A Saturday"),
        ("2026-03-15 23:30 -05:00", ""),  # a Monday, in UTC
        ("2026-03-11 15:00 UTC", "A holiday"),
        ("2026-03-17 15:00 UTC", "More than 14 days"),
    ],
)
def test_a_date_that_suits_nobody_is_questioned_and_taken_all_the_same(
    members_house: House, date: str, word: str
) -> None:
    house = members_house
    house.set_policy(holidays=("03-11", "2027-03-10"))
    house.say("maintainer", "security", "contacts change debian roles=packager")
    text = said(house, f"date {date}")
    warnings = [one for one in ("A Friday", "A Saturday", "A Sunday", "A holiday", "More than 14 days") if one in text]
    assert warnings == [word] * bool(word)
    assert house.file(house.case).case.release_date is not None


def test_a_review_date_may_be_any_day_and_without_distributions_fourteen_days_are_no_matter(
    embargoed_house: House,
) -> None:
    house = embargoed_house
    assert "Saturday" not in said(house, "review 2026-03-14 15:00 UTC")
    assert "14 days" not in said(house, "date 2026-03-24 15:00 UTC")


def test_members_see_what_speaks_against_a_proposed_date(members_house: House) -> None:
    house = members_house
    text = said(house, 'date 2026-03-28 15:00 UTC reason="The build takes long."', who="fedora")
    assert "A Saturday" in text
    assert "More than 14 days (26 days) after the notice" in text
    house.direct("debian", f"agree {house.case}")
    assert "A Saturday" in house.last(house.case).text


def test_beyond_the_cap_a_date_is_refused_or_needs_a_reason_as_the_project_wants(members_house: House) -> None:
    house = members_house
    assert "is beyond the cap of 90 days (2026-05-31)" in said(house, "date 2026-06-10")
    house.set_policy(cap_takes_reason=True)
    refused = said(house, "date 2026-06-10")
    assert "that is beyond the cap of 90 days; say why: embargo" in refused
    assert house.file(house.case).case.release_date is None
    taken = said(house, 'date 2026-06-10 reason="The fix changes the wire format."')
    assert "Beyond the cap of 90 days from today: 100 days." in taken
    assert house.file(house.case).case.release_date == datetime(2026, 6, 10, 15, tzinfo=UTC)


def test_every_revision_stays_on_the_board_with_what_became_of_it(members_house: House) -> None:
    house = members_house
    said(house, "date 2026-03-23 15:00 UTC")
    said(house, 'date 2026-03-25 15:00 UTC reason="Our builds."', who="fedora")
    house.direct("debian", f"object {house.case} We are ready.")
    said(house, "reject Two days more help nobody.")
    said(house, 'date 2026-03-24 15:00 UTC reason="A day for the tests."', who="fedora")
    said(house, "accept")
    for verb in ("show", "embargo"):
        text = plain_text(house.direct("debian", f"{verb} {house.case}") or Document(title=""))
        ledger = [line for line in text.splitlines() if "release date Mon" in line or "release date " in line]
        ledger = [line for line in ledger if "(by " in line]
        assert [("agreed" in line, "not taken" in line, "Our builds" in line) for line in ledger] == [
            (True, False, False),
            (False, True, True),
            (True, False, False),
        ]
        assert "1 agree, 1 object" in ledger[1]
    assert house.journal_is_good()


def test_a_date_that_leaves_an_organisation_less_time_than_it_needs_is_questioned(released_house: House) -> None:
    house = released_house
    house.say("maintainer", "security", "contacts change debian lead-days=20")
    assert "Debian needs 20 days from the fix; this date leaves 3." in said(house, "date in 3 days")
    assert "Debian needs" not in said(house, "date 2026-03-31 15:00 UTC")


def late_house(house: House) -> str:
    """The release date has passed, and nothing was announced."""
    house.say("maintainer", "security", f"embargo {house.case} date in 8 days")
    house.wait(days=9)
    return house.case


def test_a_date_that_has_passed_is_said_to_bind_nobody_where_members_read_until_when(members_house: House) -> None:
    house = members_house
    case = late_house(house)
    told = [seen for seen in house.seen_in(case) if seen.document.title == f"{case}: the release date has passed"]
    assert len(told) == 1
    assert {address("debian"), address("fedora")} <= told[0].readers
    for text in (told[0].text, house.last(case, kind="board").text, house.last(case).text):
        assert "has passed: it binds nobody any more" in text
        assert "Private until" not in text
    assert house.journal_is_good()


def test_nobody_is_asked_to_keep_a_date_that_has_passed(members_house: House) -> None:
    house = members_house
    asked = len([seen for seen in house.seen_by("suse") if seen.document.kind == "question"])
    case = late_house(house)
    refused = f"the release date of {case} has passed; first set another: embargo {case} date DATE"
    for who, where, line in (
        ("maintainer", "security", f"invite {case} suse"),
        ("maintainer", "security", f"invite {case} tell=now suse"),
        ("fedora", case, "bring fedora-2"),
    ):
        house.say("maintainer", "security", "contacts add fedora-2 organisation=Fedora address=matrix:@fedora-2:e.org")
        card = house.say(who, where, line)
        assert card is not None
        assert card.title.startswith(refused), line
    before = len([seen for seen in house.seen_by("suse") if seen.document.kind == "question"])
    assert before > asked  # while the date was ahead
    house.wait(days=5)
    assert len([seen for seen in house.seen_by("suse") if seen.document.kind == "question"]) == before
    house.say("maintainer", "security", f"embargo {case} date in 8 days")
    assert "Private until" in house.last("direct", "suse", kind="question").text
    assert house.direct("suse", f"accept {case}").kind == "notice"  # type: ignore[union-attr]


def test_members_read_why_a_date_moves_and_what_it_was(members_house: House) -> None:
    house = members_house
    for line in ('date in 12 days reason="All build."', 'date in 5 days reason="It is on a list."'):
        house.say("maintainer", "security", f"embargo {house.case} {line}")
    told = house.last(house.case, kind="date").text
    assert "Private until Sat 7 Mar 2026 15:00 UTC." in told
    assert "Until now it was Sat 14 Mar 2026 15:00 UTC." in told
    assert "> It is on a list." in told
