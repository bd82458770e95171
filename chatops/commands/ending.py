"""The end of an embargo before any announcement: everybody who was ever asked hears of it."""

from __future__ import annotations

from chatops.commands.alarms import no_alarms
from chatops.commands.cards import case_card
from chatops.commands.desk import Decision, Desk, Direct, EmbargoOver, Message, Outgoing, Refusal, Security
from chatops.commands.moving import moved
from chatops.commands.report import to_reporters
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.moves import Move
from chatops.model.people import PlaceKind


def lifted(desk: Desk, file: CaseFile) -> list[Outgoing]:
    """The word to everybody who was ever asked, those who declined or lapsed too, that the embargo is over."""
    return [Message(Direct(one), EmbargoOver(desk.settings, file.id)) for one in file.ever_asked()]


def end(desk: Desk, reason: str | None) -> Decision:
    file = desk.case
    if reason is None:
        raise Refusal(f"say why it ends. Usage: embargo {file.id} end REASON")
    if not file.embargoed:
        raise Refusal(f"no embargo is in force in {file.id}")
    steps = moved(file, Move.EMBARGO_END)
    told = Happened("embargo ended", file.id, text=reason, changes=steps)
    inside = desk.place is not PlaceKind.EMBARGO
    title = f"{file.id}: the embargo is over; nothing is announced by that"
    card = case_card(file, desk.now, inside=inside, title=title)
    messages = lifted(desk, file)
    messages.append(Message(Security(), card, echo=True))
    messages += to_reporters(file, EmbargoOver(desk.settings, file.id).document(), but=file.ever_asked())
    # The reporter still waits for a word.
    alarms = [alarm for alarm in no_alarms(file) if alarm.kind != "next-word"]
    return Decision(reply=card, events=[told], messages=messages, alarms=alarms)
