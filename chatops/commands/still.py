"""``yes`` and ``no``: the one-word answers of people on the roster to what they are asked about their place on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chatops.commands.declare import Command, Who, positional
from chatops.commands.desk import Decision, Desk, Direct, Message, Refusal, Security
from chatops.commands.kinds import Choice
from chatops.commands.roster_kinds import STANDING
from chatops.commands.roster_times import Question
from chatops.document import Action, Block, Document, Tlp, bullets, fields, para, typed, when
from chatops.model.changes import Happened, put
from chatops.model.people import Contact, PlaceKind

TERMS = (
    "Later notices reach you at once and in full, with a date until which they are private.",
    "You may patch your own systems; you publish nothing and tell nobody else before the date.",
    "You may decline any single case with one word.",
)
"""What standing terms mean, in plain words."""
KIND = "roster question"


@dataclass(frozen=True)
class Answer:
    question: str | None = positional(
        Choice(tuple(Question)), "which question, if it is not the last one", default=None
    )


def question(project: str, contact: Contact, asked: Question) -> Document:
    """What somebody is asked."""
    blocks: tuple[Block, ...]
    if asked is Question.PERSON:
        whom = f" for {contact.organisation}" if contact.organisation else ""
        title = f"{project}: are you still the right person{whom} for our security notices?"
        about = ("On record as", contact.name), ("Roles", ", ".join(contact.roles or []) or "none")
        blocks = (fields(*about), para("One word is enough. If you say no, we look for somebody else, and thank you."))
        labels = "yes, still me", "no, not any more"
    else:
        goes_on = contact.standing_until is not None
        title = f"{project}: {'do the standing terms go on' if goes_on else 'do you agree to the standing terms'}?"
        until = (para("They end ", when(contact.standing_until, day=True), "."),) if contact.standing_until else ()
        blocks = (para("For a year from your answer:"), bullets(TERMS), *until, para("Without them we ask you first."))
        labels = "yes, for a year", "no, ask me first"
    return Document(
        title=title,
        kind=KIND,
        tlp=Tlp.GREEN,
        blocks=blocks,
        actions=(
            Action(label=labels[0], command=f"yes {asked}", emoji="✅", style="primary"),
            Action(label=labels[1], command=f"no {asked}", emoji="❌"),
        ),
    )


def ask(project: str, contact: Contact, asked: Question) -> Message:
    return Message(Direct(contact.id), question(project, contact, asked), ping=(contact.id,))


def _asked(desk: Desk, args: Answer) -> tuple[Contact, Question]:
    """Raises :class:`Refusal` if nothing, or something else, is asked."""
    contact = desk.actor.contact
    if contact is None or contact.asked is None:
        raise Refusal("I asked you nothing that is still open; see todo")
    if args.question not in (None, contact.asked):
        raise Refusal("that question is settled; please answer the newest one")
    return contact, Question(contact.asked)


def yes(desk: Desk, args: Answer) -> Decision:
    contact, asked = _asked(desk, args)
    values: dict[str, object] = {"asked": None, "confirmed_at": desk.now, "left_at": None}
    title = f"thank you: you stay on record for {desk.project}"
    first = asked is Question.STANDING and contact.standing_until is None
    if asked is Question.STANDING:
        values["standing_until"] = desk.now + STANDING
        title = f"thank you: the standing terms hold until {desk.now + STANDING:%Y-%m-%d}"
    what = "standing terms agreed" if asked is Question.STANDING else "confirmed on the roster"
    told = _note(f"{contact.name} agreed to the standing terms, for a year") if first else None
    return _decision(contact, what, title, values, told)


def no(desk: Desk, args: Answer) -> Decision:
    contact, asked = _asked(desk, args)
    if asked is Question.PERSON:
        values = {"asked": None, "left_at": desk.now, "standing_until": None}
        whom = f" for {contact.organisation}" if contact.organisation else ""
        told = _note(
            f"{contact.name} is not the right person{whom} any more; please find another",
            para("Somebody else: ", typed("contacts add NAME …"), " · off the roster: "),
            para(typed(f"contacts remove {contact.name}")),
        )
        title = "thank you for telling us; we look for somebody else"
        return _decision(contact, "not the right person any more", title, values, told)
    until = contact.standing_until
    if until is None:
        told = _note(f"{contact.name} does not agree to the standing terms: they are asked first, case by case")
        return _decision(
            contact, "standing terms declined", "noted: we ask you first, each time", {"asked": None}, told
        )
    told = _note(f"{contact.name} lets the standing terms end on {until:%Y-%m-%d}")
    title = f"noted: after {until:%Y-%m-%d} we ask you first, each time"
    asks = {"asked": Question.PERSON, "asked_at": desk.now}
    decision = _decision(contact, "standing terms not renewed", title, asks, told)
    decision.messages.append(ask(desk.project, contact, Question.PERSON))
    return decision


def _decision(contact: Contact, what: str, title: str, values: Mapping[str, object], told: Message | None) -> Decision:
    return Decision(
        reply=Document(title=title, kind="answer", tlp=Tlp.GREEN, tone="good"),
        events=[Happened(what, None, {"who": contact.name}, changes=(put(Contact, contact.id, **values),))],
        messages=[told] if told is not None else [],
    )


def _note(title: str, *blocks: Block) -> Message:
    return Message(Security(), Document(title=title, kind="roster", tlp=Tlp.AMBER, blocks=blocks))


COMMANDS = tuple(
    Command(
        verb=verb,
        summary=f"{verb} to what I asked about your place on the roster",
        who=Who.CONTACT,
        where=frozenset({PlaceKind.DIRECT}),
        example=f"{verb} person",
        args=Answer,
        handle=handle,
    )
    for verb, handle in (("yes", yes), ("no", no))
)
