"""`hemsil backtest`: the backtest run as its Dagster job, and its main figures printed."""

import os
import uuid

from rich.console import Console
from rich.table import Table as Grid

from hemsil.nightly import NightFailed, cause_of, progress_of
from ml.backtest_tables import BACKTEST_METRICS
from resources.home import prepare_home
from resources.platform import Platform
from resources.settings import Settings

SHOWN = {
    "mailing": ("auc", "pr_auc", "log_loss", "ece", "stopped_keeping_95", "stopped_keeping_90", "stopped_keeping_80"),
    "offer": ("ndcg_5", "auc", "stopped_keeping_95", "stopped_keeping_90"),
}


def run_backtest(
    settings: Settings, first: str | None, last: str | None, campaigns: list[str] | None, quick: bool, console: Console
) -> None:
    """Replay the past and print how good it was. Raises SettingsError, TooFewExamples, NightFailed."""
    import dagster as dg

    prepare_home(settings)
    platform = Platform(settings)
    os.environ["DAGSTER_HOME"] = str(settings.dagster_home)
    platform.url  # noqa: B018 - the database is made ready before Dagster looks for it
    from orchestration.definitions import build_definitions
    from resources.backtester import BacktestPlan

    today = platform.now().date()
    known_by = (platform.source.last_date or platform.source.default_business_date(today)).isoformat()
    BacktestPlan.of(platform, known_by, first or "", last or "")  # a wrong date is said before anything runs
    config = {"first": first or "", "last": last or "", "campaigns": campaigns or [], "quick": quick}
    run_id = str(uuid.uuid4())
    with dg.DagsterInstance.get() as instance, progress_of(instance, run_id, console):
        result = (
            build_definitions(platform)
            .resolve_job_def("backtest")
            .execute_in_process(
                instance=instance,
                partition_key=known_by,
                run_id=run_id,
                raise_on_error=False,
                run_config={
                    "ops": {"backtest": {"config": config}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
        )
    if not result.success:
        raise NightFailed(f"the backtest failed: {cause_of(result)} (run {run_id})")
    _print(platform, known_by, console)


def _print(platform: Platform, known_by: str, console: Console) -> None:
    metrics = platform.lake.read(BACKTEST_METRICS, known_by).to_pandas()
    subset = "closed" if metrics.subset.eq("closed").any() else "all"
    for level, names in SHOWN.items():
        held = metrics[metrics.level.eq(level) & metrics.subset.eq(subset)]
        grid = Grid(
            box=None, pad_edge=False, header_style="dim", title=f"{level}s, campaigns: {subset}", title_justify="left"
        )
        for name in ("scorer", *names):
            grid.add_column(name, justify="left" if name == "scorer" else "right")
        for scorer, rows in held.groupby("scorer", sort=False):
            value = rows.set_index("metric").value
            grid.add_row(str(scorer), *(f"{value[n]:.3f}" if n in value else "" for n in names))
        console.print(grid)
    console.print(f"Every figure, with intervals: lake tables backtest_metrics and backtest_scores of {known_by}.")
    if platform.source.note:
        console.print(f"[dim]{platform.source.note}[/]")
