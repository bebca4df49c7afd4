"""The way to PostgreSQL: an engine for a URL, the schemas in it, and their tables brought up to date. What is in the
tables is said in migrations/; who reads and writes them is in marts.py and exports.py.

Everything of Hemsil lives in one database:

    marts       views that marketers read, functions that the web may call
    platform    the tables behind the views
    live        what members say in the daytime: opt-outs, to be heeded at the moment of reading
    dagster     made and filled by Dagster, through schema_url
    mlflow      made and filled by MLflow, through schema_url
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
import sqlalchemy as sa
from psycopg2 import errors as pg
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError

from ml.errors import DatabaseUnavailable, SettingsError

logger = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"
ROLES = ("hemsil_owner", "hemsil_writer", "hemsil_marketer", "hemsil_web", "hemsil_mailer")
MIGRATING = 4865_001  # advisory lock: one process at a time changes the schemas


def open_database(url: str) -> Engine:
    """An engine for `postgresql://` or `postgresql+psycopg2://`. Nothing is connected yet.

    Values are kept out of error messages and logs, and a connection that died while idle is replaced unseen.
    Raises SettingsError for any other kind of URL; the URL itself, which may hold a password, is not repeated.
    """
    return sa.create_engine(
        _parsed(url).set(drivername="postgresql+psycopg2"),
        hide_parameters=True,
        pool_pre_ping=True,
        client_encoding="utf8",
        connect_args={"connect_timeout": 10, "application_name": "hemsil"},
    )


@contextmanager
def reaching(engine: Engine) -> Iterator[None]:
    """Around database work: a server that is away or goes away becomes DatabaseUnavailable, named without password."""
    try:
        yield
    except (OperationalError, InterfaceError, psycopg2.OperationalError, psycopg2.InterfaceError) as error:
        where = engine.url.set(password=None, query={}).render_as_string()
        raise DatabaseUnavailable(f"PostgreSQL at {where} did not do it: {first_line(error)}") from None


@contextmanager
def reaching_alone(url: str, what: str) -> Iterator[None]:
    """One holder of `what` at a time, for all processes of the database. It is a transaction's lock: it ends with the block,
    and with the process if that is killed. Raises DatabaseUnavailable."""
    engine = open_database(url)
    try:
        with reaching(engine), engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:what, 0))"), {"what": what})
            yield
    finally:
        engine.dispose()


def migrate(engine: Engine) -> None:
    """Bring the schemas marts, platform and live to the newest version, in one transaction.

    May be called by any number of processes at once: they take turns, and all but the first find nothing to do.
    Raises DatabaseUnavailable, or SettingsError when the user may not create schemas in the database, or when a newer Hemsil has
    been at it.
    """
    import alembic.command  # slow to load, and most processes find the schema in place
    import alembic.config
    from alembic.util.exc import CommandError

    with reaching(engine):
        try:
            with engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
                config = alembic.config.Config()
                config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")
                _tell_missing_roles(connection)
        except CommandError:
            raise SettingsError(
                "the database was set up by a newer Hemsil than this: use that, or a backup of the database from before"
            ) from None
        except DBAPIError as error:
            if isinstance(error.orig, pg.InsufficientPrivilege):
                raise SettingsError(
                    f"HEMSIL_DATABASE_URL: user {engine.url.username} may not set up the database: {first_line(error)}. "
                    f"Let its owner run: GRANT CREATE ON DATABASE {engine.url.database} TO {engine.url.username}"
                ) from None
            raise


def ensure_schema(engine: Engine, schema: str) -> None:
    """Make the schema unless it is there. Raises SettingsError when the user may not, DatabaseUnavailable."""
    _check_name(schema)
    with reaching(engine):
        try:
            with engine.begin() as connection:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
                if connection.scalar(sa.text("SELECT to_regnamespace(:name) IS NULL"), {"name": schema}):
                    connection.execute(sa.text(f'CREATE SCHEMA "{schema}"'))
        except DBAPIError as error:
            if isinstance(error.orig, pg.InsufficientPrivilege):
                raise SettingsError(f"HEMSIL_DATABASE_URL: the user may not make schema {schema}") from None
            raise


def schema_url(url: str, schema: str) -> str:
    """The same database with `schema` as the only one searched, for tools that know no schemas of their own.

    No `%` comes into the URL that was not in it, so that tools which hand it to an ini file need not double any.
    A connection pooler in front must pass the `options` parameter on (PgBouncer: connect to the server itself).

    >>> schema_url("postgresql://app@/db?host=/var/run/pg&port=5433", "mlflow")
    'postgresql://app@/db?host=/var/run/pg&port=5433&options=-csearch_path=mlflow'
    """
    _check_name(schema)
    parsed = _parsed(url)
    query = {name: [value] if isinstance(value, str) else list(value) for name, value in parsed.query.items()}
    query["options"] = [" ".join([*query.get("options", []), f"-csearch_path={schema}"])]
    pairs = [f"{name}={quote(value, safe='/=-_.,:')}" for name, values in query.items() for value in values]
    return parsed.set(query={}).render_as_string(hide_password=False) + "?" + "&".join(pairs)


def first_line(error: Exception) -> str:
    """What PostgreSQL says, without the lines after it, which may hold a row's values."""
    return str(getattr(error, "orig", error)).strip().splitlines()[0]


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in ("postgresql", "postgresql+psycopg2"):
        raise SettingsError("HEMSIL_DATABASE_URL must read postgresql://user:password@host:port/database")
    return parsed


def _check_name(schema: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", schema):
        raise SettingsError(f"a schema's name is lower-case letters, digits and _, not {schema!r}")


def _tell_missing_roles(connection: Connection) -> None:
    """Say which roles are not there, because this user may not make them. Everything else works without them."""
    for role in ROLES:
        if connection.scalar(sa.text("SELECT to_regrole(:role) IS NULL"), {"role": role}):
            logger.warning(
                "role %s is not there, and this user may not make it: let an administrator run CREATE ROLE %s NOLOGIN,"
                " then SELECT platform.grant_roles()",
                role,
                role,
            )
