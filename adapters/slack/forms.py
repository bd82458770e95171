"""Forms as Slack's modals: a :class:`chatops.ports.Form` becomes a view, and what was filled in becomes text again.

Limits are those of docs.slack.dev, "Modal view", "Input block", "Plain-text input element" and "Select menu element".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chatops.ports import Form, FormField

Json = dict[str, Any]

CALLBACK = "form"
TITLE = 24
LABEL = 2000
OPTIONS = 100
OPTION_TEXT = 75
OPTION_VALUE = 150
TYPED = 3000
"""So many characters fit into a field; a longer text has to come as a message."""
_VALUE = "value"


@dataclass(frozen=True)
class Origin:
    """What a form is for and where it was asked for: kept in the view while somebody types.

    The view passes through Slack and through the person's client, so this is the command's verb and the case's number
    at most: ``line`` is that of :class:`chatops.ports.Form`.
    """

    line: str
    room: str
    pair: bool

    def write(self) -> str:
        return json.dumps({"line": self.line, "room": self.room, "pair": self.pair})

    @classmethod
    def read(cls, text: str) -> Origin:
        """Raises ``ValueError`` if :meth:`write` did not write it."""
        found = json.loads(text)
        match found:
            case {"line": str(line), "room": str(room), "pair": bool(pair)}:
                return cls(line, room, pair)
        raise ValueError("not the origin of a form")


def view(form: Form, origin: Origin) -> Json:
    """The modal view of a form."""
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": _text(_cut(form.title, TITLE)),
        "submit": _text("Send"),
        "close": _text("Cancel"),
        "private_metadata": origin.write(),
        "blocks": [_input(field) for field in form.fields],
    }


def values(state: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by field (``view.state.values``); what was left empty is left out."""
    found: dict[str, str] = {}
    for name, inner in state.items():
        element = inner.get(_VALUE) if isinstance(inner, dict) else None
        value = _filled(element) if isinstance(element, dict) else ""
        if value:
            found[name] = value
    return found


def errors(shown: Mapping[str, Any], problems: Mapping[str, str]) -> dict[str, str]:
    """Problems by field as Slack wants them: of the shown view's own blocks only. Those of other fields stand at the
    first."""
    names = [block["block_id"] for block in shown.get("blocks", ()) if block.get("type") == "input"]
    placed: dict[str, str] = {}
    for field, problem in problems.items():
        name = field if field in names else names[0]
        placed[name] = f"{placed[name]} {problem}" if name in placed else problem
    return placed


def _filled(element: Json) -> str:
    match element:
        case {"selected_options": [*chosen]}:
            return ",".join(option["value"] for option in chosen)
        case {"selected_option": {"value": str(value)}} | {"value": str(value)}:
            return value
    return ""


def _input(field: FormField) -> Json:
    block: Json = {
        "type": "input",
        "block_id": field.name,
        "label": _text(_cut(field.label or field.name, LABEL)),
        "optional": not field.required,
        "element": _select(field) if _selectable(field) else _typed(field),
    }
    if field.hint:
        block["hint"] = _text(_cut(field.hint, LABEL))
    return block


def _selectable(field: FormField) -> bool:
    """Whether Slack can show the options as a menu; if not, the field is typed."""
    return (
        field.shape in ("one", "many")
        and 0 < len(set(field.options)) <= OPTIONS
        and all(0 < len(option) <= OPTION_VALUE for option in field.options)
    )


def _typed(field: FormField) -> Json:
    element: Json = {"type": "plain_text_input", "action_id": _VALUE, "multiline": field.shape == "text"}
    # A value that does not fit is left out: half of it might be handed in unnoticed.
    if field.value and len(field.value) <= TYPED:
        element["initial_value"] = field.value
    return element


def _select(field: FormField) -> Json:
    options = {value: {"text": _text(_cut(value, OPTION_TEXT)), "value": value} for value in field.options}
    wanted = field.value.split(",") if field.shape == "many" else [field.value]
    chosen = [options[value] for value in dict.fromkeys(wanted) if value in options]
    several = field.shape == "many"
    element: Json = {
        "type": "multi_static_select" if several else "static_select",
        "action_id": _VALUE,
        "options": list(options.values()),
    }
    if chosen and several:
        element["initial_options"] = chosen
    elif chosen:
        element["initial_option"] = chosen[0]
    return element


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _text(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}
