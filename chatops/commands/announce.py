"""``announce``: the general release (policy step 4). One coordinator asks, another confirms exactly the same preview.

Members hear that they may publish; the archives are made public where the project has a folder for them; then public
rooms are told, the embargo is over for everybody, and vulnerable releases are marked as removed (their tags stay).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatops.advisory.text import facts
from chatops.checksums.archives import KnownArchive
from chatops.commands.advising import content, gaps, kept_of, write_down
from chatops.commands.advisory import Published, draft
from chatops.commands.alarms import no_alarms, retrospective_alarm
from chatops.commands.cards import board, dates
from chatops.commands.declare import CaseUse, Command, Who, option, raw
from chatops.commands.delist import immutable, removal
from chatops.commands.desk import (
    CaseRoom,
    Decision,
    Desk,
    Direct,
    Job,
    Message,
    Outgoing,
    Preview,
    Public,
    Refusal,
    Security,
)
from chatops.commands.ending import lifted
from chatops.commands.kinds import Text, Version
from chatops.commands.moving import edit_case, moved, states
from chatops.commands.private_release import page_text
from chatops.commands.releases import check_lines
from chatops.commands.report import to_reporters
from chatops.document import (
    Block,
    Document,
    Line,
    Tlp,
    bullets,
    code,
    fields,
    line,
    link,
    para,
    quote,
    strong,
    when,
)
from chatops.model.book import CaseFile, Shelf
from chatops.model.changes import Change, Happened, new, put
from chatops.model.moves import Move, apply
from chatops.model.people import PlaceKind
from chatops.model.releases import Release
from chatops.ports import Publish


@dataclass(frozen=True)
class Announce:
    text: str | None = raw(
        Text("TEXT", 8000), "what the public reads about the problem; the advisory's, if left out", default=None
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
    if args.vulnerable is not None:
        return version, args.vulnerable
    return version, list(kept_of(desk, file.id).vulnerable or ())


def preview(desk: Desk, args: Announce) -> Preview:
    """The announcement word for word, and what else will happen."""
    file = desk.case
    version, vulnerable = _checked(desk, args)
    public = announcement(desk, file, args.text, version, vulnerable)
    pairs: list[tuple[str, str | Line]] = [
        ("Embargo", dates(file, desk.now)),
        ("Public rooms", str(len(desk.book.places(PlaceKind.PUBLIC)))),
        ("Members told", str(len(file.signatories()))),
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
            para("—— The public will read: ——"),
            para(strong(public.title)),
            *public.blocks,
            para("—— So far the public ——"),
        ),
        tone="warning",
    )
    # Hours and the weekday may pass without voiding the code; what is to be published may not change.
    rests = document.model_copy(update={"blocks": public.blocks})
    members = ",".join(sorted(file.signatories()))
    facts = {
        "rests": rests.model_dump_json(),
        "vulnerable": ",".join(vulnerable),
        "members": members,
        "linked": str(linked),
        "embargo": f"{file.case.embargo} until {file.terms_date}",
        "public": ",".join(sorted(place.id for place in desk.book.places(PlaceKind.PUBLIC))),
    }
    return Preview(document, facts, for_the_reporter(file, public))


def for_the_reporter(file: CaseFile, public: Document) -> tuple[Message, ...]:
    """For a reporter who wished to review it (policy, step 1): the same words, while they can still be changed."""
    if file.case.reporter is None or (file.case.wishes or {}).get("review") != "yes":
        return ()
    words = (para(strong(public.title)), *public.blocks)
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
    file = desk.case
    version, vulnerable = _checked(desk, args)
    begun = Happened(
        "announcement confirmed",
        file.id,
        {"version": version, "vulnerable": ", ".join(vulnerable) or "none"},
        text=args.text,
        changes=(*_kept(desk, file, args.text, vulnerable), edit_case(file, announcing_at=desk.now)),
    )
    if digests := _to_publish(desk, version):
        under_way = Document(
            title=f"{file.id}: announcing {version} …", kind="announcement", tlp=Tlp.AMBER_STRICT, case=file.id
        )
        progress = desk.fresh()
        return Decision(
            reply=under_way,
            reply_key=progress,
            events=[begun],
            jobs=[Job(_publish(desk, version, digests, progress), file.id)],
        )
    general = general_release(desk, file, version, vulnerable, args.text)
    general.events.insert(0, begun)
    return general


def _kept(desk: Desk, file: CaseFile, text: str | None, vulnerable: list[str]) -> tuple[Change, ...]:
    """What was said with the command is part of the advisory from now on."""
    values: dict[str, Any] = {"vulnerable": vulnerable} | ({"text": text} if text else {})
    return (write_down(desk, file.id, **values),)


def _to_publish(desk: Desk, version: str) -> dict[str, str]:
    """The archives that the release host is to make public, with their SHA-256; of GitHub's draft also those of which
    only the check lines are here.
    """
    host = desk.settings.release_host
    return {
        archive.name: row.digest
        for archive in desk.book.archives(version)
        if host == "github" or (archive.path and host == "directory")
        for row in desk.book.digests(archive.id)
        if row.algorithm == "sha256"
    }


def _publish(desk: Desk, version: str, archives: dict[str, str], progress: str) -> Publish:
    known = Shelf(desk.book.session, desk.book.private_releases()).by_version(version)
    return Publish(version=version, archives=archives, text=page_text(known), progress=progress)


def general_release(
    desk: Desk, file: CaseFile, version: str, vulnerable: Sequence[str], text: str | None, progress: str | None = None
) -> Decision:
    """The embargo is lifted, the public is told, everybody is thanked."""
    public = announcement(desk, file, text, version, vulnerable)
    published = Release(version=version, state="published", published_at=desk.now)
    changes: list[Change] = [
        new(published)
        if desk.book.release(version) is None
        else put(Release, version, state="published", published_at=desk.now)
    ]
    jobs: list[Job] = []
    for old in filter(None, map(desk.book.release, vulnerable)):
        off, more = removal(desk, old, version)
        changes += off
        jobs += more
    embargoed = file.embargoed
    steps = moved(file, Move.ANNOUNCE)
    changes.append(edit_case(file, version=version, released_at=desk.now, outcome="fixed", next_word=None))
    told = Happened("general release", file.id, {"version": version}, changes=(*changes, *steps))
    thanks = Document(
        title=f"{file.id}: {version} is out; the embargo is over. Thank you",
        kind="thanks",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file), para("You may talk about all of it. Your patience protected the users.")),
        tone="good",
    )
    go = Document(
        title=f"{file.id}: you may publish now",
        kind="go",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            para(f"{desk.project} announces {version} this minute. Publish your packages. Thank you for waiting."),
        ),
        tone="good",
    )
    messages: list[Outgoing] = [
        Message(CaseRoom(file.id), go),
        Message(Public(), public),
        Message(CaseRoom(file.id), thanks),
    ]
    messages += lifted(desk, file) if embargoed else []  # else they were told when it ended
    messages += to_reporters(file, _to_reporter(file, version))
    done = Document(
        title=f"{file.id}: {version} is announced",
        kind="announcement",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file), para("Told: public rooms, members, everybody who was ever asked, the reporter.")),
        tone="good",
    )
    alarms = [*no_alarms(file), retrospective_alarm(file.id, desk.days(desk.settings.policy.retrospective_days))]
    if progress is not None:
        messages.append(Message(Security(), done, edit=progress))
        return Decision(events=[told], messages=messages, jobs=jobs, alarms=alarms)
    messages.append(Message(Security(), done, echo=True))
    return Decision(reply=done, events=[told], messages=messages, jobs=jobs, alarms=alarms)


def announcement(
    desk: Desk,
    file: CaseFile,
    text: str | None,
    version: str,
    vulnerable: Sequence[str],
    *,
    credits: bool = True,  # noqa: A002
) -> Document:
    """What the public reads. From here on the case's title is no secret. Before the day, members see no ``credits``."""
    told = content(desk, file, text=text, version=version)
    archives: list[KnownArchive] = [
        archive for archive in Shelf(desk.book.session, frozenset({file.id})).by_version(version) if archive.digests
    ]
    pairs = [(label, words) for label, words in facts(told) if label != "Published" and (credits or label != "Credit")]
    blocks: list[Block] = [
        quote(told.text),
        fields(*pairs),
        para(strong("Please upgrade as quickly as you can."), " ", link(desk.settings.project.release_page)),
    ]
    blocks += check_lines(archives) if archives else ()
    sha1 = next((f"{d}  {a.name}" for a in archives for n, d in a.digests.items() if n.value == "sha1"), None)
    if sha1:
        blocks += [para("Check your download, for example:"), code(f"echo '{sha1}' | sha1sum -c")]
    if vulnerable:
        blocks.append(para(f"Removed as vulnerable: {', '.join(vulnerable)}. Their tags stay, for the record."))
    blocks.append(
        para("We told the packagers that we know of; we are volunteers and cannot know all. Please pass it on.")
    )
    return Document(
        title=f"{desk.project} {version} fixes a vulnerability",
        kind="announcement",
        blocks=tuple(blocks),
        tone="warning",
    )


def _to_reporter(file: CaseFile, version: str) -> Document:
    return Document(
        title=f"{file.id}: {version} is out, with the fix for what you found. Thank you",
        kind="thanks",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file),),
        tone="good",
    )


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
