"""What stopping costs, on groups whose shares can be counted, on a ledger of a few members, and against a known truth."""

from datetime import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from ml.audit_table import FALSE_SUPPRESSION
from ml.club import Club
from ml.false_suppression import COUNTED, audit, counts, weighted_share
from ml.lake_tables import DECISIONS
from ml.night import Night
from tests.past_world import NIGHT, shop


def group(name: str, n: int, answered: int, spend: float = 0.0, propensity: float = 1.0) -> dict[str, object]:
    """Sums of a group of members with one message each, of whom some answered; each spent the same."""
    w = n / propensity
    sums = [n, n, answered, w, w / propensity, answered / propensity, n * spend, n, answered, answered, n * spend, n * spend**2]  # fmt: skip
    return {"group": name, **dict(zip(COUNTED, map(float, sums), strict=True))}


def answers(*groups: dict[str, object]) -> pd.DataFrame:
    return audit(pd.DataFrame(groups, columns=["group", *COUNTED])).set_index("question")


def test_of_100_explored_of_whom_5_answered_the_1900_stopped_would_have_given_95() -> None:
    found = answers(group("explored", 100, 5, propensity=0.05), group("stopped", 1_900, 0, propensity=0.95))
    share, lost = found.loc["share_of_stopped"], found.loc["answers_lost"]
    assert share.value == pytest.approx(0.05)
    exact = binomtest(5, 100).proportion_ci(method="exact")
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high))
    assert lost.value == pytest.approx(95)
    assert lost.low < 95 < lost.high
    assert share.says == "Of the messages stopped as not relevant, 5.0% [1.6%, 11.3%] would have been answered."


def test_a_count_of_fewer_than_20_stopped_members_is_not_told() -> None:
    found = answers(group("explored", 100, 5, propensity=0.05), group("stopped", 19, 0))
    assert "fewer than 20 members were stopped" in found.loc["answers_lost"].unknown
    assert found.loc["share_of_stopped"].value == pytest.approx(0.05)


def test_unequal_weights_make_the_sample_worth_less() -> None:
    even, uneven = weighted_share(w=40, w2=40, wa=4), weighted_share(w=40, w2=80, wa=4)
    assert even[0] == uneven[0] == 0.1
    assert uneven[3] == 20
    assert uneven[2] - uneven[1] > even[2] - even[1]


def test_nobody_or_everybody_answering_still_has_an_interval() -> None:
    assert weighted_share(w=20, w2=20, wa=0)[1:3] == pytest.approx((0, 1 - 0.025 ** (1 / 20)))
    assert weighted_share(w=20, w2=20, wa=20)[1:3] == pytest.approx((0.025 ** (1 / 20), 1))


def test_mailing_is_worth_what_the_control_group_did_without() -> None:
    found = answers(group("sent", 400, 80, spend=30), group("control", 100, 10, spend=20))
    gained = found.loc["answers_gained"]
    assert gained.value == pytest.approx(80 / 400 - 10 / 100)
    error = 1.96 * np.sqrt(0.2 * 0.8 / 399 + 0.1 * 0.9 / 99)
    assert gained.high - gained.value == pytest.approx(error)
    assert found.loc["spend_gained"].value == pytest.approx(10)


@pytest.mark.parametrize(
    ("groups", "why"),
    [
        ([], "no messages below the threshold went out by chance"),
        ([group("stopped", 500, 3)], "no messages below the threshold went out by chance"),
        ([group("explored", 19, 1)], "fewer than 20 members were explored"),
    ],
)
def test_without_exploration_it_cannot_be_known(groups: list[dict[str, object]], why: str) -> None:
    found = answers(*groups)
    assert why in found.loc["share_of_stopped"].unknown
    assert found.value.isna().all()
    assert found.members.isna().all()
    assert "control group had fewer than 20" in found.loc["spend_gained"].unknown


def ledger(text: str) -> ibis.Table:
    """Decisions of winter as of 8 January, from lines of `member relevance propensity verdict reason`."""
    rows = []
    for line in text.strip().splitlines():
        member, relevance, propensity, verdict, reason = line.split()
        rows.append(
            {
                "campaign_id": "winter", "member_id": member, "offer_id": "w-beans", "channel": "email",
                "mailing_relevance": float(relevance), "threshold": 0.2, "propensity": float(propensity), "verdict": verdict,
                "reason": None if reason == "-" else reason, "decided_at": datetime(2024, 1, 7, 23),
            }
        )  # fmt: skip
    schema = {name: DECISIONS.schema[name] for name in rows[0] if name != "decided_at"} | {"decided_at": "timestamp(6)"}
    return ibis.memtable(pd.DataFrame(rows), schema=ibis.schema(schema))


WINTER = """
    ada   0.1  0.05  send      -
    bo    0.1  0.95  suppress  LOW_RELEVANCE
    carl  0.1  0.05  send      -
    dina  0.1  1.0   suppress  LOW_RELEVANCE
    eve   0.6  0.9   send      -
    finn  0.6  0.1   suppress  CONTROL_GROUP
    gro   0.1  0.05  send      -
"""


def club() -> Club:
    return shop(
        members="member_id\nada\nbo\ncarl\ndina\neve\nfinn\ngro",
        mailings="""
            member_id | campaign_id | sent_at
            ada       | winter      | 2024-01-08T08:00
            carl      | winter      | 2024-01-08T08:00
            eve       | winter      | 2024-01-08T08:00""",
        responses="""
            member_id | campaign_id | occurred_at
            ada       | winter      | 2024-01-10
            eve       | winter      | 2024-01-10
            finn      | winter      | 2024-01-02""",
        transactions="""
            member_id | product_id | occurred_at
            eve       | beans      | 2024-01-10
            eve       | beans      | 2024-02-20
            finn      | beans      | 2024-01-12""",
    )


def test_each_message_is_counted_in_its_group() -> None:
    found = counts(ledger(WINTER), club(), NIGHT, ("redeem",)).to_pandas().set_index("group")
    # gro's went out by no mailing, dina was stopped whatever chance said, finn answered before, eve's second came after
    assert found.mailings.to_dict() == {"explored": 2, "stopped": 1, "sent": 1, "control": 1}
    assert found.answers.to_dict() == {"explored": 1, "stopped": 0, "sent": 1, "control": 0}
    assert found.spend.to_dict() == {"explored": 0, "stopped": 0, "sent": 100, "control": 100}
    assert found.loc["explored", ["w", "w2", "wa"]].tolist() == pytest.approx([40, 800, 20])


def test_a_campaign_that_still_runs_is_not_counted() -> None:
    early = Night(datetime(2024, 1, 20).date(), NIGHT.timezone)
    assert counts(ledger(WINTER), club(), early, ("redeem",)).to_pandas().empty


def test_the_interval_holds_the_truth_of_the_club() -> None:
    """Sixty clubs of 4,000 stopped, of whom 6 % would answer and a twentieth is explored."""
    held = 0
    for seed in range(60):
        chance = np.random.default_rng(seed)
        would = chance.random(4_000) < 0.06
        explored = chance.random(4_000) < 0.05
        found = answers(
            group("explored", int(explored.sum()), int(would[explored].sum()), propensity=0.05),
            group("stopped", int((~explored).sum()), 0, propensity=0.95),
        ).loc["answers_lost"]
        held += found.low <= would[~explored].sum() <= found.high
    assert held >= 54


def test_the_answers_are_rows_of_the_lake() -> None:
    assert set(audit(pd.DataFrame(columns=["group", *COUNTED])).question) == set(FALSE_SUPPRESSION["question"].allowed)
