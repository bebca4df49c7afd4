"""The linear partner: a logistic regression on features turned into ranks, as plain numbers that travel in JSON."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]

_KNOTS = 41  # quantiles that a feature's distribution is kept as


@dataclass(frozen=True)
class LinearModel:
    """Logistic regression over each feature's place in the training distribution (-1 lowest .. 1 highest, 0 missing),
    and, for features that can be missing, whether it is.

    knots        (features, _KNOTS) quantiles of each feature
    missing      indices of features with a column of their own for "missing"
    weights      one a feature, then one a missing column
    """

    knots: NDArray[np.float64]
    missing: NDArray[np.int64]
    weights: NDArray[np.float64]
    intercept: float

    @classmethod
    def fit(
        cls, x: Matrix, y: NDArray[np.float64], weight: NDArray[np.float64], strength: float,
        signs: NDArray[np.int64] | None = None,
    ) -> "LinearModel":  # fmt: skip
        """Fit on rows x features (NaN = missing), weighted. `strength` is the inverse of the penalty on the weights.

        signs   one a feature: +1 its weight may not be negative, -1 not positive, 0 free. A weight that would be is held
                at zero and the others are fitted again, until none is.
        """
        with np.errstate(invalid="ignore"):
            filled = np.where(np.isfinite(x).any(axis=0), x, 0.0)
            knots = np.nanquantile(filled, np.linspace(0, 1, _KNOTS), axis=0).T
        share = np.isnan(x).mean(axis=0)
        missing = np.flatnonzero((share > 0.005) & (share < 0.995))
        model = cls(knots, missing, np.zeros(x.shape[1] + missing.size), 0.0)
        places = model.transform(x)
        bound = np.zeros(places.shape[1])
        bound[: x.shape[1]] = 0 if signs is None else signs
        free = np.ones(places.shape[1], dtype=bool)
        from sklearn.linear_model import LogisticRegression  # slow to load, and only who fits needs it

        while True:
            fitted = LogisticRegression(C=strength, solver="newton-cholesky").fit(places[:, free], y, weight)
            weights = np.zeros(free.size)
            weights[free] = fitted.coef_[0]
            wrong = weights * bound < 0
            if not wrong.any() or (free & ~wrong).sum() == 0:
                return cls(knots, missing, np.where(wrong, 0.0, weights), float(fitted.intercept_[0]))
            free &= ~wrong

    def transform(self, x: Matrix) -> Matrix:
        """Rows x (features + missing columns), every value in -1..1."""
        out = np.zeros((x.shape[0], x.shape[1] + self.missing.size), dtype=np.float32)
        for column in range(x.shape[1]):
            values = x[:, column].astype(float)
            place = places(values, self.knots[column])
            out[:, column] = np.where(np.isnan(values), 0.0, place)
        out[:, x.shape[1] :] = np.isnan(x[:, self.missing])
        return out

    def predict(self, x: Matrix) -> NDArray[np.float64]:
        """Log-odds, one a row."""
        scores: NDArray[np.float64] = self.transform(x) @ self.weights + self.intercept
        return scores

    def to_json(self) -> dict[str, object]:
        return {
            "knots": self.knots.tolist(),
            "missing": self.missing.tolist(),
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_json(cls, held: dict[str, list[float]]) -> "LinearModel":
        return cls(
            np.asarray(held["knots"], dtype=float),
            np.asarray(held["missing"], dtype=np.int64),
            np.asarray(held["weights"], dtype=float),
            float(held["intercept"]),  # type: ignore[arg-type]
        )


def places(values: NDArray[np.float64], knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place in the distribution, -1..1; equal values (many zeros, say) get the middle of the places they span."""
    steps = np.linspace(-1, 1, knots.size)
    at, first = np.unique(knots, return_index=True)
    if at.size == 1:
        return np.zeros_like(values)
    last = knots.size - 1 - np.unique(knots[::-1], return_index=True)[1]
    middle = (steps[first] + steps[last]) / 2
    place: NDArray[np.float64] = np.interp(values, at, middle)
    return place
