"""Small batches to publish, written as lines of text."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml.published_tables import OFFER_TABLE, REASK_LIST, SUPPRESSION_LIST
from resources.batches import Batch, Publication, columns_to_publish
from resources.marts import Marts

MONDAY, TUESDAY, WEDNESDAY = date(2017, 10, 30), date(2017, 10, 31), date(2017, 11, 1)

# Two campaigns: spring is for anna, berit, carl; summer for anna alone. Carl is not written to.
OFFERS = """
    anna  1  spring  email  0.5
    anna  2  summer  sms    0.25
    berit 1  spring  email  0.125
"""
SUPPRESSIONS = "carl spring LOW_RELEVANCE,OUTRANKED"
AUDIENCE = {"spring": 3, "summer": 1}


def a_batch(business_date: date = MONDAY, fingerprint: str = "f1", **others: Any) -> Batch:
    values: dict[str, Any] = {
        "business_date": business_date,
        "model_version": "7",
        "policy_version": "p1",
        "fallback_step": "A",
        "watermarks": {"transactions": "2017-10-30T00:00:00Z"},
        "run_id": "run-1",
        "fingerprint": fingerprint,
    }
    return Batch(**(values | others))


def offers(lines: str, **others: Any) -> pa.Table:
    """Each line: member, slot, campaign, channel, relevance (or -)."""
    rows = [
        {
            "member_id": member,
            "slot": int(slot),
            "campaign_id": campaign,
            "offer_id": f"{campaign}-1",
            "channel": channel,
            "relevance": None if relevance == "-" else float(relevance),
            "expected_value": None,
            "reason": "You like cheese",
            "evidence": "{}",
            "merge_fields": "{}",
            "valid_from": datetime(2017, 10, 30, 4, tzinfo=UTC),
            "valid_until": datetime(2017, 11, 2, 4, tzinfo=UTC),
            "message_class": "marketing",
        }
        | others
        for member, slot, campaign, channel, relevance in map(str.split, lines.strip().splitlines())
    ]
    return pa.Table.from_pylist(rows, schema=columns_to_publish(OFFER_TABLE))


def suppressions(lines: str, **others: Any) -> pa.Table:
    """Each line: member, campaign, reasons with commas between."""
    rows = [
        {
            "member_id": member,
            "campaign_id": campaign,
            "reason": reasons.split(",")[0],
            "detail": "Relevance 1 % is below the 3 % asked for",
            "reasons": reasons.split(","),
            "relevance": 0.01,
            "threshold": 0.03,
            "would_pass_if": None,
            "until": None,
        }
        | others
        for member, campaign, reasons in map(str.split, lines.strip().splitlines())
    ]
    return pa.Table.from_pylist(rows, schema=columns_to_publish(SUPPRESSION_LIST))


def reasks(lines: str) -> pa.Table:
    """Each line: member, fact, last value."""
    rows = [
        {
            "member_id": member,
            "fact": fact,
            "last_value": value,
            "declared_at": datetime(2015, 1, 1, tzinfo=UTC),
            "expired_on": date(2017, 1, 1),
            "question": "Is this still so?",
            "priority": 1.0,
        }
        for member, fact, value in map(str.split, lines.strip().splitlines())
    ]
    return pa.Table.from_pylist(rows, schema=columns_to_publish(REASK_LIST))


def no_reasks() -> pa.Table:
    return columns_to_publish(REASK_LIST).empty_table()


def publish(marts: Marts, batch: Batch | None = None, **options: Any) -> Publication:
    """Publish the batch with the rows above; `offers`, `suppressions`, `reasks`, `audience` take their place."""
    given = {
        "offers": offers(OFFERS),
        "suppressions": suppressions(SUPPRESSIONS),
        "reasks": no_reasks(),
        "audience": AUDIENCE,
    } | options
    return marts.publish(batch or a_batch(), **given)


def rows(engine: Engine, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """The rows of a query, or none of a statement; committed."""
    with engine.begin() as connection:
        result = connection.execute(sa.text(query), values)
        return [tuple(row) for row in result] if result.returns_rows else []
