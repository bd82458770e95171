"""``delist``: take a vulnerable release off the release page, and keep its tag (policy step 4). Two confirmations.

On GitHub the release is first looked at and kept on record whole, then deleted; the tag, which no call here deletes, is
read once more. A plain folder is left alone: there a release is marked as removed, and its files are named.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatops.commands.declare import Command, Who, option, positional
from chatops.commands.desk import Decision, Desk, Job, Message, Preview, Refusal, Security
from chatops.commands.kinds import Version
from chatops.commands.releases import newness
from chatops.commands.typed import nearest
from chatops.document import Document, Line, Tlp, bullets, fields, line, mono, para, strong, typed
from chatops.model.changes import Change, Happened, put
from chatops.model.people import PlaceKind
from chatops.model.releases import Release
from chatops.ports import Delist as DelistDeed
from chatops.ports import Snapshot

KIND = "delisting"


@dataclass(frozen=True)
class Delist:
    version: str = positional(Version(), "the release to take off")
    upgrade: str | None = option(Version(), "what to take in its place; the newest release, if left out")


def preview(desk: Desk, args: Delist) -> Preview:
    """What will be gone, what stays, and what cannot be undone."""
    release, upgrade = _checked(desk, args)
    names = [archive.name for archive in desk.book.archives(release.version)]
    gone = taken_off(desk, release)
    document = Document(
        title=f"Take {release.version} off the release page?" if gone else f"Mark {release.version} as removed?",
        kind="preview",
        tlp=Tlp.AMBER_STRICT,
        blocks=(
            *_immutable(release),
            fields(
                ("Archives", ", ".join(names) or "none"),
                *((("Tag", f"{release.tag}, stays"),) if gone else ()),
                ("Upgrade to", upgrade or "no newer release is on record"),
            ),
            bullets(_deleted(release) if gone else _marked(names)),
        ),
        tone="warning",
    )
    facts = {
        "tag": release.tag or "",
        "immutable": str(release.immutable),
        "archives": ",".join(sorted(names)),
        "upgrade": upgrade or "",
        "host": desk.settings.release_host,
    }
    return Preview(document, facts)


def _deleted(release: Release) -> tuple[Line, ...]:
    return (
        line("I keep a record of the whole release first: its text, its archives and their digests, its tag's commit."),
        line("Then the release and its archives are deleted from GitHub. ", strong("That cannot be undone.")),
        line(
            "The tag ",
            mono(release.tag or ""),
            " stays, and so do its source archives on GitHub: who asks for the tag still gets the vulnerable source.",
        ),
        line("Who checks one of its archives here reads that it is genuine, removed as vulnerable, and what to take."),
    )


def _marked(names: Sequence[str]) -> tuple[Line, ...]:
    return (
        line("Who checks one of its archives here reads that it is genuine, removed as vulnerable, and what to take."),
        line("I take no file away. To do so yourself: ", mono(", ".join(names) or "none on record")),
    )


def _immutable(release: Release) -> tuple[Any, ...]:
    return (para(*immutable(release)),) if release.immutable else ()


def immutable(release: Release) -> Line:
    """What is particular about taking off a release that nobody can change."""
    return line(
        strong(f"{release.version} is immutable on GitHub: "),
        f"its tag is locked, and once it is deleted no release can ever bear the name {release.tag} again.",
    )


def _checked(desk: Desk, args: Delist) -> tuple[Release, str | None]:
    """The release and what to take in its place, or what stands in the way."""
    release = desk.book.release(args.version)
    published = [one.version for one in desk.book.releases() if one.state == "published"]
    if release is None or release.state == "private":
        close = nearest(args.version, published)
        known = f"did you mean {close}?" if close else f"published: {', '.join(published[-10:]) or 'none'}"
        raise Refusal(f"no published release {args.version}; {known}")
    if release.state == "removed" and not taken_off(desk, release):
        raise Refusal(f"{args.version} is removed already")
    others = [one for one in published if one != args.version]
    if args.upgrade is not None and args.upgrade not in others:
        raise Refusal(f"no other published release {args.upgrade}; published: {', '.join(others[-10:]) or 'none'}")
    newer = [one for one in others if newness(one) > newness(args.version)]
    return release, args.upgrade or release.upgrade_to or max(newer, key=newness, default=None)


def taken_off(desk: Desk, release: Release) -> bool:
    """Whether there is something to take off: only GitHub is told to."""
    return desk.settings.release_host == "github" and release.on_page and release.tag is not None


def handle(desk: Desk, args: Delist) -> Decision:
    release, upgrade = _checked(desk, args)
    progress = desk.fresh()
    changes, jobs = removal(desk, release, upgrade, progress, immutable=release.immutable)
    told = Happened("release removed", None, {"version": release.version, "upgrade": upgrade or ""}, changes=changes)
    what = "taking it off the release page …" if jobs else "marked as removed"
    reply = Document(title=f"{release.version}: {what}", kind=KIND, tlp=Tlp.AMBER_STRICT)
    return Decision(reply=reply, reply_key=progress, events=[told], jobs=list(jobs))


def removal(
    desk: Desk, release: Release, upgrade: str | None, progress: str | None = None, *, immutable: bool
) -> tuple[tuple[Change, ...], tuple[Job, ...]]:
    """A release becomes removed: at once for whoever asks here, and on GitHub as soon as that is done.

    ``immutable``: two people know that it is. ``progress`` is the effect whose message tells how it went; without, the
    security room hears it.
    """
    changes = (put(Release, release.version, state="removed", upgrade_to=upgrade),)
    if not taken_off(desk, release) or release.tag is None:
        return changes, ()
    look = Snapshot(version=release.version, tag=release.tag, immutable=immutable, progress=progress)
    return changes, (Job(look),)


# --- what GitHub brought back --------------------------------------------------------------------------------------


def seen(desk: Desk, deed: Snapshot, found: Mapping[str, Any], step: str | None) -> Decision:
    """The release as it is, put on record before anything is deleted. ``step``: what waits for all of it."""
    release = desk.book.release(deed.version)
    if found["release"] is None:
        gone = Happened("release off the page", None, {"version": deed.version}, changes=_off(desk, deed.version))
        return Decision(events=[gone], messages=[_done(deed, found["commit"], found["commit"])])
    if found["immutable"] and not deed.immutable:
        known = Happened(
            "release is immutable",
            None,
            {"version": deed.version},
            changes=(put(Release, deed.version, immutable=True),) if release else (),
        )
        why = "it became immutable since that was confirmed; read the preview anew"
        return Decision(events=[known], messages=[failed(deed, why)])
    kept = Happened(
        "release snapshot",
        None,
        {"version": deed.version, "tag": deed.tag, "commit": found["commit"] or "none"},
        text=json.dumps(found["whole"], ensure_ascii=False, sort_keys=True),
    )
    job = Job(
        DelistDeed(
            version=deed.version,
            release=found["release"],
            tag=deed.tag,
            commit=found["commit"],
            progress=deed.progress,
        ),
        step=step,
    )
    return Decision(events=[kept], jobs=[job])


def done(desk: Desk, deed: DelistDeed, commit: str | None) -> Decision:
    """It is off the page; its tag was read again."""
    facts = {"version": deed.version, "tag": deed.tag, "commit": commit or "none"}
    told = Happened("release off the page", None, facts, changes=_off(desk, deed.version))
    return Decision(events=[told], messages=[_done(deed, deed.commit, commit)])


def _off(desk: Desk, version: str) -> tuple[Change, ...]:
    return (put(Release, version, on_page=False),) if desk.book.release(version) else ()


def _done(deed: Snapshot | DelistDeed, before: str | None, now: str | None) -> Message:
    same = before == now and now is not None
    where: Line = line("The tag ", mono(deed.tag), " is where it was, at ", mono((now or "")[:12]), ".")
    if now is None:
        where = line(strong("There is no tag "), mono(deed.tag), strong(". "), "I deleted none; look who did.")
    elif not same:
        was = (before or "nothing")[:12]
        where = line(strong("The tag "), mono(deed.tag), strong(" moved "), f"from {was} to {now[:12]}; look who did.")
    stays = para("Its source archives can still be had by the tag, as the policy wants it.")
    document = Document(
        title=f"{deed.version} is off the release page",
        kind=KIND,
        tlp=Tlp.AMBER_STRICT,
        blocks=(para(*where), *((stays,) if now else ())),
        tone="good" if same else "alert",
    )
    return Message(Security(), document, edit=deed.progress)


def failed(deed: Snapshot | DelistDeed, why: str) -> Message:
    """Nothing is lost by it: what was looked at is on record, and what was not deleted is still there."""
    version = deed.version
    document = Document(
        title=f"{version} is still on the release page: {why}",
        kind="fault",
        tlp=Tlp.AMBER_STRICT,
        blocks=(para("Whoever checks its archives here is warned all the same. Then: ", typed(f"delist {version}")),),
        tone="alert",
    )
    return Message(Security(), document, edit=deed.progress)


COMMAND = Command(
    verb="delist",
    summary="take a vulnerable release off the release page, keep its tag; a second coordinator confirms",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="delist 1.0.0 upgrade=1.0.1",
    args=Delist,
    handle=handle,
    preview=preview,
)
