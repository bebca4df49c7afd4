"""`hemsil staleness`: how much worse a model is that has not learned for some weeks."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table as Grid

from ml.club import Club, visible
from ml.consent import may_be_profiled
from ml.errors import SettingsError
from ml.examples import training_asks, training_rows
from ml.night import Night, start_of_day
from ml.quality import check_tables
from ml.staleness import AGES, aged_scores, staleness
from resources.platform import Platform
from resources.settings import Settings
from resources.trainer import training_config

BAGS, BLOCKS = 2, 2  # of each of some fifty models; the night's have more


def run_staleness(settings: Settings, first: str | None, save: Path | None, console: Console) -> None:
    """Measure, print, and with `save` write the figures as CSV. Raises SettingsError, TooFewExamples."""

    platform = Platform(settings)
    source = platform.source
    known_by = source.last_date or source.default_business_date(platform.now().date())
    try:
        begin = date.fromisoformat(first) if first else source.backtest_from or date(1970, 1, 1)
    except ValueError:
        raise SettingsError(f"--from must read YYYY-MM-DD, is {first!r}") from None
    night = Night(known_by, source.timezone)
    club = visible(Club.of(check_tables(platform.tables(), platform.now()).clean), night)
    asks = training_asks(club, night).semi_join(may_be_profiled(club, platform.policy), "member_id")
    rows = training_rows(club, night, asks=asks)
    config = replace(training_config(platform), bags=BAGS, blocks=BLOCKS)
    scores = aged_scores(rows, start_of_day(begin, source.timezone), config, AGES, console.print)
    figures = staleness(scores, config.seed)
    if save:
        save.parent.mkdir(parents=True, exist_ok=True)
        figures.round(5).to_csv(save, index=False)
    _print(figures, int(scores[scores.age_days == AGES[0]].shape[0]), console)


def _print(figures: pd.DataFrame, mailings: int, console: Console) -> None:
    wide = figures.pivot(index="age_days", columns="metric", values="value")
    grid = Grid(box=None, pad_edge=False, header_style="dim", title=f"{mailings:,} mailings", title_justify="left")
    names = ("auc", "auc_lost", "pr_auc", "log_loss", "ece", "kept")
    for name in ("days without learning", *names):
        grid.add_column(name, justify="right")
    for age, row in wide.iterrows():
        grid.add_row(str(age), *(f"{row[name]:.4f}" for name in names))
    console.print(grid)
