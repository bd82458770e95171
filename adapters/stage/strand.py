"""What an option of the demo adds to it: a peer beside the homeserver, and what is done and seen there in each act."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adapters.stage.troupe import Troupe


class Strand:
    """One is started before the bot; then each act of :class:`~adapters.stage.disclosure.Disclosure` is followed by
    the strand's method of that name. What is not overridden adds nothing.
    """

    async def start(self, stack: AsyncExitStack, folder: Path, config: dict[str, Any]) -> None:
        """Bring the peer up in a folder of its own, and put into the bot's configuration where it is."""
        raise NotImplementedError

    def visit(self) -> Sequence[str]:
        """Lines that say how to look at the peer with a client of one's own."""
        raise NotImplementedError

    async def enter(self, play: Troupe) -> None:
        """Introduce the peer, and who is there."""

    async def prologue(self, play: Troupe) -> None: ...

    async def report(self, play: Troupe) -> None: ...

    async def triage(self, play: Troupe) -> None: ...

    async def notification(self, play: Troupe) -> None: ...

    async def revision(self, play: Troupe) -> None: ...

    async def private_release(self, play: Troupe) -> None: ...

    async def verification(self, play: Troupe) -> None: ...

    async def decision(self, play: Troupe) -> None: ...

    async def general_release(self, play: Troupe) -> None: ...

    async def epilogue(self, play: Troupe) -> None: ...
