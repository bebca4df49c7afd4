"""The backtest as a run: which campaigns, the club of the source, the replays, and their tables. Replaying is in ml/backtest.py."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from ml.backtest import campaigns_to_replay, replay
from ml.backtest_frames import Campaign, metrics_frame, scores_frame, stage_rows
from ml.club import Club, visible
from ml.errors import SettingsError, TooFewExamples
from ml.night import Night, start_of_day
from ml.quality import check_tables, watermarks
from ml.training import TrainingConfig
from resources.platform import Platform
from resources.stopwatch import Stopwatch
from resources.trainer import training_config


@dataclass(frozen=True)
class BacktestPlan:
    """What to replay, as known at a business date: campaigns begun from `first` to `last`, or of these the named ones."""

    known_by: date
    first: date
    last: date
    campaigns: tuple[str, ...] = ()
    quick: bool = False

    @classmethod
    def of(
        cls,
        platform: Platform,
        known_by: str,
        first: str = "",
        last: str = "",
        campaigns: Sequence[str] = (),
        quick: bool = False,
    ) -> "BacktestPlan":
        """A plan from text, where empty is the source's own choice. Raises SettingsError for what is not a date."""
        known = _date(known_by, "the business date")
        begin = _date(first, "--from") if first else platform.source.backtest_from or date(1970, 1, 1)
        return cls(known, begin, _date(last, "--to") if last else known, tuple(campaigns), quick)


@dataclass(frozen=True)
class Backtest:
    """The rows of BACKTEST_SCORES and BACKTEST_METRICS, and which campaigns of which source they are of."""

    scores: pd.DataFrame
    metrics: pd.DataFrame
    campaigns: dict[str, Campaign]
    source: str


def run_backtest(platform: Platform, plan: BacktestPlan, progress: Callable[[str], None]) -> Backtest:
    """Replay the plan. Raises SettingsError when no campaign is in it, TooFewExamples when the past is too short."""
    timezone, watch = platform.source.timezone, Stopwatch()
    with watch.stage("sources"):
        checked = check_tables(platform.tables(), platform.now(), platform.source.origins())
        club = visible(Club.of(checked.clean), Night(plan.known_by, timezone))
        days = campaigns_to_replay(club, plan.first, plan.last, plan.campaigns)
    known = {name for names in campaigns_to_replay(club, date.min, date.max).values() for name in names}
    if unknown := [name for name in plan.campaigns if name not in known]:
        raise SettingsError(f"--campaigns: there is no campaign {', '.join(unknown)}")
    if not days:
        raise SettingsError(
            f"no campaign begins from {plan.first} to {plan.last}" + (" with that name" if plan.campaigns else "")
        )
    config = training_config(platform)
    if plan.quick:
        config = quick(config)
    replays = list(replay(club, timezone, days, config, platform.policy, progress=progress, stage=watch.stage))
    if not replays:
        raise TooFewExamples("before every one of these campaigns there was too little to train on")
    progress("figures and intervals")
    replayed = {name for night in replays for name in night.mailings.campaign_id.unique()}
    campaigns = {name: told for name, told in _campaigns(club, timezone).items() if name in replayed}
    with watch.stage("figures"):
        metrics = metrics_frame(replays, campaigns, draws=50 if plan.quick else 200)
    stages = stage_rows(watch.seconds, watch.peak_mb)
    return Backtest(
        scores_frame(replays), pd.concat([metrics, stages], ignore_index=True), campaigns, platform.source.name
    )


def quick(config: TrainingConfig) -> TrainingConfig:
    """A third of the bags and half the validation blocks, beside the same baselines: less steady, for a first look and for CI."""
    return replace(config, bags=max(2, config.bags // 3), blocks=max(2, config.blocks // 2))


def _campaigns(club: Club, timezone: str) -> dict[str, Campaign]:
    """Campaigns by name; closed are those whose last day is over within the recorded transactions."""
    newest = watermarks({"transactions": club.transactions})["transactions"]
    offers = dict(
        club.offers.group_by("campaign_id").aggregate(n=club.offers.count()).to_pandas().itertuples(index=False)
    )
    plan = club.campaigns.select("campaign_id", "kind", "ends_on").to_pyarrow().to_pylist()
    return {
        c["campaign_id"]: Campaign(
            kind=c["kind"] or "",
            offers=int(offers.get(c["campaign_id"], 0)),
            closed=bool(newest) and start_of_day(c["ends_on"], timezone).isoformat() < str(newest),
        )
        for c in plan
    }


def _date(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{name} {text}: not a date like 2017-08-08") from None
