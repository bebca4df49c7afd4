"""The engine that runs Ibis expressions: DuckDB inside the process."""

import os
import shutil
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from resources.settings import Settings


def open_engine(settings: Settings) -> Backend:
    """A DuckDB of our own in memory, bounded by the settings, that spills into the data folder. Times are UTC.

    Each process has one; nothing is kept in it, as the lake is where tables live.
    """
    spill = _spill_folder(settings.home / "spill")
    engine: Backend = ibis.duckdb.connect(
        ":memory:",
        threads=settings.threads,
        memory_limit=settings.memory_limit,
        temp_directory=str(spill),
        autoinstall_known_extensions=False,  # a night works without a network
        autoload_known_extensions=False,
    )
    engine.raw_sql("SET TimeZone = 'UTC'")
    engine.raw_sql("SET enable_progress_bar = false")
    return engine


def _spill_folder(root: Path) -> Path:
    """A folder for this process to spill into; those of processes that are gone are removed."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in root.iterdir():
        if not Path("/proc", left.name).exists():
            shutil.rmtree(left, ignore_errors=True)
    return root / str(os.getpid())


def stream(engine: Backend, rows: ir.Table, rows_a_batch: int) -> pa.RecordBatchReader:
    """The rows as Arrow batches, computed as they are read; the engine serves one such stream at a time.

    Ibis's own `to_pyarrow_batches` asks DuckDB 2 for a method that it no longer has.
    """
    engine._run_pre_execute_hooks(rows)  # tables in memory are made known to DuckDB
    return engine.con.sql(engine.compile(rows)).to_arrow_reader(rows_a_batch)
