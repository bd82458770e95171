"""The roster: what is on record of a contact, and what may be typed of one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pysequoia import Tsk
from sqlmodel import Session

from chatops.model.book import Book
from chatops.model.people import Contact
from chatops.plain import plain_text
from tests.house import House, address, embargoed, prepared, with_roster

FINGERPRINT = "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"
a_house = prepared(lambda: with_roster(House()))


@pytest.fixture
def house() -> House:
    return a_house()


def contact(house: House, name: str) -> Contact:
    with Session(house.engine) as session:
        found = Book(session).named(name)
    assert found is not None
    return found


def addresses(house: House, name: str) -> list[str]:
    with Session(house.engine) as session:
        return [f"{one.service}:{one.id}" for one in Book(session).addresses(contact(house, name).id)]


def team(house: House, text: str) -> str:
    """What a coordinator is answered in the security room."""
    answer = house.say("maintainer", "security", text)
    assert answer is not None
    return plain_text(answer)


def test_everything_on_record_of_a_contact_is_typed_shown_and_journalled(house: House) -> None:
    shown = team(
        house,
        "contacts add spack organisation=Spack roles=packager,embedder groups=hpc-sites,early "
        f"address=slack:U0SPACK1,matrix:@spack:example.org paths=matrix zone=america/chicago "
        f'key="{FINGERPRINT}" lead-days=7 builds-private=no',
    )
    for one in (
        "packager, embedder",
        "early, hpc-sites",
        "matrix:@spack:example.org, slack:U0SPACK1",
        "America/Chicago",
        "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567",
        "7 days",
        "Builds in private: no",
        "Last confirmed: Mon 2 Mar 2026",
    ):
        assert one in shown, shown
    known = contact(house, "spack")
    assert (known.lead_days, known.builds_private, known.confirmed_at) == (7, False, house.clock.now)
    assert known.fingerprint == FINGERPRINT.replace(" ", "")
    assert addresses(house, "spack") == ["matrix:@spack:example.org", "slack:U0SPACK1"]
    team(house, "contacts change spack paths=slack lead-days=none groups=none builds-private=yes")
    known = contact(house, "spack")
    assert (known.lead_days, known.groups, known.builds_private) == (None, [], True)
    assert addresses(house, "spack")[0] == "slack:U0SPACK1"
    assert house.journal_is_good()


def test_a_public_key_is_read_from_its_armour_and_its_fingerprint_taken_from_it(house: House) -> None:
    cert = Tsk.generate("Debian packager <debian@example.org>").extract_certificate()
    shown = team(house, f"contacts change debian\n```\n{cert}```")
    known = contact(house, "debian")
    assert known.fingerprint == cert.fingerprint.upper()
    assert known.public_key == str(cert)
    assert "not on record" not in shown
    assert "as it was" in team(house, f"contacts change debian key={cert.fingerprint}")  # takes no key away
    assert "not on record" in team(house, f'contacts change debian key="{FINGERPRINT}"')
    assert contact(house, "debian").public_key is None  # it was another's
    assert house.journal_is_good()


def test_a_key_that_is_of_no_use_is_refused(house: House) -> None:
    made = Tsk.generate("Debian packager <debian@example.org>", validity_seconds=30 * 86_400)
    whole = str(made.extract_certificate())
    assert "private key: it belongs to its owner alone" in team(house, f"contacts change debian {made}")
    assert "damaged or cut off" in team(house, f"contacts change debian {whole[:300]}")
    assert "one word too many" in team(house, "contacts change debian surely")
    assert "no fingerprint" in team(house, "contacts change debian key=89ABCDEF")
    house.clock.now = datetime.now(UTC) + timedelta(days=60)  # the library knows no other clock
    assert "expired on 20" in team(house, f"contacts change debian {whole}")
    assert contact(house, "debian").fingerprint is None


def test_a_named_group_is_invited_like_a_role(house: House) -> None:
    for name in ("fedora", "suse"):
        team(house, f"contacts change {name} groups=rpm")
    case = embargoed(house)
    shown = team(house, f"invite {case} rpm")
    assert f"{case}: 2 notified" in shown
    assert "debian" not in shown
    assert "fedora is a group" not in shown


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("change debian groups=fedora", "a contact is called fedora already"),
        ("change debian groups=all-sites", "all- with a role"),
        ("change debian paths=slack", "no address on slack is on record"),
        ("change debian paths=matirx", "did you mean matrix?"),
        ("change debian address=none", "say where debian is reached"),
        ("change debian lead-days=week", "no number of days"),
        ("change debian roles=", "ROLE,… is empty"),
        ("change debian", "say what to change"),
        (f"add arch address=matrix:{address('debian')}", "is the address of debian already"),
        ("add arch", "say where arch is reached"),
    ],
)
def test_what_does_not_fit_is_one_line_and_changes_nothing(house: House, text: str, hint: str) -> None:
    before = house.state()
    answer = team(house, f"contacts {text}")
    assert hint in answer
    assert "\n" not in answer.strip()
    assert house.state() == before


def test_a_name_that_two_people_share_elsewhere_is_taken_for_neither(house: House) -> None:
    """Two people with the same name in a chat: only what they are called on the roster says who is meant."""
    for name in ("arch", "gentoo"):
        team(house, f"contacts add {name} roles=packager address=matrix:@alex:{name}.example.org")
    case = embargoed(house)
    before = house.state()
    for text in (f"invite {case} @Alex", f"invite {case} alex", f"own {case} alex"):
        answer = team(house, text)
        assert 'is called "' in answer
        assert "\n" not in answer.strip()
        if text.startswith("invite"):
            assert "arch (matrix:@alex:arch.example.org) or gentoo (matrix:@alex:gentoo.example.org)?" in answer
            assert "Write arch or gentoo" in answer
        else:
            assert "arch" not in answer  # no coordinator is called so
    assert house.state() == before
    assert "1 notified" in team(house, f"invite {case} matrix:@alex:gentoo.example.org")
