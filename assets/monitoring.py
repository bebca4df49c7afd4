"""Drift of tonight's features and scores against what the model was trained on, and what became of a night that is history.
Distances and verdicts are in ml/drift.py, the report in resources/drift_report.py.
"""

from collections.abc import Iterator

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.shown import lake_out, picture, small_table, table_arguments
from ml import plots
from ml.afterwards import afterwards as look_back
from ml.club import Club
from ml.drift_tables import DRIFT
from ml.example_tables import EXAMPLE_TABLES
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import ANSWERS
from ml.lake_tables import AFTERWARDS, ASKS, SCORES
from ml.quality import check_tables
from ml.source_tables import SOURCE_TABLES
from resources.drift_watch import SCORE, WATCHED, watch_night
from resources.platform import Platform

ALL_COLUMNS = "all_columns"


@dg.multi_asset(
    name="drift",
    group_name="monitoring",
    outs={DRIFT.name: lake_out(DRIFT, {"evidently"})},
    deps=[t.name for t in (*SOURCE_TABLES, *FEATURE_TABLES, *EXAMPLE_TABLES, ASKS, SCORES)],
    check_specs=[
        dg.AssetCheckSpec(
            ALL_COLUMNS, asset=DRIFT.name, description="The features and scores as a whole are near those of training."
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
    """Each feature and the scores of tonight against those of training: distance, missing values, new categories."""
    watched = watch_night(platform, platform.night(context.partition_key))
    metadata: dict[str, dg.MetadataValue] = {
        "report": dg.MetadataValue.url(watched.url),
        "in words": dg.MetadataValue.text(watched.reason),
    }
    if len(watched.table):
        nulls = watched.table.set_index("column_name").null_share_current.astype(float).fillna(1.0)
        metadata["missing values"] = picture(plots.bars(nulls, "Missing values tonight", "share"), "missing values")
        worst = watched.table.sort_values("verdict").head(15)[
            ["column_name", "verdict", "value", "threshold", "reason"]
        ]
        metadata["columns"] = small_table(worst)
    yield dg.Output(ibis.memtable(watched.table, schema=DRIFT.schema), output_name=DRIFT.name, metadata=metadata)
    yield _check(ALL_COLUMNS, watched.verdict, watched.reason)
    judged = {row.column_name: row for row in watched.table.itertuples()}
    for name in (*WATCHED, SCORE):
        row = judged.get(name)
        yield (
            _check(name, str(row.verdict), str(row.reason)) if row else _check(name, "warn", "nothing to compare with")
        )


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
    everything = Club.of(check_tables(platform.source.tables(), platform.now()).clean)
    return look_back(offers_to_send, suppressions, everything.responses, platform.night(context.partition_key), ANSWERS)
