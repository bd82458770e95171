"""Who has nothing but mail takes part in the whole case: in person what others read in the room, and nothing twice."""

from __future__ import annotations

import itertools

from chatops.config import Mail, MailList
from chatops.document import Document
from chatops.model.people import PlaceKind
from chatops.ports import Invite, OpenRoom, Said
from chatops.service import roster
from tests.house import House, Seen, code_in, embargoed, prepared, with_roster

SPACK = "security@spack.example"
ARCH = "security@arch.example"
_numbers = itertools.count(1)


def _with_mail() -> House:
    house = with_roster(House(services=("matrix", "mail")))
    for name, address in (("spack", SPACK), ("arch", ARCH)):
        house.say(
            "maintainer", "security", f"contacts add {name} organisation={name} roles=packager address=mail:{address}"
        )
    embargoed(house)
    return house


def mail(house: House, address: str, text: str) -> Document | None:
    """What somebody writes, and what they are answered."""
    number = f"{next(_numbers)}@mua.example"
    house.receive(address, Said(sender=address, room=address, event=number, text=text, pair=True), service="mail")
    return house._reply_to(number)


def got(house: House, address: str) -> list[Seen]:
    return [one for one in house.chat.seen if one.room == address]


def kinds(house: House, address: str) -> list[str]:
    return [one.document.kind for one in got(house, address)]


def _with_member() -> House:
    house = house_with_mail()
    house.say("maintainer", "security", f"invite {house.case} spack debian")
    house.direct("debian", f"accept {house.case}")
    answer = mail(house, SPACK, f"accept {house.case}")
    assert answer is not None
    assert "reaches you here" in answer.blocks[-1].model_dump_json()
    return house


house_with_mail = prepared(_with_mail)
"""An embargo is in force; spack and arch are on the roster, by mail only."""
member = prepared(_with_member)
"""spack is a member, by mail; so is debian, in the room."""


def test_there_are_no_rooms_by_mail_and_nobody_is_invited_into_one() -> None:
    house = member()
    mailed = [effect.deed for effect in house.chat.done if effect.service == "mail"]
    assert [deed.purpose for deed in mailed if isinstance(deed, OpenRoom)] == ["direct"]
    assert not any(isinstance(deed, Invite) for deed in mailed)
    assert house.members(house.case) >= {"debian"}
    assert not house.stuck()


def test_a_member_by_mail_hears_what_the_room_hears_but_not_its_small_talk() -> None:
    house = member()
    before = len(got(house, SPACK))
    house.say("debian", house.case, "status affected")
    assert kinds(house, SPACK)[before:] == []
    house.say("maintainer", "security", f"tell {house.case} A fix is under review.")
    house.say("maintainer", house.case, "embargo date 2026-03-16 15:00 UTC")  # answered in the room itself
    assert kinds(house, SPACK)[before:] == ["update", house.last(house.case).document.kind]
    assert "2026" in got(house, SPACK)[-1].text


def test_pack_and_private_release_come_to_members_and_to_who_accepts_later() -> None:
    house = member()
    house.say("maintainer", house.case, "pack add mitigation Set MaxNameLength=64.")
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {house.case} 1.0.1")
    assert kinds(house, SPACK)[-2:] == ["pack", "private release"]
    assert [room for room, _, _ in house.chat.files if room == SPACK] == [SPACK]
    house.say("maintainer", "security", f"invite {house.case} arch")
    assert kinds(house, ARCH) == ["question"]
    mail(house, ARCH, f"accept {house.case}")
    assert kinds(house, ARCH) == ["question", "notice", "pack", "private release"]
    assert {one.pack for one in house.file(house.case).participants.values() if one.consent == "signatory"} == {1}
    assert [room for room, _, _ in house.chat.files if room == ARCH] == [ARCH]


def test_members_by_mail_hear_that_they_may_publish_and_who_only_was_asked_that_it_is_over() -> None:
    house = member()
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {house.case} 1.0.1")
    house.say("maintainer", "security", f"invite {house.case} arch")
    card = house.say("maintainer", "security", f"announce {house.case} A crafted name overflows the queue.")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    assert kinds(house, SPACK)[-3:] == ["go", "thanks", "embargo over"]
    assert kinds(house, ARCH) == ["question", "embargo over"]
    assert not house.stuck()
    assert house.journal_is_good()


def test_a_case_with_members_by_mail_only_is_told_of_all_the_same() -> None:
    house = house_with_mail()
    house.say("maintainer", "security", f"invite {house.case} spack")
    mail(house, SPACK, f"accept {house.case}")
    house.say("maintainer", "security", f"tell {house.case} Patience, please.")
    assert kinds(house, SPACK)[-1] == "update"


def test_that_somebody_cannot_be_told_is_told_the_team_once_a_case() -> None:
    house = house_with_mail()
    house.chat.keyless.add(SPACK)
    for _ in range(2):
        house.say("maintainer", "security", f"invite {house.case} spack")
    alarms = [one for one in house.seen_in("security") if "could not be told" in one.document.title]
    assert len(alarms) == 1
    assert "spack" in alarms[0].document.title
    assert [entry.told["facts"]["who"] for entry in house.journal(house.case) if entry.what == "withheld"] == [
        "spack",
        "spack",
    ]


def test_a_coordinator_by_mail_reads_what_the_security_room_reads() -> None:
    house = house_with_mail()
    watch = "watch@dynasched.example"
    house.say("maintainer", "security", f"contacts add night-watch roles=coordinator address=mail:{watch}")
    house.direct("finder", "report Another thing, in the parser.")
    assert kinds(house, watch)[-1] == "new report"


def test_the_lists_of_the_configuration_are_public_places_and_get_the_announcement_once_each() -> None:
    house = member()
    lists = tuple(MailList(address=f"{name}@lists.example") for name in ("announce", "users"))
    private = MailList(address="distros@lists.example", announce=False, tag="[vs]")
    for configured in ((lists[0], private), (*lists, private), (lists[1], private)):
        box = Mail(address="security@dynasched.example", smtp_host="mail.example", lists=configured)
        house.settings = house.settings.model_copy(update={"mail": box})
        house._wire()
        with house.read() as session:
            roster.lists(house._unit(session, "configuration"), house.settings)
            session.commit()
    with house.read() as session:
        public = house.decisions.settings.mail
        places = house._unit(session, "x").book.places(PlaceKind.PUBLIC)
    assert public is not None
    assert [place.room for place in places] == ["users@lists.example"]
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {house.case} 1.0.1")
    card = house.say("maintainer", "security", f"announce {house.case} A crafted name overflows the queue.")
    assert card is not None
    house.say("maintainer-2", "security", f"confirm {code_in(card)}")
    assert kinds(house, "users@lists.example") == ["announcement"]
    assert kinds(house, "announce@lists.example") == []
    assert house.journal_is_good()
