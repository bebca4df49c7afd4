"""Drift of tonight's features and scores against what the model was trained on and the nights before, and what became of a night that is history.
Distances and verdicts are in ml/drift.py, the report in resources/drift_report.py.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import ibis
import ibis.expr.types as ir
import pandas as pd

from assets.shown import lake_out, picture, small_table, table_arguments
from ml import plots
from ml.afterwards import afterwards as look_back
from ml.club import Club
from ml.drift_tables import DRIFT
from ml.example_tables import EXAMPLE_TABLES
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import ANSWERS
from ml.lake_tables import AFTERWARDS, ASKS, DECISIONS, SCORES
from ml.quality import check_tables
from ml.source_tables import SOURCE_TABLES
from resources.drift_watch import SCORE, WATCHED, Watched, watch_night
from resources.engine import handed_to
from resources.night_history import drift_history, with_tonight
from resources.platform import Platform
from resources.report_shelf import prune_reports
from resources.set_aside import write_quarantine_page
from resources.watched_nights import DRIFT_VERDICT

ALL_COLUMNS = "all_columns"
LAST_NIGHTS = "last_nights"
DECIDED = "decisions_of_last_nights"


@dg.multi_asset(
    name="drift",
    group_name="monitoring",
    outs={DRIFT.name: lake_out(DRIFT, {"evidently"})},
    deps=[t.name for t in (*SOURCE_TABLES, *FEATURE_TABLES, *EXAMPLE_TABLES, ASKS, SCORES, DECISIONS)],
    check_specs=[
        dg.AssetCheckSpec(
            ALL_COLUMNS, asset=DRIFT.name, description="The features and scores as a whole are near those of training."
        ),
        dg.AssetCheckSpec(
            LAST_NIGHTS, asset=DRIFT.name, description="The features and scores are near those of the nights before."
        ),
        dg.AssetCheckSpec(
            DECIDED, asset=DRIFT.name, description="What is decided, and why, is near what the nights before decided."
        ),
        *(
            dg.AssetCheckSpec(name, asset=DRIFT.name, description=f"{name} is near what the model was trained on.")
            for name in (*WATCHED, SCORE)
        ),
    ],
)
def drift(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.Output[ir.Table] | dg.AssetCheckResult]:
    """Each feature and the scores of tonight against training and the nights before: distance, missing values, new categories."""
    night = platform.night(context.partition_key)
    since_training, last_nights, decided = watch_night(platform, night)
    parts = [w.table for w in (since_training, last_nights, decided) if len(w.table)]
    table = pd.concat(parts, ignore_index=True) if parts else since_training.table
    history = with_tonight(drift_history(platform, night, platform.policy.monitoring.nights), night, table)
    write_quarantine_page(platform, night.key)
    prune_reports(platform.settings.reports, platform.policy.monitoring.keep_reports)
    metadata = {
        **_shown(since_training, history),
        "against the last nights": last_nights.reason,
        "decisions": decided.reason,
    }
    metadata["notes"] = {DRIFT_VERDICT: since_training.verdict}
    yield dg.Output(ibis.memtable(table, schema=DRIFT.schema), output_name=DRIFT.name, metadata=metadata)
    yield _check(ALL_COLUMNS, since_training.verdict, since_training.reason)
    yield _check(LAST_NIGHTS, last_nights.verdict, last_nights.reason)
    yield _check(DECIDED, decided.verdict, decided.reason)
    # A model of members and offers has its scores compared with the nights before alone.
    judged = {row.column_name: row for told in (last_nights, since_training) for row in told.table.itertuples()}
    for name in (*WATCHED, SCORE):
        row = judged.get(name)
        yield (
            _check(name, str(row.verdict), str(row.reason)) if row else _check(name, "warn", "nothing to compare with")
        )


def _shown(watched: Watched, history: pd.DataFrame) -> dict[str, Any]:
    """What the UI shows of the comparison with training, and how it has gone."""
    metadata: dict[str, Any] = {
        "report": dg.MetadataValue.url(watched.url),
        "in words": dg.MetadataValue.text(watched.reason),
    }
    if len(watched.table):
        nulls = watched.table.set_index("column_name").null_share_current.astype(float).fillna(1.0)
        metadata["missing values"] = picture(plots.bars(nulls, "Missing values tonight", "share"), "missing values")
        worst = watched.table.sort_values("verdict").head(15)
        metadata["columns"] = small_table(worst[["column_name", "verdict", "value", "threshold", "reason"]])
    if len(history):
        trend = plots.lines(history, "Columns that drifted since training, by night", "share of columns")
        metadata["trend"] = picture(trend, "trend")
    return metadata


def _check(name: str, verdict: str, reason: str) -> dg.AssetCheckResult:
    """A verdict as Dagster shows it. None blocks: what a night may be published on is the publish gate's to say."""
    severity = dg.AssetCheckSeverity.ERROR if verdict == "fail" else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        check_name=name, asset_key=DRIFT.name, passed=verdict == "pass", severity=severity, description=reason
    )


@dg.asset(**table_arguments(AFTERWARDS, {"duckdb"}), group_name="monitoring", deps=[t.name for t in SOURCE_TABLES])
def afterwards(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    offers_to_send: ir.Table,
    suppressions: ir.Table,
) -> ir.Table:
    """What members did after the night, where the source knows it already. Nothing that decides reads this."""
    everything = Club.of(check_tables(platform.tables(), platform.now()).clean)
    answers = handed_to(platform.engine, everything.responses)
    return look_back(offers_to_send, suppressions, answers, platform.night(context.partition_key), ANSWERS)
