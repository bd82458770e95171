"""Check lines and archives in each kind of place: asked about, only overheard, and where they should not be."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from chatops.document import Document, Tlp
from chatops.ports import Dropped
from chatops.service.timers import set_timer
from tests.house import House, code_in, prepared, privately_released, reported, with_roster

OURS = "11" * 32
OLD = "22" * 32
PRIVATE = "ab" * 32
WRONG = "99" * 32
NAME = "dynasched-1.0.0.tar.bz2"
SECRET = "dynasched-1.0.1.tar.bz2"


def published(house: House) -> House:
    """1.0.0 and 0.9.0 on record as published."""

    def release(version: str, sha256: str) -> dict[str, object]:
        digests = {"sha256": {"posted": sha256}, "sha1": {"computed": sha256[:40]}}
        return {
            "version": version,
            "archives": [{"name": f"dynasched-{version}.tar.bz2", "size": 1000, "digests": digests}],
        }

    house.host.public = [release("1.0.0", OURS), release("0.9.0", OLD)]
    survey(house)
    return house


def survey(house: House) -> None:
    with Session(house.engine) as session:
        set_timer(session, "survey", house.clock.now, "survey")
        session.commit()
    house.clock.now = house.clock.now.replace(microsecond=house.clock.now.microsecond + 1)
    house.run()


def _made() -> House:
    house = published(with_roster(House()))
    privately_released(house)
    house.room("public")
    return house


MADE = prepared(_made)


@pytest.fixture
def house() -> House:
    """1.0.0 and 0.9.0 are published, 1.0.1 is with the members; there is a public room."""
    return MADE()


def title(answer: Document | None) -> str:
    assert answer is not None
    return answer.title


PLACES = [("anybody", "public"), ("anybody", "direct"), ("maintainer", "security"), ("fedora", "embargo")]


@pytest.mark.parametrize(("who", "where"), PLACES)
@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (f"{OURS}  {NAME}", f"{NAME}: this line is the one we published"),
        (f"{WRONG}  {NAME}", f"{NAME}: we publish another digest"),
        (f"{OURS}  dynasched-0.9.0.tar.bz2", f"That digest belongs to {NAME}"),
        (f"{'0' * 128}  {NAME}", f"{NAME} is ours, but we have no digest of that kind on record"),
        (f"{WRONG}  elsewhere.tar.gz", "Not known: no file of ours has that name or digest"),
        ("hello there", "Not a checksum line"),
    ],
)
def test_each_verdict_in_each_place(house: House, who: str, where: str, line: str, verdict: str) -> None:
    answer = house.say(who, house.case if where == "embargo" else where, f"verify {line}")
    assert title(answer).startswith(verdict)


def test_a_removed_release_is_genuine_and_says_where_to_go(house: House) -> None:
    card = house.say("maintainer", "security", f"announce {house.case} vulnerable=1.0.0,0.9.0")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    answer = house.public("anybody", f"verify {OURS}  {NAME}")
    assert title(answer) == f"{NAME} is genuine, but it was removed as vulnerable"
    assert "1.0.1" in house.last("public").text
    fresh = house.public("anybody", f"verify {PRIVATE}  {SECRET}")
    assert title(fresh) == f"{SECRET}: this line is the one we published"


@pytest.mark.parametrize(
    ("who", "where", "known"),
    [
        ("maintainer", "security", True),
        ("fedora", "embargo", True),
        ("fedora", "direct", True),
        ("finder", "direct", True),
        ("maintainer", "direct", True),
        ("suse", "direct", False),
        ("anybody", "direct", False),
        ("fedora", "public", False),
        ("maintainer", "public", False),
    ],
)
def test_a_private_release_is_known_in_cleared_places_only(house: House, who: str, where: str, known: bool) -> None:
    place = house.case if where == "embargo" else where
    answer = house.say(who, place, f"verify {PRIVATE}  {SECRET}")
    assert (title(answer) == f"{SECRET}: this line is the one of the private release") is known
    listed = house.say(who, place, "releases 1.0.1")
    assert (title(listed) == "DynaSched 1.0.1") is known
    if not known:
        nowhere = house.say(who, place, f"verify {'77' * 32}  dynasched-1.0.9.tar.bz2")
        assert nowhere == answer
        assert title(listed).replace("1.0.1", "1.0.9") == title(house.say(who, place, "releases 1.0.9"))
    assert not [row for row in house.stuck() if row.state == "refused"]


def test_where_it_only_listens_it_answers_what_is_ours_in_a_thread_and_nothing_else(house: House) -> None:
    assert house.public("anybody", f"{WRONG}  elsewhere.tar.gz", bare=True) is None
    assert house.public("anybody", "good morning", bare=True) is None
    answer = house.public("anybody", f"look: {OURS}  {NAME}", bare=True)
    assert title(answer) == f"{NAME}: this line is the one we published"
    assert house.last("public").post.thread == house.last("public").post.reply_to


def test_pasted_alone_in_a_direct_chat_lines_are_judged_without_a_command(house: House) -> None:
    answer = house.direct("anybody", f"{OURS}  {NAME}")
    assert title(answer) == f"{NAME}: this line is the one we published"
    unknown = house.direct("anybody", f"{WRONG}  elsewhere.tar.gz")
    assert title(unknown).startswith("Not known")
    quoted = house.shell("maintainer", f"echo '{OURS}  {NAME}' | sha256sum -c")
    assert title(quoted) == f"{NAME}: this line is the one we published"


@pytest.mark.parametrize("how", ["pasted", "asked", "dropped"])
def test_a_private_archive_shown_in_public_is_met_with_silence_there_and_told_in_private(
    house: House, how: str
) -> None:
    before = len(house.seen_in("public"))
    match how:
        case "pasted":
            assert house.public("fedora", f"{PRIVATE}  {SECRET}", bare=True) is None
        case "asked":
            unknown = house.public("fedora", f"verify {PRIVATE}  {SECRET}")
            assert title(unknown).startswith("Not known")
        case _:
            assert house.drop("fedora", "public", SECRET, PRIVATE) is None
    assert not any("1.0.1" in seen.text for seen in house.seen_in("public")[before:])
    assert "fedora showed something of the private release" in house.last("security", kind="leak risk").document.title
    assert "still private" in house.last("direct", "fedora", kind="leak risk").document.title


def test_an_archive_that_is_dropped_is_judged_like_a_line(house: House) -> None:
    dropped = house.drop("fedora", house.case, SECRET, PRIVATE)
    assert title(dropped) == f"{SECRET} is the archive of the private release"
    assert house.drop("anybody", "public", "elsewhere.tar.gz", WRONG) is None
    mine = house.drop("finder", "direct", SECRET, PRIVATE)
    assert title(mine) == f"{SECRET} is the archive of the private release"
    other = house.drop("finder", "direct", NAME, WRONG)
    assert title(other) == f"{NAME} is not the archive that we publish under this name"
    assert not house.stuck()


@pytest.mark.parametrize(
    ("who", "name", "digest", "said"),
    [
        ("maintainer", SECRET, PRIVATE, f"{SECRET} is the archive of the private release"),
        ("maintainer", NAME, OURS, f"{NAME} is the archive we published"),
        ("suse", SECRET, PRIVATE, "Not known: no file of ours has that name or digest"),
        ("maintainer", "x.tar", WRONG, "Not known: no file of ours has that name or digest"),
    ],
)
def test_an_archive_named_by_its_path_in_a_shell(house: House, who: str, name: str, digest: str, said: str) -> None:
    asked = Dropped(sender=f"{who}#root", room="pipe", event="#9", name=name, size=1, digests={"sha256": digest})
    house.receive("pipe", asked, service="shell", key="#9")
    assert title(house.shells[-1][1]) == said


def test_several_lines_are_one_table(house: House) -> None:
    answer = house.public("anybody", f"verify {OURS}  {NAME}\n{WRONG}  {NAME}\n{OLD}  dynasched-0.9.0.tar.bz2")
    assert title(answer) == "2 of 3 lines are ours and good"
    assert answer is not None
    assert answer.tone == "alert"


def test_mismatches_are_told_to_the_team_once_collected(house: House) -> None:
    before = len(house.seen_in("security"))
    for digit in "345":
        house.public("anybody", f"verify {digit * 64}  {NAME}")
    house.public("anybody", f"verify {'6' * 64}  {NAME}\n{'7' * 64}  {NAME}")
    assert len(house.seen_in("security")) == before
    house.wait(minutes=2)
    new = house.seen_in("security")[before:]
    assert [seen.document.title for seen in new] == ["5 checksums that are not ours"]
    assert "somebody in a public room" in new[0].text
    house.wait(minutes=5)
    assert len(house.seen_in("security")) == before + 1
    house.public("anybody", f"verify {'8' * 64}  {NAME}")
    house.wait(minutes=2)
    assert house.last("security").document.title == "A checksum that is not ours"


def test_a_flood_of_mismatches_stays_one_alert_and_few_entries(house: House) -> None:
    entries = len(house.journal())
    for n in range(5):
        flood = "\n".join(f"{n}{k:063x}  {NAME}" for k in range(80))
        house.public("anybody", f"verify {flood}")
    house.wait(minutes=2)
    assert len([e for e in house.journal()[entries:] if e.what == "mismatch seen"]) == 5
    assert house.last("security").document.title == "200 checksums that are not ours"
    assert len(house.last("security").text) < 6000


def test_a_mismatch_of_a_private_archive_bears_its_case(house: House) -> None:
    house.say("fedora", house.case, f"verify {WRONG}  {SECRET}")
    house.wait(minutes=2)
    alarm = house.last("security", kind="mismatch").document
    assert alarm.case == house.case


def test_checksums_come_in_each_notation(house: House) -> None:
    for notation in ("gnu", "debian", "spack"):
        answer = house.public("anybody", f"releases 1.0.0 notation={notation}")
        assert title(answer) == "DynaSched 1.0.0"
        assert OURS in house.last("public").text


def test_the_release_page_is_watched_and_each_oddity_told_once(house: House) -> None:
    house.host.public[0]["archives"][0]["digests"]["sha256"]["posted"] = WRONG
    survey(house)
    survey(house)
    odd = [seen for seen in house.seen_in("security") if seen.document.kind == "release watch"]
    assert len(odd) == 1
    assert "sha256 of the release page is not what it was" in odd[0].text
    assert title(house.public("anybody", f"verify {OURS}  {NAME}")).endswith("the one we published")


def test_sources_that_differ_are_told_once_and_the_posted_line_counts(house: House) -> None:
    house.host.public[0]["archives"][0]["digests"]["sha256"]["host"] = WRONG
    survey(house)
    survey(house)
    odd = [seen for seen in house.seen_in("security") if seen.document.kind == "release watch"]
    assert len(odd) == 1
    assert f"the release page: {OURS[:16]}…, the host: {WRONG[:16]}…" in odd[0].text
    assert title(house.public("anybody", f"verify {OURS}  {NAME}")).endswith("the one we published")
    assert title(house.public("anybody", f"verify {WRONG}  {NAME}")).endswith("we publish another digest")
    assert house.journal_is_good()


def test_a_private_version_that_turns_up_in_public_alerts_the_team(house: House) -> None:
    house.host.public.append({"version": "1.0.1", "archives": []})
    survey(house)
    assert "is public already" in house.last("security", kind="release watch").text


def test_while_a_release_is_being_published_that_is_no_alarm(house: House) -> None:
    from chatops.ports import Publish, TryLater

    perform = house.host.perform
    house.host.perform = lambda effect: (  # type: ignore[method-assign]
        (_ for _ in ()).throw(TryLater("busy")) if isinstance(effect.deed, Publish) else perform(effect)
    )
    card = house.say("maintainer", "security", f"announce {house.case}")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    house.host.public.append({"version": "1.0.1", "archives": []})
    survey(house)
    assert not [seen for seen in house.seen_in("security") if seen.document.kind == "release watch"]


def test_an_answer_about_a_private_release_bears_its_label(house: House) -> None:
    answer = house.say("fedora", house.case, f"verify {PRIVATE}  {SECRET}")
    assert answer is not None
    assert (answer.tlp, answer.case) == (Tlp.AMBER_STRICT, house.case)
    public = house.public("anybody", f"verify {OURS}  {NAME}")
    assert public is not None
    assert (public.tlp, public.case) == (Tlp.CLEAR, None)


def test_two_cases_do_not_see_each_others_releases(house: House) -> None:
    case = reported(house, "Another thing entirely.", who="second")
    answer = house.direct("second", f"verify {PRIVATE}  {SECRET}")
    assert title(answer).startswith("Not known")
    assert case != house.cases()[0] or len(house.cases()) == 2
