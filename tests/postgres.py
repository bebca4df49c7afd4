"""PostgreSQL for tests: one embedded server for the whole session, and databases on it, empty or with marts."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url

from resources.database import migrate, open_database
from resources.embedded_postgres import EmbeddedPostgres
from resources.marts import Marts

PUBLISHED = [
    f"platform.{table}"
    for table in (
        "pointer",
        "batches",
        "campaigns",
        "offers",
        "suppressions",
        "reasks",
        "said",
        "scopes",
        "same_person",
    )
]
LIVE = [f"live.{table}" for table in ("events", "feedback", "preferences", "claims", "feeds", "erased")]

_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """A running server. `url` is that of its first database."""

    url: str

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test_{next(_numbers)}"
        self.run(f'CREATE DATABASE "{name}" TEMPLATE template0')
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Drop it, sending away who is still connected."""
        self.run(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        connection.cursor().execute(statement)
        connection.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The embedded server, in a folder that goes away with it."""
    folder = Path(tempfile.mkdtemp(prefix="hemsil-pg-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "postgres")
    try:
        running = PostgresServer(server.up())
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # a crash of the machine loses nothing here
            running.run(f"ALTER SYSTEM SET {setting} = off")
        running.run("SELECT pg_reload_conf()")
        yield running
    finally:
        server.down()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database, one for each test module."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture(scope="session")
def migrated(postgres_server: PostgresServer) -> Iterator[Engine]:
    """A database with all migrations, shared by the tests that ask for `marts`."""
    engine = open_database(postgres_server.new_database())
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def marts(migrated: Engine) -> Marts:
    """Marts in which nothing has been published yet, and of which no member has said anything."""
    with migrated.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))  # the ledger lets nobody empty it
        connection.execute(text(f"TRUNCATE {', '.join([*LIVE, *PUBLISHED])}"))
    return Marts(migrated)
