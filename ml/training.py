"""Fitting the relevance model on past asks. Rows come from examples.py; what is fitted is in model.py.

Everything is chosen on the past and in its order: a validation block of asks is predicted by models fitted only on asks
whose time to answer was over before the block began. From those predictions come the number of trees, the calibration,
the threshold and the figures reported; then all the past is fitted once more for use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.ensemble import Ensemble, Values, log_odds, probability
from ml.errors import TooFewExamples
from ml.evaluation import binary_metrics, calibration_bins, gain_curve, ranking_metrics
from ml.feature_dictionary import CATEGORICAL, MAILING_INPUTS, NAMED_INPUTS, OFFER_INPUTS
from ml.fitting import MONOTONE, Blocks, Grow, best_rounds, fit_bags, grow_here, importance
from ml.inputs import Inputs, floats
from ml.model import RelevanceModel
from ml.threshold import keeping
from ml.training_config import TrainingConfig

SEASONAL = ("month",)
SEASONS_KNOWN = 730  # days of examples below which the time of year cannot be told from what else changed
ENOUGH_OPENED = 1 / 3  # of all answers, from which on the messages that were opened are learned from alone
FEW = 2  # bags of a validation block that only judges: how the trees and their partner are weighed, the figures of the run


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


def fit_model(
    mailings: pa.Table,
    offers: pa.Table,
    as_of: datetime,
    config: TrainingConfig,
    kind: Literal["choice", "pair"] = "choice",
    monotone: Mapping[str, int] = MONOTONE,
    grow: Grow = grow_here,
) -> Fitted:
    """Fit on past asks.

    mailings  rows of `examples.mailing_rows` with closes_at, opened and answered
    offers    rows of `examples.offer_rows` with closes_at, opened and answered: kind "choice": every offer of the answered asks;
              kind "pair": the offers that mailings named, answered or not
    monotone  +1 or -1 by input where relevance may never fall, or never rise, with it
    grow      what grows the trees: this process, or the workers of a cluster
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
        stage = _fit_stage(
            mailings, MAILING_INPUTS, config, monotone, grow, config.bags, to_learn_from(mailings, config)
        )
        every = np.ones(offers.num_rows, dtype=bool)  # which one was chosen, where one was
        choice = _fit_stage(offers, OFFER_INPUTS, config, monotone, grow, FEW, every)
        past = stage
    else:
        choice = past = _fit_stage(
            offers, NAMED_INPUTS, config, monotone, grow, config.bags, to_learn_from(offers, config)
        )
    y, p = past.answered, past.predicted
    threshold = keeping(config.keep_responders, past.campaigns, y, p, config.confidence, config.seed)
    metrics |= {f"mailing_{k}": v for k, v in binary_metrics(y, p).items()}
    metrics |= {f"offer_{k}": v for k, v in binary_metrics(choice.answered, choice.predicted).items()}
    metrics |= {f"offer_{k}": v for k, v in ranking_metrics(choice.group, choice.answered, choice.predicted).items()}
    metrics |= {"threshold": threshold, "mailing_rounds": float(past.rounds), "offer_rounds": float(choice.rounds)}
    metrics |= {"learned_from": float(past.learned_from), "learned_answers": float(past.learned_answers)}
    metrics |= {"mailing_linear_share": past.ensemble.linear_share, "offer_linear_share": choice.ensemble.linear_share}
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
    gains = pd.concat(
        [importance(s.ensemble, n) for n, s in (("mailing", stage), ("offer", choice)) if s is not None],
        ignore_index=True,
    )
    return Fitted(
        model=model,
        metrics=metrics,
        validation=past.frame(),
        calibration=calibration_bins(y, p),
        gain=gain_curve(y, p),
        importance=gains,
    )


@dataclass(frozen=True)
class _Stage:
    ensemble: Ensemble
    rounds: int
    rows: pa.Table
    tested: NDArray[np.int64]
    predicted: Values
    answered: Values
    learned_from: int
    learned_answers: int

    @property
    def group(self) -> list[int]:
        told: list[int] = _asks(self.rows.take(self.tested)).tolist()
        return told

    @property
    def campaigns(self) -> list[str]:
        held: list[str] = self.rows["campaign_id"].take(self.tested).to_pylist()
        return held

    def frame(self) -> pd.DataFrame:
        keys = self.rows.select(["as_of", "campaign_id", "member_id"]).take(self.tested).to_pandas()
        return keys.assign(answered=self.answered, relevance=self.predicted)


def _fit_stage(
    rows: pa.Table,
    names: tuple[str, ...],
    config: TrainingConfig,
    monotone: Mapping[str, int],
    grow: Grow,
    judged_by: int,
    learned: NDArray[np.bool_],
) -> _Stage:
    """judged_by = most bags of each validation block. The stage whose scores the threshold is read from takes all of them: with two, the
    threshold hung on their draw by a third of its height. learned = the rows to learn from; the others are predicted, and judged by, too."""
    as_of, closes = (rows[c].to_numpy() for c in ("as_of", "closes_at"))
    if as_of.max() - as_of.min() < np.timedelta64(SEASONS_KNOWN, "D"):
        names = tuple(n for n in names if n not in SEASONAL)
    inputs = Inputs.seen_in(rows, names, CATEGORICAL)
    x, y = inputs.matrix(rows), floats(rows["answered"])
    members = np.asarray(rows["member_id"].to_pylist(), dtype=object)
    blocks = [
        (train[learned[train]], test) for train, test in validation_blocks(as_of, closes, y * learned, members, config)
    ]
    alike = [(train, test[learned[test]]) for train, test in blocks]
    rounds = best_rounds(x, y, alike, inputs, config, monotone, grow)
    tested = np.concatenate([test for _, test in blocks])
    few = replace(config, bags=min(judged_by, config.bags))
    parts = [
        fit_bags(x, y, members, inputs, rounds, few, monotone, grow, train).parts(x[test]) for train, test in blocks
    ]
    trees, linear = (np.concatenate([part[kind] for part in parts], axis=1) for kind in (0, 1))
    last = np.isin(tested, next(test for _, test in reversed(alike) if test.size))  # openings may have ceased to come
    share = best_share(trees[:, last], linear[:, last], y[tested][last], _asks(rows.take(tested[last])))
    odds = log_odds((1 - share) * trees + share * linear).mean(axis=0)
    offset, slope = (0.0, 1.0) if learned.all() else line_to(y[tested], odds)
    ensemble = fit_bags(x, y, members, inputs, rounds, config, monotone, grow, np.flatnonzero(learned))
    ensemble = replace(ensemble, linear_share=share, offset=offset, slope=slope)
    predicted = probability(offset + slope * odds)
    return _Stage(ensemble, rounds, rows, tested, predicted, y[tested], int(learned.sum()), int(y[learned].sum()))


def to_learn_from(rows: pa.Table, config: TrainingConfig) -> NDArray[np.bool_]:
    """The rows whose message was opened, where these hold enough of the answers to learn from; else all.

    Who did not look at a message says nothing by not answering it, and by buying all the same nothing of the message. A club that does not
    record openings, or of few of its messages, learns from every one.
    """
    opened, answered = floats(rows["opened"]) > 0, floats(rows["answered"])
    enough = max(config.least_answers, ENOUGH_OPENED * answered.sum())
    return opened if answered[opened].sum() >= enough else np.ones(rows.num_rows, dtype=bool)


def line_to(answered: Values, odds: Values) -> tuple[float, float]:
    """(offset, slope > 0) of the line from log-odds to those of an answer, by least loss (Platt 1999); without a slope where it would turn
    the order round."""
    from sklearn.linear_model import LogisticRegression  # slow to load, and only who fits needs it

    free = LogisticRegression(C=np.inf).fit(odds[:, None], answered)
    slope = float(free.coef_[0, 0])
    if slope > 0:
        return float(free.intercept_[0]), slope
    rate = np.clip(answered.mean(), 1e-6, 1 - 1e-6)
    return float(np.log(rate / (1 - rate)) - odds.mean()), 1.0


def best_share(trees: Values, linear: Values, answered: Values, asks: NDArray[np.int64]) -> float:
    """The linear partners' weight, in quarters, with the least loss; one half unless another is better by more than two
    standard errors.

    trees, linear   (bags, rows) probabilities for the last validation block: its models had learned from most. Those of the
                    first blocks had a tenth of the answers, and with so few the partners win
    asks            the ask that each row belongs to, 0..n-1: the offers of an ask are answered together, so asks are counted
    """

    def losses(share: float) -> Values:
        p = np.clip(((1 - share) * trees + share * linear).mean(axis=0), 1e-6, 1 - 1e-6)
        told = -(answered * np.log(p) + (1 - answered) * np.log(1 - p))
        return np.bincount(asks, told).astype(np.float64)

    even, best, most = losses(0.5), 0.5, 0.0
    for share in (0.0, 0.25, 0.75, 1.0):
        gain = even - losses(share)
        if gain.mean() > max(most, 2 * gain.std() / np.sqrt(gain.size)):
            best, most = share, float(gain.mean())
    return best


def _asks(rows: pa.Table) -> NDArray[np.int64]:
    """A number for each row's ask, 0..n-1."""
    keys = ["as_of", "campaign_id", "member_id"]
    return rows.select(keys).to_pandas().groupby(keys).ngroup().to_numpy()


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


__all__ = ["Fitted", "TrainingConfig", "fit_model", "validation_blocks"]
