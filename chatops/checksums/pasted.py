"""Reading checksum lines as people paste them into chat: more kindly than the shell, and saying what was tolerated.

Read are the check lines of coreutils (``lines``), the policy's ``echo '…'|sha1sum -c``, and the notations of
downstreams, registries and signers that ``paste.Notation`` lists; around them code fences, block quotes, bullets,
quote marks, typographic blanks and quotes (``mending``). Everything takes time linear in the text, whatever it is: a
listener reads what anyone writes.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from chatops.checksums.blocks import Context, Groups, distinfo_size, groups_started_by
from chatops.checksums.lines import Improper
from chatops.checksums.mending import QUOTE_MARKS, is_fence, mend
from chatops.checksums.paste import Notation, Pasted
from chatops.checksums.recipes import Found, check_line, debian, digests_in, gentoo, why_improper

LONGEST_LINE: Final = 4096
"""Longer lines are not read: a name has 255 bytes, a Gentoo line some 500 characters."""

_LOOKS: Final = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f]{32}"
    r"|sha(?:1|256|384|512)-[A-Za-z0-9+/]{27}"
    r"|(?<![0-9A-Za-z])(?:[0-9A-F]{2,8}\s{1,3}){3}"
)
_RIGHT_FORM: Final = "no digest: a check line is the digest, two blanks and the file's name"


def looks_like_check_lines(text: str) -> bool:
    """Whether a message may hold anything that ``read_pasted`` reads: cheap, linear, wrong only towards yes."""
    return _LOOKS.search(text) is not None


def read_pasted(text: str) -> tuple[Pasted, ...]:
    """Every digest in a message, in order; prose, and lines that only resemble check lines, are passed over."""
    return tuple(each for each in _Reader().read(text) if isinstance(each, Pasted))


def read_for_verify(text: str) -> tuple[Pasted | Improper, ...]:
    """What somebody asked to verify: every digest, and every line that seems meant as one but is not, with a reason.

    Never empty: a text without any is one ``Improper`` that names the right form.
    """
    return _Reader(explain=True).read(text) or (Improper(text.strip().partition("\n")[0], _RIGHT_FORM),)


class _Reader:
    def __init__(self, *, explain: bool = False) -> None:
        self._explain = explain
        self._context = Context()
        self._groups: Groups | None = None
        self._line_before = ""
        self._found: list[Pasted | Improper] = []

    def read(self, text: str) -> Found:
        for line in text.split("\n"):
            if len(line) > LONGEST_LINE:
                self._add((Improper(line, f"longer than {LONGEST_LINE} characters"),), line, ())
            elif "\0" in line:
                self._add((Improper(line, "a NUL in the line"),), line, ())
            elif line.strip() and not is_fence(line):
                self._read_line(line)
                self._line_before = line
        self._end_groups()
        return tuple(self._found)

    def _read_line(self, line: str) -> None:
        mended = mend(line)
        text = mended.text
        if self._groups and self._groups.takes(text, line):
            return
        self._end_groups()
        self._groups = groups_started_by(text, line, self._line_before)
        if self._groups:
            return
        if size := distinfo_size(text):
            self._set_size(*size)
            return
        self._context.before(text)
        found = (
            gentoo(text)
            or debian(text, self._context.debian)
            or check_line(text, mended.piped_into)
            or self._context.applied_to(digests_in(text, self._context.array))
        )
        self._context.after(text)
        if not found and self._explain and (reason := why_improper(text)):
            found = (Improper(line, reason),)
        self._add(found, line, mended.tolerated)

    def _end_groups(self) -> None:
        if self._groups:
            self._add(self._groups.finish(), "\n".join(self._groups.lines), ())
            self._groups = None

    def _add(self, found: Found, line: str, mended: tuple[str, ...]) -> None:
        for each in found:
            if isinstance(each, Pasted):
                # Quote marks belong to a recipe's own notation: nothing was tolerated there.
                quoted = each.notation in (Notation.ARRAY, Notation.SPACK)
                tolerated = [phrase for phrase in mended if not (quoted and phrase == QUOTE_MARKS)]
                self._found.append(replace(each, line=line, tolerated=(*tolerated, *each.tolerated)))
            else:
                self._found.append(replace(each, line=line))

    def _set_size(self, name: str, size: int) -> None:
        """Give the digests just read of a file the size that ``distinfo`` states on a line of its own."""
        for place in range(len(self._found) - 1, -1, -1):
            pasted = self._found[place]
            if not isinstance(pasted, Pasted) or pasted.name != name or pasted.notation is not Notation.BSD:
                return
            self._found[place] = replace(pasted, size=size, notation=Notation.FREEBSD)
