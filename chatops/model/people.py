"""People and places: the roster, where people are reached, and the rooms that the bot knows by id."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, NamedTuple

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from chatops.model.base import Row, instant, json_column


class Address(NamedTuple):
    """Where a person is reached: (service, tenant, id), e.g. ``("matrix", "", "@debian:example.org")``.

    ``tenant`` separates what may collide: a Slack workspace id; empty on Matrix, whose ids are global.
    """

    service: str
    tenant: str
    id: str


class Role(StrEnum):
    """What a contact is to the project (roster); ``coordinator`` and ``expert`` are bound by role."""

    COORDINATOR = "coordinator"
    EXPERT = "expert"
    PACKAGER = "packager"
    ADMINISTRATOR = "administrator"
    EMBEDDER = "embedder"
    PARTNER = "partner"
    REPORTER = "reporter"


class Contact(Row, table=True):
    """A person. ``name`` is their handle in commands; ``standing_until``: standing terms agreed until then.

    ``fingerprint`` is of their OpenPGP key; ``public_key`` is that key in armour, if it was given. ``lead_days``: how
    long they need between the private release and the date. ``builds_private``: whether they can build without the
    world seeing it. ``confirmed_at``: last known to be the right person; ``left_at``: said that they are not any more.
    ``asked``: what they were asked, at ``asked_at``, and have not answered: ``standing`` terms, or ``person``.
    """

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    organisation: str | None = Field(default=None, index=True)
    roles: list[str] = json_column()
    groups: list[str] = json_column()
    standing_until: datetime | None = instant()
    zone: str | None = None
    fingerprint: str | None = None
    public_key: str | None = None
    lead_days: int | None = None
    builds_private: bool | None = None
    confirmed_at: datetime | None = instant()
    asked: str | None = None
    asked_at: datetime | None = instant()
    left_at: datetime | None = instant()
    active: bool = True
    configured: bool = False  # named in the configuration file: reconciled at every start

    @property
    def on_roster(self) -> bool:
        """Whether they are on the roster, and did not only report something."""
        return self.active and self.roles != [Role.REPORTER]


class ContactAddress(Row, table=True):
    """One way to reach a contact, keyed by the service's own id; never by display name. ``failed_at``: what was last
    sent there came back.
    """

    __table_args__: ClassVar = (UniqueConstraint("service", "tenant", "address"),)

    id: str = Field(primary_key=True)
    contact: str = Field(index=True)
    service: str
    tenant: str = ""
    address: str
    failed_at: datetime | None = instant()


class PlaceKind(StrEnum):
    SECURITY = "security"
    EMBARGO = "embargo"
    DIRECT = "direct"
    PUBLIC = "public"


class Place(Row, table=True):
    """A room that the bot uses, under our own id. ``room`` is the service's id, None until the room exists.

    ``clearance`` is the highest TLP label that may be shown there. A ``held`` place gets no messages until someone who
    should not be there is gone. ``shows_past``: who comes in later reads what was said before.
    """

    id: str = Field(primary_key=True)
    kind: str
    service: str
    tenant: str = ""
    room: str | None = Field(default=None, index=True)
    case: str | None = Field(default=None, index=True)
    contact: str | None = Field(default=None, index=True)
    clearance: int = 0
    state: str = "wanted"  # wanted, bound, closed
    held: bool = False
    shows_past: bool = False


class Occupant(Row, table=True):
    """Somebody in, or asked into, a place. ``state``: invited, joined, leaving (being put out), left (went by
    themselves, or could not be let in, and is not asked again of our own accord). ``contact`` is who they were when
    they came; who they are now is what the roster says of their address.
    """

    place: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    contact: str | None = None
    state: str = "invited"
