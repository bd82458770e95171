"""``report``: report a possible vulnerability in private; add to your own report; see where it stands (step 1)."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chatops import policy
from chatops.commands.alarms import asked_alarms
from chatops.commands.cards import board, case_card, known_outside
from chatops.commands.declare import EVERYWHERE, CaseUse, Command, Who, option, raw
from chatops.commands.desk import Actor, Alarm, Decision, Desk, Direct, Message, Outgoing, Refusal, Security, working
from chatops.commands.kinds import Choice, Moment, OrNone, Text
from chatops.commands.moving import edit_case, joined, moved
from chatops.commands.referral import answered
from chatops.document import Block, Document, Line, Tlp, bullets, fields, line, link, para, quote, typed, when, who
from chatops.model.casefile import CaseFile
from chatops.model.cases import Case, Note
from chatops.model.changes import Change, Happened, Moved, new, put
from chatops.model.moves import Move
from chatops.model.people import Address, Contact, ContactAddress, Occupant, Place, PlaceKind, Role


@dataclass(frozen=True)
class Report:
    text: str | None = raw(
        Text(longest=50_000), "what you found: versions, how to see it, what it lets one do", default=None
    )
    credit: str | None = option(OrNone(Text("NAME", 100)), "how to credit you; none, if left out")
    help: str | None = option(Choice(("yes", "no")), "whether you can help with the fix")
    review: str | None = option(Choice(("yes", "no")), "whether you want to review fix and advisory")
    disclose: datetime | str | None = option(
        OrNone(Moment()), "when you mean to publish, if you do; none: not any more"
    )
    known: str | None = option(Choice(("yes", "no")), "whether embargo members may know who you are")
    process: str | None = option(OrNone(Text(longest=1000)), "another process that you prefer, in your words; or none")
    refer: str | None = option(
        Choice(("yes", "no")), "whether we may pass it on to those whose matter it is, if we ask"
    )


def handle(desk: Desk, args: Report) -> Decision:
    if desk.file is not None and desk.actor.id in desk.file.reporters:
        if args.refer:
            return answered(desk, agreed=args.refer == "yes")
        if any(getattr(args, name) is not None for name in WISHES):
            return _wishes(desk, args)
        return _stands(desk) if args.text is None else _adds(desk, args.text)
    if desk.file is not None:
        raise Refusal(f"{desk.file.id} is not your own report; for a new one, write report and your text")
    if args.text is None:
        mine = policy.known_cases(desk.actor, desk.book, Who.REPORTER)
        if mine:
            return Decision(reply=_own_reports(mine))
        raise Refusal("write what you found after the word report: versions, how to see it, what it lets one do")
    return _opens(desk, args, args.text)


WISHES = ("credit", "help", "review", "disclose", "known", "process")
_STRAY = re.compile(rf"(?<!\S)({'|'.join(WISHES)})=", re.IGNORECASE)


def _wishes(desk: Desk, args: Report) -> Decision:
    """What the reporter wants otherwise from now on; the team is told, and the board shows it."""
    file = working(desk.case)
    if file.case.reporter != desk.actor.id:
        raise Refusal(f"{file.id} was reported by others, too; say what you wish with your own report")
    decision = _adds(desk, args.text) if args.text else Decision()
    wishes = {**(file.case.wishes or {}), **{n: value for n in ("help", "review") if (value := getattr(args, n))}}
    values: dict[str, Any] = {} if wishes == file.case.wishes else {"wishes": wishes}
    if args.credit is not None:
        values["credit"] = _credit(args)
    if args.known:
        values["reporter_known"] = args.known == "yes"
    if args.process is not None:
        values["process"] = args.process or None
    if args.disclose is not None:
        values["asked_date"] = _disclose(args)
        decision.alarms += asked_alarms(file.id, _disclose(args), desk.now)
    changes = (edit_case(file, **values),) if values else ()
    decision.events.append(Happened("reporter's wishes", file.id, {"by": desk.actor.name}, changes=changes))
    card = case_card(file, desk.now, inside=True, title=f"{file.id}: the reporter wishes something else")
    ping = (file.case.owner,) if file.case.owner else ()
    decision.messages.append(Message(Security(), card.model_copy(update={"tone": "warning"}), ping=ping))
    decision.reply, decision.reply_kind = _own(file, "noted, as you wish"), "reporter"
    return decision


def _credit(args: Report) -> str | None:
    return " ".join(args.credit.split()) or None if args.credit else None


def _disclose(args: Report) -> datetime | None:
    return args.disclose if isinstance(args.disclose, datetime) else None


def _on_record(case: Case) -> tuple[Block, ...]:
    """What the reporter wished, as it was understood, and how to say otherwise: for them alone."""
    wishes = case.wishes or {}
    told: list[tuple[str, str | Line]] = []
    if case.credit:
        told.append(("Credit", case.credit))
    if case.asked_date:
        told.append(("You mean to publish", line(when(case.asked_date))))
    told += [(name.capitalize(), wishes[name]) for name in ("help", "review") if name in wishes]
    if case.reporter_known:
        told.append(("Members may know you", "yes"))
    if case.process:
        told.append(("Another process", case.process))
    if not told:
        return ()
    how = typed(f'report {case.id} credit="A. Finder"')
    return (fields(*told), para("To change a wish, say it anew: ", how, ", or none to take it back."))


def _own(file: CaseFile, news: str = "where your report stands") -> Document:
    """Where it stands, and what they wished, to the one who reported it first."""
    told = standing(file, news)
    wishes = _on_record(file.case) or (para("No wishes of yours are on record."),)
    return told.model_copy(update={"blocks": (*told.blocks, *wishes)})


def _opens(desk: Desk, args: Report, text: str, origin: str | None = None) -> Decision:
    case_id = new_case_id(desk)
    changes: list[Change] = []
    reporter = desk.actor.contact or _stranger(desk, case_id, changes)
    wishes = {name: value for name in ("help", "review") if (value := getattr(args, name))}
    days = desk.settings.policy.answer_days
    if args.help == "yes":
        days = max(1, days // 2)  # the policy: help offered is answered sooner
    case = Case(
        id=case_id,
        title=text.splitlines()[0][:80],
        opened_at=desk.now,
        reporter=reporter.id,
        reporter_known=args.known == "yes",
        wishes=wishes,
        credit=_credit(args),
        asked_date=_disclose(args),
        process=args.process or None,
        next_word=desk.days(days),
        origin=origin,
    )
    file = CaseFile(case, contacts={reporter.id: reporter})
    changes.append(new(case))
    changes += joined(file, reporter, "reporter")
    changes.append(new(Note(id=desk.fresh(), case=case_id, kind="report", by=reporter.id, at=desk.now, text=text)))
    reported = Happened(
        "reported", case_id, {"by": reporter.name}, changes=(*changes, *moved(file, Move.REPORT, actor=reporter.id))
    )
    return Decision(
        reply=_receipt(desk, case, text),
        events=[reported],
        messages=[Message(Security(), _to_team(file, desk, text), ping=tuple(c.id for c in desk.book.coordinators()))],
        alarms=[
            Alarm(f"next-word:{case_id}", "next-word", case.next_word, case_id),
            *(asked_alarms(case_id, case.asked_date, desk.now) if case.asked_date else ()),
        ],
    )


def filed(desk: Desk, origin: str, told: Mapping[str, str]) -> Decision:
    """A report that somebody filed on another site (``origin`` is its own name there): a case like any other, but it
    is there that they are answered. Whoever is on the roster with that account is reached as always.
    """
    site = origin.partition(":")[0]
    sender = Address(site, "", told["sender"] or origin)
    actor = Actor(sender, desk.book.at(sender), f"{site}:{told['sender']}")
    text = "\n\n".join(part for part in (told["title"], told["text"], told["url"]) if part)
    opened = _opens(replace(desk, actor=actor), Report(), text, origin)
    account = f"{told['sender']} on GitHub" if told["sender"] else "somebody on GitHub"
    where = para(f"Reported by {account}, who is answered there: ", link(told["url"]))
    messages = [
        replace(one, text=one.text.model_copy(update={"blocks": (where, *one.text.blocks)}))
        if isinstance(one, Message) and isinstance(one.text, Document)
        else one
        for one in opened.messages
    ]
    return replace(opened, reply=None, messages=messages)


def new_case_id(desk: Desk) -> str:
    """The year and a random code: a number seen outside tells nobody how many cases there are."""
    while desk.book.exists(made := f"{desk.settings.project.case_prefix}-{desk.now.year}-{desk.code(4)}"):
        pass
    return made


def nameless(desk: Desk, case_id: str) -> Contact:
    """A contact for who reported a case, under a name that tells nothing."""
    code = case_id.rsplit("-", 1)[-1].casefold()
    return Contact(id=desk.fresh(), name=f"reporter-{code}", roles=[Role.REPORTER])


def _stranger(desk: Desk, case_id: str, changes: list[Change]) -> Contact:
    """A contact for somebody unknown who reports; their chat becomes theirs."""
    contact = nameless(desk, case_id)
    service, tenant, address = desk.actor.address
    changes.append(new(contact))
    changes.append(
        new(ContactAddress(id=desk.fresh(), contact=contact.id, service=service, tenant=tenant, address=address))
    )
    if desk.room is not None and desk.room.kind == "direct":
        changes.append(put(Place, desk.room.id, contact=contact.id))
        if desk.book.occupant(desk.room.id, address) is not None:
            changes.append(put(Occupant, (desk.room.id, address), contact=contact.id))
    return contact


def _receipt(desk: Desk, case: Case, text: str) -> Document:
    next_word = when(case.next_word, day=True) if case.next_word else None
    blocks = [
        *desk.settings.words("receipt", case=case.id, next_word=next_word),
        bullets(
            (
                line("To add something: ", typed(f"report {case.id} TEXT")),
                line("To see where it stands: ", typed(f"report {case.id}")),
            )
        ),
        *_on_record(case),
    ]
    if stray := _STRAY.search(text):
        how = typed(f"report {case.id} {stray[1]}=…")
        blocks.append(para(f"“{stray[1]}=” stood within your text, so I took it for a part of it. As a wish: ", how))
    if case.process:
        blocks.append(para("You prefer another process; a coordinator answers you about it."))
    if case.asked_date:
        blocks.append(para("We will plan with your date."))
    return Document(
        title=f"{case.id}: your report has arrived", kind="receipt", tlp=Tlp.GREEN, blocks=tuple(blocks), tone="good"
    )


def _to_team(file: CaseFile, desk: Desk, text: str) -> Document:
    card = case_card(file, desk.now, inside=True, title=f"{file.id}: new report", named=False)
    return card.model_copy(update={"blocks": (quote(text), *card.blocks), "kind": "new report", "tone": "warning"})


def _adds(desk: Desk, text: str) -> Decision:
    file = desk.case
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed; write report and your text for a new one")
    note = Note(id=desk.fresh(), case=file.id, kind="addition", by=desk.actor.id, at=desk.now, text=text)
    agree, refuse = typed(f"report {file.id} refer=yes"), typed(f"report {file.id} refer=no")
    waits = file.case.referral == "asked" and file.case.reporter == desk.actor.id
    asked = (para("We ask whether we may pass it on. To agree: ", agree, "; to refuse: ", refuse),) if waits else ()
    told = Document(
        title=f"{file.id}: the reporter adds",
        kind="addition",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(quote(text),),
    )
    return Decision(
        reply=Document(title=f"{file.id}: added to your report", kind="receipt", tone="good", blocks=asked),
        events=[Happened("reporter added", file.id, {"by": desk.actor.name}, changes=(new(note),))],
        messages=[Message(Security(), told, ping=(file.case.owner,) if file.case.owner else ())],
    )


def to_reporters(file: CaseFile, document: Document, *, but: Container[str] = ()) -> list[Outgoing]:
    """A word to everybody who reported it, except some who hear it elsewhere."""
    return [Message(Direct(one), document, kind="reporter") for one in file.reporters if one not in but]


def next_word(desk: Desk, file: CaseFile) -> tuple[list[Change | Moved], list[Alarm]]:
    """Reporters hear something with this: the date for the next word moves, never to an earlier day."""
    at = desk.days(desk.settings.policy.answer_days)
    if not file.reporters or file.case.closed_at is not None or (file.case.next_word or desk.now) >= at:
        return [], []
    return [edit_case(file, next_word=at)], [Alarm(f"next-word:{file.id}", "next-word", at, file.id)]


def standing(file: CaseFile, news: str = "where your report stands") -> Document:
    """Where a report stands, in fixed, honest phrases: for the reporter."""
    case = file.case
    pairs: list[tuple[str, str | Line]] = [
        ("Who looks after it", line(who(file.name(case.owner))) if case.owner else line("nobody yet")),
        ("Severity", case.band or "not rated yet"),
    ]
    if case.outcome == "duplicate":  # who looks after it does so there
        first = [other for other, what in (case.links or {}).items() if what == "the original"]
        pairs = [("Goes on in", line(typed(f"report {other}"))) for other in first]
    if case.next_word and case.closed_at is None:
        pairs.append(("Next word by", line(when(case.next_word, day=True))))
    if file.terms_date and file.embargoed:
        pairs.append(("Private until", line(when(file.terms_date))))
    if case.version and not case.released_at:
        pairs.append(("The fix", f"{case.version}, not public yet"))
    elif case.version:
        pairs.append(("The fix", f"{case.version}, public"))
    if outside := known_outside(case):
        pairs.append(("Known outside", outside))
    if case.outcome:
        pairs.append(("Outcome", case.outcome))
    return Document(
        title=f"{case.id}: {news}",
        kind="progress",
        tlp=Tlp.AMBER_STRICT,
        case=case.id,
        blocks=(board(file), fields(*pairs)),
    )


def _stands(desk: Desk) -> Decision:
    first = desk.case.case.reporter == desk.actor.id
    told, promised = (_own if first else standing)(desk.case), desk.case.case.next_word
    if promised is not None and promised <= desk.now and desk.case.case.closed_at is None:
        sorry = para("That day has passed, and we are sorry: we owe you a word. The team is reminded daily.")
        told = told.model_copy(update={"blocks": (*told.blocks, sorry)})
    return Decision(reply=told, reply_kind="reporter")


def _own_reports(mine: list[str]) -> Document:
    return Document(
        title="Your reports",
        kind="progress",
        tlp=Tlp.GREEN,
        blocks=(fields(*((case, line(typed(f"report {case}"))) for case in mine)),),
    )


COMMAND = Command(
    verb="report",
    summary="report a possible vulnerability in private; add to your report; see where it stands",
    who=Who.ALL,
    where=EVERYWHERE - {PlaceKind.EMBARGO},  # what is said there is for one case and all its members
    example='report credit="A. Finder" Version 1.0.0 writes past its job queue when …',
    args=Report,
    case=CaseUse.OPTIONAL,
    handle=handle,
    bears_text=True,
    form=("report",),
    labels={"report": {"refer": ""}},  # only if we ask
)
