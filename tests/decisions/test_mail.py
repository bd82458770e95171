"""Who has nothing but mail takes part in the whole case: in person what others read in the room, and nothing twice."""

from __future__ import annotations

import base64
import itertools
from typing import Any

from pysequoia import Tsk
from sqlmodel import select

from chatops.config import Mail, MailList
from chatops.document import Document
from chatops.model.book import Book
from chatops.model.flow import Original
from chatops.model.people import PlaceKind
from chatops.plain import plain_text
from chatops.ports import Address, Automatic, Bounced, Invite, Letter, OpenRoom, Relay, Said
from chatops.service import roster
from tests.house import REPORT, House, Seen, code_in, embargoed, prepared, with_roster

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
    assert kinds(house, SPACK)[-3:] == ["go", "embargo over", "thanks"]
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
    (told,) = got(house, "users@lists.example")
    assert told.document.kind == "announcement"
    assert f"{house.case.lower()}.md" in [one.name for one in told.post.files], "in the same mail"
    assert not [room for room, _, _ in house.chat.files if room == told.room]
    assert kinds(house, "announce@lists.example") == []
    assert house.journal_is_good()


# --- what comes in -------------------------------------------------------------------------------------------------

FINDER = "finder@research.example"


def letter(house: House, sender: str, text: str, subject: str = "hello", **more: Any) -> list[Document]:
    """A letter, and what its sender is told at once."""
    event = more.pop("event", f"{next(_numbers)}@mua.example")
    more.setdefault("original", base64.b64encode(text.encode()).decode())
    before = len(house.chat.seen)
    came = Letter(sender=sender, event=event, subject=subject, text=text, **more)
    house.receive(sender, came, service="mail")
    return [one.document for one in house.chat.seen[before:] if one.room == sender]


def last_message(house: House, address: str) -> str:
    return got(house, address)[-1].event


def in_security(house: House) -> Document:
    return house.last("security").document


def test_a_letter_to_the_security_address_is_a_report_with_its_original_kept() -> None:
    house = house_with_mail()
    (receipt,) = letter(house, FINDER, REPORT, "Overflow in the queue", more=True)
    assert receipt.kind == "receipt"
    assert REPORT not in receipt.model_dump_json()
    file = house.file(house.case)
    assert file.case.title == "Overflow in the queue"
    with house.read() as session:
        (kept,) = session.exec(select(Original)).all()
    assert base64.b64decode(kept.text) == REPORT.encode()
    assert kept.case == house.case
    assert [upload.name for room, upload, _ in house.chat.files if room == house.room("security")][-1].endswith(".eml")
    assert not house.stuck()


def test_what_the_reporter_answers_is_added_to_their_report() -> None:
    house = house_with_mail()
    letter(house, FINDER, REPORT)
    case = house.case
    told = letter(house, FINDER, "Also in 0.9.", proven=True, answers=(last_message(house, FINDER),))
    assert [one.title for one in told] == [f"{case}: added to your report"]
    assert house.case == case
    assert "Also in 0.9." in house.last("security").text


def test_a_command_stands_in_the_first_line_and_the_thread_says_for_which_case() -> None:
    house = house_with_mail()
    house.say("maintainer", "security", f"invite {house.case} spack")
    answer = letter(house, SPACK, "accept\n\nBest wishes", proven=True, answers=(last_message(house, SPACK),))
    assert [one.kind for one in answer] == ["notice"]
    answer = letter(house, SPACK, "Status: affected", proven=True, answers=(last_message(house, SPACK),))
    assert [one.kind for one in answer] == ["status"]
    assert house.file(house.case).downstreams["spack"].answer == "affected"


def test_polite_words_are_no_command_and_reach_the_team_and_the_room() -> None:
    house = member()
    text = "Accept our thanks for telling us. Is the fix in the parser, or in the queue itself?"
    (answer,) = letter(house, SPACK, text, proven=True, answers=(last_message(house, SPACK),))
    assert answer.title == "What you wrote is with the team"
    for where in ("security", house.case):
        assert house.last(where, kind="letter").document.title == f"{house.case}: spack writes"
        assert text in house.last(where, kind="letter").text


def test_who_was_only_asked_does_not_write_into_the_room() -> None:
    house = member()
    house.say("maintainer", "security", f"invite {house.case} arch")
    letter(house, ARCH, "Who else knows of it?", proven=True, answers=(last_message(house, ARCH),))
    assert "Who else" in house.last("security", kind="letter").text
    assert not [one for one in house.seen_in(house.case) if one.document.kind == "letter"]


def test_a_forged_sender_changes_nothing_and_the_team_sees_it() -> None:
    house = house_with_mail()
    house.say("maintainer", "security", f"invite {house.case} spack")
    asked = last_message(house, SPACK)
    state = house.file(house.case).participants
    told = letter(house, SPACK, "accept", answers=(asked,))
    assert house.file(house.case).participants == state
    assert in_security(house).kind == "unproven letter"
    assert [one.title for one in told] == ["Did you write to us just now?"]
    assert letter(house, SPACK, "accept", answers=(asked,)) == []  # once an hour is enough
    assert house.journal_is_good()


def test_a_code_of_one_person_is_worth_nothing_to_another() -> None:
    house = member()
    house.say("maintainer", "security", f"invite {house.case} arch")
    spacks = last_message(house, SPACK)
    letter(house, ARCH, "What is this about?", proven=True, answers=(spacks,), effect=spacks.removeprefix("$"))
    assert in_security(house).kind == "new report"  # it answers nothing of theirs
    assert len(house.cases()) == 2


def test_no_answer_goes_to_a_list_or_a_machine_but_what_it_says_is_taken() -> None:
    house = house_with_mail()
    assert letter(house, FINDER, REPORT, answerable=False) == []
    assert in_security(house).kind == "new report"


def mailbox(house: House, **more: Any) -> None:
    box = Mail(address="security@dynasched.example", smtp_host="mail.example", **more)
    house.settings = house.settings.model_copy(update={"mail": box})
    house._wire()


def test_what_is_not_about_us_goes_to_the_partner_untouched_and_unacknowledged() -> None:
    house = house_with_mail()
    mailbox(house, about=("dynasched", "dsched"), partner="security@pmix.example")
    before = house.cases(), len(house.chat.seen)
    assert letter(house, FINDER, "PMIx crashes in its event handler.", original="UE1JeA==") == []
    assert (house.cases(), len(house.chat.seen)) == before
    (passed,) = [effect for effect in house.chat.done if isinstance(effect.deed, Relay)]
    assert (passed.room, passed.deed) == ("security@pmix.example", Relay(data="UE1JeA=="))
    letter(house, FINDER, "DSched crashes, too.")
    assert len(house.cases()) == len(before[0]) + 1


def test_a_bounce_is_shown_on_the_roster_until_they_write_again() -> None:
    house = house_with_mail()
    house.say("maintainer", "security", f"invite {house.case} spack")
    asked = last_message(house, SPACK)
    house.receive("bounce", Bounced(message=asked, status="5.1.1"), service="mail")
    assert "spack could not be reached by mail: there is no such mailbox" in in_security(house).title
    card = house.say("maintainer", "security", "contacts show spack")
    assert card is not None
    assert "came back" in plain_text(card)
    letter(house, SPACK, "We are here again.", proven=True, answers=(asked,))
    card = house.say("maintainer", "security", "contacts show spack")
    assert card is not None
    assert "came back" not in plain_text(card)
    house.receive("bounce", Bounced(message="nothing@x", status="5.1.1"), service="mail")
    assert house.journal_is_good()


def test_an_auto_reply_is_a_word_in_the_journal() -> None:
    house = house_with_mail()
    house.say("maintainer", "security", f"invite {house.case} spack")
    before = len(house.chat.seen)
    out = Automatic(sender=SPACK, what="auto-reply", answers=(last_message(house, SPACK),))
    house.receive(SPACK, out, service="mail")
    assert len(house.chat.seen) == before
    assert house.journal(house.case)[-1].told["facts"] == {"what": "auto-reply", "from": "spack"}
    house.receive("big", Automatic(sender="big@x.example", what="too-large"), service="mail")
    assert "too large" in in_security(house).title


def test_what_cannot_be_decrypted_or_answered_is_for_people() -> None:
    house = house_with_mail()
    (told,) = letter(house, FINDER, "", sealed=True, more=True)
    assert "cannot decrypt" in told.title
    assert "not to my key" in in_security(house).title
    letter(house, "", "No sender at all.")
    assert "no sender" in in_security(house).title
    assert len(house.cases()) == 1


def test_a_key_that_comes_with_a_report_is_the_reporters_and_anothers_is_for_people_to_judge() -> None:
    house = member()
    key = str(Tsk.generate("finder <finder@research.example>").extract_certificate())
    letter(house, FINDER, REPORT, certificate=key)
    with house.read() as session:
        finder = Book(session).at(Address("mail", "", FINDER))
        assert finder is not None
        assert finder.public_key == key
    letter(house, SPACK, "Our key.", proven=True, answers=(last_message(house, SPACK),), certificate=key)
    assert "spack sent an OpenPGP key" in in_security(house).title
    with house.read() as session:
        spack = Book(session).named("spack")
        assert spack is not None
        assert spack.public_key is None


def test_a_list_that_keeps_things_private_for_a_week_speaks_against_a_later_date() -> None:
    house = member()
    mailbox(house, lists=(MailList(address=ARCH, announce=False, max_days=7),))
    house.say("maintainer", "security", f"embargo {house.case} date 2026-03-16 15:00 UTC")
    assert "agrees to no more" not in house.last("security").text
    house.say("maintainer", "security", f"invite {house.case} arch")
    card = house.say("maintainer", "security", f"embargo {house.case} date 2026-03-17 15:00 UTC")
    assert card is not None
    assert "More than 7 days (15 days) after the notice: arch agrees to no more." in plain_text(card)


def test_nothing_of_a_drill_goes_out_by_mail() -> None:
    house = house_with_mail()
    watch = "watch@dynasched.example"
    house.say("maintainer", "security", f"contacts add night-watch roles=coordinator address=mail:{watch}")
    house.wait(minutes=1)
    before = len(house.chat.done)
    house.say("maintainer", "security", "drill A crafted name overflows the queue.")
    house.say("maintainer", "security", f"invite {house.case} spack")
    assert not [effect for effect in house.chat.done[before:] if effect.service == "mail"]
    assert not house.stuck()


def test_what_was_held_back_for_want_of_a_key_goes_out_once_when_there_is_one() -> None:
    house = member()
    house.chat.keyless |= {SPACK, ARCH}
    house.say("maintainer", "security", f"tell {house.case} Patience, please.")
    house.say("maintainer", "security", f"tell {house.case} Thank you.")
    for _ in range(2):
        house.say("maintainer", "security", f"invite {house.case} arch")
    alarm = house.last("security", kind="fault").text
    assert "goes out when you paste their key after: !dynasched contacts change arch" in alarm
    before = len(got(house, SPACK)), len(got(house, ARCH))
    house.chat.keyless.clear()
    for name in ("spack", "arch"):
        key = Tsk.generate(f"{name} <{name}@example.org>").extract_certificate()
        for _ in range(2):
            house.say("maintainer", "security", f"contacts change {name}\n```\n{key}```")
    assert kinds(house, SPACK)[before[0] :] == ["update", "update"]
    said = [one.text.split("\n")[2] for one in got(house, SPACK)[before[0] :]]
    assert said == ["> Patience, please.", "> Thank you."]
    assert kinds(house, ARCH)[before[1] :] == ["question"], "once, though they were asked twice"
    held = {entry.effect.id for entry in got(house, SPACK)}
    assert len(held) == len(got(house, SPACK)), "each is a mail of its own name"
    assert "spack is sent 2 messages that were held back" in "\n".join(one.text for one in house.seen_in("security"))
    assert not house.stuck()
    assert house.journal_is_good()


def test_what_somebody_may_not_hear_any_more_stays_held_back() -> None:
    house = member()
    house.chat.keyless.add(SPACK)
    house.say("maintainer", "security", f"tell {house.case} Patience, please.")
    house.say("maintainer", "security", f"remove {house.case} spack")
    house.chat.keyless.clear()
    before = len(got(house, SPACK))
    key = Tsk.generate("spack <spack@example.org>").extract_certificate()
    house.say("maintainer", "security", f"contacts change spack\n```\n{key}```")
    assert [one for one in got(house, SPACK)[before:] if "Patience" in one.text] == []
    assert not house.stuck()


def test_the_team_hears_who_did_not_get_a_file_that_no_mail_takes() -> None:
    house = member()
    house.chat.narrow.add(SPACK)
    house.host.stage("1.0.1")
    house.say("maintainer", "security", f"private-release {house.case} 1.0.1")
    told = house.last("security", kind="fault")
    assert told.document.title == "spack did not get dynasched-1.0.1.tar.bz2: it is too large for mail"
    assert (told.document.case, house.stuck()) == (house.case, [])
