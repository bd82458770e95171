"""``advisory``: what the public will read, filled as the case goes and to be read at any time before it is public.

``approve`` is the reporter's word that a draft is right (policy, step 1: review where they ask for it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.advisory.content import Content
from chatops.advisory.text import facts
from chatops.commands.advising import content, digest, gaps, kept_of, write_down
from chatops.commands.advisory_kinds import Affected, Items, Pages, PublicText, Published, Weaknesses
from chatops.commands.alarms import draft_again
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, option, raw
from chatops.commands.desk import Decision, Desk, Direct, Here, Message, Outgoing, Refusal, Security, working
from chatops.commands.filling import add
from chatops.commands.kinds import Choice
from chatops.commands.moving import edit_case
from chatops.commands.numbering import GITHUB, RESERVE, Numbered, order, ways
from chatops.document import Action, Block, Document, Tlp, bullets, fields, para, quote, strong, typed
from chatops.model.casefile import CaseFile
from chatops.model.cases import Advisory
from chatops.model.changes import Change, Happened, put
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class AdvisoryArgs:
    text: str | None = raw(PublicText(), "what the public reads about the problem", default=None)
    title: str | None = option(PublicText("TITLE", 120), "its title, for the public; the case's own is for its people")
    affected: str | None = option(Affected(), "the affected versions: <1.0.1, or 0.9.0-1.0.0")
    fixed: list[str] | None = option(Items("VERSION,…", 200), "further releases with the fix, of other branches")
    vulnerable: list[str] | None = option(Published(), "the releases that will be taken down")
    cve: str | None = option(Numbered(), "the CVE id; or have one reserved at CVE Services, or ask GitHub for one")
    cwe: list[str] | None = option(Weaknesses(), "the kinds of weakness")
    credit: list[str] | None = option(Items("NAME,…"), "whom to thank besides the reporter; none for nobody")
    reference: list[str] | None = option(Pages(), "where to read more; none for nothing")
    to: str | None = option(Choice(("reporter",)), "send the draft to the reporter to be read")


def handle(desk: Desk, args: AdvisoryArgs) -> Decision:
    file = desk.case
    kept = kept_of(desk, file.id)
    columns: dict[str, Any] = {
        "title": args.title,
        "text": args.text,
        "fixed": args.fixed,
        "vulnerable": args.vulnerable,
        "cwes": args.cwe,
        "credits": args.credit,
        "references": args.reference,
    }
    values = {name: value for name, value in columns.items() if value is not None}
    events: list[Happened] = []
    messages: list[Outgoing] = []
    cve = args.cve if args.cve not in (RESERVE, GITHUB, file.case.cve) else None
    if values or args.affected or args.cve:
        working(file)
        if file.public:
            raise Refusal(f"{file.id} is announced already; what it said stays as it is")
    asked: Decision | None = None
    if args.cve in (RESERVE, GITHUB):
        asked = order(desk, file, args.cve, kept.model_copy(update=values))
        if not values and not args.affected and not args.to:
            return asked
    if values or args.affected:
        changes: list[Change] = [write_down(desk, file.id, **values)] if values else []
        if args.affected:
            changes.append(edit_case(file, versions=args.affected))
        changed = ", ".join(sorted([*values, *(["affected"] if args.affected else [])]))
        events.append(Happened("advisory written", file.id, {"changed": changed}, changes=tuple(changes)))
        kept = kept.model_copy(update=values)
    if cve:
        recorded = add(desk, file, "cve", cve, "", None)
        events += recorded.events
        messages += recorded.messages
    told = content(desk, file, kept=kept)
    if args.to:
        messages += _to_reporter(desk, file, told)
        sent = put(Advisory, file.id, sent=digest(told)) if values else write_down(desk, file.id, sent=digest(told))
        events.append(Happened("draft sent to the reporter", file.id, changes=(sent,)))
    alarms = draft_again(file, desk.now) if values or args.affected or cve else []
    decision = Decision(reply=card(desk, file, told, kept), events=events, messages=messages, alarms=alarms)
    return decision if asked is None else _with(decision, asked)


def _with(decision: Decision, asked: Decision) -> Decision:
    """The advisory as it is, and beside it how getting a CVE id goes."""
    assert asked.reply is not None
    decision.events += asked.events
    decision.messages.append(Message(Here(), asked.reply, key=asked.reply_key))
    decision.jobs += asked.jobs
    decision.again += asked.again
    return decision


def card(desk: Desk, file: CaseFile, told: Content, kept: Advisory) -> Document:
    """The draft, with what it lacks. Embargo members see who is credited on the day, as everybody does."""
    inside = desk.place is not PlaceKind.EMBARGO
    missing = gaps(file, told, kept)
    actions = []
    if inside and file.case.reporter and any("reporter" in one for one in missing):
        actions.append(Action(label="to the reporter", command=f"advisory {file.id} to=reporter", emoji="✉️"))
    wanted = file.case.cve is None and file.case.triaged_at is not None
    if inside and not file.public and wanted and (way := next(iter(ways(desk)), None)):
        actions.append(Action(label="get a CVE id", command=f"advisory {file.id} cve={way}", emoji="🔖"))
    if inside and not file.public and file.case.version:
        actions.append(Action(label="announce", command=f"announce {file.id}", emoji="🚀"))
    blocks = [*readable(told, credits=inside or file.public)]
    if kept.vulnerable:
        blocks.append(fields(("Taken down", ", ".join(kept.vulnerable))))
    if missing and not file.public:
        blocks += [para(strong("Still missing:")), bullets(missing)]
    return Document(
        title=f"{file.id}: advisory{'' if file.public else ', as it would be published now'}",
        kind="advisory",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=tuple(blocks),
        actions=tuple(actions),
    )


def readable(told: Content, *, credits: bool = True) -> tuple[Block, ...]:  # noqa: A002
    """The advisory as a card shows it."""
    unsaid = {"Published"} if credits else {"Published", "Credit"}
    pairs = [(label, words) for label, words in facts(told) if label not in unsaid]
    return (para(strong(told.title)), quote(told.text), *((fields(*pairs),) if pairs else ()))


def _to_reporter(desk: Desk, file: CaseFile, told: Content) -> list[Outgoing]:
    if file.case.reporter is None:
        raise Refusal(f"{file.id} has no reporter: the team found it")
    if file.public:
        raise Refusal(f"{file.id} is announced already")
    document = draft(file, (para(strong(told.title)), *readable(told)[1:]))
    return [Message(Direct(file.case.reporter), document, kind="reporter")]


def draft(file: CaseFile, words: tuple[Block, ...]) -> Document:
    """What the public will read, for the reporter to read first, while it can still be changed."""
    return Document(
        title=f"{file.id}: this is what the public will read; is it right?",
        kind="draft",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para("To have something changed: ", typed(f"report {file.id} TEXT")), *words),
        actions=(Action(label="it is right", command=f"approve {file.id}", emoji="✅", style="primary"),),
    )


def approve(desk: Desk, args: object) -> Decision:
    file = desk.case
    if file.public:
        raise Refusal(f"{file.id} is announced already")
    kept = kept_of(desk, file.id)
    if kept.sent is None:
        raise Refusal(f"no draft of {file.id} was sent to you yet; you hear from us when there is one")
    if kept.reviewed == kept.sent:
        raise Refusal(f"you found the draft of {file.id} right already; thank you")
    change = put(Advisory, file.id, reviewed=kept.sent)
    done = Document(
        title=f"{file.id}: thank you; the team knows that the draft is right as it is",
        kind="draft",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        tone="good",
    )
    news = Document(
        title=f"{file.id}: the reporter has read the draft and finds it right",
        kind="advisory",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        tone="good",
    )
    return Decision(
        reply=done,
        reply_kind="reporter",
        events=[Happened("draft found right by the reporter", file.id, changes=(change,))],
        messages=[Message(Security(), news)],
    )


def _filled(desk: Desk) -> dict[str, str]:
    """What is on record of a case already."""
    if desk.file is None:
        return {}
    kept = kept_of(desk, desk.file.id)
    known = {
        "text": kept.text,
        "title": kept.title,
        "affected": desk.file.case.versions,
        "fixed": ", ".join(kept.fixed or ()),
        "vulnerable": ",".join(kept.vulnerable or ()),
        "cve": desk.file.case.cve,
        "cwe": ",".join(kept.cwes or ()),
        "credit": ", ".join(kept.credits or ()),
        "reference": ",".join(kept.references or ()),
    }
    return {name: value for name, value in known.items() if value}


COMMANDS = (
    Command(
        verb="advisory",
        summary="what the public will read: see it, write it, send the draft to the reporter",
        who=Who.TEAM,
        where=TEAM_ROOMS,
        example="advisory DS-2026-7KQ4 affected=<1.0.1 cwe=CWE-787 A crafted job name overflows the queue.",
        args=AdvisoryArgs,
        case=CaseUse.NEEDED,
        handle=handle,
        bears_text=True,
        filled=_filled,
    ),
    Command(
        verb="approve",
        summary="say that the draft of the advisory, which you wished to read first, is right",
        who=Who.REPORTER,
        where=frozenset({PlaceKind.DIRECT}),
        example="approve DS-2026-7KQ4",
        case=CaseUse.NEEDED,
        handle=approve,
    ),
)
