"""Canary words of a case through a whole disclosure: nobody reads them, and no log tells them, before they may."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from chatops.model.machines import Consent
from chatops.ports import Received, Said
from tests.house import SHA_CANARY, TERMS, House, Seen, address, code_in, with_roster

TITLE, TEXT, MORE, UPDATE, WHY, MEANS = (
    f"canary{word}" for word in ("title", "text", "more", "update", "why", "means")
)
CANARIES = (TITLE, TEXT, MORE, UPDATE, WHY, MEANS, SHA_CANARY)


def bearing(seen: Seen) -> bool:
    return any(word in seen.text or word in seen.document.model_dump_json() for word in CANARIES)


def cleared(house: House) -> set[str]:
    """User ids of the team, the reporter and members, now."""
    file = house.file(house.case)
    members = {file.name(p.contact) for p in file.participants.values() if p.consent in (Consent.SIGNATORY,)}
    return {address(name) for name in ("maintainer", "maintainer-2", "expert", "finder", *members)}


def play(house: House) -> Iterator[None]:
    """A whole disclosure with everything that may be typed wrong or in the wrong place on the way."""
    public = house.room("public")
    house.direct("finder", f"report {TEXT} overflows")
    case = house.case
    yield
    house.direct("finder", f"report {case} {MORE}")
    house.say("maintainer", "security", f'triage {case} {TITLE} severity={TERMS} mitigation="{MEANS}"')
    house.say("maintainer", "security", f"team {case} add expert")
    yield
    house.say("maintainer", "security", f"invite {case} all-packagers arch")
    yield
    house.direct("fedora", f"accept {case}")
    house.direct("arch", f"decline {case}")
    yield
    house.say("fedora", case, f'embargo date in 20 days reason="{WHY}"')
    house.direct("finder", f"object {case} {WHY}")
    house.say("maintainer", "security", f"embargo {case} accept")
    yield
    for who in ("finder", "fedora", "maintainer", "expert", "suse", "arch", "crook"):
        for text in (
            f"tell {case} {UPDATE}",
            f"report {case} {MORE}",
            f"show {case}",
            f"object {WHY}",
            f"repotr {MORE}",
        ):
            house.public(who, text)
            house.direct(who, text) if who in ("suse", "arch", "crook") else None
    yield
    house.join("crook", case, by="fedora")
    house.say("maintainer", "security", f"tell {case} {UPDATE}")
    yield
    house.broken = lambda got: ValueError(TEXT) if isinstance(got.event, Said) and "cases" in got.event.text else None
    house.say("maintainer", "security", f"cases {TEXT}")
    house.wait(minutes=1)
    house.broken = lambda got: None
    yield
    house.say("fedora", case, "status affected")
    house.say("maintainer", "security", f"remove {case} fedora reason={WHY}")
    house.say("maintainer", "security", f"tell {case} {UPDATE}")
    yield
    house.host.stage("1.0.1", sha256=SHA_CANARY)
    house.say("maintainer", "security", f"private-release {case} 1.0.1")
    house.say("debian", public, f"{SHA_CANARY}  dynasched-1.0.1.tar.bz2", bare=True)
    house.say("crook", public, f"verify {SHA_CANARY}  dynasched-1.0.1.tar.bz2")
    house.direct("suse", f"verify {SHA_CANARY}  dynasched-1.0.1.tar.bz2")
    yield
    house.wait(days=21)
    yield


@pytest.fixture
def canary_house() -> House:
    house = with_roster(House(stranger_messages_per_hour=1000))
    for name, role in (("arch", "packager"), ("expert", "expert")):
        house.say("maintainer", "security", f"contacts add {name} roles={role} address=matrix:{address(name)}")
    return house


def test_before_general_release_nobody_reads_a_word_who_is_not_cleared(
    canary_house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house = canary_house
    caplog.set_level(logging.DEBUG)
    looked = bore = 0
    ever: set[str] = set()
    for _ in play(house):
        ever |= cleared(house)
        for seen in house.chat.seen[looked:]:
            if bearing(seen):
                assert seen.readers <= ever, (seen.document.title, seen.readers - ever)
                bore += 1
        looked = len(house.chat.seen)
        for room in house.chat.rooms.values():
            assert not any(word in room.name + room.topic for word in CANARIES)
    assert bore > 15
    assert not [seen for seen in house.seen_in("public") if bearing(seen)]
    for who in ("suse", "arch", "crook"):
        assert not [seen for seen in house.seen_by(who) if bearing(seen)], who
    assert not [name for name, upload, readers in house.chat.files if not readers <= ever]
    logged = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert "pretended" not in logged
    assert not any(word in logged for word in CANARIES)
    assert len(caplog.records) > 5
    assert house.journal_is_good()


def test_after_removal_no_further_word_reaches_them(canary_house: House) -> None:
    house = canary_house
    for _ in play(house):
        pass
    removed = next(n for n, seen in enumerate(house.chat.seen) if seen.document.kind == "removal")
    later = [seen for seen in house.chat.seen[removed:] if address("fedora") in seen.readers]
    assert not [seen for seen in later if bearing(seen)]


def test_with_the_general_release_the_public_reads_what_was_previewed(canary_house: House) -> None:
    house = canary_house
    for _ in play(house):
        pass
    card = house.say("maintainer", "security", f"announce {house.case} {TITLE} in plain words")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    public = house.last("public").text
    assert TITLE in public
    assert MEANS in public
    assert not any(word in public for word in (TEXT, MORE, UPDATE, WHY))


def test_an_error_of_our_own_is_logged_by_its_type_only(canary_house: House, caplog: pytest.LogCaptureFixture) -> None:
    house = canary_house
    caplog.set_level(logging.DEBUG)

    def fault(received: Received) -> Exception | None:
        return ValueError(TEXT) if isinstance(received.event, Said) else None

    house.broken = fault
    house.direct("finder", f"report {TEXT}")
    house.wait(minutes=1)
    assert "ValueError" in caplog.text
    assert TEXT not in caplog.text
    assert TEXT not in "".join(seen.text for seen in house.chat.seen)


def test_rows_and_nodes_show_no_text_in_their_repr(canary_house: House) -> None:
    house = canary_house
    for _ in play(house):
        pass
    file = house.file(house.case)
    with house.read() as session:
        from chatops.model.book import Book

        notes = list(Book(session).notes(house.case))
    shown = "".join(map(repr, [file.case, *file.proposals, *notes, *house.chat.done, *house.journal(house.case)]))
    assert not any(word in shown for word in CANARIES)
