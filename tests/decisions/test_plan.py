"""The general release as a plan: its order, what a failure stops, and what a person does about it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from chatops.document import Board, Document
from chatops.model.machines import Embargo
from chatops.ports import Effect, Impossible, Post, Receipt, TryLater
from tests.house import House, code_in


def confirmed(house: House, text: str = "A crafted job name overflows the queue.") -> Document | None:
    card = house.say("maintainer", "security", f"announce {house.case} {text}")
    assert card is not None
    return house.say("maintainer-2", "security", f"confirm {code_in(card)}")


def steps(house: House) -> dict[str, str]:
    with house.read() as session:
        from chatops.model.book import Book

        return {name: row.state for name, row in Book(session).plan(house.case).items()}


def shown(document: Document) -> list[tuple[str, str]]:
    (board,) = [block for block in document.blocks if isinstance(block, Board)]
    return [(step.name, step.state) for step in board.steps]


def test_members_hear_first_then_it_is_published_then_checked_then_the_public_hears(released_house: House) -> None:
    house = released_house
    house.room("public")
    before = len(house.chat.done)
    done = confirmed(house)
    assert done is not None
    assert done.title == f"{house.case}: 1.0.1 is announced"
    assert {state for _, state in shown(done)} == {"done"}
    said = [effect.deed.document.kind for effect in house.chat.done[before:] if isinstance(effect.deed, Post)]
    order = [kind for kind in said if kind in ("go", "announcement", "embargo over", "thanks")]
    assert order.index("go") < order.index("thanks")
    public = [kind for seen in house.seen_in("public") for kind in [seen.document.kind]]
    assert public == ["announcement"]
    assert set(steps(house).values()) == {"done"}
    assert house.journal_is_good()


def test_what_fails_stops_what_depends_on_it_and_can_be_tried_again(released_house: House) -> None:
    house = released_house
    house.room("public")
    house.host.problem = "disk-full"
    confirmed(house)
    assert steps(house) == {
        "members": "done",
        "publish": "failed",
        "public": "waiting",
        "over": "waiting",
        "thanks": "waiting",
    }
    card = house.last("security", kind="announcement").document
    assert card.title == f"{house.case}: announcing 1.0.1: publish failed"
    assert f"step {house.case} retry publish" in [action.command for action in card.actions]
    assert not house.seen_in("public")
    assert house.file(house.case).case.embargo == Embargo.ACTIVE
    house.host.problem = None
    house.say("maintainer", "security", f"step {house.case} retry publish")
    assert set(steps(house).values()) == {"done"}
    assert len(house.seen_in("public")) == 1
    assert [seen.document.kind for seen in house.seen_in(house.case)].count("go") == 1, "members heard it once"
    assert house.journal_is_good()


def test_archives_that_are_other_ones_outside_stop_the_announcement(released_house: House) -> None:
    house = released_house
    house.room("public")
    publish = house.host.perform

    def tampered(effect):  # type: ignore[no-untyped-def]
        receipt = publish(effect)
        if effect.deed.t == "publish":
            receipt.data["archives"] = [{**one, "digests": {"sha256": "00" * 32}} for one in receipt.data["archives"]]
        return receipt

    house.host.perform = tampered  # type: ignore[method-assign]
    confirmed(house)
    assert steps(house)["publish"] == "failed"
    assert "what can be downloaded is not what members verified" in house.last("security", kind="announcement").text
    assert not house.seen_in("public")
    house.host.perform = publish  # type: ignore[method-assign]
    house.say("maintainer", "security", f"step {house.case} retry publish")
    assert len(house.seen_in("public")) == 1


def test_a_step_is_skipped_with_a_reason_only(released_house: House) -> None:
    house = released_house
    house.room("public")
    house.host.problem = "disk-full"
    confirmed(house)
    house.host.problem = None
    refused = house.say("maintainer", "security", f"step {house.case} skip publish")
    assert refused is not None
    assert refused.title == f"say why it is skipped: step {house.case} skip publish REASON"
    house.say("maintainer", "security", f"step {house.case} skip publish I uploaded it by hand.")
    assert steps(house)["publish"] == "skipped"
    assert len(house.seen_in("public")) == 1
    told = [entry for entry in house.journal(house.case) if entry.what == "step skipped"]
    assert len(told) == 1
    assert house.journal_is_good()


def test_it_is_called_off_while_the_public_knows_nothing_and_members_hear_it(released_house: House) -> None:
    house = released_house
    house.room("public")
    house.host.problem = "changed-since-the-private-release"
    confirmed(house)
    off = house.say("maintainer", "security", f"step {house.case} stop all The archives changed.")
    assert off is not None
    assert "called off" in off.title
    assert "wait, not yet" in house.last(house.case, kind="go").document.title
    assert house.file(house.case).case.announcing_at is None
    house.host.problem = None
    confirmed(house)
    assert len(house.seen_in("public")) == 1
    late = house.say("maintainer", "security", f"step {house.case} stop all Too late.")
    assert late is not None
    assert "cannot be called off" in late.title
    assert house.journal_is_good()


def test_what_is_only_late_waits_and_nothing_overtakes_it(released_house: House) -> None:
    house = released_house
    house.room("public")
    perform = house.host.perform
    house.host.perform = lambda effect: (_ for _ in ()).throw(TryLater("busy"))  # type: ignore[method-assign]
    confirmed(house)
    assert steps(house)["publish"] == "running"
    assert not house.seen_in("public")
    house.host.perform = perform  # type: ignore[method-assign]
    house.wait(hours=1)
    assert set(steps(house).values()) == {"done"}
    assert len(house.seen_in("public")) == 1


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("step {case} retry pubish", 'there is no step "pubish"; did you mean publish?'),
        ("step {case} retry members", "members of {case} is done already"),
        ("step {case} retry thanks", "thanks of {case} is not its turn yet; see step {case}"),
        ("step {case} done publish", "publish of {case} is the bot's to do, not yours"),
        ("step {case} retry", "say which step of {case}: members, publish, public, over, thanks"),
    ],
)
def test_what_makes_no_sense_gets_one_line(released_house: House, line: str, answer: str) -> None:
    house = released_house
    house.host.problem = "disk-full"
    confirmed(house)
    refused = house.say("maintainer", "security", line.format(case=house.case))
    assert refused is not None
    assert refused.title.startswith(answer.format(case=house.case))


def test_without_an_announcement_there_are_no_steps(released_house: House) -> None:
    house = released_house
    refused = house.say("maintainer", "security", f"step {house.case}")
    assert refused is not None
    assert refused.title == f"{house.case} is not being announced; first: announce {house.case}"


def test_the_advisory_is_written_before_the_public_hears_and_goes_along_with_it(released_house: House) -> None:
    house = released_house
    house.set_section("advisories", folder="/site", url="https://d.example.org/security")
    house.room("public")
    house.say("maintainer", "security", f'advisory {house.case} affected="<1.0.1" cwe=CWE-787')
    confirmed(house)
    stem = house.case.lower()
    assert set(house.host.advisories) == {f"{stem}.md", f"{stem}.txt", f"{stem}.json", f"{stem}.osv.json"}
    told = json.loads(house.host.advisories[f"{stem}.json"])
    assert told["document"]["tracking"]["id"] == house.case
    public = house.room("public")
    assert {upload.name for room, upload, _ in house.chat.files if room == public} == set(house.host.advisories)
    assert f"https://d.example.org/security/{stem}.md" in house.last("public", kind="announcement").text


def test_a_room_that_cannot_be_told_holds_up_nothing_that_is_before_it(released_house: House) -> None:
    house = released_house
    room = house.room("public")
    perform = house.chat.perform

    def closed(effect):  # type: ignore[no-untyped-def]
        if effect.room == room:
            raise Impossible("forbidden")
        return perform(effect)

    house.chat.perform = closed  # type: ignore[method-assign]
    confirmed(house)
    assert steps(house)["public"] == "failed"
    assert house.file(house.case).public, "it is out: the archives are published, and the embargo is over"
    house.say("maintainer", "security", f"step {house.case} skip public That room is gone.")
    assert set(steps(house).values()) == {"done", "skipped"}
    assert house.last(house.case, kind="thanks")


@pytest.mark.parametrize("when", ["before", "after"])
def test_each_effect_that_breaks_off_once_happens_once(released_house: House, when: str) -> None:
    """As where the connection dies, or the process: what became of it is unknown; tried again, it has the same key, by
    which the service knows it.
    """
    house = released_house
    house.set_section("advisories", folder="/site")
    house.room("public")
    card = house.say("maintainer", "security", f"announce {house.case} A crafted job name overflows the queue.")
    assert card is not None
    broken: set[str] = set()
    known: dict[str, Receipt] = {}

    def breaking(perform: Callable[[Effect], Receipt]) -> Callable[[Effect], Receipt]:
        def once(effect: Effect) -> Receipt:
            fresh = effect.id not in broken
            broken.add(effect.id)
            if fresh and when == "before":
                raise TryLater("timeout")
            if effect.id not in known:
                known[effect.id] = perform(effect)
            if fresh:
                raise TryLater("timeout")
            return known[effect.id]

        return once

    house.chat.perform = breaking(house.chat.perform)  # type: ignore[method-assign, assignment]
    house.host.perform = breaking(house.host.perform)  # type: ignore[method-assign, assignment]
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    house.wait(hours=1)
    assert len(broken) > 10
    assert set(steps(house).values()) == {"done"}
    assert [seen.document.kind for seen in house.seen_in("public")] == ["announcement"]
    assert [seen.document.kind for seen in house.seen_in(house.case)].count("go") == 1
    assert [seen.document.kind for seen in house.seen_in(house.case)].count("thanks") == 1
    assert not house.stuck()
    assert house.journal_is_good()
