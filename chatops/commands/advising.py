"""The advisory of a case: its content as it stands, what it lacks, and what of it members may see before the day."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from chatops.advisory.content import Content, Credit, Publisher
from chatops.advisory.cve import container
from chatops.advisory.files import files
from chatops.advisory.github import advisory, is_login, mark
from chatops.advisory.ranges import Range, read_ranges
from chatops.commands.desk import Desk, Job
from chatops.commands.releases import newness
from chatops.config import Settings
from chatops.model.casefile import CaseFile
from chatops.model.cases import Advisory
from chatops.model.changes import Change, new, put
from chatops.ports import PublishAdvisory, PublishCve, RequestCve, WriteAdvisory


def publisher(settings: Settings) -> Publisher:
    """The project, as the formats want to have it."""
    ours = settings.advisories
    page = settings.project.release_page
    whole = urlsplit(page)
    return Publisher(
        project=settings.project.name,
        namespace=ours.namespace or f"{whole.scheme}://{whole.netloc}",
        page=page,
        advisories=ours.url,
        ecosystem=ours.ecosystem,
        package=ours.package,
        cna=ours.cna,
    )


def content(
    desk: Desk, file: CaseFile, *, text: str | None = None, version: str | None = None, kept: Advisory | None = None
) -> Content:
    """What would be published now. ``text``, ``version`` and ``kept`` stand for what is not on record yet."""
    case = file.case
    kept = kept or kept_of(desk, file.id)
    released = case.released_at or desk.now
    corrections = tuple((datetime.fromisoformat(at), what) for at, what in kept.corrections or ())
    fix = case.version or version
    named = (*((Credit(case.credit),) if case.credit else ()), *(Credit(one, "other") for one in kept.credits or ()))
    return Content(
        publisher=publisher(desk.settings),
        id=case.id,
        title=kept.title or _neutral(desk, fix),
        text=text or kept.text or _silent(desk, fix),
        released=released,
        changed=corrections[-1][0] if corrections else released,
        severity=case.severity,
        band=case.band,
        cve=case.cve,
        cwes=tuple(kept.cwes or ()),
        versions=case.versions,
        affected=read_ranges(case.versions or ""),
        fixed=tuple(dict.fromkeys((*((fix,) if fix else ()), *(kept.fixed or ())))),
        mitigation=case.mitigation,
        credits=named,
        references=tuple(kept.references or ()),
        corrections=corrections,
    )


def _neutral(desk: Desk, fix: str | None) -> str:
    """The case's own title is for its people; the public gets another, or one that says nothing yet."""
    return f"{desk.project} {fix} fixes a vulnerability" if fix else f"A vulnerability in {desk.project}"


def _silent(desk: Desk, fix: str | None) -> str:
    """Where nobody wrote anything for the public: never a word of the report, nor the case's own title."""
    return f"A vulnerability in {desk.project} is fixed in {fix}." if fix else f"{desk.project} has a vulnerability."


def _within(span: Range, version: str) -> bool:
    """Whether a version lies in a range, by the order of its numbers."""
    at = newness(version)
    after = span.first is None or (at > newness(span.first) if span.after else at >= newness(span.first))
    before = (span.fixed is None or at < newness(span.fixed)) and (span.last is None or at <= newness(span.last))
    return after and before


def _contradictions(told: Content, kept: Advisory) -> list[str]:
    bad = [one for one in told.fixed if one in (kept.vulnerable or ()) or any(_within(s, one) for s in told.affected)]
    return [f"{one} is said to be affected, and to have the fix: one of them is wrong" for one in bad]


def gaps(file: CaseFile, told: Content, kept: Advisory, *, said: bool = False) -> list[str]:
    """What an advisory should say and this one does not; and what the reporter has yet to say of it.

    ``said``: there are words for the public that are not on record yet.
    """
    lacks = [
        ("what happened, in words for the public", kept.text or said),
        ("a severity (triage severity=CVSS)", told.severity),
        ("a CVE id (cve=CVE-ID)", told.cve),
        ("the kind of weakness (cwe=CWE-787)", told.cwes),
        ("the affected versions (affected=<1.0.1)", told.versions),
        ("affected versions that machines read too: <1.0.1, or 0.9.0-1.0.0", told.affected or not told.versions),
        ("the release with the fix", told.fixed),
    ]
    missing = [*_contradictions(told, kept), *(what for what, there in lacks if not there)]
    if (file.case.wishes or {}).get("review") == "yes":
        if kept.reviewed is None:
            missing.append("the reporter's review: they wished to read it first (to=reporter)")
        elif kept.reviewed != digest(told):
            missing.append("the reporter's review of what was changed since (to=reporter)")
    return missing


def digest(told: Content) -> str:
    """Of what somebody reads and finds right; the hour at which it is published is no part of it."""
    said = (told.title, told.text, told.severity, told.cve, told.cwes, told.versions, told.fixed, told.mitigation)
    rest = (told.credits, told.references)
    return hashlib.sha256(repr((said, rest)).encode()).hexdigest()


def to_site(desk: Desk, file: CaseFile, kept: Advisory | None = None) -> Job:
    """Its files, written where the project's site is made from."""
    made = {name: data.decode() for name, data in files(content(desk, file, kept=kept)).items()}
    return Job(WriteAdvisory(files=made), file.id)


def to_cve(desk: Desk, file: CaseFile, kept: Advisory | None = None) -> list[Job]:
    """Its record, published at CVE Services where the project does that itself; none without a CVE id."""
    account, cve = desk.settings.cve, file.case.cve
    if account is None or not account.publish or cve is None:
        return []
    return [Job(PublishCve(cve=cve, container=container(content(desk, file, kept=kept))), file.id)]


def to_github(desk: Desk, file: CaseFile, kept: Advisory | None = None) -> list[Job]:
    """A security advisory of the repository, where the project wants one; the private report there becomes it."""
    if not desk.settings.advises_on_github:
        return []
    return [Job(PublishAdvisory(**_on_github(desk, file, kept)), file.id)]


def cve_of_github(desk: Desk, file: CaseFile, by: str, kept: Advisory | None = None, **more: Any) -> Job:
    """GitHub is asked for a CVE id by the draft of that advisory, or ``asked`` whether there is one by now."""
    return Job(RequestCve(**_on_github(desk, file, kept), by=by, **more), file.id)


def _on_github(desk: Desk, file: CaseFile, kept: Advisory | None) -> dict[str, Any]:
    told = content(desk, file, kept=kept)
    site, _, report = (file.case.origin or "").partition(":")
    return {
        "advisory": advisory(told, _logins(desk, file)),
        "mark": mark(told),
        "report": report if site == "github" else None,
    }


def _logins(desk: Desk, file: CaseFile) -> tuple[str, ...]:
    """The reporter's account on GitHub, if they wish to be credited."""
    if not file.case.credit or file.case.reporter is None:
        return ()
    known = [one.id for one in desk.book.addresses(file.case.reporter) if one.service == "github"]
    return tuple(login for login in known[:1] if is_login(login))


def kept_of(desk: Desk, case: str) -> Advisory:
    """What is written down for the public to read; an empty one if that is nothing yet."""
    return desk.book.advisory(case) or Advisory(case=case)


def write_down(desk: Desk, case: str, **values: Any) -> Change:
    """New values for columns of a case's advisory."""
    if desk.book.advisory(case) is None:
        return new(Advisory(case=case, **values))
    return put(Advisory, case, **values)
