"""Canary words of a case through a whole disclosure: nobody reads them, and no log tells them, before they may."""

from __future__ import annotations

import dataclasses
import io
import logging
from collections.abc import Iterator

import pytest

from chatops.commands.desk import Decision
from chatops.logs import SafeFormatter
from chatops.model.machines import Consent
from chatops.ports import Effect, Impossible, Post, Received, Said, TryLater
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
    assert len(caplog.records) >= 5
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


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that any logger says, as the program writes it, and each record's own message."""
    out = io.StringIO()
    configured = logging.StreamHandler(out)
    configured.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    plain = logging.StreamHandler(out)
    plain.setFormatter(logging.Formatter("%(message)s"))
    plain.addFilter(lambda record: record.exc_info is None)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [configured, plain])
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.manager._clear_cache()  # type: ignore[attr-defined]
    yield out
    root.manager._clear_cache()  # type: ignore[attr-defined]


def _fails(house: House, text: str) -> None:
    """A handler raises, four times: its row is parked."""
    command = house.registry["tell"]

    def handle(desk: object, args: object) -> Decision:
        logging.getLogger("chatops.somewhere").debug("about to fail")
        raise LookupError(f"no row for {text}")

    before, decide = house.decisions, house._decide
    house.decisions = dataclasses.replace(
        before, registry={**house.registry, "tell": dataclasses.replace(command, handle=handle)}
    )
    house._decide = house.decisions.__call__  # type: ignore[method-assign]
    house.say("maintainer", "security", f"tell {house.case} {text}")
    house.wait(minutes=1)
    house.decisions, house._decide = before, decide  # type: ignore[method-assign]


def _is_refused(house: House) -> None:
    """What suse was to read is put off; meanwhile they are taken out."""

    def later(effect: Effect) -> Exception | None:
        bears = isinstance(effect.deed, Post) and TITLE in effect.deed.document.model_dump_json()
        return TryLater("busy") if bears and effect.room == direct else None

    direct = house.room("direct", "suse")
    house.chat.fail = later
    house.direct("suse", f"accept {house.case}")
    house.say("maintainer", "security", f"remove {house.case} suse")
    house.chat.fail = lambda effect: None
    house.wait(minutes=1)


def _is_dead(house: House) -> None:
    """An update can never be shown in the room."""
    room = house.room(house.case)
    house.chat.fail = lambda effect: Impossible("forbidden") if effect.room == room else None
    house.say("maintainer", "security", f"tell {house.case} {UPDATE}")
    house.chat.fail = lambda effect: None


def test_faults_refusals_and_dead_letters_tell_nothing_and_the_release_exactly_its_text(
    canary_house: House, logged: io.StringIO
) -> None:
    house = canary_house
    public = house.room("public")
    house.direct("finder", f"report {TEXT} overflows")
    house.direct("finder", f"report {house.case} {MORE}")
    house.say("maintainer", "security", f'triage {house.case} {TITLE} severity={TERMS} mitigation="{MEANS}"')
    house.say("maintainer", "security", f"invite {house.case} all-packagers")
    house.say("debian", house.case, f'embargo date in 20 days reason="{WHY}"')
    _fails(house, f"{UPDATE} once")
    _is_refused(house)
    _is_dead(house)

    (parked,) = house.parked()
    assert parked.problem == "LookupError"
    assert {("refused", "not-cleared"), ("dead", "forbidden")} <= {(row.state, row.problem) for row in house.stuck()}
    alerts = [seen for seen in house.seen_in("security") if seen.document.tone == "alert"]
    assert {"inbox row parked", "message refused", "effect failed"} <= {entry.what for entry in house.journal()}
    assert len(alerts) >= 3
    assert not [seen for seen in alerts if bearing(seen)]
    shown = map(repr, [parked, *house.stuck(), *alerts, *(seen.document for seen in house.chat.seen)])
    written = f"{logged.getvalue()} {' '.join(shown)} {house.journal()} {house.file(house.case).case}"
    assert "parked: LookupError" in written
    assert not [word for word in CANARIES if word in written]
    assert not [room for room in house.chat.rooms.values() if any(word in room.name + room.topic for word in CANARIES)]
    for who in ("fedora", "arch", "crook"):
        assert not [seen for seen in house.seen_by(who) if bearing(seen)], who
    # A member for a moment: in the room the board was to be read, with the reasons for each date, and nothing else.
    assert {(seen.room, seen.document.kind) for seen in house.seen_by("suse") if bearing(seen)} <= {
        (house.room(house.case), "board")
    }
    assert not house.seen_in(public)

    house.host.stage("1.0.1", sha256=SHA_CANARY)
    house.say("maintainer", "security", f"private-release {house.case} 1.0.1")
    card = house.say("maintainer", "security", f"announce {house.case} What everybody reads.")
    assert card is not None
    assert not house.seen_in(public)
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    (told,) = house.seen_in(public)
    assert "What everybody reads." in told.text
    previewed = [seen for seen in house.seen_in("security") if seen.document.kind == "preview"][-1].document
    assert [block for block in previewed.blocks if block in told.document.blocks] == list(told.document.blocks)
    assert {word for word in CANARIES if word in told.text} == {MEANS, SHA_CANARY}
    assert not [word for word in CANARIES if word in logged.getvalue()]
    assert house.journal_is_good()
