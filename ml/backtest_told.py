"""What the sections of a backtest's report are made of: what they read, what they give, and how a figure is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ml.backtest_frames import ALL, CLOSED, IS_CLOSED, OF_ONE

LEAST_ROWS = 20  # no figure is shown of fewer mailings
WORDS = {
    "auc": "AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "ece": "calibration error", "mrr": "MRR", "ndcg_5": "NDCG at 5",
    "recall_5": "recall at 5", "stopped_keeping_95": "stopped, keeping 95 %", "stopped_keeping_90": "stopped, keeping 90 %",
    "stopped_keeping_80": "stopped, keeping 80 %",
}  # fmt: skip
Row = Mapping[str, Any]  # of BACKTEST_METRICS


@dataclass(frozen=True)
class Told:
    """What the sections read: rows of BACKTEST_METRICS, and the name of the source they are of."""

    metrics: pd.DataFrame
    source: str

    @property
    def main(self) -> str:
        """The subset to judge by: the campaigns whose time to answer is over, or all where none is."""
        return CLOSED if self.metrics.subset.eq(CLOSED).any() else ALL

    @property
    def campaigns(self) -> dict[str, bool]:
        """The campaigns replayed, and whether the time to answer each is over."""
        held = self.metrics[self.metrics.metric.eq(IS_CLOSED)]
        return {str(s).removeprefix(OF_ONE): v > 0 for s, v in zip(held.subset, held.value, strict=True)}

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


def less_empty(table: pd.DataFrame) -> pd.DataFrame:
    """The table without columns in which nothing stands."""
    return table.loc[:, [column for column in table if table[column].astype(str).ne("").any()]]


def number(value: float, low: float | None = None, high: float | None = None, sign: str = "") -> str:
    """A figure to three decimals, its interval in brackets; empty for a missing one."""
    if pd.isna(value):
        return ""
    text = f"{value:{sign}.3f}"
    return text if low is None or pd.isna(low) else f"{text} [{low:{sign}.3f}, {high:{sign}.3f}]"
