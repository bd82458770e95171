"""``announce``: the general release (policy step 4). One coordinator asks, another confirms exactly the same preview.

Members hear that they may publish; the archives are made public where the project has a folder for them; then public
rooms are told, the embargo is over for everybody, and vulnerable releases are marked as removed (their tags stay).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.commands.advising import content, digest, gaps, kept_of, to_cve, to_github, write_down
from chatops.commands.advisory import draft
from chatops.commands.advisory_kinds import PublicText, Published
from chatops.commands.announcement import announcement, as_public, framed
from chatops.commands.cards import dates
from chatops.commands.declare import CaseUse, Command, Who, option, raw
from chatops.commands.delist import immutable
from chatops.commands.desk import (
    Decision,
    Desk,
    Direct,
    Message,
    Preview,
    Refusal,
)
from chatops.commands.kinds import Version
from chatops.commands.moving import edit_case, states
from chatops.commands.plan import CONFIRMED, laid_out
from chatops.document import (
    Document,
    Line,
    Tlp,
    bullets,
    fields,
    line,
    strong,
    when,
)
from chatops.model.casefile import CaseFile
from chatops.model.changes import Change, Happened
from chatops.model.moves import Move, apply
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Announce:
    text: str | None = raw(
        PublicText(), "what the public reads about the problem; the advisory's, if left out", default=None
    )
    vulnerable: list[str] | None = option(Published(), "the releases to mark as removed; the advisory's, if left out")
    version: str | None = option(Version(), "the release with the fix, if the embargo ended before a private one")


def _checked(desk: Desk, args: Announce) -> tuple[str, list[str]]:
    """The version and the vulnerable ones, or what stands in the way."""
    file = desk.case
    if file.case.closed_at is not None or file.public:
        raise Refusal(f"{file.id} is {'closed' if file.case.closed_at else 'announced already'}")
    if file.case.announcing_at is not None:
        raise Refusal(f"{file.id} is being announced; see show {file.id}")
    version = file.case.version or args.version
    if version is None or (file.case.version is None and file.embargoed):
        first = f"private-release {file.id} VERSION" if file.embargoed else f"announce {file.id} version=VERSION"
        raise Refusal(f"no release with the fix is on record; first: {first}")
    fix = desk.book.release(version)
    if fix is not None and fix.state == "private" and fix.case != file.id:
        raise Refusal(f"{version} is the private release of another case; hand out another version first")
    if args.version not in (None, version):
        raise Refusal(f"the release with the fix is {version}, not {args.version}")
    apply(Move.ANNOUNCE, states(file))
    vulnerable = args.vulnerable
    if vulnerable is None:
        vulnerable = list(kept_of(desk, file.id).vulnerable or ())
    if version in vulnerable:
        raise Refusal(f"{version} is the release with the fix; it cannot be one of the vulnerable ones")
    return version, vulnerable


def preview(desk: Desk, args: Announce) -> Preview:
    """The announcement word for word, and what else will happen."""
    file = desk.case
    version, vulnerable = _checked(desk, args)
    public = announcement(desk, file, args.text, version, vulnerable)
    pairs: list[tuple[str, str | Line]] = [
        ("Embargo", dates(file, desk.now)),
        ("Public rooms", str(len(desk.book.places(PlaceKind.PUBLIC)))),
        ("Members told", str(len(file.signatories()))),
        *((("On GitHub", _on_github(file)),) if to_github(desk, file) else ()),
        *((("CVE record", f"{file.case.cve}, published at CVE Services"),) if to_cve(desk, file) else ()),
        ("Marked removed", ", ".join(vulnerable) or "none: name them with vulnerable=VERSION,…"),
    ]
    warnings = []
    if file.terms_date and file.terms_date > desk.now and file.embargoed:
        warnings.append(line(strong("Before the date"), " that members agreed to."))
    told = content(desk, file, text=args.text, version=version)
    if missing := gaps(file, told, kept_of(desk, file.id)):
        warnings.append(line(strong("The advisory lacks: "), "; ".join(missing), "."))
    linked = _linked(desk, file)
    warnings += [line(strong("Linked: "), f"{other} is under an embargo", *until, ".") for other, until in linked]
    warnings += [immutable(one) for one in map(desk.book.release, vulnerable) if one is not None and one.immutable]
    if desk.now.weekday() >= 4:
        warnings.append(line("Today is a Friday or a weekend; packagers prefer a working day."))
    document = Document(
        title=f"{file.id}: announce {version}? Read it as the public will",
        kind="preview",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            fields(*pairs),
            *((bullets(warnings),) if warnings else ()),
            *framed(public),
        ),
        tone="warning",
    )
    # Hours and the weekday may pass without voiding the code; what is to be published may not change.
    rests = document.model_copy(update={"blocks": public.blocks})
    members = ",".join(sorted(file.signatories()))
    facts = {
        "rests": rests.model_dump_json(),
        "vulnerable": ",".join(vulnerable),
        "immutable": _immutable(desk, vulnerable),
        "members": members,
        "linked": str(linked),
        "ghsa": str(bool(to_github(desk, file))),
        "cve": str(file.case.cve if to_cve(desk, file) else None),
        "embargo": f"{file.case.embargo} until {file.terms_date}",
        "public": ",".join(sorted(place.id for place in desk.book.places(PlaceKind.PUBLIC))),
    }
    drafts = for_the_reporter(file, public)
    return Preview(document, facts, drafts, (write_down(desk, file.id, sent=digest(told)),) if drafts else ())


def _on_github(file: CaseFile) -> str:
    site, _, report = (file.case.origin or "").partition(":")
    return f"{report}, the private report, becomes the advisory" if site == "github" else "the advisory is published"


def for_the_reporter(file: CaseFile, public: Document) -> tuple[Message, ...]:
    """For a reporter who wished to review it (policy, step 1): the same words, while they can still be changed."""
    if file.case.reporter is None or (file.case.wishes or {}).get("review") != "yes":
        return ()
    words = as_public(public)
    return (Message(Direct(file.case.reporter), draft(file, words), kind="reporter"),)


def _linked(desk: Desk, file: CaseFile) -> list[tuple[str, Line]]:
    """The linked cases whose embargo this announcement would run ahead of, with their dates."""
    found: list[tuple[str, Line]] = []
    for one in sorted(file.case.links or {}):
        other = desk.book.case(one)
        if other is not None and other.embargoed and (other.terms_date is None or other.terms_date > desk.now):
            found.append((one, line(" until ", when(other.terms_date)) if other.terms_date else ()))
    return found


def handle(desk: Desk, args: Announce) -> Decision:
    """Confirmed: from here on the plan goes by itself, as far as nothing fails and no person is asked."""
    file = desk.case
    version, vulnerable = _checked(desk, args)
    facts = {
        "version": version,
        "vulnerable": ", ".join(vulnerable) or "none",
        "immutable": _immutable(desk, vulnerable),
    }
    begun = Happened(
        CONFIRMED,
        file.id,
        facts,
        text=args.text,
        changes=(
            *_kept(desk, file, args.text, vulnerable),
            edit_case(file, announcing_at=desk.now, version=version),
            *laid_out(desk, file, vulnerable),
        ),
    )
    return Decision(events=[begun], plan=file.id)


def _immutable(desk: Desk, vulnerable: list[str]) -> str:
    """Those of which nobody can make a release of that name again: two people are to know it."""
    return ", ".join(old for old in vulnerable if (one := desk.book.release(old)) is not None and one.immutable)


def _kept(desk: Desk, file: CaseFile, text: str | None, vulnerable: list[str]) -> tuple[Change, ...]:
    """What was said with the command is part of the advisory from now on."""
    values: dict[str, Any] = {"vulnerable": vulnerable} | ({"text": text} if text else {})
    return (write_down(desk, file.id, **values),)


COMMAND = Command(
    verb="announce",
    summary="the general release: preview it, have a second coordinator confirm it",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),  # members need not see who is credited, nor a draft
    example="announce DS-2026-7KQ4 vulnerable=1.0.0 A crafted job name overflows the queue.",
    args=Announce,
    case=CaseUse.NEEDED,
    handle=handle,
    preview=preview,
    bears_text=True,
)
