"""How near scores come to a truth that is known, by small tables whose answers may be read off by eye."""

import numpy as np
import pytest

from ml.truth_figures import against_truth, stopped_losing, trade_off

SCORE = np.array([0.1, 0.2, 0.3, 0.4, 0.5])


def test_what_is_stopped_before_the_first_relevant_one_is_lost() -> None:
    relevant = np.array([0, 0, 1, 0, 1.0])  # two of three irrelevant ones score below the first relevant one
    curve = trade_off(SCORE, relevant, points=3)
    assert curve.lost.tolist() == [0, 0.5, 1]
    assert curve.stopped.tolist() == pytest.approx([2 / 3, 1, 1])


def test_equal_scores_are_stopped_together() -> None:
    relevant = np.array([0, 1, 0, 0.0])
    assert trade_off(np.ones(4), relevant, points=2).stopped.tolist() == [0, 1]


def test_a_probability_counts_in_part_as_relevant_and_in_part_as_not() -> None:
    curve = trade_off(np.array([1.0, 2.0]), np.array([0.25, 0.75]), points=5)
    assert curve.lost.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.stopped.tolist() == pytest.approx([0, 0.75, 0.75, 0.75, 1])


def test_a_score_that_knows_everything_stops_all_that_is_irrelevant_and_a_blind_one_nothing() -> None:
    relevant = np.array([0] * 90 + [1] * 10, dtype=float)
    assert stopped_losing(relevant, relevant) == {0.05: 1.0, 0.1: 1.0, 0.2: 1.0}
    assert stopped_losing(np.ones(100), relevant) == {0.05: 0.0, 0.1: 0.0, 0.2: 0.0}


def test_the_distance_to_true_probabilities_is_told_without_any_answer() -> None:
    truth = np.repeat([0.1, 0.5], 50)
    assert against_truth(truth, truth)[1] == pytest.approx(0)
    assert against_truth(truth + 0.1, truth)[1] == pytest.approx(0.1)
