"""Arrow rows into a PostgreSQL table by COPY, batch after batch, so that no more than one is in memory. What the rows
mean is no business of this file.
"""

import io
import re
from typing import Any, TypeAlias

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ml.errors import InputError, PublishRefused

Rows: TypeAlias = pa.Table | pa.RecordBatchReader

_CSV = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
_READ_BYTES = 1 << 20


def copy_in(cursor: Any, table: str, batch: int, rows: Rows, schema: pa.Schema) -> int:
    """COPY `rows` into `table` under the number `batch` and return how many there were.

    cursor  of psycopg2, in a transaction whose time zone is UTC
    rows    with the columns of `schema`, in any order; others are left out. Times are UTC, with zone or without.
    schema  columns of the table and their types

    Null becomes NULL and empty text stays empty text; a number that is not finite is passed on as it is.
    Raises InputError when a column is missing or of another type, and PublishRefused when PostgreSQL does not take a
    value, naming table, row number and column, never the value.
    """
    if missing := [name for name in schema.names if name not in rows.schema.names]:
        raise InputError(f"the rows for {table} lack the columns {', '.join(missing)}")
    stream = _CsvStream(table, batch, rows, schema)
    columns = ", ".join(["batch", *schema.names])
    try:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)", stream, _READ_BYTES)
    except psycopg2.DatabaseError as error:
        if stream.failure is not None:
            raise stream.failure from None
        if isinstance(error, psycopg2.DataError | psycopg2.IntegrityError):
            raise PublishRefused(f"{table} does not take {_place(error)}: {_fault(error)}") from None
        raise
    return stream.rows_read


class _CsvStream:
    """The rows as CSV, in the shape of a file opened for reading. `failure` is what went wrong while making them."""

    def __init__(self, table: str, batch: int, rows: Rows, schema: pa.Schema) -> None:
        self.rows_read = 0
        self.failure: Exception | None = None
        self._table, self._batch, self._schema = table, batch, schema
        self._batches = iter(rows.to_batches() if isinstance(rows, pa.Table) else rows)
        self._buffer = io.BytesIO()

    def read(self, size: int) -> bytes:
        try:
            while not (piece := self._buffer.read(size)):
                rows = next(self._batches, None)
                if rows is None:
                    return b""
                self._fill(rows)
            return piece
        except Exception as error:
            self.failure = error
            raise

    def _fill(self, rows: pa.RecordBatch) -> None:
        columns = [pa.repeat(pa.scalar(self._batch, pa.int64()), len(rows))]
        columns += [self._as_text(rows.column(field.name), field) for field in self._schema]
        table = pa.table(columns, names=["batch", *self._schema.names])
        self._buffer = io.BytesIO()
        pa_csv.write_csv(table, self._buffer, _CSV)
        self._buffer.seek(0)
        self.rows_read += len(rows)

    def _as_text(self, values: pa.Array, field: pa.Field) -> pa.Array:
        try:
            values = values.cast(field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise InputError(f"{self._table}, column {field.name}: {values.type} is not {field.type}") from None
        return _array_literal(values) if pa.types.is_list(field.type) else values


def _array_literal(values: pa.ListArray) -> pa.Array:
    """Lists of text as PostgreSQL writes them, `{"A","B"}`. A missing element becomes empty text."""
    lengths = pc.list_value_length(values)
    ends = pc.cumulative_sum(pc.fill_null(lengths, 0))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends.cast(pa.int32())])
    escaped = pc.replace_substring_regex(pc.fill_null(values.flatten(), ""), r'(["\\])', r"\\\1")
    joined = pc.binary_join(pa.ListArray.from_arrays(offsets, escaped), '","')
    literal = pc.if_else(pc.equal(lengths, 0), "{}", pc.binary_join_element_wise('{"', joined, '"}', ""))
    return pc.if_else(pc.is_null(lengths), pa.scalar(None, pa.string()), literal)


def _place(error: psycopg2.DatabaseError) -> str:
    found = re.search(r"COPY \w+, line (\d+)(?:, column (\w+))?", error.diag.context or "")
    row = f"row {found[1]}" if found else "a row"
    column = error.diag.column_name or (found[2] if found else None)
    return f"{row}, column {column}" if column else row


def _fault(error: psycopg2.DatabaseError) -> str:
    """The kind of fault in words of ours: PostgreSQL's own may quote the value."""
    if isinstance(error, psycopg2.errors.NotNullViolation):
        return "the value is missing"
    if isinstance(error, psycopg2.errors.InvalidTextRepresentation):
        return "the text is not of the column's type (not valid JSON, or not a number)"
    if isinstance(error, psycopg2.errors.CharacterNotInRepertoire | psycopg2.errors.UntranslatableCharacter):
        return "the text holds a character that PostgreSQL cannot store (such as NUL)"
    return f"PostgreSQL error {error.pgcode}"
