"""Commands typed at a prompt: documents in colours, those that come unasked above the line being typed."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.application import get_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document as Typed
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import History
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console

from adapters.terminal.client import LEAVE, LOST, Client, Lost, NotTaken
from adapters.terminal.render import show
from adapters.terminal.wire import Reply, Streams
from chatops.document import Document


class Words(Completer):
    """Offers, for the text before the cursor, what may stand in place of its last word."""

    def __init__(self, complete: Callable[[str], list[str]]) -> None:
        self._complete = complete

    def get_completions(self, document: Typed, complete_event: CompleteEvent) -> Iterable[Completion]:
        before = document.text_before_cursor
        start = max(before.rfind(blank) for blank in " \t\n") + 1
        for word in self._complete(before):
            yield Completion(word, start_position=start - len(before))


class Prompt:
    """A prompt of ``name``'s. ``complete`` and ``history`` as ``run_shell`` says."""

    def __init__(self, name: str, complete: Callable[[str], list[str]], history: History, timeout: float) -> None:
        self._name = name
        self._timeout = timeout
        self._session: PromptSession[str] = PromptSession(
            f"{name}> ",
            history=history,
            completer=Words(complete),
            complete_while_typing=False,
            interrupt_exception=EOFError,  # a KeyboardInterrupt in a task would tear the event loop down
        )

    async def run(self, streams: Streams) -> int:
        """Until the person leaves (0) or the connection is lost (1)."""
        # What others print (log lines) goes above the prompt, too.
        with patch_stdout(raw=True) if sys.stdout.isatty() else nullcontext():
            async with Client(streams, self._name, self._tell) as client:
                while (line := await self._line(client)) is not None:
                    await self._send(client, line.strip())
                if client.lost.is_set():
                    self._say(LOST)
                return int(client.lost.is_set())

    async def _line(self, client: Client) -> str | None:
        """What is typed next; None if it is to leave, or the connection is lost."""
        typing = asyncio.ensure_future(self._session.prompt_async())
        losing = asyncio.ensure_future(client.lost.wait())
        try:
            await asyncio.wait((typing, losing), return_when=asyncio.FIRST_COMPLETED)
            if not typing.done() and self._session.app.is_running:
                self._session.app.exit(exception=EOFError)
            line = await typing
        except EOFError:
            return None
        finally:
            typing.cancel()
            losing.cancel()
        return None if line.strip() in LEAVE else line

    async def _send(self, client: Client, line: str) -> None:
        if not line:
            return
        try:
            await client.ask(line, self._timeout)
        except TimeoutError:
            self._say(f"No answer within {self._timeout:g} s; it is shown when it comes.")
        except NotTaken as problem:
            self._say(f"Not sent: {problem}.")
        except Lost:
            pass  # said once, at the end

    def _tell(self, reply: Reply) -> None:
        print_formatted_text(ANSI(_coloured(reply.document, self._columns(), updated=reply.edit is not None)))

    def _columns(self) -> int:
        return get_app_session().output.get_size().columns

    def _say(self, text: str) -> None:
        print_formatted_text(text)


def _coloured(document: Document, width: int, *, updated: bool) -> str:
    """A document in the terminal's own escape sequences, between blank lines."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width)
    if updated:
        console.print("(updated)", style="dim")
    show(document, console)
    return f"\n{out.getvalue()}"
