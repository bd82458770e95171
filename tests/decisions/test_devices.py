"""A member's device that may not read where devices must be verified: who hears of it, where, and how often."""

from __future__ import annotations

from sqlmodel import col, select

from chatops.config import Matrix
from chatops.model.people import PlaceKind
from chatops.model.releases import Archive, ArchiveDigest
from chatops.plain import plain_text
from chatops.ports import DeviceShut, Post, Reacted, TryLater
from chatops.service.gate import gate
from tests.house import House, address
from tests.patches import patch

KEY = "abcd efgh ijkl"


def shut(house: House, who: str, room: str, *, may_read: bool = False, key: str | None = None) -> None:
    event = DeviceShut(who=address(who), device="PHONE", key=KEY, rooms=(room,), may_read=may_read)
    house.receive(f"device:{address(who)}", event, key=key or f"device:{who}:{may_read}")


def test_the_owner_and_the_team_hear_it_once_and_the_room_nothing(members_house: House) -> None:
    house = members_house
    room = house.room(house.case)
    before = len(house.seen_in(house.case))
    for _ in range(2):
        shut(house, "debian", room)
    (note,) = [seen for seen in house.seen_by("debian") if seen.document.kind == "device"]
    assert note.readers == {address("debian")}
    assert note.post.bare
    assert house.case not in note.text
    assert "PHONE" in note.text
    assert KEY in note.text
    (alert,) = [seen for seen in house.seen_in("security") if seen.document.kind == "device"]
    assert not alert.post.bare
    assert f"chatops matrix trust {address('debian')} PHONE" in alert.text
    assert KEY in alert.text
    assert alert.document.case == house.case
    assert set(alert.post.ping) == {address("maintainer"), address("maintainer-2")}
    assert len(house.seen_in(house.case)) == before


def test_a_stranger_is_told_in_their_own_chat_and_learns_nothing(house: House) -> None:
    room = house.open_direct("finder")
    shut(house, "finder", room)
    (note,) = [seen for seen in house.seen_in(room) if seen.document.kind == "device"]
    assert note.post.bare
    (alert,) = [seen for seen in house.seen_in("security") if seen.document.kind == "device"]
    assert "somebody who is not on the roster" in alert.text
    assert address("finder") in alert.text


def test_what_waited_for_a_device_goes_when_it_may_read(members_house: House) -> None:
    house = members_house
    room = house.room(house.case)
    unread = True

    def fail(effect: object) -> Exception | None:
        deed = getattr(effect, "deed", None)
        here = getattr(effect, "place", None) is PlaceKind.EMBARGO and isinstance(deed, Post)
        return TryLater("no-verified-device", counts=False) if here and unread else None

    house.chat.fail = fail
    house.say("maintainer", "security", f"tell {house.case} copper-lantern")
    for _ in range(20):
        house.wait(minutes=10)  # longer than what fails for another reason is tried
    shut(house, "debian", room)
    assert not any("copper-lantern" in seen.text for seen in house.seen_in(house.case))
    (held,) = [row for row in house.stuck() if row.place and row.kind == "details"][:1]
    assert held.state == "waiting"
    unread, now = False, house.clock.now
    shut(house, "debian", room, may_read=True)
    assert any("copper-lantern" in seen.text for seen in house.seen_in(house.case))
    assert house.clock.now == now


def test_nothing_of_a_case_is_ever_said_bare(members_house: House) -> None:
    house = members_house
    house.chat.fail = lambda effect: TryLater("away")
    house.direct("debian", f"show {house.case}")
    row = next(row for row in house.stuck() if row.case and row.deed["t"] == "post")
    with house.read() as session:
        assert gate(session, row, house.clock()).verdict == "pass"
        row.deed = {**row.deed, "bare": True}
        assert gate(session, row, house.clock()) == ("refuse", "public")


def strict(house: House, *kinds: str) -> House:
    """Where devices must be verified."""
    matrix = Matrix.model_validate(
        {"homeserver": "https://example.org", "user": "@bot:example.org", "verified_devices_only": kinds}
    )
    house.settings = house.settings.model_copy(update={"matrix": matrix})
    house.set_policy()
    return house


def test_an_unverified_device_commands_as_a_stranger_does_where_it_may_not_read(members_house: House) -> None:
    house = strict(members_house, "security", "embargo")
    told = "I cannot tell whether that was you"
    for who, where, line in (
        ("maintainer", "security", f"show {house.case}"),
        ("maintainer", "security", f"tell {house.case} copper-lantern"),
        ("debian", house.case, f"status {house.case} affected"),
    ):
        refused = house.say(who, where, line, verified=False)
        assert refused is not None
        assert refused.title.startswith(told), line
        assert "verified" not in (house.say(who, where, line) or refused).title
    answer = house.say("maintainer", "security", "help", verified=False)
    assert answer is not None
    assert "triage" not in plain_text(answer)
    elsewhere = house.direct("debian", f"show {house.case}", verified=False)
    assert elsewhere is not None
    assert not elsewhere.title.startswith(told)


def test_a_file_from_an_unverified_device_is_a_strangers(released_house: House) -> None:
    house = strict(released_house, "embargo", "security")
    with house.read() as session:
        digest, name, size = session.exec(
            select(ArchiveDigest.digest, Archive.name, Archive.size)
            .join(Archive, col(Archive.id) == ArchiveDigest.archive)
            .where(Archive.version == "1.0.1", ArchiveDigest.algorithm == "sha256")
        ).one()
    assert size is not None
    assert house.drop("debian", house.case, name, digest, size, verified=False) is None
    known = house.drop("debian", house.case, name, digest, size)
    assert known is not None
    assert "the archive of the private release" in plain_text(known)
    assert house.drop("maintainer", "security", "0001-fix.patch", text=patch("Bound it"), verified=False) is None
    offered = house.drop("maintainer", "security", "0001-fix.patch", text=patch("Bound it"))
    assert offered is not None
    assert "Bound it" in plain_text(offered)


def test_a_reaction_proves_nothing_where_devices_must_be_verified(members_house: House) -> None:
    house = strict(members_house, "direct")
    question = house.last("direct", "suse", kind="question")
    pressed = Reacted(sender=address("suse"), room=question.room, target=question.event, key="✅", verified=False)
    house.receive(question.room, pressed)
    refused = house.last("direct", "suse")
    assert refused.document.title.endswith(f"type it on one of your verified devices: accept {house.case}")
    assert "suse" not in house.members(house.case)
    house.direct("suse", f"accept {house.case}")
    assert "suse" in house.members(house.case)
