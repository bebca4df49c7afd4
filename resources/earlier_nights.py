"""The ledgers of earlier nights, read back from the lake to be looked at together. What is made of them is in ml/."""

from datetime import timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd

from ml.false_suppression import COUNTED, LOOK_BACK_DAYS, audit, counts
from ml.features import ANSWERS
from ml.lake_tables import DECISIONS
from ml.night import Night
from ml.uplift import UPLIFT, purchases, uplift
from resources.platform import Platform

READ = ("campaign_id", "member_id", "offer_id", "verdict", "reason", "mailing_relevance", "threshold", "propensity")


def earlier_ledgers(platform: Platform, night: Night, days: int) -> ir.Table | None:
    """`DECISIONS` of the nights of so many days before, less the texts, with decided_at; None where there was none."""
    since = (night.business_date - timedelta(days=days)).isoformat()
    dates = [key for key in platform.lake.dates(DECISIONS.name) if since <= key < night.key]
    ledgers = [
        platform.lake.read(DECISIONS, key).select(*READ).mutate(decided_at=ibis.literal(platform.night(key).as_of))
        for key in dates
    ]
    return ibis.union(*ledgers) if len(ledgers) > 1 else next(iter(ledgers), None)


def audit_earlier_nights(platform: Platform, night: Night) -> pd.DataFrame:
    """Rows of `FALSE_SUPPRESSION` for the night."""
    ledgers = earlier_ledgers(platform, night, LOOK_BACK_DAYS)
    if ledgers is None:
        return audit(pd.DataFrame(columns=["group", *COUNTED]))
    return audit(counts(ledgers, platform.club(night), night, ANSWERS).to_pandas())


def uplift_of_earlier_nights(platform: Platform, night: Night) -> ir.Table | None:
    """`UPLIFT` as the earlier nights tell it; None without a control group in them."""
    ledgers = earlier_ledgers(platform, night, LOOK_BACK_DAYS)
    if ledgers is None:
        return None
    found = uplift(purchases(ledgers, platform.club(night), night, platform.policy.sure_buyers))
    return ibis.memtable(found, schema=UPLIFT) if len(found) else None
