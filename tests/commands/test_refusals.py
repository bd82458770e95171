"""Every command in the wrong place, by the wrong person, with the wrong words: one line, and nothing else happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import pytest

from chatops.commands import registry
from chatops.commands.declare import CaseUse, Command, Shape, Who
from chatops.commands.kinds import Choice
from chatops.commands.parse import brief
from chatops.commands.registry import collect
from chatops.document import Document
from chatops.model.people import PlaceKind
from tests.commands.scene import ASKERS, PLACES, Scene

REGISTRY = collect()


@pytest.fixture(scope="module")
def scene() -> Scene:
    """Nothing in this module may change it."""
    return Scene()


@pytest.fixture(scope="module")
def anybody(scene: Scene) -> Callable[[str], list[Document]]:
    """What the public room reads when somebody without a part in a case types a text."""
    room = scene.house.room("public")

    @cache
    def reads(text: str) -> list[Document]:
        return [doc for where, doc in scene.house.would("arch", "public", text).answers if where == room]

    return reads


def typed(command: Command, case: str) -> str:
    """The command's own example, for a case of the scene."""
    verb, _, rest = command.example.partition(" ")
    if command.case is CaseUse.NONE:
        return command.example
    return f"{verb} {case} {rest.removeprefix('DS-2026-7KQ4').strip()}"


def allowed(command: Command, who: str, place: str) -> bool:
    return bool(command.who & ASKERS[who]) and PLACES[place] in command.where


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("who", ASKERS)
def test_the_wrong_person_or_place_is_refused_and_nothing_changes(scene: Scene, who: str, place: str) -> None:
    refused = 0
    for command in REGISTRY.values():
        if not allowed(command, who, place):
            assert scene.says(who, place, typed(command, scene.case)) or place == "public"
            refused += 1
    assert refused >= 3


def mistakes(command: Command, case: str) -> Iterator[str]:
    """Lines with wrong arguments, derived from the declaration."""
    head = command.verb if command.case is CaseUse.NONE else f"{command.verb} {case}"
    tail = any(arg.shape in (Shape.WORDS, Shape.RAW) for arg in command.arguments)
    needed = [arg for arg in command.arguments if arg.required]
    first = next((arg for arg in command.arguments if arg.shape is Shape.POSITIONAL), None)
    if needed:
        yield head
    if not tail:
        yield f"{head} {'x ' * 12}"
        yield f"{head} nonsense=1"
    if first is not None and isinstance(first.kind, Choice):
        yield f"{head} nonsense"
        yield f'{head} "{"long " * 3000}\n\nlines"'
    for arg in command.arguments:
        if arg.shape is Shape.OPTION:
            name = arg.name.replace("_", "-")
            yield f"{head} {name[1:] if len(name) > 4 else name + name[-1]}=1 text"
            yield f"{head} {name}="
            yield f"{head} {name}=1 {name}=1"


@pytest.mark.parametrize("verb", REGISTRY)
def test_wrong_arguments_are_refused_with_the_usage_and_nothing_changes(scene: Scene, verb: str) -> None:
    command = REGISTRY[verb]
    who = next(who for who in reversed(ASKERS) if command.who & ASKERS[who])
    if verb in ("accept", "decline"):
        who = "suse"
    place = next(place for place in ("direct", "security") if PLACES[place] in command.where)
    for line in mistakes(command, scene.case):
        answer = scene.says(who, place, line)
        assert answer.endswith(brief(command)) or " too many" not in answer, answer


@pytest.mark.parametrize("place", ["direct", "public"])
@pytest.mark.parametrize("who", ["nobody", "finder", "suse", "fedora", "expert"])
def test_a_case_that_one_may_not_know_answers_like_one_that_does_not_exist(scene: Scene, who: str, place: str) -> None:
    asked = 0
    for command in REGISTRY.values():
        if command.case in (CaseUse.NONE, CaseUse.CLAIMED):
            continue
        there = scene.says(who, place, typed(command, scene.other))
        nowhere = scene.says(who, place, typed(command, scene.none))
        assert there.replace(scene.other, scene.none) == nowhere
        asked += 1
    assert asked > 10


@pytest.mark.parametrize("who", ["nobody", "arch", "gone"])
def test_who_has_no_part_in_a_case_is_told_the_same_whether_it_exists(scene: Scene, who: str) -> None:
    for command in REGISTRY.values():
        if command.case in (CaseUse.NONE, CaseUse.CLAIMED):
            continue
        there = scene.says(who, "direct", typed(command, scene.case))
        nowhere = scene.says(who, "direct", typed(command, scene.none))
        assert there.replace(scene.case, scene.none) == nowhere


@pytest.mark.parametrize(("who", "place"), [("nobody", "direct"), ("gone", "direct")])
def test_a_verb_that_one_may_not_see_answers_like_one_that_does_not_exist(scene: Scene, who: str, place: str) -> None:
    seen = {verb: command for verb, command in REGISTRY.items() if command.who & ASKERS[who]}
    whole = scene.house.decisions
    compared = 0
    for command in REGISTRY.values():
        if command.verb in seen:
            continue
        texts = (typed(command, scene.case), f"help {command.verb}")
        with_all = [scene.says(who, place, text) for text in texts]
        scene.house.decisions = replace(whole, registry=MappingProxyType(seen))
        try:
            without = [scene.says(who, place, text) for text in texts]
        finally:
            scene.house.decisions = whole
        assert with_all == without
        compared += 1
    assert compared > 10


def typo(word: str) -> str:
    """A letter too few in a long word, one twice in a short one."""
    return word[:2] + word[3:] if len(word) > 4 else word + word[-1]


@pytest.mark.parametrize("who", ASKERS)
def test_a_mistyped_verb_is_given_its_nearest_right_form_among_what_the_asker_may_see(scene: Scene, who: str) -> None:
    seen = {verb for verb, command in REGISTRY.items() if command.who & ASKERS[who]}
    for verb in REGISTRY:
        answer = scene.says(who, "direct", typo(verb))
        assert answer.startswith(f'I know no "{typo(verb)}"; ')
        if verb in seen:
            assert f"did you mean {verb}? {brief(REGISTRY[verb])}" in answer
        else:
            named = answer.partition("did you mean ")[2].partition("?")[0]
            assert named in {*seen, ""}


@pytest.mark.parametrize(
    ("who", "place", "text", "hint"),
    [
        ("maintainer", "security", "own {case} maintaner", "did you mean maintainer?"),
        ("maintainer", "security", "invite {case} debain", "did you mean debian?"),
        ("maintainer", "security", "invite {case} all-packager", "did you mean all-packagers?"),
        ("maintainer", "security", "triage {case} severty=CVSS:3.1/AV:N", "did you mean severity=?"),
        ("maintainer", "security", "triage {case} Severty=CVSS:3.1/AV:N", "did you mean severity=?"),
        ("maintainer", "security", "triage {case} severity=9.8", "CVSS:3.1/AV:N"),
        ("maintainer", "security", "triage {case} severity=CVSS:3.1/AV:N", "not a complete CVSS vector"),
        ("maintainer", "security", "triage {case} cve=2026-1", "CVE-2026-12345"),
        ("maintainer", "security", "embargo {case} dtae 2026-04-01", "did you mean date?"),
        ("maintainer", "security", "embargo {case} date 2026-04-01 15:00 Berlin", "did you mean Europe/Berlin?"),
        ("maintainer", "security", "embargo {case} date 2026-02-30", "no day of the calendar"),
        ("maintainer", "security", "embargo {case} date 2026-01-01", "in the past"),
        ("maintainer", "security", "embargo {case} date 2030-01-01", "beyond the cap of 90 days"),
        ("maintainer", "security", "contacts add x roles=packer address=matrix:@x:y", "did you mean packager?"),
        ("maintainer", "security", "contacts change debian zone=Europe/Berln", "did you mean Europe/Berlin?"),
        ("maintainer", "security", "contacts add x address=@x:y", "matrix:@x:y"),
        ("maintainer", "security", "contacts show debain", "did you mean debian?"),
        ("fedora", "direct", "status {case} afected", "did you mean affected?"),
        ("fedora", "direct", "releases 1.0.1 notation=spak", "did you mean spack?"),
        ("finder", "direct", "report credti=me I found it", "did you mean credit=?"),
    ],
)
def test_what_is_mistyped_is_given_its_nearest_right_form(
    scene: Scene, who: str, place: str, text: str, hint: str
) -> None:
    answer = scene.says(who, place, text.format(case=scene.case))
    assert hint in answer


def test_a_mistyped_case_is_given_its_nearest_among_those_that_one_may_know(scene: Scene) -> None:
    swapped = scene.case[:-1] + ("2" if scene.case[-1] != "2" else "3")
    for who in ("maintainer", "fedora", "finder", "expert", "suse"):
        verb = "report" if who == "finder" else "accept" if who == "suse" else "show"
        assert scene.says(who, "direct", f"{verb} {swapped}") == (
            f"there is no case {swapped}; did you mean {scene.case}?"
        )
    shorter = scene.case[:-1]
    assert scene.says("maintainer", "security", f"triage {shorter} severity=x") == (
        f"there is no case {shorter}; did you mean {scene.case}?"
    )
    assert scene.says("nobody", "direct", f"report {swapped}") == f"there is no case {swapped}"


def test_the_roster_is_not_told_to_an_expert(scene: Scene) -> None:
    known = scene.says("expert", "direct", f"team {scene.case} add arch")
    unknown = scene.says("expert", "direct", f"team {scene.case} add nowhere")
    assert known.replace("arch", "nowhere") == unknown
    assert "did you mean" not in scene.says("expert", "direct", f"team {scene.case} add arhc")


def test_in_an_embargo_room_no_answer_tells_of_another_case(scene: Scene) -> None:
    before = len(scene.house.seen_in(scene.case))
    for text in (f"show {scene.other}", f"own {scene.other}", f"show {scene.none}", f"close {scene.other} because"):
        answer = scene.says("maintainer", "embargo", text)
        assert answer == f"this room is for {scene.case} only; for any other case, write to me in a direct chat"
    assert scene.other not in "".join(seen.text for seen in scene.house.seen_in(scene.case)[before:])


@pytest.mark.parametrize("who", ["fedora", "finder", "suse", "expert", "maintainer"])
def test_in_a_public_room_nobody_reads_that_somebody_has_a_part_in_a_case(
    scene: Scene, anybody: Callable[[str], list[Document]], who: str
) -> None:
    """What bystanders see for somebody in a case is what they see for anybody, or nothing at all."""
    room = scene.house.room("public")
    other = scene.case[:-1] + ("3" if scene.case.endswith("2") else "2")
    texts = [f"report {other} more of it", "help", "help status"]
    for verb, command in REGISTRY.items():
        if Who.ALL not in command.who:
            texts += [f"{verb} {scene.case}", f"{typo(verb)} {scene.case}"]
    shown = 0
    for text in texts:
        here = [doc for where, doc in scene.house.would(who, "public", text).answers if where == room]
        assert here in ([], anybody(text))
        shown += len(here)
    assert shown


def test_who_may_do_a_thing_elsewhere_is_told_where(scene: Scene) -> None:
    assert scene.says("maintainer", "security", "status affected") == (
        "status is for the members of a case; you write: correct CASE WHO VALUE"
    )
    assert scene.says("fedora", "security", f"status {scene.case} affected") == (
        "status does not work here; use it in the case's embargo room or a direct chat with me"
    )
    assert scene.says("expert", "public", f"cases {scene.case}") == (
        "cases does not work here; use it in the case's embargo room or a direct chat with me"
    )


def test_every_command_is_declared_whole() -> None:
    """What is derived (help, parser, forms, docs) needs these."""
    for verb, command in REGISTRY.items():
        assert command.example.split()[0] == verb
        assert command.summary[0].islower()
        assert not command.summary.endswith(".")
        assert command.where, verb
        assert all(arg.help for arg in command.arguments)
        assert command.where == command.where & frozenset(PlaceKind)
        options = [part for part in command.usage.split(" ") if part.startswith("[") and "=" in part]
        tail = next((arg for arg in command.arguments if arg.shape in (Shape.WORDS, Shape.RAW)), None)
        if tail is not None and options:
            assert command.usage.index(options[-1]) < command.usage.rindex(tail.kind.name)


def test_no_two_commands_share_a_verb() -> None:
    with pytest.raises(ValueError, match="two commands are called help"):
        registry._add(dict(REGISTRY), REGISTRY["help"])
