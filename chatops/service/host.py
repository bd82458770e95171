"""What the release host brought back, or why it could not."""

from __future__ import annotations

from sqlmodel import col, select

from chatops.commands import delist, numbering, private_release
from chatops.commands.desk import Again, Decision, Desk, Message, Refusal, Security
from chatops.commands.report import filed
from chatops.commands.troubles import in_words
from chatops.document import Document, Tlp, link, mono, para, typed
from chatops.model.changes import Happened
from chatops.model.flow import OutboxRow
from chatops.model.journal import INSTALLATION, Entry
from chatops.model.machines import Forbidden
from chatops.ports import (
    Delist,
    Filed,
    HostDeed,
    Inspect,
    Outcome,
    PrepareDraft,
    Publish,
    PublishAdvisory,
    ReadReports,
    RequestCve,
    Snapshot,
    Stage,
    Survey,
    WriteAdvisory,
)
from chatops.service import shelving
from chatops.service.unit import Unit


def decide(unit: Unit, desk: Desk, row: OutboxRow, deed: HostDeed, outcome: Outcome) -> None:
    """Decide what came of a deed of the release host."""
    why = "" if outcome.ok else in_words(outcome.problem)
    match deed:
        case Survey() | Inspect() | ReadReports():
            _background(unit, desk, row, deed, outcome, why)
        case Snapshot() | Delist() if why:
            unit.carry_out(Decision(messages=[delist.failed(deed, why)]))
        case Snapshot():
            unit.carry_out(delist.seen(desk, deed, outcome.data, row.step))
        case Delist():
            unit.carry_out(delist.done(desk, deed, outcome.data["commit"]))
        case PrepareDraft():
            _drafted(unit, row, deed, outcome, why)
        case RequestCve():
            if (file := unit.book.case(row.case or "")) is not None:
                unit.carry_out(numbering.answered(desk, file, deed, outcome))
        case Stage():
            _staged(unit, desk, row, deed, outcome, why)
        case WriteAdvisory() | PublishAdvisory() if why and row.step is None:
            where = "brought to GitHub" if isinstance(deed, PublishAdvisory) else "written"
            document = Document(
                title=f"{row.case}: the corrected advisory could not be {where}: {why}",
                kind="fault",
                tlp=Tlp.AMBER_STRICT,
                case=row.case,
                blocks=(para("To try again: ", typed(f"stuck retry {row.key[:8]}")),),
                tone="alert",
            )
            unit.carry_out(Decision(messages=[Message(Security(), document)]))
        case PublishAdvisory() if not why:
            unit.record(Happened("advisory on GitHub", row.case, {"url": outcome.data["url"]}))
        case Publish() | WriteAdvisory() | PublishAdvisory():
            pass  # the plan that they are steps of says what came of them


# --- private and general release -----------------------------------------------------------------------------------


def _drafted(unit: Unit, row: OutboxRow, deed: PrepareDraft, outcome: Outcome, why: str) -> None:
    if not why and outcome.data["url"] is None:
        return
    document = Document(
        title=f"{row.case}: the draft of {deed.version} is prepared on GitHub"
        if not why
        else f"{row.case}: no draft of {deed.version} could be prepared: {why}",
        kind="draft prepared",
        tlp=Tlp.AMBER_STRICT,
        case=row.case,
        blocks=(
            para("Only those who may push to the repository see it: ", link(outcome.data["url"])),
            para("It is published when the release is announced, once its tag is there."),
        )
        if not why
        else (para("The private release itself went well. The draft is made on the day, if it can be then."),),
        tone="warning" if why else "good",
    )
    told = Happened("draft failed" if why else "draft prepared", row.case, {"version": deed.version})
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document)]))


def _staged(unit: Unit, desk: Desk, row: OutboxRow, deed: Stage, outcome: Outcome, why: str) -> None:
    file = unit.book.case(row.case) if row.case else None
    if file is None:
        return
    if why:
        unit.carry_out(_failed(file.id, deed, why))
        return
    try:
        decision = private_release.record(desk, file, deed.version, outcome.data["archives"], deed.progress)
    except Refusal as no:
        decision = _failed(file.id, deed, str(no))
    except Forbidden as no:  # the case went on meanwhile
        decision = _failed(file.id, deed, f"the {no.machine} is {no.state.replace('_', ' ')}")
    unit.carry_out(decision)


def _failed(case: str, deed: Stage, problem: str) -> Decision:
    document = Document(
        title=f"{case}: could not find the archives of {deed.version}: {problem}",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(para("Nothing was announced. Mend it and type the command again."),),
        tone="alert",
    )
    events = [Happened("release host failed", case, {"version": deed.version, "problem": problem})]
    return Decision(events=events, messages=[Message(Security(), document, edit=deed.progress)])


# --- what is done again and again ----------------------------------------------------------------------------------

_WHAT = {"survey": "read the release page", "inspect": "download published archives", "read-reports": "read reports"}
_OR_NOT = {"read-reports": (" To have me not try: ", mono("reports_minutes = 0"), " under ", mono("[github]"), ".")}


def _background(
    unit: Unit, desk: Desk, row: OutboxRow, deed: Survey | Inspect | ReadReports, outcome: Outcome, why: str
) -> None:
    _trouble(unit, deed.t, why)
    if why:
        unit.carry_out(Decision(again=[Again(row.key, give_up=True)]))  # it comes again by itself
        return
    match deed:
        case Survey():
            shelving.surveyed(unit, outcome.data["releases"])
        case Inspect():
            shelving.inspected(unit, deed.version, outcome.data["archives"], desk.now)
        case ReadReports():
            for told in outcome.data["reports"]:
                take(unit, desk, Filed(site="github", **told))


def take(unit: Unit, desk: Desk, told: Filed) -> None:
    """A report that was filed elsewhere becomes a case, once, however it came here and how often."""
    origin = f"{told.site}:{told.id}"
    if not unit.book.filed(origin):
        unit.carry_out(filed(desk, origin, told.model_dump(exclude={"t", "site", "id"})))


def _trouble(unit: Unit, what: str, why: str) -> None:
    """One word when it begins to fail, one when it is well again, however often it is tried meanwhile."""
    query = select(Entry).where(Entry.chain == INSTALLATION, Entry.what == f"{what} trouble")
    last = unit.session.exec(query.order_by(col(Entry.seq).desc())).first()
    before = last.told["facts"]["why"] if last else ""
    if why == before:
        return
    can = f"I can {_WHAT[what]} again"
    document = Document(
        title=f"I cannot {_WHAT[what]}: {why}" if why else can,
        kind="fault" if why else "notice",
        tlp=Tlp.AMBER_STRICT,
        blocks=(para("I go on trying, and say when it works again.", *_OR_NOT.get(what, ())),) if why else (),
        tone="alert" if why else "good",
    )
    told = Happened(f"{what} trouble", None, {"why": why})
    unit.carry_out(Decision(events=[told], messages=[Message(Security(), document, kind="alert")]))
