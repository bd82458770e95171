"""``todo``: what waits for you: questions, answers that you owe, confirmations, dates that come near."""

from __future__ import annotations

from datetime import timedelta

from chatops import policy
from chatops.commands.declare import Command, Who
from chatops.commands.desk import Decision, Desk
from chatops.commands.referral import waits_for
from chatops.document import Action, Document, Line, Tlp, bullets, door, line, mono, strong, typed, when
from chatops.model.casefile import CaseFile
from chatops.model.machines import Consent
from chatops.model.people import PlaceKind

NEAR = timedelta(days=7)
"""A date that is no further off is shown as due."""
MOST = 30


def handle(desk: Desk, args: object) -> Decision:
    known = policy.known_cases(desk.actor, desk.book)
    items: list[Line] = []
    actions: list[Action] = []
    for case in known:
        file = desk.book.case(case)
        if file is not None:
            found, pressed = _of_case(desk, file)
            items += found
            actions += pressed
    items += _own(desk)
    if desk.actor.coordinator:
        items += _confirmations(desk, known)
    if not items:
        return Decision(reply=Document(title="Nothing waits for you", kind="todo", tone="good"))
    title = "1 thing waits for you" if len(items) == 1 else f"{len(items)} things wait for you"
    more = (line(f"… and {len(items) - MOST} more"),) if len(items) > MOST else ()
    document = Document(
        title=title,
        kind="todo",
        # Numbers and dates only, all of which this reader was told already.
        tlp=Tlp.AMBER_STRICT if desk.actor.coordinator else Tlp.GREEN,
        blocks=(bullets((*items[:MOST], *more)),),
        actions=tuple(actions[:5]),
    )
    return Decision(reply=document)


def _own(desk: Desk) -> list[Line]:
    """What the asker is asked about their place on the roster."""
    match desk.actor.contact and desk.actor.contact.asked:
        case "standing":
            return [line("Do the standing terms hold for a year? ", typed("yes"), " or ", typed("no"))]
        case "person":
            return [line("Are you still the right person for our notices? ", typed("yes"), " or ", typed("no"))]
    return []


def _of_case(desk: Desk, file: CaseFile) -> tuple[list[Line], list[Action]]:
    """What one case wants of the asker."""
    items: list[Line] = []
    actions: list[Action] = []
    me = desk.actor.id
    one = file.participants.get(me)
    if one is not None and one.consent in (Consent.INVITED, Consent.LAPSED):
        items.append(line(door(file.id), ": do you accept the terms? ", typed(f"accept {file.id}")))
        actions.append(Action(label=f"accept {file.id}", command=f"accept {file.id}", emoji="✅", style="primary"))
    if one is not None and one.consent == Consent.SIGNATORY and one.role == "downstream":
        answered = file.downstreams.get(one.organisation or "")
        if answered is None or answered.answer is None:
            items.append(line(door(file.id), ": are you affected? ", typed(f"status {file.id} investigating")))
    if one is not None and one.answered_at is None and waits_for(file, me):
        answers = typed(f"accept {file.id}"), " or ", typed(f"decline {file.id}")
        items.append(line(strong(file.id), ": a report was passed on to you. Is it yours? ", *answers))
    if file.case.reporter == me and file.case.referral == "asked":
        items.append(
            line(strong(file.id), ": may we pass it on? ", typed(f"report {file.id} refer=yes"), " or refer=no")
        )
    question = file.question
    if question is not None and me not in (question.votes or {}) and policy.roles(desk.actor, file) & Who.MEMBER:
        items.append(line(door(file.id), ": is ", when(question.at), " a good date? ", typed(f"agree {file.id}")))
    if desk.actor.coordinator and desk.book.living_owner(file) is None:
        items.append(line(door(file.id), ": nobody owns it. ", typed(f"own {file.id}")))
    if me in (file.case.owner, file.case.backup):
        for name, at in (("next word to the reporter", file.case.next_word), ("date", file.terms_date)):
            if at is not None and at - desk.now < NEAR:
                items.append(line(door(file.id), f": {name} ", when(at)))
    return items, actions


def _confirmations(desk: Desk, known: list[str]) -> list[Line]:
    waiting = [row for case in known for row in desk.book.open_pending(case) if row.expires_at > desk.now]
    return [
        line(strong(row.case or "roster"), ": ", mono(row.line.split()[0]), " waits for ", typed(f"confirm {row.code}"))
        for row in waiting
        if row.by != desk.actor.id
    ]


COMMAND = Command(
    verb="todo",
    summary="what waits for you: questions, answers you owe, dates that come near",
    who=Who.TEAM | Who.MEMBER | Who.ASKED | Who.REPORTER | Who.CONTACT,
    where=frozenset({PlaceKind.DIRECT, PlaceKind.SECURITY}),
    example="todo",
    handle=handle,
)
