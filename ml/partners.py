"""The linear partners of an ensemble, evaluated all at once: what `LinearModel.predict` says of each, in one search a feature
instead of one a feature and partner. How a partner is fitted is in linear.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.linear import LinearModel, places

Values = NDArray[np.float64]
_ROWS = 8192  # looked up at a time, so that what is being summed stays in the processor's cache


@dataclass(frozen=True)
class Curve:
    """What one feature adds to the log-odds of every partner: straight lines between the knots of all of them.

    knots     (k,) rising
    base      (k + 1,) the knot that each stretch begins at; the first stretch lies below all knots
    value     (k + 1, partners) at that knot
    slope     (k + 1, partners) from it to the next; 0 below the first and above the last
    missing   (partners,) where the feature is NaN
    """

    knots: Values
    base: Values
    value: Values
    slope: Values
    missing: Values

    @property
    def is_flat(self) -> bool:
        return not (self.value.any() or self.missing.any())

    def add_to(self, out: Values, x: NDArray[np.float32]) -> None:
        """Add to (rows, partners) what the feature's values (rows,) add."""
        values = x.astype(np.float64)
        unknown = np.isnan(values)
        at = np.searchsorted(self.knots, np.where(unknown, 0.0, values), side="right")
        part = self.slope[at]
        part *= (values - self.base[at])[:, None]
        part += self.value[at]
        if unknown.any():
            part[unknown] = self.missing
        out += part


@dataclass(frozen=True)
class Partners:
    """A curve for each feature, and the partners' intercepts."""

    curves: tuple[Curve, ...]
    intercept: Values

    @classmethod
    def of(cls, models: Sequence[LinearModel]) -> "Partners":
        features = models[0].knots.shape[0]
        return cls(
            tuple(_curve(models, feature) for feature in range(features)), np.array([m.intercept for m in models])
        )

    def log_odds(self, x: NDArray[np.float32]) -> Values:
        """(rows, partners)."""
        every = range(len(self.curves))
        return self.intercept + self.added(x, every, every)

    def added(self, x: NDArray[np.float32], columns: Sequence[int], features: Sequence[int]) -> Values:
        """(rows, partners): what the features add, whose values are in those columns of x."""
        out = np.zeros((x.shape[0], self.intercept.size))
        curves = ((at, self.curves[feature]) for at, feature in zip(columns, features, strict=True))
        told = [(at, curve) for at, curve in curves if not curve.is_flat]
        for first in range(0, x.shape[0], _ROWS):
            block, part = x[first : first + _ROWS], out[first : first + _ROWS]
            for at, curve in told:
                curve.add_to(part, block[:, at])
        return out

    def mean_of_each(self, x: NDArray[np.float32]) -> Values:
        """(rows, features): what each feature adds, the mean over the partners."""
        out = np.zeros(x.shape)
        for at, curve in enumerate(self.curves):
            if not curve.is_flat:
                one = Curve(
                    curve.knots, curve.base, curve.value.mean(axis=1, keepdims=True),
                    curve.slope.mean(axis=1, keepdims=True), curve.missing.mean(keepdims=True),
                )  # fmt: skip
                one.add_to(out[:, at : at + 1], x[:, at])
        return out


def _curve(models: Sequence[LinearModel], feature: int) -> Curve:
    knots = np.unique(np.concatenate([m.knots[feature] for m in models]))
    value = np.stack([m.weights[feature] * places(knots, m.knots[feature]) for m in models], axis=1)
    rise = np.diff(knots)[:, None]
    slope = np.vstack([np.zeros(len(models)), np.diff(value, axis=0) / rise, np.zeros(len(models))])
    return Curve(
        knots,
        np.concatenate([knots[:1], knots]),
        np.vstack([value[:1], value]),
        slope,
        np.array([_when_missing(m, feature) for m in models]),
    )


def _when_missing(model: LinearModel, feature: int) -> float:
    column = np.flatnonzero(model.missing == feature)
    return float(model.weights[model.knots.shape[0] + column[0]]) if column.size else 0.0
