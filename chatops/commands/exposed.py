"""``exposed``: a coordinator says what is known outside; what is public ends the embargo at once (model.md, exposure).

One person is enough, because everybody who kept quiet should hear of it in the same minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.alarms import no_alarms
from chatops.commands.cards import case_card
from chatops.commands.declare import TEAM_ROOMS, CaseUse, Command, Who, positional, raw
from chatops.commands.desk import CaseRoom, Decision, Desk, Message, Outgoing, Refusal, Security
from chatops.commands.ending import lifted
from chatops.commands.kinds import Choice, Text
from chatops.commands.moving import moved
from chatops.commands.report import standing, to_reporters
from chatops.document import Action, Block, Document, para, quote, typed
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.machines import Exposure
from chatops.model.moves import Move
from chatops.model.people import PlaceKind

MOVES = {
    "public": Move.LEAK_CONFIRMED,
    "exploit": Move.EXPLOIT_CONFIRMED,
    "attacks": Move.ATTACKS_CONFIRMED,
}
NEWS = {
    "public": "it is public",
    "exploit": "an exploit is public",
    "attacks": "attacks that use it were seen",
}


@dataclass(frozen=True)
class Exposed:
    what: str = positional(Choice(tuple(MOVES), "public|exploit|attacks"), "what is known outside")
    reason: str | None = raw(Text("TEXT", 4000), "where it was seen; for the team", default=None)


def handle(desk: Desk, args: Exposed) -> Decision:
    file = desk.case  # also while it is announced: a leak waits for nobody
    if file.case.closed_at is not None:
        raise Refusal(f"{file.id} is closed")
    if file.public or _known(Exposure(file.case.exposure), args.what):
        raise Refusal(f"{file.id} is known for that already: {NEWS[args.what]}")
    was_embargoed = file.embargoed
    steps = moved(file, MOVES[args.what])
    ended = was_embargoed and not file.embargoed
    news = NEWS[args.what] + ("; the embargo is over" if ended else "")
    told = Happened(f"{args.what} confirmed", file.id, text=args.reason, changes=steps)
    messages: list[Outgoing] = lifted(desk, file) if ended else []
    if ended or file.embargoed:
        messages.append(Message(CaseRoom(file.id), _card(desk, file, news, inside=False), echo=True))
    messages.append(Message(Security(), _card(desk, file, news, inside=True, said=args.reason), echo=True))
    messages += to_reporters(file, standing(file, news))
    inside = desk.place is not PlaceKind.EMBARGO
    return Decision(
        reply=_card(desk, file, news, inside=inside, said=args.reason if inside else None),
        events=[told],
        messages=messages,
        # The reporter still waits for a word.
        alarms=[alarm for alarm in no_alarms(file) if alarm.kind != "next-word"] if ended else [],
    )


def _known(exposure: Exposure, what: str) -> bool:
    return {"public": exposure.public, "exploit": exposure.exploit, "attacks": exposure.attacks}[what]


def _card(desk: Desk, file: CaseFile, news: str, *, inside: bool, said: str | None = None) -> Document:
    """The case as it is now, with what is to be done next."""
    card = case_card(file, desk.now, inside=inside, title=f"{file.id}: {news}")
    if not inside:
        ask = "You may talk about it, and publish what you have." if not file.embargoed else "The embargo holds."
        return card.model_copy(update={"blocks": (para(ask), *card.blocks), "tone": "alert"})
    if file.embargoed:
        first = para("The embargo holds until you end it: ", typed(f"embargo {file.id} end REASON"), ".")
        return card.model_copy(update={"blocks": (first, *_said(said), *card.blocks), "tone": "alert"})
    if not Exposure(file.case.exposure).public:
        return card.model_copy(update={"blocks": (*_said(said), *card.blocks), "tone": "alert"})
    linked = [one for one in file.case.links or {} if (other := desk.book.case(one)) and other.embargoed]
    also = (para(f"Linked, and still under an embargo: {', '.join(linked)}. Is that out, too?"),) if linked else ()
    version = "" if file.case.version else " version=VERSION"
    first = para(
        "Next: a short word to the public, then the release with what is ready: ",
        typed(f"announce {file.id}{version}"),
        ".",
    )
    actions = [Action(label="holding statement", command=f"statement {file.id}", emoji="📢", style="primary")]
    if file.case.version:
        actions.append(Action(label="announce", command=f"announce {file.id}", emoji="🚀"))
    return card.model_copy(
        update={"blocks": (first, *also, *_said(said), *card.blocks), "actions": tuple(actions), "tone": "alert"}
    )


def _said(text: str | None) -> tuple[Block, ...]:
    return (quote(text),) if text else ()


COMMAND = Command(
    verb="exposed",
    summary="say what is known outside; what is public ends the embargo at once",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="exposed DS-2026-7KQ4 public https://lists.example.org/oss/2026/12/1",
    args=Exposed,
    case=CaseUse.NEEDED,
    handle=handle,
    bears_text=True,
)
