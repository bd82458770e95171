"""The journal: append-only entries, each with the hash of the one before it, one chain a case and one for the
installation.

What is hashed holds no text of a case but a salted digest of each; the texts stand beside it and can be purged without
breaking the chain. Anchors record the heads of all chains, so that a cut tail or a missing case is noticed.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import Table, UniqueConstraint, create_engine, func
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlmodel import Field, Session, SQLModel, col, select

from chatops.model.base import Row, case_json, instant, json_column
from chatops.model.changes import STATE, Change, Happened, Moved, plain, project, revive

INSTALLATION = "installation"
GENESIS = "0" * 64
OPENED = "case opened"
"""In the installation's chain: that a case has a chain of its own."""


class Entry(Row, table=True):
    """One journal entry. ``told`` is what is hashed; ``texts`` maps the digests in it to [salt, text]."""

    __tablename__ = "journal"
    __table_args__: ClassVar = (UniqueConstraint("chain", "seq"),)

    id: int | None = Field(default=None, primary_key=True)
    chain: str
    seq: int
    at: datetime = instant(required=True)
    who: str
    where: str
    what: str
    told: dict[str, Any] = json_column()
    texts: dict[str, list[str]] = case_json()
    previous: str
    hash: str


class Anchor(Row, table=True):
    """The heads of all chains at one time: {chain: [sequence, hash]}."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = instant(required=True)
    heads: dict[str, list[Any]] = json_column()


@dataclass(frozen=True)
class Fault:
    """Something wrong in a chain, in words without text of a case."""

    chain: str
    seq: int
    problem: str


def _digest(salt: str, text: str) -> str:
    return hashlib.sha256(f"{salt}\n{text}".encode()).hexdigest()


def _entry_hash(chain: str, seq: int, at: datetime, who: str, where: str, what: str, told: Any, previous: str) -> str:
    moment = at.astimezone(UTC).isoformat()
    body = json.dumps([chain, seq, moment, who, where, what, told, previous], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(body.encode()).hexdigest()


def hash_of(entry: Entry) -> str:
    return _entry_hash(entry.chain, entry.seq, entry.at, entry.who, entry.where, entry.what, entry.told, entry.previous)


def append(session: Session, happened: Happened, *, at: datetime, who: str, where: str) -> None:
    """Journal what happened and project it, in the caller's transaction."""
    chain = happened.case or INSTALLATION
    last = session.exec(
        select(Entry.seq, Entry.hash).where(Entry.chain == chain).order_by(col(Entry.seq).desc()).limit(1)
    ).first()
    seq, previous = (last[0] + 1, last[1]) if last else (1, GENESIS)
    texts: dict[str, list[str]] = {}

    def aside(text: str) -> str:
        salt = secrets.token_hex(16)
        digest = _digest(salt, text)
        texts[digest] = [salt, text]
        return digest

    told: dict[str, Any] = {"facts": dict(happened.facts), "changes": []}
    if happened.text is not None:
        told["text"] = aside(happened.text)
    for change in happened.changes:
        facts, words = plain(change)
        told["changes"].append([facts, {name: aside(text) for name, text in words.items()}])
        project(session, change)
    session.add(
        Entry(
            chain=chain,
            seq=seq,
            at=at,
            who=who,
            where=where,
            what=happened.what,
            told=told,
            texts=texts,
            previous=previous,
            hash=_entry_hash(chain, seq, at, who, where, happened.what, told, previous),
        )
    )
    session.flush()
    if seq == 1 and chain != INSTALLATION:  # so that a chain that is gone as a whole is missed
        append(session, Happened(OPENED, facts={"case": chain}), at=at, who=who, where=where)


def changes_of(entry: Entry) -> Iterator[Change | Moved]:
    """The changes that an entry records."""
    for facts, words in entry.told["changes"]:
        yield revive(facts, {name: text_of(entry, digest) for name, digest in words.items()})


def text_of(entry: Entry, digest: str | None) -> str | None:
    """A text that stands beside an entry; None if it was purged."""
    kept = entry.texts.get(digest or "")
    return kept[1] if kept else None


def exported(entry: Entry) -> dict[str, Any]:
    """An entry as JSON: all that another machine needs to check the chain."""
    return {**entry.model_dump(exclude={"at"}), "at": entry.at.astimezone(UTC).isoformat()}


def replay(entries: Iterator[Entry], session: Session) -> None:
    """Project entries, in the order they were written, into empty state tables."""
    for entry in entries:
        for change in changes_of(entry):
            project(session, change)


def entries(session: Session, chain: str | None = None) -> Iterator[Entry]:
    """Entries in the order they were written."""
    query = select(Entry).order_by(col(Entry.id))
    if chain is not None:
        query = query.where(Entry.chain == chain)
    yield from session.exec(query.execution_options(yield_per=500))


def heads(session: Session) -> dict[str, list[Any]]:
    """The last sequence number and hash of each chain."""
    last = select(Entry.chain, func.max(Entry.seq).label("seq")).group_by(Entry.chain).subquery()
    rows = session.exec(
        select(Entry.chain, Entry.seq, Entry.hash).join(
            last, (col(Entry.chain) == last.c.chain) & (col(Entry.seq) == last.c.seq)
        )
    )
    return {chain: [seq, digest] for chain, seq, digest in rows}


def anchor(session: Session, at: datetime) -> dict[str, list[Any]]:
    """Record the heads of all chains, if they changed since the last anchor; give them back."""
    now = heads(session)
    last = session.exec(select(Anchor).order_by(col(Anchor.id).desc()).limit(1)).first()
    if last is None or last.heads != now:
        session.add(Anchor(at=at, heads=now))
        session.flush()
    return now


def verify(session: Session, anchors: Mapping[str, list[Any]] | None = None) -> list[Fault]:
    """Every edit, gap and cut that the chains and anchors show. ``anchors`` are heads kept elsewhere (log, export)."""
    claims = [(chain, head) for kept in session.exec(select(Anchor)) for chain, head in kept.heads.items()]
    return faults_of(entries(session), [*claims, *(anchors or {}).items()])


def faults_of(found: Iterable[Entry], claims: Sequence[tuple[str, list[Any]]]) -> list[Fault]:
    """Every edit, gap and cut in entries, in the order they were written. ``claims``: heads that chains once had."""
    faults: list[Fault] = []
    seen: dict[str, tuple[int, str]] = {}
    known: dict[tuple[str, int], str] = {}
    opened: dict[str, int] = {}
    wanted = {(chain, int(head[0])) for chain, head in claims}
    for entry in found:
        seq, previous = seen.get(entry.chain, (0, GENESIS))
        if entry.seq != seq + 1:
            faults.append(Fault(entry.chain, entry.seq, f"gap: entry {seq + 1} is missing"))
        elif entry.previous != previous:
            faults.append(Fault(entry.chain, entry.seq, "does not follow the entry before it"))
        if hash_of(entry) != entry.hash:
            faults.append(Fault(entry.chain, entry.seq, "edited: its hash is another"))
        if any(_digest(salt, text) != digest for digest, (salt, text) in entry.texts.items()):
            faults.append(Fault(entry.chain, entry.seq, "a text beside it was edited"))
        seen[entry.chain] = (entry.seq, entry.hash)
        if entry.chain == INSTALLATION and entry.what == OPENED:
            opened[entry.told["facts"]["case"]] = entry.seq
        if (entry.chain, entry.seq) in wanted:
            known[entry.chain, entry.seq] = entry.hash
    for chain, (seq, digest) in dict.fromkeys((chain, (int(head[0]), str(head[1]))) for chain, head in claims):
        if (chain, seq) not in known:
            faults.append(Fault(chain, seq, "cut: an anchor names an entry that is not there"))
        elif known[chain, seq] != digest:
            faults.append(Fault(chain, seq, "rewritten: an anchor names another hash"))
    for chain, seq in opened.items():
        if chain not in seen:
            faults.append(Fault(chain, 1, f"missing: entry {seq} of the installation says that it was opened"))
    return faults


def differences(session: Session) -> list[Fault]:
    """Where the state that is stored is another than the journal, replayed into an empty database, gives.

    A text that was purged from the journal is not compared.
    """
    engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)
    tables = [SQLModel.metadata.tables[str(row.__tablename__)] for row in STATE]
    SQLModel.metadata.create_all(engine, tables=tables)
    purged: set[tuple[str, tuple[Any, ...], str]] = set()
    with Session(engine) as again:
        for entry in entries(session):
            try:
                for change in changes_of(entry):
                    project(again, change)
            except (LookupError, SQLAlchemyError):
                return [Fault(entry.chain, entry.seq, "cannot be replayed: what it changes is not there")]
            for facts, words in entry.told["changes"]:
                spots = {(facts[1], tuple(facts[2].values()), name): digest for name, digest in words.items()}
                purged -= spots.keys()
                purged |= {spot for spot, digest in spots.items() if digest not in entry.texts}
        faults = [fault for table in tables for fault in _unlike(table, session, again, purged)]
    engine.dispose()
    return faults


def _unlike(
    table: Table, session: Session, again: Session, purged: set[tuple[str, tuple[Any, ...], str]]
) -> Iterator[Fault]:
    keys = [column.name for column in table.primary_key]

    def rows(where: Session) -> dict[tuple[Any, ...], dict[str, Any]]:
        found = (dict(row) for row in where.execute(table.select()).mappings())
        return {tuple(row[key] for key in keys): row for row in found}

    stored, told = rows(session), rows(again)
    for key in sorted(stored.keys() | told.keys()):
        row, other = stored.get(key), told.get(key)
        chain = key[0] if table.name == "case" else (row or other or {}).get("case") or INSTALLATION
        name = f"{table.name} {'/'.join(map(str, key))}"
        if row is None or other is None:
            yield Fault(chain, 0, f"{name} is {'missing' if row is None else 'not of the journal'}")
            continue
        odd = [column.name for column in table.columns if row[column.name] != other[column.name]]
        odd = [column for column in odd if (table.name, key, column) not in purged]
        if odd:
            yield Fault(chain, 0, f"{name} is not as the journal says: {', '.join(odd)}")
