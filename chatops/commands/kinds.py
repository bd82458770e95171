"""The kinds of argument: how a word becomes a value, and what is said when it does not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cvss import CVSS3, CVSS4
from cvss.exceptions import CVSSError

from chatops.commands.declare import BadValue, Kind
from chatops.commands.desk import Desk
from chatops.commands.moments import read_moment
from chatops.commands.parse import undo
from chatops.commands.typed import nearest, short
from chatops.model.casefile import CaseFile
from chatops.model.people import Address, Contact, Role


def _hint(word: str, known: Iterable[str], otherwise: str) -> str:
    known = list(known)
    begun = [one for one in known if len(word) > 1 and one.startswith(f"{word.casefold()}-")]  # "not affected"
    close = begun[0] if len(begun) == 1 else nearest(word, known)
    return f"did you mean {close}?" if close else otherwise


@dataclass(frozen=True)
class Text:
    """Any text."""

    name: str = "TEXT"
    longest: int = 20_000

    def read(self, word: str, desk: Desk) -> str:
        text = word.strip()
        if not text:
            raise BadValue(f"{self.name} is empty")
        if len(text) > self.longest:
            raise BadValue(f"{self.name} is longer than {self.longest} characters")
        return text

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class OrNone:
    """A value, or ``none`` (or ``no``) to take it back: an empty text, as None means that nothing was said."""

    kind: Kind

    @property
    def name(self) -> str:
        return self.kind.name

    def read(self, word: str, desk: Desk) -> Any:
        return "" if word.strip().casefold() in ("none", "no") else self.kind.read(word, desk)

    def suggest(self, desk: Desk) -> list[str]:
        return [*self.kind.suggest(desk), "none"]


@dataclass(frozen=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]
    label: str = ""
    alike: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Words that people try, and what to write instead."""

    @property
    def name(self) -> str:
        return self.label or "|".join(self.options)

    def read(self, word: str, desk: Desk) -> str:
        if word.casefold() in self.options:
            return word.casefold()
        instead = self.alike.get(word.casefold())
        case = desk.file.id if desk.file else "CASE"
        hint = f"did you mean {instead.replace('CASE', case)}?" if instead else _hint(word, self.options, "pick one")
        raise BadValue(f'"{short(word)}" is none of {", ".join(self.options)}; {hint}')

    def suggest(self, desk: Desk) -> list[str]:
        return list(self.options)


@dataclass(frozen=True)
class Person:
    """A contact on the roster, by name. ``role`` narrows it."""

    name: str = "WHO"
    role: Role | None = None

    def _fits(self, contact: Contact, desk: Desk) -> bool:
        """The roster is the coordinators' own; others know the people of their case."""
        known = desk.actor.coordinator or contact.id in _people_of(desk)
        return contact.active and known and (self.role is None or self.role in (contact.roles or []))

    def read(self, word: str, desk: Desk) -> Contact:
        wanted = word.removeprefix("@").casefold()
        contact = desk.book.named(wanted) or _at(word, desk) or (desk.actor.contact if wanted == "me" else None)
        if contact is not None and self._fits(contact, desk):
            return contact
        kind = "contact" if self.role is None else str(self.role)
        otherwise = "see contacts list" if desk.actor.coordinator else "ask a coordinator"
        shared = _sharing(wanted, desk, lambda one: self._fits(one, desk))
        hint = shared or _hint(wanted, self.suggest(desk), otherwise)
        raise BadValue(f'no {kind} is called "{short(word)}"; {hint}')

    def suggest(self, desk: Desk) -> list[str]:
        return [contact.name for contact in desk.book.contacts() if self._fits(contact, desk)]


def _at(word: str, desk: Desk) -> Contact | None:
    """Who is reached at an address, as a mention comes in: ``slack:U0123ABCD``."""
    service, colon, rest = word.partition(":")
    return desk.book.at(Address(service, "", rest)) if colon else None


def _sharing(word: str, desk: Desk, fits: Callable[[Contact], bool]) -> str | None:
    """Whom a name may mean that is none of ours, but stands in somebody's address: it is never taken for them."""
    found = {c.name: f"{c.name} ({a.service}:{a.id})" for c, a in desk.book.reached_as(word) if fits(c)}
    if not found:
        return None
    return f"did you mean {' or '.join(found.values())}? Write {' or '.join(found)}"


def _people_of(desk: Desk) -> set[str]:
    return {contact.id for contact in desk.book.coordinators()} | set(desk.file.contacts if desk.file else ())


@dataclass(frozen=True)
class People:
    """Contacts: a name, an organisation, or a group (``all-packagers``, or a named one). The value is a tuple."""

    name: str = "WHO"

    def _groups(self, desk: Desk) -> dict[str, list[Contact]]:
        groups: dict[str, list[Contact]] = {}
        for contact in desk.book.contacts():
            for role in contact.roles or []:
                if role != Role.REPORTER:  # what each of them reported is between them and the team
                    groups.setdefault(f"all-{role}s", []).append(contact)
            if contact.organisation:
                groups.setdefault(contact.organisation.casefold(), []).append(contact)
            for group in contact.groups or []:
                groups.setdefault(group, []).append(contact)
        for contact in desk.book.contacts():
            groups[contact.name] = [contact]
        return groups

    def read(self, word: str, desk: Desk) -> tuple[Contact, ...]:
        wanted = word.removeprefix("@").rstrip(",").casefold()
        contact = desk.book.named(wanted) or _at(word.rstrip(","), desk)
        if contact is not None and contact.active:
            return (contact,)
        groups = self._groups(desk)
        if wanted in groups:
            return tuple(groups[wanted])
        role = wanted.removeprefix("all-").removesuffix("s")
        if wanted.startswith("all-") and role in set(Role) - {Role.REPORTER} and f"all-{role}s" not in groups:
            raise BadValue(f"nobody on the roster has the role {role}")
        if wanted == "all":
            named = {group for contact in desk.book.contacts() for group in contact.groups or []}
            known = sorted(named | {group for group in groups if group.startswith("all-")})
            raise BadValue(f"all of whom? {', '.join(known) or 'The roster has no groups'}")
        hint = _sharing(wanted, desk, lambda one: one.name in groups) or _hint(wanted, groups, "see contacts list")
        raise BadValue(f'no contact, organisation or group is called "{short(word)}"; {hint}')

    def suggest(self, desk: Desk) -> list[str]:
        return sorted(self._groups(desk))


@dataclass(frozen=True)
class OtherCase:
    """Another case than the line's own: for coordinators, who may know of all."""

    name: str = "OTHER"

    def read(self, word: str, desk: Desk) -> CaseFile:
        wanted = undo(word).upper()
        file = desk.book.case(wanted)
        if file is None:
            raise BadValue(f"there is no case {short(wanted)}; {_hint(wanted, self.suggest(desk), 'see cases')}")
        return file

    def suggest(self, desk: Desk) -> list[str]:
        return [one for one in desk.book.open_cases() if desk.file is None or one != desk.file.id]


@dataclass(frozen=True)
class Component:
    """A component of somebody else's, as the configuration names it; the value is its key."""

    name: str = "COMPONENT"

    def read(self, word: str, desk: Desk) -> str:
        known = desk.settings.components
        if word.casefold() in known:
            return word.casefold()
        if not known:
            raise BadValue("no components are configured: add [components.NAME] to the configuration")
        listed = f"known: {', '.join(sorted(known))}"
        raise BadValue(f'no component is called "{short(word)}"; {_hint(word, known, listed)}')

    def suggest(self, desk: Desk) -> list[str]:
        return sorted(desk.settings.components)


@dataclass(frozen=True)
class Moment:
    """A date with an hour and a zone, in the future; and within the cap, unless ``capped`` is not set."""

    name: str = "DATE"
    capped: bool = True

    def read(self, word: str, desk: Desk) -> Any:
        zone = desk.actor.contact.zone if desk.actor.contact else None
        when = read_moment(word, desk.now, zone)
        if when <= desk.now:
            raise BadValue(f"{short(word)} lies in the past; write a date to come, e.g. {_example(desk)}")
        cap = desk.days(desk.settings.policy.embargo_cap_days)
        if self.capped and when > cap:
            days = desk.settings.policy.embargo_cap_days
            raise BadValue(f"{short(word)} is beyond the cap of {days} days ({cap:%Y-%m-%d})")
        return when

    def suggest(self, desk: Desk) -> list[str]:
        return [_example(desk)]


def _example(desk: Desk) -> str:
    return f"{desk.days(14):%Y-%m-%d} 15:00 UTC"


@dataclass(frozen=True)
class Version:
    name: str = "VERSION"

    def read(self, word: str, desk: Desk) -> str:
        wanted = word.removeprefix("v")
        if not re.fullmatch(r"[0-9][0-9A-Za-z.:+~_-]{0,63}", wanted):  # Debian's may begin with an epoch: 1:1.0.1-2
            raise BadValue(f'"{short(word)}" is no version; write it as in 1.0.1')
        return wanted

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Severity:
    """A CVSS v3.1 or v4.0 vector (FIRST); the value is (vector, band)."""

    name: str = "CVSS"

    def read(self, word: str, desk: Desk) -> tuple[str, str]:
        try:
            if word.startswith("CVSS:4.0/"):
                return word, str(CVSS4(word).severity).lower()
            if word.startswith("CVSS:3.1/"):
                return word, str(CVSS3(word).severities()[0]).lower()
        except (CVSSError, KeyError, ValueError):
            raise BadValue(f"{short(word)} is not a complete CVSS vector; see first.org/cvss/calculator") from None
        raise BadValue("a severity is a CVSS v3.1 or v4.0 vector: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")

    def suggest(self, desk: Desk) -> list[str]:
        return ["CVSS:3.1/", "CVSS:4.0/"]


@dataclass(frozen=True)
class Cve:
    name: str = "CVE-ID"

    def read(self, word: str, desk: Desk) -> str:
        if not re.fullmatch(r"CVE-\d{4}-\d{4,}", word.upper()):
            raise BadValue(f'"{short(word)}" is no CVE id; write it as in CVE-2026-12345')
        return word.upper()

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Branch:
    """A branch, by a name that git allows (git-check-ref-format) and that is safe in a file's name."""

    name: str = "BRANCH"

    def read(self, word: str, desk: Desk) -> str:
        odd = re.search(r"^[-./]|[./]$|\.\.|//|/\.|\.lock(/|$)", word)
        if odd or not re.fullmatch(r"[A-Za-z0-9._/+-]{1,100}", word):
            raise BadValue(f'"{short(word)}" is no branch; write its name as git has it: main, v1.0, stable/1.0')
        return word

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Number:
    """A whole number from 1 on."""

    name: str = "NUMBER"

    def read(self, word: str, desk: Desk) -> int:
        if not re.fullmatch(r"[1-9][0-9]{0,3}", word):
            raise BadValue(f'"{short(word)}" is no number; write 1, 2, …')
        return int(word)

    def suggest(self, desk: Desk) -> list[str]:
        return []


@dataclass(frozen=True)
class Word:
    """One word of letters, digits and ``- _ . : @ / =``."""

    name: str

    def read(self, word: str, desk: Desk) -> str:
        if not re.fullmatch(r"[\w.:@/=+-]{1,255}", word):
            raise BadValue(f"{self.name} is one word without blanks")
        return word

    def suggest(self, desk: Desk) -> list[str]:
        return []
