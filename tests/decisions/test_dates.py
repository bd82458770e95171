"""The dates of an embargo: how they are typed and shown, what is said against one, and what stays on record."""

from __future__ import annotations

from datetime import UTC, datetime

from chatops.plain import plain_text
from tests.house import House


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
    assert "Mon 23 Mar 2026 14:00 UTC (release date)" in house.last("direct", "debian").text
    typed = house.shell("maintainer", f"show {house.case}")
    assert typed is not None
    assert "Mon 23 Mar 2026 14:00 UTC (10:00 America/New_York)" in plain_text(typed)
