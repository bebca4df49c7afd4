"""The promotion gate: which challenger may go live, and what is said of one that may not. Members' answers are made by a
known probability, so that the perfect score, a useless one and anything between can be written down.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.canary import Shuffled, shuffled_auc
from ml.feature_dictionary import CATEGORICAL, MAILING_INPUTS
from ml.inclusion import with_people
from ml.leakage import Suspect
from ml.model_card import model_card
from ml.policy_models import Promotion
from ml.promotion import decide_promotion
from ml.training_config import TrainingConfig

HONEST = Shuffled(0.5, 0.01)
TELLING = Suspect("answer_rate", 0.74)


def rows(members: int = 4_000, seed: int = 1) -> pd.DataFrame:
    """One mailing to each member; half of them answer with probability 0.4, half with 0.02, and the challenger knows which."""
    rng = np.random.default_rng(seed)
    truth = np.where(np.arange(members) % 2 == 0, 0.4, 0.02)
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp("2024-03-01"),
            "campaign_id": "spring",
            "member_id": [f"m{n}" for n in range(members)],
            "answered": (rng.random(members) < truth).astype(float),
            "relevance": truth,
            "popularity": rng.random(members),
            "recency": rng.random(members),
            "logistic": truth,
            "new_member": np.arange(members) % 10 < 2,
            "rare_shopper": np.arange(members) % 4 < 2,
            "campaign_kind": "A",
            "channel": "email",
        }
    )


def decide(challenger: pd.DataFrame, champion: pd.DataFrame | None = None, **other: Any) -> Any:
    given = {"keep_responders": 0.9, "threshold": 0.2, "shuffled": HONEST, "telling": TELLING, "seed": 1} | other
    return decide_promotion(challenger, champion, Promotion(), **given)


def coin(frame: pd.DataFrame) -> pd.Series:
    return pd.Series(np.random.default_rng(7).random(len(frame)) / 4)


def test_a_challenger_that_knows_more_than_the_simple_scorers_goes_live_where_there_is_no_champion() -> None:
    decision = decide(rows())
    assert decision.promote
    assert "against popularity" in decision.reason
    assert "there is no champion to compare with" in decision.reason
    assert 0.25 < decision.figures["gain_popularity"] < 0.45


def test_a_challenger_that_tosses_coins_is_refused_and_told_what_it_lacks() -> None:
    frame = rows()
    decision = decide(frame.assign(relevance=coin(frame)))
    assert not decision.promote
    assert "against popularity, needs +0.020" in decision.reason
    assert "against logistic, needs -0.010" in decision.reason


def test_a_challenger_a_little_below_logistic_regression_goes_live_and_one_far_below_does_not() -> None:
    """One in fifty, and one in two, of the scores are tossed; the rest are perfect, as are all of logistic regression's."""
    frame = rows()
    little, much = (frame.relevance.where(frame.index % 50 >= tossed, coin(frame)) for tossed in (1, 25))
    first, second = (decide(frame.assign(relevance=score), threshold=0.01) for score in (little, much))
    assert first.promote, first.reason
    assert abs(first.figures["gain_logistic"]) < 0.02
    assert not second.promote
    assert "against logistic, needs -0.010" in second.reason


@pytest.mark.promise("R10")
def test_a_challenger_much_worse_than_the_champion_is_refused_though_it_beats_the_simple_scorers() -> None:
    good = rows()
    blurred = good.assign(relevance=(good.relevance + coin(good) * 2.2 - 0.27).clip(0.01), logistic=np.nan)
    assert decide(blurred, threshold=0.01).promote
    decision = decide(blurred, champion=good, threshold=0.01)
    assert not decision.promote
    assert "against the champion on 4,000 mailings that neither had learned from" in decision.reason


def test_an_equal_of_the_champion_goes_live() -> None:
    assert decide(rows(), champion=rows()).promote


def test_a_champion_that_shares_too_few_answers_is_not_compared_with() -> None:
    decision = decide(rows(), champion=rows().head(20))
    assert decision.promote
    assert "too few to compare with the champion" in decision.reason


def test_probabilities_three_times_too_high_are_refused() -> None:
    frame = rows()
    decision = decide(frame.assign(relevance=(frame.relevance * 2.4).clip(0, 1)))
    assert not decision.promote
    assert "calibration error" in decision.reason


def test_a_threshold_that_loses_half_of_those_who_answer_is_refused() -> None:
    frame = rows()
    frame.loc[frame.index % 4 == 0, "relevance"] = 0.399
    decision = decide(frame, threshold=0.4)
    assert not decision.promote
    assert "of those who answer, needs 85.0%" in decision.reason


def test_a_slice_that_popularity_serves_better_stops_a_model_that_is_good_on_the_whole() -> None:
    frame = rows()
    new = frame.new_member
    frame.loc[new, "relevance"] = 0.42 - frame.relevance[new]
    frame.loc[new, "popularity"] = frame.logistic[new]
    decision = decide(frame)
    assert not decision.promote
    assert "new member: AUC -0." in decision.reason


@pytest.mark.promise("R10")
@pytest.mark.parametrize("shuffled", [Shuffled(0.62, 0.02), Shuffled(float("nan"), float("nan"))])
def test_a_model_that_learns_from_shuffled_answers_never_goes_live(shuffled: Shuffled) -> None:
    decision = decide(rows(), shuffled=shuffled)
    assert not decision.promote
    assert decision.reason.startswith("fitted on shuffled answers it has AUC")


def test_a_champion_that_is_too_old_gives_way_to_one_as_good_that_few_answers_cannot_tell_apart() -> None:
    """400 members: the interval is wider than the margin, so a young champion stays, and an old one does not."""
    frame, noise = rows(400), np.random.default_rng(8).normal(0, 0.02, 400)
    champion = frame.assign(relevance=frame.relevance + noise)
    challenger = frame.assign(relevance=frame.relevance + np.random.default_rng(7).normal(0, 0.02, 400))
    young, old = (decide(challenger, champion, too_old=age, threshold=0.01) for age in (False, True))
    assert (young.promote, old.promote) == (False, True), (young.reason, old.reason)
    assert young.figures["gain_champion"] >= -0.01
    assert "as the champion is too old" in old.reason


@pytest.mark.parametrize("auc", [0.93, float("nan")])
def test_a_model_with_an_input_that_knows_the_answers_or_was_not_looked_at_never_goes_live(auc: float) -> None:
    decision = decide(rows(), telling=Suspect("spend_91", auc))
    assert not decision.promote
    assert decision.reason.startswith(f"spend_91 alone has AUC {auc:.3f}, at most 0.90")


def test_each_channel_is_a_slice_and_one_that_popularity_serves_better_stops_a_model() -> None:
    frame = rows()
    frame["channel"] = np.where(frame.index % 10 < 3, "sms", "email")
    assert {"gain channel email", "gain channel sms"} <= decide(frame).figures.keys()
    sms = frame.channel == "sms"
    frame.loc[sms, "relevance"] = 0.42 - frame.relevance[sms]
    frame.loc[sms, "popularity"] = frame.logistic[sms]
    decision = decide(frame)
    assert not decision.promote
    assert "channel sms: AUC -0." in decision.reason


def mailings() -> pa.Table:
    """4,000 mailings over 40 days, every feature and every answer by chance."""
    rng = np.random.default_rng(3)
    n = 4_000
    columns: dict[str, Any] = {
        name: [["a", "b"][k] for k in rng.integers(0, 2, n)] if name in CATEGORICAL else rng.random(n)
        for name in MAILING_INPUTS
    }
    columns["as_of"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(n) // 100, unit="D")
    columns["answered"] = (rng.random(n) < 0.2).astype(float)
    return pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)


def test_shuffled_answers_teach_nothing() -> None:
    found = shuffled_auc(mailings(), seed=1)
    assert abs(found.auc - 0.5) < 0.02
    assert 0 < found.chance < 0.1


def test_without_an_answer_the_canary_says_nothing() -> None:
    silent = mailings()
    silent = silent.set_column(silent.schema.get_field_index("answered"), "answered", pa.array(np.zeros(4_000)))
    assert np.isnan(shuffled_auc(silent, seed=1).auc)


def test_the_card_tells_for_whom_the_model_is_good_and_names_nobody() -> None:
    frame = rows()
    card = model_card(frame, TrainingConfig(), {"past mailings": "4,000, of which 840 were answered"}, seed=1)
    assert "- past mailings: 4,000, of which 840 were answered" in card
    assert "| all mailings | 4,000 |" in card
    assert "| new member | 800 |" in card
    assert "| logistic |" in card
    assert not [member for member in frame.member_id if f" {member} " in card]


def test_a_slice_of_few_answers_has_no_figure() -> None:
    frame = rows()
    frame.loc[frame.new_member, "answered"] = 0.0
    frame.loc[frame[frame.new_member].index[:19], "answered"] = 1.0
    assert "| new member | 800 | fewer than 20 | – | – | – | – |" in model_card(frame, TrainingConfig(), {}, seed=1)


def test_the_card_looks_at_age_and_place_and_tells_no_place_of_few() -> None:
    """4,000 members: every second born in 2000, of the others nothing is known; 19 live in 99, the rest in 01."""
    frame = rows()
    people = pd.DataFrame(
        {
            "member_id": frame.member_id,
            "birth_year": [2000 if n % 2 == 0 else None for n in range(4_000)],
            "postcode": ["9900" if n < 19 else "0150" for n in range(4_000)],
        }
    )
    card = model_card(with_people(frame, people), TrainingConfig(), {}, seed=1)
    assert "| age under 35 | 2,000 |" in card
    assert "| place postcodes 01... | 3,981 |" in card
    assert "| place elsewhere | fewer than 20 members |" in card
    assert "By age and place: not known" in model_card(frame, TrainingConfig(), {}, seed=1)


def test_a_slice_of_fewer_than_twenty_members_is_not_shown() -> None:
    frame = rows()
    frame["new_member"] = frame.index < 19
    assert "| new member | fewer than 20 members |" in model_card(frame, TrainingConfig(), {}, seed=1)
