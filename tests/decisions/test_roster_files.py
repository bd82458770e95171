"""The roster as a file: brought in as a whole or not at all, with a dry run, and written out again."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatops.commands.roster_table import Malformed, read, write
from chatops.plain import plain_text
from tests.decisions.test_roster import addresses, contact, team
from tests.house import House, prepared, with_roster

EXAMPLES = Path(__file__).parents[2] / "examples" / "contacts.yaml"
a_house = prepared(lambda: with_roster(House()))
COLUMNS = ("name", "organisation", "roles", "address")


@pytest.fixture
def house() -> House:
    return a_house()


def taken(house: House, form: str, text: str, options: str = "") -> str:
    return team(house, f"contacts import {form} {options}\n```\n{text}\n```")


def test_the_examples_can_be_taken_as_they_are() -> None:
    house = House()
    before = house.state()
    dry = taken(house, "yaml", EXAMPLES.read_text(), "dry-run=yes")
    assert "dry run: 6 new, 0 changed, 0 as they were" in dry
    assert house.state() == before
    assert "6 new" in taken(house, "yaml", EXAMPLES.read_text())
    debian = contact(house, "debian")
    assert (debian.lead_days, debian.builds_private, debian.groups) == (7, False, ["distributions"])
    assert debian.standing_until is not None
    assert addresses(house, "debian") == ["matrix:@debian-dynasched:example.org", "slack:U0EXAMPLE1"]
    assert "0 new, 0 changed, 6 as they were" in taken(house, "yaml", EXAMPLES.read_text(), "dry-run=yes")
    assert house.journal_is_good()
    roles = {
        role
        for name in ("debian", "fedora", "suse", "spack", "runtime-x", "site-north")
        for role in contact(house, name).roles
    }
    assert roles == {"packager", "embedder", "administrator"}


def test_a_dry_run_says_what_would_become_of_whom(house: House) -> None:
    text = "name,roles,zone,address\ndebian,packager;embedder,,\narch,packager,Europe/Paris,matrix:@arch:example.org\n"
    shown = taken(house, "csv", text, "dry-run=yes")
    assert "1 new, 1 changed, 0 as they were" in shown
    assert "roles: packager → packager,embedder" in shown
    assert "new: roles packager; zone Europe/Paris" in shown
    assert contact(house, "debian").roles == ["packager"]
    taken(house, "csv", text)
    assert contact(house, "debian").roles == ["packager", "embedder"]
    assert contact(house, "fedora").active  # not in the file, and still there


def test_who_is_under_standing_terms_by_a_file_is_told(house: House) -> None:
    taken(house, "csv", "name,standing\nsuse,yes\ndebian,2027-03-02\n")
    assert house.last("direct", "suse", kind="standing terms")
    told = [one for one in house.seen_by("debian") if one.document.kind == "standing terms"]
    assert len(told) == 1  # when they were added, and not again


@pytest.mark.parametrize(
    ("form", "text", "faults"),
    [
        (
            "csv",
            "name,roles,zone,address\n"
            "arch,packer,Europe/Paris,matrix:@arch:example.org\n"
            "gentoo,packager,Europe/Pris,matrix:@gentoo:example.org\n"
            "void,packager,,\n"
            "nix,packager,,matrix:@nix:example.org\n"
            "nix,packager,,matrix:@nix-2:example.org\n"
            "guix,packager,,matrix:@nix:example.org\n"
            "bsd,packager,,matrix:@debian:example.org\n"
            ",packager,,matrix:@nobody:example.org\n"
            "alpine,packager\n",
            ["line 10: 2 cells, but the first line names 4 columns"],
        ),
        (
            "csv",
            "# a remark\n"
            "name,roles,zone,address\n"
            "arch,packer,Europe/Paris,matrix:@arch:example.org\n"
            '"gentoo",packager,Europe/Pris,"matrix:@gentoo:example.org,\nmatrix:@gentoo-2:example.org"\n'
            "void,packager,,\n"
            "nix,packager,,matrix:@nix:example.org\n"
            "nix,packager,,matrix:@nix-2:example.org\n"
            "guix,packager,,matrix:@nix:example.org\n"
            "bsd,packager,,matrix:@debian:example.org\n"
            ",packager,,matrix:@nobody:example.org\n",
            [
                'line 3: roles: no role "packer"; did you mean packager?',
                'line 4: zone: no zone "Europe/Pris"; did you mean Europe/Paris?',
                "line 6: say where void is reached",
                "line 8: nix is in line 7 already",
                "line 9: matrix:@nix:example.org is in line 7 already",
                "line 10: matrix:@debian:example.org is the address of debian already",
                "line 11: no name",
            ],
        ),
        ("csv", "name,role\narch,packager\n", ['line 1: no column "role"; did you mean roles?']),
        ("csv", "name,roles,roles\na,b,c\n", ["line 1: the column roles is there twice"]),
        ("csv", 'name,roles\n"arch,packager\n', ["line 2: no CSV: unexpected end of data"]),
        ("csv", "name\ndebian\n", []),
        ("csv", "\n", ["line 1: there are no contacts in it"]),
        ("csv", "name,groups\ndebian,fedora\n", ["line 2: groups: a contact is called fedora already"]),
        ("csv", "name,roles\nmaintainer,expert\n", ["line 2: maintainer is a coordinator by the configuration"]),
        (
            "csv",
            "name,address,groups\narch,matrix:@arch:e.org,\ndebian,,arch\n",
            ["line 3: arch is a contact in line 2"],
        ),
        ("yaml", "- name: arch\n  roles: [packager\n", ["line 3: no YAML: "]),
        ("yaml", "- name: debian\n  zone: Europe/Berln\n", ["line 2: zone: no zone"]),
        ("yaml", "- name: debian\n  zones: UTC\n", ['line 2: no column "zones"; did you mean zone?']),
        ("yaml", "- name: debian\n  zone: UTC\n  zone: UTC\n", ["line 3: zone is given twice"]),
        ("yaml", "- name: debian\n  roles: {packager: yes}\n", ["line 2: write a word here, or a list of words"]),
        ("yaml", "- debian\n", ["line 1: this is no contact; write - name: debian"]),
        ("yaml", "name: debian\n", ["line 1: write a list, each contact with a dash"]),
        ("yaml", "[" * 20_000, ["line 1: no list of contacts"]),
        ("yaml", "- name: !!python/object:os.system debian\n  zone: Europe/X\n", ["line 2: zone: no zone"]),
    ],
)
def test_a_file_with_a_wrong_line_is_rejected_as_a_whole(house: House, form: str, text: str, faults: list[str]) -> None:
    before = house.state()
    answer = house.say("maintainer", "security", f"contacts import {form} ```{text}```")
    assert answer is not None
    if faults:
        assert answer.kind == "refusal"
        assert "nothing was taken" in answer.title
    for fault in faults:
        assert fault in plain_text(answer)
    assert plain_text(answer).count("• ") == len(faults) or not faults
    assert house.state() == before


@pytest.mark.parametrize("form", ["csv", "yaml"])
def test_what_is_written_out_is_taken_back_without_a_change(house: House, form: str) -> None:
    team(house, "contacts change fedora groups=rpm,early lead-days=3 builds-private=no zone=Europe/Prague")
    house.direct("maintainer", f"contacts export {form}")
    _room, file, readers = house.chat.files[-1]
    assert readers == {"@maintainer:example.org"}
    assert file.name == f"contacts.{form}"
    text = base64.b64decode(file.data or "").decode()
    assert "finder" not in text
    assert "0 new, 0 changed, 5 as they were" in taken(house, form, text)


word = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="#"), min_size=1, max_size=12)
rows = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, word)), min_size=1, max_size=5)


@given(rows=rows, form=st.sampled_from(["csv", "yaml"]))
def test_a_table_reads_as_it_was_written(rows: list[dict[str, str]], form: str) -> None:
    assert [dict(row.cells) for row in read(form, write(form, COLUMNS, rows), COLUMNS)] == rows


@given(text=st.text(max_size=200), form=st.sampled_from(["csv", "yaml"]))
def test_whatever_is_pasted_is_read_or_refused_with_lines(text: str, form: str) -> None:
    try:
        read(form, text, COLUMNS)
    except Malformed as bad:
        faults = bad.faults
    else:
        return
    assert faults
    assert all(one.line > 0 and "\n" not in one.text for one in faults)
