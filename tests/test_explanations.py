"""Contributions add up to the score, fall into families, and never tell what is sensitive."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.ensemble import Ensemble, log_odds
from ml.explanations import NEVER_TOLD, as_json, family_contributions, leading, told, told_of
from ml.feature import FAMILIES
from ml.feature_dictionary import FEATURES
from ml.fitting import fit_bags
from ml.inputs import Inputs
from ml.send_reason import WORDS
from ml.training_config import TrainingConfig

NAMES = ("answer_rate", "spend_91", "household_size")


def learned(linear: float = 0.02) -> tuple[Ensemble, pa.Table]:
    """400 members who answer when their answer rate is high; the other features are noise."""
    rng = np.random.default_rng(0)
    held = {name: rng.random(400) for name in NAMES}
    answered = (held["answer_rate"] > 0.6).astype(float)
    rows = pa.table({**held, "member_id": [f"m{n}" for n in range(400)], "answered": answered})
    inputs = Inputs.seen_in(rows, NAMES, frozenset())
    members = np.array(rows["member_id"].to_pylist(), dtype=object)
    config = TrainingConfig(bags=2, linear_strength=linear)
    return fit_bags(inputs.matrix(rows), answered, members, inputs, 40, config), rows


@pytest.mark.parametrize("exact", [True, False])
def test_what_decides_is_named_first(exact: bool) -> None:
    ensemble, rows = learned()
    told = family_contributions(ensemble, rows, exact)
    likely = int(np.argmax(rows["answer_rate"].to_numpy()))
    assert leading(told.iloc[likely])[0].sentence == "how the member answered earlier mailings: for it"
    unlikely = int(np.argmin(rows["answer_rate"].to_numpy()))
    assert leading(told.iloc[unlikely])[0].sentence == "how the member answered earlier mailings: against it"


def test_contributions_of_the_trees_differ_between_rows_as_their_scores_do() -> None:
    ensemble, rows = learned(linear=0)
    one_bag = Ensemble(ensemble.inputs, ensemble.trees[:1], (), ensemble.spread, 0.0)
    total = family_contributions(one_bag, rows, exact=True).sum(axis=1).to_numpy()
    odds = log_odds(one_bag.predict(rows)[0])
    assert np.allclose(total - total[0], odds - odds[0], atol=1e-4)


def test_what_a_member_has_declared_is_never_told() -> None:
    told = leading(pd.Series({"declared": 3.0, "spend": -1.0, "recency": 0.5}))
    assert [c.family for c in told] == ["spend", "recency"]
    assert set(FAMILIES) >= NEVER_TOLD


def test_every_feature_belongs_to_a_family_that_can_be_put_in_words() -> None:
    assert {f.family for f in FEATURES} == set(FAMILIES)


def test_of_a_score_the_strongest_families_are_told_and_what_was_declared_is_not() -> None:
    rows = pd.DataFrame({"declared": [3.0, 0.0], "spend": [-1.0, 0.001], "recency": [0.5, 0.0]})
    assert told(rows) == [{"spend": -1.0, "recency": 0.5}, {}]
    assert told_of(rows).texts.to_pylist() == ['{"spend": -1.0, "recency": 0.5}', None]


def test_the_family_that_speaks_loudest_speaks_for_the_score_and_none_where_all_speak_against_it() -> None:
    rows = pd.DataFrame({"spend": [-1.0, -1.0], "recency": [0.5, -0.2]})
    assert told_of(rows).loudest.to_pylist() == ["recency", None]


def test_an_explanation_names_its_stages_and_is_missing_where_neither_tells_anything() -> None:
    mailing, offer = pa.array(['{"spend": -1.0}', None, None]), pa.array(['{"price": 0.07}', '{"price": 0.5}', None])
    both = ['{"mailing": {"spend": -1.0}, "offer": {"price": 0.07}}', '{"offer": {"price": 0.5}}', None]
    assert as_json(mailing, offer).to_pylist() == both
    assert as_json(None, offer).to_pylist()[0] == '{"offer": {"price": 0.07}}'


def test_every_family_with_words_for_the_member_is_one_that_may_be_told() -> None:
    assert set(WORDS) <= set(FAMILIES) - NEVER_TOLD
