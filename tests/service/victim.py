"""A bot that dies: run as a process, it kills itself (SIGKILL) at a named point of its work.

It admits the messages that its service has for it, answers each, and ends when all is done. What reached the service
is appended to a file, one effect id a line. The clock is some hours late, so that leases of a process that died are
over.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, func, select
from sqlmodel import Session

from chatops.model.flow import InboxRow, OutboxRow
from chatops.ports import Effect, Intake, Receipt, Received
from chatops.service import schema
from chatops.service.decider import Decider
from chatops.service.intake import StoreIntake
from chatops.service.store import Store
from chatops.service.tables import INBOX, OUTBOX
from chatops.service.worker import Worker
from tests.service.kit import effect, open_gate, said

POINTS = (
    "before admission is committed",
    "after admission is committed",
    "in a decision",
    "before a decision is committed",
    "after a decision is committed",
    "before an attempt is committed",
    "between attempt and sending",
    "between sending and acknowledgement",
    "before a settlement is committed",
    "after a settlement is committed",
)
MESSAGES = 5


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Victim:
    """``armed`` is what the writer is committing; when it is the point's, the process dies there."""

    def __init__(self, url: str, point: str, file: Path, hours: float) -> None:
        self.point = point
        self.file = file
        self.late = timedelta(hours=hours)
        self.armed = ""
        self.name = "matrix"
        self.store = Store(url, writers=1, batch=1)  # what a commit holds is known
        schema.upgrade(url)
        commit = self.store._writing.dialect.do_commit

        def do_commit(connection: Any) -> None:
            if self.point == f"before {self.armed} is committed":
                die()
            commit(connection)
            if self.point == f"after {self.armed} is committed":
                die()
            self.armed = ""

        self.store._writing.dialect.do_commit = do_commit  # type: ignore[method-assign, assignment]

        @event.listens_for(self.store._writing, "before_cursor_execute")
        def _seen(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
            if statement.startswith("INSERT INTO inbox"):
                self.armed = "admission"
            if statement.startswith("UPDATE outbox"):
                self.armed = (
                    "an attempt" if "lease_until=" in statement and "done_at" not in statement else "a settlement"
                )

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.late

    def decide(self, session: Session, row: InboxRow, received: Received) -> None:
        session.add(effect(f"{row.key}:{secrets.token_hex(8)}", row.conversation, made_at=self.clock()))
        session.flush()
        self.armed = "a decision"
        if self.point == "in a decision":
            die()

    def parked(self, session: Session, row: InboxRow, received: Received | None) -> None:
        raise AssertionError

    def fault(self, session: Session, row: OutboxRow, code: str) -> None:
        raise AssertionError

    async def start(self, intake: Intake) -> None:
        """The service has it all at once, and has it again after each reconnection."""

    async def stop(self) -> None:
        """Nothing to let go of."""

    async def perform(self, effect: Effect) -> Receipt:
        if self.point == "between attempt and sending":
            die()
        with self.file.open("a") as file:
            file.write(f"{effect.id} {effect.attempts}\n")
        if self.point == "between sending and acknowledgement":
            die()
        return Receipt(event=f"$sent-{effect.id}")

    async def run(self) -> None:
        wake, outbox_wake = asyncio.Event(), asyncio.Event()
        intake = StoreIntake(self.store, wake)
        decider = Decider(self.store, self.decide, self.parked, self.clock, wake, outbox_wake)
        worker = Worker(self.store, {"matrix": self}, open_gate, self.fault, self.clock, outbox_wake, inbox_wake=wake)
        known = int(await intake.cursor("sync") or 0)
        for number in range(known, MESSAGES):
            await intake.admit([said(str(number), room=f"!{number % 2}")], cursor=("sync", str(number + 1)))
        decider.start()
        worker.start()
        while await self.store.read(unsettled):  # noqa: ASYNC110 (what is waited for is in the database)
            await asyncio.sleep(0.01)
        await decider.drain()
        await worker.stop()
        self.store.close()


def unsettled(session: Session) -> int:
    waiting = select(func.count()).select_from(INBOX).where(INBOX.c.state == "waiting")
    going = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.state.in_(("waiting", "attempted")))
    return int(session.execute(waiting).scalar_one() + session.execute(going).scalar_one())


def main(url: str, point: str, file: Path, hours: float) -> None:
    asyncio.run(Victim(url, point, file, hours).run())
