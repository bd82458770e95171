"""The texts that reach people outside the team, each declared once: who reads it, which fields it may use, its default.

A project puts any of them its own way under ``[wording]``. What a text may say of a case is what its ``fields`` hold,
and nothing else can be filled in: so no words of a project's own tell a reader more than that reader may know
(model.md, clearance). How a text is written: :mod:`chatops.template`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from chatops.document import Block, bullets, code, fields, line, link, mono, quote, typed, when
from chatops.template import Value, check, fill, paragraphs


@dataclass(frozen=True)
class Slot:
    """A field that texts may use, and what an example shows in its place."""

    told: str
    example: Value


_DATE = when(datetime(2026, 12, 14, 15, tzinfo=UTC))
_NAME = "dynasched-1.0.1.tar.bz2"
_SHA1, _SHA256 = "b4e1cb79dfd94c1b9db8eaba02f725c07ef9df2b", "9f" * 32

SLOTS: Final[Mapping[str, Slot]] = {
    "project": Slot("the project's name", "DynaSched"),
    "release_page": Slot("where people get the releases", link("https://github.com/dynasched/dynasched/releases")),
    "case": Slot("the case's number", "DS-2026-7KQ4"),
    "date": Slot("until when it is private", _DATE),
    "next_word": Slot("the day by which they hear of us", when(_DATE.at, day=True)),
    "version": Slot("the release with the fix", "1.0.1"),
    "upgrade": Slot("the release to take in place of one that was removed", "1.0.1"),
    "removed": Slot("the releases that are removed as vulnerable, if any", "1.0.0, 0.9.9"),
    "name": Slot("the coordinator in whose name it goes out", "maintainer"),
    "archives": Slot("the files' names, if files are handed out", mono(_NAME)),
    "answer": Slot("the command to answer with", typed("status DS-2026-7KQ4 fix-ready")),
    "notation": Slot("the command for the notation of another recipe", typed("releases 1.0.1 notation=spack")),
    "advisory": Slot("the advisory's address, if there is one", link("https://example.org/DS-2026-7KQ4.html")),
    "facts": Slot("a few labelled values, below", (fields(("Severity", "high")),)),
    "terms": Slot("the terms, as under `terms`, below", (bullets(("You may patch your own systems.",)),)),
    "text": Slot("what the team wrote about the problem, below", (quote("A crafted name overflows the queue."),)),
    "references": Slot("links, if any, below", (bullets((line(link("https://example.org/more")),)),)),
    "checksums": Slot("the archives' checksum lines, below", (code(f"{_SHA256}  {_NAME}"),)),
    "check": Slot(
        "the commands that check the first archive, below",
        (code(f"echo '{_SHA256}  {_NAME}'|sha256sum -c\necho '{_SHA1}  {_NAME}'|sha1sum -c"),),
    ),
}
_BELOW: Final = frozenset(field for field, slot in SLOTS.items() if isinstance(slot.example, tuple))
EVERY: Final = ("project", "release_page")
"""What any text may use."""

_BEST_EFFORT = "We told the packagers that we know of; we are volunteers and cannot know all. Please pass it on."


def _text(readers: str, *default: str, uses: str = "", needs: str = "") -> Any:
    """A text: who reads it and when, its default by paragraph, the fields that it may use and those it has to."""
    return Field(default=default, description=readers, json_schema_extra={"uses": uses, "needs": needs})


class Wording(BaseModel):
    """What people outside the team read, in the project's own words. Each is a list of paragraphs, or a string with
    blank lines between them; what a text may have filled in, and its default, is in [Wording](wording.md).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    receipt: tuple[str, ...] = _text(
        "who reported something, at once",
        "Thank you. Only the security team reads what you wrote.",
        "You hear from us by {next_word}. We are volunteers, and do our best.",
        uses="case next_word",
    )
    question: tuple[str, ...] = _text(
        "who is asked to keep something private, and knows nothing of it yet",
        "{project}'s security team would like to tell you about a vulnerability, in confidence.",
        "{facts}",
        "{terms}",
        "Nothing happens until you answer. If you accept, you are invited to the private room.",
        uses="case facts terms",
        needs="facts terms",
    )
    question_again: tuple[str, ...] = _text(
        "members, when the date moves further off than they agreed to",
        "{project}'s security team changed the date of a matter you know of. Please say whether you agree.",
        "{facts}",
        "{terms}",
        "Until you answer, the date that you accepted holds; after it you hear nothing new.",
        uses="case facts terms",
        needs="facts terms",
    )
    terms: tuple[str, ...] = _text(
        "who is asked, and members: what they may do before the date (it is shown above them)",
        "- You may patch your own systems.",
        "- You may bring a colleague of your organisation who needs to know; tell us, so that we ask them too.",
        "- Please publish no package, and talk of it to nobody else, before that date.",
        "- We are volunteers: we do our best and ask you for yours, and can promise neither completeness nor"
        " confidentiality by others.",
    )
    terms_late: tuple[str, ...] = _text(
        "members, in place of the terms once a release date has passed",
        "- We are late, and sorry. We announce as soon as we can, or ask you about another date.",
        "- If you can wait for our word, please do: no clock publishes anything here.",
    )
    standing_terms: tuple[str, ...] = _text(
        "contacts who are asked to agree once, for a year",
        "- Later notices reach you at once and in full, with a date until which they are private.",
        "- You may patch your own systems; you publish nothing and tell nobody else before the date.",
        "- You may decline any single case with one word.",
    )
    told_at_once: tuple[str, ...] = _text(
        "contacts under standing terms, above all that there is to know of a new case",
        "You are told at once because you agreed to our standing terms. If this case is not for you, decline it.",
        uses="case",
    )
    told_and_asked: tuple[str, ...] = _text(
        "who is told in the message that asks them",
        "You are told before you were asked, because it is urgent. Please keep it private, and say if you agree.",
        uses="case",
    )
    private_release: tuple[str, ...] = _text(
        "members, with the private release",
        "It bears the fix.",
        "The archives follow here as files: {archives}",
        "{checksums}",
        "Confirm that your copy is genuine before you use it, in its folder: {check}",
        "Or paste a line here and I say whether it is ours. In another recipe's notation: {notation}",
        "Still private until {date}: build, test and prepare; publish nothing. Tell us: {answer}",
        uses="case version date archives checksums check notation answer",
        needs="checksums date",
    )
    private_release_reporter: tuple[str, ...] = _text(
        "the reporter, with the private release",
        "It bears the fix for what you found.",
        "The archives follow here as files: {archives}",
        "{checksums}",
        "Confirm that your copy is genuine before you use it, in its folder: {check}",
        "Still private until {date}: try it, and publish nothing. Tell us: {answer}",
        uses="case version date archives checksums check notation answer",
        needs="checksums date",
    )
    go_ahead: tuple[str, ...] = _text(
        "members, when the general release begins",
        "{project} announces {version} now. Publish your packages. Thank you for waiting.",
        uses="case version",
    )
    announcement: tuple[str, ...] = _text(
        "everybody, at the general release",
        "{text}",
        "{facts}",
        "Please upgrade as quickly as you can: {release_page}",
        "The advisory, also for machines: {advisory}",
        "See also: {references}",
        "Always confirm that an archive is genuine: compute its checksum and compare it with the line here and on the"
        " release page. {checksums}",
        "To have it compared for you, in its folder: {check}",
        "Removed as vulnerable: {removed}. Their tags stay, for the record.",
        _BEST_EFFORT,
        uses="version text facts advisory references checksums check removed",
        needs="text facts",
    )
    removed: tuple[str, ...] = _text(
        "who asks about an archive that is genuine and was removed as vulnerable",
        "Upgrade to {upgrade}: {release_page}",
        uses="upgrade",
        needs="upgrade",
    )
    embargo_over: tuple[str, ...] = _text(
        "everybody who was ever asked, when an embargo ends; also who declined",
        "{project} asks you to keep nothing of it private any longer.",
        uses="case",
    )
    thanks: tuple[str, ...] = _text(
        "members, at the end",
        "You may talk about all of it. Your patience protected the users.",
        uses="case version",
    )
    thanks_reporter: tuple[str, ...] = _text(
        "the reporter, at the end",
        "What you found is fixed, and public. You gave us time to do it well, and that protected the users.",
        uses="case version",
    )
    holding: tuple[str, ...] = _text(
        "everybody, after a leak, before there is a release",
        "{project}'s security team knows that details of a vulnerability are public. We are working on it, and will"
        " announce the fixed release as soon as we can.",
        "Releases: {release_page}",
        "{name}, for the security team",
        uses="name",
    )
    no_key: tuple[str, ...] = _text(
        "who cannot be written to in private, by plain mail",
        "{project}'s security team has something for you that cannot go by plain mail, and knows no OpenPGP key of"
        " yours.",
        "Please reply to this mail with your public key attached, and tell us how else to reach you.",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _read(cls, told: object, info: ValidationInfo) -> object:
        """What is wrong with a text is said when the settings are read, not when the text is needed."""
        given = [told] if isinstance(told, str) else told
        if not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
            return told  # pydantic says what it should be
        text = tuple(part for one in given for part in paragraphs(one))
        name = str(info.field_name)
        check(text, known=uses(name), needs=_declared(name, "needs"), below=_BELOW)
        return text


def names() -> Sequence[str]:
    """All texts, in the order in which people read them."""
    return tuple(Wording.model_fields)


def uses(name: str) -> Sequence[str]:
    """The fields that a text may use."""
    return (*EVERY, *_declared(name, "uses"))


def _declared(name: str, what: str) -> Sequence[str]:
    extra = Wording.model_fields[name].json_schema_extra
    return str(extra[what]).split() if isinstance(extra, dict) else ()


def filled(wording: Wording, name: str, values: Mapping[str, Value]) -> tuple[Block, ...]:
    """A text with its fields filled in. Raises LookupError if the values are not just those that it declares."""
    if set(values) != set(uses(name)):
        raise LookupError(f"the text {name} has {', '.join(uses(name))} filled in, and nothing else")
    return fill(getattr(wording, name), values)


def example(wording: Wording, name: str, own: Mapping[str, Value]) -> tuple[Block, ...]:
    """A text as an example case would fill it in; ``own`` is what is known of the project."""
    shown = {field: slot.example for field, slot in SLOTS.items()} | dict(own)
    shown["terms"] = fill(wording.terms, shown)
    return filled(wording, name, {field: shown[field] for field in uses(name)})
