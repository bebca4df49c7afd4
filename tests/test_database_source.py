"""Databases as sources: SQLite and PostgreSQL. What they have in common with other sources is told in source_contract.py."""

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from ml.errors import SourceUnavailable
from ml.quality import check_tables
from resources.sources import ClubSource, open_source
from tests.clubs import TIMEZONE, tiny_club, write_database_club
from tests.conftest import NOW
from tests.postgres import PostgresServer
from tests.source_contract import ClubContract, OpenClub, column, told


class TestSqlite(ClubContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_club(cls, engine: Backend, tmp_path_factory: pytest.TempPathFactory) -> OpenClub:
        def opened(frames: Mapping[str, pd.DataFrame]) -> ClubSource:
            url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'club.db'}"
            write_database_club(url, dict(frames))
            return open_source(url, engine, TIMEZONE)

        return opened

    def test_a_file_that_is_no_database_is_told_without_its_content(self, engine: Backend, tmp_path: Path) -> None:
        (tmp_path / "club.db").write_text("secret " * 1000)
        with pytest.raises(SourceUnavailable, match=r"sqlite:.*club.db cannot be read \(DatabaseError\)") as caught:
            open_source(f"sqlite:///{tmp_path / 'club.db'}", engine, TIMEZONE).tables()
        assert "secret" not in told(caught.value)

    def test_a_value_is_never_lost_to_the_databases_type(self, engine: Backend, tmp_path: Path) -> None:
        """SQLite keeps any text in a date column, where a reader of types would stop at the first bad one."""
        url = f"sqlite:///{tmp_path / 'club.db'}"
        write_database_club(url, tiny_club())
        with sqlite3.connect(tmp_path / "club.db") as connection:
            connection.execute("UPDATE mailings SET sent_at = 'yesterday' WHERE mailing_id = 'x4'")
        connection.close()
        checked = check_tables(open_source(url, engine, TIMEZONE).tables(), NOW)
        assert checked.counts["mailings"] == (4, 1)


class TestPostgres(ClubContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_club(cls, engine: Backend, postgres_server: PostgresServer) -> OpenClub:
        def opened(frames: Mapping[str, pd.DataFrame]) -> ClubSource:
            url = postgres_server.new_database()
            write_database_club(url, dict(frames))
            return open_source(url, engine, TIMEZONE)

        return opened

    def test_its_own_types_read_as_the_contracts(self, engine: Backend, postgres_server: PostgresServer) -> None:
        url = postgres_server.new_database()
        write_database_club(url, tiny_club())
        execute(
            url,
            """ALTER TABLE campaigns ALTER channels TYPE text[]
                   USING string_to_array(translate(channels, '[]" ', ''), ',')""",
            "ALTER TABLE offers ALTER audience_rule TYPE jsonb USING audience_rule::jsonb",
            "ALTER TABLE transactions ALTER amount TYPE numeric(12, 2), ALTER quantity TYPE numeric",
            "ALTER TABLE mailings ALTER sent_at TYPE timestamptz USING sent_at AT TIME ZONE 'UTC'",
            "ALTER TABLE stores ADD COLUMN logo bytea DEFAULT 'x'",
        )
        checked = check_tables(open_source(url, engine, TIMEZONE).tables(), NOW)
        assert column(checked, "campaigns", "channels") == [["email", "post"], ["email", "sms"]]
        assert column(checked, "offers", "audience_rule")[1] == '{"interest": ["fishing"]}'
        assert str(column(checked, "transactions", "amount")[0]) == "89.8000"
        assert column(checked, "mailings", "sent_at")[0] == datetime.fromisoformat("2024-01-08T07:00")
        assert sum(bad for _, bad in checked.counts.values()) == 0

    def test_a_server_that_is_away_is_told_without_user_and_password(self, engine: Backend) -> None:
        url = "postgresql://kari:hunter2@127.0.0.1:9/club"
        with pytest.raises(SourceUnavailable, match=r"postgresql://127.0.0.1:9/club cannot be read") as caught:
            open_source(url, engine, TIMEZONE).tables()
        assert "hunter2" not in told(caught.value)


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
