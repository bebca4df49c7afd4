"""How good earlier nights proved to be: five asks whose labels can be read off, and figures of a club whose truth is known."""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from ml.examples import night_asks
from ml.night import Night
from ml.performance import PERFORMANCE, matured, performance
from tests.past_world import NIGHT as TONIGHT
from tests.past_world import shop

NIGHT = Night(date(2024, 3, 15), "UTC")
ANSWERS = ("redeem",)


def figures(rows: pd.DataFrame, version: str = "all", age: str = "all") -> pd.DataFrame:
    found = performance(rows, NIGHT, 0.9, seed=1)
    assert not found.duplicated(list(PERFORMANCE.key)).any()
    return found[(found.model_version == version) & (found.label_age == age)].set_index("figure")


def world(members: int = 3_000, mailed_below: bool = True) -> pd.DataFrame:
    """Half answer with probability 0.3 and are above the threshold, half with 0.02 and are below."""
    rng = np.random.default_rng(2)
    good = np.arange(members) % 2 == 0
    truth = np.where(good, 0.3, 0.02)
    return pd.DataFrame(
        {
            "as_of": pd.Timestamp("2024-03-01"),
            "campaign_id": "spring",
            "member_id": [f"m{n}" for n in range(members)],
            "model_version": np.where(np.arange(members) < members / 2, "1", "2"),
            "mailing_relevance": truth,
            "relevance": truth,
            "threshold": 0.1,
            "sent": good,
            "answered": (rng.random(members) < truth).astype(float),
            "mailed": good | mailed_below,
        }
    )


def test_the_share_of_responders_kept_is_what_the_truth_says() -> None:
    rows = world()
    kept = figures(rows).loc["kept"]
    truth = rows.answered[rows.relevance > 0.1].sum() / rows.answered.sum()
    assert kept.value == pytest.approx(truth)
    assert kept.low < truth < kept.high
    assert kept.promised == 0.9
    assert "90% were promised: as promised" in kept.says


def test_a_broken_promise_is_told() -> None:
    rows = world().assign(threshold=0.31)
    rows.loc[rows.index % 4 == 0, "mailing_relevance"] = 0.4
    kept = figures(rows).loc["kept"]
    assert kept.high < 0.9
    assert kept.says.endswith("less than promised")


def test_what_stopping_cost_is_not_told_where_nobody_stopped_was_mailed() -> None:
    kept = figures(world(mailed_below=False)).loc["kept"]
    assert pd.isna(kept.value)
    assert kept.says == "cannot be known: fewer than 20 members below the threshold were mailed all the same"


def test_too_few_labels_say_so_and_the_share_stopped_is_told_all_the_same() -> None:
    few = world(members=100)
    found = figures(few)
    assert found.loc["auc"].says.startswith("too few labels: ")
    assert pd.isna(found.loc["auc"].value)
    assert found.loc["stopped"].value == 0.5


def test_figures_that_rest_on_fewer_than_twenty_members_hold_no_count() -> None:
    found = figures(world(members=19))
    assert found.mailings.isna().all()
    assert found.answers.isna().all()
    assert found.value.isna().all()


def test_each_version_and_each_age_has_its_own_line() -> None:
    rows = world()
    rows.loc[rows.model_version == "1", "as_of"] = pd.Timestamp("2023-12-20")
    found = performance(rows, NIGHT, 0.9, seed=1)
    assert set(zip(found.model_version, found.label_age, strict=True)) == {
        ("all", "all"), ("all", "up to 4 weeks"), ("all", "12 weeks and more"),
        ("1", "all"), ("1", "12 weeks and more"),
        ("2", "all"), ("2", "up to 4 weeks"),
    }  # fmt: skip


def test_a_club_without_an_earlier_night_has_no_figure_and_no_error() -> None:
    found = figures(world(members=0))
    assert found.value.isna().all()
    assert set(found.index) == {"auc", "pr_auc", "log_loss", "ece", "kept", "stopped"}


LEDGER = """
    member_id | offer_id | verdict  | relevance | mailing_relevance
    ada       | w-beans  | send     | 0.5       | 0.5
    ada       | w-loaf   | suppress | 0.3       | 0.5
    bo        | w-beans  | suppress | 0.1       | 0.1
    cleo      | w-beans  | send     | 0.4       | 0.4
    dan       | w-beans  | suppress | -         | -"""


def told(mailings: str, responses: str) -> pd.DataFrame:
    """Ada and Bo are of the audience of the winter's campaign, and were scored on 10 January and, higher by 0.3, on the 11th."""
    club = shop(mailings=mailings, responses=responses, audiences="campaign_id | member_id\nwinter | ada\nwinter | bo")
    first, second = Night(date(2024, 1, 10), TONIGHT.timezone), Night(date(2024, 1, 11), TONIGHT.timezone)
    asks = ibis.union(night_asks(club, first), night_asks(club, second))
    rows = [[cell.strip() for cell in line.split("|")] for line in LEDGER.strip().splitlines()[1:]]
    ledger = [
        {
            "decided_at": night.as_of,
            "campaign_id": "winter",
            "member_id": member,
            "offer_id": offer,
            "verdict": verdict,
            "relevance": None if score == "-" else float(score) + step,
            "mailing_relevance": None if best == "-" else float(best) + step,
            "threshold": 0.2,
            "model_version": "7",
        }
        for night, step in ((first, 0.0), (second, 0.3))
        for member, offer, verdict, score, best in rows
    ]
    rows_told = matured(ibis.memtable(pd.DataFrame(ledger)), asks, club, TONIGHT, ANSWERS)
    return rows_told.to_pandas().set_index("member_id")


def test_a_member_is_sent_where_one_of_the_offers_is_and_counts_as_the_first_night_scored_them() -> None:
    found = told(
        "member_id | campaign_id | sent_at\nada | winter | 2024-01-10T08:00\nbo | winter | 2024-01-12T08:00",
        "member_id | campaign_id | occurred_at\nada | winter | 2024-01-20T08:00",
    )
    assert sorted(found.index) == ["ada", "bo"]
    assert found.loc["ada", ["relevance", "sent", "mailed", "answered"]].tolist() == [0.5, True, True, 1.0]
    assert found.loc["bo", ["relevance", "sent", "mailed", "answered"]].tolist() == [0.1, False, True, 0.0]


def test_a_mailing_that_was_sent_before_it_was_scored_says_nothing_of_the_score() -> None:
    """Who would answer had mostly done so by then."""
    found = told(
        "member_id | campaign_id | sent_at\nada | winter | 2024-01-08T08:00\nbo | winter | 2024-01-12T08:00",
        "member_id | campaign_id | occurred_at\nada | winter | 2024-01-09T08:00",
    )
    assert found.mailed.to_dict() == {"ada": False, "bo": True}


def test_a_mailing_that_named_its_offer_is_judged_by_that_offer_and_the_threshold_by_the_best() -> None:
    found = told(
        "member_id | campaign_id | offer_id | sent_at\nada | winter | w-loaf | 2024-01-10T08:00",
        "member_id | campaign_id | offer_id | occurred_at\nada | winter | w-beans | 2024-01-20T08:00",
    )
    assert found.loc["ada", ["relevance", "mailing_relevance", "answered"]].tolist() == [0.3, 0.5, 0.0]
