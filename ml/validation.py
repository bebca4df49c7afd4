"""What a challenger said of past mailings before it had learned from them, beside what simple scorers say of the same:
the rows that the promotion gate and the model card are made from. What is made of them is in promotion.py.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from ml.ensemble import Values, probability
from ml.feature_dictionary import CATEGORICAL, MAILING_INPUTS
from ml.inputs import Inputs, floats
from ml.linear import LinearModel
from ml.tables import Column, Table, Type

KEYS = ("as_of", "campaign_id", "member_id")
BASELINES = ("popularity", "recency", "logistic")
SLICES = ("new_member", "rare_shopper", "campaign_kind", "channel")
NEW_DAYS = 91  # since the first basket: below it a member is new
BLOCKS = 4  # times the logistic regression is fitted anew as the past grows

VALIDATION = Table(
    "validation_scores",
    "What a challenger, and simple scorers beside it, said of past mailings that they had not been fitted on.",
    KEYS,
    (
        Column("as_of", Type.TIME, "The instant of the question; nothing later was known."),
        Column("campaign_id", Type.STRING, "The campaign."),
        Column("member_id", Type.STRING, "The member.", personal=True),
        Column("answered", Type.NUMBER, "1 if the member answered in time, else 0.", "0 or 1"),
        Column("relevance", Type.NUMBER, "The challenger's probability of an answer.", "share 0..1"),
        Column("popularity", Type.NUMBER, "The club's spend on the campaign's products in 91 days.", "share 0..1"),
        Column("recency", Type.NUMBER, "Days since the last basket, negative: a higher score is a later one.", "days"),
        Column("logistic", Type.NUMBER, "Logistic regression's probability, fitted on the past alone.", "share 0..1", nullable=True),
        Column("new_member", Type.BOOLEAN, f"The member's first basket was less than {NEW_DAYS} days ago, or there was none."),
        Column("rare_shopper", Type.BOOLEAN, "The member is in the quarter with the fewest baskets in 91 days."),
        Column("campaign_kind", Type.STRING, "The kind of campaign.", nullable=True),
        Column("channel", Type.STRING, "The channel that it went out by, the first by name where by several.", nullable=True),
    ),
)  # fmt: skip


def validation_rows(validation: pd.DataFrame, mailings: pa.Table, channels: pd.DataFrame) -> pd.DataFrame:
    """Rows of VALIDATION.

    validation  the keys with answered and relevance (Fitted.validation)
    mailings    the examples they come from, one row a key
    channels    campaign_id, member_id, channel; one row each
    """
    keys = mailings.select([*KEYS, "closes_at"]).to_pandas().reset_index(names="at")
    rows = validation.merge(keys, on=list(KEYS), how="left", validate="1:1")
    rows = rows.merge(channels, on=["campaign_id", "member_id"], how="left", validate="m:1")
    at = rows["at"].to_numpy()

    def column(name: str) -> Values:
        return floats(mailings[name])[at]

    baskets = np.nan_to_num(column("baskets_91"))
    few = np.quantile(baskets, 0.25) if baskets.size else 0.0
    rows = rows.assign(
        popularity=np.nan_to_num(column("club_spend_share")),
        recency=-np.nan_to_num(column("days_since_basket"), nan=1e4),
        logistic=_logistic(mailings, rows),
        new_member=np.nan_to_num(column("tenure_days")) < NEW_DAYS,
        rare_shopper=baskets <= few,
        campaign_kind=mailings["campaign_kind"].take(pa.array(at)).to_pandas().astype(object).to_numpy(),
    )
    return rows[list(VALIDATION.names)].sort_values(list(KEYS), ignore_index=True)


def _logistic(mailings: pa.Table, rows: pd.DataFrame) -> Values:
    """Logistic regression on all features, fitted on what had closed before each block of the rows began; null where
    nothing had."""
    told = np.full(len(rows), np.nan)
    closes, answered = mailings["closes_at"].to_numpy(), floats(mailings["answered"])
    moments = np.unique(rows.as_of.to_numpy())
    for block in np.array_split(moments, min(BLOCKS, len(moments))):
        train = np.flatnonzero(closes <= block[0])
        if not 0 < answered[train].sum() < train.size:
            return np.full(len(rows), np.nan)
        test = np.flatnonzero(rows.as_of.isin(block).to_numpy())
        past, asked = mailings.take(pa.array(train)), mailings.take(pa.array(rows["at"].to_numpy()[test]))
        inputs = Inputs.seen_in(past, MAILING_INPUTS, CATEGORICAL)
        model = LinearModel.fit(inputs.matrix(past), answered[train], np.ones(train.size), 0.02)
        told[test] = probability(model.predict(inputs.matrix(asked)))
    return told
