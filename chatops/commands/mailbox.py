"""Patches as ``git am`` takes them: one mail or a mailbox of several, as ``git format-patch --stdout`` writes.

What can be seen without a repository is looked at here: that it is mail, that each mail has an author and a change, and
that no hunk was cut short on its way through a chat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from chatops.checksums.stream import LARGEST_PATCH
from chatops.commands.typed import short

_SEPARATOR = re.compile(r"^From [0-9a-f]{40} .*\n", re.MULTILINE)
_HEADER = re.compile(r"[A-Za-z][A-Za-z-]*: ")
_FENCE = re.compile(r"\s*```[A-Za-z0-9_+-]*[ \t]*\n(.*?)\n?```\s*", re.DOTALL)
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
_TAG = re.compile(r"^\s*(?:\[[^\]]*\]\s*)+")


class NoPatch(Exception):
    """It is nothing that ``git am`` takes. The text is one line: what was wrong, and what would do."""


@dataclass(frozen=True)
class Mailbox:
    """Patches in the order in which they apply. ``text`` is what to hand on."""

    text: str
    subjects: tuple[str, ...]


def read_mailbox(text: str) -> Mailbox:
    """Patches as pasted (in a code block or not) or as a file holds them. Raises :class:`NoPatch`."""
    fenced = _FENCE.fullmatch(text)
    whole = (fenced[1] if fenced else text).strip("\n") + "\n"
    if len(whole.encode()) > LARGEST_PATCH:
        raise NoPatch(f"the patch is larger than {LARGEST_PATCH // 1024} KiB")
    if re.match(r"(diff |--- |Index: |@@ )", whole):
        raise NoPatch("this is a plain diff, without author and message; make the patch with git format-patch --stdout")
    if not (_SEPARATOR.match(whole) or _HEADER.match(whole)):
        raise NoPatch("this is no patch that git am takes; make one with git format-patch --stdout")
    return Mailbox(whole, tuple(_subject(mail) for mail in _SEPARATOR.split(whole) if mail.strip()))


def _subject(mail: str) -> str:
    """The subject of one mail, which is looked at on the way."""
    message = message_from_string(mail)
    subject = _TAG.sub("", " ".join(_decoded(message["subject"]).split()))
    if not subject:
        raise NoPatch("a mail in this patch has no subject; make it with git format-patch --stdout")
    if "@" not in _decoded(message["from"]):
        raise NoPatch(
            f'"{short(subject)}" names no author (From: NAME <ADDRESS>); make it with git format-patch --stdout'
        )
    payload = message.get_payload(decode=True)
    lines = payload.decode("utf-8", "replace").rstrip("\n").split("\n") if isinstance(payload, bytes) else []
    if not any(line.startswith(("diff --git ", "--- ")) for line in lines):
        raise NoPatch(f'"{short(subject)}" bears no change; leave a cover letter out')
    for number in _cut_short(lines):
        raise NoPatch(f'"{short(subject)}" is cut short in the hunk at line {number} of the mail; send it as a file')
    return subject


def _decoded(header: object) -> str:
    try:
        return str(make_header(decode_header(str(header or ""))))
    except (HeaderParseError, LookupError, ValueError):  # of an encoding that nobody knows
        return str(header)


def _cut_short(lines: list[str]) -> Iterator[int]:
    """The numbers of the lines at which a hunk begins that has fewer lines than it says."""
    old = new = start = 0
    for number, line in enumerate(lines, 1):
        if old > 0 or new > 0:
            if line.startswith("\\"):
                continue
            if line[:1] not in (" ", "+", "-", ""):
                yield start
                return
            old -= line[:1] != "+"
            new -= line[:1] != "-"
        elif found := _HUNK.match(line):
            start, old, new = number, int(found[1] or 1), int(found[2] or 1)
    if old > 0 or new > 0:
        yield start
