"""What the public, the members and the reporter read at a general release."""

from __future__ import annotations

from collections.abc import Sequence

from chatops.advisory.text import facts
from chatops.checksums.archives import KnownArchive
from chatops.commands.advising import content
from chatops.commands.cards import board
from chatops.commands.desk import Desk
from chatops.commands.releases import check_lines
from chatops.document import Block, Document, Tlp, bullets, code, fields, line, link, para, quote, strong
from chatops.model.casefile import CaseFile
from chatops.model.shelf import Shelf


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
    if told.url:
        blocks.append(para("The advisory, also for machines: ", link(told.url)))
    if told.references:
        blocks += [para("See also:"), bullets(line(link(url)) for url in told.references)]
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


def go_ahead(desk: Desk, file: CaseFile, version: str) -> Document:
    """The word that members wait for."""
    return Document(
        title=f"{file.id}: you may publish now",
        kind="go",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para(f"{desk.project} announces {version} now. Publish your packages. Thank you for waiting."),),
        tone="good",
    )


def thanks(file: CaseFile, version: str) -> Document:
    """To the members, at the end."""
    return Document(
        title=f"{file.id}: {version} is out; the embargo is over. Thank you",
        kind="thanks",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file), para("You may talk about all of it. Your patience protected the users.")),
        tone="good",
    )


def thanks_to_reporter(file: CaseFile, version: str) -> Document:
    """To who found it."""
    return Document(
        title=f"{file.id}: {version} is out, with the fix for what you found. Thank you",
        kind="thanks",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file),),
        tone="good",
    )


def as_public(public: Document) -> tuple[Block, ...]:
    """The words themselves, title and all, within another card."""
    return (para(strong(public.title)), *public.blocks)


def framed(public: Document, after: str = "So far the public") -> tuple[Block, ...]:
    """The words in a preview, with where they begin and end."""
    return (para("—— The public will read: ——"), *as_public(public), para(f"—— {after} ——"))
