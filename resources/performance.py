"""Which earlier nights are read to see how good their models proved to be. The figures are made in ml/performance.py."""

from datetime import timedelta

import ibis
import pandas as pd

from ml.features import ANSWERS
from ml.lake_tables import ASKS, DECISIONS
from ml.night import Night
from ml.performance import matured, performance
from resources.platform import Platform

LOOK_BACK_DAYS = 365
_READ = (
    "campaign_id",
    "member_id",
    "offer_id",
    "verdict",
    "relevance",
    "mailing_relevance",
    "threshold",
    "model_version",
)
_COLUMNS = (
    "as_of",
    "campaign_id",
    "member_id",
    "model_version",
    "mailing_relevance",
    "relevance",
    "threshold",
    "sent",
    "answered",
    "mailed",
)


def performance_of_earlier_nights(platform: Platform, night: Night) -> pd.DataFrame:
    """Rows of PERFORMANCE for a night."""
    since = (night.business_date - timedelta(days=LOOK_BACK_DAYS)).isoformat()
    lake = platform.lake
    dates = [d for d in lake.dates(DECISIONS.name) if since <= d < night.key and lake.has(ASKS.name, d)]
    rows = pd.DataFrame(columns=list(_COLUMNS)).astype({"as_of": "datetime64[us]", "sent": bool, "mailed": bool})
    if dates:
        ledgers = [
            lake.read(DECISIONS, d)
            .select(*_READ)
            .mutate(decided_at=ibis.literal(platform.night(d).as_of, "timestamp(6)"))
            for d in dates
        ]
        asks = [lake.read(ASKS, d) for d in dates]
        both = [ibis.union(*tables) if len(tables) > 1 else tables[0] for tables in (ledgers, asks)]
        rows = matured(both[0], both[1], platform.club(night), night, ANSWERS).to_pandas()
    return performance(rows, night, platform.policy.relevance.keep_responders, platform.policy.chance.seed)
