"""Which frames the night's drift is watched on: tonight's rows and scores against the examples the model in use was trained
on. How drift is measured and reported is in drift_report.py.
"""

from dataclasses import dataclass

import pandas as pd

from ml.drift import DriftLimits
from ml.drift_tables import DRIFT
from ml.errors import DamagedTable
from ml.example_tables import MAILING_EXAMPLES
from ml.examples import mailing_rows
from ml.feature_dictionary import CATEGORICAL, FEATURES
from ml.lake_tables import ASKS
from ml.model import RelevanceModel
from ml.night import Night
from resources.drift_report import run_drift
from resources.platform import Platform
from resources.scorer import feature_tables_of

SCORE = "mailing_relevance"
TITLE = "Drift since training"
# The calendar moves every night by design: that it did is no news.
WATCHED = tuple(f.name for f in FEATURES if f.mailing and f.family != "calendar")


@dataclass(frozen=True)
class Watched:
    """What came of watching: DRIFT's rows, the verdict of all in words, and where the report is served."""

    table: pd.DataFrame
    verdict: str
    reason: str
    failed: tuple[str, ...]
    url: str


def watch_night(platform: Platform, night: Night) -> Watched:
    """Compare tonight with the training snapshot of the model in use; with none there is nothing to compare, and it says so."""
    address = f"http://127.0.0.1:{platform.settings.reports_port}"
    found = platform.registry.usable(night.key)
    snapshot = found.tags["business_date"] if found else None
    if found is None or snapshot is None or not platform.lake.has(MAILING_EXAMPLES.name, snapshot):
        why = "no model is in use" if found is None else f"the training snapshot of {snapshot} is no longer in the lake"
        return Watched(pd.DataFrame(columns=list(DRIFT.names)), "warn", f"nothing to compare with: {why}", (), address)
    model = RelevanceModel.from_files(dict(found.files))
    try:
        reference = platform.lake.read(MAILING_EXAMPLES, snapshot).to_pyarrow()
    except DamagedTable as damaged:  # a feature was added since, or a byte changed
        return Watched(
            pd.DataFrame(columns=list(DRIFT.names)),
            "fail",
            f"the training snapshot cannot be read: {damaged}",
            (),
            address,
        )
    tables = feature_tables_of(platform, night)
    current = mailing_rows(platform.club(night), platform.lake.read(ASKS, night.key), tables).to_pyarrow()
    watched = list(WATCHED)
    frames = {"current": current.select(watched).to_pandas(), "reference": reference.select(watched).to_pandas()}
    if model.kind == "choice":
        frames = {
            side: frame.assign(**{SCORE: model.mailing_relevance(rows)[0]})
            for (side, frame), rows in zip(frames.items(), (current, reference), strict=True)
        }
        watched.append(SCORE)
    result = run_drift(
        **frames,
        numeric=[name for name in watched if name not in CATEGORICAL],
        categorical=[name for name in watched if name in CATEGORICAL],
        limits=DriftLimits(),
        important=[SCORE] if SCORE in watched else [],
        title=TITLE,
        folder=platform.settings.reports / night.key,
        seed=platform.policy.chance.seed,
    )
    page = f"{address}/{night.key}/{result.html.name}"
    return Watched(result.table, result.judgement.verdict, result.judgement.reason, result.failed, page)
