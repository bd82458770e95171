"""The kinds of what is on record of a contact. Commands and imports read it by the same ones.

``none`` clears a value; it is read as an empty one, as None means that nothing was said.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pysequoia import Cert

from chatops.commands.declare import BadValue
from chatops.commands.desk import Desk
from chatops.commands.moments import zones
from chatops.commands.typed import nearest, short
from chatops.ports import MAIL, Address

ROLES = ("coordinator", "expert", "packager", "administrator", "embedder", "partner")
STANDING = timedelta(days=365)
"""Standing terms are agreed for so long."""
NONE = "none"
ARMOUR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
SHAPES = {
    "matrix": (re.compile(r"@[a-z0-9._=/+-]+:[A-Za-z0-9.:\[\]-]+"), "matrix:@debian:example.org"),
    "slack": (re.compile(r"[UW][A-Z0-9]{6,}"), "slack:U0123ABCD"),
    MAIL: (re.compile(r"[!#-'*+./-9=?A-Z^-~-]{1,64}@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+"), "mail:security@example.org"),
}
"""The form of an address on each service, with an example."""


def _words(told: str, name: str) -> list[str]:
    """The words of a list. Raises :class:`BadValue` if there is none, not even the one that clears it."""
    words = [word for word in re.split(r"[,;\s]+", told) if word]
    if not words:
        raise BadValue(f'{name} is empty; write "{NONE}" to clear it')
    return [word for word in words if word.casefold() != NONE]


@dataclass(frozen=True)
class Name:
    """What a contact is called in commands; for a file, its format."""

    name: str = "NAME"

    def read(self, word: str, desk: Desk) -> str:
        if not re.fullmatch(r"[\w.:@/+-]{1,255}", word):
            raise BadValue(f'"{short(word)}" is no NAME: one word, as debian; for import and export, csv or yaml')
        return word.casefold()

    def suggest(self, desk: Desk) -> list[str]:
        return [contact.name for contact in desk.book.contacts()]


@dataclass(frozen=True)
class Organisation:
    """Whom somebody speaks for."""

    name: str = "ORG"

    def read(self, word: str, desk: Desk) -> str:
        text = " ".join(word.split())
        if not text:
            raise BadValue(f'{self.name} is empty; write the name, or "{NONE}"')
        if len(text) > 80:
            raise BadValue(f"{self.name} is longer than 80 characters")
        return "" if text.casefold() == NONE else text

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Roles:
    """What somebody is to the project."""

    name: str = "ROLE,…"

    def read(self, word: str, desk: Desk) -> list[str]:
        named = [one.casefold().removesuffix("s") for one in _words(word, self.name)]
        for one in named:
            if one not in ROLES:
                close = nearest(one, ROLES)
                hint = f"did you mean {close}?" if close else f"roles: {', '.join(ROLES)}"
                raise BadValue(f'no role "{short(one)}"; {hint}')
        return list(dict.fromkeys(named))

    def suggest(self, desk: Desk) -> list[str]:
        return list(ROLES)


@dataclass(frozen=True)
class GroupName:
    """The name of a group of contacts; no contact, organisation or built-in group may bear it."""

    name: str = "GROUP"

    def read(self, word: str, desk: Desk) -> str:
        wanted = word.casefold()
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", wanted) or wanted == NONE:
            raise BadValue(f'"{short(word)}" is no name for a group; use letters, digits and - as in hpc-sites')
        if wanted.startswith("all-"):
            raise BadValue(f"{wanted} is no name for a group: all- with a role is one already")
        for contact in desk.book.contacts():
            if wanted in (contact.name, (contact.organisation or "").casefold()):
                kind = "a contact" if wanted == contact.name else "an organisation"
                raise BadValue(f"{kind} is called {wanted} already; give the group another name")
        return wanted

    def suggest(self, desk: Desk) -> list[str]:
        return sorted({group for contact in desk.book.contacts() for group in contact.groups or []})


@dataclass(frozen=True)
class Groups:
    """The groups that somebody is in."""

    name: str = "GROUP,…"

    def read(self, word: str, desk: Desk) -> list[str]:
        return sorted({GroupName().read(one, desk) for one in _words(word, self.name)})

    def suggest(self, desk: Desk) -> list[str]:
        return GroupName().suggest(desk)


@dataclass(frozen=True)
class Addresses:
    """Where somebody is reached, best first."""

    name: str = "SERVICE:ID,…"

    def read(self, word: str, desk: Desk) -> list[Address]:
        found = []
        for one in _words(word, self.name):
            service, _, rest = one.partition(":")
            shape = SHAPES.get(service)
            if shape is None or not shape[0].fullmatch(rest):
                whole = [name for name, (form, _) in SHAPES.items() if form.fullmatch(one)]
                example = shape[1] if shape else f"{whole[0]}:{one}" if whole else SHAPES["matrix"][1]
                raise BadValue(f'"{short(one)}" is no address; write it as {example}')
            found.append(Address(service, "", rest.lower() if service == MAIL else rest))
        return list(dict.fromkeys(found))

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Paths:
    """The services on which somebody is reached, best first."""

    name: str = "PATH,…"

    def read(self, word: str, desk: Desk) -> list[str]:
        named = [one.casefold() for one in _words(word, self.name)]
        for one in named:
            if one not in SHAPES:
                close = nearest(one, SHAPES)
                hint = f"did you mean {close}?" if close else f"services: {', '.join(SHAPES)}"
                raise BadValue(f'no service "{short(one)}"; {hint}')
        return list(dict.fromkeys(named))

    def suggest(self, desk: Desk) -> list[str]:
        return list(SHAPES)


@dataclass(frozen=True)
class Zone:
    """A time zone of the IANA database."""

    name: str = "ZONE"

    def read(self, word: str, desk: Desk) -> str:
        wanted = word.strip().casefold()
        if wanted in (NONE, "utc"):
            return "" if wanted == NONE else "UTC"
        zone = zones().get(wanted)
        if zone is None:
            close = nearest(word, zones().values())
            hint = f"did you mean {close}?" if close else "write it as Europe/Berlin"
            raise BadValue(f'no zone "{short(word)}"; {hint}')
        return zone

    def suggest(self, desk: Desk) -> list[str]:
        return ["Europe/Berlin", "America/Chicago", "Asia/Tokyo", "UTC"]


@dataclass(frozen=True)
class Fingerprint:
    """An OpenPGP key, by its fingerprint: 40 hexadecimal digits (RFC 9580, version 4) or 64 (version 6).

    Short key ids are refused: anybody can make a key with the same one.
    """

    name: str = "KEY"

    def read(self, word: str, desk: Desk) -> Key:
        told = re.sub(r"[\s:]", "", word).upper().removeprefix("0X")
        if told == NONE.upper():
            return Key()
        if not re.fullmatch(r"[0-9A-F]{40}|[0-9A-F]{64}", told):
            digits = "it has" if re.fullmatch(r"[0-9A-F]+", told) else "not hexadecimal;"
            raise BadValue(
                f'"{short(word)}" is no fingerprint of an OpenPGP key: {digits} {len(told)} characters, '
                "write all 40 (gpg --fingerprint shows them)"
            )
        return Key(told)

    def suggest(self, desk: Desk) -> list[str]:
        return []


class Key(NamedTuple):
    """An OpenPGP key of somebody's: the fingerprint, and the public key itself, in armour, where it was given."""

    fingerprint: str | None = None
    public: str | None = None


def read_key(text: str, now: datetime) -> Key:
    """An armoured OpenPGP public key (RFC 9580, section 6). Raises :class:`BadValue`."""
    if "PRIVATE KEY" in text:
        raise BadValue("this is a private key: it belongs to its owner alone, who should replace it now")
    begin = text.find(ARMOUR)
    if begin < 0:
        raise BadValue(f'"{short(text)}" is no OpenPGP key; paste all of it, from {ARMOUR} on')
    try:
        cert = Cert.from_bytes(text[begin:].encode())
        fingerprint, expires, revoked = cert.fingerprint.upper(), cert.expiration, cert.is_revoked
    except RuntimeError:  # its text holds a backtrace of the library's
        raise BadValue(
            "the OpenPGP key is damaged or cut off; paste all of it (gpg --armor --export shows it)"
        ) from None
    if revoked:
        raise BadValue(f"the OpenPGP key {fingerprint} was revoked by its owner; ask them for the new one")
    if expires is not None and expires <= now:
        raise BadValue(f"the OpenPGP key {fingerprint} expired on {expires:%Y-%m-%d}; ask for the renewed one")
    return Key(fingerprint, str(cert))


@dataclass(frozen=True)
class Days:
    """How many days somebody needs; 0 or ``none`` for no matter."""

    name: str = "DAYS"

    def read(self, word: str, desk: Desk) -> int:
        told = word.strip().casefold().removesuffix("days").removesuffix("d").strip()
        if told == NONE:
            return 0
        if not re.fullmatch(r"\d{1,2}", told, re.ASCII):
            raise BadValue(f'"{short(word)}" is no number of days; write 0 to 99')
        return int(told)

    def suggest(self, desk: Desk) -> list[str]:
        return ["3", "7", "14"]


def read_day(word: str) -> datetime:
    """A day of the calendar, at its beginning in UTC. Raises :class:`BadValue`."""
    try:
        return datetime.strptime(word.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadValue(f'"{short(word)}" is no day; write yes, no, or a day as 2026-12-14') from None


@dataclass(frozen=True)
class Standing:
    """Until when somebody agreed to the standing terms: ``yes`` is for a year from now."""

    name: str = "yes|DAY"

    def read(self, word: str, desk: Desk) -> datetime | str:
        if word.strip().casefold() in ("yes", "no", NONE):
            return desk.now + STANDING if word.strip().casefold() == "yes" else ""
        until = read_day(word)
        if until > desk.now + STANDING:
            raise BadValue(f"standing terms are agreed for a year at most: until {desk.now + STANDING:%Y-%m-%d}")
        return until

    def suggest(self, desk: Desk) -> list[str]:
        return ["yes", "no"]


@dataclass(frozen=True)
class Confirmed:
    """When somebody was last known to be the right person: ``yes`` is now."""

    name: str = "yes|DAY"

    def read(self, word: str, desk: Desk) -> datetime | str:
        if word.strip().casefold() in ("yes", "no", NONE):
            return desk.now if word.strip().casefold() == "yes" else ""
        at = read_day(word)
        if at > desk.now:
            raise BadValue(f"{short(word)} is still to come; write when they last confirmed")
        return at

    def suggest(self, desk: Desk) -> list[str]:
        return ["yes", "no"]
