"""Forms made from the commands' declarations, filled, and checked by the command itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from chatops.commands.declare import Arg, BadValue, Registry, Shape
from chatops.commands.desk import Desk, Refusal
from chatops.commands.kinds import Choice, OrNone, People, Person, Text
from chatops.commands.parse import BadFields, addressed, split
from chatops.config import Project
from chatops.model.machines import Forbidden
from chatops.ports import Form, FormField
from chatops.service import dispatch

MOST = 100
"""More options than these are typed, not picked."""
LONG = 500
"""A text that may be longer than this gets several lines."""


def may_open(registry: Registry, project: Project, line: str) -> bool:
    """Whether a line looks like one that opens a form, whoever typed it and wherever."""
    typed = split(addressed(line, project.command, bare=True) or "", project.case_prefix)
    verb = typed.verb.rstrip(":,;.!?")
    return verb in registry and " ".join((verb, *typed.rest.split())) in registry[verb].form


def form_for(registry: Registry, desk: Desk, line: str) -> Form | None:
    """The form that a line opens; None if a line is enough, or if the asker may not do this here."""
    typed = addressed(line, desk.settings.project.command, bare=True) or ""
    if not typed:
        return None
    try:
        call = dispatch.find(registry, desk, typed)
    except dispatch.Unclear:
        return None  # said in words when the line is decided
    said = " ".join((call.command.verb, *call.line.rest.split()))
    if said not in call.command.form or desk.place not in call.command.where:
        return None
    begun = call.line.rest.split()
    case = call.file.id if call.file else None
    words = (call.command.verb, case, *begun)
    here = replace(desk, file=call.file)
    filled = call.command.filled(here) if call.command.filled else {}
    labels = call.command.labels.get(said, {})
    shown = [
        _field(arg, here, filled.get(arg.name, ""), labels.get(arg.name))
        for arg in call.command.arguments[len(begun) :]
        if labels.get(arg.name) != ""
    ]
    return Form(
        line=" ".join(word for word in words if word),
        title=" ".join((call.command.verb, *begun)).replace("-", " ").capitalize(),
        fields=tuple(shown),
    )


def wrong(registry: Registry, desk: Desk, line: str, values: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a filled form, by field: the handler itself is asked, and what it decides is dropped."""
    first = next(iter(values), "")
    try:
        call = dispatch.find(registry, desk, line)
        first = next((arg.name for arg in call.command.arguments if arg.name in values), first)
        dispatch.run(registry, call, desk, values)
    except BadFields as bad:
        return {name if name in values else first: text for name, text in bad.fields.items()}
    except Forbidden as no:
        return {first: f"not possible now: the {no.machine} is {no.state.replace('_', ' ')}"}
    except (Refusal, BadValue) as no:
        return {_meant(str(no), values) or first: str(no)}
    return {}


def _meant(problem: str, values: Mapping[str, str]) -> str | None:
    """The field that a refusal asks for, or quotes a word of."""
    for name in re.findall(r"([a-z-]+)=", problem):
        if name in values and not values[name]:
            return str(name)
    quoted = set(re.findall(r'"([^"]+)"', problem)) | set(problem.split())
    return next((name for name, value in values.items() if quoted & set(re.split(r"[,\s]+", value)) - {""}), None)


def _field(arg: Arg, desk: Desk, value: str, told: str | None) -> FormField:
    kind = arg.kind.kind if isinstance(arg.kind, OrNone) else arg.kind
    options = tuple(arg.kind.suggest(desk)) if isinstance(kind, Choice | People | Person) else ()
    if len(options) > MOST:
        options = ()
    if options:
        shape = "many" if arg.many else "one"
    else:
        long = isinstance(kind, Text) and kind.longest >= LONG
        shape = "text" if long else "line"
    if arg.shape is Shape.OPTION and told is None:
        label, hint = arg.name.replace("_", " "), arg.help
    else:  # named by what it is: that the line calls it TEXT helps nobody here
        label, _, hint = re.sub(r"[:;] ", "\n", told or arg.help, count=1).partition("\n")
    return FormField(
        name=arg.name,
        label=_capital(label),
        hint=_capital(hint),
        shape=shape,
        required=arg.required,
        options=options,
        value=value,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
