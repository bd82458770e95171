"""Who joins and leaves, and who may ask the bot where."""

from __future__ import annotations

from datetime import datetime

from chatops.commands.desk import Actor, Decision, Message, Security
from chatops.document import Block, Document, Tlp, para, typed
from chatops.model.changes import Change, Happened, Moved, new, put
from chatops.model.people import Contact, Occupant, Place, PlaceKind
from chatops.ports import Address, Invitation, Leave, Member, Received, Replaced
from chatops.service import reminders
from chatops.service.unit import Unit


def changed(unit: Unit, received: Received, member: Member, now: datetime) -> None:
    """A membership changed in a room of ours: record it, and settle the room against roster and consent."""
    place = unit.book.room(received.service, received.tenant, member.room)
    if place is not None and member.own:
        _put_out(unit, place)
        return
    if place is None or place.kind == PlaceKind.PUBLIC:
        return
    contact = unit.book.at(Address(received.service, received.tenant, member.who))
    occupant = unit.book.occupant(place.id, member.who)
    if member.now in ("leave", "ban"):
        own = member.by in (member.who, None) or member.now == "ban"
        if own and occupant is not None and _belongs(unit, place, contact):
            _walked_out(unit, place, occupant, contact, sure=member.by is not None)
        else:
            unit.rooms.left(place, member.who)
        unit.settle_place(place.id)
        unit.let_go(place.id)
        return
    if member.now == "knock":
        return
    state = "joined" if member.now == "join" else "invited"
    if occupant is None:
        row = Occupant(place=place.id, address=member.who, contact=contact.id if contact else None, state=state)
        facts = {"who": contact.name if contact else "somebody unknown"}
        unit.record(Happened(f"{state} from outside", place.case, facts, changes=(new(row),)))
        _tell_of_intruder(unit, place.id, contact.id if contact else None, member)
    elif occupant.state != state and occupant.state != "leaving":
        facts = {"who": contact.name if contact else "somebody unknown"}
        change = put(Occupant, (place.id, member.who), state=state)
        unit.record(Happened(f"{state} room", place.case, facts, changes=(change,)))
        if place.kind == PlaceKind.EMBARGO and state == "joined":
            unit.alarm(reminders.terms(place, now))
    unit.settle_place(place.id)
    unit.let_go(place.id)


def _put_out(unit: Unit, place: Place) -> None:
    """The bot can say nothing more there: the place is given up. What it makes itself it makes anew.

    That somebody closed the room of a closed case is no news.
    """
    _close(unit, place, "put out of room", {})
    file = unit.book.case(place.case) if place.case else None
    over = file is not None and file.case.closed_at is not None
    if place.kind != PlaceKind.DIRECT and not over:  # another chat is opened when there is something to say
        _tell_of_closing(unit, place, f"I was put out of the {place.kind} room")


def _close(unit: Unit, place: Place, why: str, facts: dict[str, str]) -> None:
    closed = put(Place, place.id, state="closed")
    unit.record(Happened(why, place.case, {"kind": place.kind, **facts}, changes=(closed,)))


def _tell_of_closing(unit: Unit, place: Place, title: str, *more: Block) -> None:
    for room in unit.rooms.security():
        unit.rooms.settle(room)
    document = Document(
        title=title,
        kind="left",
        tlp=Tlp.AMBER_STRICT,
        case=place.case,
        blocks=(para("What was still to be said there is held back, and told to you one by one."), *more),
        tone="alert",
    )
    unit.carry_out(Decision(messages=[Message(Security(), document)]))


def replaced(unit: Unit, received: Received, event: Replaced, actor: Actor) -> None:
    """A room of ours was closed for another. Into a public one the bot follows coordinators, as at an invitation.

    Into one where more may be said it follows nobody: who made the new room rules it, and can let anybody in. The bot
    makes a new one itself.
    """
    place = unit.book.room(received.service, received.tenant, event.room)
    if place is None or event.successor == event.room:
        return
    _close(unit, place, "room replaced", {"by": actor.name})
    unit.leave(place)
    if place.kind == PlaceKind.DIRECT:
        return
    if place.kind != PlaceKind.PUBLIC:
        for room in unit.rooms.embargo(place.case) if place.case else ():
            unit.rooms.settle(room)
        _tell_of_closing(
            unit,
            place,
            f"{actor.name} replaced the {place.kind} room; I left it",
            para("I do not follow, but make a new room and ask those in who belong there."),
            para("I gave nobody the power to replace it: ask who runs the homeserver how that could be."),
        )
    elif actor.coordinator:
        known = unit.book.room(received.service, received.tenant, event.successor)
        if known is None:
            unit.enter(_public(unit, received, event.successor, actor))
    else:
        _tell_of_closing(
            unit,
            place,
            f"{actor.name} replaced a public room; I left it",
            para("I follow coordinators only: if the new room is yours, invite me into it."),
        )


def _public(unit: Unit, received: Received, room: str, actor: Actor) -> Place:
    service, tenant = received.service, received.tenant
    public = PlaceKind.PUBLIC
    place = Place(id=unit.fresh(), kind=public, service=service, tenant=tenant, room=room, clearance=Tlp.CLEAR)
    facts = {"kind": public, "by": actor.name}
    unit.record(Happened("replacement taken", None, facts, changes=(new(place),)))
    return place


def _belongs(unit: Unit, place: Place, contact: Contact | None) -> bool:
    return place.kind != PlaceKind.DIRECT and contact is not None and contact.id in unit.belong(place)


def _walked_out(unit: Unit, place: Place, occupant: Occupant, contact: Contact | None, *, sure: bool) -> None:
    """Whoever belongs in a room and does not want to be in it is let be: the team hears of it, once.

    Unless ``sure``, somebody may have put them out.
    """
    if occupant.state == "left":
        return
    unit.rooms.walked_out(place, occupant)
    name = contact.name if contact else "somebody"
    went = "left" if sure else "is no longer in"
    what = went if occupant.state == "joined" else "did not come into"
    unsure = "" if sure else f"They left, or somebody put them out: {place.service.capitalize()} does not say which. "
    back = f"invite {place.case} {name}" if place.case else f"contacts change {name} roles=coordinator"
    document = Document(
        title=f"{name} {what} the {place.kind} room",
        kind="left",
        tlp=Tlp.AMBER_STRICT,
        case=place.case,
        blocks=(para(unsure + "I do not ask them again by myself. To ask them: ", typed(back)),),
        tone="warning",
    )
    unit.carry_out(Decision(messages=[Message(Security(), document)]))


def _tell_of_intruder(unit: Unit, place_id: str, contact: str | None, member: Member) -> None:
    place = unit.book.place(place_id)
    if place is None or place.kind == PlaceKind.DIRECT or contact in unit.belong(place):
        return
    known = unit.book.contact(contact) if contact else None
    inviter = unit.book.at(Address(place.service, place.tenant, member.by)) if member.by else None
    name = known.name if known else "somebody unknown"
    by = f"let in by {inviter.name}" if inviter and member.by != member.who else "who came by themselves"
    document = Document(
        title=f"{name}, {by}, does not belong in the {place.kind} room; I put them out",
        kind="intruder",
        tlp=Tlp.AMBER_STRICT,
        case=place.case,
        blocks=(para("Nothing is posted there until they are gone."),),
        tone="alert",
    )
    unit.carry_out(Decision(messages=[Message(Security(), document)]))


def invited(unit: Unit, received: Received, invitation: Invitation, actor: Actor) -> None:
    """The bot follows coordinators into rooms, and anybody into a two-person chat."""
    if not (invitation.direct or actor.coordinator):
        unit.at(received.service, received.tenant, invitation.room)
        unit.deed(Leave())
        return
    if unit.book.room(received.service, received.tenant, invitation.room) is not None:
        return
    kind = PlaceKind.DIRECT if invitation.direct else PlaceKind.PUBLIC
    place = Place(
        id=unit.fresh(),
        kind=kind,
        service=received.service,
        tenant=received.tenant,
        room=invitation.room,
        contact=actor.id or None if invitation.direct else None,
        clearance=Tlp.CLEAR,
    )
    changes: list[Change | Moved] = [new(place)]
    if invitation.direct:
        changes.append(new(Occupant(place=place.id, address=invitation.by, contact=actor.id or None, state="joined")))
    unit.record(Happened("invitation taken", None, {"kind": kind, "by": actor.name}, changes=tuple(changes)))
    unit.enter(place)
