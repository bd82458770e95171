"""Pasted check lines and dropped archives that nobody asked about: noticed, judged, answered in a thread.

Listening stays silent about what is not ours. An artifact of a private release is known only in cleared places; if it
shows up in public, the answer is the silence that any unknown file gets, and the team and the member hear in private.
"""

from __future__ import annotations

from collections.abc import Sequence

from chatops import policy
from chatops.checksums.archives import ArchiveState
from chatops.checksums.digests import Algorithm
from chatops.checksums.pasted import looks_like_check_lines, read_pasted
from chatops.checksums.stream import is_patch
from chatops.checksums.verdicts import Verdict, judge, judge_archive
from chatops.commands import filling
from chatops.commands.declare import Who
from chatops.commands.desk import Decision, Desk, Direct, Message, Outgoing, Security
from chatops.commands.mailbox import NoPatch
from chatops.commands.verify import MOST, alert, answer, case_of, kind_of, shelf
from chatops.document import Document, Tlp, para
from chatops.model.changes import Happened
from chatops.model.people import PlaceKind
from chatops.model.shelf import Shelf
from chatops.ports import Dropped, Said
from chatops.service.origin import SHELL
from chatops.service.unit import Unit


def only_lines(text: str) -> bool:
    """Whether a message is nothing but check lines."""
    return looks_like_check_lines(text) and bool(read_pasted(text)) and len(text.split()) <= 6 * len(read_pasted(text))


def said(unit: Unit, desk: Desk, said: Said) -> None:
    """A message that is no command: judge the check lines in it, if there are any."""
    if not looks_like_check_lines(said.text):
        return
    pasted = read_pasted(said.text)[:MOST]
    known = shelf(desk)
    ours = [verdict for verdict in (judge(one, known) for one in pasted) if verdict.ours]
    _answer(unit, desk, ours)
    exposed(unit, desk, said.text)


def exposed(unit: Unit, desk: Desk, text: str) -> None:
    """Tell the team, in private, if a message in a public room shows something of a private release."""
    if desk.place is PlaceKind.PUBLIC and looks_like_check_lines(text):
        cases = desk.book.private_releases()
        if cases:
            everything = Shelf(desk.book.session, cases)
            _pasted_in_public(unit, desk, [judge(one, everything) for one in read_pasted(text)[:MOST]])


def dropped(unit: Unit, desk: Desk, dropped: Dropped) -> None:
    """An archive, or a patch, dropped into a room."""
    if desk.room is None and desk.actor.address.service != SHELL:
        return
    if desk.room is not None and is_patch(dropped.name):
        _patch(unit, desk, dropped.text)
        return
    digests = {Algorithm(name): digest for name, digest in dropped.digests.items()}
    verdict = judge_archive(dropped.name, dropped.size, digests, shelf(desk))
    if verdict.ours or desk.place is PlaceKind.DIRECT:
        _answer(unit, desk, [verdict])
    if desk.place is PlaceKind.PUBLIC:
        everything = Shelf(desk.book.session, desk.book.private_releases())
        _pasted_in_public(unit, desk, [judge_archive(dropped.name, dropped.size, digests, everything)])


def _patch(unit: Unit, desk: Desk, text: str | None) -> None:
    """Of the team's, where nobody else is who may not read it, it may be meant for a pack; of all others nothing is
    said.
    """
    held = policy.roles(desk.actor, desk.file) if desk.file else policy.all_roles(desk.actor, desk.book)
    if desk.place is PlaceKind.PUBLIC or desk.in_the_open or not held & Who.TEAM:
        return
    unit.in_thread()
    try:
        unit.carry_out(filling.offered(desk, text))
    except NoPatch as no:
        tlp = Tlp.AMBER_STRICT
        case = desk.file.id if desk.file else None
        unit.carry_out(Decision(reply=Document(title=f"Not for a pack: {no}", kind="refusal", tlp=tlp, case=case)))


def _answer(unit: Unit, desk: Desk, verdicts: Sequence[Verdict]) -> None:
    if not verdicts:
        return
    events, alarms = alert(desk, verdicts)
    unit.in_thread()
    unit.carry_out(
        Decision(reply=answer(desk, verdicts), events=events, alarms=alarms, reply_kind=kind_of(desk, verdicts))
    )


def _pasted_in_public(unit: Unit, desk: Desk, verdicts: Sequence[Verdict]) -> None:
    """Something of a private release was shown where everybody can read it."""
    private = [v for v in verdicts if v.archive is not None and v.archive.state is ArchiveState.PRIVATE and v.ours]
    case = case_of(desk, private)
    if case is None:
        return
    told = Happened("private release seen in public", case, {"by": desk.actor.name})
    alarm = Document(
        title=f"{case}: {desk.actor.name} showed something of the private release in a public room",
        kind="leak risk",
        tlp=Tlp.AMBER_STRICT,
        case=case,
        blocks=(para("I told nobody there that it is ours. Consider whether it is out."),),
        tone="alert",
    )
    messages: list[Outgoing] = [Message(Security(), alarm)]
    file = desk.book.case(case)
    if file is not None and desk.actor.id in file.signatories():
        word = alarm.model_copy(
            update={
                "title": f"{case}: what you showed in a public room is still private",
                "blocks": (para("Please take it back if you can. The team knows."),),
            }
        )
        messages.append(Message(Direct(desk.actor.id), word))
    unit.carry_out(Decision(events=[told], messages=messages))
