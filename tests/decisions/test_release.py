"""Private release, general release, and the end (policy steps 3 and 4)."""

from __future__ import annotations

import pytest

from chatops.document import Document, Tlp
from chatops.model.machines import Embargo, Exposure
from chatops.ports import Publish, Upload
from tests.house import REPORT, House, address, code_in, embargoed, privately_released, with_members, with_roster

SHA256 = "ab" * 32


def refused(answer: Document | None) -> str:
    assert answer is not None
    assert answer.kind == "refusal", answer.title
    return answer.title


def previewed(house: House, text: str = "", who: str = "maintainer") -> str:
    """Ask for the announcement; the code under the preview."""
    card = house.say(who, "security", f"announce {house.case} {text}")
    assert card is not None
    assert card.kind == "preview", card.title
    return code_in(card)


# --- private release -----------------------------------------------------------------------------------------------


def test_archives_and_checksums_go_to_the_members_and_the_reporter(released_house: House) -> None:
    house = released_house
    for where, who in ((house.case, None), ("direct", "finder")):
        card = house.last(where, who, kind="private release")
        assert f"{SHA256}  dynasched-1.0.1.tar.bz2" in card.text
        assert card.document.tlp == Tlp.AMBER_STRICT
    rooms = {room for room, _, _ in house.chat.files}
    assert rooms == {house.room(house.case), house.room("direct", "finder")}
    assert all(isinstance(upload, Upload) and upload.sha256 == SHA256 for _, upload, _ in house.chat.files)
    assert house.file(house.case).case.fix == "VFd"
    assert house.last("security", kind="private release").document.title.endswith("with the members and the reporter")


def test_where_there_is_no_folder_the_pasted_lines_are_taken() -> None:
    house = with_roster(House(folders=False))
    case = with_members(house)
    lines = f"{SHA256}  dynasched-1.0.1.tar.bz2\n{'cd' * 20}  dynasched-1.0.1.tar.bz2"
    assert "paste the check lines" in refused(house.say("maintainer", "security", f"private-release {case} 1.0.1"))
    assert "1.0.2" in refused(house.say("maintainer", "security", f"private-release {case} 1.0.2\n{lines}"))
    house.say("maintainer", "security", f"private-release {case} v1.0.1\n```\n{lines}\n```")
    assert f"{SHA256}  dynasched-1.0.1.tar.bz2" in house.last(case, kind="private release").text
    assert not house.chat.files


def test_only_a_weak_sum_leaves_no_empty_block() -> None:
    house = with_roster(House(folders=False))
    case = with_members(house)
    house.say("maintainer", "security", f"private-release {case} 1.0.1 {'cd' * 20}  dynasched-1.0.1.tar.bz2")
    for where in (case, "security"):
        card = house.last(where, kind="private release").document
        assert all(getattr(block, "text", "x") for block in card.blocks)


def test_what_the_release_host_cannot_find_is_said_to_who_asked_and_to_the_team(members_house: House) -> None:
    house = members_house
    card = house.direct("maintainer", f"private-release {house.case} 1.0.1")
    assert card is not None
    assert "could not find the archives of 1.0.1" in card.title
    assert "could not find the archives of 1.0.1" in house.last("security", kind="fault").text
    house.host.stage("1.0.1")
    card = house.direct("maintainer", f"private-release {house.case} 1.0.1")
    assert card is not None
    assert card.title == f"{house.case}: 1.0.1 is with the members and the reporter"
    assert house.last("security", kind="private release").document == card


def test_a_private_release_needs_an_embargo_in_force_and_a_version_of_its_own(house: House) -> None:
    house.host.public = [{"version": "1.0.0", "archives": []}]
    house.host.stage("1.0.0")
    _survey(house)
    case = embargoed(house)
    assert "published already" in refused(house.say("maintainer", "security", f"private-release {case} 1.0.0"))
    house.say("maintainer", "security", f"embargo {case} end over")
    answer = refused(house.say("maintainer", "security", f"private-release {case} 1.0.1"))
    assert answer == "private-release is not possible now: the embargo is exited"


def test_an_embargo_that_ends_while_archives_are_hashed_stops_the_release(members_house: House) -> None:
    from chatops.ports import Impossible, Stage, TryLater

    house = members_house
    house.host.stage("1.0.1")
    perform = house.host.perform
    house.host.perform = lambda effect: (_ for _ in ()).throw(TryLater("busy"))  # type: ignore[method-assign]
    house.say("maintainer", "security", f"private-release {house.case} 1.0.1")
    house.say("maintainer", "security", f"embargo {house.case} end It is out.")
    house.host.perform = perform  # type: ignore[method-assign]
    house.wait(minutes=1)
    assert "could not find the archives of 1.0.1: the embargo is exited" in house.last("security", kind="fault").text
    assert not house.parked()
    assert not house.chat.files
    assert (Impossible, Stage) is not None


def _survey(house: House) -> None:
    from sqlmodel import Session

    from chatops.service.timers import set_timer

    with Session(house.engine) as session:
        set_timer(session, "survey", house.clock.now, "survey")
        session.commit()
    house.run()


# --- two people ----------------------------------------------------------------------------------------------------


def test_the_whole_general_release(released_house: House) -> None:
    house = released_house
    public = house.room("public")
    house.direct("fedora", "status fix-ready")
    card = house.say("maintainer", "security", f"announce {house.case} A crafted job name overflows the queue.")
    assert card is not None
    assert "A crafted job name overflows the queue." in house.last("security").text
    assert not house.seen_in(public)
    done = house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    assert done is not None
    assert done.title == f"{house.case}: 1.0.1 is announced"
    assert house.host.published == ["1.0.1"]
    announced = house.last(public).document
    assert (announced.tlp, announced.case) == (Tlp.CLEAR, None)
    text = house.last(public).text
    assert "A crafted job name overflows the queue." in text
    assert f"{SHA256}  dynasched-1.0.1.tar.bz2" in text
    assert "sha1sum -c" in text
    assert "upgrade" in text
    kinds = [seen.document.kind for seen in house.seen_in(house.case)]
    assert kinds.index("go") < kinds.index("thanks")
    for who in ("debian", "fedora", "suse"):
        assert "embargo over" in [seen.document.kind for seen in house.seen_by(who)]
    assert house.last("direct", "finder").document.kind == "thanks"
    case = house.file(house.case).case
    assert (case.embargo, case.exposure, case.outcome) == (Embargo.EXITED, Exposure.PUBLIC, "fixed")
    assert {down.fix for down in house.file(house.case).downstreams.values()} == {"Vfd", "VFd"}
    closed = house.say("maintainer", "security", f"close {house.case}")
    assert closed is not None
    assert closed.kind == "closed"
    assert house.members(house.case) >= {"debian", "fedora"}  # who is there may stay
    assert not house.stuck()
    assert house.journal_is_good()


def test_the_first_person_cannot_confirm_and_a_code_is_good_once(released_house: House) -> None:
    house = released_house
    code = previewed(house)
    assert refused(house.say("maintainer", "security", f"confirm {code}")) == (
        f"{code} needs a second coordinator: another person must confirm it"
    )
    assert refused(house.react("maintainer", house.last("security", kind="preview"), "✅"))
    done = house.react("maintainer-2", house.last("security", kind="preview"), "✅")
    assert done is not None
    assert "announced" in done.title
    assert refused(house.say("maintainer-2", "security", f"confirm {code}")) == (
        f"no open confirmation has the code {code}"
    )


def test_in_the_shell_the_same_operating_system_user_cannot_be_two_people(released_house: House) -> None:
    house = released_house
    card = house.shell("maintainer", f"announce {house.case}", user="root")
    assert card is not None
    code = code_in(card)
    assert refused(house.shell("maintainer-2", f"confirm {code}", user="root")) == (
        f"{code} needs a second coordinator: another operating-system user must confirm it"
    )
    assert refused(house.shell("maintainer", f"confirm {code}", user="other"))
    done = house.shell("maintainer-2", f"confirm {code}", user="other")
    assert done is not None
    assert done.kind != "refusal"
    assert house.file(house.case).case.released_at is not None
    assert "1.0.1 is announced" in house.last("security", kind="announcement").text


def test_a_lone_coordinator_confirms_again_after_a_while() -> None:
    house = with_roster(House(coordinators=("maintainer",)))
    privately_released(house)
    code = previewed(house)
    assert refused(house.say("maintainer", "security", f"confirm {code}")) == (
        f"you are the only coordinator: confirm {code} again after 10:00 UTC"
    )
    house.wait(minutes=60)
    done = house.say("maintainer", "security", f"confirm {code}")
    assert done is not None
    assert "announced" in done.title


@pytest.mark.parametrize(
    "change",
    [
        f"triage {{case}} severity={'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L'}",
        "triage {case} mitigation=none",
        "invite {case} gentoo",
        "remove {case} fedora",
        "embargo {case} date in 10 days",
        "embargo {case} end It is out.",
        "private-release {case} 1.0.1",
    ],
)
def test_any_change_of_what_was_previewed_voids_the_code(released_house: House, change: str) -> None:
    house = released_house
    told = f"address=matrix:{address('gentoo')} standing=yes"
    house.say("maintainer", "security", f"contacts add gentoo {told}")
    code = previewed(house)
    house.host.stage("1.0.1", sha256="ee" * 32)
    house.say("maintainer", "security", change.format(case=house.case))
    assert "has changed since" in refused(house.say("maintainer-2", "security", f"confirm {code}"))
    assert house.file(house.case).case.announcing_at is None


def test_a_new_public_room_voids_the_code(released_house: House) -> None:
    house = released_house
    code = previewed(house)
    house.open_public()
    assert "has changed since" in refused(house.say("maintainer-2", "security", f"confirm {code}"))


def test_a_code_expires_and_a_newer_preview_voids_the_older(released_house: House) -> None:
    house = released_house
    first = previewed(house, "The first.")
    second = previewed(house, "The second.")
    assert "no open confirmation" in refused(house.say("maintainer-2", "security", f"confirm {first}"))
    house.wait(hours=24)
    assert "has expired" in refused(house.say("maintainer-2", "security", f"confirm {second}"))


def test_no_code_is_good_for_who_may_not_confirm(released_house: House) -> None:
    house = released_house
    code = previewed(house)
    assert refused(house.direct("fedora", f"confirm {code}")).startswith('I know no "confirm"')
    assert house.file(house.case).case.announcing_at is None


def test_while_it_is_announced_it_is_neither_announced_again_nor_closed(released_house: House) -> None:
    from chatops.ports import TryLater

    house = released_house
    house.host.perform = lambda effect: (_ for _ in ()).throw(TryLater("busy"))  # type: ignore[method-assign]
    house.say("maintainer-2", "security", f"confirm {previewed(house)}")
    assert "being announced" in refused(house.say("maintainer", "security", f"announce {house.case}"))
    assert "being announced" in refused(house.say("maintainer", "security", f"close {house.case}"))


def test_vulnerable_releases_are_marked_and_verified_as_removed(house: House) -> None:
    digests = {"sha256": {"posted": "11" * 32}}
    archives = [{"name": "dynasched-1.0.0.tar.bz2", "size": 10, "digests": digests}]
    house.host.public = [{"version": "1.0.0", "archives": archives}]
    _survey(house)
    privately_released(house)
    unknown = refused(house.say("maintainer", "security", f"announce {house.case} vulnerable=0.9"))
    assert unknown.startswith("no published release 0.9; published: 1.0.0")
    house.say("maintainer-2", "security", f"confirm {previewed(house, 'vulnerable=1.0.0')}")
    answer = house.public("anybody", f"verify {'11' * 32}  dynasched-1.0.0.tar.bz2")
    assert answer is not None
    assert "removed as vulnerable" in answer.title
    listed = house.public("anybody", "releases")
    assert listed is not None
    assert "upgrade to 1.0.1" in house.last("public").text


def test_without_a_fix_nothing_is_announced(members_house: House) -> None:
    house = members_house
    assert "no release with the fix is on record" in refused(
        house.say("maintainer", "security", f"announce {house.case}")
    )


def test_after_an_early_end_what_is_ready_is_announced_without_a_private_release(members_house: House) -> None:
    house = members_house
    public = house.room("public")
    house.say("maintainer", "security", f"embargo {house.case} end It is on a mailing list.")
    answer = refused(house.say("maintainer", "security", f"announce {house.case}"))
    assert answer.endswith(f"first: announce {house.case} version=VERSION")
    house.say("maintainer-2", "security", f"confirm {previewed(house, 'version=1.0.1')}")
    assert house.last(public).document.title == "DynaSched 1.0.1 fixes a vulnerability"
    case = house.file(house.case).case
    assert (case.version, case.outcome, case.exposure) == ("1.0.1", "fixed", Exposure.PUBLIC)
    assert house.journal_is_good()


def test_another_version_than_that_on_record_is_not_announced(released_house: House) -> None:
    house = released_house
    answer = refused(house.say("maintainer", "security", f"announce {house.case} version=1.0.2"))
    assert answer == "the release with the fix is 1.0.1, not 1.0.2"


def test_without_a_folder_the_announcement_goes_out_at_once() -> None:
    house = with_roster(House(folders=False))
    case = with_members(house)
    public = house.room("public")
    house.say("maintainer", "security", f"private-release {case} 1.0.1 {SHA256}  dynasched-1.0.1.tar.bz2")
    house.say("maintainer-2", "security", f"confirm {previewed(house)}")
    assert house.last(public).document.title == "DynaSched 1.0.1 fixes a vulnerability"
    assert not [effect for effect in house.chat.done if isinstance(effect.deed, Publish)]


# --- closing -------------------------------------------------------------------------------------------------------


def test_a_case_does_not_close_while_its_embargo_is_in_force(members_house: House) -> None:
    house = members_house
    assert "the embargo of" in refused(house.say("maintainer", "security", f"close {house.case} enough"))
    house.say("maintainer", "security", f"embargo {house.case} end Over.")
    assert "say why it closes" in refused(house.say("maintainer", "security", f"close {house.case}"))
    closed = house.say("maintainer", "security", f"close {house.case} Nothing to fix.")
    assert closed is not None
    assert closed.title == f"{house.case}: closed (closed)"
    for text in ("close {case}", "triage {case}", "tell {case} x", "own {case}", "embargo {case} end x"):
        assert "is closed" in refused(house.say("maintainer", "security", text.format(case=house.case)))
    more = refused(house.direct("finder", f"report {house.case} more"))
    assert more == f"{house.case} is closed; write report and your text for a new one"
    assert house.direct("finder", f"report {REPORT}") is not None


def test_an_intruder_is_put_out_of_a_closed_cases_room_too(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} end Over.")
    house.say("maintainer", "security", f"close {house.case} Nothing to fix.")
    house.join("crook", house.case)
    assert "crook" not in house.members(house.case)
    house.say("maintainer", "security", f"contacts add late roles=coordinator address=matrix:{address('late')}")
    assert "late" not in house.members(house.case)
