"""The pack: what is in it, in which version; who hears of it, who has it, and who never reads a word of it."""

from __future__ import annotations

import pytest

from chatops.plain import plain_text
from chatops.ports import Effect, Receipt, TryLater, Upload
from tests.house import House, address, privately_released
from tests.patches import fenced, patch

CANARY = "canarypack"


def said(house: House, who: str, where: str, text: str) -> str:
    answer = house.say(who, where, text)
    assert answer is not None
    return plain_text(answer)


def files(house: House, who: str) -> list[str]:
    """The names of the files that somebody could fetch, the same once."""
    return list(dict.fromkeys(upload.name for _, upload, readers in house.chat.files if address(who) in readers))


def filled(house: House) -> House:
    case = house.case
    for line in (
        f"pack {case} add mitigation {CANARY} Set MaxNameLength=64.",
        f"pack {case} add test {CANARY} Below 1.0.1 you are affected.",
        f"pack {case} add restart {CANARY} Controllers first.",
        f"pack {case} add cve cve-2026-12345",
        f"pack {case} add patch branch=main {fenced(patch(CANARY))}",
    ):
        assert house.say("maintainer", "security", line) is not None
    return house


def test_what_is_new_is_said_in_the_room_with_the_patch_as_a_file_and_the_board_shows_it(members_house: House) -> None:
    house = members_house
    case = house.case
    said(house, "maintainer", "security", f"pack {case} add mitigation Set MaxNameLength=64.")
    card = house.last(case, kind="pack")
    assert card.document.title == f"{case}: new in the pack: mitigation"
    assert "Set MaxNameLength=64." in card.text
    said(house, "maintainer", case, f"pack add patch branch=stable/1.0 {fenced(patch())}")
    assert f"git am {case}-stable-1.0-1.patch" in house.last(case, kind="pack").text
    (room, upload, readers) = house.chat.files[-1]
    assert upload.open().read().decode() == patch()
    assert (room, upload.name) == (house.room(case), f"{case}-stable-1.0-1.patch")
    assert readers == {address(one) for one in ("maintainer", "maintainer-2", "debian", "fedora")}
    assert "Pack: mitigation, patch for stable/1.0" in said(house, "fedora", case, "show")
    assert len([one for one in house.seen_in("security") if one.document.kind == "pack"]) == 2
    assert house.journal_is_good()


def test_versions_are_kept_and_who_has_which_is_on_record(members_house: House) -> None:
    house = filled(members_house)
    case = house.case
    house.leave("fedora", case)
    newer = fenced(patch("Another way", new="snprintf(a, n, b);"))
    assert "a newer patch for main is in the pack" in said(
        house, "maintainer", "security", f"pack {case} add patch branch=main {newer}"
    )
    listed = said(house, "maintainer", "security", f"pack {case} list").splitlines()
    assert [line.split()[-3:] for line in listed if line.startswith("patch for main")] == [
        ["not", "any", "more"],
        ["in", "the", "pack"],
    ]
    listed_in_one = " ".join(listed)
    assert "debian — has: all of it" in listed_in_one
    assert "fedora — has: all but patch for main (version 2)" in listed_in_one
    assert "suse" not in listed_in_one
    assert CANARY in said(house, "debian", case, "pack show patch branch=main version=1")
    assert house.chat.files[-1][1].open().read().decode() == patch(CANARY)
    assert (
        house.file(case).participants[next(p for p, c in house.file(case).contacts.items() if c.name == "debian")].pack
        == 6
    )
    entry = [one for one in house.journal(case) if one.what == "pack added to"][-1]
    assert entry.told["facts"] == {"what": "patch for main", "version": "2", "members": "1"}
    assert house.journal_is_good()


def test_who_comes_later_gets_the_current_one_and_those_who_have_it_are_not_told_again(members_house: House) -> None:
    house = filled(members_house)
    case = house.case
    said(house, "maintainer", "security", f"pack {case} drop restart reason")
    house.wait(days=1)
    before = len(house.seen_in(case))
    house.direct("suse", f"accept {case}")
    house.wait(seconds=5)
    pack = house.last(case, kind="pack")
    assert pack.document.title == f"{case}: the pack"
    assert [word in pack.text for word in ("MaxNameLength", "Below 1.0.1", "Controllers")] == [True, True, False]
    assert address("suse") in pack.readers
    assert files(house, "suse") == [f"{case}-main-1.patch"]
    assert [one.document.kind for one in house.seen_in(case)[before:]].count("pack") == 1
    house.leave("debian", case)
    house.join("debian", case)
    house.wait(seconds=5)
    assert [one.document.kind for one in house.seen_in(case)[before:]].count("pack") == 1
    assert "suse  " in said(house, "maintainer", "security", f"pack {case} list")
    assert house.journal_is_good()


def test_somebody_reads_it_in_private_too_and_that_is_on_record(members_house: House) -> None:
    house = members_house
    house.leave("fedora", house.case)
    filled(house)
    assert "fedora  nothing of it yet" in said(house, "maintainer", "direct", f"pack {house.case} list")
    assert "MaxNameLength" in said(house, "fedora", "direct", "pack")
    assert "fedora  all of it" in said(house, "maintainer", "direct", f"pack {house.case} list")
    assert files(house, "fedora") == [f"{house.case}-main-1.patch"]
    assert "all of it" not in said(house, "fedora", "direct", "pack list"), "who has what is for the team"


def test_triage_fills_the_same_pack(members_house: House) -> None:
    house = members_house
    said(house, "maintainer", "security", f'triage {house.case} mitigation="Turn it off." cve=CVE-2026-11111')
    said(house, "maintainer", "security", f"pack {house.case} add mitigation Set MaxNameLength=64.")
    file = house.file(house.case)
    assert (file.case.mitigation, file.case.cve) == ("Set MaxNameLength=64.", "CVE-2026-11111")
    assert [(one.what, one.number, one.until) for one in file.pack] == [
        ("mitigation", 1, 3),
        ("cve", 1, None),
        ("mitigation", 2, None),
    ]
    said(house, "maintainer", "security", f"pack {house.case} drop cve")
    assert house.file(house.case).case.cve is None
    assert house.journal_is_good()


def test_nobody_reads_a_word_of_it_who_is_not_cleared(members_house: House) -> None:
    house = members_house
    case = house.case
    public = house.room("public")
    filled(house)
    for who in ("suse", "crook", "finder", "fedora", "maintainer"):
        for text in ("pack", f"pack {case}", f"pack {case} list", f"pack {case} add mitigation {CANARY}"):
            house.public(who, text)
            house.direct(who, text) if who in ("suse", "crook", "finder") else None
    said(house, "maintainer", "security", f"remove {case} fedora")
    taken = len(house.chat.seen)
    said(house, "maintainer", "security", f"pack {case} add mitigation {CANARY} Another.")
    house.direct("fedora", f"pack {case}")
    house.direct("fedora", "pack")
    bearing = [one for one in house.chat.seen if CANARY in one.document.model_dump_json()]
    assert bearing
    for seen in bearing:
        assert not seen.readers & {address(one) for one in ("suse", "crook", "finder", "@crowd:x")}, seen.document.title
        assert seen.room != public
    assert not [one for one in house.chat.seen[taken:] if address("fedora") in one.readers and one in bearing]
    assert not files(house, "suse") + files(house, "crook") + files(house, "finder")
    assert not any(CANARY in room.name + room.topic for room in house.chat.rooms.values())
    assert not any(CANARY in upload.name for _, upload, _ in house.chat.files)
    assert CANARY not in str([(entry.what, entry.told["facts"]) for entry in house.journal()])
    assert CANARY not in repr(house.file(case).pack)


def test_a_lapsed_member_gets_nothing_new_after_the_date_that_they_accepted(members_house: House) -> None:
    house = members_house
    case = house.case
    said(house, "maintainer", "security", f'embargo {case} date in 60 days reason="a rebuild"')
    house.wait(days=31)
    assert "fedora" not in house.members(case)
    before = len(house.chat.seen)
    filled(house)
    assert not [one for one in house.chat.seen[before:] if address("fedora") in one.readers]
    assert "first answer the terms" in said(house, "fedora", "direct", f"pack {case}")
    house.direct("fedora", f"accept {case}")
    house.wait(seconds=5)
    assert files(house, "fedora") == [f"{case}-main-1.patch"]


def test_a_reporter_who_wished_to_review_the_fix_gets_the_patch_and_no_more(members_house: House) -> None:
    house = members_house
    house.direct("finder", f"report {house.case} review=yes")
    filled(house)
    assert files(house, "finder") == [f"{house.case}-main-1.patch"]
    mine = [one.text for one in house.seen_by("finder") if one.document.kind == "pack"]
    assert len(mine) == 1
    assert "MaxNameLength" not in mine[0]


def test_with_the_private_release_comes_the_rest(house: House) -> None:
    case = privately_released(house)
    filled(house)
    before = len(house.chat.files)
    said(house, "debian", "direct", "pack")
    assert house.last("direct", "debian", kind="private release").document.case == case
    assert [upload.name for _, upload, _ in house.chat.files[before:]] == [
        f"{case}-main-1.patch",
        "dynasched-1.0.1.tar.bz2",
    ]


def test_each_downstream_gets_the_checksums_as_its_recipes_state_them(house: House) -> None:
    case = privately_released(house)
    card = house.last(case, kind="private release").text
    assert "For Debian:" in card
    assert f"Checksums-Sha256:\n     {'ab' * 32} 1000 dynasched-1.0.1.tar.bz2" in card
    assert "For Fedora:" not in card, "their sources want a SHA-512, and none is on record"
    assert "For SUSE:" not in card, "suse has not accepted"
    house.wait(minutes=1)
    house.direct("suse", f"accept {case}")
    house.wait(seconds=5)
    assert "For Suse:" in house.last(case, kind="private release").text
    said(house, "suse", "direct", "pack")
    mine = house.last("direct", "suse", kind="private release").text
    assert "sha256sums=('abab" in mine
    assert "For Debian" not in mine
    assert "For " not in house.last("direct", "finder", kind="private release").text


def test_a_drill_keeps_its_pack_in_the_security_room(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", "drill Overflow in the drill")
    case = house.case
    house.say("maintainer", "security", f"triage {case} Overflow")
    before = len(house.chat.seen)
    house.say("maintainer", "security", f"pack {case} add patch branch=main {fenced(patch(CANARY))}")
    new = house.chat.seen[before:]
    assert new
    assert {one.room for one in new} == {house.room("security")}
    assert not house.chat.files


def offer(house: House, who: str, where: str, text: str | None = None) -> str:
    """Somebody drops a patch; the answer."""
    answer = house.drop(who, where, "0001-fix.patch", text=text)
    return plain_text(answer) if answer else ""


def code_of(answer: str) -> str:
    return answer.partition("file=")[2].split()[0]


def test_a_patch_dropped_into_a_room_of_the_team_goes_into_a_pack_by_its_code(members_house: House) -> None:
    house = members_house
    case = house.case
    answer = offer(house, "maintainer", "security", patch("Bound it"))
    assert f"pack {case} add patch file={code_of(answer)} branch=main" in answer
    assert "Bound it" in answer
    line = f"pack {case} add patch file={code_of(answer).lower()} branch=v1.0"
    assert "new in the pack: patch for v1.0" in said(house, "maintainer-2", "security", line)
    assert house.chat.files[-1][1].open().read().decode() == patch("Bound it")
    answer = offer(house, "maintainer", case, patch("Bound it too"))
    assert f"pack {case} add patch file={code_of(answer)} branch=v1.0" in answer
    assert "a newer patch" in said(house, "maintainer", case, f"pack add patch branch=v1.0 file={code_of(answer)}")
    assert house.journal_is_good()


def test_a_dropped_patch_of_anybody_else_or_elsewhere_is_not_answered(members_house: House) -> None:
    house = members_house
    for who, where in (("fedora", house.case), ("maintainer", "public"), ("crook", "public"), ("suse", "direct")):
        assert offer(house, who, where, patch(CANARY)) == "", (who, where)
    assert not [one for one in house.chat.seen if CANARY in one.text]
    assert not house.state()["offered"]


def test_what_is_dropped_and_no_patch_gets_one_line(members_house: House) -> None:
    house = members_house
    assert "Not for a pack: this is a plain diff" in offer(house, "maintainer", "security", "diff --git a/x b/x\n")
    assert "larger than 512 KiB, or not in UTF-8" in offer(house, "maintainer", "security", None)
    assert not house.state()["offered"]


def test_a_dropped_patch_stays_with_its_case_and_not_for_ever(members_house: House) -> None:
    house = members_house
    first = house.case
    code = code_of(offer(house, "maintainer", first, patch()))
    general = code_of(offer(house, "maintainer", "security", patch("Other")))
    house.direct("finder", "report Another thing entirely.")
    house.say("maintainer", "security", f"triage {house.case} Another")
    house.say("maintainer", "security", "contacts add helper roles=expert address=matrix:@helper:example.org")
    house.say("maintainer", "security", f"team {house.case} add helper")
    line = f"pack {house.case} add patch branch=main file="
    assert "no dropped file has the code" in said(house, "maintainer", "security", line + code)
    assert "no dropped file has the code" in said(house, "helper", "direct", line + general)
    assert f"pack {house.case} add patch" in offer(house, "helper", "direct", patch("Mine"))
    assert "in place of its text" in said(house, "maintainer", "security", f"{line}{general} more")
    assert "new in the pack" in said(house, "maintainer", "security", line + general)
    house.wait(days=8)
    offer(house, "maintainer", "security", patch())
    assert len(house.state()["offered"]) == 1
    assert house.journal_is_good()


def test_with_a_checkout_a_patch_is_tried_first_and_then_handed_out(members_house: House) -> None:
    house = members_house.with_checkout()
    case = house.case
    answer = said(house, "maintainer", "security", f"pack {case} add patch branch=main {fenced(patch())}")
    assert f"{case}: the patch applies to main; it is in the pack" in answer
    assert "By maintainer." in house.last(case, kind="pack").text
    assert [one.document.title for one in house.seen_in("security")][-1] == f"{case}: new in the pack: patch for main"
    assert files(house, "fedora") == [f"{case}-main-1.patch"]
    assert house.journal_is_good()


@pytest.mark.parametrize(
    ("tried", "why"),
    [
        ({"applies": False, "where": "queue.c, line 1"}, "does not apply to main (queue.c, line 1)"),
        ({"applies": False, "branches": ["v1.0", "maint"]}, "no branch main; did you mean branch=maint?"),
        ({"applies": False, "branches": ["v1.0", "v2.0"]}, "no branch main; there: v1.0, v2.0"),
        ({"applies": False, "branches": []}, "no branch main; the checkout has none"),
        ("no-git", "it could not be tried (no-git)"),
    ],
)
def test_a_patch_that_does_not_apply_is_refused_where_it_was_given_and_nobody_else_hears(
    members_house: House, tried: object, why: str
) -> None:
    house = members_house.with_checkout()
    house.repository.answer = tried  # type: ignore[assignment]
    before = len(house.chat.seen)
    answer = said(house, "maintainer", "security", f"pack {house.case} add patch branch=main {fenced(patch())}")
    assert "the patch is not in the pack: " in answer
    assert why in answer.splitlines()[0]
    assert {one.room for one in house.chat.seen[before:]} == {house.room("security")}
    assert not house.file(house.case).pack
    assert not house.chat.files
    assert "queue.c" not in str([(entry.what, entry.told["facts"]) for entry in house.journal()])
    assert house.journal_is_good()


def test_a_case_that_went_on_while_a_patch_was_tried_takes_it_no_more(members_house: House) -> None:
    house = members_house.with_checkout()
    case = house.case
    held = []
    perform = house.repository.perform

    def later(effect: Effect) -> Receipt:
        held.append(effect)
        raise TryLater("busy")

    house.repository.perform = later  # type: ignore[method-assign]
    said(house, "maintainer", "security", f"pack {case} add patch branch=main {fenced(patch())}")
    said(house, "maintainer", "security", f"embargo {case} end It is out.")
    said(house, "maintainer", "security", f"close {case} It is out.")
    house.repository.perform = perform  # type: ignore[method-assign]
    house.wait(minutes=1)
    assert held
    assert f"the patch is not in the pack: {case} is closed" in house.last("security").document.title
    assert not house.file(case).pack


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("add", "say what: mitigation, test, restart, patch, cve"),
        ("add mitigatoin x", "did you mean mitigation?"),
        ("add mitigation", "the text is missing"),
        ("add cve 2026-12345", "no CVE id; write it as in CVE-2026-12345"),
        ("add cve CVE-2026-123", "no CVE id; write it as in CVE-2026-12345"),
        ("add patch", "say for which branch"),
        ("add patch branch=main", "the text is missing"),
        ("add patch branch=main fix it", "no patch that git am takes"),
        ("add patch branch=../main x", '"../main" is no branch; write its name as git has it'),
        ("add mitigation branch=main x", "only a patch has a branch"),
        ("add mitigation version=2 x", "version= is for show"),
        ("drop restart", "no such order of restarts is in the pack; in it: mitigation"),
        ("drop patch branch=mian", "did you mean branch=main?"),
        ("show branch=main", "say of what"),
        ("show patch branch=main version=9", "there are versions 1 to 1"),
        ("show patch branch=main version=x", '"x" is no number'),
        ("show everything", '"everything" is none of'),
        ("show mitigation now", '"now" is too much for show'),
        ("frobnicate", "none of show, list, add, drop"),
    ],
)
def test_what_is_typed_wrong_gets_one_line_and_changes_nothing(members_house: House, line: str, answer: str) -> None:
    house = members_house
    house.say("maintainer", "security", f"pack {house.case} add mitigation x")
    house.say("maintainer", "security", f"pack {house.case} add patch branch=main {fenced(patch())}")
    before = house.state()
    reply = house.say("maintainer", "security", f"pack {house.case} {line}")
    assert reply is not None
    assert reply.kind == "refusal", plain_text(reply)
    assert answer in reply.title
    assert house.state() == before


def test_the_wrong_person_the_wrong_time_and_the_same_again(members_house: House) -> None:
    house = members_house
    case = house.case
    assert "the team fills the pack" in said(house, "fedora", case, "pack add mitigation x")
    assert "first answer the terms" in said(house, "suse", "direct", f"pack {case} add mitigation x")
    said(house, "maintainer", case, "pack add mitigation x")
    assert "exactly this mitigation is in the pack already" in said(house, "maintainer", case, "pack add mitigation x")
    other = house.direct("finder", "report Another thing entirely.")
    assert other is not None
    assert "not triaged yet" in said(house, "maintainer", "security", f"pack {house.case} add mitigation x")
    said(house, "maintainer", "security", f"embargo {case} end It is out.")
    said(house, "maintainer", "security", f"close {case} It is out.")
    assert "is closed" in said(house, "maintainer", "security", f"pack {case} add mitigation y")


def test_a_patch_is_a_file_of_the_core(members_house: House) -> None:
    filled(members_house)
    _, upload, _ = members_house.chat.files[-1]
    assert isinstance(upload, Upload)
    assert upload.size() == len(patch(CANARY).encode())
