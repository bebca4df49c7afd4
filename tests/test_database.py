"""The way to PostgreSQL: URLs, schemas, migrations."""

import logging
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection, make_url

from ml.errors import SettingsError
from resources.database import MIGRATIONS, ensure_schema, migrate, open_database, schema_url
from tests.batch_rows import rows
from tests.postgres import PostgresServer


@pytest.fixture
def empty(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop_database(url)


@contextmanager
def another_user(server: PostgresServer, url: str, may_create: bool) -> Iterator[str]:
    """The URL for a user who may make no roles, and schemas if told so."""
    database = make_url(url).database
    server.run("CREATE ROLE guest LOGIN NOCREATEROLE")
    if may_create:
        server.run(f'GRANT CREATE ON DATABASE "{database}" TO guest')
    try:
        yield make_url(url).set(username="guest").render_as_string(hide_password=False)
    finally:
        server.run(f'ALTER DATABASE "{database}" OWNER TO CURRENT_USER')
        with open_database(url).begin() as connection:
            connection.execute(sa.text("DROP OWNED BY guest CASCADE"))
        server.run("DROP ROLE guest")


def migrate_at(url: str) -> None:
    migrate(open_database(url))


def migrate_as_far_as(connection: Connection, revision: str) -> None:
    """The database as a Hemsil of that time has left it, but for the comments."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    connection.execute(sa.text("CREATE SCHEMA platform"))
    where = {"version_table": "schema_version", "version_table_schema": "platform"}
    context = MigrationContext.configure(connection, opts=where)
    with Operations.context(context):
        for script in reversed([*scripts.walk_revisions(head=revision)]):
            script.module.upgrade()
    context.stamp(scripts, revision)


def test_a_database_can_be_migrated_any_number_of_times(database: str) -> None:
    engine = open_database(database)
    migrate(engine)
    before = rows(
        engine, "SELECT c.relname, d.description, d.xmin::text FROM pg_description d JOIN pg_class c ON c.oid = objoid"
    )
    migrate(engine)
    assert before == rows(
        engine, "SELECT c.relname, d.description, d.xmin::text FROM pg_description d JOIN pg_class c ON c.oid = objoid"
    )
    assert rows(engine, "SELECT count(*) FROM platform.schema_version") == [(1,)]


def test_offers_published_before_their_class_was_kept_stay_and_an_objection_hides_them_all(empty: str) -> None:
    engine = open_database(empty)
    with engine.begin() as connection:
        migrate_as_far_as(connection, "0009")
    rows(
        engine,
        "INSERT INTO platform.batches (batch, batch_id, business_date, state, token, fingerprint, model_version, policy_version,"
        " fallback_step, watermarks, run_id) VALUES (1, 'b', '2017-10-30', 'published', 1, 'f', '7', 'p', 'A', '{}', 'r')",
    )
    rows(
        engine,
        "INSERT INTO platform.offers SELECT 1, member_id, 1, 'recall', 'washer', 'email', 0.5, NULL, 'x', '{}', '{}', now(), now()"
        " FROM unnest(ARRAY['anna', 'berit']) AS of (member_id)",
    )
    migrate(engine)
    kept = "SELECT member_id, message_class FROM marts.offer_history ORDER BY 1"
    assert rows(engine, kept) == [("anna", None), ("berit", None)]
    rows(engine, "SELECT marts.opt_out('anna')")
    assert rows(engine, kept) == [("berit", None)]
    engine.dispose()


def test_a_database_of_a_newer_hemsil_is_named_as_what_it_is(empty: str) -> None:
    engine = open_database(empty)
    migrate(engine)
    rows(engine, "UPDATE platform.schema_version SET version_num = '9999'")
    with pytest.raises(SettingsError, match="set up by a newer Hemsil"):
        migrate(engine)
    engine.dispose()


def test_three_processes_may_migrate_an_empty_database_at_once(empty: str) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("forkserver")) as pool:
        list(pool.map(migrate_at, [empty] * 3))
    assert rows(open_database(empty), "SELECT count(*) FROM marts.offer_table") == [(0,)]


def test_comments_follow_the_definitions_even_when_somebody_changed_them(database: str) -> None:
    engine = open_database(database)
    migrate(engine)
    rows(engine, "COMMENT ON COLUMN marts.offer_table.slot IS 'something else'")
    migrate(engine)
    assert rows(engine, "SELECT col_description('marts.offer_table'::regclass, 4)") == [
        ("Place among the member's offers, 1 is the best.",)
    ]


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2"])
def test_both_ways_to_write_the_url_are_taken(database: str, scheme: str) -> None:
    url = make_url(database).set(drivername=scheme).render_as_string(hide_password=False)
    assert rows(open_database(url), "SELECT 1") == [(1,)]


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "postgresql+psycopg://u:secret@h/d", "secret", "postgres://u:secret@h/d"]
)
def test_any_other_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SettingsError) as refused:
        open_database(url)
    assert "secret" not in str(refused.value)


def test_tools_that_know_no_schemas_find_theirs_by_the_url(database: str) -> None:
    ensure_schema(open_database(database), "mlflow")
    ensure_schema(open_database(database), "mlflow")
    url = schema_url(database, "mlflow")
    assert "%" not in url
    rows(open_database(url), "CREATE TABLE experiments (x int)")
    assert rows(open_database(database), "SELECT schemaname FROM pg_tables WHERE tablename = 'experiments'") == [
        ("mlflow",)
    ]


def test_the_schema_is_added_to_what_the_url_says_already() -> None:
    url = schema_url("postgresql://a:p%40ss@db.example:5432/hemsil?sslmode=require&options=-cwork_mem%3D8MB", "dagster")
    parsed = make_url(url)
    assert (parsed.password, parsed.query["sslmode"]) == ("p@ss", "require")
    assert parsed.query["options"] == "-cwork_mem=8MB -csearch_path=dagster"
    assert url.count("%") == 2  # the one of the password, and the space between two options


def test_a_schema_s_name_cannot_smuggle_anything_in(database: str) -> None:
    for name in ('x"; drop schema public', "Public", "a b", ""):
        with pytest.raises(SettingsError, match="lower-case"):
            ensure_schema(open_database(database), name)
        with pytest.raises(SettingsError, match="lower-case"):
            schema_url(database, name)


def test_a_user_who_may_make_no_schema_is_told_what_to_ask_for(postgres_server: PostgresServer, empty: str) -> None:
    with another_user(postgres_server, empty, may_create=False) as url:
        engine = open_database(url)
        with pytest.raises(SettingsError, match="GRANT CREATE ON DATABASE"):
            migrate(engine)
        with pytest.raises(SettingsError, match="may not make schema dagster"):
            ensure_schema(engine, "dagster")
        engine.dispose()


def test_a_user_who_may_make_no_roles_gets_everything_else_and_a_warning(
    postgres_server: PostgresServer, empty: str, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(open_database(postgres_server.url))  # so that the roles are there to be put aside
    roles = ("hemsil_marketer", "hemsil_web", "hemsil_mailer")
    for role in roles:
        postgres_server.run(f"ALTER ROLE {role} RENAME TO {role}_aside")
    try:
        with another_user(postgres_server, empty, may_create=True) as url, caplog.at_level(logging.WARNING):
            engine = open_database(url)
            migrate(engine)
            assert rows(engine, "SELECT count(*) FROM marts.offer_table") == [(0,)]
            engine.dispose()
    finally:
        for role in roles:
            postgres_server.run(f"ALTER ROLE {role}_aside RENAME TO {role}")
    for role in roles:
        assert any(f"role {role} is not there" in message for message in caplog.messages)
