"""``contacts import`` and ``contacts export``: the roster as a file.

A file is taken as a whole or not at all. It adds and changes; nobody is taken off the roster for not being in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatops.commands.contact_cards import roster
from chatops.commands.declare import Arg, BadValue
from chatops.commands.desk import Attach, Decision, Desk, Here, Outgoing, Refusal
from chatops.commands.roster_changes import added, changed, check_name, columns, ordered, standing_note
from chatops.commands.roster_kinds import ARMOUR, read_key
from chatops.commands.roster_table import Fault, Malformed, Row, read, write
from chatops.document import Document, Line, Tlp, bullets, code, line, para, strong, table, typed
from chatops.model.book import Book
from chatops.model.changes import Change, Happened
from chatops.model.people import Contact, Role
from chatops.ports import Address, Upload

MOST = 40
"""So many lines are shown; the rest is counted."""


@dataclass(frozen=True)
class _Step:
    """What a row of the file means: a contact as it will be, and the event (None: nothing is new)."""

    line: int
    old: Contact | None
    contact: Contact
    happened: Happened | None


def names(options: Sequence[Arg]) -> list[str]:
    """The columns, by the options of ``contacts``."""
    return ["name", *(arg.name.replace("_", "-") for arg in options)]


def take(desk: Desk, options: Sequence[Arg], form: str, text: str, *, dry: bool) -> Decision:
    """What a file would change, or the change itself. Raises :class:`Refusal` for an empty one."""
    try:
        steps = _plan(desk, options, read(form, text, names(options)))
    except Malformed as bad:
        return Decision(reply=_rejected(bad.faults))
    new = [step for step in steps if step.happened is not None]
    card = _card(steps, dry=dry)
    if dry:
        return Decision(reply=card)
    messages: list[Outgoing] = [
        standing_note(desk, one.contact.id, one.contact.standing_until)
        for one in new
        if one.contact.standing_until is not None
        and one.contact.standing_until > desk.now
        and (one.old is None or one.old.standing_until != one.contact.standing_until)
    ]
    return Decision(reply=card, events=[one.happened for one in new if one.happened], messages=messages)


def _plan(desk: Desk, options: Sequence[Arg], rows: Sequence[Row]) -> list[_Step]:
    """Raises :class:`Malformed` with every line that can't be taken."""
    faults: list[Fault] = []
    steps: list[_Step] = []
    seen: dict[str, int] = {}
    for row in rows:
        name = row.cells.get("name", "").casefold()
        if not name:
            faults.append(Fault(row.line, "no name; every contact needs one, as debian"))
            continue
        if name in seen:
            faults.append(Fault(row.at("name"), f"{name} is in line {seen[name]} already"))
            continue
        seen[name] = row.at("name")
        told, wrong = _cells(desk, options, row)
        faults += wrong
        for address in told.get("address") or ():
            word = f"{address.service}:{address.id}"
            if word in seen:
                faults.append(Fault(row.at("address"), f"{word} is in line {seen[word]} already"))
            seen.setdefault(word, row.at("address"))
        if wrong:
            continue
        try:
            steps.append(_step(desk, row.line, name, told))
        except Refusal as no:
            faults.append(Fault(row.line, str(no)))
    faults += _clashes(desk, steps, seen)
    if faults:
        raise Malformed(faults)
    return steps


def _cells(desk: Desk, options: Sequence[Arg], row: Row) -> tuple[dict[str, Any], list[Fault]]:
    """The values of a row, read as a command's options are."""
    told: dict[str, Any] = {}
    faults = []
    for arg in options:
        column = arg.name.replace("_", "-")
        if not (cell := row.cells.get(column, "")):
            continue
        try:
            armoured = arg.name == "key" and ARMOUR in cell
            told[arg.name] = read_key(cell, desk.now) if armoured else arg.kind.read(cell, desk)
        except BadValue as bad:
            faults.append(Fault(row.at(column), f"{column}: {bad}"))
    return told, faults


def _step(desk: Desk, line_: int, name: str, told: Mapping[str, Any]) -> _Step:
    """Raises :class:`Refusal`."""
    old = desk.book.named(name)
    addresses: Sequence[Address] | None = told.get("address")
    paths: Sequence[str] = told.get("paths") or ()
    values = columns(told)
    if old is None or not old.active:
        check_name(desk, name)
        contact, happened = added(desk, name, values, ordered(addresses or (), paths), old)
        return _Step(line_, None, contact, happened)
    for column in ("standing_until", "confirmed_at"):  # a file knows days only
        at, known = values.get(column), getattr(old, column)
        if at and known and at.date() == known.date():
            del values[column]
    if addresses is not None or paths:
        addresses = ordered(desk.book.addresses(old.id) if addresses is None else addresses, paths)
    contact, news = changed(desk, old, values, addresses)
    return _Step(line_, old, contact, news)


def _clashes(desk: Desk, steps: Sequence[_Step], lines: Mapping[str, int]) -> Iterator[Fault]:
    """What no line is wrong in by itself: a group that is called as a contact is, or no coordinator left."""
    after = {one.id: one for one in desk.book.coordinators()} | {step.contact.id: step.contact for step in steps}
    if steps and not any(Role.COORDINATOR in (one.roles or []) for one in after.values()):
        yield Fault(steps[0].line, "no coordinator would be left")
    for step in steps:
        for group in step.contact.groups or []:
            if group in lines:
                yield Fault(lines[step.contact.name], f"{group} is a contact in line {lines[group]}, and a group here")


def _rejected(faults: Sequence[Fault]) -> Document:
    more = (para(f"… and {len(faults) - MOST} more"),) if len(faults) > MOST else ()
    lines = "line" if len({one.line for one in faults}) == 1 else "lines"
    return Document(
        title=f"nothing was taken: {len({one.line for one in faults})} {lines} of the file cannot be read",
        kind="refusal",
        tlp=Tlp.AMBER,
        blocks=(bullets([line(strong(f"line {one.line}"), f": {one.text}") for one in faults[:MOST]]), *more),
        tone="warning",
    )


def _card(steps: Sequence[_Step], *, dry: bool) -> Document:
    new = sum(step.old is None for step in steps)
    same = sum(step.happened is None for step in steps)
    counted = f"{new} new, {len(steps) - new - same} changed, {same} as they were"
    rows = [(line(strong(step.contact.name)), _told(step)) for step in steps if step.happened is not None]
    more = (para(f"… and {len(rows) - MOST} more"),) if len(rows) > MOST else ()
    blocks = (table(("name", "what"), rows[:MOST]), *more) if rows else ()
    again = "This was a dry run: nothing is changed. The same without dry-run=yes takes it."
    return Document(
        title=f"dry run: {counted}" if dry else f"the roster: {counted}",
        kind="contacts",
        tlp=Tlp.AMBER,
        blocks=(*blocks, *((para(again),) if dry else (para("What needs care: ", typed("contacts check")),))),
        tone="normal" if dry else "good",
    )


def _told(step: _Step) -> Line:
    """What becomes of somebody, column by column."""
    after = _written(step.contact)
    if step.old is None:
        return line("new: ", "; ".join(f"{name} {value}" for name, value in after.items() if value and name != "name"))
    before = _written(step.old)
    told = [f"{name}: {before[name] or '—'} → {after[name] or '—'}" for name in after if before[name] != after[name]]
    assert step.happened is not None
    if any(isinstance(one, Change) and one.table == "contactaddress" for one in step.happened.changes):
        told.append("address: other ones, or in another order")
    return line("; ".join(told) or "the OpenPGP key itself")


def give(desk: Desk, options: Sequence[Arg], form: str) -> Decision:
    """The whole roster as a file, which an import takes."""
    text = exported(desk.book, options, form)
    card = Document(title="the roster", kind="contacts", tlp=Tlp.AMBER, blocks=(code(text),))
    if desk.room is None:  # a shell shows no files
        return Decision(reply=card)
    back = para("To take it back: ", typed(f"contacts import {form} dry-run=yes"), " and the table.")
    attached = Attach(Here(), Upload.made(f"contacts.{form}", text.encode()), None, "contacts")
    return Decision(reply=card.model_copy(update={"blocks": (back,)}), messages=[attached])


def exported(book: Book, options: Sequence[Arg], form: str) -> str:
    """The roster as a text. Everybody's OpenPGP keys are in it, and none of what any case says."""
    rows = []
    for contact in roster(book):
        addresses = ",".join(f"{one.service}:{one.id}" for one in book.addresses(contact.id))
        key = {"key": contact.public_key} if contact.public_key else {}
        rows.append({**_written(contact), "address": addresses, **key})
    return write(form, [name for name in names(options) if name != "paths"], rows)  # the addresses are in order


def _written(contact: Contact) -> dict[str, str]:
    """A contact as a file has it. What is not on record is empty."""
    standing, confirmed = contact.standing_until, contact.confirmed_at
    return {
        "name": contact.name,
        "organisation": contact.organisation or "",
        "roles": ",".join(contact.roles or []),
        "groups": ",".join(contact.groups or []),
        "zone": contact.zone or "",
        "key": contact.fingerprint or "",
        "lead-days": str(contact.lead_days) if contact.lead_days else "",
        "builds-private": {True: "yes", False: "no", None: ""}[contact.builds_private],
        "standing": f"{standing:%Y-%m-%d}" if standing else "",
        "confirmed": f"{confirmed:%Y-%m-%d}" if confirmed else "",
    }
