"""What sense demands holds in a whole fitted model, trees and partners together, also where the past teaches the opposite."""

from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest

from ml.feature_dictionary import CATEGORICAL, NAMED_INPUTS
from ml.model import RelevanceModel
from ml.training import TrainingConfig, fit_model

ASKS, OFFERS = 600, 4
FEW = TrainingConfig(bags=2, most_rounds=30, blocks=2, seed=7)
STEPS = (0.0, 0.1, 0.4, 0.8, 1.0)


def perverse_past() -> tuple[pa.Table, pa.Table]:
    """(mailings, offers) of six weeks in which members answered what they had refused, and left what they had asked for."""
    rng = np.random.default_rng(3)
    answered = rng.random(ASKS * OFFERS) < 0.25
    week = np.repeat(np.arange(ASKS) // 100, OFFERS)
    sent = [datetime(2024, 1, 1) + timedelta(weeks=int(w)) for w in week]
    rows: dict[str, object] = {name: np.zeros(answered.size) for name in NAMED_INPUTS}
    rows |= dict.fromkeys(CATEGORICAL, ["one"] * answered.size)
    rows |= {
        "as_of": sent,
        "closes_at": [day + timedelta(days=6) for day in sent],
        "campaign_id": [f"c{w}" for w in week],
        "member_id": [f"m{n}" for n in np.repeat(np.arange(ASKS), OFFERS)],
        "offer_id": [f"o{n}" for n in np.tile(np.arange(OFFERS), ASKS)],
        "opened": np.zeros(answered.size),
        "answered": answered.astype(float),
        "product_baskets": rng.random(answered.size) + answered,
        "days_since_basket": rng.random(answered.size),
        "against_recent": 0.6 * answered + 0.4 * rng.random(answered.size),
        "liked_recent": 0.6 * ~answered + 0.4 * rng.random(answered.size),
    }
    offers = pa.table(rows)
    return offers.take(pa.array(np.arange(0, answered.size, OFFERS))), offers


def fitted(kind: Literal["choice", "pair"], **bounds: dict[str, int]) -> tuple[RelevanceModel, pa.Table]:
    mailings, offers = perverse_past()
    return fit_model(mailings, offers, datetime(2024, 3, 1), FEW, kind, **bounds).model, offers


def said(rows: pa.Table, word: str, strength: float) -> pa.Table:
    """The rows as if members had said so of every offer."""
    return rows.set_column(rows.schema.get_field_index(word), word, pa.array(np.full(rows.num_rows, strength)))


@pytest.mark.parametrize("kind", ["choice", "pair"])
def test_a_newer_refusal_never_raises_an_offer_and_a_wish_for_more_never_lowers_it(
    kind: Literal["choice", "pair"],
) -> None:
    model, rows = fitted(kind)
    against, liked = (
        np.stack([model.offer_relevance(said(rows, word, step))[0] for step in STEPS])
        for word in ("against_recent", "liked_recent")
    )
    assert (np.diff(against, axis=0) <= 1e-9).all()
    assert (np.diff(liked, axis=0) >= -1e-9).all()


def test_without_the_bounds_this_past_would_teach_the_opposite() -> None:
    model, rows = fitted("choice", monotone={})
    refused, not_refused = (model.offer_relevance(said(rows, "against_recent", step))[0].mean() for step in (1.0, 0.0))
    assert refused > not_refused + 0.1
