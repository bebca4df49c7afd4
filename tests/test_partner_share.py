"""How the trees and their linear partners are weighed: by asks of the newest past, and evenly where nothing is sure."""

import numpy as np

from ml.training import best_share


def weigh(trees: list[float], linear: list[float], answered: list[float], offers_an_ask: int = 1) -> float:
    """The partners' weight, of one bag."""
    asks = np.arange(len(answered)) // offers_an_ask
    return best_share(np.array([trees]), np.array([linear]), np.array(answered), asks)


def test_partners_that_are_as_good_as_the_trees_have_half_of_the_say() -> None:
    assert weigh([0.6, 0.4] * 50, [0.6, 0.4] * 50, [1.0, 0.0] * 50) == 0.5


def test_partners_that_are_surely_better_decide_alone() -> None:
    assert weigh([0.5, 0.5] * 50, [0.9, 0.1] * 50, [1.0, 0.0] * 50) == 1.0


def test_partners_that_are_surely_worse_have_no_say() -> None:
    assert weigh([0.9, 0.1] * 50, [0.5, 0.5] * 50, [1.0, 0.0] * 50) == 0.0


def test_three_members_with_a_hundred_offers_each_are_three_cases_and_decide_nothing() -> None:
    """Two of three are told better by the partners and one as much worse by the trees: by rows 300 cases, by asks three."""
    trees, linear = [0.2] * 200 + [0.1] * 100, [0.1] * 200 + [0.2] * 100
    answered = [0.0] * 300
    assert weigh(trees, linear, answered, offers_an_ask=100) == 0.5
    assert weigh(trees, linear, answered) != 0.5
