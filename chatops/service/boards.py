"""The board of each embargo room: one pinned message that says the terms, the steps, and who answered what.

It is computed, not told: after each decision the boards of the cases that it touched are compared with what they show,
and edited where they differ. Nothing else writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, select

from chatops.commands import packing
from chatops.commands.desk import InPlace, Message, Outgoing
from chatops.commands.private_release import again
from chatops.commands.terms import room_board, see_below
from chatops.config import Settings
from chatops.document import Document
from chatops.model.book import Book
from chatops.model.casefile import CaseFile
from chatops.model.changes import Happened
from chatops.model.flow import BoardRow, OutboxRow
from chatops.model.machines import IN_FORCE
from chatops.model.people import Place, PlaceKind
from chatops.service.tables import change_outbox

BOARD = "board"
"""The kind of an outbox row that shows a board."""


class Boards:
    """Keeps boards as they should be, within one unit of work. ``people`` are the user ids, on a service, of those whom
    a document names.
    """

    def __init__(
        self,
        session: Session,
        book: Book,
        say: Callable[[Outgoing], None],
        record: Callable[[Happened], None],
        people: Callable[[Document, str], dict[str, str]],
        fresh: Callable[[], str],
        settings: Settings,
    ) -> None:
        self._session = session
        self._book = book
        self._say = say
        self._record = record
        self._people = people
        self._fresh = fresh
        self._settings = settings

    def refresh(self, case: str, now: datetime) -> None:
        """Bring the boards of a case up to date, in the rooms that have one."""
        places = [place for place in self._book.places(PlaceKind.EMBARGO, case=case) if place.state == "bound"]
        rows = {place.id: row for place in places if (row := self._session.get(BoardRow, place.id)) is not None}
        file = self._book.case(case) if rows else None
        if file is None:
            return
        for place in places:
            if place.id in rows:
                self._edit(place, rows[place.id], room_board(self._settings, file, now, shows_past=place.shows_past))

    def catch_up(self, file: CaseFile, place: Place, since: datetime, now: datetime) -> None:
        """Somebody came in, at ``since``: unless they can read what was said before, board and release come afresh."""
        row = self._session.get(BoardRow, place.id)
        board = room_board(self._settings, file, now, shows_past=place.shows_past)
        lacking = self._have_pack(file, place, now)
        if row is not None and place.shows_past:
            self._edit(place, row, board)
            return
        if row is not None:
            self._say(Message(InPlace(place.id), see_below(file), edit=row.key, kind=BOARD))
        key = self._fresh()
        inside = {one.contact for one in self._book.occupants(place.id) if one.state == "joined"}
        owing = tuple(one for one in file.owing_status() if one in inside)
        self._say(Message(InPlace(place.id), board, key=key, kind=BOARD, pin=True, ping=owing))
        self._keep(place, key, board)
        released = file.case.private_release_at
        if not place.shows_past and released is not None and released < since and file.case.embargo in IN_FORCE:
            for message in again(self._settings, self._book, file, InPlace(place.id)):
                self._say(message)
        if lacking and not place.shows_past:
            for message in packing.again(self._book, file, InPlace(place.id)):
                self._say(message)

    def _have_pack(self, file: CaseFile, place: Place, now: datetime) -> bool:
        """Who came in gets the pack, or can read there what is in it. Whether anybody lacked something of it."""
        changes = packing.handed(file, packing.in_the_room(self._book, file, place), now)
        if changes:
            facts = {"to": "one who came in" if len(changes) == 1 else f"{len(changes)} who came in"}
            self._record(Happened("pack handed out", file.id, facts, changes=tuple(changes)))
        return bool(changes)

    def _edit(self, place: Place, row: BoardRow, board: Document) -> None:
        if row.shown == _digest(board):
            return
        key = row.key
        last = select(OutboxRow).where(col(OutboxRow.place) == place.id, col(OutboxRow.kind) == BOARD)
        waiting = self._session.exec(last.order_by(col(OutboxRow.id).desc()).limit(1)).first()
        if waiting is not None and waiting.state == "waiting" and not waiting.attempts:  # not frozen yet
            people = self._people(board, place.service)
            deed = {**waiting.deed, "document": board.model_dump(mode="json"), "people": people}
            change_outbox(self._session, waiting.id, deed=deed)
        else:
            self._say(Message(InPlace(place.id), board, edit=key, kind=BOARD))
        self._keep(place, key, board)

    def _keep(self, place: Place, key: str, board: Document) -> None:
        self._session.merge(BoardRow(place=place.id, key=key, shown=_digest(board)))
        self._session.flush()


def _digest(board: Document) -> str:
    return hashlib.sha256(board.model_dump_json().encode()).hexdigest()
