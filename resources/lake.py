"""The lake: Parquet files, a folder for each table and business date, and a manifest in it that says what is there.

    <lake>/<table>/business_date=2017-10-30/part-0.parquet
                                           /manifest.json

A table is written beside its place and moved there as a whole, so it is there complete or not at all, also when the
process is killed. Reading checks every file's sha256 and the columns against the manifest. A club of several shards (ml/shards.py)
has a file for each of them, part-3-of-7.parquet; how files are written is in lake_files.py.
"""

import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.dataset as ds
from ibis.backends.sql import SQLBackend

from ml.errors import DamagedTable, NotInLake
from ml.shards import WHOLE, Shard, shards_in
from ml.tables import Table
from resources.engine import read_files, write_files
from resources.lake_files import (
    MANIFEST,
    Manifest,
    check_nulls,
    conform,
    last_change,
    move_into_place,
    sha256,
    write_batches,
    write_by_shard,
    write_durably,
)

ROWS_A_BATCH = 100_000
LEFT_BEHIND = 3_600.0  # seconds without a change after which nobody writes a part any more


class Lake:
    """Writes and reads lake tables with one engine."""

    def __init__(self, root: Path, engine: SQLBackend):
        self.root = root
        self.engine = engine
        self._verified: dict[Path, tuple[int, int]] = {}
        self._views: dict[tuple[tuple[Path, tuple[int, int]], ...], ir.Table] = {}

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
        shards: int = 1,
    ) -> Manifest:
        """Write a table whole, in place of any earlier one of that date; batches are streamed. An expression with members in it
        is written as one file for each of the `shards`.

        Raises ContractError naming every column that is missing, unknown or of another type, or null where it must
        not be; nothing is written then.
        """
        place = self.folder(definition.name, business_date)
        beside = place.parent / f".{place.name}.{uuid.uuid4().hex[:8]}"
        beside.mkdir(parents=True, mode=0o700)
        try:
            if shards > 1 and isinstance(rows, ir.Table) and "member_id" in definition.names:
                files = write_by_shard(self.engine, conform(definition, rows), beside, shards)
            else:
                files = self._write(definition, rows, beside)
            return self._finish(definition, business_date, files, code_version, run_id, inputs, notes)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def clear_parts(self, older_than: float = LEFT_BEHIND) -> int:
        """Delete parts that a killed night has left and nobody writes any more: they name members. Gives how many tables had any."""
        left = [folder for folder in self.root.glob("*/.parts.*") if time.time() - last_change(folder) > older_than]
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return len(left)

    def begin_parts(self, table: str, business_date: str) -> None:
        """Forget what parts of the table an earlier attempt has left."""
        shutil.rmtree(self._parts(table, business_date), ignore_errors=True)

    def write_part(
        self, definition: Table, business_date: str, shard: Shard, rows: ir.Table | pa.RecordBatchReader
    ) -> None:
        """Write one shard of a table beside its place, in place of any earlier attempt at it. `finish_parts` makes a table of
        all of them. Raises ContractError as `write` does."""
        parts = self._parts(definition.name, business_date)
        unfinished = parts / f".{shard.name}.{uuid.uuid4().hex[:8]}"
        unfinished.mkdir(parents=True, mode=0o700)
        try:
            self._write(definition, rows, unfinished)
            shutil.rmtree(parts / shard.name, ignore_errors=True)
            os.replace(unfinished, parts / shard.name)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def read_part(self, definition: Table, business_date: str, shard: Shard) -> ir.Table:
        """A part that was written, before the table is finished. Raises NotInLake."""
        files = self._files_of_part(definition.name, business_date, shard)
        if not files:
            raise NotInLake(f"of {definition.name} of {business_date} {shard.name} was not written")
        return read_files(self.engine, files, definition.schema)

    def finish_parts(
        self,
        definition: Table,
        business_date: str,
        shards: int,
        *,
        code_version: str = "",
        run_id: str = "",
        inputs: Mapping[str, str] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Manifest:
        """Put a table of so many shards, of which each has been written, in its place. Raises NotInLake naming those that have
        not; then, as before, the table is not there."""
        found = {s: self._files_of_part(definition.name, business_date, s) for s in shards_in(shards)}
        missing = [shard.name for shard, files in found.items() if not files]
        if missing:
            raise NotInLake(f"of {definition.name} of {business_date} {', '.join(missing)} was not written")
        parts = self._parts(definition.name, business_date)
        beside = parts.with_name(f"{parts.name}.{uuid.uuid4().hex[:8]}")
        beside.mkdir(mode=0o700)
        try:
            files = []
            for shard, written in found.items():
                for file in written:  # of one shard as of a table that was written whole
                    name = file.name if shard.is_whole else f"{shard.name}.parquet"
                    os.link(file, beside / name)
                    files.append(beside / name)
            manifest = self._finish(definition, business_date, files, code_version, run_id, inputs, notes)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        self.begin_parts(definition.name, business_date)
        return manifest

    def _parts(self, table: str, business_date: str) -> Path:
        return self.root / table / f".parts.business_date={business_date}"

    def _files_of_part(self, table: str, business_date: str, shard: Shard) -> list[Path]:
        return sorted((self._parts(table, business_date) / shard.name).glob("*.parquet"))

    def _write(self, definition: Table, rows: ir.Table | pa.RecordBatchReader, folder: Path) -> list[Path]:
        if isinstance(rows, pa.RecordBatchReader):
            return [write_batches(definition, rows, folder / "part-0.parquet")]
        return write_files(self.engine, conform(definition, rows), folder)

    def _finish(
        self,
        definition: Table,
        business_date: str,
        files: Sequence[Path],
        code_version: str,
        run_id: str,
        inputs: Mapping[str, str] | None,
        notes: Mapping[str, str] | None,
    ) -> Manifest:
        """Check the files of a folder, write their manifest beside them and move the folder into its place."""
        manifest = Manifest(
            table=definition.name,
            business_date=business_date,
            rows=check_nulls(self.engine, definition, files),
            schema={name: str(dtype) for name, dtype in definition.schema.items()},
            files={file.name: sha256(file) for file in files},
            code_version=code_version,
            run_id=run_id,
            written_at=datetime.now(UTC).isoformat(timespec="seconds"),
            inputs=dict(inputs or {}),
            notes=dict(notes or {}),
        )
        folder = files[0].parent
        write_durably(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))
        move_into_place(folder, self.folder(definition.name, business_date))
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

    def read(self, definition: Table, business_date: str, shard: Shard = WHOLE) -> ir.Table:
        """The table as an Ibis expression over its files; of a shard its members' rows only, and all of a table without members.

        Raises NotInLake, and DamagedTable when a byte or a column is not what the manifest says.
        """
        manifest = self.manifest(definition.name, business_date)
        own = f"{shard.name}.parquet"
        if not shard.is_whole and own in manifest.files:
            return self._read(definition, manifest, [own])
        return shard.part_of(self._read(definition, manifest, list(manifest.files)))

    def _read(self, definition: Table, manifest: Manifest, names: Sequence[str]) -> ir.Table:
        files = self._checked_files(definition, manifest, names)
        later = {
            c.name: ibis.null(c.type.ibis) for c in definition.columns if c.added and c.name not in manifest.schema
        }
        stored = self._view(files, ibis.schema({n: t for n, t in definition.schema.items() if n not in later}))
        if not later:
            return stored
        return stored.mutate(**later).select(*definition.names).cast(definition.schema)

    def _view(self, files: Sequence[Path], schema: ibis.Schema) -> ir.Table:
        """The files as the engine's table: the one that it has of them as they are, as to make one asks it four times and a step reads
        the same tables again and again."""
        known = tuple((path, self._verified[path]) for path in files)
        if known not in self._views:
            self._views[known] = read_files(self.engine, files, schema)
        return self._views[known]

    def read_batches(self, definition: Table, business_date: str) -> pa.RecordBatchReader:
        """The same as a stream of Arrow batches that holds no result of the engine open."""
        manifest = self.manifest(definition.name, business_date)
        files = [str(path) for path in self._checked_files(definition, manifest, list(manifest.files))]
        stored = ds.dataset(files, format="parquet")
        lacking = set(definition.names) - set(stored.schema.names)
        if lacking:  # added since: null
            now = definition.schema.to_pyarrow()
            fields = [(now if name in lacking else stored.schema).field(name) for name in definition.names]
            stored = ds.dataset(files, format="parquet", schema=pa.schema(fields))
        return stored.scanner(batch_size=ROWS_A_BATCH).to_reader()

    def tables(self) -> list[str]:
        """Names of the tables of which there is any date."""
        return sorted({path.parent.parent.name for path in self.root.glob(f"*/business_date=*/{MANIFEST}")})

    def remove(self, table: str, business_date: str) -> None:
        """Delete a table of a date. The manifest goes first, so that nothing is ever half there."""
        place = self.folder(table, business_date)
        (place / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)

    def _checked_files(self, definition: Table, manifest: Manifest, names: Sequence[str]) -> list[Path]:
        business_date = manifest.business_date
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
        for name in names:
            self._verify(folder / name, manifest.files[name])
        return [folder / name for name in names]

    def _verify(self, path: Path, digest: str) -> None:
        try:
            state = path.stat()
        except FileNotFoundError:
            raise DamagedTable(f"{path.relative_to(self.root)} is named by its manifest and is not there") from None
        seen = (state.st_mtime_ns, state.st_size)
        if self._verified.get(path) == seen:
            return
        if sha256(path) != digest:
            raise DamagedTable(f"{path.relative_to(self.root)} differs from its manifest; run its night again")
        self._verified[path] = seen
