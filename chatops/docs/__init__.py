"""The generated pages beside this module: made from the declarations, kept equal by a test.

``python -m chatops.docs`` writes them anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from chatops.commands.declare import CaseUse, Command, Shape, Who
from chatops.commands.registry import collect
from chatops.config import Settings
from chatops.loading import SECTIONS
from chatops.model import diagrams
from chatops.model.people import PlaceKind
from chatops.wording import SLOTS, Wording, uses

FOLDER = Path(__file__).parent

WHO = {
    Who.ALL: "all",
    Who.COORDINATOR: "coordinators",
    Who.EXPERT: "the case's experts",
    Who.MEMBER: "embargo members",
    Who.ASKED: "who was asked",
    Who.REPORTER: "the reporter",
    Who.CONTACT: "people on the roster",
}

HEADS = {"coordinators": "[[coordinators]]", "components": "[components.NAME]", "lists": "[[mail.lists]]"}


def pages() -> Mapping[str, str]:
    """File name to text."""
    return {
        "commands.md": commands(),
        "machines.md": diagrams.document(),
        "configuration.md": configuration(),
        "wording.md": wording(),
    }


def commands() -> str:
    """The command reference."""
    name = Settings().project.command
    parts = [
        "# Commands\n",
        f"On Matrix `!{name} VERB …` (also `/{name}` and `//{name}`); no name is needed in a direct chat or shell.",
        "Inside a case's room the case may be left out. Options are `name=value` and stand before free text.\n",
    ]
    for command in collect().values():
        parts += _command(command)
    return "\n".join(parts)


def _command(command: Command) -> list[str]:
    who = ", ".join(words for flag, words in WHO.items() if flag in command.who)
    where = "everywhere" if command.where == frozenset(PlaceKind) else ", ".join(_places(command))
    lines = [
        f"## {command.verb}\n",
        f"{command.summary[0].upper()}{command.summary[1:]}.\n",
        f"    {command.usage}\n",
        f"Who: {who}. Where: {where}."
        + (" Needs a second coordinator's `confirm CODE`." if command.preview else "")
        + (" A case is needed." if command.case is CaseUse.NEEDED else "")
        + "\n",
    ]
    for arg in command.arguments:
        label = f"{arg.name.replace('_', '-')}=" if arg.shape is Shape.OPTION else arg.kind.name
        lines.append(f"- `{label}` {arg.help}")
    if command.arguments:
        lines.append("")
    lines.append(f"Example: `{command.example}`\n")
    return lines


def _places(command: Command) -> list[str]:
    names = {
        PlaceKind.SECURITY: "security room",
        PlaceKind.EMBARGO: "embargo room",
        PlaceKind.DIRECT: "direct chat and shell",
        PlaceKind.PUBLIC: "public room",
    }
    return [names[kind] for kind in PlaceKind if kind in command.where]


def configuration() -> str:
    """Every setting, with its default."""
    parts = [
        "# Configuration\n",
        "`chatops.toml`, or the environment: `CHATOPS_POLICY__REVIEW_DAYS=45` sets `review_days` of `[policy]`.\n",
    ]
    for name, model in SECTIONS.items():
        head = HEADS.get(name, f"[{name}]")
        told = " ".join((model.__doc__ or "").split())
        parts += [f"## {head}\n", f"{told}\n", "| key | default | |", "|---|---|---|"]
        for key, field in model.model_fields.items():
            if model is Wording:
                parts.append(f"| `{key}` | [default](wording.md#{key}) | {field.description} |")
                continue
            default = "required" if field.is_required() else "—" if field.default is None else f"`{field.default}`"
            parts.append(f"| `{key}` | {default} | {field.description or ''} |")
        parts.append("")
    return "\n".join(parts)


def wording() -> str:
    """Every text that people outside the team read, with its default."""
    parts = [
        "# Wording\n",
        "What people outside the team read can be put in your own words, under `[wording]` in `chatops.toml`:\n",
        "    [wording]",
        '    receipt = """',
        "    Thank you for writing to {project}.",
        "",
        "    A person answers you by {next_word}.",
        '    """\n',
        "Blank lines part paragraphs (or write a list of them), a paragraph that begins with `- ` is an item of a list,"
        " and `{{` is a brace. A paragraph of whose fields there is nothing to say is left out. Fields that a text does"
        " not name here cannot be filled in: its readers may not know of them, or they are not known yet. What is wrong"
        " is said at the start, and by `chatops wording`, which lists the texts; `chatops wording NAME` shows one as"
        " its readers see it. Titles, commands and what the team needs stay as they are.\n",
        "| field | |",
        "|---|---|",
        *(f"| `{{{name}}}` | {slot.told} |" for name, slot in SLOTS.items()),
        "",
    ]
    for name, field in Wording.model_fields.items():
        known = ", ".join(f"`{{{one}}}`" for one in uses(name))
        parts += [f"## {name}\n", f"For {field.description}. Fields: {known}.\n"]
        parts += ["\n\n".join(f"    {part}" for part in field.default), ""]
    return "\n".join(parts)


def write() -> None:
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
