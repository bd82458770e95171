"""Faults that a review found in rooms, hands and cards, and that must not come back."""

from __future__ import annotations

import json

from sqlalchemy import text
from sqlmodel import Session

from chatops.config import Person
from chatops.model import journal
from chatops.service import roster
from tests.house import BOT, House, address, code_in, with_roster


def restart(house: House, **addresses: str) -> None:
    """Start again with other addresses of coordinators in the configuration."""
    people = tuple(Person(name=one, addresses=(f"matrix:{address(at)}",)) for one, at in addresses.items())
    house.settings = house.settings.model_copy(update={"coordinators": people})
    house._wire()
    with Session(house.engine) as session:
        roster.reconcile(house._unit(session, "configuration"), house.settings)
        session.commit()
    house.run()


def test_l1_an_address_that_moves_to_somebody_else_brings_nothing_along(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"contacts change fedora address=matrix:{address('fedora-new')}")
    house.say("maintainer", "security", f"contacts add mallory address=matrix:{address('fedora')}")
    before = len(house.seen_by("fedora"))
    house.say("maintainer", "security", f"embargo {house.case} date in 60 days")
    house.say("maintainer", "security", f"tell {house.case} Not for mallory.")
    assert not any(seen.document.case for seen in house.seen_by("fedora")[before:])
    assert "fedora-new" in house.members(house.case)
    assert house.journal_is_good()


def test_l1_a8_configured_addresses_change_and_swap_at_a_start(house: House) -> None:
    restart(house, maintainer="maintainer-2", **{"maintainer-2": "fresh"})
    assert house.members("security") == {"maintainer-2", "fresh"}
    assert house.journal_is_good()


def test_l6_who_lapsed_is_not_let_back_in_by_the_end(members_house: House) -> None:
    house = members_house
    house.say("maintainer", "security", f"embargo {house.case} date in 40 days")
    house.wait(days=35)
    assert "fedora" not in house.members(house.case)
    house.say("maintainer", "security", f"embargo {house.case} end because we say so")
    assert "fedora" not in house.members(house.case)
    assert "debian" in house.members(house.case)


def test_l7_who_is_off_the_roster_loses_the_room_and_their_chat(members_house: House) -> None:
    house = members_house
    room = house.room("direct", "fedora")
    house.say("maintainer", "security", f"embargo {house.case} end because")
    house.say("maintainer", "security", "contacts remove fedora")
    assert "fedora" not in house.members(house.case)
    assert BOT not in house.chat.rooms[room].members


def test_l8_without_encryption_only_what_is_for_all_is_carried_out(embargoed_house: House) -> None:
    house = embargoed_house
    room = house.open_direct("maintainer", encrypted=False)
    answer = house.say("maintainer", room, f"embargo {house.case} end because")
    assert answer is not None
    assert "open an encrypted chat" in answer.title
    assert house.file(house.case).embargoed
    helped = house.say("maintainer", room, "releases")
    assert helped is None or "encrypted" not in helped.title


def test_w6_a_shell_does_not_confirm_what_a_chat_asked(released_house: House) -> None:
    house = released_house
    preview = house.say("maintainer", "security", f"announce {house.case} A text.")
    assert preview is not None
    refused = house.shell("maintainer-2", f"confirm {code_in(preview)}", user="1000")
    assert refused is not None
    assert "asked for in a chat: confirm it there" in refused.title
    assert not house.file(house.case).public


def test_w6_a_chat_does_not_confirm_what_a_shell_asked(released_house: House) -> None:
    house = released_house
    preview = house.shell("maintainer", f"announce {house.case} A text.")
    assert preview is not None
    refused = house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    assert refused is not None
    assert "another operating-system user" in refused.title
    assert not house.file(house.case).public


def test_w6_one_shell_is_one_yes() -> None:
    house = with_roster(House())
    house.direct("finder", "report disclose=2026-03-20 overflow")
    house.shell("maintainer", f"triage {house.case} T")
    house.shell("maintainer", f"embargo {house.case} date in 10 days")
    house.shell("maintainer-2", f"embargo {house.case} accept")
    assert not house.file(house.case).embargoed
    house.say("maintainer-2", "security", f"embargo {house.case} accept")
    assert house.file(house.case).embargoed


def test_w6_w7_who_became_or_is_no_more_a_coordinator_counts_not(released_house: House) -> None:
    house = released_house
    house.say("maintainer", "security", f"contacts add evil roles=coordinator address=matrix:{address('evil')}")
    preview = house.say("evil", "security", f"announce {house.case} A text.")
    assert preview is not None
    house.say("maintainer", "security", "contacts change evil roles=packager")
    refused = house.say("maintainer-2", "security", f"confirm {code_in(preview)}")
    assert refused is not None
    assert "may not announce any more" in refused.title
    preview = house.say("maintainer", "security", f"announce {house.case} A text.")
    assert preview is not None
    house.say("maintainer", "security", "contacts change evil roles=coordinator")
    refused = house.say("evil", "security", f"confirm {code_in(preview)}")
    assert refused is not None
    assert "has changed since" in refused.title
    assert not house.file(house.case).public


def test_w5_an_old_card_counts_for_no_other_date(embargoed_house: House) -> None:
    house = embargoed_house
    house.say("maintainer", "security", f"invite {house.case} fedora tell=now")
    card = house.last("direct", "fedora", kind="notice")
    house.say("maintainer", "security", f"embargo {house.case} date in 60 days")
    answer = house.react("fedora", card, "✅")
    assert answer is not None
    assert "out of date" in answer.title
    assert "signatory" not in [one.consent for one in house.file(house.case).participants.values()]


def test_w14_who_leaves_is_let_be_until_invited(members_house: House) -> None:
    house = members_house
    house.leave("fedora", house.case)
    assert "fedora" not in house.members(house.case)
    house.say("maintainer", "security", f"tell {house.case} Go on.")
    told = [seen for seen in house.seen_in("security") if seen.document.kind == "left"]
    assert len(told) == 1
    house.say("maintainer", "security", f"invite {house.case} fedora")
    assert "fedora" in house.members(house.case)
    assert house.journal_is_good()


def test_w12_the_limit_is_by_sender_and_a_report_is_not_lost_silently() -> None:
    house = House(stranger_messages_per_hour=2)
    room = house.open_direct("pest")
    other = house.room("public")
    house.say("pest", room, "help")
    house.say("pest", other, "help")
    word = house.say("pest", room, "help")
    assert word is not None
    assert "a lot at once" in word.title
    assert house.say("pest", other, "help") is None
    lost = house.say("pest", room, "report Something.")
    assert lost is not None
    assert "did not take that report" in lost.title
    assert house.say("pest", room, "report Something.") is None
    assert not house.cases()


def test_l9_a_case_number_in_public_is_taken_back_and_not_echoed(house: House) -> None:
    house.room("public")
    for line in ("DS-2026-ZZ22", "help DS-2026-ZZ22", "show DS-2026-ZZ22"):
        before = len(house.chat.redacted)
        answer = house.public("nobody", line)
        assert len(house.chat.redacted) == before + 1
        assert answer is None or "ZZ22" not in str(answer)


def test_l11_a_member_is_answered_in_public_as_a_stranger_is(members_house: House) -> None:
    house = members_house
    stranger, member = house.public("nobody", "show"), house.public("fedora", "show")
    assert stranger is not None
    assert stranger == member
    assert "direct chat" in house.last("direct", "fedora").document.title


def test_a2_punctuation_and_plain_words(house: House) -> None:
    plain = house.direct("finder", "Hello, I found a bug in your queue.")
    assert plain is not None
    assert "write: report" in plain.title
    receipt = house.direct("finder", "Report: A crafted name overflows.")
    assert receipt is not None
    assert receipt.kind == "receipt"


def test_a7_a_very_long_message_is_not_read(house: House) -> None:
    answer = house.direct("finder", "report " + "x" * 200_000)
    assert answer is not None
    assert "longer than 100 kB" in answer.title
    assert not house.cases()


def test_w15_state_beside_the_journal_and_a_chain_that_is_gone_show(embargoed_house: House) -> None:
    house = embargoed_house
    with Session(house.engine) as session:
        assert journal.differences(session) == []
    with house.engine.begin() as connection:
        mole = {"roles": json.dumps(["coordinator"])}
        connection.execute(
            text("insert into contact(id,name,roles,active,configured) values('x','mole',:roles,1,0)"), mole
        )
        connection.execute(text("delete from anchor"))
    with Session(house.engine) as session:
        assert "contact x is not of the journal" in [fault.problem for fault in journal.differences(session)]
    case = house.case
    with house.engine.begin() as connection:
        connection.execute(text("delete from journal where chain = :case"), {"case": case})
    with Session(house.engine) as session:
        assert any(fault.problem.startswith("missing") for fault in journal.verify(session))
