"""Why a score is what it is: contributions of the features to it, by family. What a member may read of them is decided in
wording.py; what is sensitive never leaves here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

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
    if ensemble.linear and ensemble.linear_share:
        parts = parts + ensemble.linear_share * _of_partners(ensemble, x)
    parts *= ensemble.slope
    families: dict[str, list[int]] = {}
    for at, column in enumerate(ensemble.inputs.columns):
        families.setdefault(_FAMILY[column.split(" = ")[0]], []).append(at)
    return pd.DataFrame({family: parts[:, families[family]].sum(axis=1) for family in sorted(families)})


def leading(contributions: pd.Series, most: int = 3, hidden: Sequence[str] = tuple(NEVER_TOLD)) -> list[Contribution]:
    """The families that move one score most, the strongest first; `hidden` ones are left out."""
    told = contributions.drop(labels=[f for f in hidden if f in contributions.index])
    strongest = told.reindex(told.abs().sort_values(ascending=False).index).head(most)
    return [Contribution(str(family), float(odds)) for family, odds in strongest.items() if odds != 0]


def told(contributions: pd.DataFrame, most: int = MOST_TOLD) -> list[dict[str, float]]:
    """Of each row the strongest families with their log-odds to two decimals, the strongest first. Families that are never
    told are left out, and so are those that do nothing."""
    names, first, strongest = _strongest(contributions, most)
    return [
        {names[f]: round(float(v), 2) for f, v in zip(families, odds, strict=True) if abs(v) >= _LEAST_TOLD}
        for families, odds in zip(first, strongest, strict=True)
    ]


def _strongest(contributions: pd.DataFrame, most: int) -> tuple[list[str], NDArray[np.int64], Values]:
    """Names of the families that may be told, and of each row the indices of the strongest, with their log-odds."""
    shown = contributions.drop(columns=[f for f in NEVER_TOLD if f in contributions])
    values = shown.to_numpy(dtype=float)
    first = np.argsort(-np.abs(values), axis=1, kind="stable")[:, :most]
    return [str(name) for name in shown.columns], first, np.take_along_axis(values, first, axis=1)


@dataclass(frozen=True)
class Told:
    """What is told of each row's score.

    texts    {family: log-odds} as JSON, the strongest first; null where nothing is told
    loudest  the family that speaks loudest for it; null where none does
    """

    texts: pa.StringArray
    loudest: pa.StringArray

    @classmethod
    def nothing(cls, rows: int) -> "Told":
        return cls(pa.nulls(rows, pa.string()), pa.nulls(rows, pa.string()))

    @classmethod
    def together(cls, parts: "Sequence[Told]") -> "Told":
        """The parts' rows one after the other."""
        return cls(pa.concat_arrays([p.texts for p in parts]), pa.concat_arrays([p.loudest for p in parts]))

    def take(self, rows: NDArray[np.int64]) -> "Told":
        """What is told of those rows; nothing where the index is below 0."""
        at = pa.array(rows, mask=rows < 0)
        return Told(self.texts.take(at), self.loudest.take(at))


def told_of(contributions: pd.DataFrame) -> Told:
    """`told` of many rows, as texts."""
    names, first, strongest = _strongest(contributions, MOST_TOLD)
    cents = np.round(strongest * 100).astype(np.int64)
    words = pa.array([f', "{name}": ' for name in names])
    shown = np.abs(strongest) >= _LEAST_TOLD
    pieces = [
        _joined(words.take(pa.array(first[:, n])), _hundredths(cents[:, n], ~shown[:, n]))
        for n in range(first.shape[1])
    ]
    listed = _listed(pieces)
    any_told = pa.array(shown.any(axis=1))
    texts = pc.if_else(any_told, _braced(listed), pa.scalar(None, pa.string()))
    speaking = np.where(shown, strongest, -np.inf)
    loud = speaking.argmax(axis=1)
    of = np.take_along_axis(first, loud[:, None], axis=1)[:, 0]
    speaks = np.take_along_axis(speaking, loud[:, None], axis=1)[:, 0] > 0
    return Told(texts, pa.array(names).take(pa.array(of, mask=~speaks)))


def _hundredths(cents: NDArray[np.int64], hidden: NDArray[np.bool_]) -> pa.StringArray:
    """Log-odds as JSON writes them: 0.5, -1.23; null where hidden. Each number is written once."""
    numbers, at = np.unique(cents, return_inverse=True)
    return pa.array([repr(float(number) / 100) for number in numbers], pa.string()).take(pa.array(at, mask=hidden))


def as_json(mailing: pa.StringArray | None, offer: pa.StringArray | None) -> pa.StringArray:
    """The explanation of each score as it stands in `scores`: {"mailing": {family: log-odds}, "offer": {...}}; null where
    neither tells anything."""
    stages = (("mailing", mailing), ("offer", offer))
    told = _listed([_joined(pa.scalar(f', "{stage}": '), texts) for stage, texts in stages if texts is not None])
    return pc.if_else(pc.equal(told, ""), pa.scalar(None, pa.string()), _braced(told))


def _braced(inner: pa.StringArray) -> pa.StringArray:
    return _joined(pa.scalar("{"), inner, pa.scalar("}"))


def _listed(pieces: Sequence[pa.StringArray]) -> pa.StringArray:
    """The pieces of each row that are not null, each of which begins with ", "."""
    return pc.utf8_slice_codeunits(_joined(*(pc.fill_null(piece, "") for piece in pieces)), 2)


def _joined(*parts: pa.StringArray | pa.StringScalar) -> pa.StringArray:
    """The texts of each row, one after the other; null where one is. (Not by null_handling="skip": Arrow then leaves rows out.)"""
    return pc.binary_join_element_wise(*parts, pa.scalar(""))


def _of_trees(ensemble: Ensemble, x: Matrix, exact: bool) -> Values:
    from xgboost import DMatrix  # slow to load, and few explain

    data = DMatrix(x)
    total = np.zeros(x.shape)
    for trees in ensemble.trees:
        total += trees.predict(data, pred_contribs=True, approx_contribs=not exact)[:, :-1]
    return total / len(ensemble.trees)


def _of_partners(ensemble: Ensemble, x: Matrix) -> Values:
    """Weight x distance of the feature's place from its average (0); a missing column counts for its feature."""
    return ensemble.partners.mean_of_each(x)
