"""What the sections of a backtest's report are made of: what they read, what they give, and how a figure is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ml.backtest_frames import ALL, CLOSED, Campaign

LEAST_ROWS = 20  # no figure is shown of fewer mailings
Row = Mapping[str, Any]  # of BACKTEST_METRICS


@dataclass(frozen=True)
class Told:
    """What the sections read: the frames of both tables, the campaigns replayed, and the name of their source."""

    scores: pd.DataFrame
    metrics: pd.DataFrame
    campaigns: Mapping[str, Campaign]
    source: str

    @property
    def main(self) -> str:
        """The subset to judge by: the campaigns whose time to answer is over, or all where none is."""
        return CLOSED if self.metrics.subset.eq(CLOSED).any() else ALL

    def rows(self, level: str, subset: str) -> pd.DataFrame:
        held = self.metrics
        return held[held.level.eq(level) & held.subset.eq(subset) & held.rows.ge(LEAST_ROWS)]


@dataclass(frozen=True)
class Section:
    """A part of the report. `tables` are of text, ready to be shown; `figures` PNG by what they show."""

    title: str
    text: str
    tables: Sequence[pd.DataFrame] = ()
    figures: Sequence[tuple[str, bytes]] = ()


def by_metric(rows: pd.DataFrame) -> dict[str, Row]:
    """The rows of one scorer by their metric."""
    return {str(row["metric"]): row for row in rows.to_dict("records")}  # type: ignore[misc]


def value_of(row: Row, interval: bool = True) -> str:
    """The row's value, with its interval where it has one."""
    return number(row["value"], row["low"], row["high"]) if interval else number(row["value"])


def gain_of(row: Row) -> str:
    """The row's gain with its interval; empty where it is compared with nothing."""
    return number(row["gain"], row["gain_low"], row["gain_high"], "+") if pd.notna(row["gain"]) else ""


def number(value: float, low: float | None = None, high: float | None = None, sign: str = "") -> str:
    """A figure to three decimals, its interval in brackets; empty for a missing one."""
    if pd.isna(value):
        return ""
    text = f"{value:{sign}.3f}"
    return text if low is None or pd.isna(low) else f"{text} [{low:{sign}.3f}, {high:{sign}.3f}]"
