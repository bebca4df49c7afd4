"""Rows taken out of lake tables that are long written: who is erased is in no night of the past either. Writing and reading whole
tables is in lake.py.
"""

import json
import shutil
import uuid
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from resources.lake import Lake
from resources.lake_files import MANIFEST, move_into_place, sha256, write_durably


def rewrite(lake: Lake, table: str, business_date: str, without: Callable[[pa.RecordBatch], pa.Array], why: str) -> int:
    """Take rows out of a stored table; gives how many went, and leaves it untouched where none did. `without` marks them.

    The manifest says that it was done, and why: the table is then no longer what its readers were made from.
    Raises NotInLake, DamagedTable.
    """
    manifest = lake.manifest(table, business_date)
    place = lake.folder(table, business_date)
    dataset = ds.dataset([str(place / name) for name in manifest.files], format="parquet")
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
            files={part.name: sha256(part)},
            notes={**manifest.notes, "rewritten": f"{why}, {datetime.now(UTC):%Y-%m-%d}"},
        )
        write_durably(beside / MANIFEST, json.dumps(asdict(told), indent=1))
        move_into_place(beside, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return int(gone)
