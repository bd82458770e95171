"""Where something came from."""

from __future__ import annotations

from dataclasses import dataclass

from chatops.model.people import PlaceKind
from chatops.ports import Aside

SHELL = "shell"


@dataclass(frozen=True)
class Origin:
    """Where something came from, so that it can be answered there."""

    service: str
    tenant: str = ""
    room: str | None = None
    event: str | None = None
    thread: str | None = None
    place: str | None = None
    kind: PlaceKind | None = None
    contact: str | None = None
    sender: str | None = None
    in_thread: bool = False
    aside: Aside | None = None

    @property
    def where(self) -> str:
        """For the journal: the place's kind and service, no room id of a stranger."""
        hand = f" as {self.sender.rpartition('#')[2]}" if self.service == SHELL and self.sender else ""
        return f"{self.kind or 'unknown place'} on {self.service}{hand}"


NOWHERE = Origin("chatops")
