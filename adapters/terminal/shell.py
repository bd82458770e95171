"""The shell that a person types into, and that a script pipes commands through.

Lines go to the bot as they are; what they mean is the core's to say.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TextIO

from prompt_toolkit.history import InMemoryHistory
from pydantic import ValidationError

from adapters.terminal.history import DiscreetHistory
from adapters.terminal.pipe import run_pipe
from adapters.terminal.prompt import Prompt
from adapters.terminal.wire import Ask, Streams
from chatops.plain import visible_line

PATIENCE = 30.0


def _nothing(_line: str) -> bool:
    return False


async def run_shell(
    connect: Callable[[], Awaitable[Streams]],
    name: str,
    *,
    interactive: bool,
    stdin: TextIO | str,
    stdout: TextIO,
    complete: Callable[[str], list[str]],
    history: Path | None = None,
    remember: Callable[[str], bool] = _nothing,
    timeout: float = PATIENCE,  # noqa: ASYNC109
) -> int:
    """Run a shell as the person ``name`` until it is left; the exit code.

    0; or 1 if the bot could not be reached or was lost, or, from a pipe, if a line was refused or not answered within
    ``timeout`` seconds (no further line is sent then: it might rest on the one that is not known to have worked).

    A ``stdin`` that is a text is one command, which may be of many lines.

    ``complete`` gives, for the text before the cursor, the words that may stand in place of its last one. ``history``
    is the file for lines typed at the prompt; only those are written to it for which ``remember`` is true, and nothing
    is if none is given, because lines can bear the text of a case.
    """
    try:
        Ask(line="", name=name, id="0" * 8)
    except ValidationError:
        return _fail(stdout, f"{visible_line(name)!r} cannot be a name here: letters, digits, and . _ - + @ only.")
    try:
        kept = DiscreetHistory(history, remember) if interactive and history else InMemoryHistory()
    except OSError as error:
        return _fail(stdout, f"The history file cannot be used: {error.strerror or type(error).__name__}.")
    try:
        streams = await connect()
    except OSError as error:
        return _fail(stdout, f"The bot cannot be reached: {error.strerror or type(error).__name__}.")
    if interactive and not isinstance(stdin, str):
        return await Prompt(name, complete, kept, timeout).run(streams)
    return await run_pipe(streams, name, stdin, stdout, timeout)


def _fail(stdout: TextIO, problem: str) -> int:
    print(problem, file=stdout, flush=True)
    return 1
