"""All commands. Adding one is adding a file: every module here that declares ``COMMAND`` or ``COMMANDS`` is read."""

from __future__ import annotations

import importlib
import pkgutil
from types import MappingProxyType

import chatops.commands
from chatops.commands import help as help_command
from chatops.commands.declare import Command, Registry


def collect() -> Registry:
    """The commands by verb, in alphabetical order. Raises ValueError if two declare the same verb."""
    found: dict[str, Command] = {}
    for module in pkgutil.iter_modules(chatops.commands.__path__):
        loaded = importlib.import_module(f"{chatops.commands.__name__}.{module.name}")
        one = getattr(loaded, "COMMAND", None)
        for command in (*((one,) if one else ()), *getattr(loaded, "COMMANDS", ())):
            _add(found, command)
    view: Registry = MappingProxyType(found)
    _add(found, help_command.declare(view))
    ordered = dict(sorted(found.items()))
    found.clear()
    found.update(ordered)
    return view


def _add(found: dict[str, Command], command: Command) -> None:
    if command.verb in found:
        raise ValueError(f"two commands are called {command.verb}")
    found[command.verb] = command
