"""What a timer that came due means now. A timer only reminds; nothing publishes by time (lessons: secvisogram #88)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeGuard

from chatops.commands import eve, numbering
from chatops.commands.alarms import status_alarm
from chatops.commands.desk import Alarm, CaseRoom, Decision, Direct, Job, Message, Outgoing, Security
from chatops.commands.snooze import snooze_action
from chatops.commands.terms import house_rules, status_actions
from chatops.config import Settings
from chatops.document import Block, Document, Tlp, bullets, line, para, strong, typed, when
from chatops.model.casefile import CaseFile
from chatops.model.people import Place
from chatops.ports import Due, ReadReports, Survey
from chatops.service import alerts, plans, renewal, rounds, shelving
from chatops.service.hours import working_time
from chatops.service.nudges import to_owner
from chatops.service.silence import silent
from chatops.service.unit import Unit, own_desk

SURVEY, WATCH, REPORTS = "survey", "watch", "reports"
AGAIN = timedelta(days=1)
GATHER = timedelta(seconds=3)
LATE = timedelta(hours=1)
"""What comes later than this after it was due came after a stop."""


def due(unit: Unit, settings: Settings, due: Due, now: datetime) -> None:
    """Decide whether there is still something to say, and whether now is the time for it.

    What the security room would have been told while the bot was stopped is gathered into one message.
    """
    match due.kind:
        case "survey":
            alarm = Alarm(SURVEY, SURVEY, now + timedelta(minutes=settings.releases.survey_minutes))
            unit.carry_out(Decision(jobs=[Job(Survey())], alarms=[alarm]))
            return
        case "watch":
            every = timedelta(hours=settings.releases.watch_hours)
            shelving.watched(unit, now, every)
            unit.alarm(Alarm(WATCH, WATCH, now + every))
            return
        case "drift":
            shelving.alert(unit, [shelving.Odd(*one) for one in due.data["odd"]])
            return
        case "reports" if settings.github is not None and settings.github.reads_reports:
            alarm = Alarm(REPORTS, REPORTS, now + timedelta(minutes=settings.github.reports_minutes))
            unit.carry_out(Decision(jobs=[Job(ReadReports())], alarms=[alarm]))
            return
        case "mismatch":
            alerts.mismatches(unit, due.data["seen"])
            return
        case "round":
            rounds.make(unit, settings.policy, now)
            return
        case renewal.KIND:
            renewal.asks(unit, settings, due.data, now)
            return
        case "plan" if due.case:
            plans.look_again(unit, settings, due.case)
            return
        case "catch-up":
            _catch_up(unit, settings, due.data["due"], now)
            return
    file = unit.book.case(due.case) if due.case else None
    if file is not None and due.kind == "retrospective":
        unit.carry_out(_retrospective(file))
    if file is None or file.case.closed_at is not None:
        return
    later = _when(file, due, now)
    if later > now:
        unit.alarm(Alarm(due.timer, due.kind, later, due.case, data={**due.data, "late": _late(due, now)}))
        return
    if (told := _for_the_team(unit, settings, file, due, now)) is not None:
        if _late(due, now):
            data = {"due": [due.model_dump(mode="json")]}
            unit.alarm(Alarm("catch-up", "catch-up", now + GATHER, data=data, keep=True, gather="due"))
        else:
            unit.carry_out(told)
            unit.boards.refresh(file.id, now)  # of a date that has passed no event tells
        return
    match due.kind:
        case "terms" if file.embargoed:
            if (place := unit.book.place(due.data["place"])) is not None and place.state == "bound":
                unit.boards.catch_up(file, place, datetime.fromisoformat(due.data["since"]), now)
        case "status" if file.embargoed and due.data["contact"] in file.owing_status():
            unit.carry_out(_ask_status(file, due.data["contact"], now, settings.policy.status_days))
        case "silent" if file.embargoed:
            silent(unit, settings, file, due.data["contact"], now)
        case "draft" if file.embargoed and file.case.release_date is not None and file.case.release_date > now:
            unit.carry_out(eve.day_before(own_desk(unit, settings, now), file, file.case.release_date))
        case numbering.CVE:
            unit.carry_out(numbering.look(own_desk(unit, settings, now), file, due.data["by"]))
        case "lapse":
            for place in unit.rooms.embargo(file.id):
                unit.rooms.settle(place)


def _when(file: CaseFile, due: Due, now: datetime) -> datetime:
    """When a reminder may come: what waits for the team not while it is snoozed, what waits for somebody not at night.

    A release date is urgent: its warnings come at their hour.
    """
    if due.kind in ("review", "next-word"):
        until = max(now, file.case.snoozed_until or now)
        return working_time(until, _zone(file, file.case.owner))
    if due.kind in ("status", "silent"):
        return working_time(now, _zone(file, due.data["contact"]))
    return now


def _zone(file: CaseFile, contact: str | None) -> str | None:
    known = file.contacts.get(contact or "")
    return known.zone if known else None


def _for_the_team(unit: Unit, settings: Settings, file: CaseFile, due: Due, now: datetime) -> Decision | None:
    """What the security room is reminded of, if there still is something; None for every other kind of timer."""
    case = file.case
    match due.kind:
        case "review" if file.embargoed and _passed(case.review_date, now) and case.release_date is None:
            return _remind(
                file,
                "the review date has passed; the embargo goes on",
                ("Set a release date, or another review: ", f"embargo {file.id} date DATE"),
                again=Alarm(due.timer, "review", now + AGAIN, file.id),
            )
        case "crd" if file.embargoed and case.release_date is not None:
            lacking = eve.missing(own_desk(unit, settings, now), file)
            return _release_date(settings, file, case.release_date, now, lacking)
        case "asked" if case.asked_date is not None and not file.public:
            return _own_date(file, case.asked_date)
        case "next-word" if file.reporters and _passed(case.next_word, now):
            return _remind(
                file,
                "the reporter waits for a word",
                ("Tell them how it goes: ", f"tell {file.id} to=reporter TEXT"),
                again=Alarm(due.timer, "next-word", now + AGAIN, file.id),
            )
    return None


def _catch_up(unit: Unit, settings: Settings, gathered: list[dict[str, Any]], now: datetime) -> None:
    """One message for all that came due while the bot was stopped, as it stands now."""
    told: dict[str, Message] = {}
    rooms: dict[str, Message] = {}
    alarms: list[Alarm] = []
    for one in map(Due.model_validate, gathered):
        file = unit.book.case(one.case) if one.case else None
        found = (
            _for_the_team(unit, settings, file, one, now) if file is not None and file.case.closed_at is None else None
        )
        if found is not None:
            alarms += found.alarms
            for said in found.messages:
                if isinstance(said, Message) and _is(said.text):
                    (rooms if isinstance(said.to, CaseRoom) else told)[said.text.title] = said
            if file is not None:
                unit.boards.refresh(file.id, now)
    if len(told) < 2:
        unit.carry_out(Decision(messages=[*told.values(), *rooms.values()], alarms=alarms))
        return
    blocks = [
        block for one in told.values() if _is(one.text) for block in (para(strong(one.text.title)), *one.text.blocks)
    ]
    document = Document(
        title=f"{len(told)} reminders came due while I was stopped",
        kind="reminder",
        tlp=Tlp.AMBER_STRICT,
        blocks=tuple(blocks),
        tone="warning",
    )
    ping = tuple(dict.fromkeys(who for one in told.values() for who in one.ping))
    unit.carry_out(Decision(messages=[Message(Security(), document, ping=ping), *rooms.values()], alarms=alarms))


def _is(text: object) -> TypeGuard[Document]:
    return isinstance(text, Document)


def _late(due: Due, now: datetime) -> bool:
    return bool(due.data.get("late")) or (due.at is not None and now - due.at > LATE)


def terms(place: Place, now: datetime) -> Alarm:
    """Somebody came into an embargo room, where nobody may see what was said before they came: tell them how it
    stands, once for all who come within a few seconds.
    """
    data = {"place": place.id, "since": now.isoformat()}
    return Alarm(f"terms:{place.id}", "terms", now + GATHER, place.case, data, keep=True)


def _passed(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now


def _remind(file: CaseFile, what: str, how: tuple[str, str], *, again: Alarm) -> Decision:
    how_to = para(how[0], typed(how[1]))
    return Decision(messages=[to_owner(file, what, how_to, actions=(snooze_action(file.id),))], alarms=[again])


def _ask_status(file: CaseFile, contact: str, now: datetime, days: int) -> Decision:
    document = Document(
        title=f"{file.id}: how does it look for your packages?",
        kind="reminder",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            para('We have no answer from you yet. One word helps us to plan; "investigating" is an answer, too.'),
            para("Later, with the version: ", typed(f"status {file.id} fix-ready version=1.0.1-2")),
        ),
        actions=status_actions(file),
    )
    again = status_alarm(file.id, contact, now, days)
    return Decision(messages=[Message(Direct(contact), document, ping=(contact,))], alarms=[again])


def _own_date(file: CaseFile, at: datetime) -> Decision:
    """The reporter's own date binds nobody here, and is respected all the same (the policy)."""
    talk = para("Their own date: ", when(at), ". Talk with them: ", typed(f"tell {file.id} TEXT"))
    return Decision(messages=[to_owner(file, "the reporter means to publish soon", talk)])


def _release_date(
    settings: Settings, file: CaseFile, at: datetime, now: datetime, lacking: tuple[Block, ...]
) -> Decision:
    late = at <= now
    what = "past its release date, which binds nobody any more" if late else "its release date is soon"
    announce = para("Nothing is published by itself. To announce: ", typed(f"announce {file.id}"))
    messages: list[Outgoing] = [to_owner(file, what, para("Release date: ", when(at)), *lacking, announce)]
    if late:  # members planned for that hour
        messages.append(Message(CaseRoom(file.id), house_rules(settings, file, now, "the release date has passed")))
    return Decision(messages=messages)


def _retrospective(file: CaseFile) -> Decision:
    """What is learnt from a disclosure is lost if nobody asks while it is fresh."""
    closed = file.case.closed_at is not None
    questions = (
        line("What went well, and whom do we thank?"),
        line("Where did somebody wait, and for what?"),
        line("Who was told late, could not be reached, or was missing from the roster?"),
        line("One thing to change, and who does it?"),
    )
    after = (
        para("To keep it all: ", typed(f"export {file.id}"))
        if closed
        else para("Nothing left to do? ", typed(f"close {file.id}"))
    )
    what = "the release is out. What do we do otherwise next time?"
    whole = para("What happened when: ", typed(f"timeline {file.id}"))
    return Decision(messages=[to_owner(file, what, bullets(questions), whole, after, kind="retrospective")])
