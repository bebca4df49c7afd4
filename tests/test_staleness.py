"""How fast a model ages, on a club that changes its mind: what is scored, what is learned from, and what is lost."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ml.errors import TooFewExamples
from ml.examples import training_rows
from ml.staleness import aged_scores, staleness
from ml.training_config import TrainingConfig
from tests.past_world import club_by_taste

CONFIG = TrainingConfig(least_mailings=100, least_answers=20, bags=1, blocks=2, most_rounds=30, seed=3)


def scores(age: int, blur: float) -> pd.DataFrame:
    """2,000 mailings of which half are answered with probability 0.5 and half with 0.02, scored with a blur."""
    rng = np.random.default_rng(4)
    truth = np.where(np.arange(2_000) % 2 == 0, 0.5, 0.02)
    answered = (rng.random(2_000) < truth).astype(float)
    relevance = np.clip(truth + blur * rng.normal(size=2_000), 0.001, 0.999)
    return pd.DataFrame(
        {
            "age_days": age,
            "as_of": pd.Timestamp("2024-03-01"),
            "campaign_id": "spring",
            "member_id": [f"m{n}" for n in range(2_000)],
            "answered": answered,
            "relevance": relevance,
            "kept": relevance > 0.1,
        }
    )


def test_a_model_that_sees_less_clearly_has_lost_auc_and_the_interval_says_by_how_much() -> None:
    found = staleness(pd.concat([scores(0, 0.0), scores(28, 0.4)]), seed=1)
    lost = found[found.metric == "auc_lost"].set_index("age_days")
    assert lost.loc[0, ["value", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    assert 0.05 < lost.loc[28].low < lost.loc[28].value < lost.loc[28].high < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("named", [False, True])
def test_the_youngest_model_of_one_mailing_learns_more_than_the_oldest_and_all_score_the_same_mailings(
    named: bool,
) -> None:
    """Whether mailings name their offer or not."""
    club, night = club_by_taste(named=named)
    rows = training_rows(club, night)
    moments = np.unique(rows.mailings["as_of"].to_numpy())
    said: list[str] = []
    found = aged_scores(rows, pd.Timestamp(moments[-2]).to_pydatetime(), CONFIG, (0, 56), said.append)
    assert found.groupby("age_days").size().nunique() == 1
    assert found.groupby(["age_days", "as_of"]).size().index.get_level_values("as_of").nunique() == 2
    by_age = {age: part.relevance.to_numpy() for age, part in found.groupby("age_days")}
    assert not np.array_equal(by_age[0], by_age[56])
    assert len(said) == 2


def test_with_too_little_before_the_mailings_nothing_is_measured() -> None:
    club, night = club_by_taste()
    rows = training_rows(club, night)
    with pytest.raises(TooFewExamples, match="no mailings from 2000-01-01 on have enough before them"):
        aged_scores(rows, datetime(2000, 1, 1), TrainingConfig(least_mailings=10**6), (0,), str)
