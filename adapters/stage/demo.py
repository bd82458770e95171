"""``chatops demo``: a whole disclosure on a real Matrix homeserver, with real clients, told as it happens."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from adapters.stage.company import assembled
from adapters.stage.disclosure import Disclosure
from adapters.stage.invitation import how_to_visit
from adapters.stage.play import NotObserved, Scene
from adapters.stage.program import NotReady
from adapters.stage.strand import Strand
from adapters.stage.synapse import DidNotStart
from adapters.stage.with_github import WithGitHub
from adapters.stage.with_mail import WithMail
from adapters.stage.with_slack import WithSlack

PATIENCE = 60.0
"""Seconds until something that should be seen counts as missing: enough for a busy machine."""


STRANDS: Mapping[str, type[Strand]] = {"github": WithGitHub, "slack": WithSlack, "mail": WithMail}
"""What can be switched on, by option."""


async def demo(folder: Path | None, options: Collection[str] = (), *, stay: bool) -> int:
    """Play it in ``folder`` (a temporary one if None). 0 if every step was observed by the clients, else 1.

    ``options`` are keys of :data:`STRANDS`. With ``stay`` everything stays up afterwards, until Ctrl-C, for whoever
    wants to look around.
    """
    console = Console(highlight=False)
    with contextlib.ExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chatops-demo-")))
        elif folder.exists() and any(folder.iterdir()):
            console.print(f"{folder} is not empty; the demo needs a folder of its own.")
            return 1
        try:
            strands = [made() for option, made in STRANDS.items() if option in options]
            return await _played(folder, console, strands, stay=stay)
        except (NotObserved, NotReady, DidNotStart) as problem:
            console.print(f"\n✗ {problem}", style="bold red", markup=False)
            return 1


async def _played(folder: Path, console: Console, strands: Sequence[Strand], *, stay: bool) -> int:
    scene = Scene("From the first report to the announcement", console=console, within=PATIENCE)
    scene.tell("Starting a homeserver, nine people and the bot …")
    async with assembled(folder, strands) as company:
        play = Disclosure(scene, company)
        await play.play(strands)
        scene.act("The timeline, from the journal")
        scene.show(play.timeline)
        scene.end()
        if stay:
            how_to_visit(console, company, folder, strands)
            await _until_interrupted()
    return 0


async def _until_interrupted() -> None:
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, enough.set)
    await enough.wait()
