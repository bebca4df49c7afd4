"""From the lake to the marts: a night's tables handed to publishing as one batch. How a batch is checked and swapped in is
in marts.py.
"""

import hashlib
import json
from datetime import date

import ibis.expr.types as ir

from ml.lake_tables import ASKS, OFFERS_TO_SEND, REASKS, SCORES, SUPPRESSIONS
from ml.night import Night
from ml.quality import watermarks
from resources.batches import Batch, Publication
from resources.beside import beside
from resources.decider import consents_told
from resources.platform import Platform
from resources.restored import settle_ledger

PUBLISHED_INPUTS = (OFFERS_TO_SEND, SUPPRESSIONS, REASKS)


def publish_night(
    platform: Platform,
    night: Night,
    run_id: str,
    supersede: bool = False,
    make_current: bool = False,
    accepted: str = "",
) -> Publication:
    """Publish what the lake holds of a night. `accepted`: why a person lets it differ from the nights before. Raises NotInLake, DamagedTable, PublishRefused, DatabaseUnavailable."""
    settle_ledger(platform)
    notes = platform.lake.manifest(SCORES.name, night.key).notes
    batch = Batch(
        business_date=night.business_date,
        model_version=notes["model_version"],
        policy_version=platform.policy.version,
        fallback_step=notes["fallback_step"],
        watermarks=watermarks(platform.club(night).tables()),
        run_id=run_id,
        fingerprint=_fingerprint(platform, night),
        model_age_days=_days_since(notes.get("trained_for"), night),
        shown_hours=platform.policy.publishing.shown_hours if platform.is_living(night) else None,
        consents_until=consents_told(platform, night),
        consents_hours=platform.policy.consent.stale_after_hours,
        accepted=accepted,
    )
    offers, suppressions, reasks = (platform.lake.read_batches(table, night.key) for table in PUBLISHED_INPUTS)
    return platform.marts.publish(
        batch,
        offers,
        suppressions,
        reasks,
        _audience(platform.lake.read(ASKS, night.key)),
        beside(platform, night),
        supersede=supersede,
        make_current=make_current,
        token=platform.marts.begin_run(run_id),
    )


def _days_since(trained_for: str | None, night: Night) -> int | None:
    return (night.business_date - date.fromisoformat(trained_for)).days if trained_for else None


def _audience(asks: ir.Table) -> dict[str, int]:
    """campaign -> members it is planned for."""
    counts = asks.group_by("campaign_id").aggregate(members=asks.member_id.nunique()).to_pyarrow().to_pylist()
    return {row["campaign_id"]: row["members"] for row in counts}


def _fingerprint(platform: Platform, night: Night) -> str:
    digests = {t.name: platform.lake.manifest(t.name, night.key).digest for t in (ASKS, *PUBLISHED_INPUTS)}
    return hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()
