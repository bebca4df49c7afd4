"""How the rows of a lake table become Parquet files, whole or by shard, with a manifest beside them, and come into their place. What
is written where is in lake.py."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.sql import SQLBackend

from ml.errors import ContractError
from ml.shards import shards_in
from ml.tables import Table
from resources.engine import read_files

MANIFEST = "manifest.json"


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


def write_by_shard(engine: SQLBackend, rows: ir.Table, folder: Path, shards: int) -> list[Path]:
    """Write the rows into the folder in one pass, a file for each shard of their members: part-3-of-7.parquet. Within a file
    the order of rows is the engine's."""
    digest = "0x" + rows.member_id.hexdigest("md5").left(8)
    number = (digest.cast("uint64") * shards / 2**32).floor()  # as `Shard.holds` divides them
    coded = rows.mutate(shard=number.cast("int32").fill_null(0))
    engine.to_parquet(coded, folder, compression="zstd", partition_by="shard")
    for each in shards_in(shards):
        found = sorted((folder / f"shard={each.number}").glob("*.parquet"))
        place = folder / f"{each.name}.parquet"
        if len(found) == 1:
            found[0].rename(place)
        elif found:
            engine.to_parquet(engine.read_parquet(found, hive_partitioning=False), place, compression="zstd")
        else:
            engine.to_parquet(rows.limit(0), place, compression="zstd")
    for left in folder.glob("shard=*"):
        shutil.rmtree(left)
    return [folder / f"{each.name}.parquet" for each in shards_in(shards)]


def write_batches(definition: Table, batches: pa.RecordBatchReader, part: Path) -> Path:
    """Stream Arrow batches into one file, which is given back. Raises ContractError naming what differs from the definition."""
    schema = definition.schema.to_pyarrow()
    faults = sorted(set(schema.names) ^ set(batches.schema.names))
    if faults:
        raise ContractError(f"table {definition.name}: columns missing or unknown: {', '.join(faults)}")
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))
    return part


def conform(definition: Table, rows: ir.Table) -> ir.Table:
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


def move_into_place(beside: Path, place: Path) -> None:
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


def write_durably(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_nulls(engine: SQLBackend, definition: Table, files: Sequence[Path]) -> int:
    """Rows of written files. Raises ContractError where a column that may not be null is."""
    table = read_files(engine, files, definition.schema)
    held = [c.name for c in definition.columns if not c.nullable]
    nulls_in = {f"null {name}": table[name].isnull().sum() for name in held}  # no column is named with a space
    found = table.aggregate(**{"all rows": table.count()}, **nulls_in).to_pyarrow().to_pylist()[0]
    nulls = [(name, found[f"null {name}"]) for name in held if found[f"null {name}"]]
    if nulls:
        told = ", ".join(f"{name} ({count} rows)" for name, count in nulls)
        raise ContractError(f"table {definition.name}: null in {told}")
    return int(found["all rows"])


def last_change(folder: Path) -> float:
    """When anything in the folder was last changed, as seconds since the epoch."""
    return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
