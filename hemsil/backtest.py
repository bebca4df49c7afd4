"""`hemsil backtest`: the backtest run as its Dagster job, and its main figures printed."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from hemsil.backtest_truth import print_truth
from hemsil.job import run_job
from ml.backtest_saved import of_rivals, saved_figures
from ml.backtest_tables import BACKTEST_METRICS, BACKTEST_SCORES
from ml.backtest_targets import TARGETS_OF, judged
from resources.backtest_page import PAGE
from resources.code_version import code_version
from resources.home import prepare_home
from resources.platform import Platform
from resources.settings import Settings
from resources.sources.simulated import SimulatedSource
from simulator.club import InventedClub

if TYPE_CHECKING:
    from resources.backtester import Asked

SHOWN = {
    "mailing": ("auc", "pr_auc", "log_loss", "ece", "stopped_keeping_95", "stopped_keeping_90", "stopped_keeping_80"),
    "offer": ("ndcg_5", "auc", "stopped_keeping_95", "stopped_keeping_90"),
}


def run_backtest(settings: Settings, asked: "Asked", save: Path | None, console: Console) -> None:
    """Replay the past, print how good it was, and with `save` write the figures as CSV. Raises SettingsError,
    TooFewExamples, RunFailed."""
    from resources.backtester import BacktestPlan

    prepare_home(settings)
    platform = Platform(settings)
    known_by = (platform.source.last_date or platform.source.default_business_date(platform.now().date())).isoformat()
    BacktestPlan.of(platform, known_by, asked)  # what was typed wrong is said before anything runs
    config = asdict(asked) | {"campaigns": list(asked.campaigns), "keep": asked.keep or 0.0}
    run_job(platform, "backtest", known_by, {"replay": config}, console)
    _print(platform, known_by, console)
    if platform.source.name == SimulatedSource.name:
        told = platform.lake.read(BACKTEST_SCORES, known_by).to_pandas()
        club = InventedClub(settings.simulated_members, settings.simulated_seed, settings.simulated_weeks)
        print_truth(told, club, settings.reports / known_by, console)
    if save:
        metrics = platform.lake.read(BACKTEST_METRICS, known_by).to_pandas()
        save.parent.mkdir(parents=True, exist_ok=True)
        made = {"made_on": f"{platform.now():%Y-%m-%d}", "code": code_version(), "made_by": asked.command}
        saved_figures(metrics).assign(**made).to_csv(save, index=False)


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
        for scorer, rows in of_rivals(held).groupby("scorer", sort=False):
            value = rows.set_index("metric").value
            grid.add_row(str(scorer), *(f"{value[n]:.3f}" if pd.notna(value.get(n)) else "" for n in names))
        console.print(grid)
    targets = judged(metrics) if platform.source.name == TARGETS_OF else None
    for row in targets.itertuples() if targets is not None else ():
        console.print(f"  {row.figure:<42} {row.value:7.3f}  must {row.must:.3f}  {row.reached}")
    scores = platform.lake.read(BACKTEST_SCORES, known_by)
    sent = scores.filter(scores.offer_id.isnull())
    told = sent.aggregate(
        campaigns=sent.campaign_id.nunique(), first=sent.as_of.min(), last=sent.as_of.max(), mailings=sent.count()
    )
    of = told.to_pyarrow().to_pylist()[0]
    console.print(
        f"{of['campaigns']} campaigns first sent from {of['first']:%Y-%m-%d} to {of['last']:%Y-%m-%d}, {of['mailings']:,} mailings."
    )
    console.print(f"Report: {platform.settings.reports / known_by / PAGE}", soft_wrap=True)
    console.print(f"Every figure, with intervals: lake tables backtest_metrics and backtest_scores of {known_by}.")
    if platform.source.note:
        console.print(f"[dim]{platform.source.note}[/]")
