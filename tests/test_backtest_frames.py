"""Figures of replayed nights: on rows so few that the answer can be seen."""

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from ml.backtest import Replay
from ml.backtest_frames import Campaign, metrics_frame, scores_frame, stage_rows, subsets
from ml.backtest_tables import BACKTEST_METRICS
from ml.backtest_targets import CAMPAIGNS as TARGET_CAMPAIGNS
from ml.backtest_targets import TARGETS, in_words, judged
from ml.backtest_told import Told
from ml.night import Night

NIGHT = Night(date(2017, 8, 8), "UTC")
CAMPAIGNS = {"one": Campaign("sheet", 2, closed=True), "open": Campaign("sheet", 80, closed=False)}


def replayed(threshold: float = 0.5) -> Replay:
    """Four members mailed; two answered, with the first of two offers."""
    mailings = pd.DataFrame(
        {
            "as_of": NIGHT.as_of,
            "campaign_id": "one",
            "member_id": ["a", "b", "c", "d"],
            "answered": [1.0, 1.0, 0.0, 0.0],
            "model": [0.9, 0.6, 0.4, 0.1],
            "popularity": [0.2, 0.2, 0.2, 0.2],
            "relevance_low": [0.5, 0.3, 0.2, 0.0],
        }
    )
    offers = mailings.drop(columns="relevance_low").loc[mailings.index.repeat(2)].reset_index(drop=True)
    offers["offer_id"] = ["x", "y"] * 4
    offers["answered"] = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    offers["model"] = [0.6, 0.3, 0.2, 0.4, 0.2, 0.2, 0.05, 0.05]  # right for a, wrong for b
    model = SimpleNamespace(threshold=threshold, to_files=lambda: {"relevance.json": b"{}"})
    return Replay(NIGHT, cast(Any, SimpleNamespace(model=model)), mailings, offers)


def figure(metrics: pd.DataFrame, level: str, scorer: str, metric: str, subset: str = "all") -> pd.Series:
    chosen = (
        (metrics.level == level) & (metrics.subset == subset) & (metrics.scorer == scorer) & (metrics.metric == metric)
    )
    return metrics[chosen].iloc[0]


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    return metrics_frame([replayed()], {"one": CAMPAIGNS["one"]}, draws=40)


def test_a_model_that_ranks_all_responders_first_has_auc_1_and_one_that_ranks_none_has_a_half(
    metrics: pd.DataFrame,
) -> None:
    assert figure(metrics, "mailing", "model", "auc").value == 1.0
    assert figure(metrics, "mailing", "popularity", "auc").value == 0.5


def test_the_gain_is_the_model_less_the_baseline_on_the_same_rows(metrics: pd.DataFrame) -> None:
    row = figure(metrics, "mailing", "popularity", "auc")
    assert row.gain == 0.5
    assert row.gain_low <= 0.5 <= row.gain_high
    assert pd.isna(figure(metrics, "mailing", "model", "auc").gain)


def test_two_of_four_messages_can_be_stopped_while_every_responder_is_kept(metrics: pd.DataFrame) -> None:
    assert figure(metrics, "mailing", "model", "stopped_keeping_95").value == 0.5


def test_mrr_is_one_for_the_member_whose_offer_came_first_and_a_half_for_the_other(metrics: pd.DataFrame) -> None:
    row = figure(metrics, "offer", "model", "mrr")
    assert row.value == (1 + 1 / 2) / 2


def test_figures_of_probabilities_are_not_told_of_scores_that_are_none(metrics: pd.DataFrame) -> None:
    held = set(metrics[metrics.scorer == "popularity"].metric)
    assert "log_loss" not in held
    assert "log_loss" in set(metrics[metrics.scorer == "model"].metric)


def test_scores_hold_each_mailing_and_each_offer_with_what_relevance_alone_decides() -> None:
    scores = scores_frame([replayed(threshold=0.5)])
    mailings, offers = scores[scores.offer_id.isna()], scores[scores.offer_id.notna()]
    assert mailings.set_index("member_id").verdict.to_dict() == {
        "a": "send",
        "b": "send",
        "c": "suppress",
        "d": "suppress",
    }
    assert offers[offers.member_id == "c"].verdict.unique().tolist() == ["suppress"]
    assert len(offers) == 8


def test_subsets_are_all_closed_few_offers_kinds_and_each_campaign() -> None:
    assert subsets(CAMPAIGNS) == {
        "all": ["one", "open"],
        "closed": ["one"],
        "closed, at most 50 offers": ["one"],
        "closed, sheet": ["one"],
        "campaign one": ["one"],
        "campaign open": ["open"],
    }


def test_the_threshold_kept_one_of_two_who_answered_and_stopped_three_of_four() -> None:
    told = metrics_frame([replayed(threshold=0.7)], {"one": CAMPAIGNS["one"]}, draws=4)
    assert figure(told, "mailing", "model", "kept_at_threshold").value == 1 / 2
    assert figure(told, "mailing", "model", "stopped_at_threshold").value == 3 / 4


def test_of_the_tenths_it_is_told_what_was_predicted_at_least_and_observed(metrics: pd.DataFrame) -> None:
    """Four mailings are four parts of one, and too few to judge the bounds by more than together."""
    lowest, highest = (
        figure(metrics, "mailing", "model", "observed_tenth_1"),
        figure(metrics, "mailing", "model", "observed_tenth_4"),
    )
    assert (lowest.value, highest.value) == (0.0, 1.0)
    assert lowest.low <= 0 < lowest.high < 1
    assert figure(metrics, "mailing", "model", "predicted_tenth_4").value == 0.9
    held = figure(metrics, "mailing", "model", "bound_held")
    assert (held.value, held.rows) == (1.0, 1)  # half answered, a quarter was the least


def test_a_stage_is_told_with_its_seconds_and_memory() -> None:
    rows = stage_rows({"seconds": {"training": 3.0}, "peak_mb": {"training": 900.0}})
    assert rows[["level", "scorer", "metric", "value"]].to_numpy().tolist() == [
        ["stage", "training", "seconds", 3.0],
        ["stage", "training", "peak_mb", 900.0],
    ]


def test_a_loss_must_be_low_and_an_auc_high() -> None:
    loss = next(t for t in TARGETS if t.metric == "log_loss")
    auc = next(t for t in TARGETS if t.metric == "auc" and t.of == "value")
    assert [loss.reached(v) for v in (0.32, 0.33, 0.34)] == ["stretch", "must", "missed"]
    assert [auc.reached(v) for v in (0.85, 0.83, 0.81)] == ["stretch", "must", "missed"]


def test_a_campaign_of_four_mailings_is_too_small_to_be_shown() -> None:
    metrics = metrics_frame([replayed()], {"one": CAMPAIGNS["one"]}, draws=4)
    told = Told(metrics, "a folder")
    assert told.rows("mailing", "campaign one").empty
    assert told.main == "closed"
    assert told.campaigns == {"one": True}


def test_targets_are_judged_only_on_the_campaigns_they_were_set_for() -> None:
    def row(subset: str, rows: int) -> dict[str, object]:
        told = {"level": "mailing", "subset": subset, "scorer": "model", "metric": "auc", "value": 0.836, "rows": rows}
        told |= {"low": 0.817, "high": 0.857}
        return dict.fromkeys(BACKTEST_METRICS.names) | told

    six = [row(f"campaign {name}", 10) for name in TARGET_CAMPAIGNS]
    told = judged(pd.DataFrame([row("closed", 60), *six]))
    assert told[["figure", "reached"]].values.tolist()[:2] == [
        ["Mailing AUC", "excellent"],
        ["Mailing PR AUC", "not measured"],
    ]
    assert in_words(told) == f"1 of {len(TARGETS)} figures reach what they must, {len(TARGETS) - 1} were not measured"
    assert (
        in_words(judged(pd.DataFrame([row("closed", 60)])))
        == "no figure is judged: targets are set for other campaigns"
    )
    assert judged(pd.DataFrame([row("closed", 50), *six[1:]])).empty  # one is missing
    assert judged(pd.DataFrame([row("closed", 70), *six, row("campaign 20", 10)])).empty  # one too many


def test_what_is_asked_of_a_threshold_is_not_asked_of_one_that_promised_less() -> None:
    def verdict(promised: float) -> str:
        sizes = [("closed", "auc", 60, 0.8), *((f"campaign {name}", "auc", 10, 0.8) for name in TARGET_CAMPAIGNS)]
        rows = [*sizes, ("closed", "kept_at_threshold", 60, 0.84), ("all", "promised", 0, promised)]
        told = [
            {"level": "mailing", "subset": s, "scorer": "model", "metric": m, "value": v, "rows": n}
            for s, m, n, v in rows
        ]
        kept = judged(pd.DataFrame(told, columns=list(BACKTEST_METRICS.names))).set_index("figure")
        return str(kept.reached["Kept at the threshold for 90 %"])

    assert verdict(promised=0.9) == "missed"
    assert verdict(promised=0.8) == "not measured"
