"""The texts of :mod:`chatops.wording` on an operator's terminal: which there are, and each as its readers see it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from chatops.config import Settings
from chatops.document import Document
from chatops.plain import plain_text
from chatops.wording import SLOTS, Wording, example, names, uses


class NoText(LookupError):
    """There is no such text. One line, with the nearest right name."""


def overview(settings: Settings) -> str:
    """All texts: what is each for, in whose words it is, and how it stands in the settings."""
    parts = []
    for name in names():
        field = Wording.model_fields[name]
        text: Sequence[str] = getattr(settings.wording, name)
        whose = "" if text == field.default else " (your own words)"
        parts.append("\n".join((f"{name}{whose}: for {field.description}", *(f"    {part}" for part in text))))
    parts.append(f"See one as its readers do: chatops wording {names()[0]}")
    return "\n\n".join(parts)


def preview(settings: Settings, name: str) -> str:
    """One text, filled in for an example case. Raises :class:`NoText`."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names())}"
        raise NoText(f"no text {name!r}; {hint}")
    words = example(settings.wording, name, settings.own)
    shown = plain_text(Document(title="", blocks=words), prefix=f"!{settings.project.command}")
    return "\n\n".join((f"{name}: for {Wording.model_fields[name].description}", shown, "\n".join(_fields(name))))


def _fields(name: str) -> Iterator[str]:
    yield "It may have filled in:"
    yield from (f"    {{{field}}}  {SLOTS[field].told}" for field in uses(name))
