"""One scene for many questions: a case with everybody that there can be, and a second case that only the team knows."""

from __future__ import annotations

from chatops.commands.declare import Who
from chatops.model.people import PlaceKind
from tests.house import House, address, with_members, with_roster

ASKERS: dict[str, Who] = {
    "nobody": Who.ALL,  # a stranger
    "arch": Who.ALL | Who.CONTACT,  # on the roster, without a part in the case
    "gone": Who.ALL | Who.CONTACT,  # was taken out of it
    "finder": Who.ALL | Who.REPORTER,
    "suse": Who.ALL | Who.CONTACT | Who.ASKED,  # has not answered
    "gentoo": Who.ALL | Who.CONTACT | Who.ASKED,  # declined
    "fedora": Who.ALL | Who.CONTACT | Who.ASKED | Who.MEMBER,
    "expert": Who.ALL | Who.CONTACT | Who.EXPERT,
    "maintainer": Who.ALL | Who.CONTACT | Who.COORDINATOR,
}
"""Who asks, and what they are to the case."""

PLACES: dict[str, PlaceKind] = {
    "security": PlaceKind.SECURITY,
    "embargo": PlaceKind.EMBARGO,
    "direct": PlaceKind.DIRECT,
    "public": PlaceKind.PUBLIC,
}


LONGEST = 400


class Scene:
    """``case`` is the case that they have a part in; ``other`` is the team's own; ``none`` does not exist."""

    none = "DS-2026-ZZ22"

    def __init__(self) -> None:
        self.house = house = with_roster(House(stranger_messages_per_hour=10_000))
        for name in ("arch", "gone", "gentoo", "expert"):
            told = f"contacts add {name} roles={'expert' if name == 'expert' else 'administrator'}"
            house.say("maintainer", "security", f"{told} address=matrix:{address(name)}")
        self.case = with_members(house)
        house.say("maintainer", "security", f"team {self.case} add expert")
        house.say("maintainer", "security", f"invite {self.case} gone gentoo")
        house.direct("gentoo", f"decline {self.case}")
        house.say("maintainer", "security", f"remove {self.case} gone")
        house.say("maintainer", "security", "triage A second matter")
        self.other = next(case for case in house.cases() if case != self.case)
        house.room("public")
        house.direct("nobody", "help")
        for name in ("arch", "gone", "maintainer", "maintainer-2"):
            house.direct(name, "help")

    def where(self, place: str) -> str:
        return self.case if place == "embargo" else place

    def says(self, who: str, place: str, text: str) -> str:
        """What somebody is told when they type something that is refused: one line, and nothing else comes of it.

        What is typed in public and may bear text of a case is told to the team, and answered in private if at all.
        """
        would = self.house.would(who, self.where(place), text)
        alarms = [document for _, document in would.answers if document.kind == "leak risk"]
        answers = [document for _, document in would.answers if document.kind != "leak risk"]
        assert len(answers) == 1 or place == "public", (who, place, text, answers)
        assert all(one.kind == "refusal" for one in answers), (who, place, text, [one.title for one in answers])
        assert would.journal == ["typed in public"] * len(alarms)
        assert would.writes == 0
        assert place == "public" or not alarms
        for one in answers:
            assert 0 < len(one.title) <= LONGEST, one.title
            assert "\n" not in one.title
            assert not one.actions
        return " | ".join(one.title for one in answers)
