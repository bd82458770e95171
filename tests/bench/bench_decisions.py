"""How long a decision takes, with 100 and with 10,000 cases on record: ``python -m tests.bench.bench_decisions``.

A decision is one inbox row decided and committed (synced to disk), alone in its transaction: the worst case, since rows
that wait together share a commit. Beside it stands a bare commit of one row to the same database, in the same run.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func
from sqlmodel import Session, col, select

from chatops.commands.registry import collect
from chatops.config import Person, Settings
from chatops.model.cases import Case, Downstream, Participant
from chatops.model.changes import Happened, new
from chatops.model.flow import Cursor, InboxRow
from chatops.model.journal import append
from chatops.model.people import Contact, ContactAddress, Place
from chatops.model.releases import Archive, ArchiveDigest, Release
from chatops.ports import Received, Said
from chatops.service import roster, schema
from chatops.service.decide import Decider, fresh
from chatops.service.decider import decide_some
from chatops.service.intake import enqueue
from chatops.service.store import Store
from chatops.service.unit import Unit

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SECURITY, PUBLIC = "!security:localhost", "!public:localhost"
MAINTAINER, PASSER_BY = "@maintainer:localhost", "@passer-by:localhost"


def settings() -> Settings:
    return Settings(coordinators=(Person(name="maintainer", addresses=(f"matrix:{MAINTAINER}",)),))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--cases", type=int, nargs="+", default=[100, 10_000])
    options = parser.parse_args()
    columns = [measure(cases, options.rounds) for cases in options.cases]
    print(f"{'median ms (p95)':28}" + "".join(f"{cases:>20,} cases" for cases in options.cases))
    for name in columns[0]:
        print(f"{name:28}" + "".join(f"{column[name]:>26}" for column in columns))


def measure(cases: int, rounds: int) -> dict[str, str]:
    """The figures for a database with so many cases."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'chatops.db'}"
        with Store(url) as store:
            schema.upgrade(url)
            store.write_now(lambda session: fill(session, cases))
            decide = Decider(settings(), collect(), frozenset({"matrix"}), lambda: NOW)
            case = store.read_now(lambda session: session.exec(select(Case.id).limit(1)).one())
            digest = hashlib.sha256(b"1.7.0").hexdigest()
            lines: dict[str, tuple[str, str, Callable[[int], str]]] = {
                "verify (a published line)": (
                    PASSER_BY,
                    PUBLIC,
                    lambda _: f"!dynasched verify {digest}  x-1.7.0.tar.gz",
                ),
                "pasted line (listening)": (PASSER_BY, PUBLIC, lambda _: f"{digest}  x-1.7.0.tar.gz"),
                "show": (MAINTAINER, SECURITY, lambda _: f"!dynasched show {case}"),
                "triage (amend)": (MAINTAINER, SECURITY, lambda n: f"!dynasched triage {case} versions=1.{n}"),
                "tell": (MAINTAINER, SECURITY, lambda n: f"!dynasched tell {case} progress {n}"),
                "report (a new case)": (PASSER_BY, "!direct:localhost", lambda n: f"report number {n}"),
            }
            figures = {"bare commit of one row": show([bare(store, n) for n in range(rounds)])}
            for name, (sender, room, text) in lines.items():
                taken = [one(store, decide, f"{name}{n}", sender, room, text(n)) for n in range(rounds)]
                figures[name] = show(taken)
            return figures


def show(taken: list[float]) -> str:
    ordered = sorted(taken)
    return f"{statistics.median(taken) * 1000:.2f} ({ordered[int(len(ordered) * 0.95)] * 1000:.2f})"


def bare(store: Store, number: int) -> float:
    begun = time.perf_counter()
    store.write_now(lambda session: session.merge(Cursor(name="bench", value=str(number))))
    return time.perf_counter() - begun


def one(store: Store, decide: Decider, key: str, sender: str, room: str, text: str) -> float:
    """Admit a message, then time its decision up to the commit."""
    said = Said(sender=sender, room=room, event=f"${key}", text=text)
    row = Received(service="matrix", key=f"${key}", conversation=room, at=NOW, event=said)
    store.write_now(lambda session: enqueue(session, [row]))

    def parked(session: Session, row: InboxRow, received: Received | None) -> None:
        raise AssertionError(row.problem)

    begun = time.perf_counter()
    touched = store.write_now(lambda session: decide_some(session, decide, parked, NOW))
    taken = time.perf_counter() - begun
    assert touched == 1
    left = store.read_now(
        lambda session: session.exec(
            select(func.count()).select_from(InboxRow).where(col(InboxRow.state) != "done")
        ).one()
    )
    assert left == 0
    return taken


def fill(session: Session, cases: int) -> None:
    """A roster, rooms, cases with their people, and 200 releases."""
    roster.reconcile(Unit(session, settings(), frozenset({"matrix"}), NOW, fresh, who="configuration"), settings())
    security = session.exec(select(Place).where(Place.kind == "security")).one()
    security.room, security.state = SECURITY, "bound"
    session.add(security)
    session.add(Place(id="public", kind="public", service="matrix", room=PUBLIC, state="bound", clearance=0))
    session.add(
        Place(id="direct", kind="direct", service="matrix", room="!direct:localhost", state="bound", clearance=4)
    )
    for number in range(50):
        session.add(Contact(id=f"c{number}", name=f"packager-{number}", roles=["packager"], organisation=f"D{number}"))
        session.add(
            ContactAddress(id=f"c{number}-0", contact=f"c{number}", service="matrix", address=f"@p{number}:localhost")
        )
    for number in range(cases):
        id_ = f"DS-2026-{number:04d}"
        case = Case(
            id=id_, title=f"case {number}", opened_at=NOW - timedelta(days=number), report="accepted", wishes={}
        )
        case.embargo, case.review_date, case.fix = "active", NOW + timedelta(days=30), "Vfd"
        rows = [new(case)]
        for member in range(5):
            contact = f"c{(number + member) % 50}"
            rows.append(
                new(Participant(case=id_, contact=contact, organisation=contact, consent="signatory", asked_at=NOW))
            )
            rows.append(new(Downstream(case=id_, organisation=contact)))
        append(session, Happened("triaged", id_, changes=tuple(rows)), at=NOW, who="bench", where="bench")
    for number in range(200):
        version = f"1.{number}.0"
        session.add(Release(version=version))
        session.add(Archive(id=version, version=version, name=f"x-{version}.tar.gz"))
        digest = hashlib.sha256(version.encode()).hexdigest()
        session.add(ArchiveDigest(archive=version, algorithm="sha256", digest=digest))
    session.flush()


if __name__ == "__main__":
    main()
