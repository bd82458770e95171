"""The journal on real databases: replayed it gives the state; edits, gaps, cuts and swaps show."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, SQLModel, select

from chatops.model import journal
from chatops.model.changes import Change, Happened
from chatops.model.journal import Anchor, Entry, Fault
from chatops.service import schema
from chatops.service.store import Store
from tests.service.histories import TABLES, History
from tests.service.kit import START

CASE = "DS-2026-AAAA"


def state_of(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    def rows(name: str) -> list[tuple[Any, ...]]:
        table = TABLES[name]
        return [tuple(row) for row in session.execute(table.select().order_by(*table.primary_key))]

    return {name: rows(name) for name in TABLES}


def clear(store: Store) -> None:
    def job(session: Session) -> None:
        for name in (*TABLES, "journal", "anchor"):
            session.execute(SQLModel.metadata.tables[name].delete())

    store.write_now(job)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_the_journal_replayed_from_nothing_is_the_state(store: Store, data: st.DataObject) -> None:
    clear(store)
    history = History(data)
    happened = [history.happened() for _ in range(data.draw(st.integers(1, 8), label="entries"))]

    def record(session: Session) -> None:
        for one in happened:
            journal.append(session, one, at=START, who="a", where="b")

    store.write_now(record)
    before = store.read_now(state_of)
    assert store.read_now(journal.verify) == []

    def replay(session: Session) -> None:
        entries = list(journal.entries(session))
        for table in TABLES.values():
            session.execute(table.delete())
        journal.replay(iter(entries), session)

    store.write_now(replay)
    assert store.read_now(state_of) == before


# --- what verify finds ---


def note(number: int, text: str) -> Change:
    values = {"id": f"n{number}", "case": CASE, "kind": "report", "by": "a", "at": START, "text": text}
    return Change("note", {"id": f"n{number}"}, values, new=True)


@pytest.fixture
def written(store: Store) -> Store:
    """Five entries in a case's chain, three in the installation's, mixed; an anchor of all of them."""

    def job(session: Session) -> None:
        for number in range(5):
            happened = Happened("said", CASE, {"n": str(number)}, f"secret {number}", (note(number, f"text {number}"),))
            journal.append(session, happened, at=START, who="alice", where="!room")
            if number < 3:
                journal.append(session, Happened("added", facts={"n": str(number)}), at=START, who="b", where="c")
        journal.anchor(session, START)

    store.write_now(job)
    return store


def faults(store: Store, job: Callable[[Session, list[Entry]], None], **known: Any) -> list[Fault]:
    """What verify finds after something was done to the entries of the case."""

    def tamper(session: Session) -> None:
        job(session, list(session.exec(select(Entry).where(Entry.chain == CASE).order_by(Entry.seq))))  # type: ignore[arg-type]

    assert store.read_now(journal.verify) == []
    store.write_now(tamper)
    return store.read_now(lambda session: journal.verify(session, **known))


@pytest.mark.parametrize("column", ["who", "where", "what", "told", "at", "previous", "hash"])
def test_an_edited_entry_is_found(written: Store, column: str) -> None:
    def edit(session: Session, entries: list[Entry]) -> None:
        kept = {"told": {**entries[2].told, "facts": {}}, "at": START.replace(year=2020)}
        setattr(entries[2], column, kept.get(column, "0" * 64))

    found = faults(written, edit)
    assert found
    assert {fault.seq for fault in found} <= {3, 4}
    assert all("secret" not in fault.problem for fault in found)


def test_an_edit_with_its_hash_made_to_fit_is_found_by_the_next_entry(written: Store) -> None:
    def forge(session: Session, entries: list[Entry]) -> None:
        entries[2].who = "mallory"
        entries[2].hash = journal.hash_of(entries[2])

    assert [(fault.seq, fault.problem) for fault in faults(written, forge)] == [
        (4, "does not follow the entry before it")
    ]


def test_a_chain_forged_to_its_end_is_found_by_the_anchor(written: Store) -> None:
    def forge(session: Session, entries: list[Entry]) -> None:
        previous = entries[1].hash
        for entry in entries[2:]:
            entry.who, entry.previous = "mallory", previous
            previous = entry.hash = journal.hash_of(entry)

    assert [(fault.seq, fault.problem.split(":")[0]) for fault in faults(written, forge)] == [(5, "rewritten")]


def test_a_gap_is_found(written: Store) -> None:
    found = faults(written, lambda session, entries: session.delete(entries[2]))
    assert [(fault.seq, fault.problem) for fault in found] == [(4, "gap: entry 3 is missing")]


def test_swapped_entries_are_found(written: Store) -> None:
    def swap(session: Session, entries: list[Entry]) -> None:
        one, other = entries[1], entries[2]
        both = {name: (getattr(one, name), getattr(other, name)) for name in ("told", "texts", "what", "hash")}
        for name, (first, second) in both.items():
            setattr(one, name, second)
            setattr(other, name, first)

    assert {fault.seq for fault in faults(written, swap)} >= {2, 3}


def test_numbers_that_were_swapped_are_found(written: Store) -> None:
    def swap(session: Session, entries: list[Entry]) -> None:
        entries[1].seq = 99
        session.flush()
        entries[2].seq = 2
        session.flush()
        entries[1].seq = 3

    assert faults(written, swap)


def test_a_cut_tail_is_found_by_the_anchor(written: Store) -> None:
    def cut(session: Session, entries: list[Entry]) -> None:
        for entry in entries[3:]:
            session.delete(entry)

    assert [(fault.seq, fault.problem.split(":")[0]) for fault in faults(written, cut)] == [(5, "cut")]


def test_a_missing_case_is_found_by_an_anchor_kept_elsewhere(written: Store) -> None:
    """Who deletes a whole chain deletes our anchors too; those in the log and in exports remain."""
    kept = written.read_now(journal.heads)

    def cut(session: Session, entries: list[Entry]) -> None:
        for row in (*entries, *session.exec(select(Anchor))):
            session.delete(row)

    found = faults(written, cut, anchors=kept)
    assert [(fault.chain, fault.seq) for fault in found] == [(CASE, 5), (CASE, 1)]


def test_an_edited_text_is_found(written: Store) -> None:
    def edit(session: Session, entries: list[Entry]) -> None:
        texts = copy.deepcopy(entries[2].texts)
        next(iter(texts.values()))[1] = "something else"
        entries[2].texts = texts

    assert [(fault.seq, fault.problem) for fault in faults(written, edit)] == [(3, "a text beside it was edited")]


def test_purged_texts_leave_the_chain_verifiable(written: Store) -> None:
    def purge(session: Session, entries: list[Entry]) -> None:
        for entry in entries:
            entry.texts = {}

    assert faults(written, purge) == []
    entries = written.read_now(lambda session: list(journal.entries(session, CASE)))
    assert all("secret" not in str((entry.told, entry.texts)) for entry in entries)
    notes = [change for entry in entries for change in journal.changes_of(entry) if isinstance(change, Change)]
    assert [change.values["text"] for change in notes if change.values] == [None] * 5


def test_purged_texts_are_gone_from_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'chatops.db'}"
    with Store(url) as store:
        schema.upgrade(url)
        happened = Happened("said", CASE, text="the-secret " * 2000)
        store.write_now(lambda session: journal.append(session, happened, at=START, who="a", where="b"))

        def purge(session: Session) -> None:
            for entry in session.exec(select(Entry)):
                entry.texts = {}

        store.write_now(purge)
    assert b"the-secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_writers_of_one_chain_get_numbers_without_gaps(postgres: str) -> None:
    """Two processes append to the installation's chain at once; who loses the race for a number runs again."""
    with Store(postgres) as one, Store(postgres) as two:
        schema.upgrade(postgres)

        def add(store: Store) -> None:
            while True:
                try:
                    store.write_now(
                        lambda session: journal.append(session, Happened("x"), at=START, who="a", where="b")
                    )
                except IntegrityError:
                    continue
                return

        threads = [threading.Thread(target=add, args=(store,)) for store in (one, two) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.read_now(journal.verify) == []
        assert one.read_now(journal.heads)["installation"][0] == 20
