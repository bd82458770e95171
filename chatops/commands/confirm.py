"""``confirm``: the second person's yes to exactly the preview that bears the code. Decided by the dispatcher, which
knows every command that asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatops.commands.declare import TEAM_ROOMS, Command, Who, positional
from chatops.commands.desk import Decision, Desk, Refusal
from chatops.commands.kinds import Word


@dataclass(frozen=True)
class Confirm:
    code: str = positional(Word("CODE"), "the code under the preview")


def handle(desk: Desk, args: Confirm) -> Decision:
    raise Refusal(f"no open confirmation has the code {args.code[:12]}")


COMMAND = Command(
    verb="confirm",
    summary="say the second yes to a preview, by its code",
    who=Who.COORDINATOR,
    where=TEAM_ROOMS,
    example="confirm 7KQ4XM",
    args=Confirm,
    handle=handle,
)
