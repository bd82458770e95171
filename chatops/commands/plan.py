"""The general release as a plan (policy, step 4): its steps in order, what each waits for, and how each begins.

Two coordinators confirm it once; after that every step is durable, and done once. One that fails stops what depends on
it and nothing else: it can be tried again, or skipped with a reason (:mod:`chatops.commands.step`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from chatops.advisory.files import files
from chatops.commands.advising import content, kept_of, to_cve, to_github, to_site
from chatops.commands.alarms import no_alarms, retrospective_alarm
from chatops.commands.announcement import announcement, go_ahead, thanks, thanks_to_reporter
from chatops.commands.delist import removal, taken_off
from chatops.commands.desk import (
    Alarm,
    CaseRoom,
    Decision,
    Desk,
    Job,
    Message,
    Outgoing,
    Public,
)
from chatops.commands.ending import lifted
from chatops.commands.moving import edit_case, moved
from chatops.commands.private_release import page_text
from chatops.commands.report import to_reporters
from chatops.config import Settings
from chatops.model.casefile import CaseFile
from chatops.model.cases import PlanStep
from chatops.model.changes import Change, Happened, gone, new, put
from chatops.model.journal import entries
from chatops.model.moves import Move
from chatops.model.releases import Release
from chatops.model.shelf import Shelf
from chatops.ports import Publish, Snapshot, Upload

SETTLED = ("done", "skipped")
CONFIRMED = "announcement confirmed"


@dataclass
class Begun:
    """What beginning a step brings about. ``ask`` is what a person has to do, where it is theirs."""

    events: list[Happened] = field(default_factory=list)
    messages: list[Outgoing] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    ask: str | None = None


@dataclass(frozen=True)
class PlannedStep:
    """``told`` is how the checklist names it. ``after``: what is settled before. ``wanted``: whether there is one."""

    name: str
    told: str
    after: tuple[str, ...]
    begin: Callable[[Desk, CaseFile], Begun]
    wanted: Callable[[Desk, CaseFile, Sequence[str]], bool] = lambda desk, file, vulnerable: True


def fixed_in(file: CaseFile) -> str:
    """The version with the fix. A case that is being announced has one."""
    if file.case.version is None:
        raise LookupError("a case without a version is not announced")
    return file.case.version


def _digests(desk: Desk, file: CaseFile) -> dict[str, str]:
    """The archives that the release host is to make public, with their SHA-256 as members verified them; of GitHub's
    draft also those of which only the check lines are here.
    """
    host = desk.settings.release_host
    return {
        archive.name: row.digest
        for archive in desk.book.archives(fixed_in(file))
        if host == "github" or (archive.path and host == "directory")
        for row in desk.book.digests(archive.id)
        if row.algorithm == "sha256"
    }


# --- the steps -----------------------------------------------------------------------------------------------------


def _members(desk: Desk, file: CaseFile) -> Begun:
    return Begun(messages=[Message(CaseRoom(file.id), go_ahead(desk, file, fixed_in(file)))])


def _on_github(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> bool:
    return desk.settings.release_host == "github"


def tag_of(settings: Settings, version: str) -> str:
    """What the tag of a release is called."""
    github = settings.github
    return (github.tag if github else "v{version}").replace("{version}", version)


def _tag(desk: Desk, file: CaseFile) -> Begun:
    tag = tag_of(desk.settings, fixed_in(file))
    look = Job(Snapshot(version=fixed_in(file), tag=tag), file.id)
    return Begun(jobs=[look], ask=f"push the fix and its tag {tag} now; I see it when it is there")


def _held(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> bool:
    return bool(_digests(desk, file))


def _publish(desk: Desk, file: CaseFile) -> Begun:
    version = fixed_in(file)
    text = page_text(Shelf(desk.book.session, desk.book.private_releases()).by_version(version))
    return Begun(jobs=[Job(Publish(version=version, archives=_digests(desk, file), text=text), file.id)])


def _has_site(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> bool:
    return desk.settings.advisories.folder is not None


def _advisory(desk: Desk, file: CaseFile) -> Begun:
    return Begun(jobs=[to_site(desk, file)])


def _has_ghsa(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> bool:
    return bool(to_github(desk, file))


def _ghsa(desk: Desk, file: CaseFile) -> Begun:
    return Begun(jobs=to_github(desk, file))


def public_key(case: str) -> str:
    """The effect that tells a public place; what corrects it is said under it."""
    return hashlib.sha256(f"the announcement of {case}".encode()).hexdigest()[:32]


def _public(desk: Desk, file: CaseFile) -> Begun:
    """From here on nothing of it is a secret: the public is told, and the embargo ends in the same decision."""
    version = fixed_in(file)
    kept = kept_of(desk, file.id)
    document = announcement(desk, file, None, version, list(kept.vulnerable or ()))
    published = Release(version=version, state="published", published_at=desk.now)
    changes: list[Change] = [
        new(published)
        if desk.book.release(version) is None
        else put(Release, version, state="published", published_at=desk.now)
    ]
    if not file.embargoed and "over" in desk.book.plan(file.id):  # everybody was told when it ended
        changes.append(put(PlanStep, (file.id, "over"), state="done"))
    steps = moved(file, Move.ANNOUNCE)
    changes.append(edit_case(file, released_at=desk.now, outcome="fixed", next_word=None))
    told = Happened("general release", file.id, {"version": version}, changes=(*changes, *steps))
    made = files(content(desk, file)) if desk.settings.advisories.attach else {}
    attached = tuple(Upload.made(name, made[name]) for name in sorted(made))
    messages: list[Outgoing] = [Message(Public(), document, key=public_key(file.id), files=attached)]
    look_back = retrospective_alarm(file.id, desk.days(desk.settings.policy.retrospective_days))
    return Begun(events=[told], messages=messages, alarms=[*no_alarms(file), look_back])


def _has_record(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> bool:
    return bool(to_cve(desk, file))


def _record(desk: Desk, file: CaseFile) -> Begun:
    """After the public: a record points to what everybody can read."""
    return Begun(jobs=to_cve(desk, file))


def _removes(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> bool:
    return bool(vulnerable)


def _delist(desk: Desk, file: CaseFile) -> Begun:
    begun = Begun()
    immutable = _immutable(desk, file)
    for old in kept_of(desk, file.id).vulnerable or ():
        release = desk.book.release(old)
        if release is None or (release.state == "removed" and not taken_off(desk, release)):
            continue
        changes, jobs = removal(desk, release, fixed_in(file), immutable=old in immutable)
        facts = {"version": old, "upgrade": fixed_in(file)}
        begun.events.append(Happened("release removed", None, facts, changes=changes))
        begun.jobs += jobs
    return begun


def _immutable(desk: Desk, file: CaseFile) -> list[str]:
    """The releases that were known to be immutable when the announcement was confirmed."""
    told = [one for one in entries(desk.book.session, file.id) if one.what == CONFIRMED]
    return str(told[-1].told["facts"].get("immutable", "")).split(", ") if told else []


def _over(desk: Desk, file: CaseFile) -> Begun:
    return Begun(messages=lifted(desk, file))


def _thanks(desk: Desk, file: CaseFile) -> Begun:
    messages: list[Outgoing] = [Message(CaseRoom(file.id), thanks(desk, file, fixed_in(file)))]
    return Begun(messages=[*messages, *to_reporters(file, thanks_to_reporter(desk, file, fixed_in(file)))])


READY = ("members", "tag", "publish")
"""What comes before anything is said of it in public."""
STEPS: Sequence[PlannedStep] = (
    PlannedStep("members", "members hear that they may publish", (), _members),
    PlannedStep("tag", "fix and tag are pushed", ("members",), _tag, _on_github),
    PlannedStep("publish", "the release is published and checked from outside", ("members", "tag"), _publish, _held),
    PlannedStep("advisory", "the advisory is on the site", READY, _advisory, _has_site),
    PlannedStep("ghsa", "the security advisory is on GitHub", (*READY, "advisory"), _ghsa, _has_ghsa),
    PlannedStep("public", "public rooms and lists are told", (*READY, "advisory", "ghsa"), _public),
    PlannedStep("cve", "the CVE record is published", ("public",), _record, _has_record),
    PlannedStep("delist", "vulnerable releases are taken down", ("public",), _delist, _removes),
    PlannedStep("over", "everybody who was asked hears that the embargo is over", ("public",), _over),
    PlannedStep("thanks", "members and reporter are thanked", ("public", "over"), _thanks),
)
BY_NAME: Mapping[str, PlannedStep] = {step.name: step for step in STEPS}


# --- how it goes on ------------------------------------------------------------------------------------------------


def laid_out(desk: Desk, file: CaseFile, vulnerable: Sequence[str]) -> tuple[Change, ...]:
    """The plan of a case, on record; instead of an earlier one that was called off."""
    had = [gone(PlanStep, (file.id, name)) for name in desk.book.plan(file.id)]
    wanted = [step.name for step in STEPS if step.wanted(desk, file, vulnerable)]
    return (*had, *(new(PlanStep(case=file.id, step=name)) for name in wanted))


def ready(plan: Mapping[str, PlanStep]) -> PlannedStep | None:
    """The next step that may begin now. What a plan has not (there is no such host) nobody waits for."""
    for step in STEPS:
        row = plan.get(step.name)
        before = [plan[name].state for name in step.after if name in plan]
        if row is not None and row.state == "waiting" and all(state in SETTLED for state in before):
            return step
    return None


def begin(desk: Desk, file: CaseFile, step: PlannedStep) -> Decision:
    """A step begins: what it does outside bears its name, so that its end is noticed."""
    begun = step.begin(desk, file)
    mark = waits(file, step.name)
    state = "asked" if begun.ask else "running"
    change = put(PlanStep, (file.id, step.name), state=state, problem=None)
    messages = [_waited_for(one, mark) for one in begun.messages]
    jobs = [replace(job, step=mark) for job in begun.jobs]
    told = Happened("step begun", file.id, {"step": step.name}, changes=(change,))
    return Decision(events=[told, *begun.events], messages=messages, jobs=jobs, alarms=begun.alarms)


def waits(file: CaseFile, step: str) -> str:
    """How an effect names the step that waits for it: of this announcement, not of one that was called off."""
    return f"{file.id}/{step}/{confirmed(file)}"


def confirmed(file: CaseFile) -> str:
    """Which announcement of the case it is: when it was confirmed."""
    if file.case.announcing_at is None:
        raise LookupError("the case is not being announced")
    return f"{file.case.announcing_at:%Y%m%dT%H%M%S}"


def checklist_key(file: CaseFile) -> str:
    """The effect that shows the checklist."""
    return hashlib.sha256(f"the plan of {file.id} {confirmed(file)}".encode()).hexdigest()[:32]


def named(mark: str) -> tuple[str, str, str]:
    """Case, step and announcement, as :func:`waits` wrote them."""
    case, step, which = mark.split("/")
    return case, step, which


def _waited_for(message: Outgoing, mark: str) -> Outgoing:
    """Rooms are waited for. A chat that somebody may never look at is not, nor a file beside the words."""
    if isinstance(message, Message) and isinstance(message.to, CaseRoom | Public):
        return replace(message, step=mark)
    return message


def settled(case: str, step: str, state: str, desk: Desk, problem: str | None = None) -> Happened:
    """A step came to an end, or cannot."""
    change = put(PlanStep, (case, step), state=state, problem=problem)
    facts = {"step": step} | ({"problem": problem} if problem else {})
    return Happened(f"step {state}", case, facts, changes=(change,))


def mismatched(desk: Desk, file: CaseFile, archives: Sequence[Mapping[str, Any]]) -> str | None:
    """What is wrong with the archives as anybody can download them now; None if they are what members verified."""
    found = {one["name"]: one.get("digests", {}).get("sha256") for one in archives}
    wrong = [name for name, digest in _digests(desk, file).items() if found.get(name) != digest]
    return "other-archives-outside" if wrong else None


def left_over(desk: Desk, file: CaseFile, step: str) -> str | None:
    """What is not as it should be though everything was done."""
    if step != "delist" or file.case.drill:  # a drill takes nothing off
        return None
    named = [desk.book.release(old) for old in kept_of(desk, file.id).vulnerable or ()]
    return "still-on-the-page" if any(one is not None and taken_off(desk, one) for one in named) else None
