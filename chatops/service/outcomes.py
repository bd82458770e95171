"""What effects brought back: a room's id, the members of a room entered, digests; or that they failed for good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import Field, TypeAdapter
from sqlalchemy import update
from sqlmodel import col, select

from chatops.commands import filling, numbering
from chatops.commands.desk import Decision, Desk, Message, Security
from chatops.config import Settings
from chatops.document import Document, Tlp, para, typed
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened, put
from chatops.model.flow import OutboxRow
from chatops.model.journal import INSTALLATION, Entry
from chatops.model.people import Occupant, Place, PlaceKind
from chatops.ports import CveDeed, HostDeed, Outcome, PublishCve, ReserveCve, TryPatch
from chatops.service import host, plans, reminders
from chatops.service.tables import change_outbox
from chatops.service.unit import RELEASE_HOST, Unit, own_desk
from chatops.service.withheld import WITHHELD, no_key

HOST_DEED: TypeAdapter[HostDeed] = TypeAdapter(Annotated[HostDeed, Field(discriminator="t")])
CASE_DEED: TypeAdapter[TryPatch | CveDeed] = TypeAdapter(Annotated[TryPatch | CveDeed, Field(discriminator="t")])


def decide(unit: Unit, settings: Settings, outcome: Outcome, now: datetime, code: Callable[[int], str]) -> None:
    """Decide an outcome by the kind of its effect."""
    row = unit.session.exec(select(OutboxRow).where(col(OutboxRow.key) == outcome.effect)).first()
    if row is None:
        return
    unit.session.expunge(row)
    place = unit.book.place(row.place) if row.place else None
    desk = own_desk(unit, settings, now, code)
    kind = row.deed.get("t", row.kind) if row.deed else row.kind
    if not plans.own(row):  # what a step looks at is nobody else's news
        _by_kind(unit, desk, row, kind, place, outcome)
    if row.step is not None:
        plans.landed(unit, desk, row, outcome)


def _by_kind(unit: Unit, desk: Desk, row: OutboxRow, kind: str, place: Place | None, outcome: Outcome) -> None:
    if row.service == RELEASE_HOST:
        host.decide(unit, desk, row, HOST_DEED.validate_python(row.deed), outcome)
    elif kind in ("try-patch", "reserve-cve", "publish-cve"):
        if (file := unit.book.case(row.case or "")) is not None:
            unit.carry_out(_back(desk, file, row, outcome))
    elif place is not None:
        _room(unit, place, kind, row, outcome, desk.now)


def _back(desk: Desk, file: CaseFile, row: OutboxRow, outcome: Outcome) -> Decision:
    """What came of something that a case waits for."""
    match CASE_DEED.validate_python(row.deed):
        case TryPatch() as patch:
            return filling.tried(desk, file, patch, outcome)
        case ReserveCve() as reserve:
            return numbering.came(desk, file, reserve, outcome)
        case PublishCve() as publish if not outcome.ok and row.step is None:
            return numbering.not_corrected(file, row.key, publish, outcome.problem)
    return Decision()  # the plan that it is a step of says what came of it


def _room(unit: Unit, place: Place, kind: str, row: OutboxRow, outcome: Outcome, now: datetime) -> None:
    match kind:
        case "open-room" if outcome.ok:
            place = _the_same(unit, place, outcome.data["room"])
            past = bool(outcome.data.get("shows_past"))
            change = put(Place, place.id, room=outcome.data["room"], state="bound", shows_past=past)
            unit.record(
                Happened("room made", place.case, {"kind": place.kind, "service": place.service}, changes=(change,))
            )
            if joined := outcome.data.get("joined", ()):
                unit.rooms.came(place, joined)
                if place.kind == PlaceKind.EMBARGO:
                    unit.alarm(reminders.terms(place, now))
            unit.settle_place(place.id)
            unit.let_go(place.id)
        case "open-room" if place.kind == PlaceKind.DIRECT:
            _not_opened(unit, place)
        case "enter":
            _entered(unit, place, outcome)
        case "remove" if outcome.ok:
            unit.rooms.left(place, row.deed["user"])
            unit.settle_place(place.id)
        case "invite" if outcome.data.get("pending"):
            _pending(unit, place, row)
        case "invite" if not outcome.ok:
            unit.rooms.refused(place, row.deed["user"])
        case "retire" if outcome.ok and outcome.data["closed"] and place.state != "closed":
            unit.record(
                Happened(
                    "room archived",
                    place.case,
                    {"kind": place.kind, "service": place.service},
                    changes=(put(Place, place.id, state="closed"),),
                )
            )
        case "post" | "upload" if outcome.data.get("withheld"):
            _withheld(unit, place, row)
        case "post" | "upload" if outcome.data.get("too_large"):
            _too_large(unit, place, row, outcome.data["too_large"])
        case "leave" if outcome.ok and place.state != "closed":
            unit.record(
                Happened("room left", place.case, {"kind": place.kind}, changes=(put(Place, place.id, state="closed"),))
            )


def _pending(unit: Unit, place: Place, row: OutboxRow) -> None:
    """Somebody outside a workspace was sent an invitation: that may take days, so the team should not wonder."""
    known = unit.book.contact(row.audience) if row.audience else None
    name = known.name if known else "somebody"
    document = Document(
        title=f"{name} is invited by Slack Connect, as they are outside the workspace",
        kind="invitation",
        tlp=Tlp.AMBER_STRICT,
        case=place.case,
        blocks=(
            para("They come in when they accept; their administrators, and ours, may have to allow it."),
            para("They may bring nobody with them. What was said before, a newcomer reads on Slack."),
        ),
    )
    told = Happened("invited by Slack Connect", place.case, {"who": name})
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document)]))


def _the_same(unit: Unit, place: Place, room: str) -> Place:
    """Where a service has one chat for each two people, its person may have begun it meanwhile: what waits for ours
    goes there.
    """
    other = unit.book.room(place.service, place.tenant, room)
    if other is None or other.id == place.id:
        return place
    waiting = col(OutboxRow.place) == place.id, col(OutboxRow.state) == "waiting"
    unit.session.execute(update(OutboxRow).where(*waiting).values(place=other.id))
    unit.record(Happened("direct chat begun already", changes=(put(Place, place.id, state="closed"),)))
    return other


def _not_opened(unit: Unit, place: Place) -> None:
    """Somebody cannot be reached where they are said to be. What was to be said there is given up, and told; the next
    message tries anew, for their address may have been put right.
    """
    known = unit.book.contact(place.contact) if place.contact else None
    name = known.name if known else "somebody"
    lost = unit.give_up(place.id)
    facts = {"who": name, "service": place.service, "messages": str(lost)}
    unit.record(Happened("could not be reached", None, facts, changes=(put(Place, place.id, state="closed"),)))
    document = Document(
        title=f"{name} could not be reached on {place.service}: {lost} messages did not arrive",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        blocks=(para("Look at the address and send it again: ", typed(f"contacts show {name}")),),
        tone="alert",
    )
    unit.carry_out(Decision(messages=[Message(Security(), document, kind="alert")]))


def _withheld(unit: Unit, place: Place, row: OutboxRow) -> None:
    """Something private was not said, for want of a key to encrypt it to: the team hears it, once for each case."""
    known = unit.book.contact(place.contact) if place.contact else None
    name = known.name if known else "somebody"
    chain = row.case or INSTALLATION
    before = unit.session.exec(select(Entry).where(Entry.chain == chain, Entry.what == WITHHELD)).all()
    first = all(one.told["facts"].get("who") != name for one in before)
    unit.record(Happened(WITHHELD, row.case, {"who": name, "kind": row.kind}))
    change_outbox(unit.session, row.id, problem=WITHHELD)
    if first:
        unit.carry_out(Decision(messages=[no_key(name, row.case)]))


def _too_large(unit: Unit, place: Place, row: OutboxRow, file: str) -> None:
    """Somebody was told of a file that no mail takes: the team hears whom it has to give it."""
    known = unit.book.contact(place.contact) if place.contact else None
    name = known.name if known else "somebody"
    document = Document(
        title=f"{name} did not get {file}: it is too large for mail",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        case=row.case,
        blocks=(
            para("I sent its name and its digest, and asked them to answer how they would like to get it."),
            para("Where mail.files_folder and mail.files_url are set, I send a link in place of such a file."),
        ),
        tone="alert",
    )
    told = Happened("file too large", row.case, {"who": name, "file": file})
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document, kind="alert")]))


def _entered(unit: Unit, place: Place, outcome: Outcome) -> None:
    """A two-person chat is one only if nobody but its inviter is in it.

    What is not encrypted is cleared for nothing but the public.
    """
    inviter = [one.address for one in unit.book.occupants(place.id)]
    if not outcome.ok or (place.kind == PlaceKind.DIRECT and outcome.data["others"] != inviter):
        unit.record(Happened("room left", None, {"kind": place.kind}, changes=(put(Place, place.id, state="closed"),)))
        if outcome.ok:
            unit.leave(place)
        return
    direct = place.kind == PlaceKind.DIRECT
    clearance = Tlp.RED if direct and outcome.data.get("encrypted") else Tlp.CLEAR
    change = put(Place, place.id, state="bound", clearance=clearance)
    unit.record(Happened("room entered", None, {"kind": place.kind, "service": place.service}, changes=(change,)))


def adopt(unit: Unit, place: Place, contact: str, address: str) -> None:
    """A stranger's chat becomes a contact's, once they are one."""
    changes = [put(Place, place.id, contact=contact)]
    if unit.book.occupant(place.id, address) is not None:
        changes.append(put(Occupant, (place.id, address), contact=contact))
    unit.record(Happened("direct chat known", None, changes=tuple(changes)))
