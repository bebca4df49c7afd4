"""The probability of an answer as the mean of many small models: boosted trees and their linear partners, each pair fitted
on another part of the members. The mean is the estimate; how far they differ is how sure it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ml.inputs import Batch, Inputs, Matrix, Repeated
from ml.linear import LinearModel
from ml.partners import Partners

if TYPE_CHECKING:
    import xgboost as xgb

Values = NDArray[np.float64]

LOW_QUANTILE = 1.28  # standard errors below the mean: nine of ten true values lie above
_LIMIT = 12.0  # log-odds beyond this say nothing more


@dataclass(frozen=True)
class Ensemble:
    """Bags of (boosted trees, linear partner) over the same inputs.

    spread   standard errors of the mean estimate per standard deviation between the bags (the bags share members, so
             they differ less than samples of their own would: delete-d jackknife, sqrt(share / (1 - share)))
    linear_share   weight of the partners in a bag's probability, the trees have the rest; chosen on past validation
    offset, slope  of the straight line from the bags' mean log-odds to those of the estimate; 0 and 1 unless opened messages alone were
                   learned from, as the estimate is of any message
    """

    inputs: Inputs
    trees: "tuple[xgb.Booster, ...]"
    linear: tuple[LinearModel, ...]
    spread: float
    linear_share: float = 0.5
    offset: float = 0.0
    slope: float = 1.0

    @cached_property
    def partners(self) -> Partners:
        """The linear partners, to be asked all at once. Raises IndexError where there are none."""
        return Partners.of(self.linear)

    def predict(self, rows: Batch) -> tuple[Values, Values]:
        """(probability, its lower bound), one a row. Raises KeyError naming inputs that the rows lack."""
        x, repeated = self.inputs.spread(rows)
        return self._predict(x, repeated)

    def predict_matrix(self, x: Matrix) -> tuple[Values, Values]:
        """The same from a matrix with the inputs' columns."""
        return self._predict(x, [])

    def _predict(self, x: Matrix, repeated: Sequence[Repeated]) -> tuple[Values, Values]:
        if x.shape[0] == 0:
            return np.zeros(0), np.zeros(0)
        if self.linear and self.linear_share == 0:  # partners without weight need not be asked
            trees = self._by_trees(x)
            return self.together(trees, trees)
        return self.together(*self.parts(x, repeated))

    def together(self, trees: Values, linear: Values) -> tuple[Values, Values]:
        """(probability, its lower bound) from what the `parts` said, (bags, rows) each."""
        odds = self.offset + self.slope * log_odds((1 - self.linear_share) * trees + self.linear_share * linear)
        mean = odds.mean(axis=0)
        error = self.spread * odds.std(axis=0, ddof=1) if len(trees) > 1 else np.zeros(mean.size)
        return probability(mean), probability(mean - LOW_QUANTILE * error)

    def parts(self, x: Matrix, repeated: Sequence[Repeated] = ()) -> tuple[Values, Values]:
        """Probabilities (bags, rows) by the trees, and by the linear partners (the trees' again where there are none). What
        the partners say of `repeated` columns is reckoned once a value."""
        trees = self._by_trees(x)
        return (trees, self._by_partners(x, repeated)) if self.linear else (trees, trees)

    def _by_trees(self, x: Matrix) -> Values:
        return np.stack([booster.inplace_predict(x).astype(float) for booster in self.trees])

    def _by_partners(self, x: Matrix, repeated: Sequence[Repeated]) -> Values:
        rest = sorted(set(range(x.shape[1])).difference(*(part.columns for part in repeated)))
        odds = self.partners.intercept + self.partners.added(x, rest, rest)
        for part in repeated:
            odds += self.partners.added(part.values, range(len(part.columns)), part.columns)[part.of]
        return probability(np.ascontiguousarray(odds.T))

    def to_files(self, name: str) -> tuple[dict[str, bytes], dict[str, Any]]:
        """(native model files, all else as JSON values)."""
        files = {f"{name}-{at}.ubj": bytes(trees.save_raw("ubj")) for at, trees in enumerate(self.trees)}
        held = {
            "amounts": list(self.inputs.amounts),
            # In pairs, as their order is that of the columns, and the keys of JSON are sorted when it is written.
            "vocabulary": [[k, list(v)] for k, v in self.inputs.vocabulary.items()],
            "files": sorted(files, key=lambda f: int(f.removesuffix(".ubj").rsplit("-", 1)[1])),
            "linear": [m.to_json() for m in self.linear],
            "spread": self.spread,
            "linear_share": self.linear_share,
            "offset": self.offset,
            "slope": self.slope,
        }
        return files, held

    @classmethod
    def from_files(cls, files: dict[str, bytes], held: dict[str, Any]) -> "Ensemble":
        """The inverse of `to_files`. Raises KeyError naming a file that is not there."""
        import xgboost as xgb  # slow to load: features, rules and lists are made without

        trees = []
        for name in held["files"]:
            booster = xgb.Booster()
            booster.load_model(bytearray(files[name]))
            trees.append(booster)
        return cls(
            inputs=Inputs(tuple(held["amounts"]), {k: tuple(v) for k, v in held["vocabulary"]}),
            trees=tuple(trees),
            linear=tuple(LinearModel.from_json(m) for m in held["linear"]),
            spread=held["spread"],
            linear_share=held["linear_share"],
            offset=held.get("offset", 0.0),  # format 3 has none
            slope=held.get("slope", 1.0),
        )


def probability(odds: Values) -> Values:
    """Log-odds to probability."""
    values: Values = 1 / (1 + np.exp(-np.clip(odds, -_LIMIT, _LIMIT)))
    return values


def log_odds(share: Values) -> Values:
    """Probability to log-odds, bounded."""
    least = 1 / (1 + np.exp(_LIMIT))
    held = np.clip(share, least, 1 - least)
    values: Values = np.log(held / (1 - held))
    return values
