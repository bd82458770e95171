"""Taking a vulnerable release off GitHub's page: two confirmations, a record first, and the tag stays."""

from __future__ import annotations

import json

import pytest

from chatops.document import Document
from chatops.model.journal import text_of
from chatops.ports import Delist, Receipt, Survey, TryLater
from tests.decisions.test_checksums import survey
from tests.house import House, code_in, prepared, privately_released, with_roster

OLD, NEW = "11" * 32, "22" * 32
NAME = "dynasched-1.0.0.tar.bz2"


def _made() -> House:
    house = with_roster(House(github=True))
    house.host.release("1.0.0", sha256=OLD)
    house.host.release("1.0.1", sha256=NEW)
    survey(house)
    return house


MADE = prepared(_made)


@pytest.fixture
def house() -> House:
    """1.0.0 and 1.0.1 are on GitHub's page."""
    return MADE()


def asked(house: House, text: str = "delist 1.0.0") -> Document:
    card = house.say("maintainer", "security", text)
    assert card is not None
    return card


def confirm(house: House, card: Document) -> str:
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    return house.last("security").text


def verdict(house: House) -> str:
    answer = house.public("anybody", f"verify {OLD}  {NAME}")
    assert answer is not None
    return answer.title


def test_the_release_goes_and_its_tag_stays(house: House) -> None:
    card = asked(house)
    text = house.last("security").text
    assert card.kind == "preview"
    for said in ("v1.0.0, stays", NAME, "Upgrade to: 1.0.1", "cannot be undone", "source archives"):
        assert said in text
    assert [one["version"] for one in house.host.public] == ["1.0.0", "1.0.1"]
    done = confirm(house, card)
    assert "1.0.0 is off the release page" in done
    assert f"The tag v1.0.0 is where it was, at {house.host.tags['v1.0.0'][:12]}" in done
    assert [one["version"] for one in house.host.public] == ["1.0.1"]
    assert verdict(house) == f"{NAME} is genuine, but it was removed as vulnerable"
    [kept] = [entry for entry in house.journal() if entry.what == "release snapshot"]
    assert json.loads(text_of(kept, kept.told.get("text")) or "")["archives"][0]["name"] == NAME
    assert asked(house).title == "1.0.0 is removed already"
    survey(house)
    assert not [seen for seen in house.seen_in("security") if seen.document.kind == "release watch"]
    assert house.journal_is_good()


def test_the_release_is_on_record_before_anything_is_deleted_and_a_crash_between_costs_nothing(house: House) -> None:
    card = asked(house)
    perform, tries = house.host.perform, 0

    def crash(effect):  # type: ignore[no-untyped-def]
        nonlocal tries
        if not isinstance(effect.deed, Delist):
            return perform(effect)
        tries += 1
        assert [entry for entry in house.journal() if entry.what == "release snapshot"]
        if tries == 1:
            raise TryLater("stopped")  # not known whether it happened
        return perform(effect)

    house.host.perform = crash  # type: ignore[method-assign]
    confirm(house, card)
    house.wait(minutes=1)
    assert "1.0.0 is off the release page" in house.last("security").text
    assert tries == 2
    assert len([entry for entry in house.journal() if entry.what == "release snapshot"]) == 1


def test_a_reading_of_the_page_from_before_is_not_taken_for_news(house: House) -> None:
    card = asked(house)
    perform = house.host.perform
    slow = True

    def wait(effect):  # type: ignore[no-untyped-def]
        if slow and isinstance(effect.deed, Survey):
            raise TryLater("503")
        return perform(effect)

    house.host.perform = wait  # type: ignore[method-assign]
    survey(house)
    confirm(house, card)
    assert [one["version"] for one in house.host.public] == ["1.0.0", "1.0.1"]
    slow = False
    house.wait(minutes=1)
    assert [one["version"] for one in house.host.public] == ["1.0.1"]
    survey(house)
    assert not [seen for seen in house.seen_in("security") if seen.document.kind == "release watch"]


def test_an_immutable_release_is_warned_about_first(house: House) -> None:
    house.host.public[0]["immutable"] = True
    stale = asked(house)  # before the page was read again
    said = confirm(house, stale)
    assert "still on the release page: it became immutable since that was confirmed" in said
    assert house.host.public[0]["version"] == "1.0.0"
    card = asked(house)
    text = house.last("security").text
    assert text.index("1.0.0 is immutable on GitHub") < text.index("Archives")
    assert "no release can ever bear the name v1.0.0 again" in text
    assert "1.0.0 is off the release page" in confirm(house, card)


def test_a_tag_that_moved_or_is_gone_is_an_alert(house: House) -> None:
    perform = house.host.perform

    def meddle(effect):  # type: ignore[no-untyped-def]
        receipt = perform(effect)
        return Receipt(data={"commit": None}) if isinstance(effect.deed, Delist) else receipt

    house.host.perform = meddle  # type: ignore[method-assign]
    said = confirm(house, asked(house))
    assert "There is no tag v1.0.0" in said
    assert house.last("security").document.tone == "alert"


def test_what_github_refuses_is_one_clear_word_and_can_be_tried_again(house: House) -> None:
    card = asked(house)
    house.host.problem = "forbidden"
    before = len(house.seen_in("security"))
    confirm(house, card)
    faults = [seen for seen in house.seen_in("security")[before:] if seen.document.kind == "fault"]
    assert [seen.document.title for seen in faults] == [
        "1.0.0 is still on the release page: the bot's token may not do that; see what it needs in the list of all "
        "settings"
    ]
    assert "removed as vulnerable" in verdict(house)
    house.host.problem = None
    assert "1.0.0 is off the release page" in confirm(house, asked(house))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("delist 1.0.9", "no published release 1.0.9; did you mean 1.0.1?"),
        ("delist 3", "no published release 3; published: 1.0.0, 1.0.1"),
        ("delist 1.0.0 upgrade=1.0.0", "no other published release 1.0.0; published: 1.0.1"),
        ("delist", "VERSION is missing"),
    ],
)
def test_what_cannot_be_taken_off(house: House, line: str, said: str) -> None:
    card = asked(house, line)
    assert card.kind == "refusal"
    assert card.title.startswith(said)


def test_only_coordinators_and_not_where_others_read(house: House) -> None:
    assert (answer := house.direct("debian", "delist 1.0.0")) is not None
    assert answer.title.startswith('I know no "delist"')
    house.public("maintainer", "delist 1.0.0")
    assert [one["version"] for one in house.host.public] == ["1.0.0", "1.0.1"]


def test_a_release_in_a_plain_folder_is_only_marked_and_its_files_are_named() -> None:
    house = with_roster(House())
    house.host.release("1.0.0", sha256=OLD)
    survey(house)
    card = asked(house)
    assert card.title == "Mark 1.0.0 as removed?"
    assert f"To do so yourself: {NAME}" in house.last("security").text
    confirm(house, card)
    assert house.host.done.count("delist") == 0
    assert "removed as vulnerable" in verdict(house)


def test_announcing_takes_the_vulnerable_releases_off_too() -> None:
    house = with_roster(House(github=True))
    house.host.release("1.0.0", sha256=OLD, immutable=True)
    survey(house)
    case = privately_released(house)
    card = asked(house, f"announce {case} vulnerable=1.0.0")
    assert "1.0.0 is immutable on GitHub" in house.last("security").text
    confirm(house, card)
    assert house.host.published == [], "the fix and its tag are a person's to push"
    assert "push v1.0.1" in house.last("security", kind="announcement").text
    house.host.tags["v1.0.1"] = "f" * 40
    house.wait(minutes=2)
    assert house.host.published == ["1.0.1"]
    assert house.host.public == []
    assert "1.0.0 is off the release page" in [seen.document.title for seen in house.seen_in("security")]
    assert not house.stuck()
