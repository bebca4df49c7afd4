"""What can be counted of a column on both sides without any distance: rows, missing, infinite, categories nobody has seen
before. Distances leave these out, so they are counted apart. Which counts are too many is drift.py's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from numbers import Number
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ml.errors import InputError

Kind = Literal["numeric", "categorical"]
LEAST_CELL = 20  # rows; nothing that stands for fewer is shown by itself
MOST_CATEGORIES = 50
RARE = "(rare)"


@dataclass(frozen=True)
class Side:
    """A column as one side has it. `present` is False where that side's frame lacks the column."""

    rows: int
    nulls: int = 0
    infinite: int = 0
    present: bool = True

    @property
    def known(self) -> int:
        """Rows with a value that can be compared."""
        return self.rows - self.nulls - self.infinite if self.present else 0

    @property
    def null_share(self) -> float | None:
        return self.nulls / self.rows if self.present and self.rows else None

    @property
    def infinite_share(self) -> float | None:
        return self.infinite / self.rows if self.present and self.rows else None


@dataclass(frozen=True)
class ColumnProfile:
    """One column on both sides.

    categories      how many there are to compare, all rare ones as one; 0 of numbers
    new_categories  distinct values of the night that the reference lacks; None where that says nothing
    new_share       known values of the night that are such; None likewise
    constant        the reference has one value only, and no distance can be measured from it
    fault           why the column could not be read; "" where it could
    """

    column: str
    kind: Kind
    current: Side
    reference: Side
    categories: int = 0
    new_categories: int | None = None
    new_share: float | None = None
    constant: bool = False
    fault: str = ""

    @property
    def comparable(self) -> bool:
        """A distance between the two sides has a meaning."""
        return not self.fault and not self.constant and self.current.known > 0 and self.reference.known > 0


def profile(
    current: pd.DataFrame, reference: pd.DataFrame, numeric: Sequence[str], categorical: Sequence[str]
) -> list[ColumnProfile]:
    """One profile for each column named, in the order given.

    A column that is named and in neither frame is a slip of the caller: InputError. One that is on one side only is a
    finding, and has a profile.
    """
    named = [*numeric, *categorical]
    unknown = [c for c in named if c not in current.columns and c not in reference.columns]
    twice = sorted({c for c in named if named.count(c) > 1})
    if unknown or twice:
        faults = [f"{c} is in neither frame" for c in unknown] + [f"{c} is named twice" for c in twice]
        raise InputError("drift: " + "; ".join(faults))
    return [_profile(c, "numeric" if c in numeric else "categorical", current, reference) for c in named]


def numbers(values: pd.Series) -> np.ndarray:
    """The column as float64 with nan for missing. Raises InputError when it holds anything but numbers and booleans."""
    if is_numeric_dtype(values) or is_bool_dtype(values):
        return values.to_numpy(dtype=float, na_value=np.nan)
    known = values.dropna()
    if not known.map(lambda v: isinstance(v, Number | Decimal | np.bool_)).all():
        raise InputError(f"it holds {known.dtype} values where numbers are expected")
    return values.astype(object).where(values.notna(), np.nan).to_numpy(dtype=float)


def labels(values: pd.Series) -> pd.Series:
    """The column as text, None for missing. Whole numbers read the same as integers and as floats ("3", not "3.0")."""
    if is_numeric_dtype(values) and not is_bool_dtype(values):
        known = values.dropna()
        if len(known) and bool((known == known.round()).all()) and bool(np.isfinite(known.to_numpy(dtype=float)).all()):
            values = values.astype("Int64")
    codes, distinct = pd.factorize(values)
    names = np.array([*map(str, distinct), None], dtype=object)
    return pd.Series(names[codes], dtype=object)  # the code of a missing value is -1: the last name


def distinct_categories(now: np.ndarray, then: np.ndarray) -> list[str]:
    """Categories that are compared each by itself; all others are compared together, as RARE.

    They are those with at least LEAST_CELL rows on one side, at most MOST_CATEGORIES of them, largest share first.
    """
    counts = pd.DataFrame({"now": pd.Series(now).value_counts(), "then": pd.Series(then).value_counts()}).fillna(0)
    held = counts[counts.max(axis=1) >= LEAST_CELL]
    share = (held / [max(len(now), 1), max(len(then), 1)]).max(axis=1)
    return [
        str(name) for name in share.sort_index().sort_values(ascending=False, kind="stable").index[:MOST_CATEGORIES]
    ]


def _profile(column: str, kind: Kind, current: pd.DataFrame, reference: pd.DataFrame) -> ColumnProfile:
    now, seen, wrong_now = _read(column, kind, current)
    then, known, wrong_then = _read(column, kind, reference)
    fault = f"tonight {wrong_now}" if wrong_now else f"in the reference {wrong_then}" if wrong_then else ""
    if not len(seen) or not len(known):
        return ColumnProfile(column, kind, now, then, fault=fault)
    distinct, before = pd.Index(pd.unique(seen)), pd.Index(pd.unique(known))
    unseen = distinct.difference(before, sort=False)
    # A reference of one value has no spread to measure a number's distance by; a category that is one and the same on
    # both sides has no distance to measure.
    constant = len(before) == 1 and (kind == "numeric" or not len(unseen))
    counted = kind == "categorical" or constant
    return ColumnProfile(
        column,
        kind,
        current=now,
        reference=then,
        categories=len(distinct_categories(seen, known)) + 1 if kind == "categorical" else 0,
        new_categories=len(unseen) if counted else None,
        new_share=float(pd.Series(seen).isin(unseen).mean()) if counted else None,
        constant=constant,
    )


def _read(column: str, kind: Kind, frame: pd.DataFrame) -> tuple[Side, np.ndarray, str]:
    """A side, its known values, and why they could not be read ("" when they could)."""
    rows, nothing = len(frame), np.array([])
    if column not in frame.columns:
        return Side(rows, present=False), nothing, ""
    if kind == "categorical":
        named = labels(frame[column]).dropna().to_numpy(dtype=object)
        return Side(rows, nulls=rows - len(named)), named, ""
    try:
        read = numbers(frame[column])
    except InputError as error:
        return Side(rows, nulls=int(frame[column].isna().sum())), nothing, str(error)
    return Side(rows, int(np.isnan(read).sum()), int(np.isinf(read).sum())), read[np.isfinite(read)], ""
