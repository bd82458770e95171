"""What downstreams say of their packages, what they are asked for, and how a mistake is put right."""

from __future__ import annotations

from tests.house import House


def asked(house: House, who: str) -> int:
    """How often somebody was reminded that they owe a status."""
    return len([seen for seen in house.seen_in("direct", who) if "how does it look" in seen.document.title])


def test_a_member_who_owes_a_status_is_asked_once_a_period_until_their_organisation_answers(
    members_house: House,
) -> None:
    house = members_house
    house.wait(days=4)
    assert (asked(house, "debian"), asked(house, "fedora")) == (0, 0)
    house.wait(days=1, minutes=1)
    assert (asked(house, "debian"), asked(house, "fedora")) == (1, 1)
    house.react("fedora", house.last("direct", "fedora", kind="reminder"), "🔍")
    assert house.file(house.case).downstreams["Fedora"].answer == "investigating"
    house.wait(days=10)
    assert (asked(house, "debian"), asked(house, "fedora")) == (3, 1)
    assert not [seen for seen in house.seen_by("suse") if seen.document.kind == "reminder"]


def test_nobody_is_asked_for_a_status_who_is_out_or_when_the_embargo_is_over(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"decline {house.case}")
    house.say("maintainer", "security", f"embargo {house.case} end Over.")
    house.wait(days=20)
    assert (asked(house, "debian"), asked(house, "fedora")) == (0, 0)


def test_a_mistaken_status_is_corrected_in_the_open_and_stays_on_record(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"status {house.case} deployed version=1.0.1-2")
    reply = house.say(
        "maintainer", "security", f"correct {house.case} fedora affected The package in the tray was another one."
    )
    assert reply is not None
    assert reply.title == f'{house.case}: Fedora is affected; "deployed (1.0.1-2)" was a mistake'
    down = house.file(house.case).downstreams["Fedora"]
    assert (down.fix, down.answer, down.version) == ("Vfd", "affected", None)
    shown = house.last(house.case, kind="status")
    assert shown.document.title == reply.title
    assert "The package in the tray was another one." in shown.text
    assert shown.post.ping
    entries = [entry for entry in house.journal(house.case) if entry.what in ("status", "status corrected")]
    assert [entry.told["facts"].get("was", "") for entry in entries] == ["", "deployed (1.0.1-2)"]
    timeline = house.say("maintainer", "security", f"timeline {house.case}")
    assert timeline is not None
    assert "status corrected" in house.last("security").text
    assert house.journal_is_good()
    house.direct("fedora", f"status {house.case} fix-ready version=1.0.1-3")
    assert house.file(house.case).downstreams["Fedora"].fix == "VFd"


def test_a_correction_may_also_give_the_fix_that_was_not_said(members_house: House) -> None:
    house = members_house
    house.direct("debian", f"status {house.case} not-affected")
    house.say("maintainer", house.case, "correct debian fix-ready version=1.0.1-2")
    down = house.file(house.case).downstreams["Debian"]
    assert (down.fix, down.answer, down.version) == ("VFd", "fix-ready", "1.0.1-2")
    assert 'Debian is fix ready (1.0.1-2); "not affected" was a mistake' in house.last(house.case, kind="status").text
    assert "Debian is fix ready" in house.last("security", kind="status").text


def test_what_cannot_be_corrected_is_said_in_one_line(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"status {house.case} affected")

    def refused(text: str) -> str:
        reply = house.say("maintainer", "security", f"correct {house.case} {text}")
        assert reply is not None
        assert reply.kind == "refusal"
        return reply.title

    assert refused("suse affected") == f"Suse has not answered in {house.case}; there is nothing to correct"
    assert refused("fedora affected") == "Fedora is on record as affected already"
    assert "did you mean Fedora?" in refused("fedroa deployed")
    assert "did you mean deployed?" in refused("fedora deploied")


def test_a_fix_that_was_there_is_taken_back_by_a_correction_only(members_house: House) -> None:
    house = members_house
    house.direct("fedora", f"status {house.case} fix-ready version=1.0.1-2")
    refused = house.direct("fedora", f"status {house.case} affected")
    assert refused is not None
    assert refused.title == "Fedora is fix ready (1.0.1-2); if that was a mistake, ask a coordinator to correct it"
    assert house.file(house.case).downstreams["Fedora"].answer == "fix-ready"
    assert house.direct("fedora", f"status {house.case} deployed version=1.0.1-2") is not None
    assert house.file(house.case).downstreams["Fedora"].fix == "VFD"
