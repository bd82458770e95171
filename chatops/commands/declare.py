"""How a command is declared: once, as data, with everything derived from it (parser, permission, help, completion).

A command's arguments are a frozen dataclass whose fields are made by :func:`positional`, :func:`words`, :func:`raw` and
:func:`option`; its handler takes that dataclass, so the type checker sees what the parser gives.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from typing import TYPE_CHECKING, Any, Protocol

from chatops.model.people import PlaceKind

if TYPE_CHECKING:
    from chatops.commands.desk import Decision, Desk, Preview


class BadValue(Exception):
    """A word that is not what it should be. The text is one line: what was wrong and the nearest right form."""


class Kind(Protocol):
    """How a word becomes a value."""

    @property
    def name(self) -> str:
        """As usage lines show it: ``VERSION``."""
        ...

    def read(self, word: str, desk: Desk) -> Any:
        """The value. Raises :class:`BadValue`."""
        ...

    def suggest(self, desk: Desk) -> list[str]:
        """Words that would do, among what the asker may see."""
        ...


class Shape(Enum):
    """Where an argument stands in the line."""

    POSITIONAL = auto()  # one word
    WORDS = auto()  # all words that are left and are no options, joined or as a list
    RAW = auto()  # all that is left of the line, as typed
    OPTION = auto()  # name=value, anywhere before raw text


_ORDER = {Shape.POSITIONAL: 0, Shape.OPTION: 1, Shape.WORDS: 2, Shape.RAW: 2}


@dataclass(frozen=True)
class Arg:
    """One argument, as declared."""

    name: str
    kind: Kind
    shape: Shape
    required: bool
    many: bool
    help: str


def _declared(kind: Kind, shape: Shape, help_: str, default: Any, *, many: bool = False) -> Any:
    meta = {"arg": (kind, shape, many, help_)}
    if default is dataclasses.MISSING:
        return dataclasses.field(metadata=meta)
    return dataclasses.field(default=default, metadata=meta)


def positional(kind: Kind, help: str, *, default: Any = dataclasses.MISSING) -> Any:  # noqa: A002
    return _declared(kind, Shape.POSITIONAL, help, default)


def words(kind: Kind, help: str, *, default: Any = dataclasses.MISSING, many: bool = False) -> Any:  # noqa: A002
    """The words that are left, as one text; or a tuple with a value for each (``many``)."""
    return _declared(kind, Shape.WORDS, help, default, many=many)


def raw(kind: Kind, help: str, *, default: Any = dataclasses.MISSING) -> Any:  # noqa: A002
    return _declared(kind, Shape.RAW, help, default)


def option(kind: Kind, help: str) -> Any:  # noqa: A002
    return _declared(kind, Shape.OPTION, help, None)


class Who(Flag):
    """Who may use a command; a case's roles hold for that case only."""

    ALL = auto()
    COORDINATOR = auto()
    EXPERT = auto()
    MEMBER = auto()  # has accepted the terms
    ASKED = auto()  # was invited, or has lapsed, or may say no
    REPORTER = auto()
    CONTACT = auto()  # is on the roster, and did not only report something

    TEAM = COORDINATOR | EXPERT


class CaseUse(Enum):
    """Whether a command is about a case. Inside a case's room the case is left out."""

    NONE = auto()
    OPTIONAL = auto()
    NEEDED = auto()
    CLAIMED = auto()  # anybody may name any: the answer never tells whether there is such a case


EVERYWHERE = frozenset(PlaceKind)
PRIVATE = EVERYWHERE - {PlaceKind.PUBLIC}
TEAM_ROOMS = frozenset({PlaceKind.SECURITY, PlaceKind.EMBARGO, PlaceKind.DIRECT})


@dataclass(frozen=True)
class Nothing:
    """The arguments of a command that takes none."""


@dataclass(frozen=True)
class Command:
    """One verb. ``example`` is a whole line without the bot's name.

    ``handle`` decides. With ``preview``, the command only shows one, and ``handle`` runs when a second person has
    confirmed exactly it. ``bears_text``: what is typed may be text of a case, so a line typed in public is taken back.
    ``form``: the beginnings of a line (without the case) that, typed with nothing after them, open a form where the
    service has forms; ``filled`` gives what stands in its fields already, ``labels``, by those beginnings, what a field
    is called there instead of its help (and a hint after a colon); a field with none is left out.
    """

    verb: str
    summary: str
    who: Who
    where: frozenset[PlaceKind]
    example: str
    handle: Callable[[Desk, Any], Decision]
    args: type[Any] = Nothing
    case: CaseUse = CaseUse.NONE
    bears_text: bool = False
    preview: Callable[[Desk, Any], Preview] | None = None
    form: tuple[str, ...] = ()
    filled: Callable[[Desk], Mapping[str, str]] | None = None
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def arguments(self) -> tuple[Arg, ...]:
        made = []
        for one in dataclasses.fields(self.args):
            kind, shape, many, help_ = one.metadata["arg"]
            required = one.default is dataclasses.MISSING
            made.append(Arg(one.name, kind, shape, required, many, help_))
        return tuple(made)

    @property
    def usage(self) -> str:
        """The usage line, derived, as it may be typed: options stand before what takes the rest of the line."""
        parts = [self.verb]
        if self.case is not CaseUse.NONE:
            parts.append("CASE" if self.case is CaseUse.NEEDED else "[CASE]")
        for arg in sorted(self.arguments, key=lambda arg: _ORDER[arg.shape]):
            name = arg.kind.name + ("…" if arg.many or arg.shape is Shape.RAW else "")
            if arg.shape is Shape.OPTION:
                parts.append(f"[{arg.name.replace('_', '-')}={name}]")
            else:
                parts.append(name if arg.required else f"[{name}]")
        return " ".join(parts)


Registry = Mapping[str, Command]
