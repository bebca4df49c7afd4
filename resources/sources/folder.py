"""A club's tables as a folder of files named as the tables: members.csv, transactions.parquet. A table of many Parquet
files is a folder of its own: transactions/*.parquet.
"""

import csv
import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from ml.errors import ContractError, SourceUnavailable
from ml.source_tables import SOURCE_TABLES
from resources.sources.base import EVENTS, day_after_newest_event, require_tables

_LONGEST_LINE = 16 * 2**20  # bytes


class FolderSource:
    """Parquet and CSV files in one folder. Files of other names are left alone."""

    name = "folder"
    first_date: date | None = None
    last_date: date | None = None
    backtest_from: date | None = None
    note = ""

    def __init__(self, folder: Path, con: Backend, timezone: str):
        self._folder = folder
        self._con = con
        self.timezone = timezone

    def default_business_date(self, today: date) -> date:
        return day_after_newest_event(self._read_all({t.name for t in EVENTS}), self.timezone, today)

    def origins(self) -> Mapping[str, str]:
        return {table: path.name for table, path in self._find().items()}

    def delivered(self) -> Mapping[str, datetime]:
        """The newest time of change of each table's files."""
        written = {}
        for table, path in self._find().items():
            files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
            newest = max((file.stat().st_mtime for file in files), default=0.0)
            written[table] = datetime.fromtimestamp(newest, UTC).replace(tzinfo=None)
        return written

    def tables(self) -> dict[str, ir.Table]:
        """See `ClubSource.tables`. CSV is read once, here, so that a broken line shows at once and a file that is replaced
        meanwhile does not mix; Parquet is checked page by page and then read where it is used."""
        return self._read_all({t.name for t in SOURCE_TABLES})

    def _read_all(self, wanted: Collection[str]) -> dict[str, ir.Table]:
        files = self._find()
        require_tables(files, f"the folder {self._folder}")
        return {table: self._read(table, path) for table, path in files.items() if table in wanted}

    def _find(self) -> dict[str, Path]:
        """The file or folder of each table that is there, in whatever letters of case: a table that is overlooked is taken for one that
        the club does not record. Raises ContractError where there are two."""
        found: dict[str, Path] = {}
        there = sorted(self._folder.glob("*"))
        for table in (t.name for t in SOURCE_TABLES):
            files = (f"{table}.csv", f"{table}.parquet")
            paths = [p for p in there if p.name.lower() in files and p.is_file()]
            paths += [p for p in there if p.name.lower() == table and p.is_dir()]
            if len(paths) > 1:
                several = " and ".join(p.name for p in paths)
                raise ContractError(f"table {table} is in the folder {self._folder} more than once: {several}")
            if paths:
                found[table] = paths[0]
        return found

    def _read(self, table: str, path: Path) -> ir.Table:
        """Raises SourceUnavailable naming file and table. DuckDB's own message may quote a line of the file, which may
        be about a member: it is neither shown nor chained."""
        try:
            return self._read_csv(path, table) if path.suffix.lower() == ".csv" else self._read_parquet(path, table)
        except (duckdb.Error, OSError, csv.Error) as error:
            raise SourceUnavailable(f"the file {path.name} (table {table}) cannot be read: {_reason(error)}") from None

    def _read_csv(self, path: Path, table: str) -> ir.Table:
        """Every column as text, so that the id 007 keeps its zeros. Nothing is guessed: DuckDB, left to itself, takes a
        later line for the header when the lines differ in length."""
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:  # DuckDB names the broken line
            header = next(csv.reader(file, strict=True), None)
        if not header:
            raise SourceUnavailable(f"the file {path.name} (table {table}) is empty: it has not even a header")
        twice = sorted({name for name in header if header.count(name) > 1 or not name.strip()})
        if twice:
            raise ContractError(
                f"table {table} ({path.name}): columns must have one name each; without or with the same: "
                + ", ".join(name or "(no name)" for name in twice)
            )
        rows = self._con.read_csv(
            path, columns=dict.fromkeys(header, "VARCHAR"), auto_detect=False, header=True, encoding="utf-8",
            delim=",", quote='"', escape='"', comment="", strict_mode=True, null_padding=False, ignore_errors=False,
            max_line_size=_LONGEST_LINE,
        )  # fmt: skip
        return self._con.create_table(ibis.util.gen_name(table), rows, temp=True)

    def _read_parquet(self, path: Path, table: str) -> ir.Table:
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not files:
            raise SourceUnavailable(f"the folder {path.name} (table {table}) has no Parquet file in it")
        rows = self._con.read_parquet(files, hive_partitioning=False)
        if len({name.lower() for name in rows.columns}) < len(rows.columns):
            raise ContractError(f"table {table} ({path.name}): two columns have the same name")
        # Decodes every page: a damaged one is found here, by name, and not in the middle of the night.
        rows.aggregate(**{name: rows[name].cast("string").max() for name in rows.columns}).to_pyarrow()
        return rows


def _reason(error: Exception) -> str:
    """Why a file cannot be read, without a word of what is in it."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    text = str(error)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    place = f"line {line[1]}: " if line else ""
    lengths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
    if lengths:
        return f"{place}{lengths[2]} values where the header has {lengths[1]} columns"
    known = {
        "unicode": "it is not UTF-8",
        "unterminated quote": "a quote is not closed",
        "Maximum line size": f"a line is longer than {_LONGEST_LINE} bytes; is a quote not closed?",
        "invalid state": "it is not a CSV file of one kind of line ends and quotes",
        "too small to be a Parquet file": "it is empty or cut off",
        "No magic bytes": "it is cut off, or is not a Parquet file",
        "Permission denied": "permission denied",
    }
    return place + next((why for sign, why in known.items() if sign in text), "it is damaged")
