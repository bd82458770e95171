from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from chatops import migrations
from chatops.service import schema
from chatops.service.engines import write_engine
from chatops.service.store import Store


def execute(url: str, statement: str) -> None:
    engine = write_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_an_empty_database_is_brought_to_the_models_schema(database_url: str) -> None:
    missing = schema.check(database_url)
    assert "revision none, not 0001" in missing
    assert "add table inbox" in missing
    schema.upgrade(database_url)
    assert schema.check(database_url) == []
    schema.upgrade(database_url)
    assert schema.check(database_url) == []


def test_differences_are_found(database_url: str) -> None:
    schema.upgrade(database_url)
    execute(database_url, "ALTER TABLE timer DROP COLUMN kind")
    execute(database_url, "DROP INDEX ix_outbox_event")
    assert sorted(schema.check(database_url)) == ["add column timer kind", "add index outbox ix_outbox_event"]


def test_a_newer_schema_is_refused_and_left_alone(database_url: str) -> None:
    schema.upgrade(database_url)
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    for refused in (schema.upgrade, schema.check):
        with pytest.raises(schema.NewerSchema, match="9999"):
            refused(database_url)


def test_an_upgrade_that_fails_changes_nothing(database_url: str) -> None:
    execute(database_url, "CREATE TABLE timer (x INTEGER)")
    with pytest.raises(Exception, match="timer"):
        schema.upgrade(database_url)
    execute(database_url, "DROP TABLE timer")
    schema.upgrade(database_url)
    assert schema.check(database_url) == []


def test_it_upgrades_under_an_open_store(database_url: str) -> None:
    """As at a start: the store holds the lock, then the schema is seen to, then the loops begin."""
    with Store(database_url) as store:
        schema.upgrade(database_url)
        assert store.read_now(lambda session: session.execute(text("SELECT count(*) FROM inbox")).scalar_one()) == 0


def test_migrations_name_plain_types_only() -> None:
    """A migration must mean the same for ever, whatever becomes of the models' types."""
    for path in (Path(migrations.__file__).parent / "versions").glob("*.py"):
        used = set(re.findall(r"sa\.(\w+)\(", path.read_text()))
        assert used <= {"Column", "PrimaryKeyConstraint", "UniqueConstraint"} | {
            "Boolean",
            "BigInteger",
            "DateTime",
            "Integer",
            "String",
            "Text",
        }
        assert "DateTime()" not in path.read_text(), "with time zone"
        assert "chatops" not in path.read_text()


def test_a_migration_can_be_drafted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path / 'scratch.db'}"
    schema.upgrade(url)
    execute(url, "ALTER TABLE timer DROP COLUMN kind")
    made = Path(schema.draft(url, "drafted by a test"))
    try:
        assert 'sa.Column("kind", sa.String(), nullable=False)' in made.read_text().replace("'", '"')
    finally:
        made.unlink()
