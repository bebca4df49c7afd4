"""What a discount adds to what members would buy anyway: on a ledger of a few members, and against a known truth."""

from datetime import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from ml.club import Club
from ml.policy_habits import SureBuyers
from ml.uplift import purchases, uplift
from tests.past_world import NIGHT, shop

DECIDED = datetime(2024, 1, 7, 23)  # winter, which ended on 4 February


def ledger(*rows: tuple[str, str]) -> ibis.Table:
    """Decisions on the offer of beans as of 8 January: (member, sent or control)."""
    frame = pd.DataFrame(
        [
            {
                "campaign_id": "winter", "member_id": m, "offer_id": "w-beans", "mailing_relevance": 0.5, "threshold": 0.2,
                "verdict": "send" if arm == "sent" else "suppress", "reason": None if arm == "sent" else "CONTROL_GROUP",
                "propensity": 0.5, "decided_at": DECIDED,
            }
            for m, arm in rows
        ]
    )  # fmt: skip
    return ibis.memtable(frame.astype({"reason": "object"}), schema=ibis.schema({
        "campaign_id": "string", "member_id": "string", "offer_id": "string", "mailing_relevance": "float64",
        "threshold": "float64", "verdict": "string", "reason": "string", "propensity": "float64", "decided_at": "timestamp(6)",
    }))  # fmt: skip


def club(bought: str, mailed: str) -> Club:
    members = "member_id\n" + "\n".join(sorted({line.split("|")[0].strip() for line in bought.strip().splitlines()}))
    sent = "member_id | campaign_id | sent_at\n" + "\n".join(f"{m} | winter | 2024-01-08T08:00" for m in mailed.split())
    return shop(members=members, transactions="member_id | product_id | occurred_at\n" + bought.strip(), mailings=sent)


def test_members_are_counted_by_habit_and_by_whether_chance_held_them_out() -> None:
    bought = """
        ada  | beans | 2024-01-02
        ada  | beans | 2024-01-20
        bo   | beans | 2024-01-02
        bo   | beans | 2024-02-20
        carl | beans | 2023-12-20
        carl | beans | 2023-12-27
        carl | beans | 2024-01-03
        carl | beans | 2024-01-10
        dina | beans | 2023-09-01
        dina | beans | 2024-01-20
        eve  | beans | 2024-01-02
        eve  | beans | 2024-01-20"""
    arms = ledger(("ada", "sent"), ("bo", "control"), ("carl", "control"), ("dina", "sent"), ("eve", "sent"))
    found = purchases(arms, club(bought, "ada dina"), NIGHT, SureBuyers()).sort_values(["habit", "arm"])
    # bo bought too late; dina had no habit in the 91 days before; eve's message never went out
    assert found[["habit", "arm", "members", "answers"]].to_numpy().tolist() == [
        [1, "control", 1, 0], [1, "sent", 1, 1], [2, "control", 1, 1],
    ]  # fmt: skip


def arm(habit: int, name: str, members: int, bought: int) -> dict[str, object]:
    return {"habit": habit, "arm": name, "members": members, "mailings": members, "answers": bought, "nn": members, "an": bought, "aa": bought}  # fmt: skip


def test_the_uplift_is_the_difference_of_the_shares_and_few_members_tell_nothing() -> None:
    found = uplift(pd.DataFrame([
        arm(1, "sent", 400, 120), arm(1, "control", 100, 10),
        arm(2, "sent", 400, 120), arm(2, "control", 19, 2),
        arm(3, "sent", 400, 400), arm(3, "control", 100, 100),
    ]))  # fmt: skip
    assert found.habit.tolist() == [1, 3]
    assert found.uplift.tolist() == pytest.approx([0.3 - 0.1, 0])
    error = np.sqrt(0.3 * 0.7 / 399 + 0.1 * 0.9 / 99)
    assert found.uplift_high[0] == pytest.approx(0.2 + 1.96 * error)
    assert 0 < found.uplift_high[1] < 0.02  # that all bought is no proof that all always will


def test_no_control_group_tells_nothing() -> None:
    assert uplift(pd.DataFrame([arm(3, "sent", 400, 120)])).empty


def test_the_upper_end_is_rarely_below_the_truth() -> None:
    """Two hundred clubs: of 300 sent to 32 % buy, of 60 held out 30 %."""
    chance = np.random.default_rng(5)
    held = 0
    for _ in range(200):
        found = uplift(
            pd.DataFrame(
                [arm(3, "sent", 300, chance.binomial(300, 0.32)), arm(3, "control", 60, chance.binomial(60, 0.30))]
            )
        )
        held += float(found.uplift_high[0]) >= 0.02
    assert held >= 186
