"""Clubs with faults: how to put them in, hand the club in as CSV, and see what the check set aside."""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import pandas as pd
from ibis.backends.duckdb import Backend

from ml.quality import Checked, check_tables
from ml.source_tables import SOURCE_TABLES
from resources.sources import open_source
from tests.clubs import TIMEZONE, tiny_club, write_csv_club
from tests.conftest import NOW

Frames = dict[str, pd.DataFrame]
REQUIRED = [t.name for t in SOURCE_TABLES if not t.optional]


def required_club(*more: str) -> Frames:
    """The tiny club's required tables, and those optional ones that a test is about."""
    return {name: frame for name, frame in tiny_club().items() if name in (*REQUIRED, *more)}


def check(frames: Mapping[str, pd.DataFrame], engine: Backend, folder: Path, now: datetime = NOW) -> Checked:
    """The club handed in as CSV and checked."""
    write_csv_club(folder, frames)
    source = open_source(str(folder), engine, TIMEZONE)
    return check_tables(source.tables(), now, source.origins())


def quarantined(checked: Checked) -> list[tuple[str, str]]:
    """(table, rule) of every row set aside; the counts must agree."""
    rows = checked.quarantined.to_pyarrow().to_pylist()
    for table, (came, bad) in checked.counts.items():
        assert bad == sum(row["table_name"] == table for row in rows)
        assert came - bad == checked.clean[table].count().to_pyarrow().as_py()
    return sorted((row["table_name"], row["rule"]) for row in rows)


def set_value(table: str, row: int, column: str, value: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table].loc[row, column] = value

    return change


def set_column(table: str, column: str, value: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table][column] = value

    return change
