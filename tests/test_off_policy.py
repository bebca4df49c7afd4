"""Estimates from a log that can be counted by eye, the gate's refusals, and a club of which the truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import InputError
from ml.off_policy import Log, OverlapLimits, off_policy, weights

ANY = OverlapLimits(least_members=1, least_effective=1, largest_weight_share=1, most_errors_off=100)

# Five mailings, each sent with probability 1/2 but the last with 1/4. Asked: what if everybody were mailed?
#   sent      yes  yes  no   no   yes
#   answered  1    0    0    1    1
#   weight    2    2    0    0    4
FIVE = Log(
    member=np.arange(5),
    sent=np.array([True, True, False, False, True]),
    reward=np.array([1.0, 0, 0, 1, 1]),
    logged=np.array([0.5, 0.5, 0.5, 0.5, 0.25]),
    target=np.ones(5),
)


def test_five_rows_weigh_as_counted_by_eye() -> None:
    assert weights(FIVE).tolist() == [2, 2, 0, 0, 4]


def test_the_three_estimates_of_five_rows() -> None:
    log = replace(FIVE, if_sent=np.full(5, 0.5), if_unsent=np.zeros(5))
    found = off_policy(log, ANY)
    assert found.unknown == ""
    assert found.ips
    assert found.self_normalised
    assert found.doubly_robust
    assert found.ips.value == pytest.approx((2 * 1 + 4 * 1) / 5)
    assert found.self_normalised.value == pytest.approx(6 / 8)
    # everybody's expected half, put right by the three that were sent: 2 * .5, 2 * -.5, 4 * .5
    assert found.doubly_robust.value == pytest.approx(0.5 + (1 - 1 + 2) / 5)
    assert found.effective == pytest.approx(8**2 / (4 + 4 + 16))


def test_a_policy_that_does_what_the_log_did_earns_what_the_log_earned() -> None:
    found = off_policy(replace(FIVE, target=FIVE.logged), ANY)
    assert found.ips
    assert found.self_normalised
    assert found.ips.value == found.self_normalised.value == FIVE.reward.mean()
    assert found.effective == 5


@pytest.mark.parametrize(
    ("change", "limits", "why"),
    [
        ({"logged": np.array([0.5, np.nan, 0.5, 0.5, 0.25])}, ANY, "1 of 5 rows have no probability"),
        ({"logged": np.array([0.5, 0.5, 0.0, 0.5, 0.25])}, ANY, "send 1 of 5 rows which the log's policy never"),
        (
            {"logged": np.array([1.0, 0.5, 0.5, 0.5, 0.25]), "target": np.zeros(5)},
            ANY,
            "stop 1 of 5 rows which the log's policy always",
        ),
        ({}, replace(ANY, least_members=20), "fewer than 20 members"),
        ({}, replace(ANY, least_effective=4), "worth 3 of the policy's own"),
        ({}, replace(ANY, largest_weight_share=0.4), "one member has 50% of all weight"),
    ],
)
def test_what_the_log_cannot_say_is_refused_with_the_reason(change: dict, limits: OverlapLimits, why: str) -> None:
    found = off_policy(replace(FIVE, **change), limits)
    assert why in found.unknown
    assert found.ips is found.self_normalised is found.doubly_robust is None


def test_probabilities_that_are_not_those_of_the_sending_are_noticed() -> None:
    chance = np.random.default_rng(1)
    sent = chance.random(5_000) < 0.5
    log = Log(np.arange(5_000), sent, np.zeros(5_000), np.full(5_000, 0.25), np.ones(5_000))
    assert "instead of 1" in off_policy(log).unknown
    assert off_policy(replace(log, logged=np.full(5_000, 0.5))).unknown == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"logged": np.array([0.0, 0.5, 0.5, 0.5, 0.5])}, "never did"),
        ({"target": np.array([1.2, 1, 1, 1, 1])}, "target probability"),
        ({"reward": np.ones(4)}, "one length"),
        ({"if_sent": np.ones(5)}, "for neither"),
    ],
)
def test_a_log_that_cannot_be_is_refused(change: dict, why: str) -> None:
    with pytest.raises(InputError, match=why):
        replace(FIVE, **change)


def test_the_intervals_hold_the_truth_as_often_as_they_promise() -> None:
    """A hundred clubs of 400 members with three mailings each; the log sends the keen oftener, the policy asked about them alone."""
    held = np.zeros(3)
    for club in range(100):
        chance = np.random.default_rng(club)
        member = np.repeat(np.arange(400), 3)
        keen = chance.random(400)[member]
        if_sent, if_unsent = 0.1 + 0.5 * keen, 0.05 + 0.1 * keen
        logged, target = 0.2 + 0.6 * keen, (keen > 0.5).astype(float)
        sent = chance.random(1_200) < logged
        reward = (chance.random(1_200) < np.where(sent, if_sent, if_unsent)).astype(float)
        truth = np.mean(target * if_sent + (1 - target) * if_unsent)
        wrong_model = {"if_sent": np.full(1_200, 0.3), "if_unsent": np.full(1_200, 0.1)}
        found = off_policy(Log(member, sent, reward, logged, target, **wrong_model), seed=club, draws=300)
        for n, estimate in enumerate((found.ips, found.self_normalised, found.doubly_robust)):
            assert estimate
            held[n] += estimate.low <= truth <= estimate.high
    assert (held >= 88).all()  # of 100 promised 95


def test_a_model_of_the_rewards_narrows_the_interval() -> None:
    chance = np.random.default_rng(7)
    keen = chance.random(2_000)
    logged = np.full(2_000, 0.5)
    sent = chance.random(2_000) < logged
    reward = np.where(sent, 10 * keen, keen) + chance.normal(0, 0.1, 2_000)
    log = Log(np.arange(2_000), sent, reward, logged, np.ones(2_000), if_sent=10 * keen, if_unsent=keen)
    found = off_policy(log)
    assert found.ips
    assert found.doubly_robust
    assert found.doubly_robust.high - found.doubly_robust.low < (found.ips.high - found.ips.low) / 2
    assert found.doubly_robust.low <= (10 * keen).mean() <= found.doubly_robust.high
