"""With nothing to learn the model learns nothing, and a feature that knows the answer is found out."""

import numpy as np
import pyarrow as pa
import pytest

from ml.club import visible
from ml.errors import LeakSuspected
from ml.evaluation import binary_metrics
from ml.examples import TrainingRows, training_rows
from ml.feature_dictionary import MAILING_INPUTS
from ml.leakage import refuse_leaks, suspects
from ml.night import Night
from ml.training import TrainingConfig, fit_model
from tests.past_world import club_by_taste, on_engine

CONFIG = TrainingConfig(bags=2, most_rounds=60, blocks=4, seed=3)


@pytest.fixture(scope="module")
def past() -> tuple[TrainingRows, Night]:
    """2,400 mailings of which each named one offer."""
    club, night = club_by_taste(named=True)
    return training_rows(visible(on_engine(club), night), night), night


def relabelled(rows: pa.Table, answered: np.ndarray) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index("answered"), "answered", pa.array(answered))


def test_shuffled_answers_cannot_be_told(past: tuple[TrainingRows, Night]) -> None:
    rows, night = past
    aucs = []
    for seed in range(4):
        shuffled = np.random.default_rng(seed).permutation(rows.offers["answered"].to_numpy())
        fitted = fit_model(rows.mailings, relabelled(rows.offers, shuffled), night.as_of, CONFIG, "pair")
        told = fitted.validation
        aucs.append(binary_metrics(told.answered.to_numpy(), told.relevance.to_numpy())["auc"])
    assert np.mean(aucs) == pytest.approx(0.5, abs=0.02)


def test_the_canary_is_silent_on_honest_features(past: tuple[TrainingRows, Night]) -> None:
    assert suspects(past[0].mailings, MAILING_INPUTS) == []


def test_a_planted_leak_is_caught_by_name(past: tuple[TrainingRows, Night]) -> None:
    rows = past[0].mailings
    noise = np.random.default_rng(0).normal(0, 0.3, rows.num_rows)
    leaking = rows.set_column(
        rows.schema.get_field_index("spend_91"), "spend_91", pa.array(noise - rows["answered"].to_numpy())
    )
    assert [s.feature for s in suspects(leaking, MAILING_INPUTS)] == ["spend_91"]
    with pytest.raises(LeakSuspected, match="spend_91"):
        refuse_leaks(leaking, MAILING_INPUTS)


def test_a_feature_that_is_known_only_of_those_who_answered_is_caught(past: tuple[TrainingRows, Night]) -> None:
    rows = past[0].mailings
    known = np.where(rows["answered"].to_numpy() > 0, 1.0, np.nan)
    leaking = rows.set_column(rows.schema.get_field_index("spend_91"), "spend_91", pa.array(known, from_pandas=True))
    (found,) = suspects(leaking, MAILING_INPUTS)
    assert "spend_91 alone tells answers with AUC 1.000" in found.reason
