"""Why a score is what it is: contributions of the features to it, by family. What a member may read of them is decided in
wording.py; what is sensitive never leaves here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xgboost as xgb

from ml.ensemble import Ensemble, Values
from ml.feature import FAMILIES
from ml.feature_dictionary import FEATURES
from ml.inputs import Batch, Matrix

NEVER_TOLD = frozenset({"declared"})  # families that may hold what a member would not want repeated
MOST_TOLD = 5  # families that one explanation names
_LEAST_TOLD = 0.005  # log-odds
_FAMILY = {f.name: f.family for f in FEATURES}


@dataclass(frozen=True)
class Contribution:
    """How much a family of features moves the log-odds of one score, beside the average row's."""

    family: str
    odds: float

    @property
    def sentence(self) -> str:
        """For a marketer: which way, and by what."""
        return f"{FAMILIES[self.family]}: {'for' if self.odds > 0 else 'against'} it"


def family_contributions(ensemble: Ensemble, rows: Batch, exact: bool = False) -> pd.DataFrame:
    """Rows x families, in log-odds: the mean over the bags of the trees' and the partners' contributions, each weighted
    as in the score. Columns sum to the score's log-odds less the average's, as nearly as odds add up in a mean of
    probabilities. `exact` takes SHAP values of the trees (slow: for one member); else Saabas' approximation.
    """
    x = ensemble.inputs.matrix(rows)
    parts = (1 - ensemble.linear_share) * _of_trees(ensemble, x, exact)
    if ensemble.linear:
        parts = parts + ensemble.linear_share * _of_partners(ensemble, x)
    families = [_FAMILY[column.split(" = ")[0]] for column in ensemble.inputs.columns]
    return pd.DataFrame(parts, columns=ensemble.inputs.columns).T.groupby(families).sum().T


def leading(contributions: pd.Series, most: int = 3, hidden: Sequence[str] = tuple(NEVER_TOLD)) -> list[Contribution]:
    """The families that move one score most, the strongest first; `hidden` ones are left out."""
    told = contributions.drop(labels=[f for f in hidden if f in contributions.index])
    strongest = told.reindex(told.abs().sort_values(ascending=False).index).head(most)
    return [Contribution(str(family), float(odds)) for family, odds in strongest.items() if odds != 0]


def told(contributions: pd.DataFrame, most: int = MOST_TOLD) -> list[dict[str, float]]:
    """Of each row the strongest families with their log-odds to two decimals, the strongest first. Families that are never
    told are left out, and so are those that do nothing."""
    shown = contributions.drop(columns=[f for f in NEVER_TOLD if f in contributions])
    names, values = np.asarray(shown.columns), shown.to_numpy(dtype=float)
    first = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :most]
    strongest = np.take_along_axis(values, first, axis=1)
    return [
        {str(names[f]): round(float(v), 2) for f, v in zip(families, odds, strict=True) if abs(v) >= _LEAST_TOLD}
        for families, odds in zip(first, strongest, strict=True)
    ]


def as_json(by_stage: Mapping[str, Mapping[str, float]]) -> str:
    """The explanation of one score as it stands in `scores`: {"mailing": {family: log-odds}, "offer": {...}}."""
    return json.dumps({stage: dict(families) for stage, families in by_stage.items() if families})


def speaks_for(families: Mapping[str, float]) -> str | None:
    """The family that speaks loudest for it; None when none does."""
    best = max(families.items(), key=lambda item: item[1], default=("", 0.0))
    return best[0] if best[1] > 0 else None


def _of_trees(ensemble: Ensemble, x: Matrix, exact: bool) -> Values:
    data = xgb.DMatrix(x)
    total = np.zeros(x.shape)
    for trees in ensemble.trees:
        total += trees.predict(data, pred_contribs=True, approx_contribs=not exact)[:, :-1]
    return total / len(ensemble.trees)


def _of_partners(ensemble: Ensemble, x: Matrix) -> Values:
    """Weight x distance of the feature's place from its average (0); a missing column counts for its feature."""
    total = np.zeros(x.shape)
    for partner in ensemble.linear:
        placed = partner.transform(x) * partner.weights
        part = placed[:, : x.shape[1]].astype(float)
        part[:, partner.missing] += placed[:, x.shape[1] :]
        total += part
    return total / len(ensemble.linear)
