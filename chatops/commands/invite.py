"""``invite``: notify contacts, groups and organisations (policy step 2).

Under standing terms a contact is told in full at once and may refuse with a word; others are asked first and told when
they accept, or told and asked in one message where the project or a coordinator says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatops.commands.alarms import ask_again, status_alarm
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, words
from chatops.commands.desk import Alarm, Decision, Desk, Direct, Message, Outgoing, Refusal, Security
from chatops.commands.kinds import Choice, People
from chatops.commands.moving import edit_case, edit_participant, joined, moved
from chatops.commands.report import next_word, to_reporters
from chatops.commands.report import standing as progress
from chatops.commands.roster_times import RENEW_BEFORE
from chatops.commands.terms import askable, in_full, question
from chatops.document import Document, Tlp, line, strong, table
from chatops.model.changes import Change, Happened, Moved
from chatops.model.machines import Consent
from chatops.model.moves import Move
from chatops.model.people import Contact, Role


@dataclass(frozen=True)
class Invite:
    who: tuple[tuple[Contact, ...], ...] = words(
        People(), "contacts, organisations, or a group like all-packagers", many=True
    )
    tell: str | None = option(Choice(("now", "ask")), "now: tell in full in the message that asks")


def handle(desk: Desk, args: Invite) -> Decision:
    file = desk.case
    if not file.embargoed:
        raise Refusal(
            f"no embargo is in force in {file.id}; {'triage it first' if not file.public else 'it is public'}"
        )
    askable(file, desk.now)
    tell_now = args.tell == "now" or (args.tell is None and desk.settings.policy.tell_now)
    people = list({contact.id: contact for group in args.who for contact in group}.values())
    rows, events, notices = [], [], []
    for contact in people:
        answer, happened, notice = _one(desk, contact, tell_now)
        rows.append((line(strong(contact.name)), line(answer)))
        if happened is not None:
            events.append(happened)
        if notice is not None:
            notices.append(notice)
    messages: list[Outgoing] = [notice() for notice in notices]  # now that everybody counts as asked
    again: list[Alarm] = []
    if events and file.case.notified_at is None:
        first = events[0]
        promised, again = next_word(desk, file)
        stamped = (*first.changes, edit_case(file, notified_at=desk.now), *promised)
        events[0] = Happened(first.what, first.case, first.facts, first.text, stamped)
        news = progress(file, "those who package or run it are told now, in private")
        messages += to_reporters(file, news, but=file.ever_asked())
    card = Document(
        title=f"{file.id}: {len(events)} notified"
        + (f", {len(people) - len(events)} not" if len(events) < len(people) else ""),
        kind="invitations",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(table(("who", "what happened"), rows),),
    )
    messages.append(Message(Security(), card, echo=True))
    return Decision(reply=card, events=events, messages=messages, alarms=[*_alarms(desk, people), *again])


def _alarms(desk: Desk, people: Sequence[Contact]) -> list[Alarm]:
    """Who is told now owes a status, who is asked now an answer."""
    policy, alarms = desk.settings.policy, []
    for contact in people:
        one = desk.case.participants.get(contact.id)
        if one is not None and one.consent == Consent.INVITED:
            alarms.append(ask_again(desk.case.id, contact.id, desk.now, policy.ask_again_days))
        elif one is not None and one.consent == Consent.SIGNATORY and one.answered_at == desk.now:
            alarms.append(status_alarm(desk.case.id, contact.id, desk.now, policy.status_days))
    return alarms


def _one(desk: Desk, contact: Contact, tell_now: bool) -> tuple[str, Happened | None, Callable[[], Message] | None]:
    file = desk.case
    one = file.participants.get(contact.id)
    if Role.COORDINATOR in (contact.roles or []):
        return "a coordinator: on the team already", None, None
    if one is not None and one.role == "expert":
        return "an expert: on the team already", None, None
    if one is not None and one.consent == Consent.SIGNATORY and desk.book.left_room(file.id, contact.id):
        again_in = edit_participant(file, contact.id, asked_at=one.asked_at)
        return (
            "a member who left the room: asked back",
            Happened("asked back", file.id, {"who": contact.name}, changes=(again_in,)),
            None,
        )
    if one is not None and one.consent == Consent.SIGNATORY:
        return "a member already", None, None
    if one is not None and one.consent == Consent.INVITED:

        def again() -> Message:
            return Message(Direct(contact.id), question(desk.settings, file), ping=(contact.id,))

        asked = None
        if one.tries or one.silent_at:
            anew = edit_participant(file, contact.id, tries=0, silent_at=None)
            asked = Happened("asked again", file.id, {"who": contact.name}, changes=(anew,))
        return "asked already, and once more now", asked, again
    if one is not None and one.consent == Consent.LAPSED and one.terms_until is not None and one.terms_until > desk.now:

        def once_more() -> Message:
            return Message(Direct(contact.id), question(desk.settings, file, again=True), ping=(contact.id,))

        return "a member until the date they accepted; asked about the new one, and once more now", None, once_more
    addresses = desk.book.addresses(contact.id)
    if not any(address.service in desk.services for address in addresses):
        where = "on " + ", ".join(sorted(desk.services)) if addresses and desk.services else "on record"
        return f"not reachable: no address {where}", None, None
    standing = contact.standing_until is not None and contact.standing_until > desk.now
    standing = standing and (one is None or one.consent == Consent.NO_EMBARGO)
    changes: list[Change | Moved] = [*joined(file, contact, "downstream")]
    move = Move.INVITE_STANDING if standing else Move.INVITE_TELL_NOW if tell_now else Move.INVITE
    changes += moved(file, move, named=contact.id)
    told = standing or tell_now
    changes.append(
        edit_participant(
            file,
            contact.id,
            asked_at=desk.now,
            tries=0,
            silent_at=None,
            standing=standing,
            told_now=tell_now and not standing,
            told_at=desk.now if told else None,
            answered_at=desk.now if standing else None,
            terms_until=file.terms_date if standing else None,
        )
    )
    facts = {"who": contact.name, "how": "standing terms" if standing else "told and asked" if tell_now else "asked"}
    happened = Happened("notified", file.id, facts, changes=tuple(changes))
    answer = _under_terms(desk, contact) if standing else "told and asked" if tell_now else "asked"

    if contact.left_at is not None:
        answer += "; they said that they are not the right person any more"

    def notice() -> Message:
        text = in_full(desk, file, standing=standing) if told else question(desk.settings, file)
        return Message(Direct(contact.id), text, ping=(contact.id,), kind="details" if standing else "told")

    return answer, happened, notice


def _under_terms(desk: Desk, contact: Contact) -> str:
    until = contact.standing_until
    assert until is not None
    soon = " ⚠ ends soon" if until - RENEW_BEFORE[0] <= desk.now else ""
    return f"told in full (standing terms until {until:%Y-%m-%d}{soon})"


COMMAND = Command(
    verb="invite",
    summary="notify contacts, organisations and groups in private, and ask them in",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="invite DS-2026-7KQ4 all-packagers",
    args=Invite,
    case=CaseUse.NEEDED,
    handle=handle,
)
