"""From a batch of rows to the matrix a model reads: which columns, in which order, and how names become numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Batch: TypeAlias = "pa.RecordBatch | pa.Table"
Matrix = NDArray[np.float32]

_ROWS_IN_REACH = 1024  # filled at a time: some hundred columns of so many rows stay in the processor's cache
MOST_NAMES = 30  # values of a category that get a column of their own


@dataclass(frozen=True)
class Inputs:
    """What one stage of the model reads, in order.

    Amounts are taken as they are, null as NaN. A category becomes one 0/1 column for each of the values seen in training
    (`vocabulary`); a value never seen, or null, is 0 in all of them, so nothing a club renames can stop a night.
    """

    amounts: tuple[str, ...]
    vocabulary: dict[str, tuple[str, ...]]

    @classmethod
    def seen_in(cls, rows: pa.Table, names: Sequence[str], categories: frozenset[str]) -> "Inputs":
        """Inputs named `names`, with the categories' values as they are in the training rows, the commonest first.
        An amount that is 0 or missing in all of them tells nothing, and is left out."""
        vocabulary = {}
        for name in names:
            if name in categories:
                counts = sorted(
                    (-c["counts"], c["values"]) for c in pc.value_counts(rows[name].drop_null()).to_pylist()
                )
                vocabulary[name] = tuple(value for _, value in counts[:MOST_NAMES])
        amounts = tuple(n for n in names if n not in categories and _tells(rows[n]))
        return cls(amounts, vocabulary)

    @property
    def columns(self) -> list[str]:
        """Names of the matrix's columns."""
        named = [f"{name} = {value}" for name, values in self.vocabulary.items() for value in values]
        return [*self.amounts, *named]

    def matrix(self, rows: Batch) -> Matrix:
        """(rows, columns) in float32. Raises KeyError naming the columns that the rows lack."""
        return self.spread(rows)[0]

    def spread(self, rows: Batch) -> "tuple[Matrix, list[Repeated]]":
        """The matrix, and those of its columns whose values repeat: of rows that share their dictionaries' indices (what is
        known of the ask stands once for all its offers) the values are read once, and spread over the rows."""
        lacking = [n for n in (*self.amounts, *self.vocabulary) if n not in rows.schema.names]
        if lacking:
            raise KeyError(f"rows lack the features {', '.join(lacking)}")
        shared: dict[int, tuple[NDArray[np.int64], list[int], list[Matrix]]] = {}
        own: list[tuple[int, Matrix]] = []
        at = 0
        for name in (*self.amounts, *self.vocabulary):
            column = _whole(rows[name])
            if isinstance(column, pa.DictionaryArray):
                place = column.indices.buffers()[1].address + column.indices.offset
                found = shared.setdefault(place, (column.indices.to_numpy(), [], []))
                values = self._values(name, column.dictionary)
                found[1].extend(range(at, at + values.shape[1]))
                found[2].append(values)
            else:
                values = self._values(name, column)
                own.append((at, values))
            at += values.shape[1]
        repeated = [Repeated(of, columns, np.hstack(values)) for of, columns, values in shared.values()]
        repeated.sort(key=lambda part: -len(part.columns))
        out = np.empty((rows.num_rows, at), dtype=np.float32)
        wide = repeated[0].widened(at) if repeated else None
        for begin in range(0, rows.num_rows, _ROWS_IN_REACH):
            here = slice(begin, begin + _ROWS_IN_REACH)
            block = out[here]
            if wide is not None:
                np.take(wide, repeated[0].of[here], axis=0, out=block, mode="clip")  # "raise" would copy it once more
            for part in repeated[1:]:
                block[:, part.columns] = part.values[part.of[here]]
            for first, values in own:
                block[:, first : first + values.shape[1]] = values[here]
        return out, repeated

    def _values(self, name: str, column: pa.Array) -> Matrix:
        """(values, columns of the name)."""
        if name not in self.vocabulary:
            return floats(column).astype(np.float32)[:, None]
        known = self.vocabulary[name]
        codes = floats(pc.index_in(column, value_set=pa.array(known, pa.string())))
        found: Matrix = (codes[:, None] == np.arange(len(known))).astype(np.float32)
        return found


@dataclass(frozen=True)
class Repeated:
    """Columns of a matrix that are values[of]: `of` has one index a row."""

    of: NDArray[np.int64]
    columns: list[int]
    values: Matrix

    def widened(self, columns: int) -> Matrix:
        """A matrix of so many columns with these in place, and nothing yet in the others: whole rows are copied from it, which is quicker
        than as many columns one by one."""
        wide = np.empty((self.values.shape[0], columns), dtype=np.float32)
        wide[:, self.columns] = self.values
        return wide


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def floats(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """A numeric column as floats, null as NaN."""
    plain = _whole(column)
    if isinstance(plain, pa.DictionaryArray):
        plain = plain.dictionary_decode()
    numbers = plain.cast(pa.float64())
    values: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return values


def _tells(column: pa.Array | pa.ChunkedArray) -> bool:
    return len(column) == 0 or bool(np.any(np.nan_to_num(floats(column)) != 0))
