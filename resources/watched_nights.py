"""What the monitoring of the last nights said, read back from the lake. What follows from it is in ml/retraining.py."""

from collections.abc import Iterable, Sequence
from datetime import date

import ibis

from ml.drift_tables import DRIFT
from ml.errors import DamagedTable
from ml.performance import ALL, PERFORMANCE
from ml.retraining import NOTHING, SO_MANY, Watched
from resources.lake import Lake
from resources.platform import Platform
from resources.registry import BUSINESS_DATE, CHAMPION

DRIFT_VERDICT = "verdict"  # of all columns against training, in the notes of the night's drift table
SINCE_TRAINING = "drift-since-training"


def watched_nights(lake: Lake, most: int, most_drifted: float) -> Sequence[Watched]:
    """The newest nights of which there is monitoring, oldest first. A night whose tables are damaged is left out.

    most_drifted  share of the columns that may drift before the night as a whole fails
    """
    found = []
    for key in lake.dates(DRIFT.name)[-most:]:
        try:
            drift = lake.manifest(DRIFT.name, key).notes.get(DRIFT_VERDICT, "warn")
            promise, failed = _promise(lake, key), _failed(lake, key, most_drifted)
        except DamagedTable:
            continue
        if drift == "fail" and not failed:
            failed = frozenset({NOTHING})
        found.append(Watched(date.fromisoformat(key), drift, promise, failed))
    return found


def known_to_fail(lake: Lake, nights: Iterable[date | None], most_drifted: float) -> frozenset[str]:
    """What failed against training on any of these nights; of a night without monitoring nothing is known."""
    found = set[str]()
    for key in {night.isoformat() for night in nights if night is not None}:
        try:
            found |= _failed(lake, key, most_drifted) if lake.has(DRIFT.name, key) else frozenset()
        except DamagedTable:
            continue
    return frozenset(found)


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


def _failed(lake: Lake, key: str, most_drifted: float) -> frozenset[str]:
    table = lake.read(DRIFT, key)
    rows = (
        table.filter(table.report == SINCE_TRAINING).select("column_name", "verdict", "value", "threshold").to_pandas()
    )
    measured = rows.dropna(subset=["value", "threshold"])
    many = len(measured) > 0 and float((measured.value > measured.threshold).mean()) > most_drifted
    return frozenset(rows[rows.verdict == "fail"].column_name) | frozenset({SO_MANY} if many else ())
