"""The lake: Parquet files, a folder for each table and business date, and a manifest in it that says what is there.

    <lake>/<table>/business_date=2017-10-30/part-0.parquet
                                           /manifest.json

A table is written beside its place and moved there as a whole, so it is there complete or not at all, also when the
process is killed. Reading checks every file's sha256 and the columns against the manifest.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from ibis.backends.sql import SQLBackend

from ml.errors import ContractError, DamagedTable, NotInLake
from ml.tables import Table
from resources.engine import read_files, write_files

MANIFEST = "manifest.json"
ROWS_A_BATCH = 100_000


@dataclass(frozen=True)
class Manifest:
    """What a lake table holds and where it comes from.

    files      name -> sha256
    schema     column -> Ibis type
    inputs     table -> digest of the tables it was made from
    """

    table: str
    business_date: str
    rows: int
    schema: dict[str, str]
    files: dict[str, str]
    code_version: str
    run_id: str
    written_at: str
    inputs: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The identity of the content: the same columns and bytes give the same digest, whoever wrote them when."""
        content = json.dumps([self.schema, sorted(self.files.values())], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


class Lake:
    """Writes and reads lake tables with one engine."""

    def __init__(self, root: Path, engine: SQLBackend):
        self.root = root
        self.engine = engine
        self._verified: dict[Path, tuple[int, int]] = {}

    def folder(self, table: str, business_date: str) -> Path:
        return self.root / table / f"business_date={business_date}"

    def has(self, table: str, business_date: str) -> bool:
        return (self.folder(table, business_date) / MANIFEST).exists()

    def dates(self, table: str) -> list[str]:
        """Business dates of which the table is there, oldest first."""
        found = (self.root / table).glob(f"business_date=*/{MANIFEST}")
        return sorted(m.parent.name.removeprefix("business_date=") for m in found)

    def write(
        self,
        definition: Table,
        business_date: str,
        rows: ir.Table | pa.RecordBatchReader,
        *,
        code_version: str = "",
        run_id: str = "",
        inputs: Mapping[str, str] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Write a table whole, in place of any earlier one of that date; batches are streamed.

        Raises ContractError naming every column that is missing, unknown or of another type, or null where it must
        not be; nothing is written then.
        """
        place = self.folder(definition.name, business_date)
        beside = place.parent / f".{place.name}.{uuid.uuid4().hex[:8]}"
        beside.mkdir(parents=True, mode=0o700)
        try:
            if isinstance(rows, pa.RecordBatchReader):
                parts = [_write_batches(definition, rows, beside / "part-0.parquet")]
            else:
                parts = write_files(self.engine, _conform(definition, rows), beside)
            count = self._check_nulls(definition, parts)
            manifest = Manifest(
                table=definition.name,
                business_date=business_date,
                rows=count,
                schema={name: str(dtype) for name, dtype in definition.schema.items()},
                files={part.name: _sha256(part) for part in parts},
                code_version=code_version,
                run_id=run_id,
                written_at=datetime.now(UTC).isoformat(timespec="seconds"),
                inputs=dict(inputs or {}),
                notes=dict(notes or {}),
            )
            _write_durably(beside / MANIFEST, json.dumps(asdict(manifest), indent=1))
            _move_into_place(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return manifest

    def manifest(self, table: str, business_date: str) -> Manifest:
        """Raises NotInLake when the table is not there, DamagedTable when its manifest cannot be read."""
        path = self.folder(table, business_date) / MANIFEST
        try:
            return Manifest(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise NotInLake(f"the lake has no table {table} of {business_date}") from None
        except (ValueError, TypeError) as error:
            raise DamagedTable(f"the manifest of {table} of {business_date} cannot be read: {error}") from None

    def read(self, definition: Table, business_date: str) -> ir.Table:
        """The table as an Ibis expression over its files.

        Raises NotInLake, and DamagedTable when a byte or a column is not what the manifest says.
        """
        files = self._checked_files(definition, business_date)
        written = self.manifest(definition.name, business_date).schema
        later = {c.name: ibis.null(c.type.ibis) for c in definition.columns if c.added and c.name not in written}
        if not later:
            return read_files(self.engine, files, definition.schema)
        stored = read_files(
            self.engine, files, ibis.schema({n: t for n, t in definition.schema.items() if n not in later})
        )
        return stored.mutate(**later).select(*definition.names).cast(definition.schema)

    def read_batches(self, definition: Table, business_date: str) -> pa.RecordBatchReader:
        """The same as a stream of Arrow batches that holds no result of the engine open."""
        files = [str(path) for path in self._checked_files(definition, business_date)]
        return ds.dataset(files, format="parquet").scanner(batch_size=ROWS_A_BATCH).to_reader()

    def rewrite(self, table: str, business_date: str, without: Callable[[pa.RecordBatch], pa.Array], why: str) -> int:
        """Take rows out of a stored table; gives how many went, and leaves it untouched where none did. `without` marks them.

        The manifest says that it was done, and why: the table is then no longer what its readers were made from.
        Raises NotInLake, DamagedTable.
        """
        manifest = self.manifest(table, business_date)
        place = self.folder(table, business_date)
        files = [place / name for name in manifest.files]
        dataset = ds.dataset([str(path) for path in files], format="parquet")
        gone = sum(pc.sum(without(batch)).as_py() or 0 for batch in dataset.to_batches())
        if not gone:
            return 0
        beside = place.parent / f".{place.name}.{uuid.uuid4().hex[:8]}"
        beside.mkdir(mode=0o700)
        try:
            part = beside / "part-0.parquet"
            with pq.ParquetWriter(part, dataset.schema, compression="zstd") as writer:
                for batch in dataset.to_batches():
                    writer.write_batch(batch.filter(pc.invert(without(batch))))
            told = replace(
                manifest,
                rows=manifest.rows - gone,
                files={part.name: _sha256(part)},
                notes={**manifest.notes, "rewritten": f"{why}, {datetime.now(UTC):%Y-%m-%d}"},
            )
            _write_durably(beside / MANIFEST, json.dumps(asdict(told), indent=1))
            _move_into_place(beside, place)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        return gone

    def tables(self) -> list[str]:
        """Names of the tables of which there is any date."""
        return sorted({path.parent.parent.name for path in self.root.glob(f"*/business_date=*/{MANIFEST}")})

    def remove(self, table: str, business_date: str) -> None:
        """Delete a table of a date. The manifest goes first, so that nothing is ever half there."""
        place = self.folder(table, business_date)
        (place / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)

    def _checked_files(self, definition: Table, business_date: str) -> list[Path]:
        manifest = self.manifest(definition.name, business_date)
        later = {column.name for column in definition.columns if column.added} - manifest.schema.keys()
        expected = {name: str(dtype) for name, dtype in definition.schema.items() if name not in later}
        if manifest.schema != expected:
            changed = sorted(set(manifest.schema.items()) ^ set(expected.items()))
            raise DamagedTable(
                f"{definition.name} of {business_date} was written with other columns: "
                + ", ".join(sorted({name for name, _ in changed}))
                + "; run its night again"
            )
        folder = self.folder(definition.name, business_date)
        for name, digest in manifest.files.items():
            self._verify(folder / name, digest)
        return [folder / name for name in manifest.files]

    def _verify(self, path: Path, digest: str) -> None:
        try:
            state = path.stat()
        except FileNotFoundError:
            raise DamagedTable(f"{path.relative_to(self.root)} is named by its manifest and is not there") from None
        seen = (state.st_mtime_ns, state.st_size)
        if self._verified.get(path) == seen:
            return
        if _sha256(path) != digest:
            raise DamagedTable(f"{path.relative_to(self.root)} differs from its manifest; run its night again")
        self._verified[path] = seen

    def _check_nulls(self, definition: Table, parts: list[Path]) -> int:
        """Rows of the written files. Raises ContractError where a column that may not be null is."""
        table = read_files(self.engine, parts, definition.schema)
        held = [c.name for c in definition.columns if not c.nullable]
        nulls_in = {f"null {name}": table[name].isnull().sum() for name in held}  # no column is named with a space
        found = table.aggregate(**{"all rows": table.count()}, **nulls_in).to_pyarrow().to_pylist()[0]
        nulls = [(name, found[f"null {name}"]) for name in held if found[f"null {name}"]]
        if nulls:
            told = ", ".join(f"{name} ({count} rows)" for name, count in nulls)
            raise ContractError(f"table {definition.name}: null in {told}")
        return int(found["all rows"])


def _write_batches(definition: Table, batches: pa.RecordBatchReader, part: Path) -> Path:
    """Stream Arrow batches into one file, which is given back. Raises ContractError naming what differs from the definition."""
    schema = definition.schema.to_pyarrow()
    faults = sorted(set(schema.names) ^ set(batches.schema.names))
    if faults:
        raise ContractError(f"table {definition.name}: columns missing or unknown: {', '.join(faults)}")
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
    return part


def _conform(definition: Table, rows: ir.Table) -> ir.Table:
    """The rows with the definition's columns in its order and types. Raises ContractError naming what differs."""
    given, wanted = rows.schema(), definition.schema
    faults = [f"{name} is missing" for name in wanted if name not in given]
    faults += [f"{name} is not in the definition" for name in given if name not in wanted]
    for name in wanted:
        if name in given and not given[name].castable(wanted[name]):
            faults.append(f"{name} is {given[name]}, not {wanted[name]}")
    if faults:
        raise ContractError(f"table {definition.name}: " + "; ".join(faults))
    return rows.select(*wanted.names).cast(wanted)


def _move_into_place(beside: Path, place: Path) -> None:
    """Swap a finished folder in. A folder cannot replace a folder in one step: killed between the two renames, the
    table is not there, and the next run writes it again; it is never half there."""
    old = place.parent / f".{place.name}.old.{uuid.uuid4().hex[:8]}"
    if place.exists():
        os.replace(place, old)
    os.replace(beside, place)
    directory = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    for left in place.parent.glob(f".{place.name}.old.*"):
        shutil.rmtree(left, ignore_errors=True)


def _write_durably(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
