"""How to look around in the demo with a client of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table

from adapters.stage.company import NAMES, Company, password
from adapters.stage.strand import Strand

_TRY = (
    "As reporter, in a new chat with the bot: report A second thing …",
    "As maintainer, in the security room: !dynasched help",
    "As passer-by, in the room dynasched: paste a line of SHA256SUMS",
)


def how_to_visit(console: Console, company: Company, folder: Path, strands: Sequence[Strand] = ()) -> None:
    """Print where to log in, as whom, and what to try."""
    console.print()
    console.print(Rule("Have a look yourself (Ctrl-C ends it)", align="left", style="dim"))
    console.print("  Element (desktop, or app.element.io): “Edit” the homeserver, enter")
    console.print(f"    {company.synapse.url}")
    accounts = Table("user", "password", box=None, padding=(0, 2, 0, 4))
    for name in NAMES:
        accounts.add_row(name, password(name))
    console.print(accounts)
    console.print(f"  The bot is {company.bot_id}. A new device cannot read what was said before.")
    console.print("  Rooms: DynaSched security team (the maintainers), DynaSched DS-… (the members),")
    console.print("    dynasched (everybody), and a chat of each with the bot.")
    console.print("  Try:")
    for line in _TRY:
        console.print(Padding(line, (0, 0, 0, 4)))
    for line in (line for strand in strands for line in strand.visit()):
        console.print(f"  {line}", soft_wrap=True, markup=False)
    sums = company.published.with_name("SHA256SUMS")
    console.print(f"  Checksums: {sums}", soft_wrap=True)
    console.print(f"  The bot's folder: {folder / 'bot'}", soft_wrap=True)
