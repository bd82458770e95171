"""What came by mail: reports, answers, questions; what is not for us; what a machine wrote.

Only a sender who is shown to be who they say (by signature, or by a reply code that only they got) is taken for a
contact. What anybody else writes in a contact's name does nothing, and the team sees it. The original is kept whole.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, or_
from sqlmodel import col, select

from chatops import policy
from chatops.commands import report
from chatops.commands.declare import BadValue, Registry, Shape, Who
from chatops.commands.desk import Actor, Attach, CaseRoom, Decision, Desk, Direct, Message, Refusal, Security
from chatops.commands.parse import split
from chatops.commands.roster_kinds import read_key
from chatops.config import Settings
from chatops.document import Block, Document, Tlp, bullets, fields, para, quote, typed
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened, Moved, put
from chatops.model.flow import Original, OutboxRow
from chatops.model.people import Contact, ContactAddress, PlaceKind, Role
from chatops.ports import MAIL, Address, Automatic, Bounced, Letter, Received, Relay, Upload
from chatops.service.dispatch import names_case
from chatops.service.unit import Unit, refusal

SHOWN = 20_000
"""So many characters of a letter are shown at once; more are in the original."""
LONGEST_REPORT = 50_000
WORDS = 8
"""What begins with a command's name and goes on for longer is somebody's own words, unless the command takes text."""


def answered(unit: Unit, received: Received, letter: Letter) -> OutboxRow | None:
    """Which of our messages to this person a letter answers, by its reply code or by what it refers to."""
    place = unit.book.room(MAIL, received.tenant, letter.sender)
    if place is None:
        return None
    named: list[ColumnElement[bool]] = [col(OutboxRow.event).in_(letter.answers)]
    if letter.effect is not None:
        named.append(col(OutboxRow.key).startswith(letter.effect, autoescape=True))
    query = select(OutboxRow).where(OutboxRow.place == place.id, or_(*named)).order_by(col(OutboxRow.id).desc())
    return unit.session.exec(query).first()


def for_others(settings: Settings, letter: Letter) -> bool:
    """Whether a letter names nothing of ours, and there is a partner whose it may be."""
    mail = settings.mail
    if mail is None or mail.partner is None or not mail.about or letter.sealed:
        return False
    text = f"{letter.subject}\n{letter.text}"
    named = any(word.casefold() in text.casefold() for word in mail.about)
    return not named and not names_case(text, settings.project.case_prefix)


def pass_on(unit: Unit, settings: Settings, letter: Letter) -> None:
    """Untouched, unacknowledged, and read by nobody here."""
    assert settings.mail is not None
    partner = settings.mail.partner
    assert partner is not None
    unit.record(Happened("letter passed on", None, {"to": partner}))
    unit.relay(Relay(data=letter.original), partner)


def unproven(unit: Unit, contact: Contact, letter: Letter, *, answer: bool) -> None:
    """In a contact's name, and nothing shows that it is theirs. ``answer``: tell them, at their own address."""
    card = _card(
        f"Mail in the name of {contact.name}: nothing shows that they wrote it",
        "unproven letter",
        (
            para("I did nothing of what it says. It is not signed with their key, and bears no reply code of theirs."),
            *_shown(letter),
        ),
        tone="alert",
    )
    decision = Decision(
        events=[Happened("letter not proven", None, {"who": contact.name})],
        messages=[Message(Security(), card), *_original(unit, letter, None)],
    )
    if answer and letter.answerable:
        word = Document(
            title="Did you write to us just now?",
            kind="question",
            tlp=Tlp.GREEN,
            blocks=(
                para("A mail came in your name, and nothing in it shows that it is yours; so I did nothing with it."),
                para("If you wrote it, please send it again as an answer to this mail, or sign it with your key."),
            ),
        )
        decision.messages.append(Message(Direct(contact.id, MAIL), word))
    unit.carry_out(decision)


def to_the_team(unit: Unit, letter: Letter) -> None:
    """What nobody here can make anything of by themselves: a letter without a sender, or sealed to another key."""
    who = letter.sender or "nobody who says who they are"
    what = "is encrypted, but not to my key" if letter.sealed else "has no sender to answer"
    card = _card(f"A letter from {who} {what}", "letter", _shown(letter), tone="warning")
    known = Happened("letter for the team", None, {"why": "sealed" if letter.sealed else "no sender"})
    unit.carry_out(Decision(events=[known], messages=[Message(Security(), card), *_original(unit, letter, None)]))
    if letter.sealed and letter.answerable and letter.sender:
        word = "I cannot decrypt what you sent; the team has it. My key is in this mail's Autocrypt header."
        unit.carry_out(Decision(reply=refusal(word)))


def command_in(registry: Registry, desk: Desk, text: str) -> str | None:
    """The command that a letter begins with: its first line, or all of it where the command takes text."""
    first = next((row.strip() for row in text.splitlines() if row.strip()), "")
    line = split(first, desk.settings.project.case_prefix)
    command = registry.get(line.verb.rstrip(":,;.!?"))
    if command is None or not policy.sees(command, policy.all_roles(desk.actor, desk.book)):
        return None
    if any(argument.shape is Shape.RAW for argument in command.arguments):
        return text.strip()
    return first if len(first.split()) <= WORDS else None


def words(unit: Unit, desk: Desk, letter: Letter, *, answers: bool) -> None:
    """What is no command: more about somebody's own report, a question to the team, or a new report."""
    text = f"{letter.subject}\n\n{letter.text}".strip() if not answers else letter.text.strip() or letter.subject
    cut = len(text) > LONGEST_REPORT
    text = text[:LONGEST_REPORT] + "\n… (all of it is in the original)" if cut else text
    file = desk.file or (_own(desk) if answers else None)
    try:
        if file is not None and desk.actor.id in file.reporters:
            decision = report.handle(replace(desk, file=file), report.Report(text=text or "(no text)"))
        elif answers:
            decision = _question(desk, file, text)
        else:
            decision = report.handle(replace(desk, file=None), report.Report(text=text or "(no text)"))
    except Refusal as no:  # the report is closed: people look at what comes all the same
        decision = _question(desk, file, text)
        decision.reply = refusal(str(no))
    case = next((one.case for one in decision.events if one.case), file.id if file else None)
    decision.messages += _original(unit, letter, case, attach=letter.more or cut)
    if letter.certificate is not None:
        _take_key(unit, desk, decision, letter.certificate)
    unit.carry_out(decision)


def _own(desk: Desk) -> CaseFile | None:
    """The one open case that somebody reported."""
    mine = policy.known_cases(desk.actor, desk.book, Who.REPORTER)
    return desk.book.case(mine[0]) if len(mine) == 1 else None


def _question(desk: Desk, file: CaseFile | None, text: str) -> Decision:
    """To the team; a member's goes to the room, too, as if they had said it there."""
    name = desk.actor.name if desk.actor.contact else desk.actor.address.id
    case = file.id if file is not None and policy.may_know(desk.actor, file) else None
    title = f"{case}: {name} writes" if case else f"{name} writes"
    card = _card(title, "letter", (quote(text[:SHOWN] or "(no text)"),), case=case)
    messages: list[Message | Attach] = [Message(Security(), card)]
    if file is not None and case is not None and file.was_member(desk.actor.id):
        messages.append(Message(CaseRoom(case), card))
    reply = Document(
        title="What you wrote is with the team",
        kind="receipt",
        tlp=Tlp.GREEN,
        blocks=(para("A person reads it. What you can do yourself, in the first line: ", typed("help")),),
        tone="good",
    )
    return Decision(reply=reply, events=[Happened("letter", case, {"by": desk.actor.name})], messages=messages)


# --- the original, and keys that come with it ----------------------------------------------------------------------


def keep(unit: Unit, letter: Letter, case: str | None) -> None:
    """The original of a letter that needs no person to look at it."""
    _original(unit, letter, case, attach=False)


def _original(unit: Unit, letter: Letter, case: str | None, *, attach: bool = True) -> list[Message | Attach]:
    """Keep the letter as it came; a file of it for the team."""
    raw = base64.b64decode(letter.original)
    digest = hashlib.sha256(raw).hexdigest()
    unit.session.merge(Original(id=digest, case=case, event=letter.event, text=letter.original))
    unit.session.flush()
    return [Attach(Security(), Upload.made(f"letter-{digest[:8]}.eml", raw), case)] if attach else []


def _take_key(unit: Unit, desk: Desk, decision: Decision, certificate: str) -> None:
    """A key that came with a letter. A reporter's own is used from now on; anybody else's a coordinator decides on."""
    try:
        key = read_key(certificate, desk.now)
    except BadValue:
        return
    begun = next((one for one in _changes(decision) if one.table == "contact" and one.new), None)
    contact = desk.actor.contact
    if begun is not None or (contact is not None and contact.roles == [Role.REPORTER] and not contact.public_key):
        who = str(begun.key["id"]) if begun is not None else desk.actor.id
        taken = put(Contact, who, fingerprint=key.fingerprint, public_key=key.public)
        decision.events.append(Happened("key came with a letter", changes=(taken,)))
    elif contact is not None and contact.fingerprint != key.fingerprint:
        change = typed(f"contacts change {contact.name} key={key.fingerprint}")
        card = _card(
            f"{contact.name} sent an OpenPGP key by mail",
            "letter",
            (
                para(
                    "Ask them on another way whether it is theirs. To use it: ", change, " and the key, which follows."
                ),
            ),
        )
        upload = Upload.made(f"{contact.name}.asc", certificate.encode())
        decision.messages += [Message(Security(), card), Attach(Security(), upload, None)]


def _changes(decision: Decision) -> Sequence[Change]:
    return [change for one in decision.events for change in one.changes if not isinstance(change, Moved)]


# --- what machines write -------------------------------------------------------------------------------------------


def bounced(unit: Unit, received: Received, bounce: Bounced) -> None:
    """Something did not arrive, for good: the team hears it, and the roster shows it."""
    query = select(OutboxRow).where(OutboxRow.service == MAIL, OutboxRow.event == bounce.message)
    row = unit.session.exec(query).first()
    place = unit.book.place(row.place) if row is not None and row.place else None
    if row is None or place is None:
        unit.record(Happened("bounce of nothing that I sent"))
        return
    known = unit.book.contact(place.contact) if place.contact else None
    name = known.name if known else f"the list {place.room}" if place.kind == PlaceKind.PUBLIC else "somebody"
    address = unit.book.address_id(Address(MAIL, place.tenant, place.room or ""))
    changes = (put(ContactAddress, address, failed_at=received.at),) if address else ()
    facts = {"who": name, "service": MAIL, "status": bounce.status}
    where = typed(f"contacts show {name}") if known else typed("help")
    card = _card(
        f"{name} could not be reached by mail: {WHY.get(bounce.status, 'it came back')}",
        "fault",
        (
            fields(("What", row.kind), ("Status", bounce.status)),
            *((para("Reach them by another way, or put the address right: ", where),) if known else ()),
        ),
        case=row.case,
        tone="alert",
    )
    told = Happened("could not be reached", row.case, facts, changes=changes)
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), card, kind="alert")]))


WHY = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "there is no such server",
    "5.2.1": "the mailbox is closed",
    "5.2.2": "the mailbox is full",
    "5.3.4": "the message is too large for it",
    "5.7.1": "it is not let in",
}
"""RFC 3463, in words."""


def automatic(unit: Unit, event: Automatic) -> None:
    """On record, and no answer. What was too large to fetch somebody must look at."""
    row = None
    if event.answers:
        row = unit.session.exec(select(OutboxRow).where(col(OutboxRow.event).in_(event.answers))).first()
    known = unit.book.at(Address(MAIL, "", event.sender))
    told = Happened(
        "automatic mail", row.case if row else None, {"what": event.what, "from": known.name if known else "somebody"}
    )
    unit.record(told)
    if event.what == "too-large":
        card = _card(
            "A letter is too large for me to fetch",
            "letter",
            (bullets((f"From: {event.sender}", "It is still in the mailbox; please read it there.")),),
            tone="warning",
        )
        unit.carry_out(Decision(messages=[Message(Security(), card)]))


def heard_from(unit: Unit, actor: Actor) -> None:
    """Who writes by mail can be reached by mail."""
    if actor.address in unit.book.failing(actor.id) and (row := unit.book.address_id(actor.address)):
        change = put(ContactAddress, row, failed_at=None)
        unit.record(Happened("reached again", None, {"who": actor.name}, changes=(change,)))


def _shown(letter: Letter) -> tuple[Block, ...]:
    subject = fields(("Subject", letter.subject or "—"), ("From", letter.sender or "—"))
    return (subject, quote(letter.text[:SHOWN])) if letter.text.strip() else (subject,)


def _card(title: str, kind: str, blocks: Sequence[Block], *, case: str | None = None, tone: str = "normal") -> Document:
    return Document.model_validate(
        {"title": title, "kind": kind, "tlp": Tlp.AMBER_STRICT, "case": case, "blocks": tuple(blocks), "tone": tone}
    )
