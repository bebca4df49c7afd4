"""A club's tables in a database that SQLAlchemy can reach: postgresql://, sqlite:///, or another with its driver installed."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from ml.errors import ContractError, SettingsError, SourceUnavailable
from ml.reading import read
from ml.source_tables import SOURCE_TABLES
from ml.tables import Type
from resources.sources.base import EVENTS, day_after_newest_event, require_tables

DELIVERIES = "deliveries"  # the club's own record of when its tables were last filled, should it keep one
_ROWS_AT_A_TIME = 50_000


class DatabaseSource:
    """Tables or views of the default schema, named as the contract's tables. They are only read."""

    name = "database"
    first_date: date | None = None
    last_date: date | None = None
    backtest_from: date | None = None
    note = ""

    def __init__(self, url: str, con: Backend, timezone: str):
        """Raises SettingsError when the URL is not one, or its driver is not installed."""
        self._con = con
        self.timezone = timezone
        try:
            self._url = sa.make_url(url)
            self._url.get_dialect().import_dbapi()
        except (sa.exc.ArgumentError, ImportError) as error:
            scheme = url.partition("://")[0]
            raise SettingsError(
                f"HEMSIL_SOURCE: a database URL beginning with {scheme}:// cannot be used ({type(error).__name__}); "
                "postgresql:// and sqlite:/// can, others when their SQLAlchemy driver is installed"
            ) from None

    def default_business_date(self, today: date) -> date:
        return day_after_newest_event(self._read_all({t.name for t in EVENTS}), self.timezone, today)

    def origins(self) -> Mapping[str, str]:
        return {t.name: f"in {self._where}" for t in SOURCE_TABLES}

    def tables(self) -> dict[str, ir.Table]:
        """See `ClubSource.tables`. All tables are copied in one transaction, so that they tell of one moment."""
        return self._read_all({t.name for t in SOURCE_TABLES})

    def delivered(self) -> Mapping[str, datetime]:
        """What the table or view `deliveries` (table_name, delivered_at) says, the newest row of each table; nothing where
        there is none. Raises ContractError where it cannot be understood."""
        with self._opened() as (connection, columns):
            if DELIVERIES not in columns:
                return {}
            if not {"table_name", "delivered_at"} <= set(columns[DELIVERIES]):
                raise ContractError(
                    f"table {DELIVERIES} in {self._where} must have the columns table_name and delivered_at"
                )
            said = self._copy(connection, DELIVERIES, ["table_name", "delivered_at"])
        at = read(said["delivered_at"], Type.TIME)
        if at is None or said.filter(at.type).count().to_pyarrow().as_py():
            raise ContractError(
                f"table {DELIVERIES} in {self._where}: delivered_at must be a time, as 2024-03-31T01:30:00Z"
            )
        newest = said.group_by("table_name").aggregate(at=at.value.max()).to_pyarrow().to_pylist()
        return {row["table_name"]: row["at"] for row in newest if row["at"] is not None}

    def _read_all(self, wanted: Collection[str]) -> dict[str, ir.Table]:
        with self._opened() as (connection, columns):
            names = [t.name for t in SOURCE_TABLES if t.name in columns]
            require_tables(names, f"the database {self._where}")
            return {name: self._copy(connection, name, columns[name]) for name in names if name in wanted}

    @contextmanager
    def _opened(self) -> Iterator[tuple[sa.Connection, dict[str, list[str]]]]:
        """A connection that sees one moment throughout, and the columns of the tables and views that are of interest."""
        engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        with self._reading(), engine.connect() as opened:
            level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "REPEATABLE READ"
            connection = opened.execution_options(isolation_level=level, stream_results=True)
            inspector = sa.inspect(connection)
            held = {*inspector.get_table_names(), *inspector.get_view_names()}
            names = held & {DELIVERIES, *(t.name for t in SOURCE_TABLES)}
            yield connection, {name: [c["name"] for c in inspector.get_columns(name)] for name in names}

    def _copy(self, connection: sa.Connection, table: str, columns: list[str]) -> ir.Table:
        """A table copied row by row in batches, every value as the text that a CSV would have: what can be read of it is
        then the same whatever the database calls its types."""
        schema = pa.schema([(name, pa.string()) for name in columns])
        copy = ibis.util.gen_name(table)
        self._con.create_table(copy, schema=ibis.schema(dict.fromkeys(columns, "string")), temp=True)
        # Plain columns, not reflected types: those would parse values themselves, and fail on the first bad one.
        wanted = sa.select(*(sa.column(name) for name in columns)).select_from(sa.table(table))
        with self._reading(table):
            for rows in connection.execute(wanted).partitions(_ROWS_AT_A_TIME):
                arrays = [pa.array([_as_text(v) for v in values], pa.string()) for values in zip(*rows, strict=True)]
                self._con.insert(copy, pa.Table.from_arrays(arrays, schema=schema))
        return self._con.table(copy)

    @property
    def _where(self) -> str:
        """The database without user and password."""
        url = self._url
        return sa.URL.create(url.drivername, host=url.host, port=url.port, database=url.database).render_as_string()

    @contextmanager
    def _reading(self, table: str = "") -> Iterator[None]:
        """Turns a database's error into SourceUnavailable. It may quote values and passwords: only its kind is told."""
        try:
            yield
        except (sa.exc.SQLAlchemyError, pa.ArrowException, UnicodeError) as error:
            cause = type(getattr(error, "orig", None) or error).__name__
            what = f"table {table} of the database" if table else "the database"
            raise SourceUnavailable(f"{what} {self._where} cannot be read ({cause})") from None


def _as_text(value: object) -> str | None:
    """A value as a CSV has it by the contract's conventions."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
