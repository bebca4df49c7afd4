"""The backtest: past campaigns replayed through the night's own functions, as known at the date. Replaying is in
ml/backtest.py, the tables in ml/backtest_frames.py.
"""

from collections.abc import Iterator

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.shown import lake_out, small_table
from ml.backtest_saved import of_rivals
from ml.backtest_tables import BACKTEST_METRICS, BACKTEST_SCORES, BACKTEST_TABLES
from resources.backtest_page import write_report
from resources.backtester import Asked, BacktestPlan, run_backtest
from resources.platform import Platform

SHOWN = ("auc", "pr_auc", "ece", "stopped_keeping_90", "ndcg_5")


class BacktestConfig(dg.Config):
    """Which campaigns to replay: by first day (YYYY-MM-DD, empty = the source's own choice) or by name (empty = all).
    keep is the share of responders that thresholds promise to keep; 0 = the policy's."""

    first: str = ""
    last: str = ""
    campaigns: list[str] = []  # noqa: RUF012 - Dagster reads the default
    keep: float = 0.0
    quick: bool = False
    study: bool = False


@dg.multi_asset(name="replay", group_name="backtest", outs={t.name: lake_out(t, {"xgboost"}) for t in BACKTEST_TABLES})
def replay(
    context: dg.AssetExecutionContext, config: BacktestConfig, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.Output[ir.Table]]:
    """What each past campaign's first night would have said, and how good it was beside every baseline."""
    asked = Asked(config.first, config.last, tuple(config.campaigns), config.keep or None, config.quick, config.study)
    plan = BacktestPlan.of(platform, context.partition_key, asked)
    done = run_backtest(platform, plan, context.log.info)
    page = write_report(done, platform.settings.reports / context.partition_key, platform.source.note)
    yield dg.Output(ibis.memtable(done.scores, schema=BACKTEST_SCORES.schema), output_name=BACKTEST_SCORES.name)
    shown: dict[str, dg.MetadataValue] = {"report": dg.MetadataValue.path(str(page))}
    closed = of_rivals(done.metrics[done.metrics.subset.eq("closed") & done.metrics.metric.isin(SHOWN)])
    shown |= {
        f"{level}s": small_table(part.pivot_table(index="scorer", columns="metric", values="value").reset_index())
        for level, part in closed.groupby("level")
    }
    metrics = ibis.memtable(done.metrics, schema=BACKTEST_METRICS.schema)
    yield dg.Output(metrics, output_name=BACKTEST_METRICS.name, metadata=shown)
