"""Devices that may not read where the operator wants them verified: their owners and the team hear of it, once each."""

from __future__ import annotations

from chatops.commands.desk import Decision, Desk, Direct, InPlace, Message, Security
from chatops.document import Document, Tlp, fields, line, mono, para, typed
from chatops.model.changes import Happened
from chatops.model.people import PlaceKind
from chatops.ports import DeviceShut
from chatops.service.unit import Unit

WHERE = {
    PlaceKind.SECURITY: "the security room",
    PlaceKind.EMBARGO: "the rooms of cases",
    PlaceKind.DIRECT: "direct chats",
}


def told(unit: Unit, desk: Desk, shut: DeviceShut) -> None:
    """A device was left out, or may read from now on."""
    if desk.room is None:
        return
    unit.carry_out(_may_read(unit, desk, shut) if shut.may_read else _left_out(desk, shut))


def _left_out(desk: Desk, shut: DeviceShut) -> Decision:
    assert desk.room is not None
    where = WHERE.get(desk.place, "a room")
    case = desk.file.id if desk.file else None
    whose = desk.actor.name if desk.actor.contact else "somebody who is not on the roster"
    owner = Document(
        title="One of your devices cannot read me yet",
        kind="device",
        blocks=(
            para(f"In {where} I write for verified devices only, and nobody has verified this one:"),
            fields(("Device", line(mono(shut.device))), ("Key", line(mono(shut.key)))),
            para(
                "Your app shows both among its sessions. Read the key to a coordinator on the phone, or show it to"
                " them; the operator then marks the device. What I wrote before stays unreadable on it: ask me again,"
                " with ",
                typed("show CASE"),
                ".",
            ),
        ),
    )
    team = Document(
        title=f"A device of {desk.actor.name}'s cannot read me yet",
        kind="device",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(
            fields(
                ("Whose", f"{whose}, {shut.who}"),
                ("Device", line(mono(shut.device))),
                ("Key", line(mono(shut.key))),
                ("Cannot read", where),
            ),
            para("Compare the key with them on the phone, or face to face. If it is theirs, the operator types:"),
            para(mono(f"chatops matrix trust {shut.who} {shut.device}")),
        ),
        tone="alert",
    )
    to = Direct(desk.actor.id) if desk.actor.contact and desk.place is not PlaceKind.DIRECT else InPlace(desk.room.id)
    return Decision(
        events=[Happened("device left out", case, {"who": whose, "device": shut.device})],
        messages=[Message(to, owner, bare=True), Message(Security(), team, kind="alert")],
    )


def _may_read(unit: Unit, desk: Desk, shut: DeviceShut) -> Decision:
    """What waited for a device that may read goes at once."""
    for room in shut.rooms:
        place = unit.book.room(desk.actor.address.service, desk.actor.address.tenant, room)
        if place is not None:
            unit.let_go(place.id)
    case = desk.file.id if desk.file else None
    return Decision(events=[Happened("device verified", case, {"who": desk.actor.name, "device": shut.device})])
