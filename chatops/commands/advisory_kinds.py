"""The kinds of argument of what the public will read: words, versions, weaknesses, pages, names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chatops.commands.declare import BadValue
from chatops.commands.desk import Desk
from chatops.commands.kinds import Text
from chatops.commands.typed import short
from chatops.plain import is_web


def items(word: str, name: str) -> list[str]:
    """What stands between commas, once each; nothing for ``none``. Raises BadValue if there is nothing, or if the list
    was cut off at a blank.
    """
    if word.rstrip().endswith(","):
        raise BadValue(f"{name} ends in a comma; write the list without blanks, or in quotes")
    found = list(dict.fromkeys(one for part in word.split(",") if (one := part.strip())))
    if not found:
        raise BadValue(f"{name} is empty; to have none of it, write none")
    return [] if [one.casefold() for one in found] == ["none"] else found


@dataclass(frozen=True)
class PublicText:
    """Words for the public: what is likely a slip of the keyboard is not taken for them."""

    name: str = "TEXT"
    longest: int = 8000

    def read(self, word: str, desk: Desk) -> str:
        text = Text(self.name, self.longest).read(word, desk)
        if len(text.split()) == 1:
            raise BadValue(f'"{short(text)}" is one word; the public reads more than that (after = it takes quotes)')
        if slip := re.match(r"([A-Za-z-]+)\s*=", text):
            raise BadValue(f'"{short(slip[1])}=" is no option here; without it: what the public is to read')
        return text

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Affected:
    """Versions, as people write them; not a lone sign, which a blank cut off."""

    name: str = "VERSIONS"

    def read(self, word: str, desk: Desk) -> str:
        text = Text(self.name, 200).read(word, desk)
        if not re.search(r"\w", text):
            raise BadValue(f'"{short(text)}" names no version; write it in quotes: affected="<1.0.1"')
        return text

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Items:
    """Words with commas between; ``none`` for none of them."""

    name: str
    longest: int = 500

    def read(self, word: str, desk: Desk) -> list[str]:
        return items(Text(self.name, self.longest).read(word, desk), self.name)

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Weaknesses:
    """Ids of the Common Weakness Enumeration (MITRE), with commas between."""

    name: str = "CWE-ID,…"

    def read(self, word: str, desk: Desk) -> list[str]:
        found = []
        for one in items(word, self.name):
            number = re.fullmatch(r"(?:CWE[- ]?)?([1-9]\d{0,4})", one.upper())
            if number is None:
                raise BadValue(f'"{short(one)}" is no weakness; write it as in CWE-787 (see cwe.mitre.org)')
            found.append(f"CWE-{number[1]}")
        return list(dict.fromkeys(found))

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Pages:
    """Addresses on the web, with commas between."""

    name: str = "URL,…"

    def read(self, word: str, desk: Desk) -> list[str]:
        pages = items(word, self.name)
        for one in pages:
            if not is_web(one) or re.search(r"\s", one):
                raise BadValue(f'"{short(one)}" is no address on the web; write it as in https://example.org/page')
        return pages

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Published:
    """Releases that are published, with commas between; ``none`` for none of them."""

    name: str = "VERSION,…"

    def read(self, word: str, desk: Desk) -> list[str]:
        named = [one.removeprefix("v") for part in items(word, self.name) for one in part.split()]
        for one in named:
            release = desk.book.release(one)
            if release is None or release.state == "private":
                known = ", ".join(r.version for r in desk.book.releases() if r.state == "published") or "none"
                raise BadValue(f"no published release {short(one)}; published: {known}")
        return list(dict.fromkeys(named))

    def suggest(self, desk: Desk) -> list[str]:
        return [release.version for release in desk.book.releases() if release.state == "published"]
