"""The store: every read and write of the database goes through here.

Writers hand in functions of a session. A writer thread takes all that wait and runs them in one transaction, each under
a savepoint of its own (group commit): many small writes share one flush to disk, and one that fails rolls back alone.
A caller is answered only after the commit is durable.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from chatops.service.engines import contended, database_file, read_engine, touch_private, write_engine

T = TypeVar("T")

TRIES = 3
"""How often a job that lost against another process (deadlock) is tried."""


class Locked(Exception):
    """Another process has the SQLite file open."""


class Closed(Exception):
    """The store was closed."""


@dataclass(eq=False)
class _Job:
    run: Callable[[Session], Any]
    tries: int = 0
    answer: Future[Any] = field(default_factory=Future)


class Undone(Exception):
    """The database rolled back more than a savepoint (disk full, I/O error): nothing of the transaction is left."""


def lost(error: BaseException) -> bool:
    """Whether an error under a savepoint means that the transaction around it should be given up, not only the
    savepoint: it is gone, or another writer must be let through first.
    """
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return isinstance(error, Undone) or contended(error)


@contextmanager
def nested(session: Session | Connection) -> Iterator[Session]:
    """A fresh session under a savepoint of a running transaction.

    Fresh, because projections change rows beneath the ORM: rows loaded before would be stale. What the block wrote is
    kept when it ends, and undone alone when it raises. Raises :class:`Undone` if it was not undone alone.
    """
    connection = session if isinstance(session, Connection) else session.connection()
    try:
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as inner:
            yield inner
            inner.commit()
    except BaseException as error:
        # After such a rollback SQLite would commit each further statement by itself, and the rest for nothing.
        if connection.dialect.name == "sqlite" and not _begun(connection):
            raise Undone from error
        raise


def _begun(connection: Connection) -> bool:
    driver = connection.connection.driver_connection
    return isinstance(driver, sqlite3.Connection) and driver.in_transaction


class Store:
    """A database, by URL: ``sqlite:////path/to/file`` or ``postgresql+psycopg://…``.

    On SQLite one thread writes, beside it ``readers`` read; a second process on the same file is refused
    (:class:`Locked`). On PostgreSQL ``writers`` threads write, and other processes may. A function handed in may be run
    again if it loses against another process, so it must do nothing but work on its session; rows that it gives back
    are detached. Errors of the database may quote text of a case: log their type only.
    """

    def __init__(self, url: str, *, readers: int = 4, writers: int = 3, batch: int = 64) -> None:
        file = database_file(url)
        self.url = url
        self.commits = 0  # transactions committed, for tests and health
        self._lock = _lock(file) if file else None
        writers = 1 if file else writers
        self._batch = batch
        self._writing = write_engine(url, connections=writers)
        self._reading = read_engine(url, connections=readers)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._door = threading.Lock()  # between handing in a job and closing
        self._closed = False
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="store-read")
        self._threads = [
            threading.Thread(target=self._run, name=f"store-write-{n}", daemon=True) for n in range(writers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def alone(self) -> bool:
        """Whether no other process can be at work on this database."""
        return self._lock is not None

    async def write(self, fn: Callable[[Session], T]) -> T:
        """Run ``fn`` in a transaction; return what it returned once that is durable.

        Raises what ``fn`` raised (then nothing of it is kept), an error of the database, or :class:`Closed`. Cancelling
        the caller drops a job that has not begun; one that has begun is committed all the same.
        """
        return await asyncio.wrap_future(self._hand_in(fn))

    async def read(self, fn: Callable[[Session], T]) -> T:
        """Run ``fn`` on one snapshot of the database, beside the writer. It cannot write."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.read_now, fn)

    def write_now(self, fn: Callable[[Session], T]) -> T:
        """:meth:`write` without an event loop (command line, tests)."""
        if threading.current_thread() in self._threads:
            raise RuntimeError("a job may not hand in another and wait for it")
        return self._hand_in(fn).result()

    def read_now(self, fn: Callable[[Session], T]) -> T:
        """:meth:`read` without an event loop."""
        with Session(self._reading, expire_on_commit=False) as session:
            return fn(session)

    def close(self) -> None:
        """Finish what was handed in, then let go of the database. Further calls do nothing."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            for _ in self._threads:
                self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._pool.shutdown()
        self._writing.dispose()
        self._reading.dispose()
        if self._lock is not None:
            os.close(self._lock)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _hand_in(self, fn: Callable[[Session], T]) -> Future[T]:
        job = _Job(fn)
        with self._door:
            if self._closed:
                raise Closed
            self._jobs.put(job)
        return job.answer

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            again = self._commit(self._waiting(job))
            while again:
                again = self._commit([again.pop(0)]) + again

    def _waiting(self, first: _Job) -> list[_Job]:
        """``first`` and those that wait behind it, as many as one transaction should take."""
        jobs = [first]
        with suppress(Empty):
            while len(jobs) < self._batch:
                following = self._jobs.get_nowait()
                if following is None:
                    self._jobs.put(None)  # seen again once the batch is done, by this thread or another
                    break
                jobs.append(following)
        return [job for job in jobs if job.answer.set_running_or_notify_cancel()]

    def _commit(self, jobs: list[_Job]) -> list[_Job]:
        """Run jobs in one transaction and answer them after its commit. Gives back those to be tried again."""
        if len(jobs) == 1:
            return self._commit_alone(jobs[0])
        done: list[tuple[_Job, Any]] = []
        failed: list[tuple[_Job, BaseException]] = []
        again: list[_Job] = []
        try:
            with self._writing.begin() as connection:
                for job in jobs:
                    job.tries += 1
                    try:
                        with nested(connection) as session:
                            done.append((job, job.run(session)))
                    except Undone:
                        raise
                    except BaseException as error:
                        if done and done[-1][0] is job:  # it ran, but its flush failed
                            done.pop()
                        if contended(error) and job.tries < TRIES:
                            again.append(job)
                        else:
                            failed.append((job, error))
        except BaseException as error:  # begin, commit or the connection failed: nobody may believe in their write
            answered = [job for job, _ in failed]
            failed += [(job, error) for job in jobs if job not in answered]
            done, again = [], []
        else:
            self.commits += 1
        for job, result in done:
            job.answer.set_result(result)
        for job, problem in failed:
            job.answer.set_exception(problem)
        return again

    def _commit_alone(self, job: _Job) -> list[_Job]:
        """As :meth:`_commit` for one job, which needs no savepoint: the transaction is its own."""
        job.tries += 1
        try:
            with (
                self._writing.begin() as connection,
                Session(connection, join_transaction_mode="rollback_only", expire_on_commit=False) as session,
            ):
                result = job.run(session)
                session.flush()
        except BaseException as error:
            if contended(error) and job.tries < TRIES:
                return [job]
            job.answer.set_exception(error)
            return []
        self.commits += 1
        job.answer.set_result(result)
        return []


def _lock(file: Path) -> int:
    """Hold ``<file>.lock`` until closed (or until the process dies, however it dies)."""
    path = file.with_name(file.name + ".lock")
    touch_private(path)
    lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Locked(f"another process uses {file}: stop it first, or give this one a database of its own") from None
    return lock
