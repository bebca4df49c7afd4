"""The search for training parameters: what is in use is tried first, the same seed proposes the same, and a proposal is a piece
of policy that the policy accepts.
"""

from functools import cache

import pandas as pd
import pytest

from ml.examples import TrainingRows, training_rows
from ml.policy import Policy
from ml.search import Proposal, search
from ml.training_config import TrainingConfig
from tests.past_world import club_by_taste

CONFIG = TrainingConfig(least_mailings=100, least_answers=20, bags=1, blocks=2, most_rounds=40, seed=3)


@cache
def past() -> tuple[TrainingRows, object]:
    club, night = club_by_taste()
    return training_rows(club, night), night.as_of


def run(config: TrainingConfig, trials: int = 3) -> tuple[Proposal, list[str]]:
    rows, as_of = past()
    said: list[str] = []
    found = search(
        rows.mailings, rows.offers, as_of, config, rows.kind, trials=trials, seconds=600, progress=said.append  # type: ignore[arg-type]
    )  # fmt: skip
    return found, said


@pytest.mark.slow
def test_what_is_in_use_is_the_first_trial_and_every_trial_is_told() -> None:
    found, said = run(CONFIG)
    first = found.trials.iloc[0]
    assert (first.depth, first.learning_rate, first["columns"]) == (CONFIG.depth, CONFIG.learning_rate, CONFIG.columns)
    assert [line.split(":")[0] for line in said] == ["trial 1 of 3", "trial 2 of 3", "trial 3 of 3"]


@pytest.mark.slow
def test_the_same_seed_proposes_the_same() -> None:
    pd.testing.assert_frame_equal(
        run(CONFIG)[0].trials.drop(columns="seconds"), run(CONFIG)[0].trials.drop(columns="seconds")
    )


@pytest.mark.slow
def test_settings_that_learn_next_to_nothing_are_improved_upon_and_the_proposal_is_a_policy() -> None:
    poor = TrainingConfig(
        **{
            **vars(CONFIG),
            "depth": 2,
            "learning_rate": 0.02,
            "columns": 0.2,
            "linear_strength": 0.001,
            "most_rounds": 10,
        }
    )
    found, _ = run(poor, trials=4)
    assert found.words.startswith("proposed: loss ")
    assert found.trials.loss.min() < found.trials.loss.iloc[0] * 0.998
    proposed = Policy.parse(found.policy).model
    assert {name: getattr(proposed, name) for name in found.better} == found.better != {}


@pytest.mark.parametrize("losses", [[0.5, 0.4995], [0.5, 0.6]])
def test_a_gain_that_may_be_chance_is_not_proposed(losses: list[float]) -> None:
    import optuna

    from ml.search import _proposal

    study = optuna.create_study()
    for depth, loss in zip((4, 5), losses, strict=True):
        distribution = {"depth": optuna.distributions.IntDistribution(1, 9)}
        study.add_trial(optuna.create_trial(params={"depth": depth}, distributions=distribution, value=loss))
    found = _proposal(study, {"depth": 4})
    assert (found.better, found.policy) == ({}, "")
    assert found.words.startswith("nothing is proposed")
