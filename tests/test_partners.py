"""All partners asked at once say what each says when asked alone."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import xgboost as xgb

from ml.ensemble import Ensemble
from ml.inputs import Inputs
from ml.linear import LinearModel
from ml.partners import Partners


@pytest.fixture(scope="module")
def partners() -> tuple[list[LinearModel], np.ndarray]:
    """Three partners of five features: even, with many zeros, all alike, often missing, and 0 or 1."""
    rng = np.random.default_rng(0)
    x = np.column_stack([
        rng.normal(size=900), rng.poisson(0.3, 900), np.ones(900),
        np.where(rng.random(900) < 0.4, np.nan, rng.random(900)), rng.random(900) < 0.5,
    ]).astype(np.float32)  # fmt: skip
    y = (x[:, 0] + np.nan_to_num(x[:, 3]) > 0.5).astype(float)
    parts = [rng.random(900) < 0.7 for _ in range(3)]
    return [LinearModel.fit(x[part], y[part], np.ones(part.sum()), 1.0) for part in parts], x


def test_they_say_what_each_says_alone(partners: tuple[list[LinearModel], np.ndarray]) -> None:
    models, x = partners
    beyond = np.vstack([x, np.full(5, -1e6), np.full(5, 1e6), np.full(5, np.nan)]).astype(np.float32)
    alone = np.stack([model.predict(beyond) for model in models], axis=1)
    assert np.abs(Partners.of(models).log_odds(beyond) - alone).max() < 1e-5


def test_what_each_feature_adds_sums_to_the_odds(partners: tuple[list[LinearModel], np.ndarray]) -> None:
    models, x = partners
    together = Partners.of(models)
    odds = together.log_odds(x) - together.intercept
    assert np.abs(together.mean_of_each(x).sum(axis=1) - odds.mean(axis=1)).max() < 1e-9


def test_a_value_that_stands_once_for_many_rows_is_the_same_as_written_out() -> None:
    inputs = Inputs(("spend", "price"), {"kind": ("a", "b")})
    of = pa.array([0, 0, 1, 1, 1], pa.int32())
    once = {"spend": pa.array([1.0, None]), "kind": pa.array(["b", "a"])}
    coded = {name: pa.DictionaryArray.from_arrays(of, values) for name, values in once.items()}
    plain = {name: values.take(of) for name, values in once.items()}
    price = pa.array([1.0, 2.0, 3.0, 4.0, 5.0])
    x, repeated = inputs.spread(pa.table({**coded, "price": price}))
    assert np.array_equal(x, inputs.matrix(pa.table({**plain, "price": price})), equal_nan=True)
    (part,) = repeated
    assert part.columns == [0, 2, 3]
    assert part.values.shape == (2, 3)


def test_partners_without_a_say_are_not_asked_and_the_trees_speak_alone(
    partners: tuple[list[LinearModel], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    models, x = partners
    data = xgb.DMatrix(x, x[:, 4])
    trees = tuple(xgb.train({"objective": "binary:logistic", "seed": n}, data, 2 + n) for n in range(3))
    ensemble = Ensemble(Inputs(tuple("abcde"), {}), trees, tuple(models), spread=1.0, linear_share=0.0)
    said, _ = ensemble.parts(x)
    monkeypatch.setattr(Partners, "added", None)
    assert np.array_equal(ensemble.predict_matrix(x)[0], ensemble.together(said, said)[0])
    with pytest.raises(TypeError):
        replace(ensemble, linear_share=0.25).predict_matrix(x)
