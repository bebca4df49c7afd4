"""What the platform estimates from logs, against the invented club's truth: worth of another policy, how many of the stopped would
have answered, and what a message adds. In each of ten clubs the truth is known; of the ten intervals at 95 % at least eight must hold it
(fewer would be chance once in eighty times).
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from ml.false_suppression import audit
from ml.policy_worth import worth
from simulator.club import InventedClub
from simulator.diary import CLICK, REDEEM
from simulator.draws import BLOCK, Purpose, generator
from simulator.mailing import Mail, Sending
from simulator.week import Chance

SEEDS, WEEKS, LEAST = range(10), 16, 8


@dataclass
class Told:
    """One club's log of messages with their first offer: who got it with what chance, who answered, and the truth of both."""

    seed: int
    rows: list[pd.DataFrame] = field(default_factory=list)
    _chance: np.ndarray | None = None

    def mail(self, sending: Sending) -> Mail:
        """The first offer of the week's first campaign: to buyers of such things mostly, to others seldom."""
        self._bought = sending.state.waits[:, sending.campaign.offers[0].subcategory] < 60
        self._may, self._first = sending.may, sending.n == 0
        chance = np.where(self._bought, 0.6, 0.3)
        luck = generator(self.seed, 0, Purpose.POLICY, sending.week).random(BLOCK)
        self._chance = chance
        return Mail(np.where(sending.may & (luck < chance) & self._first, 0, -1), chance)

    def watch(self, chance: Chance) -> None:
        """The first campaign's first offer, for those who might be sent it."""
        if self._first and (not self.rows or self.rows[-1].campaign_id[0] != chance.offer):
            self._first = False
            may = self._may[chance.asked]
            who = chance.asked[may]
            self.rows.append(pd.DataFrame({
                "campaign_id": chance.offer, "member": who, "log_sent": chance.got[may], "log_chance": self._chance[who],
                "bought": self._bought[who], "if_sent": chance.sent[may], "if_unsent": chance.unsent[may],
            }))  # fmt: skip


def log_of(seed: int) -> pd.DataFrame:
    """The log with answered (0 or 1): of the offer, sent or not."""
    told = Told(seed)
    lived = InventedClub(BLOCK, seed, WEEKS).live_block(0, told.mail, told.watch)
    rows = pd.concat(told.rows, ignore_index=True)
    said = lived.diary.responses.columns(BLOCK)
    answers = np.isin(said["kind"], [REDEEM, CLICK])
    keys = said["offer"][answers].astype(np.int64) * BLOCK + said["member"][answers]
    answered = np.isin(rows.campaign_id.to_numpy(np.int64) * BLOCK + rows.member.to_numpy(), keys)
    return rows.assign(answered=answered.astype(float), member_id=rows.member.astype(str), expected=np.nan)


@pytest.fixture(scope="module")
def logs() -> dict[int, pd.DataFrame]:
    return {seed: log_of(seed) for seed in SEEDS}


def test_what_another_policy_would_have_earned_is_within_its_interval(logs: dict[int, pd.DataFrame]) -> None:
    """The other policy writes to nine of ten buyers and to one of ten others. What it is worth is told by the true chances."""
    held = {"ips": 0, "self_normalised": 0, "doubly_robust": 0}
    for seed, log in logs.items():
        other = np.where(log.bought, 0.9, 0.1)
        truth = (other * log.if_sent + (1 - other) * log.if_unsent).mean()
        _, found = worth(log.assign(other_chance=other, expected=log.if_sent), seed)
        assert found.unknown == ""
        for name in held:
            estimate = getattr(found, name)
            held[name] += estimate.low <= truth <= estimate.high
    assert min(held.values()) >= LEAST, held


def test_what_is_as_it_was_is_estimated_as_it_was(logs: dict[int, pd.DataFrame]) -> None:
    own, other = worth(logs[0].assign(other_chance=logs[0].log_chance))
    assert own.ips is not None
    assert own.ips == other.ips
    assert own.ips.value == pytest.approx(logs[0].answered.mean())


def test_what_the_log_never_did_cannot_be_known(logs: dict[int, pd.DataFrame]) -> None:
    """A log that wrote to buyers alone says nothing of a policy that writes to the others."""
    log = logs[0]
    narrow = log.assign(
        log_sent=log.log_sent & log.bought, log_chance=np.where(log.bought, log.log_chance, 0.0), other_chance=0.5
    )
    own, other = worth(narrow)
    assert own.unknown == ""
    assert "would send" in other.unknown
    assert "never sends" in other.unknown
    assert other.ips is None


def test_a_log_of_nearly_no_chance_cannot_be_known_from_either(logs: dict[int, pd.DataFrame]) -> None:
    rng = np.random.default_rng(0)
    log = logs[0].head(400)
    sure = log.assign(log_chance=0.001, log_sent=rng.random(len(log)) < 0.001, other_chance=0.99)
    assert "fewer than 100" in worth(sure)[1].unknown


def test_the_share_of_the_stopped_who_would_have_answered_is_within_its_interval(logs: dict[int, pd.DataFrame]) -> None:
    """Of messages to others than buyers, one in five is explored: those sent by chance tell of all."""
    held = 0
    for log in logs.values():
        stopped = log[~log.bought]
        explored = stopped[stopped.log_sent]
        found = audit(
            pd.DataFrame(
                [_sums("explored", explored, explored.log_chance), _sums("stopped", stopped, stopped.log_chance)]
            )
        )
        share = found.set_index("question").loc["share_of_stopped"]
        held += share.low <= stopped.if_sent.mean() <= share.high
    assert held >= LEAST


def test_what_a_message_adds_is_within_its_interval(logs: dict[int, pd.DataFrame]) -> None:
    """Among others than buyers chance alone chose who got the message: those who did not are the control group."""
    held = 0
    for log in logs.values():
        others = log[~log.bought]
        groups = [_sums("sent", others[others.log_sent], 1.0), _sums("control", others[~others.log_sent], 1.0)]
        gain = audit(pd.DataFrame(groups)).set_index("question").loc["answers_gained"]
        held += gain.low <= (others.if_sent - others.if_unsent).mean() <= gain.high
    assert held >= LEAST


def _sums(group: str, rows: pd.DataFrame, propensity: pd.Series | float) -> dict[str, object]:
    """What `ml.false_suppression.counts` would count of these messages."""
    weight = 1 / (propensity + 0 * rows.answered)
    by_member = rows.assign(w=weight, w2=weight**2, wa=weight * rows.answered).groupby("member").agg(
        n=("answered", "size"), a=("answered", "sum"), w=("w", "sum"), w2=("w2", "sum"), wa=("wa", "sum")
    )  # fmt: skip
    n, a = by_member.n, by_member.a
    return {
        "group": group, "mailings": n.sum(), "members": len(by_member), "answers": a.sum(), "w": by_member.w.sum(), "w2": by_member.w2.sum(),
        "wa": by_member.wa.sum(), "spend": 0.0, "nn": (n * n).sum(), "an": (a * n).sum(), "aa": (a * a).sum(), "sn": 0.0, "ss": 0.0,
    }  # fmt: skip
