"""CVE ids of the project's own: reserved at CVE Services, where it assigns them itself, and their records published.

CVE Services takes no key by which a reservation could be repeated. So when an answer was lost, what our account has
reserved since is looked at first: one id that no case has is the one; of several, a coordinator says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from chatops.commands.declare import BadValue
from chatops.commands.desk import Again, Decision, Desk, Here, Job, Message, Refusal, Security
from chatops.commands.filling import added
from chatops.commands.kinds import Cve
from chatops.commands.troubles import in_words
from chatops.document import Block, Document, Tlp, bullets, line, mono, para, typed
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.flow import STUCK
from chatops.ports import Outcome, PublishCve, ReserveCve

RESERVE = "reserve"


@dataclass(frozen=True)
class Numbered:
    """A CVE id; or ``reserve``, to have one reserved."""

    name: str = "CVE-ID|reserve"

    def read(self, word: str, desk: Desk) -> str:
        if word.strip().casefold() != RESERVE:
            return Cve().read(word, desk)
        if desk.settings.cve is None:
            raise BadValue("I have no account at CVE Services to reserve one (see [cve] in the settings)")
        return RESERVE

    def suggest(self, desk: Desk) -> list[str]:
        return [RESERVE] if desk.settings.cve is not None else []


def reserve(desk: Desk, file: CaseFile) -> Decision:
    """One effect; what came of it is decided by :func:`came`. Earlier tries that came to nothing are given up."""
    if not desk.actor.coordinator:
        raise Refusal("a coordinator reserves CVE ids; ask one")
    if file.case.triaged_at is None:
        raise Refusal(f"{file.id} is not triaged yet; first: triage {file.id}")
    if file.case.cve is not None:
        raise Refusal(f"{file.id} has {file.case.cve}; for another: advisory {file.id} cve=CVE-ID")
    before = desk.book.reservations(file.id)
    if any(row.state in ("waiting", "attempted") for row in before):
        raise Refusal(f"a CVE id for {file.id} is being reserved already")
    progress = desk.fresh()
    since = min((row.first_at for row in before if row.first_at is not None), default=None)
    deed = ReserveCve(year=desk.now.year, by=desk.actor.id, since=since, progress=progress)
    return Decision(
        reply=_card(file, "reserving a CVE id …"),
        reply_key=progress,
        jobs=[Job(deed, file.id)],
        again=[Again(row.key, give_up=True) for row in before if row.state in STUCK],
    )


def came(desk: Desk, file: CaseFile, deed: ReserveCve, outcome: Outcome) -> Decision:
    """An id is reserved, and goes on record; or perhaps one was before; or none could be."""
    if not outcome.ok:
        return _failed(file, deed, outcome.problem)
    perhaps = outcome.data.get("perhaps")
    known = desk.book.numbered(perhaps or ())
    found = [cve for cve in perhaps if cve not in known] if perhaps is not None else [outcome.data["cve"]]
    if (late := _late(file)) is not None:
        return _left(file, deed, found, late)
    if not found:  # all were other cases': so none was reserved for this one
        return Decision(jobs=[Job(deed.model_copy(update={"since": None}), file.id)])
    if len(found) > 1:
        return _which(file, deed, found)
    cve = found[0]
    told = Happened("CVE id found again" if perhaps is not None else "CVE id reserved", file.id, {"what": cve})
    decision = added(desk, file, deed.by, "cve", cve)
    decision.reply = None
    decision.events.insert(0, told)
    words = "was reserved when I last tried; it is on record now" if perhaps is not None else "is reserved"
    decision.messages.insert(0, Message(Here(), _card(file, f"{cve} {words}", tone="good"), edit=deed.progress))
    return decision


def _failed(file: CaseFile, deed: ReserveCve, problem: str) -> Decision:
    card = _card(
        file,
        f"no CVE id could be reserved: {in_words(problem)}",
        para("If one was all the same, it is found when you try again: ", typed(f"advisory {file.id} cve=reserve")),
        tone="alert",
    )
    told = Happened("CVE id not reserved", file.id, {"problem": problem})
    return Decision(events=[told], messages=[Message(Security(), card, edit=deed.progress)])


def _which(file: CaseFile, deed: ReserveCve, found: list[str]) -> Decision:
    lines = [line(typed(f"advisory {file.id} cve={cve}")) for cve in found]
    card = _card(
        file,
        "which CVE id is it?",
        para(
            "The answer to a reservation was lost. My account at CVE Services has reserved these since, and no case has"
            " them. If you know which one it is:"
        ),
        bullets(lines),
        para("If it is none of them, I reserve another: ", typed(f"advisory {file.id} cve=reserve")),
        tone="warning",
    )
    told = Happened("CVE id uncertain", file.id, {"what": ", ".join(found)})
    return Decision(events=[told], messages=[Message(Security(), card, edit=deed.progress)])


def _late(file: CaseFile) -> str | None:
    """Why an id cannot just go on record any more: the case went on meanwhile."""
    if file.case.cve is not None:
        return f"it has {file.case.cve}"
    if file.case.closed_at is not None:
        return "it is closed"
    return "it is announced as it was confirmed" if file.case.announcing_at is not None else None


def _left(file: CaseFile, deed: ReserveCve, found: list[str], why: str) -> Decision:
    """Whether an id is left over is told: each counts against the organisation's quota."""
    told = Happened("CVE id not recorded", file.id, {"what": ", ".join(found) or "none"})
    blocks: list[Block] = []
    if found:
        blocks.append(para("Reserved, and used by no case: ", mono(", ".join(found)), ". Reject it if it stays so."))
        if file.case.cve is None and file.case.closed_at is None:
            blocks.append(para("To tell the public of it, afterwards: ", typed(f"amend {file.id} cve={found[0]} TEXT")))
    card = _card(file, f"no CVE id went on record: {why}", *blocks, tone="warning" if found else "normal")
    return Decision(events=[told], messages=[Message(Security(), card, edit=deed.progress)])


def not_corrected(file: CaseFile, effect: str, deed: PublishCve, problem: str) -> Decision:
    """The record of a CVE id is still what it was before a correction."""
    card = _card(
        file,
        f"the record of {deed.cve} could not be corrected: {in_words(problem)}",
        para("To try again: ", typed(f"stuck retry {effect[:8]}")),
        tone="alert",
    )
    return Decision(messages=[Message(Security(), card)])


def _card(
    file: CaseFile, title: str, *blocks: Block, tone: Literal["normal", "good", "warning", "alert"] = "normal"
) -> Document:
    return Document(
        title=f"{file.id}: {title}",
        kind="cve",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=blocks,
        tone=tone,
    )
