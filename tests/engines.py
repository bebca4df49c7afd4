"""The same club on DuckDB and on Spark, and the comparison of what each makes of it. The tests are in test_engines.py."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis.expr.schema as sch
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from ibis.backends.sql import SQLBackend

from ml.club import Club
from ml.source_tables import SOURCE_TABLES
from resources.engine import read_files
from tests.checked_clubs import check

DEFINITIONS = {t.name: t for t in SOURCE_TABLES}


def arrow_of(club: Club) -> dict[str, pa.Table]:
    """The club's recorded tables, read once, with the contract's types."""
    return {
        name: table.cast(DEFINITIONS[name].schema).to_pyarrow().cast(DEFINITIONS[name].schema.to_pyarrow())
        for name, table in club.tables().items()
    }


def arrow_of_frames(frames: Mapping[str, pd.DataFrame], folder: Path, duckdb: Backend) -> dict[str, pa.Table]:
    """The tables of a club as a folder of CSV brings them, and the night's checks leave them."""
    folder.mkdir(exist_ok=True)
    return arrow_of(Club.of(check(frames, duckdb, folder).clean))


def club_on(engine: SQLBackend, tables: Mapping[str, pa.Table], folder: Path) -> Club:
    """The club as the engine reads it from Parquet files."""
    folder.mkdir(exist_ok=True)
    return Club.of({name: on_engine(engine, held, folder / f"{name}.parquet") for name, held in tables.items()})


def on_engine(engine: SQLBackend, held: pa.Table, path: Path) -> ir.Table:
    if not path.exists():
        pq.write_table(held, path)
    return read_files(engine, [path], sch.Schema.from_pyarrow(held.schema))


def differences(one: pa.Table, other: pa.Table, keys: Sequence[str]) -> list[str]:
    """What differs between two tables whose rows the keys name, in words: at most the first twenty. Floating numbers may
    differ by one part in a thousand million, as sums of them hang on the order of their parts."""
    if one.schema.names != other.schema.names:
        return [f"columns {one.schema.names} and {other.schema.names}"]
    rows = [{tuple(row[k] for k in keys): row for row in table.to_pylist()} for table in (one, other)]
    if rows[0].keys() != rows[1].keys() or one.num_rows != other.num_rows:
        return [f"{one.num_rows} and {other.num_rows} rows, {len(rows[0].keys() ^ rows[1].keys())} of one alone"]
    found = [
        f"{key} {name}: {row[name]!r} and {rows[1][key][name]!r}"
        for key, row in rows[0].items()
        for name in one.schema.names
        if not alike(row[name], rows[1][key][name])
    ]
    return found[:20]


def alike(one: Any, other: Any) -> bool:
    """Equal, floating numbers nearly so, in lists and structs as well."""
    if {type(one), type(other)} in ({float}, {float, int}):  # JSON says 1 for 1.0
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(v, other[k]) for k, v in one.items())
    return bool(one == other)
