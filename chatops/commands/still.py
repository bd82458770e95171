"""``yes`` and ``no``: the one-word answers of people on the roster to what they are asked about their place on it; and
of reporters who are asked whether their report may be passed on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chatops import policy
from chatops.commands import referral
from chatops.commands.declare import Command, Who, positional
from chatops.commands.desk import Decision, Desk, Direct, Message, Refusal, Security
from chatops.commands.kinds import Choice
from chatops.commands.roster_kinds import STANDING
from chatops.commands.roster_times import Question
from chatops.config import Settings
from chatops.document import Action, Block, Document, Tlp, fields, para, typed, when
from chatops.model.changes import Happened, put
from chatops.model.people import Contact, PlaceKind

KIND = "roster question"


@dataclass(frozen=True)
class Answer:
    question: str | None = positional(
        Choice(tuple(Question)), "which question, if it is not the last one", default=None
    )


def question(settings: Settings, contact: Contact, asked: Question) -> Document:
    """What somebody is asked."""
    blocks: tuple[Block, ...]
    project = settings.project.name
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
        blocks = (
            para("For a year from your answer:"),
            *settings.words("standing_terms"),
            *until,
            para("Without them we ask you first."),
        )
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


def ask(settings: Settings, contact: Contact, asked: Question) -> Message:
    return Message(Direct(contact.id), question(settings, contact, asked), ping=(contact.id,))


def answer_first(waiting: Sequence[str]) -> str:
    """What somebody is told whose answer to the terms of some cases is open."""
    each = (f"accept {case} or decline {case}" for case in waiting)
    return f"first answer the terms: {'; '.join(each)}"


def _asked(desk: Desk, args: Answer) -> tuple[Contact, Question]:
    """Raises :class:`Refusal` if nothing, or something else, is asked."""
    contact = desk.actor.contact
    if contact is None or contact.asked is None:
        waiting = policy.open_terms(desk.actor, desk.book)
        raise Refusal(answer_first(waiting) if waiting else "I asked you nothing that is still open; see todo")
    if args.question not in (None, contact.asked):
        raise Refusal(f"I asked you something else; what is open: yes {contact.asked} or no {contact.asked}")
    return contact, Question(contact.asked)


def _passed_on(desk: Desk, args: Answer, *, agreed: bool) -> Decision | None:
    """A reporter's answer to whether their report may be passed on, if that is all that they are asked."""
    contact = desk.actor.contact
    if args.question is not None or contact is None or contact.asked is not None:
        return None
    known = [desk.book.case(case) for case in policy.known_cases(desk.actor, desk.book, Who.REPORTER)]
    asked = [file for file in known if file and file.case.reporter == contact.id and file.case.referral == "asked"]
    if len(asked) != 1 or policy.open_terms(desk.actor, desk.book):
        return None
    return referral.answered(replace(desk, file=asked[0]), agreed=agreed)


def _after_all(desk: Desk, contact: Contact) -> Decision:
    """Who said that they are not the right person, and says now that they are."""
    told = _note(
        f"{contact.name} is the right person after all",
        para("Standing terms ended with their no. To ask them anew: ", typed(f"contacts ask {contact.name}")),
    )
    title = f"thank you: you stay on record for {desk.project}, and are asked before you are told"
    return _decision(contact, "confirmed on the roster", title, {"left_at": None, "confirmed_at": desk.now}, told)


def yes(desk: Desk, args: Answer) -> Decision:
    if (decision := _passed_on(desk, args, agreed=True)) is not None:
        return decision
    one = desk.actor.contact
    if one is not None and one.asked is None and one.left_at is not None and args.question != Question.STANDING:
        return _after_all(desk, one)
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
    if (decision := _passed_on(desk, args, agreed=False)) is not None:
        return decision
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
    decision.messages.append(ask(desk.settings, contact, Question.PERSON))
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
        summary=f"{verb} to what I asked about your place on the roster, or whether we may pass your report on",
        who=Who.CONTACT | Who.REPORTER,
        where=frozenset({PlaceKind.DIRECT}),
        example=f"{verb} person",
        args=Answer,
        handle=handle,
    )
    for verb, handle in (("yes", yes), ("no", no))
)
