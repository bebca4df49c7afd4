"""Which part of the model earns what: each family of features left out, or alone; the trees and their linear partners
apart. Measured walking forward over past mailings, as the backtest does, but on examples alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.ensemble import Values
from ml.evaluation import binary_metrics
from ml.feature_dictionary import CATEGORICAL, FEATURES, MAILING_INPUTS
from ml.fitting import fit_bags
from ml.inputs import Inputs, floats
from ml.training_config import TrainingConfig

ROUNDS = 150  # the same for all, so that only the features differ
FIGURES = ("auc", "pr_auc", "log_loss", "stopped_keeping_90")
_FAMILY = {f.name: f.family for f in FEATURES}


def ablation(mailings: pa.Table, nights: Sequence[datetime], config: TrainingConfig) -> pd.DataFrame:
    """part, what (all, without, alone, trees, linear), and `FIGURES` pooled over the nights' mailings.

    mailings  labelled rows of `examples.training_rows`; each night (an as_of of theirs, UTC) is scored by models fitted
              on those whose time to answer was over by then
    """
    names = tuple(n for n in MAILING_INPUTS if n != "month")
    families = sorted({_FAMILY[n] for n in names})
    together = _walk(mailings, names, nights, config)
    rows = [("the model", "all", 0.5), ("trees", "trees", 0.0), ("linear partners", "linear", 1.0)]
    told = [{"part": part, "what": what, **_measured(together, share)} for part, what, share in rows]
    for family in families:
        chosen = {
            "without": tuple(n for n in names if _FAMILY[n] != family),
            "alone": tuple(n for n in names if _FAMILY[n] == family),
        }
        for what, inputs in chosen.items():
            told.append({"part": family, "what": what, **_measured(_walk(mailings, inputs, nights, config), 0.5)})
    return pd.DataFrame(told)


def _walk(
    mailings: pa.Table, names: tuple[str, ...], nights: Sequence[datetime], config: TrainingConfig
) -> tuple[Values, Values, Values]:
    """(answered, by the trees, by the partners) of the nights' mailings."""
    inputs = Inputs.seen_in(mailings, names, CATEGORICAL)
    x, y = inputs.matrix(mailings), floats(mailings["answered"])
    members: NDArray[np.object_] = np.asarray(mailings["member_id"].to_pylist(), dtype=object)
    as_of, closes = (mailings[c].to_numpy().astype("datetime64[us]") for c in ("as_of", "closes_at"))
    answered, trees, linear = [], [], []
    for night in nights:
        train, test = np.flatnonzero(closes <= np.datetime64(night)), np.flatnonzero(as_of == np.datetime64(night))
        fitted = fit_bags(x[train], y[train], members[train], inputs, ROUNDS, replace(config, bags=min(2, config.bags)))
        by_trees, by_linear = fitted.parts(x[test])
        answered.append(y[test])
        trees.append(by_trees.mean(axis=0))
        linear.append(by_linear.mean(axis=0))
    return np.concatenate(answered), np.concatenate(trees), np.concatenate(linear)


def _measured(walked: tuple[Values, Values, Values], share: float) -> dict[str, float]:
    answered, trees, linear = walked
    figures = binary_metrics(answered, (1 - share) * trees + share * linear)
    return {name: figures[name] for name in FIGURES}
