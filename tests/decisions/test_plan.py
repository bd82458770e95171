"""The general release as a plan: its order, what a failure stops, and what a person does about it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlmodel import Session

from chatops.document import Board, Document
from chatops.model.machines import Embargo
from chatops.ports import Effect, Impossible, Post, Receipt, TryLater
from chatops.service.timers import set_timer
from tests.house import House, code_in, privately_released, with_roster


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


@pytest.mark.parametrize("own", [False, True], ids=["an edit is the message", "an edit is an event of its own"])
def test_a_step_is_tried_again_by_the_button_of_the_card_as_it_is_now(released_house: House, own: bool) -> None:
    house = released_house
    perform = house.chat.perform

    def performed(effect: Effect) -> Receipt:
        receipt = perform(effect)
        edit = isinstance(effect.deed, Post) and effect.deed.edit is not None
        return Receipt(event=house.chat.fresh("$edit")) if edit and own else receipt  # as on Matrix

    house.chat.perform = performed  # type: ignore[method-assign]
    house.host.problem = "disk-full"
    confirmed(house)
    house.host.problem = None
    house.react("maintainer", house.last("security", kind="announcement"), "🔁")
    assert set(steps(house).values()) == {"done"}


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


def on_github() -> House:
    house = with_roster(House(github=True))
    house.host.release("1.0.0", sha256="11" * 32)
    set_timer_now(house, "survey")
    privately_released(house)
    house.room("public")
    return house


def set_timer_now(house: House, kind: str) -> None:
    with Session(house.engine) as session:
        set_timer(session, kind, house.clock.now, kind)
        session.commit()
    house.run()


def test_a_tag_that_could_not_be_looked_for_is_looked_for_again() -> None:
    house = on_github()
    house.host.problem = "forbidden"
    confirmed(house)
    assert steps(house)["tag"] == "failed"
    house.host.problem = None
    house.say("maintainer", "security", f"step {house.case} retry tag")
    assert steps(house)["tag"] == "asked"
    house.host.tags["v1.0.1"] = "f" * 40
    house.wait(minutes=5)
    assert set(steps(house).values()) == {"done"}


def test_a_look_for_the_tag_of_a_plan_that_was_called_off_says_nothing_of_the_next() -> None:
    house = on_github()
    perform = house.host.perform
    house.host.perform = lambda effect: (_ for _ in ()).throw(TryLater("busy"))  # type: ignore[method-assign]
    confirmed(house)
    assert house.say("maintainer", "security", f"step {house.case} stop all It must wait.") is not None
    house.host.perform = perform  # type: ignore[method-assign]
    house.host.tags["v1.0.1"] = "f" * 40
    house.host.stage("1.0.2")
    house.say("maintainer", "security", f"private-release {house.case} 1.0.2")
    confirmed(house)
    house.wait(minutes=30)
    assert steps(house)["tag"] == "asked"
    assert not house.seen_in("public")


def test_steps_that_a_new_plan_has_not_hold_it_up_no_more(released_house: House) -> None:
    house = released_house
    house.room("public")
    house.host.problem = "changed-since-the-private-release"
    confirmed(house)
    house.say("maintainer", "security", f"step {house.case} stop all It must wait.")
    line = f"{'ab' * 32}  dynasched-1.0.2.tar.bz2"
    house.say("maintainer", "security", f"private-release {house.case} 1.0.2\n{line}")
    confirmed(house)
    assert set(steps(house)) == {"members", "public", "over", "thanks"}
    assert set(steps(house).values()) == {"done"}
    assert house.journal_is_good()


def test_what_is_skipped_does_not_happen_later(released_house: House) -> None:
    house = released_house
    perform = house.host.perform
    house.host.perform = lambda effect: (_ for _ in ()).throw(TryLater("busy"))  # type: ignore[method-assign]
    confirmed(house)
    house.say("maintainer", "security", f"step {house.case} skip publish By hand.")
    house.host.perform = perform  # type: ignore[method-assign]
    house.wait(hours=1)
    assert house.host.published == []
    assert steps(house)["publish"] == "skipped"
    assert house.file(house.case).public


@pytest.mark.parametrize("what", ["public", "exploit", "attacks"])
def test_a_leak_is_confirmed_while_it_is_announced_and_everybody_hears_of_the_end_once(
    released_house: House, what: str
) -> None:
    house = released_house
    house.room("public")
    house.host.problem = "disk-full"
    confirmed(house)
    told = house.say("maintainer", "security", f"exposed {house.case} {what}")
    assert told is not None
    assert told.kind != "refusal"
    house.host.problem = None
    house.say("maintainer", "security", f"step {house.case} retry publish")
    assert set(steps(house).values()) == {"done"}
    for who in ("debian", "fedora", "suse"):
        assert [seen.document.kind for seen in house.seen_by(who)].count("embargo over") == 1
    assert house.journal_is_good()


def test_the_fix_is_not_taken_down(released_house: House) -> None:
    house = released_house
    house.say("maintainer", "security", f"embargo {house.case} end It is out.")
    house.host.public = [{"version": "1.0.1", "archives": []}]
    set_timer_now(house, "survey")
    refused = house.say("maintainer", "security", f"announce {house.case} vulnerable=1.0.1")
    assert refused is not None
    assert refused.kind == "refusal"
    assert not house.file(house.case).public


def test_what_became_immutable_after_it_was_confirmed_is_left_alone() -> None:
    house = on_github()
    confirmed(house, "vulnerable=1.0.0 Some words.")
    house.host.public[0]["immutable"] = True
    set_timer_now(house, "survey")
    house.host.tags["v1.0.1"] = "f" * 40
    house.wait(minutes=5)
    assert "delist" not in house.host.done
    assert steps(house)["delist"] == "failed"


def test_what_the_public_could_not_be_told_is_found_by_its_code(released_house: House) -> None:
    house = released_house
    room = house.room("public")
    perform = house.chat.perform

    def closed(effect: Effect) -> Receipt:
        if effect.room == room:
            raise Impossible("forbidden")
        return perform(effect)

    house.chat.perform = closed  # type: ignore[method-assign]
    confirmed(house)
    house.chat.perform = perform  # type: ignore[method-assign]
    for row in house.stuck():
        answer = house.say("maintainer", "security", f"stuck retry {row.key[:8]}")
        assert answer is not None
        assert answer.kind != "refusal"
    assert len([seen for seen in house.seen_in("public") if seen.document.kind == "announcement"]) == 1
    assert set(steps(house).values()) == {"done"}


def test_a_drill_on_github_takes_nothing_off_and_ends_well_wherever_it_is_confirmed() -> None:
    house = with_roster(House(github=True))
    house.host.release("1.0.0", sha256="11" * 32)
    set_timer_now(house, "survey")
    house.say("maintainer", "security", "drill A rehearsal")
    case = house.cases()[-1]
    house.say("maintainer", "security", f"triage {case} severity=CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    house.say("maintainer", "security", f"private-release {case} 1.0.9")
    card = house.say("maintainer", "security", f"announce {case} vulnerable=1.0.0")
    assert card is not None
    house.direct("maintainer-2", f"confirm {code_in(card)}")
    house.say("maintainer", "security", f"step {case} done tag")
    assert house.file(case).public
    last = house.last("security", kind="announcement").document
    assert last.title == f"DRILL: {case}: 1.0.9 is announced"
    assert "delist" not in house.host.done
    assert not house.stuck()
