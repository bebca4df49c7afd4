"""Tables written part by part to a folder of Parquet files, one a table, that is there as a whole or not at all."""

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq


class TableFiles:
    """A folder being written. Parts of a table come in order and have the same columns; none is kept in memory.

    The folder takes its place when the block ends without an error. Where one is there already, the one that was first stays:
    two processes that write the same do not disturb each other.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._unfinished = folder.with_name(f".{folder.name}.{os.getpid()}")
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._open = ExitStack()

    def __enter__(self) -> "TableFiles":
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(parents=True, mode=0o700)
        return self

    def append(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            if name not in self._writers:
                writer = pq.ParquetWriter(self._unfinished / f"{name}.parquet", table.schema, compression="zstd")
                self._writers[name] = self._open.enter_context(writer)
            self._writers[name].write_table(table)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if kind is None and not self._folder.exists():
            self._unfinished.rename(self._folder)
        shutil.rmtree(self._unfinished, ignore_errors=True)
