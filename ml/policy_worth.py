"""What another policy would have earned on the messages of a past night: the probabilities with which each policy sends them, read
off two ledgers of the same scores, and what became of them. How that becomes an estimate, or a refusal, is in off_policy.py.
"""

from dataclasses import replace

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ml.club import Club
from ml.errors import InputError
from ml.false_suppression import followed_by
from ml.night import Night
from ml.off_policy import Log, OffPolicy, off_policy


def messages(ledger: ir.Table, name: str) -> ir.Table:
    """(campaign_id, member_id, <name>_sent, <name>_chance, expected): each message of a ledger (`DECISIONS`), was it sent, and with
    what probability over all seeds. expected is the mailing's relevance, null where none is known.

    A ledger's propensity is that of the verdict. Of a message not sent, what chance held back (control group, no exploration) would
    have been sent with the rest of the probability; what a rule stopped has none left.
    """
    went = ledger.verdict == "send"
    of = ledger.group_by("campaign_id", "member_id").aggregate(
        sent=went.any(),
        by_sending=ledger.propensity.max(where=went),
        by_stopping=(1 - ledger.propensity).max(where=~went),
        expected=ledger.mailing_relevance.max(),
    )
    chance = of.sent.ifelse(of.by_sending, of.by_stopping)
    return of.select("campaign_id", "member_id", "expected", **{f"{name}_sent": of.sent, f"{name}_chance": chance})


def told_messages(
    ledger: ir.Table, other: ir.Table, club: Club, night: Night, by: Night, kinds: tuple[str, ...]
) -> pd.DataFrame:
    """(campaign_id, member_id, log_sent, log_chance, other_chance, expected, answered) of the night's messages, save those of
    service, of the campaigns that have ended by the night `by`, of which `club` knows.

    ledger, other  `DECISIONS` of the same scores, as decided and by the other policy
    kinds          response kinds that count as an answer
    """
    pair = ["campaign_id", "member_id"]
    ended = club.campaigns.filter(club.campaigns.ends_on < by.business_date, club.campaigns.message_class != "service")
    rows = messages(ledger, "log").semi_join(ended, "campaign_id")
    rows = rows.inner_join(messages(other, "other").drop("expected", "other_sent"), pair)
    rows = rows.mutate(decided_at=ibis.literal(night.as_of))
    answers = club.responses.filter(club.responses.kind.isin(kinds)).select(*pair, then="occurred_at")
    answered = followed_by(rows, answers, pair).mutate(answered=ibis.literal(1.0))
    known = rows.left_join(answered, pair, rname="{name}_right").drop(*(f"{name}_right" for name in pair))
    return known.mutate(answered=known.answered.fill_null(0.0)).order_by(pair).to_pandas()


def worth(told: pd.DataFrame, seed: int = 0) -> tuple[OffPolicy, OffPolicy]:
    """(the policy of the log, the other one) from `told_messages`: answers a planned message.

    Where a relevance is known of every message, it is the expected answer of a message sent, and none of one not sent, for the
    doubly robust estimate. Raises InputError where there is no message.
    """
    if told.empty:
        raise InputError("no message of that night is of a campaign that has ended since")
    expected = told.expected.to_numpy(np.float64, na_value=np.nan)
    known = bool(np.isfinite(expected).all())
    logged = told.log_chance.to_numpy(np.float64)
    log = Log(
        member=told.member_id.to_numpy(str),
        sent=told.log_sent.to_numpy(bool),
        reward=told.answered.to_numpy(np.float64),
        logged=logged,
        target=logged,
        if_sent=expected if known else None,
        if_unsent=np.zeros(len(told)) if known else None,
    )
    other = replace(log, target=told.other_chance.to_numpy(np.float64))
    return off_policy(log, seed=seed), off_policy(other, seed=seed)
