"""Fitting the relevance model on past asks. Rows come from examples.py; what is fitted is in model.py.

Everything is chosen on the past and in its order: a validation block of asks is predicted by models fitted only on asks
whose time to answer was over before the block began. From those predictions come the number of trees, the calibration,
the threshold and the figures reported; then all the past is fitted once more for use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import xgboost as xgb
from numpy.typing import NDArray

from ml.ensemble import Ensemble, Values, log_odds, probability
from ml.errors import TooFewExamples
from ml.evaluation import binary_metrics, calibration_bins, gain_curve, ranking_metrics
from ml.feature_dictionary import CATEGORICAL, FEATURES, MAILING_INPUTS, OFFER_INPUTS
from ml.inputs import Inputs, Matrix, floats
from ml.linear import LinearModel
from ml.model import RelevanceModel

_STEP = 10  # trees between two looks at the loss
_BINS = 64
Blocks = list[tuple[NDArray[np.int64], NDArray[np.int64]]]

MONOTONE: Mapping[str, int] = {f.name: f.monotone for f in FEATURES if f.monotone}


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Bounds are checked; every number has a reason in docs/relevance.md.

    least_mailings, least_answers   fewest past mailings, and answered ones, to train on
    keep_responders  share of those who would answer that the threshold keeps (0..1)
    bags             models whose mean is the estimate (1..50)
    bag_share        share of the members each bag is fitted on (0..1)
    blocks           validation blocks (1..20)
    most_rounds      most trees a bag may have
    learning_rate, depth, leaf_weight, columns   of the trees, see XGBoost: eta, max_depth, min_child_weight, colsample_bytree
    linear_strength  of the linear partner, inverse of its penalty; 0 trains none
    unanswered   most rows without an answer to train on for each one with
    threads, seed
    """

    least_mailings: int = 500
    least_answers: int = 50
    keep_responders: float = 0.90
    bags: int = 5
    bag_share: float = 0.8
    blocks: int = 4
    most_rounds: int = 300
    learning_rate: float = 0.05
    depth: int = 4
    leaf_weight: float = 8.0
    columns: float = 0.4
    linear_strength: float = 0.02
    unanswered: int = 20
    threads: int = 2
    seed: int = 20170101

    def __post_init__(self) -> None:
        bounds = {
            "keep_responders": (0.01, 1.0), "bags": (1, 50), "bag_share": (0.1, 0.95), "blocks": (1, 20),
            "most_rounds": (10, 5000), "learning_rate": (0.001, 1.0), "depth": (1, 12), "columns": (0.05, 1.0),
            "linear_strength": (0.0, 1e6), "threads": (1, 256), "unanswered": (1, 10**6), "least_mailings": (1, 10**9), "least_answers": (1, 10**9),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be {least} to {most}, is {getattr(self, name)}")


@dataclass(frozen=True)
class Fitted:
    """A model and what is to be known of how it came about.

    metrics      figures on the validation blocks, by name, the stages' as mailing_* and offer_*
    validation   as_of, campaign_id, member_id, answered, relevance: the validation predictions of mailings
    calibration, gain   frames for plots, see evaluation.py
    importance   stage, feature, share of the trees' total gain
    """

    model: RelevanceModel
    metrics: dict[str, float]
    validation: pd.DataFrame
    calibration: pd.DataFrame
    gain: pd.DataFrame
    importance: pd.DataFrame
    parameters: dict[str, float] = field(default_factory=dict)


def fit_model(
    mailings: pa.Table,
    offers: pa.Table,
    as_of: datetime,
    config: TrainingConfig,
    kind: Literal["choice", "pair"] = "choice",
) -> Fitted:
    """Fit on past asks.

    mailings  rows of `examples.mailing_rows` with closes_at and answered
    offers    rows of `examples.offer_rows` with closes_at and answered: kind "choice": every offer of the answered asks;
              kind "pair": the offers that mailings named, answered or not
    Raises TooFewExamples, naming counts and what is needed.
    """
    answered = floats(mailings["answered"])
    if answered.size < config.least_mailings or answered.sum() < config.least_answers:
        raise TooFewExamples(
            f"{answered.size} past mailings with {answered.sum():.0f} answered are too few to train on: "
            f"needs {config.least_mailings} with {config.least_answers} answered"
        )
    if floats(offers["answered"]).sum() < 10:
        raise TooFewExamples("too few answers name the offer they are to")
    metrics: dict[str, float] = {}
    stage = None
    if kind == "choice":
        stage = _fit_stage(mailings, MAILING_INPUTS, config)
        choice = _fit_stage(offers, OFFER_INPUTS, config)
        past = stage
    else:
        choice = past = _fit_stage(offers, (*MAILING_INPUTS, *(n for n in OFFER_INPUTS if n not in MAILING_INPUTS)), config)
    y, p = past.answered, past.predicted
    threshold = float(np.quantile(p[y > 0], 1 - config.keep_responders)) if (y > 0).any() else 0.0
    metrics |= {f"mailing_{k}": v for k, v in binary_metrics(y, p).items()}
    metrics |= {f"offer_{k}": v for k, v in binary_metrics(choice.answered, choice.predicted).items()}
    metrics |= {f"offer_{k}": v for k, v in ranking_metrics(choice.group, choice.answered, choice.predicted).items()}
    metrics |= {"threshold": threshold, "mailing_rounds": float(past.rounds), "offer_rounds": float(choice.rounds)}
    model = RelevanceModel(
        kind=kind,
        mailing=stage.ensemble if stage else None,
        offer=choice.ensemble,
        threshold=threshold,
        as_of=as_of,
        seed=config.seed,
        examples=answered.size,
        answers=int(answered.sum()),
    )
    importance = pd.concat(
        [_importance(s.ensemble, n) for n, s in (("mailing", stage), ("offer", choice)) if s is not None], ignore_index=True
    )
    return Fitted(
        model=model,
        metrics=metrics,
        validation=past.frame(),
        calibration=calibration_bins(y, p),
        gain=gain_curve(y, p),
        importance=importance,
    )


@dataclass(frozen=True)
class _Stage:
    ensemble: Ensemble
    rounds: int
    rows: pa.Table
    tested: NDArray[np.int64]
    predicted: Values
    answered: Values

    @property
    def group(self) -> NDArray[np.object_]:
        held = self.rows.select(["as_of", "campaign_id", "member_id"]).take(self.tested).to_pandas()
        return held.groupby(["as_of", "campaign_id", "member_id"]).ngroup().to_numpy()

    def frame(self) -> pd.DataFrame:
        keys = self.rows.select(["as_of", "campaign_id", "member_id"]).take(self.tested).to_pandas()
        return keys.assign(answered=self.answered, relevance=self.predicted)


def _fit_stage(rows: pa.Table, names: tuple[str, ...], config: TrainingConfig) -> _Stage:
    inputs = Inputs.seen_in(rows, names, CATEGORICAL)
    x, y = inputs.matrix(rows), floats(rows["answered"])
    members = np.asarray(rows["member_id"].to_pylist(), dtype=object)
    as_of, closes = (rows[c].to_numpy() for c in ("as_of", "closes_at"))
    blocks = validation_blocks(as_of, closes, y, members, config)
    rounds = _best_rounds(x, y, blocks, inputs, config)
    tested = np.concatenate([test for _, test in blocks])
    parts = []
    for train, test in blocks:
        fitted = _fit_bags(x[train], y[train], members[train], inputs, rounds, replace(config, bags=min(2, config.bags)))
        parts.append(fitted.predict_matrix(x[test])[0])
    ensemble = _fit_bags(x, y, members, inputs, rounds, config)
    return _Stage(ensemble, rounds, rows, tested, np.concatenate(parts), y[tested])


def validation_blocks(
    as_of: NDArray[np.datetime64],
    closes_at: NDArray[np.datetime64],
    answered: Values,
    members: NDArray[np.object_],
    config: TrainingConfig,
) -> Blocks:
    """(training rows, validation rows) pairs, later and later in time; a block's training rows closed before it began.

    Where the past is too short for that (a single campaign, say) the blocks are parts of the members instead.
    """
    least = float(config.least_answers)
    starts = [t for t in np.unique(as_of) if answered[closes_at <= t].sum() >= least]
    if starts:
        later = as_of >= starts[0]
        share = answered[later].sum() / config.blocks
        blocks, first, held = [], starts[0], 0.0
        for at, moment in enumerate(starts):
            held += answered[as_of == moment].sum()
            last = at == len(starts) - 1
            if held >= share or last:
                test = np.flatnonzero((as_of >= first) & (as_of <= moment))
                blocks.append((np.flatnonzero(closes_at <= first), test))
                if not last:
                    first, held = starts[at + 1], 0.0
        if sum(answered[test].sum() for _, test in blocks) >= least:
            return blocks
    part = pd.util.hash_array(members) % np.uint64(config.blocks if config.blocks > 1 else 2)
    return [(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in np.unique(part)]


def _parameters(inputs: Inputs, config: TrainingConfig, bag: int, base: float) -> dict[str, object]:
    return {
        "objective": "binary:logistic",
        "eta": config.learning_rate,
        "max_depth": config.depth,
        "min_child_weight": config.leaf_weight,
        "subsample": 0.7,
        "colsample_bytree": config.columns,
        "lambda": 5.0,
        "max_bin": _BINS,
        "nthread": config.threads,
        "base_score": base,
        "seed": (config.seed + bag) % 2**31,
        "monotone_constraints": "(" + ",".join(str(MONOTONE.get(c, 0)) for c in inputs.columns) + ")",
    }


def _best_rounds(x: Matrix, y: Values, blocks: Blocks, inputs: Inputs, config: TrainingConfig) -> int:
    """Number of trees with the least loss over all validation blocks together, to the nearest `_STEP`."""
    steps = range(_STEP, config.most_rounds + 1, _STEP)
    loss = np.zeros(len(steps))
    for block, (train, test) in enumerate(blocks):
        rows, weight = _sample(y, train, config, block)
        base = _base_rate(y[rows], weight)
        trees = _grow(x[rows], y[rows], weight, config.most_rounds, _parameters(inputs, config, block, base))
        odds = np.full(test.size, log_odds(np.array(base)))
        for at, last in enumerate(steps):
            part = trees.inplace_predict(x[test], iteration_range=(last - _STEP, last), predict_type="margin")
            odds += part - log_odds(np.array(base))
            p = np.clip(probability(odds), 1e-6, 1 - 1e-6)
            loss[at] -= (y[test] * np.log(p) + (1 - y[test]) * np.log(1 - p)).sum()
    return steps[int(np.argmin(loss))]


def _fit_bags(x: Matrix, y: Values, members: NDArray[np.object_], inputs: Inputs, rounds: int, config: TrainingConfig) -> Ensemble:
    """One model a bag of members, each fitted on `bag_share` of them."""
    codes, names = pd.factorize(members)
    trees, linear = [], []
    for bag in range(config.bags):
        rng = np.random.default_rng([config.seed, bag])
        chosen = rng.permutation(len(names)) < config.bag_share * len(names)
        rows = np.flatnonzero(chosen[codes])
        if not 0 < y[rows].sum() < rows.size:
            rows = np.arange(y.size)
        rows, weight = _sample(y, rows, config, bag)
        parameters = _parameters(inputs, config, bag, _base_rate(y[rows], weight))
        trees.append(_grow(x[rows], y[rows], weight, rounds, parameters))
        if config.linear_strength > 0:
            linear.append(LinearModel.fit(x[rows], y[rows], weight, config.linear_strength))
    spread = float(np.sqrt(config.bag_share / (1 - config.bag_share)))
    return Ensemble(inputs, tuple(trees), tuple(linear), spread)


def _sample(y: Values, rows: NDArray[np.int64], config: TrainingConfig, draw: int) -> tuple[NDArray[np.int64], Values]:
    """(rows, weights): every answer, and at most `unanswered` others for each, weighted up to what they stand for."""
    yes, no = rows[y[rows] > 0], rows[y[rows] <= 0]
    most = config.unanswered * max(yes.size, 1)
    kept = no
    if no.size > most:
        kept = np.random.default_rng([config.seed, draw, no.size]).choice(no, most, replace=False)
    drawn = np.concatenate([yes, kept])
    weight = np.concatenate([np.ones(yes.size), np.full(kept.size, no.size / max(kept.size, 1))])
    return drawn, weight


def _base_rate(y: Values, weight: Values) -> float:
    return float(np.clip(np.average(y, weights=weight), 1e-5, 1 - 1e-5))


def _grow(x: Matrix, y: Values, weight: Values, rounds: int, parameters: dict[str, object]) -> xgb.Booster:
    return xgb.train(parameters, xgb.QuantileDMatrix(x, y, weight=weight, max_bin=_BINS), rounds)


def _importance(ensemble: Ensemble, stage: str) -> pd.DataFrame:
    total: dict[str, float] = {}
    for trees in ensemble.trees:
        for feature, gain in trees.get_score(importance_type="total_gain").items():
            at = int(feature[1:]) if feature[1:].isdigit() and feature.startswith("f") else ensemble.inputs.columns.index(feature)
            name = ensemble.inputs.columns[at]
            total[name] = total.get(name, 0.0) + float(np.asarray(gain).item())
    whole = sum(total.values()) or 1.0
    rows = [(stage, name, gain / whole) for name, gain in sorted(total.items(), key=lambda item: -item[1])]
    return pd.DataFrame(rows, columns=["stage", "feature", "gain_share"])


