"""``accept`` and ``decline``: the terms of a case, by who was asked (policy step 2)."""

from __future__ import annotations

from chatops.commands.alarms import status_alarm
from chatops.commands.declare import CaseUse, Command, Who
from chatops.commands.desk import Alarm, CaseRoom, Decision, Desk, Message, Refusal, Security
from chatops.commands.moving import edit_participant, moved, off_team
from chatops.commands.referral import taken, waits_for
from chatops.commands.terms import welcome
from chatops.document import Action, Document, Tlp, para
from chatops.model.changes import Happened
from chatops.model.machines import Consent
from chatops.model.moves import Move
from chatops.model.people import PlaceKind

ANSWERABLE = frozenset({PlaceKind.DIRECT, PlaceKind.EMBARGO})


def accept(desk: Desk, args: object) -> Decision:
    file = desk.case
    if waits_for(file, desk.actor.id):
        return taken(desk, ours=True)
    one = file.participants.get(desk.actor.id)
    if one is not None and one.consent == Consent.SIGNATORY and desk.book.left_room(file.id, desk.actor.id):
        back = edit_participant(file, desk.actor.id, answered_at=desk.now)
        return Decision(
            reply=welcome(desk, file),
            events=[Happened("came back", file.id, {"who": desk.actor.name}, changes=(back,))],
            messages=[Message(Security(), _note(desk, "comes back into the room"))],
        )
    if one is None or one.consent == Consent.SIGNATORY:
        raise Refusal(f"you are a member of {file.id} already")
    if one.consent == Consent.DECLINED:
        return _would_come_now(desk)
    again = one.consent == Consent.LAPSED
    steps = moved(file, Move.ACCEPT, actor=desk.actor.id)
    change = edit_participant(
        file, desk.actor.id, answered_at=desk.now, told_at=one.told_at or desk.now, terms_until=file.terms_date
    )
    note = _note(desk, "accepted the new date" if again else "accepted the terms")
    messages = [Message(Security(), note)]
    if not again:
        messages.append(Message(CaseRoom(file.id), note))
    return Decision(
        reply=welcome(desk, file),
        events=[Happened("accepted", file.id, {"who": desk.actor.name}, changes=(*steps, change))],
        messages=[*messages],
        alarms=[
            Alarm(f"lapse:{file.id}:{desk.actor.id}", "lapse", None),
            status_alarm(file.id, desk.actor.id, desk.now, desk.settings.policy.status_days),
        ],
    )


def _would_come_now(desk: Desk) -> Decision:
    """Nobody lets themselves in again who said no (model.md, consent): a coordinator does, with one press."""
    case = desk.case.id
    wish = _note(desk, "declined, and would like to come in after all")
    ask = Action(label="invite again", command=f"invite {case} {desk.actor.name}", emoji="📣")
    reply = Document(
        title=f"you declined {case}; I told the coordinators that you would like to be invited again",
        kind="answer",
        tlp=Tlp.GREEN,
    )
    return Decision(reply=reply, messages=[Message(Security(), wish.model_copy(update={"actions": (ask,)}))])


def decline(desk: Desk, args: object) -> Decision:
    file = desk.case
    if waits_for(file, desk.actor.id):
        return taken(desk, ours=False)
    one = file.participants.get(desk.actor.id)
    if one is None or one.consent == Consent.DECLINED:
        raise Refusal(f"you have declined {file.id} already")
    steps = moved(file, Move.DECLINE, actor=desk.actor.id)
    gone = {"answered_at": desk.now, "terms_until": None, "told_now": False, **off_team(one)}
    change = edit_participant(file, desk.actor.id, **gone)
    reply = Document(
        title=f"{file.id}: you declined; you hear nothing more of it, until it is over",
        kind="answer",
        tlp=Tlp.GREEN,
        blocks=(para("What you were told so far, please keep private all the same. Changed your mind? Ask us."),),
    )
    return Decision(
        reply=reply,
        events=[Happened("declined", file.id, {"who": desk.actor.name}, changes=(*steps, change))],
        messages=[Message(Security(), _note(desk, "declined"))],
        alarms=[Alarm(f"lapse:{file.id}:{desk.actor.id}", "lapse", None)],
    )


def _note(desk: Desk, what: str) -> Document:
    return Document(
        title=f"{desk.case.id}: {desk.actor.name} {what}",
        kind="answer",
        tlp=Tlp.AMBER_STRICT,
        case=desk.case.id,
    )


COMMANDS = (
    Command(
        verb="accept",
        summary="accept the terms of a case that you were asked into",
        who=Who.ASKED,
        where=ANSWERABLE,
        example="accept DS-2026-7KQ4",
        case=CaseUse.NEEDED,
        handle=accept,
    ),
    Command(
        verb="decline",
        summary="decline the terms of a case, or leave it",
        who=Who.ASKED,
        where=ANSWERABLE,
        example="decline DS-2026-7KQ4",
        case=CaseUse.NEEDED,
        handle=decline,
    ),
)
