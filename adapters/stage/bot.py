"""Our bot as its operator runs it: ``chatops run --config FILE``, in a folder of its own."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from adapters.stage.program import Program
from adapters.stage.synapse import Synapse


async def start_bot(
    folder: Path,
    config: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    *,
    run: Callable[[Path, Sequence[str], Mapping[str, str] | None], Program] | None = None,
) -> Program:
    """Write ``config`` as ``chatops.toml`` into ``folder``, start the bot there and return when it is ready.

    ``run`` makes a program of the words after ``chatops``, in place of that script. Started again on the same folder
    it has its state again. Raises :class:`~adapters.stage.program.NotReady`.
    """
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, on a local disk
    file = folder / "chatops.toml"
    file.write_text(toml(config), encoding="utf-8")
    arguments = ["run", "--config", file.name]
    if run is not None:
        bot = run(folder, arguments, environment)
    else:
        bot = Program(folder, [str(Path(sys.executable).with_name("chatops")), *arguments], environment)
    await bot.start()
    return bot


async def matrix_config(
    synapse: Synapse, folder: Path, localpart: str, coordinators: Mapping[str, str], database: str | None = None
) -> dict[str, Any]:
    """Make an account for a bot and the least configuration that it runs with; the password lies in ``folder``.

    ``coordinators`` maps names on the roster to Matrix user ids. ``database`` is a URL; SQLite in the folder if None.
    """
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a moment, on a local disk
    password = secrets.token_urlsafe(16)
    user = await synapse.register(localpart, password)
    secret = folder / "matrix-password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    return {
        "store": {"folder": "state"} if database is None else {"folder": "state", "url": database},
        "policy": {"stranger_messages_per_hour": 100_000},  # the scenery's strangers are many and hasty
        "matrix": {"homeserver": synapse.url, "user": user, "password_file": secret.name},
        "coordinators": [{"name": name, "addresses": [f"matrix:{who}"]} for name, who in coordinators.items()],
    }


def toml(config: Mapping[str, Any]) -> str:
    """A configuration as TOML: a table for each section, everything deeper in line."""
    plain = [f"{key} = {_value(value)}" for key, value in config.items() if not isinstance(value, Mapping)]
    tables = [
        "\n".join([f"[{name}]", *(f"{key} = {_value(value)}" for key, value in section.items())])
        for name, section in config.items()
        if isinstance(section, Mapping)
    ]
    return "\n\n".join(["\n".join(plain), *tables]).lstrip("\n") + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    if isinstance(value, Path):
        value = str(value)
    # JSON's strings, numbers and booleans are TOML's; only surrogate pairs are not, so characters stay as they are.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
