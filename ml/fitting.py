"""Growing the trees and their linear partners from a matrix. What is fitted on which rows is decided in training.py."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xgboost as xgb
from numpy.typing import NDArray

from ml.ensemble import Ensemble, Values, log_odds, probability
from ml.feature_dictionary import FEATURES
from ml.inputs import Inputs, Matrix
from ml.linear import LinearModel
from ml.training_config import TrainingConfig

_STEP = 10  # trees between two looks at the loss
_BINS = 64
_MOST_OF_A_PARTNER = 100_000  # rows: two weights a feature are known by then, and more take longer than all trees
ROWS_AT_ONCE = 1_000_000  # handed to XGBoost in one piece, and copied for it
Rows = NDArray[np.int64]
# x, which of its rows, y and weights of those, trees, parameters
Grow = Callable[[Matrix, Rows, Values, Values, int, dict[str, object]], xgb.Booster]
Blocks = list[tuple[Rows, Rows]]

MONOTONE: Mapping[str, int] = {f.name: f.monotone for f in FEATURES if f.monotone}


def _parameters(
    inputs: Inputs, config: TrainingConfig, bag: int, base: float, monotone: Mapping[str, int]
) -> dict[str, object]:
    return {
        "objective": "binary:logistic",
        "eta": config.learning_rate,
        "max_depth": config.depth,
        "min_child_weight": config.leaf_weight,
        "subsample": 0.7,
        "colsample_bytree": config.columns,
        "lambda": 5.0,
        "max_bin": _BINS,
        "nthread": config.threads,
        "base_score": base,
        "seed": (config.seed + bag) % 2**31,
        "monotone_constraints": "(" + ",".join(str(monotone.get(c, 0)) for c in inputs.columns) + ")",
    }


def grow_here(
    x: Matrix, rows: Rows, y: Values, weight: Values, rounds: int, parameters: dict[str, object]
) -> xgb.Booster:
    """The trees, grown in this process."""
    return xgb.train(parameters, xgb.QuantileDMatrix(Pieces(x, rows, y, weight), max_bin=_BINS), rounds)


class Pieces(xgb.DataIter):
    """The rows piece by piece: XGBoost holds a byte a value, and the matrix of ten million rows, which is 8 GB, is not copied whole."""

    def __init__(self, x: Matrix, rows: Rows, y: Values, weight: Values, at_once: int = ROWS_AT_ONCE):
        super().__init__()
        self._x, self._rows, self._y, self._weight = x, rows, y, weight
        self._first, self._at_once = 0, at_once

    def next(self, input_data: Callable[..., None]) -> bool:
        """Hand over the next piece; False where there is none."""
        piece = slice(self._first, self._first + self._at_once)
        if piece.start >= self._rows.size:
            return False
        input_data(data=self._x[self._rows[piece]], label=self._y[piece], weight=self._weight[piece])
        self._first = piece.stop
        return True

    def reset(self) -> None:
        """Begin anew."""
        self._first = 0


def best_rounds(
    x: Matrix, y: Values, blocks: Blocks, inputs: Inputs, config: TrainingConfig, monotone: Mapping[str, int] = MONOTONE,
    grow: Grow = grow_here,
) -> int:  # fmt: skip
    """Number of trees with the least loss over all validation blocks together, to the nearest `_STEP`. A block counts by the answers that
    its model had learned from: those who learned from few want few trees, and the model to be fitted learns from all."""
    steps = range(_STEP, config.most_rounds + 1, _STEP)
    loss = np.zeros(len(steps))
    for block, (train, test) in enumerate(blocks):
        rows, weight = _sample(y, train, config, block)
        learned, base = y[train].sum(), _base_rate(y[rows], weight)
        parameters = _parameters(inputs, config, block, base, monotone)
        trees = grow(x, rows, y[rows], weight, config.most_rounds, parameters)
        odds, held = np.full(test.size, log_odds(np.array(base))), x[test]
        for at, last in enumerate(steps):
            part = trees.inplace_predict(held, iteration_range=(last - _STEP, last), predict_type="margin")
            odds += part - log_odds(np.array(base))
            p = np.clip(probability(odds), 1e-6, 1 - 1e-6)
            loss[at] -= learned * (y[test] * np.log(p) + (1 - y[test]) * np.log(1 - p)).sum()
    return steps[int(np.argmin(loss))]


def fit_bags(
    x: Matrix, y: Values, members: NDArray[np.object_], inputs: Inputs, rounds: int, config: TrainingConfig,
    monotone: Mapping[str, int] = MONOTONE, grow: Grow = grow_here, among: Rows | None = None,
) -> Ensemble:  # fmt: skip
    """One model a bag of members, each fitted on `bag_share` of them. `monotone` (+1 or -1 by column) binds the trees and
    the linear partners alike, so it binds their mean. `among` are the rows that may be learned from; None = all."""
    signs = np.array([monotone.get(c, 0) for c in inputs.columns])
    among = np.arange(y.size) if among is None else among
    codes, names = pd.factorize(members[among])
    trees, linear = [], []
    for bag in range(config.bags):
        rng = np.random.default_rng([config.seed, bag])
        chosen = rng.permutation(len(names)) < config.bag_share * len(names)
        rows = among[chosen[codes]]
        if not 0 < y[rows].sum() < rows.size:
            rows = among
        rows, weight = _sample(y, rows, config, bag)
        parameters = _parameters(inputs, config, bag, _base_rate(y[rows], weight), monotone)
        trees.append(grow(x, rows, y[rows], weight, rounds, parameters))
        if config.linear_strength > 0:
            linear.append(_partner(x, y, rows, weight, signs, config, bag))
    spread = float(np.sqrt(config.bag_share / (1 - config.bag_share)))
    return Ensemble(inputs, tuple(trees), tuple(linear), spread)


def _partner(
    x: Matrix, y: Values, rows: Rows, weight: Values, signs: NDArray[np.int64], config: TrainingConfig, bag: int
) -> LinearModel:
    """A linear partner, of the rows or of as many drawn from them as it needs, weighted up to what they stand for."""
    if rows.size > _MOST_OF_A_PARTNER:
        drawn = np.random.default_rng([config.seed, bag, rows.size]).choice(
            rows.size, _MOST_OF_A_PARTNER, replace=False
        )
        rows, weight = rows[drawn], weight[drawn] * (rows.size / drawn.size)
    return LinearModel.fit(x[rows], y[rows], weight, config.linear_strength, signs)


def _sample(y: Values, rows: Rows, config: TrainingConfig, draw: int) -> tuple[Rows, Values]:
    """(rows, weights): every answer, and at most `unanswered` others for each, weighted up to what they stand for."""
    yes, no = rows[y[rows] > 0], rows[y[rows] <= 0]
    most = config.unanswered * max(yes.size, 1)
    kept = no
    if no.size > most:
        kept = np.random.default_rng([config.seed, draw, no.size]).choice(no, most, replace=False)
    drawn = np.concatenate([yes, kept])
    weight = np.concatenate([np.ones(yes.size), np.full(kept.size, no.size / max(kept.size, 1))])
    return drawn, weight


def _base_rate(y: Values, weight: Values) -> float:
    return float(np.clip(np.average(y, weights=weight), 1e-5, 1 - 1e-5))


def importance(ensemble: Ensemble, stage: str) -> pd.DataFrame:
    total: dict[str, float] = {}
    for trees in ensemble.trees:
        for feature, gain in trees.get_score(importance_type="total_gain").items():
            at = (
                int(feature[1:])
                if feature[1:].isdigit() and feature.startswith("f")
                else ensemble.inputs.columns.index(feature)
            )
            name = ensemble.inputs.columns[at]
            total[name] = total.get(name, 0.0) + float(np.asarray(gain).item())
    whole = sum(total.values()) or 1.0
    rows = [(stage, name, gain / whole) for name, gain in sorted(total.items(), key=lambda item: -item[1])]
    return pd.DataFrame(rows, columns=["stage", "feature", "gain_share"])
