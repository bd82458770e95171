"""Each text that leaves the team is said in the project's own words, to its readers, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatops.wording import SLOTS, names, uses
from tests.house import TERMS, House, address, code_in, embargoed, with_roster

TITLE = "{case} *Job* queue overflow"


def own_words() -> House:
    """A project that words everything its own way, with all that each text may have filled in."""
    house = House(coordinators=("maintainer", "maintainer-2"))
    texts = {}
    for name in names():
        fields = " ".join(f"{{{field}}}" for field in uses(name) if not isinstance(SLOTS[field].example, tuple))
        below = [f"{{{field}}}" for field in uses(name) if isinstance(SLOTS[field].example, tuple)]
        texts[name] = (f"zq-{name}-zq", fields, *below)
    house.set_section("wording", **texts)
    return house


@pytest.fixture(scope="module")
def readers() -> dict[str, set[str]]:
    """Who read which text, in two whole cases: one with an orderly release, one with a leak."""
    house = with_roster(own_words())
    public = house.room("public")
    case = embargoed(house, TITLE)
    house.say("maintainer", "security", f"invite {case} debian fedora")
    house.direct("fedora", f"accept {case}")
    house.say("maintainer", "security", f"invite {case} suse tell=now")
    house.say("maintainer", "security", f"embargo {case} date 2026-04-20 15:00 UTC")
    house.say("maintainer-2", "security", f"agree {case}")
    house.direct("fedora", f"accept {case}")
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {case} 1.0.1")
    house.wait(days=50)
    card = house.say("maintainer", "security", f"announce {case} A {{version}} of *markup*.")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    preview = house.say("maintainer", "security", "delist 1.0.1")
    assert preview is not None
    house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    house.public("passer-by", f"verify {'ab' * 32}  dynasched-1.0.1.tar.bz2")

    house.direct("other-finder", "report Something else.")
    (leaked,) = set(house.cases()) - {case}
    house.say("maintainer", "security", f"triage {leaked} Parser severity={TERMS}")
    house.say("maintainer", "security", f"exposed {leaked} public")
    statement = house.say("maintainer", "security", f"statement {leaked}")
    assert statement is not None
    house.say("maintainer", "security", statement.actions[0].command)
    assert not house.stuck()

    announced = house.last(public, kind="announcement").text
    assert "A {version} of *markup*." in announced, "what people typed is never read as a template"
    found: dict[str, set[str]] = {}
    for seen in house.chat.seen:
        for name in names():
            if f"zq-{name}-zq" in seen.text:
                found.setdefault(name, set()).update(
                    {"everybody"} if seen.room == public else set(_people(seen.readers))
                )
    return found


def _people(readers: frozenset[str]) -> Iterator[str]:
    known = ("maintainer", "maintainer-2", "debian", "fedora", "suse", "finder", "other-finder", "passer-by")
    yield from (name for name in known if address(name) in readers)


TEAM = {"maintainer", "maintainer-2"}
EXPECTED = {
    "receipt": {"finder", "other-finder"},
    "question": {"fedora", "suse"},
    "question_again": {"fedora"},
    "terms": {"debian", "fedora", "suse", *TEAM},
    "terms_late": {"debian", "fedora", *TEAM},
    "standing_terms": {"debian"},
    "told_at_once": {"debian"},
    "told_and_asked": {"suse"},
    "private_release": {"debian", "fedora", *TEAM},
    "private_release_reporter": {"finder"},
    "go_ahead": {"debian", "fedora", *TEAM},
    "announcement": {"everybody", "debian", "fedora", *TEAM},  # members as a draft, the day before
    "removed": {"everybody"},
    "embargo_over": {"debian", "fedora", "suse"},
    "thanks": {"debian", "fedora", *TEAM},
    "thanks_reporter": {"finder"},
    "holding": {"everybody", *TEAM},
}
"""Members of the team read along in rooms, and what they preview."""


@pytest.mark.parametrize("name", [name for name in names() if name != "no_key"])
def test_a_text_of_the_project_s_own_reaches_its_readers(readers: dict[str, set[str]], name: str) -> None:
    assert readers.get(name, set()) - TEAM == EXPECTED[name] - TEAM
