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
        An amount that is 0 in all of them tells nothing, and is left out."""
        vocabulary = {}
        for name in names:
            if name in categories:
                counts = sorted(
                    (-c["counts"], c["values"]) for c in pc.value_counts(rows[name].drop_null()).to_pylist()
                )
                vocabulary[name] = tuple(value for _, value in counts[:MOST_NAMES])
        amounts = tuple(n for n in names if n not in categories and not _all_zero(rows[n]))
        return cls(amounts, vocabulary)

    @property
    def columns(self) -> list[str]:
        """Names of the matrix's columns."""
        named = [f"{name} = {value}" for name, values in self.vocabulary.items() for value in values]
        return [*self.amounts, *named]

    def matrix(self, rows: Batch) -> Matrix:
        """(rows, columns) in float32. Raises KeyError naming the columns that the rows lack."""
        lacking = [n for n in (*self.amounts, *self.vocabulary) if n not in rows.schema.names]
        if lacking:
            raise KeyError(f"rows lack the features {', '.join(lacking)}")
        out = np.empty((rows.num_rows, len(self.columns)), dtype=np.float32)
        for at, name in enumerate(self.amounts):
            out[:, at] = floats(rows[name])
        at = len(self.amounts)
        for name, values in self.vocabulary.items():
            codes = floats(pc.index_in(rows[name], value_set=pa.array(values, pa.string())))
            for code in range(len(values)):
                out[:, at + code] = codes == code
            at += len(values)
        return out


def floats(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float64]:
    """A numeric column as floats, null as NaN."""
    numbers = column.cast(pa.float64())
    if isinstance(numbers, pa.ChunkedArray):
        numbers = numbers.combine_chunks()
    values: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False)
    return values


def _all_zero(column: pa.Array | pa.ChunkedArray) -> bool:
    return len(column) > 0 and not np.any(floats(column) != 0)
