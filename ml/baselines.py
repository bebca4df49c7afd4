"""What the model must beat: simple scorers, each a function from the past and tonight's rows to two arrays of scores.
They read the same rows as the model; ALS, which needs the purchases themselves, is in baseline_als.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.ensemble import Values, probability
from ml.examples import TrainingRows
from ml.feature_dictionary import CATEGORICAL, MAILING_INPUTS, NAMED_INPUTS, OFFER_INPUTS
from ml.inputs import Inputs, floats
from ml.linear import LinearModel

Scores = tuple[Values, Values]
ALS = "als"  # the baseline of baseline_als.py


@dataclass(frozen=True)
class Tonight:
    """What a baseline is given: past examples, and the rows to score (one an ask; one an ask and offer)."""

    past: TrainingRows
    mailings: pa.Table
    offers: pa.Table
    seed: int


@dataclass(frozen=True)
class Baseline:
    """A simple scorer. `score` gives (a score for each row of `mailings`, one for each of `offers`); higher is likelier.

    A baseline's offer score counts within a member; across members it is multiplied by the member's mailing score
    where `times_mailing` says so.
    """

    name: str
    meaning: str
    score: Callable[[Tonight], Scores]


def _amount(rows: pa.Table, name: str) -> Values:
    return np.nan_to_num(floats(rows[name]))


def _random(t: Tonight) -> Scores:
    rng = np.random.default_rng(t.seed)
    return rng.random(t.mailings.num_rows), rng.random(t.offers.num_rows)


def _popularity(t: Tonight) -> Scores:
    """The answer rate so far of campaigns of the same kind; of offers, how many members buy their products."""
    past = t.past.mailings.group_by("campaign_kind").aggregate([("answered", "sum"), ("answered", "count")])
    total = max(float(pc.sum(past["answered_sum"]).as_py() or 0), 1.0) / max(t.past.mailings.num_rows, 1)
    rates = {
        kind: (yes + 20 * total) / (n + 20)
        for kind, yes, n in zip(
            *(past[c].to_pylist() for c in ("campaign_kind", "answered_sum", "answered_count")), strict=True
        )
    }
    kinds = t.mailings["campaign_kind"].to_pylist()
    return np.array([rates.get(kind, total) for kind in kinds]), _amount(t.offers, "reach")


def _recency_frequency_spend(t: Tonight) -> Scores:
    names = ("days_since_basket", "baskets_91", "spend_91")
    return _logistic_on(t, names), _amount(t.offers, "category_spend_91")


def _past_redemption(t: Tonight) -> Scores:
    alike = _amount(t.offers, "product_answered") + _amount(t.offers, "line_answered")
    return _amount(t.mailings, "answer_rate"), alike + _amount(t.offers, "popularity")


def _purchase_frequency(t: Tonight) -> Scores:
    """How often the member shops with a coupon (or, where that is not recorded, at all); how often they buy the product."""
    coupons = floats(t.mailings["coupon_baskets_all"])
    often = floats(t.mailings["baskets_91"]) if np.isnan(coupons).all() else coupons
    return np.nan_to_num(often), _amount(t.offers, "product_baskets_91") + 1e-3 * _amount(t.offers, "reach")


def _logistic(t: Tonight) -> Scores:
    inputs = Inputs.seen_in(t.past.offers, OFFER_INPUTS if t.past.kind == "choice" else NAMED_INPUTS, CATEGORICAL)
    y = floats(t.past.offers["answered"])
    model = LinearModel.fit(inputs.matrix(t.past.offers), y, np.ones(y.size), 0.02)
    return _logistic_on(t, MAILING_INPUTS), probability(model.predict(inputs.matrix(t.offers)))


def _logistic_on(t: Tonight, names: tuple[str, ...]) -> Values:
    inputs = Inputs.seen_in(t.past.mailings, names, CATEGORICAL)
    y = floats(t.past.mailings["answered"])
    model = LinearModel.fit(inputs.matrix(t.past.mailings), y, np.ones(y.size), 0.02)
    return probability(model.predict(inputs.matrix(t.mailings)))


BASELINES: tuple[Baseline, ...] = (
    Baseline("random", "By chance.", _random),
    Baseline("popularity", "Answer rate of the kind of campaign; how many members buy the offer's products.", _popularity),
    Baseline("recency_frequency_spend", "Logistic regression on three figures; spend in the offer's categories.", _recency_frequency_spend),
    Baseline("past_redemption", "The member's own answer rate, shrunk; likeness to offers answered.", _past_redemption),
    Baseline("purchase_frequency", "Baskets with a coupon a month; baskets with the offer's products.", _purchase_frequency),
    Baseline("logistic_regression", "Logistic regression on all features of each stage.", _logistic),
)  # fmt: skip


def across_members(at: NDArray[np.int64], mailing: Values, offer: Values) -> Values:
    """Offer scores comparable across members: the mailing's place among all (0..1) x the offer's share in its ask. `at` as
    made by `ask_of`."""
    place = (np.argsort(np.argsort(mailing, kind="stable"), kind="stable") + 1) / max(mailing.size, 1)
    total = np.bincount(at, offer, minlength=mailing.size)[at]
    return place[at] * (offer + 1e-9) / (total + 1e-9)


def ask_of(mailings: pa.Table, offers: pa.Table) -> NDArray[np.int64]:
    """The place among `mailings` of each offer's ask. Raises KeyError where there is none."""
    names = ("campaign_id", "member_id")
    asks = {ask: at for at, ask in enumerate(zip(*(mailings[n].to_pylist() for n in names), strict=True))}
    of_offers = zip(*(offers[n].to_pylist() for n in names), strict=True)
    return np.fromiter((asks[ask] for ask in of_offers), dtype=np.int64, count=offers.num_rows)


def best_of(at: NDArray[np.int64], values: Values, size: int) -> Values:
    """The best value of each ask, 0 of one without any. `at` as made by `ask_of`."""
    best = np.zeros(size)
    np.maximum.at(best, at, values)
    return best
