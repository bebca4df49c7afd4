"""Rows of the nights before: what the features of earlier nights were, and how drift has gone since. Read back from the lake."""

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from ml.drift import MOST_ROWS
from ml.drift_tables import DRIFT
from ml.errors import IntegrityError
from ml.examples import mailing_rows
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import FeatureTables
from ml.lake_tables import ASKS, DECISIONS, SCORES
from ml.night import Night
from resources.platform import Platform
from resources.scorer import feature_tables_of

LEAST_NIGHTS = 3  # below it, "as usual" means nothing


def earlier_rows(platform: Platform, night: Night, most: int) -> tuple[pa.Table | None, int]:
    """A sample of the mailing rows of the `most` nights before, as many of each, and of how many nights; None where there are
    fewer than LEAST_NIGHTS. A night that the lake no longer reads is left out."""
    lake, found = platform.lake, []
    for key in [d for d in lake.dates(ASKS.name) if d < night.key][-most:]:
        try:
            earlier = platform.night(key)
            found.append((lake.read(ASKS, key), feature_tables_of(platform, earlier)))
        except IntegrityError:
            continue
    if len(found) < LEAST_NIGHTS:
        return None, len(found)
    asks = _union([_sample(asked, MOST_ROWS // len(found)) for asked, _ in found])
    tables = FeatureTables(**{t.name: _union([getattr(held, t.name) for _, held in found]) for t in FEATURE_TABLES})
    return mailing_rows(platform.club(night), asks, tables).to_pyarrow(), len(found)


def earlier_scores(platform: Platform, rows: pa.Table) -> pd.Series:
    """What each of the mailing rows was scored on its own night; missing where it was not. A model of members and offers knows a
    mailing's relevance from all of its offers only, which were mailed one by one: it is compared with other nights, never with
    what it was trained on."""
    asked = rows.select(["as_of", "campaign_id", "member_id"]).to_pandas()
    parts = []
    for key in platform.lake.dates(SCORES.name):
        at = platform.night(key).as_of
        if (asked.as_of == at).any():
            try:
                table = platform.lake.read(SCORES, key)
            except IntegrityError:
                continue
            best = table.group_by("campaign_id", "member_id").aggregate(said=table.mailing_relevance.max())
            parts.append(best.to_pandas().assign(as_of=at))
    if not parts:
        return pd.Series(float("nan"), index=asked.index)
    return asked.merge(pd.concat(parts), how="left", on=["as_of", "campaign_id", "member_id"]).said


def earlier_decisions(platform: Platform, night: Night, most: int) -> tuple[pa.Table | None, int]:
    """The same of what the nights before decided."""
    found = []
    for key in [d for d in platform.lake.dates(DECISIONS.name) if d < night.key][-most:]:
        try:
            found.append(decisions_of(platform, key))
        except IntegrityError:
            continue
    if len(found) < LEAST_NIGHTS:
        return None, len(found)
    return pa.concat_tables([part.slice(0, MOST_ROWS // len(found)) for part in found]), len(found)


def decisions_of(platform: Platform, key: str) -> pa.Table:
    """verdict, reason, channel and expected value of at most MOST_ROWS decisions of a night, the same ones every time."""
    rows = platform.lake.read(DECISIONS, key)
    by_chance = rows.order_by(rows.member_id.concat("/", rows.offer_id).hash(), "campaign_id", "channel").limit(
        MOST_ROWS
    )
    return by_chance.select(
        "verdict", by_chance.reason.fill_null("sent").name("reason"), "channel", "expected_value"
    ).to_pyarrow()


def drift_history(platform: Platform, night: Night, most: int) -> pd.DataFrame:
    """Share of columns that fail and that warn, by night, oldest first; of comparisons with the training alone."""
    since = (night.business_date - timedelta(days=most)).isoformat()
    shares = {}
    for key in platform.lake.dates(DRIFT.name):
        if since <= key < night.key:
            try:
                rows = platform.lake.read(DRIFT, key)
                verdicts = rows.filter(rows.report == "drift-since-training").verdict.to_pyarrow().to_pylist()
            except IntegrityError:
                continue
            if verdicts:
                shares[date.fromisoformat(key)] = _shares(verdicts)
    return pd.DataFrame.from_dict(shares, orient="index", columns=["fail", "warn"])


def with_tonight(history: pd.DataFrame, night: Night, table: pd.DataFrame) -> pd.DataFrame:
    """The history and tonight's own verdicts behind it."""
    verdicts = table[table.report == "drift-since-training"].verdict.tolist()
    if not verdicts:
        return history
    tonight = pd.DataFrame([_shares(verdicts)], index=[night.business_date], columns=["fail", "warn"])
    return pd.concat([history, tonight]) if len(history) else tonight


def _shares(verdicts: list[str]) -> list[float]:
    return [verdicts.count(verdict) / len(verdicts) for verdict in ("fail", "warn")]


def _sample(asks: ir.Table, most: int) -> ir.Table:
    """At most so many asks, the same ones every time."""
    return asks.order_by(asks.member_id.concat("/", asks.campaign_id).hash()).limit(most)


def _union(tables: list[ir.Table]) -> ir.Table:
    return ibis.union(*tables) if len(tables) > 1 else tables[0]
