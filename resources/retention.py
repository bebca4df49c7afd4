"""What is known of members is deleted when its time is over. How long that is, the policy says; the newest night stays."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from resources.database import reaching
from resources.platform import Platform

_OLD = "SELECT batch FROM platform.batches WHERE published_at < :before AND batch NOT IN (SELECT batch FROM platform.pointer)"
_ROWS = ("offers", "suppressions", "reasks", "campaigns", "said", "scopes", "same_person", "batches")


@dataclass(frozen=True)
class Outlived:
    """What was deleted: nights' tables of the lake, batches, claims, exported files."""

    lake: int
    batches: int
    claims: int
    files: int


def delete_outlived(platform: Platform) -> Outlived:
    """Delete what is older than `[retention]` allows, counted from when it was written. Raises DatabaseUnavailable."""
    limits, now = platform.policy.retention, platform.now()
    lake = _lake(platform, now - timedelta(days=limits.lake_days))
    engine, before = platform.marts.engine, now - timedelta(days=limits.batch_days)
    with reaching(engine), engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
        old = list(connection.scalars(sa.text(_OLD), {"before": before}))
        for table in _ROWS:
            connection.execute(sa.text(f"DELETE FROM platform.{table} WHERE batch = ANY (:old)"), {"old": old})
        connection.execute(sa.text("DELETE FROM platform.runs WHERE token < (SELECT min(token) FROM platform.batches)"))
        claims = connection.execute(sa.text("DELETE FROM live.claims WHERE claimed_at < :before"), {"before": before})
    files = 0
    cut = (now - timedelta(days=limits.export_days)).timestamp() - _utc_shift(now)
    for path in platform.settings.exports.rglob("*"):
        if path.is_file() and path.stat().st_mtime < cut:
            path.unlink()
            files += 1
    return Outlived(lake, len(old), claims.rowcount, files)


def _utc_shift(now: datetime) -> float:
    """Seconds by which `now`, UTC without zone, is misread as local time."""
    return now.timestamp() - (now - datetime(1970, 1, 1)).total_seconds()


def _lake(platform: Platform, before: datetime) -> int:
    removed = 0
    for table in platform.lake.tables():
        for date in platform.lake.dates(table)[:-1]:
            written = datetime.fromisoformat(platform.lake.manifest(table, date).written_at).replace(tzinfo=None)
            if written < before:
                platform.lake.remove(table, date)
                removed += 1
    return removed
