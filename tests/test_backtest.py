"""Nights of an invented club replayed: what the model's parts and a study say beside it, and that the night's own functions
give the same. Figures of replayed nights are tested in test_backtest_frames.py.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ml.backtest import KEYS, Replay, campaigns_to_replay, replay
from ml.backtest_frames import Campaign, metrics_frame
from ml.backtest_parts import ONE_BAG, PART, WHICH, WHO
from ml.backtest_study import ALONE, EVERYTHING, ONE_STAGE, WITHOUT, compared_with, family_of
from ml.club import visible
from ml.errors import TooFewExamples
from ml.examples import mailing_rows, night_asks, offer_rows, offered
from ml.features import feature_tables
from ml.policy import Policy
from ml.scoring import score
from ml.training_config import TrainingConfig
from tests.past_world import OSLO, club_by_taste, on_engine

CONFIG = TrainingConfig(least_mailings=200, least_answers=30, bags=2, blocks=2, most_rounds=40)
pytestmark = pytest.mark.slow
POLICY = Policy.parse('[consent]\nassume = "audience"')


@pytest.fixture(scope="module")
def club():  # type: ignore[no-untyped-def]
    """240 members who answer offers of the two categories they like; six campaigns of eight offers."""
    return on_engine(club_by_taste(campaigns=6)[0])


@pytest.fixture(scope="module")
def replayed(club) -> Replay:  # type: ignore[no-untyped-def]
    days = campaigns_to_replay(club, *(pd.Timestamp(day).date() for day in ("2022-01-01", "2023-01-01")), ["c5"])
    return next(replay(club, OSLO, days, CONFIG, POLICY, studied=["c5"]))


def test_a_replayed_mailing_scores_what_the_night_itself_scores(club, replayed: Replay) -> None:  # type: ignore[no-untyped-def]
    """The night's own functions, called as the assets call them, with the model that the backtest fitted."""
    seen = visible(club, replayed.night)
    asks = night_asks(seen, replayed.night)
    tables = feature_tables(seen, asks)
    rows = mailing_rows(seen, asks, tables).order_by(KEYS).to_pyarrow()
    offers = offer_rows(seen, offered(seen, asks), tables).order_by([*KEYS, "offer_id"]).to_pyarrow()
    batches = score(replayed.fitted.model, rows.to_batches(), offers.to_batches(), "v")
    said = pd.concat([batch.to_pandas() for batch in batches])
    both = said.merge(replayed.offers, on=["campaign_id", "member_id", "offer_id"])
    assert len(both) == len(replayed.offers) == 240 * 8
    np.testing.assert_allclose(both.relevance, both.model, rtol=1e-5)


def test_both_stages_together_are_their_product(replayed: Replay) -> None:
    offers = replayed.offers
    np.testing.assert_allclose(offers[WHO] * offers[WHICH], offers.model, rtol=1e-5)


def test_who_answers_says_the_same_of_all_offers_of_a_mailing(replayed: Replay) -> None:
    assert replayed.offers.groupby("member_id")[WHO].nunique().max() == 1
    assert replayed.offers.groupby("member_id")[WHICH].nunique().max() > 1


def test_a_part_of_the_model_is_not_the_model(replayed: Replay) -> None:
    parts = [c for c in replayed.mailings if c.startswith(PART)]
    assert ONE_BAG in parts
    assert all(not np.allclose(replayed.mailings[part], replayed.mailings.model) for part in parts)


def test_a_study_leaves_out_each_family_and_tells_what_it_alone_says(replayed: Replay) -> None:
    told = set(replayed.mailings)
    assert {
        f"{WITHOUT}affinity",
        f"{ALONE}affinity",
        f"{WITHOUT}response",
        ONE_STAGE,
        "past: 50 %",
        "past: 100 %",
    } <= told
    assert f"{ALONE}affinity" not in replayed.offers


def test_without_what_a_member_buys_the_offers_cannot_be_told_apart(replayed: Replay) -> None:
    """In this club taste decides alone, and purchases are how it shows."""
    told = metrics_frame([replayed], {"c5": Campaign("monthly", 8, closed=True)}, draws=8)
    ndcg = told[told.level.eq("offer") & told.subset.eq("closed") & told.metric.eq("ndcg_5")].set_index("scorer")
    assert ndcg.gain[f"{WITHOUT}affinity"] > ndcg.gain[f"{WITHOUT}price"]
    assert ndcg.value[EVERYTHING] == pytest.approx(ndcg.value["model"], abs=0.1)
    assert np.isnan(ndcg.gain[EVERYTHING])


def test_each_fit_of_a_study_is_compared_with_its_like() -> None:
    assert compared_with("without: price") == compared_with(ONE_STAGE) == EVERYTHING
    assert compared_with("past: 25 %") == "past: 100 %"
    assert compared_with("als") is compared_with("model") is compared_with(ONE_BAG) is None


def test_a_name_of_a_campaign_belongs_to_the_family_of_campaigns() -> None:
    assert family_of("campaign_kind = Type A") == "campaign"


def test_little_past_is_said_and_the_night_left_out(club) -> None:  # type: ignore[no-untyped-def]
    days = campaigns_to_replay(club, *(pd.Timestamp(day).date() for day in ("2022-01-01", "2023-01-01")), ["c1"])
    told: list[str] = []
    needs_more = replace(CONFIG, least_answers=10_000)
    with pytest.raises(TooFewExamples, match=r"before none of these .* needs 200 with 10000 answered"):
        list(replay(club, OSLO, days, needs_more, POLICY, progress=told.append))
    assert "is left out: 240 past mailings" in told[-1]
