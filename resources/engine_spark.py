"""Ibis on Apache Spark: the session, reading and writing the lake's files with it, and each place where Spark by itself would
answer otherwise than DuckDB. What runs on it is in ml/, the same expressions as on DuckDB.
"""

import os
import shutil
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot as sg
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend
from ibis.backends.pyspark.datatypes import PySparkSchema
from ibis.backends.sql.compilers.pyspark import NULL, PySparkCompiler
from ibis.formats.pyarrow import PyArrowData
from pyspark.sql import DataFrame, SparkSession

from ml.errors import EngineUnavailable

Change = Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]

SESSION = {
    "spark.app.name": "hemsil",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",  # times of the contract are UTC without a zone
    "spark.sql.ansi.enabled": "false",  # a value that cannot be read is null, as it is for try_cast
    "spark.sql.legacy.sizeOfNull": "false",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
}
# One machine: nothing listens beyond it, a shuffle is not cut into 200 pieces, and a plan is not made anew after each of them.
ON_THIS_MACHINE = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.adaptive.enabled": "false",
}


class LikeDuckDB(PySparkCompiler):
    """Expressions as Spark SQL that means what they mean on DuckDB. Ibis calls these by name, one for each operation."""

    __slots__ = ()

    def visit_NonNullLiteral(self, op: ops.Literal, *, value: Any, dtype: dt.DataType) -> Any:
        """0.5 is a decimal in Spark SQL, and all that is reckoned with it."""
        if dtype.is_floating() and not isinstance(value, bool):
            return self.cast(repr(float(value)), dtype)
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_ExtractEpochSeconds(self, op: ops.Value, *, arg: sge.Expression) -> sge.Expression:
        """With the fraction of the second."""
        micros = self.f.anon.unix_micros(self.f.anon.to_timestamp_ltz(self.cast(arg, dt.timestamp)))
        return micros / self.cast("1000000", dt.float64)

    def visit_Round(self, op: ops.Round, *, arg: sge.Expression, digits: sge.Expression | None) -> sge.Expression:
        """Half away from zero, of the number as it is held; Spark rounds the number as it is written."""
        if not op.arg.dtype.is_floating():
            return super().visit_Round(op, arg=arg, digits=digits)
        half, sign = self.cast("0.5", dt.float64), self.f.signum(arg)
        if digits is None:
            return self.cast(sign * self.f.floor(self.f.abs(arg) + half), op.dtype)
        power = self.f.pow(self.cast("10", dt.float64), digits)
        rounded = sign * self.cast(self.f.floor(self.f.abs(arg) * power + half), dt.float64) / power
        return self.cast(rounded, op.dtype)  # to no digits it is whole: "365.0 days" is no interval

    def visit_Cast(self, op: ops.Cast, *, arg: sge.Expression, to: dt.DataType) -> sge.Expression:
        """Numbers as text are written out: 0.0001, where Java writes 1.0E-4."""
        if not (op.arg.dtype.is_floating() and to.is_string()):
            return super().visit_Cast(op, arg=arg, to=to)
        plain = self.f.regexp_replace(self.cast(self.cast(arg, dt.Decimal(38, 18)), dt.string), "0+$", "")
        whole = self.f.regexp_replace(plain, "[.]$", ".0")
        written = self.if_(self.f.abs(arg) < 10**15, whole, self.cast(arg, dt.string))
        return self.if_(arg.eq(0), "0.0", written)  # a decimal naught is 0E-18

    def visit_TryCast(self, op: ops.TryCast, *, arg: sge.Expression, to: dt.DataType) -> sge.Expression:
        """JSON is text; what is no JSON has no members."""
        return arg if to.is_json() else super().visit_TryCast(op, arg=arg, to=to)

    def visit_JSONGetItem(self, op: ops.JSONGetItem, *, arg: sge.Expression, index: sge.Expression) -> sge.Expression:
        """Names with a dot or a blank are names, too."""
        if op.index.dtype.is_integer():
            return super().visit_JSONGetItem(op, arg=arg, index=index)
        return self.f.get_json_object(arg, self.f.format_string("$['%s']", index))

    def visit_ScalarUDF(self, op: ops.ScalarUDF, **kw: sge.Expression) -> sge.Expression:
        """A time without zone is UTC, and what is asked for is what a clock in the zone shows then."""
        if op.__func_name__ != "timezone":
            return super().visit_ScalarUDF(op, **kw)
        zone, instant = kw.values()
        return self.cast(self.f.from_utc_timestamp(instant, zone), op.dtype)

    def visit_IsNull(self, op: ops.IsNull, *, arg: sge.Expression) -> sge.Expression:
        """Not a number is a number."""
        return arg.is_(NULL)

    def visit_NotNull(self, op: ops.NotNull, *, arg: sge.Expression) -> sge.Expression:
        return arg.is_(sg.not_(NULL))


class SparkBackend(Backend):
    """Ibis's backend, where it falls short of what Hemsil asks: types as Ibis says they are, Arrow throughout, and results
    that are kept on disk.

    scratch  a folder that driver and workers reach by the same path; what is kept stands there
    """

    compiler = LikeDuckDB()
    scratch: Path

    @property
    def session(self) -> SparkSession:
        return self._session

    @property
    def workers(self) -> int:
        """Tasks that may run at once."""
        return int(self._session.sparkContext.defaultParallelism)

    def frame(self, rows: ir.Table, **kwargs: Any) -> DataFrame:
        """The rows as a Spark frame with the types that Ibis says they have."""
        self._run_pre_execute_hooks(rows)
        found = self._session.sql(self.compile(rows, **kwargs))
        wanted = PySparkSchema.from_ibis(rows.schema())
        return found.select(*(found[f"`{field.name}`"].cast(field.dataType).alias(field.name) for field in wanted))

    def read_files(self, files: Sequence[Path], schema: sch.Schema) -> ir.Table:
        """Parquet files of these columns as one table."""
        held = self._session.read.schema(PySparkSchema.from_ibis(schema)).parquet(*(str(path) for path in files))
        return self._named(held, ibis.util.gen_name("files")).cast(schema)

    def write_files(self, rows: ir.Table, folder: Path) -> list[Path]:
        """The rows as Parquet files in the folder, in their order; one without rows where there are none."""
        return _written(self.frame(rows), rows.schema(), folder)

    def stream(self, rows: ir.Table) -> pa.RecordBatchReader:
        """The rows as Arrow batches. They are written first, so that the driver never holds them all."""
        folder = self.scratch / ibis.util.gen_name("stream")
        folder.mkdir(parents=True)
        files = self.write_files(rows, folder)

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                for path in files:
                    yield from pq.ParquetFile(path).iter_batches()
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return pa.RecordBatchReader.from_batches(pq.read_schema(files[0]), batches())

    def map_batches(
        self, rows: ir.Table, by: Sequence[str], order: Sequence[str], change: Change, schema: pa.Schema
    ) -> ir.Table:
        """What `change` makes of the rows (Arrow batches in and out, one stream a task): rows alike in `by` come to one task,
        in `order`. Computed when asked for; what the rows are made of is kept as long as what is made of them."""
        parted = self.frame(rows).repartition(*by).sortWithinPartitions(*order)
        made = PySparkSchema.from_ibis(sch.Schema.from_pyarrow(schema))
        mapped = self._named(parted.mapInArrow(change, made), ibis.util.gen_name("mapped"))
        # Spark's plan names the files of kept tables, and Ibis deletes those once nobody in Python holds the rows.
        weakref.finalize(mapped.op(), lambda held: None, rows).atexit = False
        return mapped

    def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> sch.Schema:
        """Instants of Spark have six digits of a second, which Ibis does not say."""
        found = super().get_schema(table_name, catalog=catalog, database=database)
        return ibis.schema({n: dt.Timestamp(scale=6) if t == dt.Timestamp() else t for n, t in found.items()})

    def to_pyarrow(self, expr: ir.Expr, /, *, params: Any = None, limit: Any = None, **kwargs: Any) -> Any:
        rows = expr.as_table()
        found = self.frame(rows, params=params, limit=limit, **kwargs).toArrow()
        return expr.__pyarrow_result__(PyArrowData.convert_table(found, rows.schema()))

    def _named(self, frame: DataFrame, name: str) -> ir.Table:
        frame.createTempView(name)
        return self.table(name)

    def _register_in_memory_table(self, op: ops.InMemoryTable) -> None:
        held = op.data.to_pyarrow(op.schema)
        frame = self._session.createDataFrame(held, schema=PySparkSchema.from_ibis(op.schema))
        frame.createOrReplaceTempView(op.name)

    def _create_cached_table(self, name: str, expr: ir.Table) -> ir.Table:
        """Computed now and laid down as files: what is made of it starts from there, also after a worker is lost, and its
        plan is not planned again with every use."""
        folder = self.scratch / name
        folder.mkdir(parents=True)
        return self._named(self._session.read.parquet(*map(str, self.write_files(expr, folder))), name)

    def _drop_cached_table(self, name: str) -> None:
        self._session.catalog.dropTempView(name)
        shutil.rmtree(self.scratch / name, ignore_errors=True)


def open_spark(master: str, memory: str, scratch: Path, options: Mapping[str, str] | None = None) -> SparkBackend:
    """A session with the master, `memory` (as "4GB") for the driver, and what is kept in `scratch`.

    `options` come on top; what none of these says, Spark's own configuration files may. A process has one session: a second
    call gets the same.
    Raises EngineUnavailable where the master cannot be reached or Java does not start.
    """
    local = ON_THIS_MACHINE if master.startswith("local") else {}
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.master(master)
    settings = {**SESSION, **local, "spark.driver.memory": memory[:-1].lower(), **(options or {})}
    for name, value in settings.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except Exception as error:  # noqa: BLE001 - whatever Java says
        raise EngineUnavailable(f"Spark does not start with HEMSIL_ENGINE={master}: {_said(error)}") from None
    session.sparkContext.setLogLevel("ERROR")
    backend = SparkBackend()
    backend.register_options()
    backend.do_connect(session)
    backend.scratch = scratch
    return backend


def _said(error: Exception) -> str:
    """What went wrong, in one line: of an error of Java what Java said, which stands below whom Python called."""
    lines = str(error).splitlines() or [type(error).__name__]
    return next((line.removeprefix(": ") for line in lines if line.startswith(": ")), lines[0])


def _written(frame: DataFrame, schema: sch.Schema, folder: Path) -> list[Path]:
    beside = folder / "writing"
    frame.write.parquet(str(beside))
    parts = sorted(beside.glob("*.parquet"))
    files = [folder / f"part-{number}.parquet" for number in range(max(1, len(parts)))]
    for part, path in zip(parts, files, strict=False):
        part.rename(path)
    if not parts:
        pq.write_table(schema.to_pyarrow().empty_table(), files[0])
    shutil.rmtree(beside)
    return files
