"""Each kind of argument: what it takes, and what it says to the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlmodel import Session

from chatops.commands.declare import BadValue, Kind
from chatops.commands.desk import Desk
from chatops.commands.kinds import Choice, Cve, Moment, People, Person, Severity, Text, Version, Word
from chatops.commands.typed import nearest, short
from chatops.model.book import Book
from chatops.model.people import PlaceKind, Role
from tests.commands.scene import Scene
from tests.house import address


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """A coordinator's desk in the scene's security room."""
    scene = Scene()
    with Session(scene.house.engine) as session:
        book = Book(session)
        from chatops.commands.desk import Actor
        from chatops.ports import Address

        maintainer = book.named("maintainer")
        actor = Actor(Address("matrix", "", address("maintainer")), maintainer, "contact")
        settings = scene.house.settings
        yield Desk(
            scene.house.clock.now, settings, actor, book, PlaceKind.SECURITY, None, str, str, file=book.case(scene.case)
        )


def refused(kind: Kind, word: str, desk: Desk) -> str:
    with pytest.raises(BadValue) as bad:
        kind.read(word, desk)
    line = str(bad.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("kind", "word", "value"),
    [
        (Text(), "  a b ", "a b"),
        (Choice(("yes", "no")), "YES", "yes"),
        (Version(), "v1.0.1", "1.0.1"),
        (Version(), "1:1.0.1-2+deb12u1~bpo", "1:1.0.1-2+deb12u1~bpo"),
        (Cve(), "cve-2026-12345", "CVE-2026-12345"),
        (Word("X"), "a.b-c@d:e/f", "a.b-c@d:e/f"),
        (
            Severity(),
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "critical"),
        ),
        (
            Severity(),
            "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N",
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:L/SC:N/SI:N/SA:N", "medium"),
        ),
        (
            Severity(),
            "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "none"),
        ),
    ],
)
def test_what_a_kind_takes(desk: Desk, kind: Kind, word: str, value: object) -> None:
    assert kind.read(word, desk) == value


@pytest.mark.parametrize(
    ("kind", "word", "says"),
    [
        (Text(longest=3), "abcd", "longer than 3 characters"),
        (Text(), "  ", "is empty"),
        (Choice(("affected", "deployed")), "deploied", "did you mean deployed?"),
        (Choice(("affected", "deployed")), "qqq", "pick one"),
        (Version(), "latest", "is no version"),
        (Version(), "1.0/../../etc", "is no version"),
        (Cve(), "2026-1", "CVE-2026-12345"),
        (Word("CODE"), "two words", "is one word without blanks"),
        (Severity(), "high", "CVSS:3.1/AV:N"),
        (Severity(), "CVSS:3.1/AV:N/AC:L", "not a complete CVSS vector"),
        (Severity(), "CVSS:4.0/", "not a complete CVSS vector"),
        (Severity(), "CVSS:2.0/AV:N", "v3.1 or v4.0"),
        (Moment(), "2026-01-01", "in the past"),
        (Moment(), "2027-01-01", "beyond the cap of 90 days"),
        (Person(), "debain", 'no contact is called "debain"; did you mean debian?'),
        (Person("WHO", Role.COORDINATOR), "debian", 'no coordinator is called "debian"'),
        (People(), "all-reporters", "no contact, organisation or group"),
        (Person(), "x" * 1000, "see contacts list"),
    ],
)
def test_what_a_kind_refuses(desk: Desk, kind: Kind, word: str, says: str) -> None:
    assert says in refused(kind, word, desk)


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("@Debian", {"debian"}),
        ("suse,", {"suse"}),
        ("all-packagers", {"debian", "fedora", "suse"}),
        ("all-coordinators", {"maintainer", "maintainer-2"}),
    ],
)
def test_people_are_a_name_or_a_group(desk: Desk, word: str, names: set[str]) -> None:
    assert {contact.name for contact in People().read(word, desk)} == names


def test_who_is_no_coordinator_knows_the_people_of_their_case_only(desk: Desk) -> None:
    assert desk.file is not None
    expert = next(c for c in desk.file.contacts.values() if c.name == "expert")
    theirs = replace(desk, actor=replace(desk.actor, contact=expert))
    assert set(Person().suggest(theirs)) == {"maintainer", "maintainer-2"} | {
        contact.name for contact in desk.file.contacts.values() if contact.active
    }
    assert "arch" not in Person().suggest(theirs)
    assert "did you mean" not in refused(Person(), "arhc", theirs)


def test_every_kind_has_a_name_and_suggests_words_that_it_takes(desk: Desk) -> None:
    kinds: list[Kind] = [Choice(("yes", "no")), Person(), People(), Moment()]
    for kind in kinds:
        for word in kind.suggest(desk):
            kind.read(word, desk)
        assert kind.name.isupper() or "|" in kind.name


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest("Debain", ["fedora", "Debian"]) == "Debian"
    assert nearest("qqq", ["fedora", "debian"]) is None
    assert nearest("x", []) is None


def test_what_was_typed_is_shortened_in_one_line() -> None:
    assert short("a\n b\t c") == "a b c"
    assert len(short("x" * 100)) == 40
