"""``bring``: a member asks in a colleague of the same organisation who needs to know (policy step 2: informal ties).

The colleague is asked the same question as anybody else; the room and the security room are told. Whom the roster does
not have, a coordinator is asked to add: nobody gets onto it by a member's word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatops.commands.alarms import ask_again
from chatops.commands.answer import ANSWERABLE
from chatops.commands.declare import CaseUse, Command, Who, positional
from chatops.commands.desk import CaseRoom, Decision, Desk, Direct, Message, Outgoing, Refusal, Security, working
from chatops.commands.kinds import Word
from chatops.commands.moving import edit_participant, joined, moved
from chatops.commands.terms import askable, question
from chatops.commands.typed import nearest, short
from chatops.document import Action, Block, Document, Tlp, mono, para, typed
from chatops.model.changes import Happened
from chatops.model.machines import Consent
from chatops.model.moves import Move
from chatops.model.people import Address, Contact

_ADDRESS = re.compile(r"[a-z]+:\S+")


@dataclass(frozen=True)
class Bring:
    who: str = positional(Word("COLLEAGUE"), "a colleague's name, or an address: matrix:@name:example.org")


def handle(desk: Desk, args: Bring) -> Decision:
    file = working(desk.case)
    own = file.participants.get(desk.actor.id)
    holder = _holder(desk, args.who)
    if holder is not None and holder.id == desk.actor.id:
        raise Refusal(f"that is your own address, and you are in {file.id} already")
    if own is None or own.organisation is None:
        raise Refusal("you speak for no organisation in this case; ask a coordinator to invite your colleague")
    colleague = _colleague(desk, own.organisation, args.who)
    if colleague is None:
        return _please_add(desk, own.organisation, args.who, holder)
    _may_come(desk, colleague)
    askable(file, desk.now)
    changes = [
        *joined(file, colleague, "downstream"),
        *moved(file, Move.BRING, actor=desk.actor.id, named=colleague.id),
    ]
    changes.append(edit_participant(file, colleague.id, asked_at=desk.now))
    told = Happened("brought", file.id, {"who": colleague.name, "by": desk.actor.name}, changes=tuple(changes))
    note = Document(
        title=f"{file.id}: {desk.actor.name} asks in {colleague.name} of {own.organisation}",
        kind="brought",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para("They are asked for the same terms, and told nothing before they accept."),),
    )
    refuse = Action(label="refuse", command=f"remove {file.id} {colleague.name}", emoji="🚫")
    messages: list[Outgoing] = [
        Message(Direct(colleague.id), question(desk.settings, file), ping=(colleague.id,)),
        Message(Security(), note.model_copy(update={"actions": (refuse,)})),
    ]
    messages.append(Message(CaseRoom(file.id), note, echo=True))
    again = ask_again(file.id, colleague.id, desk.now, desk.settings.policy.ask_again_days)
    return Decision(reply=note, events=[told], messages=messages, alarms=[again])


def _colleague(desk: Desk, organisation: str, word: str) -> Contact | None:
    """Who is meant, of the same organisation; None for an address that is none of theirs.

    Whoever else is on the roster answers as somebody who is not: it is the coordinators' own.
    """
    wanted = word.removeprefix("@").casefold()
    colleagues = [one for one in desk.book.contacts() if one.organisation == organisation and one.id != desk.actor.id]
    for one in colleagues:
        if one.name == wanted:
            return one
    if not _ADDRESS.fullmatch(word):
        close = nearest(wanted, [one.name for one in colleagues])
        hint = f"did you mean {close}?" if close else "give their address instead, as in matrix:@name:example.org"
        raise Refusal(f'no colleague of yours at {organisation} is called "{short(word)}"; {hint}')
    holder = _holder(desk, word)
    return next((one for one in colleagues if holder is not None and one.id == holder.id), None)


def _holder(desk: Desk, word: str) -> Contact | None:
    """Whose address it is, if it is one of somebody on the roster."""
    service, colon, rest = word.partition(":")
    return desk.book.at(Address(service, "", rest)) if colon else None


def _may_come(desk: Desk, colleague: Contact) -> None:
    one = desk.case.participants.get(colleague.id)
    name = colleague.name
    if colleague.id in {c.id for c in desk.book.coordinators()} or (one is not None and one.role == "expert"):
        raise Refusal(f"{name} is on the team already")
    if one is not None and one.consent in (Consent.INVITED, Consent.LAPSED):
        raise Refusal(f"{name} is asked already, and has not answered yet")
    if one is not None and one.consent == Consent.SIGNATORY:
        raise Refusal(f"{name} is a member already")
    if one is not None and one.consent in (Consent.DECLINED, Consent.REMOVED):
        raise Refusal(f"{name} was asked before; only a coordinator can ask them again")
    if not any(address.service in desk.services for address in desk.book.addresses(colleague.id)):
        raise Refusal(f"{name} has no address that I reach; ask a coordinator to add one")


def _please_add(desk: Desk, organisation: str, address: str, known: Contact | None) -> Decision:
    """To the team; the member reads the same whether the roster has the address or not."""
    file = desk.case
    where = f'"{organisation}"' if " " in organisation else organisation
    how: tuple[Block, ...] = (
        para("To add them: ", typed(f"contacts add NAME organisation={where} address={address}")),
        para("Then: ", typed(f"invite {file.id} NAME")),
    )
    title = "would like to bring a colleague who is not on the roster"
    if known is not None:
        of = f" of {known.organisation}" if known.organisation else ""
        title = f"would like to bring somebody who is on the roster, but not for {organisation}"
        how = (
            para(
                f"That is {known.name}{of}, on the roster; if that is right: ", typed(f"invite {file.id} {known.name}")
            ),
        )
    request = Document(
        title=f"{file.id}: {desk.actor.name} {title}",
        kind="brought",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para(f"Their address, as {desk.actor.name} gave it: ", mono(address)), *how),
    )
    reply = Document(
        title=f"{file.id}: I asked the coordinators to add your colleague",
        kind="brought",
        tlp=Tlp.GREEN,
        blocks=(para("Please tell them nothing of it before they were asked."),),
    )
    told = Happened("colleague asked for", file.id, {"by": desk.actor.name}, text=address)
    return Decision(reply=reply, events=[told], messages=[Message(Security(), request)])


COMMAND = Command(
    verb="bring",
    summary="ask in a colleague of your organisation who needs to know",
    who=Who.MEMBER,
    where=ANSWERABLE,
    example="bring DS-2026-7KQ4 debian-2",
    args=Bring,
    case=CaseUse.NEEDED,
    handle=handle,
)
