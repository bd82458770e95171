"""``amend``: put right what the public was told, in answer to the announcement, wherever that was. Two confirmations.

What was published stays as it was; the advisory's files become a new revision that says what changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chatops.commands.advising import content, kept_of, to_cve, to_github, to_site, write_down
from chatops.commands.advisory import readable
from chatops.commands.advisory_kinds import Affected, Items, Pages, PublicText, Weaknesses
from chatops.commands.announcement import framed
from chatops.commands.declare import CaseUse, Command, Who, option, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing, Preview, Public, Refusal, Security
from chatops.commands.kinds import Cve, Severity, Text
from chatops.commands.moving import edit_case
from chatops.commands.plan import public_key
from chatops.document import Document, Tlp, fields, line, link, para, quote
from chatops.model.casefile import CaseFile
from chatops.model.cases import Advisory
from chatops.model.changes import Change, Happened
from chatops.model.people import PlaceKind


@dataclass(frozen=True)
class Amend:
    what: str = raw(PublicText(longest=2000), "what was wrong, and what is right; the public reads it")
    affected: str | None = option(Affected(), "the affected versions: <1.0.1, or 0.9.0-1.0.0")
    fixed: list[str] | None = option(Items("VERSION,…", 200), "further releases with the fix")
    severity: tuple[str, str] | None = option(Severity(), "a CVSS v3.1 or v4.0 vector")
    mitigation: str | None = option(Text(longest=2000), "what helps who cannot upgrade")
    cve: str | None = option(Cve(), "the CVE id")
    cwe: list[str] | None = option(Weaknesses(), "the kinds of weakness")
    credit: list[str] | None = option(Items("NAME,…"), "whom to thank besides the reporter")
    reference: list[str] | None = option(Pages(), "where to read more")


def _corrected(desk: Desk, file: CaseFile, args: Amend) -> tuple[dict[str, Any], dict[str, Any], Advisory]:
    """New values of the case, of its advisory, and the advisory with them."""
    if not file.public:
        raise Refusal(f"{file.id} is not announced yet; until then: advisory {file.id}")
    case: dict[str, Any] = {"versions": args.affected, "mitigation": args.mitigation, "cve": args.cve}
    if args.severity:
        case["severity"], case["band"] = args.severity
    kept = kept_of(desk, file.id)
    columns = {"fixed": args.fixed, "cwes": args.cwe, "credits": args.credit, "references": args.reference}
    values: dict[str, Any] = {name: value for name, value in columns.items() if value is not None}
    values["corrections"] = [*(kept.corrections or ()), [desk.now.isoformat(), args.what]]
    return {name: value for name, value in case.items() if value is not None}, values, kept.model_copy(update=values)


def _public(desk: Desk, file: CaseFile, what: str) -> Document:
    version = file.case.version or ""
    url = content(desk, file).url
    return Document(
        title=f"Correction: {desk.project} {version} fixes a vulnerability",
        kind="correction",
        blocks=(quote(what), *((para("The advisory, as it is now: ", link(url)),) if url else ())),
        tone="warning",
    )


def preview(desk: Desk, args: Amend) -> Preview:
    """The correction word for word, and the advisory as it will be."""
    file = desk.case
    case, _, kept = _corrected(desk, file, args)
    later = file.case.model_copy(update=case)
    told = content(desk, CaseFile(later), kept=kept)
    public = _public(desk, file, args.what)
    rooms = [place.id for place in desk.book.places(PlaceKind.PUBLIC)]
    document = Document(
        title=f"{file.id}: correct what the public was told? Read it as they will",
        kind="preview",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(
            fields(("Public rooms", str(len(rooms))), ("Revision", str(told.revision))),
            *framed(public, "So far the public. The advisory will say:"),
            *readable(told),
        ),
        tone="warning",
    )
    rests = document.model_copy(update={"blocks": (*public.blocks, *readable(told))}).model_dump_json()
    return Preview(document, {"rests": rests, "public": ",".join(sorted(rooms))})


def handle(desk: Desk, args: Amend) -> Decision:
    file = desk.case
    case, values, kept = _corrected(desk, file, args)
    changes: list[Change] = [write_down(desk, file.id, **values)]
    if case:
        changes.append(edit_case(file, **case))
    changed = ", ".join(sorted([*case, *(name for name in values if name != "corrections")])) or "words"
    told = Happened("advisory corrected", file.id, {"changed": changed}, text=args.what, changes=tuple(changes))
    public = _public(desk, file, args.what)
    messages: list[Outgoing] = [
        Message(Public(), public, under=public_key(file.id)),
        Message(CaseRoom(file.id), _inside(file, args.what)),
        Message(Security(), _inside(file, args.what), echo=True),
    ]
    jobs = [to_site(desk, file, kept)] if desk.settings.advisories.folder else []
    done = [name for name, row in desk.book.plan(file.id).items() if row.state == "done"]
    jobs += to_github(desk, file, kept) if "ghsa" in done else []
    jobs += to_cve(desk, file, kept) if "cve" in done or args.cve is not None else []
    return Decision(reply=_inside(file, args.what), events=[told], messages=messages, jobs=jobs)


def _inside(file: CaseFile, what: str) -> Document:
    return Document(
        title=f"{file.id}: the public is told of a correction",
        kind="correction",
        tlp=Tlp.AMBER_STRICT,
        case=file.id,
        blocks=(para(*line("In answer to the announcement, wherever that was:")), quote(what)),
        tone="warning",
    )


COMMAND = Command(
    verb="amend",
    summary="correct what the public was told: in answer to the announcement, and in the advisory",
    who=Who.COORDINATOR,
    where=frozenset({PlaceKind.SECURITY, PlaceKind.DIRECT}),
    example="amend DS-2026-7KQ4 affected=<1.0.2 Releases before 1.0.2 are affected, not only those before 1.0.1.",
    args=Amend,
    case=CaseUse.NEEDED,
    handle=handle,
    preview=preview,
    bears_text=True,
)
