"""The timers of a case's dates. They only remind (:mod:`chatops.service.reminders`)."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatops.commands.desk import Alarm
from chatops.model.casefile import CaseFile

WARNINGS = (timedelta(days=7), timedelta(days=3), timedelta(days=1), timedelta(hours=2), timedelta(0))
"""Before a release date, coordinators are warned so often; at the date the case says that it binds nobody."""


DAY = timedelta(days=1)
SETTLED = timedelta(minutes=10)
"""So long is waited for the next change of a draft."""


def crd_alarms(case: str, at: datetime, now: datetime) -> list[Alarm]:
    """Warnings before a release date; those whose time has passed are taken away. And the draft for the members, a day
    before it, or at once if it is nearer.
    """
    draft = Alarm(f"draft:{case}", "draft", max(at - DAY, now) if at > now else None, case)
    return [*_warnings("crd", case, at, now), draft]


def draft_again(file: CaseFile, now: datetime) -> list[Alarm]:
    """The draft has changed: within a day of the release members see it anew, once for all that changes meanwhile."""
    at = file.case.release_date
    near = file.embargoed and at is not None and now < at <= now + DAY
    return [Alarm(f"draft:{file.id}", "draft", now + SETTLED, file.id, keep=True)] if near else []


def status_alarm(case: str, contact: str, now: datetime, days: int) -> Alarm:
    """In some days, a member is asked how their packages stand, unless their organisation has said so by then."""
    return Alarm(f"status:{case}:{contact}", "status", now + timedelta(days=days), case, data={"contact": contact})


def ask_again(case: str, contact: str, now: datetime, days: int) -> Alarm:
    """Whoever was asked and has not answered by then is asked again, by another path if there is one."""
    return Alarm(f"silent:{case}:{contact}", "silent", now + timedelta(days=days), case, data={"contact": contact})


def asked_alarms(case: str, at: datetime | None, now: datetime) -> list[Alarm]:
    """Warnings before the day on which the reporter means to publish, whatever the embargo says; None: no such day."""
    return _warnings("asked", case, at, now)


def _warnings(kind: str, case: str, at: datetime | None, now: datetime) -> list[Alarm]:
    due = {before: at - before if at is not None and at - before > now else None for before in WARNINGS}
    return [Alarm(f"{kind}:{case}:{int(before.total_seconds())}", kind, then, case) for before, then in due.items()]


def retrospective_alarm(case: str, due: datetime) -> Alarm:
    """Some days after the release, the team is asked what it learnt; also if the case is closed by then."""
    return Alarm(f"retrospective:{case}", "retrospective", due, case)


def no_alarms(file: CaseFile) -> list[Alarm]:
    """All timers of a case's dates taken away."""
    names = [
        f"review:{file.id}",
        f"next-word:{file.id}",
        f"draft:{file.id}",
        *(f"{kind}:{file.id}:{int(w.total_seconds())}" for kind in ("crd", "asked") for w in WARNINGS),
    ]
    names += [f"{kind}:{file.id}:{one}" for kind in ("lapse", "silent", "status") for one in file.participants]
    return [Alarm(name, name.split(":", 1)[0], None) for name in names]
