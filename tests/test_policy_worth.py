"""What another policy would have earned on a past night: chances of sending read off the ledgers, what became of the messages, and
the estimate or its refusal. The estimators themselves are in test_off_policy.py.
"""

from datetime import date

import ibis
import numpy as np
import pandas as pd
import pytest

from ml.errors import InputError
from ml.night import Night
from ml.policy_worth import messages, told_messages, worth
from tests.past_world import NIGHT, shop

DECIDED = Night(date(2024, 1, 8), NIGHT.timezone)  # winter begins; by NIGHT it has ended
TYPES = {"campaign_id": "string", "member_id": "string", "verdict": "string", "propensity": "float64", "mailing_relevance": "float64"}  # fmt: skip


def ledger(text: str) -> ibis.Table:
    """Rows of `member verdict propensity`, an offer each, all of winter."""
    rows = [line.split() for line in text.strip().splitlines()]
    held = [("winter", member, verdict, float(p), 0.3) for member, verdict, p in rows]
    return ibis.memtable(held, schema=ibis.schema(TYPES))


DECISIONS = """
    ada   send      0.9
    ada   suppress  1.0
    bo    suppress  0.1
    bo    suppress  1.0
    carl  suppress  0.95
    dina  suppress  1.0
"""


def test_the_chance_of_a_message_is_that_of_its_offer_that_chance_decided() -> None:
    found = messages(ledger(DECISIONS), "log").order_by("member_id").to_pandas()
    # sent unless in the control group; in it; drawn not to explore; stopped by a rule
    assert found.log_sent.tolist() == [True, False, False, False]
    assert found.log_chance.tolist() == pytest.approx([0.9, 0.9, 0.05, 0])


def test_only_answers_after_the_night_count_and_only_of_campaigns_that_have_ended() -> None:
    club = shop(
        members="member_id\nada\nbo\ncarl\ndina",
        responses="""
            member_id | campaign_id | occurred_at
            ada       | winter      | 2024-01-10
            ada       | winter      | 2024-01-11
            carl      | winter      | 2024-01-02""",
    )
    told = told_messages(ledger(DECISIONS), ledger(DECISIONS), club, DECIDED, NIGHT, ("redeem",))
    assert told.member_id.tolist() == ["ada", "bo", "carl", "dina"]
    assert told.answered.tolist() == [1, 0, 0, 0]
    early = Night(date(2024, 2, 4), NIGHT.timezone)  # winter's last day
    assert told_messages(ledger(DECISIONS), ledger(DECISIONS), club, DECIDED, early, ("redeem",)).empty


def log(members: int, other: float, seed: int = 1) -> pd.DataFrame:
    """Messages sent with probability 0.5, answered by 0.2 of those sent to; the other policy sends with another."""
    chance = np.random.default_rng(seed)
    sent = chance.random(members) < 0.5
    return pd.DataFrame({
        "campaign_id": "winter", "member_id": [f"m{n}" for n in range(members)], "log_sent": sent, "log_chance": 0.5,
        "other_chance": other, "expected": 0.2, "answered": (sent & (chance.random(members) < 0.2)).astype(float),
    })  # fmt: skip


def test_a_policy_that_sends_half_as_often_earns_half_as_much() -> None:
    own, other = worth(log(4_000, 0.25))
    assert own.ips is not None
    assert own.ips.value == pytest.approx(0.1, abs=0.01)
    for found in (other.ips, other.self_normalised, other.doubly_robust):
        assert found is not None
        assert found.low < 0.05 < found.high
        assert found.high - found.low < 0.02


def test_without_relevance_there_is_no_doubly_robust_estimate() -> None:
    _, other = worth(log(4_000, 0.25).assign(expected=None))
    assert other.ips is not None
    assert other.doubly_robust is None


def test_what_the_log_never_sends_cannot_be_known() -> None:
    told = log(400, 0.5)
    told.loc[told.index[:100], ["log_sent", "log_chance", "answered"]] = [False, 0.0, 0.0]
    own, other = worth(told)
    assert own.unknown == ""
    assert other.unknown == "the policy would send 100 of 400 rows which the log's policy never sends"
    assert other.ips is None


def test_a_night_of_which_no_campaign_has_ended_is_told_so() -> None:
    with pytest.raises(InputError, match="no message of that night"):
        worth(log(0, 0.5))
