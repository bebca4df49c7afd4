"""A bag is the same however its rows are handed over, and its partner needs no more rows than it can use."""

from typing import Any

import numpy as np
import pytest
import xgboost as xgb

from ml.ensemble import log_odds, probability
from ml.fitting import Pieces, Rows, best_rounds, fit_bags
from ml.inputs import Inputs, Matrix
from ml.linear import LinearModel
from ml.training_config import TrainingConfig

PARAMETERS = {"objective": "binary:logistic", "max_depth": 4, "max_bin": 64, "nthread": 1, "seed": 7, "subsample": 0.7}


def _answers(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Answered the more the higher the first of three inputs is."""
    drawn = np.random.default_rng(1)
    x = drawn.normal(size=(rows, 3)).astype(np.float32)
    return x, (drawn.random(rows) < probability(2 * x[:, 0].astype(float))).astype(float)


@pytest.mark.parametrize("at_once", [7, 100, 5000])
def test_trees_are_those_of_the_whole_matrix_whatever_the_pieces(at_once: int) -> None:
    x, y = _answers(2000)
    some = np.arange(0, 2000, 2)
    whole = xgb.train(PARAMETERS, xgb.QuantileDMatrix(x[some], y[some], weight=np.ones(1000), max_bin=64), 10)
    pieces = Pieces(x, some, y[some], np.ones(1000), at_once)
    told = xgb.train(PARAMETERS, xgb.QuantileDMatrix(pieces, max_bin=64), 10).inplace_predict(x)
    assert np.ptp(told) > 0.5  # they have learned something
    assert np.corrcoef(told, whole.inplace_predict(x))[0, 1] > 0.99
    assert at_once < 1000 or np.array_equal(told, whole.inplace_predict(x))


class _BestAt:
    """Trees that tell the answer, which is their only input, the better up to so many, and then the worse by as much."""

    def __init__(self, best: int, base: float):
        self._best, self._base = best, float(log_odds(np.array(base)))

    def inplace_predict(self, x: np.ndarray, iteration_range: tuple[int, int], predict_type: str) -> np.ndarray:
        step = 0.3 if iteration_range[1] <= self._best else -0.3
        return self._base + step * (2 * x[:, 0] - 1)


@pytest.mark.parametrize(("answers_of_the_second", "trees"), [(3, 10), (40, 50)])
def test_the_number_of_trees_is_that_of_the_block_which_learned_from_more_answers(
    answers_of_the_second: int, trees: int
) -> None:
    """The first of two blocks learned from 10 answers and wants 10 trees, the second wants 50; they are asked about the same rows."""
    y = np.concatenate(
        [np.ones(10), np.zeros(90), np.ones(answers_of_the_second), np.zeros(90), np.tile([0.0, 1.0], 20)]
    )
    first, second, asked = np.arange(100), np.arange(100, y.size - 40), np.arange(y.size - 40, y.size)

    def grow(x: Matrix, rows: Rows, *rest: Any) -> Any:
        return _BestAt(10 if rows.max() < 100 else 50, rest[-1]["base_score"])

    config = TrainingConfig(most_rounds=100)
    x = y[:, None].astype(np.float32)
    assert best_rounds(x, y, [(first, asked), (second, asked)], Inputs(("a",), {}), config, {}, grow) == trees


def test_bags_learn_from_the_rows_named_as_from_a_matrix_of_those_rows_alone() -> None:
    x, y = _answers(3000)
    members = np.array([f"m{at // 3}" for at in range(3000)], dtype=object)
    inputs, config = Inputs(("a", "b", "c"), {}), TrainingConfig(bags=2, threads=1)
    among = np.arange(500, 2500)
    one = fit_bags(x, y, members, inputs, 10, config, among=among)
    other = fit_bags(x[among], y[among], members[among], inputs, 10, config)
    assert all(np.array_equal(a, b) for a, b in zip(one.parts(x), other.parts(x), strict=True))


def test_of_very_many_rows_the_partner_learns_from_a_part_and_says_the_same() -> None:
    x, y = _answers(150_000)
    members = np.array([f"m{at}" for at in range(150_000)], dtype=object)
    inputs, config = Inputs(("a", "b", "c"), {}), TrainingConfig(bags=2, bag_share=0.9, threads=1)
    drawn = fit_bags(x, y, members, inputs, 10, config).parts(x[:100])[1]
    of_all = probability(LinearModel.fit(x, y, np.ones(y.size), config.linear_strength).predict(x[:100]))
    assert np.abs(drawn - of_all).max() < 0.01
