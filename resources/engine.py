"""The engine that runs Ibis expressions: DuckDB inside the process, or Apache Spark, as the settings say. What either must be
able to do beside running expressions is here, one function each; Spark's own part of them is in engine_spark.py.
"""

import gc
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import ibis
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.backends.sql import SQLBackend

from ml.errors import EngineUnavailable
from resources.settings import Settings

if TYPE_CHECKING:
    from resources.engine_spark import SparkBackend

LEAST_JAVA = 17
INSTALL_SPARK = "run `make setup-spark`"
OBJECTS_BETWEEN_COLLECTIONS = 100_000
ANSWERS_WITHIN = 10  # seconds, of a Spark master; Spark itself asks for a minute, and then does not say whom
INSTALL_JAVA = "install Java 17 (Debian: apt-get install openjdk-17-jre-headless), or set JAVA_HOME to where it is"


def open_engine(settings: Settings) -> SQLBackend:
    """The engine that the settings name. Raises EngineUnavailable, saying what to install, where Spark cannot be had."""
    if settings.engine == "duckdb":
        return open_duckdb(settings)
    lacking = lacking_for_spark(settings.engine)
    if lacking:
        raise EngineUnavailable(f"HEMSIL_ENGINE is {settings.engine}, and {'; '.join(lacking)}")
    from resources.engine_spark import open_spark

    return open_spark(settings.engine, settings.memory_limit, spill_folder(settings.home / "spill"))


def _build_expressions_quickly() -> None:
    """A night's expressions are several hundred thousand small objects, and to build and translate them took as long as 300 members
    take the engine. A quarter of it was the collector's, which looks at every one of them again and again, and the merging of
    selects, which both engines do themselves."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    ibis.options.sql.fuse_selects = False


def open_duckdb(settings: Settings) -> Backend:
    """A DuckDB of our own in memory, bounded by the settings, that spills into the data folder. Times are UTC.

    Each process has one; nothing is kept in it, as the lake is where tables live.
    """
    _build_expressions_quickly()
    spill = spill_folder(settings.home / "spill")
    engine: Backend = ibis.duckdb.connect(
        ":memory:",
        threads=settings.threads,
        memory_limit=settings.memory_limit,
        temp_directory=str(spill),
        autoinstall_known_extensions=False,  # a night works without a network
        autoload_known_extensions=False,
    )
    engine.raw_sql("SET TimeZone = 'UTC'")
    # Expressions join what is short to what is long, in this order. DuckDB reckons a chain of such joins a thousand times longer than
    # it is, and then turns one round: it held the million and a half rows of a ledger in memory to look up some fifty thousand consents.
    engine.raw_sql("SET disabled_optimizers = 'build_side_probe_side'")
    engine.raw_sql("SET enable_progress_bar = false")
    return engine


def lacking_for_spark(master: str) -> list[str]:
    """What a Spark with this master needs and has not, each with how to mend it; nothing where all is there."""
    lacking = []
    if find_spec("pyspark") is None:
        lacking.append(f"pyspark is not installed: {INSTALL_SPARK}")
    version = java_version()
    if version is None:
        lacking.append(f"there is no Java: {INSTALL_JAVA}")
    elif version < LEAST_JAVA:
        lacking.append(f"Java is {version}, and Spark 4 needs {LEAST_JAVA} or newer: {INSTALL_JAVA}")
    return lacking + _silent_masters(master)


def _silent_masters(master: str) -> list[str]:
    """Why no master answers at `spark://host:port,host:port`; nothing where one does, or where Spark is started here."""
    if not master.startswith("spark://"):
        return []
    silent = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=ANSWERS_WITHIN).close()
        except OSError as error:
            silent.append(f"{address} ({error.strerror or error})")
        else:
            return []
    return [f"no Spark master answers at {', '.join(silent)}: start it, or say where it is"]


def java_version() -> int | None:
    """The main version of the Java that Spark would start; None where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home, "bin", "java") if home else shutil.which("java")
    try:
        told = subprocess.run([str(java), "-version"], check=False, capture_output=True, text=True, timeout=60).stderr
    except OSError:
        return None
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else None


def spill_folder(root: Path) -> Path:
    """A folder for this process to spill into; those of processes that are gone are removed."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in root.iterdir():
        if not Path("/proc", left.name).exists():
            shutil.rmtree(left, ignore_errors=True)
    return root / str(os.getpid())


def read_files(engine: SQLBackend, files: Sequence[Path], schema: sch.Schema) -> ir.Table:
    """Parquet files of these columns as one table."""
    if is_spark(engine):
        return engine.read_files(files, schema)
    table: ir.Table = engine.read_parquet(list(files), hive_partitioning=False).cast(schema)
    return table


def write_files(engine: SQLBackend, rows: ir.Table, folder: Path) -> list[Path]:
    """The rows as Parquet files in the folder, in their order. Rows of an engine are written by that engine; tables in
    memory belong to none, and are written by the one given."""
    own, _ = rows._find_backends()
    writer = own[0] if own else engine
    if is_spark(writer):
        return writer.write_files(rows, folder)
    part = folder / "part-0.parquet"
    writer.to_parquet(rows, part, compression="zstd")
    return [part]


def handed_to(engine: SQLBackend, rows: ir.Table) -> ir.Table:
    """The rows where the engine can use them: as they are, or by way of memory where they are another engine's."""
    own, _ = rows._find_backends()
    return rows if not own or own[0] is engine else ibis.memtable(rows.to_pyarrow())


def stream(engine: SQLBackend, rows: ir.Table, rows_a_batch: int) -> pa.RecordBatchReader:
    """The rows as Arrow batches, computed as they are read; the engine serves one such stream at a time.

    Ibis's own `to_pyarrow_batches` asks DuckDB 2 for a method that it no longer has, and reads all of Spark's rows at once.
    """
    if is_spark(engine):
        return engine.stream(rows)
    engine._run_pre_execute_hooks(rows)  # tables in memory are made known to DuckDB
    return engine.con.sql(engine.compile(rows)).to_arrow_reader(rows_a_batch)


def is_spark(engine: SQLBackend) -> "TypeGuard[SparkBackend]":
    """Is it the engine of engine_spark.py, which is imported only where it is wanted."""
    return engine.name == "pyspark"
