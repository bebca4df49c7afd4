"""How good scores are where the truth is known: not against what happened to happen, but against how likely it was and what it
meant. Arrays in, figures out; nothing here knows whose truth it is.
"""

import numpy as np
import pandas as pd

from ml.ensemble import Values
from ml.evaluation import calibration_bins

LOSING = (0.05, 0.10, 0.20)


def trade_off(score: Values, relevant: Values, points: int = 101) -> pd.DataFrame:
    """lost (share of the relevant that is stopped) and stopped (share of the irrelevant), as ever more is stopped, lowest score first.

    relevant   how relevant each row is, 0..1: a yes or no, or a probability, by which a row counts in part as either

    >>> trade_off(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0]), points=2).stopped.tolist()
    [1.0, 1.0]
    """
    order = np.argsort(score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) > 0, True))  # equal scores are stopped together
    lost = np.cumsum(relevant[order])[last] / relevant.sum()
    stopped = np.cumsum(1 - relevant[order])[last] / (1 - relevant).sum()
    asked = np.linspace(0, 1, points)
    at = np.searchsorted(lost, asked + 1e-9, side="right") - 1
    return pd.DataFrame({"lost": asked, "stopped": np.where(at >= 0, stopped[np.maximum(at, 0)], 0.0)})


def stopped_losing(score: Values, relevant: Values) -> dict[float, float]:
    """Share of the irrelevant that can be stopped while at most the shares `LOSING` of the relevant are."""
    curve = trade_off(score, relevant, 101)
    return {lost: float(curve.stopped[curve.lost <= lost + 1e-9].iloc[-1]) for lost in LOSING}


def against_truth(score: Values, truth: Values) -> tuple[pd.DataFrame, float]:
    """(bins of equal size with the mean score and the mean true probability, mean distance of the two)."""
    bins = calibration_bins(truth, score)
    return bins, float((bins.rows * (bins.predicted - bins.observed).abs()).sum() / bins.rows.sum())
