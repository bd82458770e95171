"""A case as one decision sees it, and what somebody is to a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from chatops.model.cases import Case, Downstream, PackItem, Participant, Proposal
from chatops.model.machines import IN_FORCE, Consent, Embargo
from chatops.model.people import Contact


@dataclass
class CaseFile:
    """A case and everybody in it, as one decision sees it."""

    case: Case
    participants: dict[str, Participant] = field(default_factory=dict)
    downstreams: dict[str, Downstream] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)
    contacts: dict[str, Contact] = field(default_factory=dict)
    pack: list[PackItem] = field(default_factory=list)  # every version, oldest first, without the texts

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def public(self) -> bool:
        """The general release is out: what it said is no secret any more."""
        return self.case.released_at is not None

    @property
    def embargoed(self) -> bool:
        return self.case.embargo in IN_FORCE

    @property
    def terms_date(self) -> datetime | None:
        """The date in the terms in force: the coordinated release date, else the review date."""
        return self.case.release_date or self.case.review_date

    def overdue(self, now: datetime) -> bool:
        """Whether the release date has passed under an embargo: it binds nobody any more (model.md, embargo)."""
        return self.embargoed and self.case.release_date is not None and self.case.release_date <= now

    @property
    def question(self) -> Proposal | None:
        """The proposal that is open, newest first; none where no terms are proposed (any more)."""
        if self.case.embargo not in (Embargo.PROPOSED, Embargo.REVISE):
            return None
        return next((p for p in reversed(self.proposals) if p.state == "open"), None)

    def name(self, contact: str | None) -> str:
        known = self.contacts.get(contact or "")
        return known.name if known else "nobody"

    @property
    def reporters(self) -> list[str]:
        """Who reported it: the first, and those whose reports are duplicates of it."""
        others = [one.contact for one in self.participants.values() if one.also_reported]
        first = self.case.reporter
        return [first, *(one for one in others if one != first)] if first else others

    @property
    def hidden(self) -> list[str]:
        """Who reported is for the team only, unless they allow it or join the room.

        Who was asked as a downstream too goes by their name: to mask it there would point at the one who is missing.
        """
        return [one for one in self.reporters if self._hides(one)]

    def _hides(self, reporter: str) -> bool:
        one = self.participants.get(reporter)
        asked = one is not None and one.asked_at is not None
        allowed = self.case.reporter_known and reporter == self.case.reporter
        return not (allowed or asked or self.was_member(reporter))

    def shown(self, contact: str | None) -> str:
        """The name as everybody in the case may read it."""
        return "the reporter" if contact in self.hidden else self.name(contact)

    def active(self, contact: str) -> bool:
        """Whether somebody is on the roster still."""
        known = self.contacts.get(contact)
        return known is not None and known.active

    def experts(self) -> list[str]:
        return [p.contact for p in self.participants.values() if p.role == "expert"]

    def signatories(self) -> list[str]:
        return [p.contact for p in self.participants.values() if p.consent == Consent.SIGNATORY]

    def owing_status(self) -> list[str]:
        """Members for whose organisation nobody has said how it stands: silence is no answer, and no reproach."""
        return [
            one
            for one in self.signatories()
            if (down := self.downstreams.get(self.participants[one].organisation or "")) and down.answer is None
        ]

    def ever_asked(self) -> list[str]:
        return [p.contact for p in self.participants.values() if p.asked_at is not None]

    def may_stay(self, contact: str, now: datetime) -> bool:
        """Embargo members; who lapsed, until the date that they did accept; and, once the embargo is over, whoever was
        a member then.
        """
        one = self.participants.get(contact)
        if one is None or not self.active(contact):
            return False
        if one.consent == Consent.LAPSED:
            return one.terms_until is not None and now < one.terms_until
        return self.was_member(contact)

    def was_member(self, contact: str) -> bool:
        """A member; once the embargo is over, whoever was one then."""
        one = self.participants.get(contact)
        return one is not None and is_member(one.consent, self.case.embargo, one.terms_until)


def is_member(consent: str, embargo: str, terms_until: datetime | None) -> bool:
    """Whether somebody counts as an embargo member: a signatory, or, once the embargo is over, a signatory of then."""
    if embargo == Embargo.EXITED:
        return consent == Consent.NO_EMBARGO and terms_until is not None
    return consent == Consent.SIGNATORY


class Part(NamedTuple):
    """What somebody is to a case, without the case."""

    case: str
    open: bool
    role: str
    consent: str
    member: bool
    reporter: bool
