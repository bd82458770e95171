"""``chatops shell`` beside the running bot, from a pipe: answered over the socket, carried out on Matrix."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.kit import WITHIN, House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def shell(place: House, name: str, *lines: str) -> tuple[int, str]:
    """The exit code, and what was printed."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("chatops")),
        "shell",
        "--as",
        name,
        "--config",
        "chatops.toml",
        cwd=place.bot.folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(WITHIN):
        told, _ = await process.communicate("".join(f"{line}\n" for line in lines).encode())
    assert process.returncode is not None
    return process.returncode, told.decode()


async def test_commands_are_answered_and_their_effects_seen(common: House) -> None:
    place, title = common, "Found from a shell"
    known = place.doors("maintainer")
    await place.arrive("debian")
    code, told = await shell(
        place,
        "maintainer",
        "# a comment",
        "cases",
        f"contacts add debian roles=packager address=matrix:{place['debian'].id} standing=yes",
        f"triage {title}",
    )
    assert code == 0, told
    assert place.case in told
    assert "debian is on the" in told
    case = next(word.strip(":·,.") for word in told.split() if word.startswith("DS-") and place.case not in word)
    card = await place.reads("maintainer-2", place.security, title)
    assert case in card.text
    room = await place.door("maintainer", [seen.room for seen in known])
    await place["maintainer"].join(room)
    chat = await place.takes_chat("debian")
    await place.reads("debian", chat, "standing terms")
    code, told = await shell(place, "maintainer", f"invite {case} debian", f"show {case}")
    assert code == 0, told
    await place.reads("debian", chat, title)
    assert await place.door("debian") == room


async def test_what_is_refused(common: House) -> None:
    code, told = await shell(common, "maintainer", "cases", "nonsense", "help")
    assert code == 1
    assert "I know no" in told
    code, told = await shell(common, "nobody", "cases")
    assert code == 1
    assert common.case not in told
    assert not [line for line in common.complaints() if "Traceback" in line]
