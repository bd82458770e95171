"""``stuck``: what could not be done, tried again or given up (model.md: dead letters and parked rows)."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import TEAM_ROOMS, BadValue, Command, Who, positional, words
from chatops.commands.desk import Again, Decision, Desk
from chatops.commands.kinds import Choice, Word
from chatops.commands.typed import nearest, short
from chatops.document import Document, Tlp, line, mono, para, table, typed, when
from chatops.model.changes import Happened

SHOWN = 20
"""So many are listed, the newest first."""


@dataclass(frozen=True)
class Stuck:
    action: str = positional(Choice(("list", "retry", "skip")), "what to do", default="list")
    which: tuple[str, ...] = words(Word("CODE"), "as the list and the alerts show it", default=(), many=True)


def handle(desk: Desk, args: Stuck) -> Decision:
    if args.action == "list":
        return Decision(reply=_list(desk))
    known = {one.code: one for one in desk.book.stuck()}
    if not args.which:
        raise BadValue(f"CODE is missing ({', '.join(list(known)[:5]) or 'nothing is stuck'})")
    for code in args.which:
        if code.casefold() not in known:
            close = nearest(code.casefold(), known)
            raise BadValue(
                f"nothing that is stuck is called {short(code)}" + (f"; did you mean {close}?" if close else "")
            )
    chosen = [known[code.casefold()] for code in dict.fromkeys(args.which)]
    retry = args.action == "retry"
    what = "tried again" if retry else "given up"
    events = [Happened(what, one.case, {"effect": one.code, "by": desk.actor.name}) for one in chosen]
    title = f"{', '.join(one.code for one in chosen)}: " + ("I try again" if retry else "given up")
    again = [Again(one.code, give_up=not retry) for one in chosen]
    return Decision(
        reply=Document(title=title, kind="stuck", tlp=Tlp.AMBER_STRICT, tone="good"), events=events, again=again
    )


def _list(desk: Desk) -> Document:
    found = desk.book.stuck()
    if not found:
        return Document(title="Nothing is stuck", kind="stuck", tlp=Tlp.AMBER_STRICT, tone="good")
    rows = [
        (line(mono(one.code)), line(one.what), line(one.case or "—"), line(one.why), line(when(one.since)))
        for one in found[:SHOWN]
    ]
    more = (para(f"… and {len(found) - SHOWN} older ones."),) if len(found) > SHOWN else ()
    hint = para(typed("stuck retry CODE"), " tries it again, ", typed("stuck skip CODE"), " gives it up.")
    count = "1 thing is stuck" if len(found) == 1 else f"{len(found)} things are stuck"
    shown = table(("code", "what", "case", "why", "since"), rows)
    return Document(title=count, kind="stuck", tlp=Tlp.AMBER_STRICT, blocks=(shown, *more, hint), tone="warning")


COMMAND = Command(
    verb="stuck",
    summary="see what could not be done; try it again or give it up",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="stuck retry 1a2b3c4d",
    args=Stuck,
    handle=handle,
)
