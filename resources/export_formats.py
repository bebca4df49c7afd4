"""How rows are written as CSV, Parquet and XLSX. Which rows, and where the file goes, is in exports.py.

CSV and XLSX are for people, and safe to open in a spreadsheet; Parquet is for programs, and exact.
"""

import csv
import json
from collections import UserDict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from ml.errors import InputError

XLSX_ROWS = 1_048_575  # below the header
XLSX_TEXT = 32_767  # characters in a cell
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class About(UserDict[str, str]):
    """What the file is, name → words: campaign, batch, business date, expiry, ..."""


Write = Callable[[Path, pa.Schema, Iterable[pa.RecordBatch], About], None]


def write_csv(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], about: About) -> None:
    """UTF-8 with a byte order mark (else Excel reads æøå wrongly), comma, times as ISO 8601 with Z, lists as JSON text.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay numbers; null is empty.
    What the file is stands in its name alone: lines above the header would break every reader.
    """
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(schema.names)
        for batch in batches:
            writer.writerows(zip(*(map(_csv_cell, column.to_pylist()) for column in batch.columns), strict=True))


def write_parquet(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], about: About) -> None:
    """Every value as it is; what the file is stands in the schema's metadata, as `hemsil.<name>`."""
    described = schema.with_metadata({f"hemsil.{name}": words for name, words in about.items()})
    with pq.ParquetWriter(path, described) as writer:
        for batch in batches:
            writer.write_batch(batch.replace_schema_metadata(described.metadata))


def write_xlsx(path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], about: About) -> None:
    """A sheet `rows` with the header frozen, and a sheet `about`. Nothing is a formula or a link; times are UTC.

    Raises InputError when there are more rows or longer texts than a sheet can have.
    """
    options = {
        "constant_memory": True,
        "tmpdir": str(path.parent),  # never in a folder that others may read
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    workbook = xlsxwriter.Workbook(str(path), options)
    try:
        bold = workbook.add_format({"bold": True})
        formats = {
            "time": workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "date": workbook.add_format({"num_format": "yyyy-mm-dd"}),
        }
        sheet = workbook.add_worksheet("rows")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(schema) - 1, 16)
        sheet.write_row(0, 0, schema.names, bold)
        place = 0
        for batch in batches:
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                place += 1
                if place > XLSX_ROWS:
                    raise InputError(f"an XLSX sheet holds {XLSX_ROWS} rows, and there are more: use csv or parquet")
                for at, value in enumerate(row):
                    _write_cell(sheet, place, at, value, formats)
        notes = workbook.add_worksheet("about")
        notes.set_column(0, 1, 24)
        for at, (name, words) in enumerate(about.items()):
            notes.write_string(at, 0, name, bold)
            notes.write_string(at, 1, words)
    finally:
        workbook.close()


WRITERS: dict[str, Write] = {"csv": write_csv, "parquet": write_parquet, "xlsx": write_xlsx}


def _csv_cell(value: Any) -> str | int | float:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return value
        case datetime():
            return value.replace(tzinfo=None).isoformat() + "Z"
        case date():
            return value.isoformat()
        case list():
            return _as_json(value)
    return f"'{value}" if value.startswith(FORMULA_STARTS) else str(value)


def _write_cell(sheet: Any, row: int, column: int, value: Any, formats: dict[str, Any]) -> None:
    match value:
        case None:
            return
        case bool():
            sheet.write_boolean(row, column, value)
        case int() | float():
            sheet.write_number(row, column, value)
        case datetime():
            sheet.write_datetime(row, column, value.replace(tzinfo=None), formats["time"])
        case date():
            sheet.write_datetime(row, column, value, formats["date"])
        case list():
            sheet.write_string(row, column, _as_json(value))
        case _:
            if len(value) > XLSX_TEXT:
                raise InputError(
                    f"a text of {len(value)} characters does not fit into an XLSX cell: use csv or parquet"
                )
            sheet.write_string(row, column, value)


def _as_json(values: list[str]) -> str:
    return json.dumps(values, ensure_ascii=False)
