"""``own``: the owner of a case and their backup; the reporter hears the name."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.cards import case_card
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, positional
from chatops.commands.desk import Decision, Desk, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import OrNone, Person
from chatops.commands.moving import edit_case
from chatops.commands.report import standing, to_reporters
from chatops.model.changes import Happened
from chatops.model.people import Contact, PlaceKind, Role


@dataclass(frozen=True)
class Own:
    who: Contact | None = positional(Person("WHO", Role.COORDINATOR), "the owner; you, if left out", default=None)
    backup: Contact | str | None = option(OrNone(Person("WHO", Role.COORDINATOR)), "who stands in; none for nobody")


def handle(desk: Desk, args: Own) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    stays = file.contacts.get(file.case.owner or "") if args.backup == "" else None
    owner = args.who or stays or desk.actor.contact
    if owner is None:
        raise Refusal(f"say who. Usage: {COMMAND.usage}")
    backup = args.backup if isinstance(args.backup, Contact) else None
    if backup is not None and backup.id == owner.id:
        raise Refusal("owner and backup are the same person; name another backup")
    values: dict[str, str | None] = {"owner": owner.id}
    facts = {"owner": owner.name}
    if backup is not None:
        values["backup"] = backup.id
        facts["backup"] = backup.name
    elif args.backup is not None or file.case.backup == owner.id:
        values["backup"] = None
    another = file.case.owner != owner.id
    change = edit_case(file, **values)
    for person in (owner, backup):
        if person is not None:
            file.contacts[person.id] = person
    card = case_card(file, desk.now, inside=desk.place is not PlaceKind.EMBARGO)
    messages: list[Outgoing] = []
    whole = case_card(file, desk.now, inside=True)
    messages.append(Message(Security(), whole, ping=tuple({owner.id} - {desk.actor.id}), echo=True))
    if another:
        messages += to_reporters(file, standing(file, f"{owner.name} looks after your report"))
    return Decision(
        reply=card,
        events=[Happened("owner set", file.id, facts, changes=(change,))],
        messages=messages,
    )


COMMAND = Command(
    verb="own",
    summary="set who owns a case, and who stands in",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="own DS-2026-7KQ4 maintainer backup=maintainer-2",
    args=Own,
    case=CaseUse.NEEDED,
    handle=handle,
)
