"""From a promise to a number: the least relevance a mailing must have, so that the promised share of the members who would
have answered still get theirs. Fixed on past campaigns, before the night; its truth is measured afterwards.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.ensemble import Values

DRAWS = 500


def keeping(
    keep: float,
    campaigns: Sequence[object] | NDArray[np.object_],
    answered: Values,
    score: Values,
    confidence: float,
    seed: int,
) -> float:
    """The threshold that keeps the share `keep` of those who answered, with the given confidence.

    Campaigns differ more than members do, so it is campaigns that are drawn with replacement: of the thresholds that
    keep the share in each draw, the one that is low enough in `confidence` of them. 0 where nobody answered.

    >>> keeping(0.5, ["a", "a"], np.array([1.0, 1.0]), np.array([0.2, 0.6]), 0.9, 0)
    0.2
    """
    names = np.asarray(campaigns, dtype=object)
    yes = answered > 0
    by_campaign = [score[yes & (names == name)] for name in sorted(set(names[yes]))]
    if not by_campaign:
        return 0.0
    rng = np.random.default_rng(seed)
    drawn = [
        np.concatenate([by_campaign[at] for at in rng.integers(0, len(by_campaign), len(by_campaign))])
        for _ in range(DRAWS)
    ]
    low_enough = [np.quantile(scores, 1 - keep, method="lower") for scores in drawn]
    return float(np.quantile(low_enough, 1 - confidence, method="lower"))
