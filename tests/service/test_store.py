from __future__ import annotations

import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import Session, select

from chatops.model.flow import Cursor
from chatops.service import schema
from chatops.service.engines import read_engine
from chatops.service.store import Closed, Locked, Store, Undone, nested


def remember(name: str, value: str = "x") -> Cursor:
    return Cursor(name=name, value=value)


def names(store: Store) -> list[str]:
    return sorted(store.read_now(lambda session: session.exec(select(Cursor.name)).all()))


@contextmanager
def busy(store: Store) -> Iterator[None]:
    """Keeps the (only) writer occupied, so that what is handed in meanwhile waits together."""
    go, begun = threading.Event(), threading.Event()

    def job(session: Session) -> None:
        begun.set()
        assert go.wait(10)

    held = threading.Thread(target=store.write_now, args=(job,))
    held.start()
    assert begun.wait(10)
    yield
    go.set()
    held.join()


@pytest.fixture
def single(database_url: str) -> Iterator[Store]:
    """A store with one writer, also on PostgreSQL."""
    with Store(database_url, writers=1) as made:
        yield made


def hand_in(store: Store, count: int, failing: int | None = None) -> list[threading.Thread]:
    problems: list[str] = []

    def one(number: int) -> None:
        def job(session: Session) -> None:
            session.add(remember(f"n{number:02}"))
            session.flush()
            if number == failing:
                raise LookupError(number)

        try:
            store.write_now(job)
        except LookupError as error:
            problems.append(str(error))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    while store._jobs.qsize() < count:
        pass
    assert problems == []
    return threads


def test_writes_that_wait_share_a_commit(single: Store) -> None:
    before = single.commits
    with busy(single):
        threads = hand_in(single, 30)
    for thread in threads:
        thread.join()
    assert len(names(single)) == 30
    assert single.commits - before == 2  # the one that kept the writer busy, and one for all thirty


def test_a_failing_job_rolls_back_alone(single: Store) -> None:
    with busy(single):
        threads = hand_in(single, 10, failing=4)
    for thread in threads:
        thread.join()
    assert names(single) == [f"n{number:02}" for number in range(10) if number != 4]


async def test_an_error_reaches_its_caller_only(store: Store) -> None:
    await store.write(lambda session: session.add(remember("taken")))
    with pytest.raises(IntegrityError):
        await store.write(lambda session: session.add(remember("taken")))
    await store.write(lambda session: session.add(remember("free")))
    assert names(store) == ["free", "taken"]


def test_the_caller_is_answered_after_the_commit(store: Store, database_url: str) -> None:
    """While the commit is under way nobody was answered, and nobody else sees the row."""
    committing, go = threading.Event(), threading.Event()

    @event.listens_for(store._writing, "commit")
    def _commit(connection: object) -> None:
        committing.set()
        assert go.wait(10)

    future = store._hand_in(lambda session: session.add(remember("late")))
    assert committing.wait(10)
    assert not future.done()
    assert names(store) == []
    go.set()
    assert future.result(10) is None
    assert names(store) == ["late"]


def test_a_failed_commit_reaches_every_caller(store: Store) -> None:
    @event.listens_for(store._writing, "commit", once=True)
    def _commit(connection: object) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        store.write_now(lambda session: session.add(remember("lost")))
    store.write_now(lambda session: session.add(remember("kept")))
    assert names(store) == ["kept"]


def test_rows_are_never_stale(store: Store) -> None:
    def job(session: Session) -> list[str]:
        session.add(remember("a", "old"))
        session.flush()
        with nested(session) as inner:
            inner.execute(text("UPDATE cursor SET value = 'new'"))
        with nested(session) as inner:
            return [inner.get_one(Cursor, "a").value]

    assert store.write_now(job) == ["new"]
    assert store.write_now(lambda session: session.get_one(Cursor, "a")).value == "new"


def test_reading_cannot_write(store: Store) -> None:
    def job(session: Session) -> None:
        session.add(remember("sneaked"))
        session.flush()

    with pytest.raises(DBAPIError):
        store.read_now(job)
    assert names(store) == []


async def test_reading_goes_on_beside_a_writer(single: Store) -> None:
    with busy(single):
        assert await single.read(lambda session: session.exec(select(Cursor)).all()) == []


def test_errors_do_not_quote_values(store: Store) -> None:
    store.write_now(lambda session: session.add(remember("taken")))

    def job(session: Session) -> None:
        session.execute(
            text("INSERT INTO cursor (name, value) VALUES (:name, :value)"), {"name": "taken", "value": "🤫"}
        )

    with pytest.raises(IntegrityError) as raised:
        store.write_now(job)
    assert "🤫" not in str(raised.value)


def test_closing_finishes_what_was_handed_in(single: Store, database_url: str) -> None:
    with busy(single):
        threads = hand_in(single, 10)
        closing = threading.Thread(target=single.close)
        closing.start()
    for thread in [*threads, closing]:
        thread.join()
    with pytest.raises(Closed):
        single.write_now(lambda session: None)
    engine = read_engine(database_url, connections=1)
    with Session(engine) as session:
        assert len(session.exec(select(Cursor)).all()) == 10
    engine.dispose()


def test_a_job_must_not_wait_for_another(store: Store) -> None:
    with pytest.raises(RuntimeError):
        store.write_now(lambda session: store.write_now(lambda inner: None))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'chatops.db'}"
    program = f"from chatops.service.store import Store, Locked\ntry:\n Store({url!r})\nexcept Locked as e:\n print(e)"
    with Store(url):
        found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        assert found.stdout.count("\n") == 1
        assert "another process uses" in found.stdout
        with pytest.raises(Locked):
            Store(url)
    Store(url).close()


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'chatops.db'}"
    with Store(url):
        schema.upgrade(url)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) >= 2
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://localhost/x", "mysql://localhost/x"]
)
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="database"):
        Store(url)


def test_sqlite_is_durable_and_guarded(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'chatops.db'}"

    def pragmas(session: Session) -> list[object]:
        wanted = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "query_only")
        return [session.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted]

    with Store(url) as store:
        assert store.write_now(pragmas) == ["wal", 2, 1, 1, 0]
        assert store.read_now(pragmas) == ["wal", 2, 1, 1, 1]


def test_a_transaction_rolled_back_by_sqlite_itself_is_noticed(tmp_path: Path) -> None:
    """As after "disk full": what follows would be committed statement by statement, what came before is gone."""
    url = f"sqlite:///{tmp_path / 'chatops.db'}"
    with Store(url) as store:
        schema.upgrade(url)

        def job(session: Session) -> None:
            session.add(remember("before"))
            session.flush()
            try:
                with nested(session) as inner:
                    inner.connection().exec_driver_sql("ROLLBACK")
                    raise LookupError
            finally:
                session.connection().exec_driver_sql("INSERT INTO cursor VALUES ('after', 'x')")

        with pytest.raises(Undone):
            store.write_now(job)
        store.write_now(lambda session: session.add(remember("next")))
        assert "before" not in names(store)
        assert "next" in names(store)


def test_of_two_that_deadlock_both_get_through(postgres: str) -> None:
    """PostgreSQL breaks the deadlock by failing one; that one is run again, from the start."""
    with Store(postgres) as one, Store(postgres) as two:
        schema.upgrade(postgres)
        one.write_now(lambda session: session.add_all([remember("a", ""), remember("b", "")]))
        both = threading.Barrier(2, timeout=10)

        def job(who: str, first: str, second: str) -> Callable[[Session], None]:
            met: list[bool] = []

            def run(session: Session) -> None:
                for name in (first, second):
                    given = {"who": who, "name": name}
                    session.execute(text("UPDATE cursor SET value = value || :who WHERE name = :name"), given)
                    if not met:
                        met.append(True)
                        both.wait()

            return run

        a = one._hand_in(job("1", "a", "b"))
        b = two._hand_in(job("2", "b", "a"))
        a.result(20)
        b.result(20)
        values = one.read_now(lambda session: session.exec(select(Cursor.value)).all())
        assert sorted("".join(sorted(value)) for value in values) == ["12", "12"]
