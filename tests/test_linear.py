"""A bound on a weight holds, and binds only where the data would break it."""

import numpy as np
import pytest

from ml.coverage import coverage, covered_share
from ml.linear import LinearModel


@pytest.mark.parametrize(("sign", "rises"), [(0, True), (1, True), (-1, False)])
def test_a_rising_feature_never_raises_the_odds_where_it_may_not(sign: int, rises: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] > 0).astype(float)
    model = LinearModel.fit(x, y, np.ones(400), 1.0, np.array([sign, 0]))
    odds = model.predict(np.array([[-1, 0], [0, 0], [1, 0]], dtype=np.float32))
    assert (np.diff(odds) > 0).all() if rises else (np.diff(odds) <= 0).all()


@pytest.mark.parametrize(("low", "share"), [(0.4, 1.0), (0.6, 0.0)])
def test_a_bound_above_the_share_that_answered_does_not_cover(low: float, share: float) -> None:
    answered = np.tile([0.0, 1.0], 50)
    assert covered_share(coverage(answered, np.full(100, 0.5), np.full(100, low), 2)) == share
