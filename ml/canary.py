"""The canary of the promotion gate: trees fitted on shuffled answers. They can know nothing, so what they seem to know on
later mailings is a leak between the two, or a fault of the evaluation. A feature that tells the answers is found in leakage.py.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import xgboost

from ml.evaluation import binary_metrics
from ml.feature_dictionary import CATEGORICAL, MAILING_INPUTS
from ml.inputs import Inputs, floats

MOST_ROWS = 20_000
ROUNDS = 20
REPEATS = 10


@dataclass(frozen=True)
class Shuffled:
    """Mean AUC of trees that can know nothing, and how far chance may take that mean from 0.5 (three standard errors of the
    repeats): a strong feature is liked or disliked by accident, so single repeats are often far off."""

    auc: float
    chance: float


def shuffled_auc(mailings: pa.Table, seed: int, threads: int = 2) -> Shuffled:
    """The AUC, on the later half of the mailings, of trees fitted on the earlier half with the answers shuffled.

    mailings  rows of MAILING_EXAMPLES in any order
    NaN where a half has no answer, or nothing else.
    """
    order = np.argsort(mailings["as_of"].to_numpy(), kind="stable")
    rng = np.random.default_rng(seed)
    halves = [np.sort(rng.permutation(half)[:MOST_ROWS]) for half in np.array_split(order, 2)]
    earlier, later = (mailings.take(pa.array(half)) for half in halves)
    y, truth = floats(earlier["answered"]), floats(later["answered"])
    if not (0 < y.sum() < y.size and 0 < truth.sum() < truth.size):
        return Shuffled(float("nan"), float("nan"))
    inputs = Inputs.seen_in(earlier, MAILING_INPUTS, CATEGORICAL)
    x, asked = inputs.matrix(earlier), xgboost.DMatrix(inputs.matrix(later))
    params = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.1, "nthread": threads, "seed": seed}
    found = []
    for _ in range(REPEATS):
        trees = xgboost.train(params, xgboost.DMatrix(x, rng.permutation(y)), ROUNDS)
        found.append(binary_metrics(truth, trees.predict(asked).astype(float))["auc"])
    return Shuffled(float(np.mean(found)), float(3 * np.std(found, ddof=1) / np.sqrt(REPEATS)))
