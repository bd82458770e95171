"""CVE ids for a case: reserved at CVE Services, where the project assigns them itself, or asked of GitHub.

GitHub reads the draft of the advisory and answers within days; it is looked at every hour. CVE Services takes no key by
which a reservation could be repeated. So when an answer was lost, what our account has reserved since is looked at
first: one id that no case has is the one; of several, a coordinator says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from chatops.commands.advising import cve_of_github
from chatops.commands.declare import BadValue
from chatops.commands.desk import Again, Alarm, Decision, Desk, Here, Job, Message, Refusal, Security
from chatops.commands.filling import added
from chatops.commands.kinds import Cve
from chatops.commands.troubles import in_words
from chatops.document import Block, Document, Tlp, bullets, line, mono, para, typed
from chatops.model.casefile import CaseFile
from chatops.model.cases import Advisory
from chatops.model.changes import Happened
from chatops.model.flow import STUCK
from chatops.ports import Outcome, PublishCve, RequestCve, ReserveCve

RESERVE, GITHUB = "reserve", "github"
LOOK = timedelta(hours=1)
CVE = "cve"
"""The timer by which GitHub is looked at again."""


@dataclass(frozen=True)
class Numbered:
    """A CVE id; or ``reserve``, to have one reserved, or ``github``, to ask GitHub for one."""

    name: str = "CVE-ID|reserve|github"

    def read(self, word: str, desk: Desk) -> str:
        asked = word.strip().casefold()
        if asked not in (RESERVE, GITHUB):
            return Cve().read(word, desk)
        if asked == RESERVE and desk.settings.cve is None:
            raise BadValue("I have no account at CVE Services to reserve one (see [cve] in the settings)")
        if asked == GITHUB and not desk.settings.advises_on_github:
            raise BadValue("our advisories are not on GitHub (see github.advisories in the settings)")
        return asked

    def suggest(self, desk: Desk) -> list[str]:
        return ways(desk)


def ways(desk: Desk) -> list[str]:
    """How an id can be had here."""
    github = [GITHUB] if desk.settings.advises_on_github else []
    return [RESERVE, *github] if desk.settings.cve is not None else github


def order(desk: Desk, file: CaseFile, way: str, kept: Advisory) -> Decision:
    """Have one of these. ``kept``: the advisory as this command leaves it."""
    if not desk.actor.coordinator:
        raise Refusal("a coordinator gets CVE ids; ask one")
    if file.case.triaged_at is None:
        raise Refusal(f"{file.id} is not triaged yet; first: triage {file.id}")
    if file.case.cve is not None:
        raise Refusal(f"{file.id} has {file.case.cve}; for another: advisory {file.id} cve=CVE-ID")
    return _reserve(desk, file) if way == RESERVE else _ask_github(desk, file, kept)


def _reserve(desk: Desk, file: CaseFile) -> Decision:
    """One effect; what came of it is decided by :func:`came`. Earlier tries that came to nothing are given up."""
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
    words = "was reserved when I last tried; it is on record now" if perhaps is not None else "is reserved"
    what = "CVE id found again" if perhaps is not None else "CVE id reserved"
    return _recorded(desk, file, deed, found[0], what, words)


def _recorded(desk: Desk, file: CaseFile, deed: ReserveCve | RequestCve, cve: str, what: str, words: str) -> Decision:
    """It is on record, and in the pack."""
    decision = added(desk, file, deed.by, "cve", cve)
    decision.reply = None
    decision.events.insert(0, Happened(what, file.id, {"what": cve}))
    done = _card(file, f"{cve} {words}", tone="good")
    decision.messages.insert(0, Message(Here() if deed.progress else Security(), done, edit=deed.progress))
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


def _left(file: CaseFile, deed: ReserveCve | RequestCve, found: list[str], why: str) -> Decision:
    """Whether an id is left over is told: each counts against the organisation's quota."""
    told = Happened("CVE id not recorded", file.id, {"what": ", ".join(found) or "none"})
    blocks: list[Block] = []
    if found:
        blocks.append(para("Reserved, and used by no case: ", mono(", ".join(found)), ". Reject it if it stays so."))
        if file.case.cve is None and file.case.closed_at is None:
            blocks.append(para("To tell the public of it, afterwards: ", typed(f"amend {file.id} cve={found[0]} TEXT")))
    card = _card(file, f"no CVE id went on record: {why}", *blocks, tone="warning" if found else "normal")
    return Decision(events=[told], messages=[Message(Security(), card, edit=deed.progress)])


# --- by a draft on GitHub ------------------------------------------------------------------------------------------


def _ask_github(desk: Desk, file: CaseFile, kept: Advisory) -> Decision:
    if not kept.text:
        raise Refusal(f"GitHub reads the advisory before it gives an id; first: advisory {file.id} TEXT")
    progress = desk.fresh()
    job = cve_of_github(desk, file, desk.actor.id, kept, progress=progress)
    told = Happened("advisory drafted on GitHub", file.id, {"for": "a CVE id"})
    return Decision(reply=_card(file, "asking GitHub for a CVE id …"), reply_key=progress, events=[told], jobs=[job])


def answered(desk: Desk, file: CaseFile, deed: RequestCve, outcome: Outcome) -> Decision:
    """GitHub has the draft; and by now perhaps an id for it."""
    if not outcome.ok:
        what = "looked at for a CVE id" if deed.asked else "asked for a CVE id"
        again = para("To try again: ", typed(f"advisory {file.id} cve=github"))
        card = _card(file, f"GitHub could not be {what}: {in_words(outcome.problem)}", again, tone="alert")
        told = Happened("no CVE id by GitHub", file.id, {"problem": outcome.problem})
        return Decision(events=[told], messages=[Message(Security(), card, edit=deed.progress)])
    cve, late = outcome.data["cve"], _late(file)
    if cve is not None:
        if late is not None:
            return _left(file, deed, [] if cve == file.case.cve else [cve], late)
        return _recorded(desk, file, deed, cve, "CVE id by GitHub", "is what GitHub gave us")
    look = Alarm(f"{CVE}:{file.id}", CVE, desk.now + LOOK, file.id, data={"by": deed.by})
    if deed.asked:
        return Decision(alarms=[look])
    seen = para("Whoever may see the repository's security advisories sees the draft, and so does GitHub.")
    card = _card(file, "GitHub is asked for a CVE id; it answers within days, and I look every hour", seen)
    asked = Happened("CVE id asked of GitHub", file.id)
    return Decision(events=[asked], messages=[Message(Security(), card, edit=deed.progress)], alarms=[look])


def look(desk: Desk, file: CaseFile, by: str) -> Decision:
    """Whether GitHub has given an id, while one is wanted."""
    if file.case.cve is not None or not desk.settings.advises_on_github:
        return Decision()
    return Decision(jobs=[cve_of_github(desk, file, by, asked=True)])


# --- its record ----------------------------------------------------------------------------------------------------


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
