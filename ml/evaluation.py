"""How good scores are, measured on what happened: discrimination, calibration, ranking, and the business's own question:
how many messages can be stopped while the members who would have answered still get theirs. Arrays in, figures out.

Rows may be weighted: a bootstrap draw of members is nothing but a weight for each of their rows, so intervals cost no
second sorting, and differences measured under the same draws are paired.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]

KEEP = (0.95, 0.90, 0.80)
STOP = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BINS = 10
TOP = 5
_LEAST = 1e-6


@dataclass(frozen=True)
class Ranked:
    """Answered (0 or 1) and scores, highest score first; equal scores are a run and share its place.

    last     the last row of each run
    yes      the rows that were answered, in order
    first    the first of `yes` in each run that has one; `run` are those runs
    """

    answered: Values
    score: Values
    order: NDArray[np.int64]
    last: NDArray[np.int64]
    yes: NDArray[np.int64]
    first: NDArray[np.int64]
    run: NDArray[np.int64]
    loss: Values

    @classmethod
    def of(cls, answered: Values, score: Values) -> "Ranked":
        order = np.argsort(-score, kind="stable")
        ranked, happened = score[order], answered[order]
        last = (
            np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if ranked.size else np.zeros(0, dtype=np.int64)
        )
        yes = np.flatnonzero(happened > 0)
        run, first = np.unique(np.searchsorted(last, yes), return_index=True)
        p = np.clip(ranked, _LEAST, 1 - _LEAST)
        loss = -np.log(np.where(happened > 0, p, 1 - p))
        return cls(happened, ranked, order, last, yes, first, run, loss)

    def figures(self, weight: Values | None = None) -> dict[str, float]:
        """auc, pr_auc, log_loss, brier, ece, base_rate, rows, answers, stopped_keeping_95/90/80, kept_stopping_10/20/../90.

        NaN where a figure has no meaning (no answer at all, say). `weight` is in the order given to `of`. Few rows are
        answered, so what can be told from those alone is.
        """
        w = np.ones(self.score.size) if weight is None else weight[self.order]
        rows, yes = np.cumsum(w), np.cumsum(w[self.yes])
        total, size = (yes[-1] if yes.size else 0.0), (rows[-1] if rows.size else 0.0)
        if total <= 0 or total >= size:
            return dict.fromkeys(FIGURES, float("nan")) | {"rows": float(size), "answers": float(total)}
        gained = np.add.reduceat(w[self.yes], self.first)
        tp, n = np.cumsum(gained), rows[self.last[self.run]]
        before = np.where(self.run > 0, rows[self.last[self.run - 1]], 0.0)
        fp, fp_before, fp_all = n - tp, before - (tp - gained), size - total
        out = {
            "auc": (gained * (fp_all - (fp + fp_before) / 2)).sum() / (total * fp_all),
            "pr_auc": (gained * tp / np.maximum(n, 1e-12)).sum() / total,
            "log_loss": w @ self.loss / size,
            "brier": w @ (self.score - self.answered) ** 2 / size,
            "ece": self._calibration_error(w, rows),
            "base_rate": total / size,
            "rows": size,
            "answers": total,
        }
        for keep in KEEP:
            needed = self.yes[np.searchsorted(yes, keep * total - 1e-9)]
            out[f"stopped_keeping_{keep * 100:.0f}"] = 1 - rows[needed] / size
        for stop in STOP:
            sent = np.searchsorted(rows, (1 - stop) * size + 1e-9)  # so many rows
            reached = np.searchsorted(self.yes, sent)
            out[f"kept_stopping_{stop * 100:.0f}"] = yes[reached - 1] / total if reached else 0.0
        return {name: float(value) for name, value in out.items()}

    def _calibration_error(self, w: Values, rows: Values) -> float:
        ends = rows[self.last]
        middle = (ends + np.concatenate([[0.0], ends[:-1]])) / 2  # equal scores fall into one bin
        starts = np.searchsorted(BINS * middle / rows[-1], np.arange(BINS))  # the first run of each bin
        edges = np.concatenate([[0], self.last + 1])[starts]
        gap = np.concatenate([[0.0], np.cumsum(w * (self.score - self.answered))])
        return float(np.abs(np.diff(np.append(gap[edges], gap[-1]))).sum() / rows[-1])


FIGURES = (
    "auc", "pr_auc", "log_loss", "brier", "ece", "base_rate", "rows", "answers",
    *(f"stopped_keeping_{k * 100:.0f}" for k in KEEP), *(f"kept_stopping_{s * 100:.0f}" for s in STOP),
)  # fmt: skip


def binary_metrics(answered: Values, score: Values) -> dict[str, float]:
    """The `Ranked.figures` of rows: `answered` is 0 or 1, `score` a probability; high scores are kept longest.

    >>> binary_metrics(np.array([0, 0, 1, 1.0]), np.array([0.1, 0.2, 0.3, 0.4]))["stopped_keeping_90"]
    0.5
    """
    return Ranked.of(answered, score).figures()


def calibration_bins(answered: Values, score: Values, bins: int = BINS) -> pd.DataFrame:
    """Equal numbers of rows by score: predicted (mean), observed (share), rows, low and high (95 %, Wilson)."""
    if answered.size == 0:
        return pd.DataFrame({c: pd.Series(dtype=float) for c in ("predicted", "observed", "rows", "low", "high")})
    parts = np.array_split(np.argsort(score, kind="stable"), min(bins, answered.size))
    n = np.array([len(p) for p in parts], dtype=float)
    observed = np.array([answered[p].mean() for p in parts])
    z = 1.96
    middle = (observed + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(observed * (1 - observed) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    predicted = np.array([score[p].mean() for p in parts])
    return pd.DataFrame(
        {"predicted": predicted, "observed": observed, "rows": n, "low": middle - half, "high": middle + half}
    )


def gain_curve(answered: Values, score: Values, points: int = 101) -> pd.DataFrame:
    """stopped (share of rows, lowest scores first) and kept (share of answers still sent)."""
    stops = np.linspace(0, 1, points)
    kept = np.concatenate([[0.0], np.cumsum(answered[np.argsort(-score, kind="stable")])]) / max(answered.sum(), _LEAST)
    return pd.DataFrame({"stopped": stops, "kept": kept[np.rint((1 - stops) * answered.size).astype(int)]})


def ranking_by_group(
    group: Sequence[object] | NDArray[np.object_] | pd.Series, answered: Values, score: Values, k: int = TOP
) -> pd.DataFrame:
    """ndcg, recall (both at k) and mrr of each group (an ask) in which anything was answered, indexed by group. A group of
    one row is left out: there is nothing to rank.

    Binary gains; equal scores are put in an order by chance, the same each time.
    """
    frame = pd.DataFrame({"group": np.asarray(group), "answered": answered, "score": score})
    frame["tie"] = np.random.default_rng(0).random(len(frame))
    held = frame.groupby("group").answered
    wanted = held.sum()[(held.sum() > 0) & (held.size() > 1)]
    frame = frame[frame.group.isin(wanted.index)].sort_values(["group", "score", "tie"], ascending=[True, False, True])
    place = frame.groupby("group").cumcount() + 1
    top = frame.answered * (place <= k)
    best = np.cumsum(1 / np.log2(np.arange(1, k + 1) + 1))
    ideal = best[np.minimum(wanted.to_numpy(dtype=int), k) - 1]
    first = place.where(frame.answered > 0).groupby(frame.group).min()
    return pd.DataFrame(
        {
            f"ndcg_{k}": (top / np.log2(place + 1)).groupby(frame.group).sum() / ideal,
            f"recall_{k}": top.groupby(frame.group).sum() / wanted,
            "mrr": 1 / first,
        },
        index=wanted.index,
    )


def ranking_metrics(
    group: Sequence[object] | NDArray[np.object_] | pd.Series, answered: Values, score: Values, k: int = TOP
) -> dict[str, float]:
    """Means of `ranking_by_group`, and groups: how many there were."""
    by_group = ranking_by_group(group, answered, score, k)
    return {str(name): float(value) for name, value in by_group.mean().items()} | {"groups": float(len(by_group))}


@dataclass(frozen=True)
class Interval:
    """A figure with the 95 % interval of a bootstrap over members."""

    value: float
    low: float
    high: float


def member_draws(members: Sequence[str] | NDArray[np.object_], draws: int, seed: int = 0) -> list[Values]:
    """`draws` bootstrap draws of members with replacement, each as weights of the rows (times drawn)."""
    codes, names = pd.factorize(np.asarray(members, dtype=object))
    rng = np.random.default_rng(seed)
    return [
        np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[codes].astype(float)
        for _ in range(draws)
    ]


def intervals(measure: Callable[[Values | None], Mapping[str, float]], draws: Sequence[Values]) -> dict[str, Interval]:
    """What `measure` gives unweighted, with the interval of what it gives under each draw's weights."""
    drawn = [measure(weight) for weight in draws]
    out = {}
    for name, value in measure(None).items():
        spread = np.array([d[name] for d in drawn])
        spread = spread[np.isfinite(spread)]
        low, high = np.quantile(spread, [0.025, 0.975]) if spread.size else (float("nan"), float("nan"))
        out[name] = Interval(float(value), float(low), float(high))
    return out
