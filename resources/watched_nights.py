"""What the monitoring of the last nights said, read back from the lake. What follows from it is in ml/retraining.py."""

from collections.abc import Sequence
from datetime import date

import ibis

from ml.drift_tables import DRIFT
from ml.errors import DamagedTable
from ml.performance import ALL, PERFORMANCE
from ml.retraining import Watched
from resources.lake import Lake
from resources.platform import Platform
from resources.registry import BUSINESS_DATE, CHAMPION

DRIFT_VERDICT = "verdict"  # of all columns against training, in the notes of the night's drift table


def watched_nights(lake: Lake, most: int) -> Sequence[Watched]:
    """The newest nights of which there is monitoring, oldest first. A night whose tables are damaged is left out."""
    found = []
    for key in lake.dates(DRIFT.name)[-most:]:
        try:
            drift = lake.manifest(DRIFT.name, key).notes.get(DRIFT_VERDICT, "warn")
            promise = _promise(lake, key)
        except DamagedTable:
            continue
        found.append(Watched(date.fromisoformat(key), drift, promise))
    return found


def trained_for(platform: Platform) -> date | None:
    """Business date of the champion's training. Raises RegistryUnavailable."""
    version = platform.registry.alias(CHAMPION)
    return date.fromisoformat(platform.registry.tags(version)[BUSINESS_DATE]) if version else None


def _promise(lake: Lake, key: str) -> str:
    if not lake.has(PERFORMANCE.name, key):
        return "unknown"
    rows = lake.read(PERFORMANCE, key)
    whole = rows.filter(rows.model_version == ALL, rows.label_age == ALL, rows.figure == ibis.literal("kept"))
    [kept] = whole.select("high", "promised").to_pyarrow().to_pylist() or [{"high": None, "promised": None}]
    if kept["high"] is None or kept["promised"] is None:
        return "unknown"
    return "broken" if kept["high"] < kept["promised"] else "kept"
