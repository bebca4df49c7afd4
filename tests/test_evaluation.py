"""The figures, on rows that can be counted, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from ml.evaluation import (
    Ranked,
    binary_metrics,
    calibration_bins,
    gain_curve,
    intervals,
    member_draws,
    ranking_by_group,
    ranking_metrics,
)
from ml.threshold import keeping


def test_half_of_the_messages_can_be_stopped_when_the_two_best_of_four_answered() -> None:
    figures = binary_metrics(np.array([0, 0, 1, 1.0]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert figures["auc"] == 1
    assert figures["stopped_keeping_95"] == 1 / 2
    assert figures["kept_stopping_50"] == 1


def test_keeping_nine_of_ten_may_lose_the_tenth() -> None:
    answered = np.ones(10)
    figures = binary_metrics(np.append(answered, 0), np.append(np.arange(1, 11) / 10, 0.05))
    assert figures["stopped_keeping_90"] == pytest.approx(2 / 11)  # the one who did not answer, and one who did


@pytest.mark.parametrize("answered", [[0, 0, 0], [1, 1, 1], []])
def test_without_both_outcomes_there_is_no_figure_but_counts(answered: list[float]) -> None:
    figures = binary_metrics(np.array(answered, dtype=float), np.full(len(answered), 0.5))
    assert np.isnan(figures["auc"])
    assert figures["rows"] == len(answered)


def test_weighted_figures_equal_scikit_learns_with_ties() -> None:
    rng = np.random.default_rng(1)
    score, weight = np.round(rng.random(2000), 2), rng.integers(0, 4, 2000).astype(float)
    answered = (rng.random(2000) < score).astype(float)
    figures = Ranked.of(answered, score).figures(weight)
    assert figures["auc"] == pytest.approx(roc_auc_score(answered, score, sample_weight=weight))
    assert figures["pr_auc"] == pytest.approx(average_precision_score(answered, score, sample_weight=weight))
    assert figures["ece"] < 0.05


def test_a_score_of_one_in_two_for_what_never_happens_is_half_wrong() -> None:
    figures = binary_metrics(np.array([0, 0, 0, 1.0]), np.full(4, 0.5))
    assert figures["ece"] == pytest.approx(1 / 4)
    assert figures["brier"] == pytest.approx(1 / 4)


def test_calibration_bins_hold_every_row_once_with_an_interval_around_the_share() -> None:
    bins = calibration_bins(np.array([0, 1, 0, 1.0]), np.array([0.1, 0.2, 0.6, 0.9]), bins=2)
    assert bins.rows.tolist() == [2, 2]
    assert bins.observed.tolist() == [0.5, 0.5]
    assert ((bins.low < bins.observed) & (bins.observed < bins.high)).all()


def test_the_gain_curve_runs_from_everybody_to_nobody() -> None:
    curve = gain_curve(np.array([0, 1, 1.0]), np.array([0.1, 0.2, 0.3]), points=4)
    assert curve.kept.tolist() == [1, 1, 0.5, 0]


def test_ranking_looks_only_at_groups_in_which_something_was_answered() -> None:
    by_group = ranking_by_group(
        ["a", "a", "a", "b", "b"], np.array([0, 1, 0, 0, 0.0]), np.array([0.3, 0.2, 0.1, 0.9, 0.8])
    )
    assert by_group.index.tolist() == ["a"]
    assert by_group.mrr["a"] == 1 / 2
    assert by_group.ndcg_5["a"] == pytest.approx(1 / np.log2(3))
    assert by_group.recall_5["a"] == 1


def test_more_answers_than_places_can_still_be_ranked_perfectly() -> None:
    figures = ranking_metrics(["a"] * 7, np.ones(7), np.arange(7.0))
    assert figures["ndcg_5"] == 1
    assert figures["recall_5"] == pytest.approx(5 / 7)


def test_equal_scores_are_not_put_in_the_order_they_came_in() -> None:
    groups = np.repeat(np.arange(400), 10)
    first = np.tile([1.0] + [0.0] * 9, 400)
    assert ranking_metrics(groups, first, np.zeros(4000))["mrr"] == pytest.approx(0.293, abs=0.04)  # by chance


def test_a_difference_on_the_same_draws_is_paired() -> None:
    rng = np.random.default_rng(2)
    members = np.repeat(np.arange(300), 3).astype(str)
    noise = rng.random(900)
    answered = (rng.random(900) < noise).astype(float)
    better, worse = Ranked.of(answered, noise), Ranked.of(answered, noise + rng.normal(0, 0.05, 900))
    draws = member_draws(members, 100)
    alone = intervals(better.figures, draws)["auc"]
    paired = intervals(lambda w: {"gain": better.figures(w)["auc"] - worse.figures(w)["auc"]}, draws)["gain"]
    assert alone.low < alone.value < alone.high
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_all_rows_of_a_member_are_drawn_together() -> None:
    draw = member_draws(["a", "b", "a"], 5)
    assert all(w[0] == w[2] for w in draw)
    assert all(w[0] + w[1] == 2 for w in draw)


def test_the_threshold_keeps_what_was_promised_of_those_who_answered() -> None:
    score = np.arange(1, 101) / 100
    threshold = keeping(0.9, ["a"] * 100, np.ones(100), score, 0.75, seed=0)
    assert (score >= threshold).mean() >= 0.9
    assert threshold == pytest.approx(0.10, abs=0.011)


def test_the_threshold_is_lower_where_campaigns_differ() -> None:
    score = np.concatenate([np.full(50, 0.5), np.full(50, 0.1)])
    alike = keeping(0.5, ["a", "b"] * 50, np.ones(100), score, 0.9, seed=0)
    apart = keeping(0.4, ["a"] * 50 + ["b"] * 50, np.ones(100), score, 0.9, seed=0)
    assert apart == 0.1
    assert apart <= alike


def test_where_nobody_answered_nothing_is_stopped() -> None:
    assert keeping(0.9, ["a"], np.zeros(1), np.array([0.2]), 0.9, seed=0) == 0


def test_an_answered_group_of_one_row_says_nothing_about_ranking() -> None:
    by_group = ranking_by_group(["alone", "b", "b"], np.array([1, 0, 1.0]), np.array([0.9, 0.8, 0.1]))
    assert by_group.mrr.to_dict() == {"b": 1 / 2}
