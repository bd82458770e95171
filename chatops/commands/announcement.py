"""What the public, the members and the reporter read at a general release."""

from __future__ import annotations

from collections.abc import Sequence

from chatops.advisory.text import facts
from chatops.checksums.archives import KnownArchive
from chatops.commands.advising import content
from chatops.commands.cards import board
from chatops.commands.desk import Desk
from chatops.commands.releases import check_commands, check_lines
from chatops.document import Block, Document, Tlp, bullets, fields, line, link, para, quote, strong
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
    blocks = desk.settings.words(
        "announcement",
        version=version,
        text=(quote(told.text),),
        facts=(fields(*pairs),),
        advisory=link(told.url) if told.url else None,
        references=(bullets(line(link(url)) for url in told.references),) if told.references else None,
        checksums=check_lines(archives) if archives else None,
        check=check_commands(archives),
        removed=", ".join(vulnerable) or None,
    )
    return Document(
        title=f"{desk.project} {version} fixes a vulnerability",
        kind="announcement",
        blocks=blocks,
        tone="warning",
    )


def go_ahead(desk: Desk, file: CaseFile, version: str) -> Document:
    """The word that members wait for."""
    return Document(
        title=f"{file.id}: you may publish now",
        kind="go",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=desk.settings.words("go_ahead", case=file.id, version=version),
        tone="good",
    )


def thanks(desk: Desk, file: CaseFile, version: str) -> Document:
    """To the members, at the end."""
    return Document(
        title=f"{file.id}: {version} is out; the embargo is over. Thank you",
        kind="thanks",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file), *desk.settings.words("thanks", case=file.id, version=version)),
        tone="good",
    )


def thanks_to_reporter(desk: Desk, file: CaseFile, version: str) -> Document:
    """To who found it."""
    return Document(
        title=f"{file.id}: {version} is out, with the fix for what you found. Thank you",
        kind="thanks",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(board(file), *desk.settings.words("thanks_reporter", case=file.id, version=version)),
        tone="good",
    )


def as_public(public: Document) -> tuple[Block, ...]:
    """The words themselves, title and all, within another card."""
    return (para(strong(public.title)), *public.blocks)


def framed(public: Document, after: str = "So far the public") -> tuple[Block, ...]:
    """The words in a preview, with where they begin and end."""
    return (para("—— The public will read: ——"), *as_public(public), para(f"—— {after} ——"))
