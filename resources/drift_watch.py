"""Which frames the night's drift is watched on: tonight's rows and scores against the examples that the model in use was
trained on, and against the nights before. How drift is measured and reported is in drift_report.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.drift_tables import DRIFT
from ml.errors import DamagedTable
from ml.example_tables import MAILING_EXAMPLES
from ml.examples import mailing_rows
from ml.feature_dictionary import CATEGORICAL, FEATURES
from ml.fitting import importance
from ml.lake_tables import ASKS
from ml.model import RelevanceModel
from ml.night import Night
from resources.drift_report import run_drift
from resources.night_history import LEAST_NIGHTS, decisions_of, earlier_decisions, earlier_rows, earlier_scores
from resources.platform import Platform
from resources.scorer import feature_tables_of, find_model

SCORE = "mailing_relevance"
TITLE = "Drift since training"
LAST_NIGHTS = "Drift from the last nights"
DECIDED = "Decisions against the last nights"
MOST_IMPORTANT = 5
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


def watch_night(platform: Platform, night: Night) -> list[Watched]:
    """Compare tonight with the training snapshot of the model in use, and features and decisions with those of the nights before,
    in this order; where there is nothing to compare with, it says so."""
    tables = feature_tables_of(platform, night)
    current = mailing_rows(platform.club(night), platform.lake.read(ASKS, night.key), tables).to_pyarrow()
    found = find_model(platform, night).model
    model = RelevanceModel.from_files(dict(found.files)) if found else None
    return [
        _against_training(platform, night, current, model, found.tags["business_date"] if found else None),
        _against_last_nights(platform, night, current, model),
        _decisions_against_last_nights(platform, night),
    ]


def _against_training(
    platform: Platform, night: Night, current: pa.Table, model: RelevanceModel | None, snapshot: str | None
) -> Watched:
    if model is None or snapshot is None or not platform.lake.has(MAILING_EXAMPLES.name, snapshot):
        why = "no model is in use" if model is None else f"the training snapshot of {snapshot} is no longer in the lake"
        return _nothing(platform, "warn", f"nothing to compare with: {why}")
    try:
        reference = platform.lake.read(MAILING_EXAMPLES, snapshot).to_pyarrow()
    except DamagedTable as damaged:  # a feature was added since, or a byte changed
        return _nothing(platform, "fail", f"the training snapshot cannot be read: {damaged}")
    return _compare(platform, night, current, _recent(platform, reference, snapshot), model, TITLE)


def _recent(platform: Platform, snapshot: pa.Table, trained_for: str) -> pa.Table:
    """What was asked in the days before the training that the policy names; all of it where that is too little to compare with."""
    since = platform.night(trained_for).as_of - timedelta(days=platform.policy.monitoring.snapshot_days)
    recent = snapshot.filter(pc.field("as_of") >= pa.scalar(since, pa.timestamp("us")))
    return recent if recent.num_rows >= platform.policy.drift.least_rows else snapshot


def _against_last_nights(platform: Platform, night: Night, current: pa.Table, model: RelevanceModel | None) -> Watched:
    reference, nights = earlier_rows(platform, night, platform.policy.monitoring.nights)
    if reference is None:
        words = f"nothing to compare with: {nights} earlier nights are in the lake, {LEAST_NIGHTS} are needed"
        return _nothing(platform, "warn", words)
    pair = model is not None and model.kind == "pair"
    said = [earlier_scores(platform, rows) for rows in (current, reference)] if pair else []
    return _compare(platform, night, current, reference, model, LAST_NIGHTS, said)


def _compare(
    platform: Platform,
    night: Night,
    current: pa.Table,
    reference: pa.Table,
    model: RelevanceModel | None,
    title: str,
    said: Sequence[pd.Series] = (),
) -> Watched:
    """`said`: the scores of tonight and of the reference where the model cannot tell them from these rows."""
    watched = list(WATCHED)
    frames = {"current": current.select(watched).to_pandas(), "reference": reference.select(watched).to_pandas()}
    if model is not None and model.kind == "choice":
        said = [pd.Series(model.mailing_relevance(rows)[0]) for rows in (current, reference)]
    if said:
        frames = {
            side: frame.assign(**{SCORE: scores.to_numpy()})
            for (side, frame), scores in zip(frames.items(), said, strict=True)
        }
        watched.append(SCORE)
    numeric = [name for name in watched if name not in CATEGORICAL]
    categorical = [name for name in watched if name in CATEGORICAL]
    return _report(platform, night, frames, numeric, categorical, _important(model, watched), title)


def _report(
    platform: Platform,
    night: Night,
    frames: Mapping[str, pd.DataFrame],
    numeric: list[str],
    categorical: list[str],
    important: list[str],
    title: str,
) -> Watched:
    result = run_drift(
        frames["current"],
        frames["reference"],
        numeric=numeric,
        categorical=categorical,
        limits=platform.policy.drift,
        important=important,
        title=title,
        folder=platform.settings.reports / night.key,
        seed=platform.policy.chance.seed,
    )
    page = f"{_address(platform)}/{night.key}/{result.html.name}"
    return Watched(result.table, result.judgement.verdict, result.judgement.reason, result.failed, page)


def _important(model: RelevanceModel | None, watched: list[str]) -> list[str]:
    """The columns that fail where others only warn: the score, and what the model leans on most."""
    if model is None:
        return []
    gains = importance(model.mailing or model.offer, "mailing").feature.tolist()
    return [SCORE] * (SCORE in watched) + [name for name in gains if name in watched][:MOST_IMPORTANT]


def _decisions_against_last_nights(platform: Platform, night: Night) -> Watched:
    """What was decided, and why, beside the nights before: a rule that suddenly stops everybody is no feature."""
    reference, nights = earlier_decisions(platform, night, platform.policy.monitoring.nights)
    if reference is None:
        words = f"nothing to compare with: {nights} earlier nights are in the lake, {LEAST_NIGHTS} are needed"
        return _nothing(platform, "warn", words)
    frames = {"current": decisions_of(platform, night.key), "reference": reference}
    held = {side: table.to_pandas() for side, table in frames.items()}
    return _report(platform, night, held, ["expected_value"], ["verdict", "reason", "channel"], ["verdict"], DECIDED)


def _nothing(platform: Platform, verdict: str, words: str) -> Watched:
    return Watched(pd.DataFrame(columns=list(DRIFT.names)), verdict, words, (), _address(platform))


def _address(platform: Platform) -> str:
    return f"http://127.0.0.1:{platform.settings.reports_port}"
