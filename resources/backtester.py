"""The backtest as a run: which campaigns, the club of the source, the replays, and their tables. Replaying is in ml/backtest.py."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date

import pandas as pd

from ml.backtest import campaigns_to_replay, replay
from ml.backtest_frames import Campaign, metrics_frame, promise_row, scores_frame, stage_rows
from ml.club import Club, visible
from ml.errors import SettingsError
from ml.night import Night, start_of_day
from ml.quality import check_tables, watermarks
from ml.training import TrainingConfig
from resources.platform import Platform
from resources.stopwatch import Stopwatch
from resources.trainer import training_config

LEAST_KEPT = 0.01
NIGHTS = 12  # replayed of a source that does not say where to begin; each trains a model of its own


@dataclass(frozen=True)
class Asked:
    """What was asked for, as it was typed; empty is the source's own choice.

    first, last  first days of campaigns, YYYY-MM-DD
    keep         share of responders that the thresholds promise to keep (0..1); None is the policy's
    quick        fewer bags, blocks and draws, and only campaigns whose answers are all in
    study        what families of features, two stages and more of the past earn, too
    """

    first: str = ""
    last: str = ""
    campaigns: tuple[str, ...] = ()
    keep: float | None = None
    quick: bool = False
    study: bool = False

    @property
    def command(self) -> str:
        """The command that asks so."""
        words = {"--from": self.first, "--to": self.last, "--campaigns": ",".join(self.campaigns), "--keep": self.keep}
        told = [f"{name} {value}" for name, value in words.items() if value]
        flags = [name for name, on in (("--quick", self.quick), ("--study", self.study)) if on]
        return " ".join(["hemsil backtest", *told, *flags])


@dataclass(frozen=True)
class BacktestPlan:
    """What to replay, as known at a business date: campaigns begun from `first` to `last`, or of these the named ones.
    Where neither `first` nor campaigns are named, the newest `NIGHTS` first days of campaigns."""

    known_by: date
    first: date | None
    last: date
    campaigns: tuple[str, ...] = ()
    keep: float | None = None
    quick: bool = False
    study: bool = False

    @classmethod
    def of(cls, platform: Platform, known_by: str, asked: Asked) -> "BacktestPlan":
        """Raises SettingsError for what is no date, or no share."""
        known = _date(known_by, "the business date")
        begin = _date(asked.first, "--from") if asked.first else platform.source.backtest_from
        end = _date(asked.last, "--to") if asked.last else known
        if begin and begin > end:
            raise SettingsError(f"--from {begin} is after --to {end}")
        if asked.keep is not None and not LEAST_KEPT <= asked.keep <= 1:
            raise SettingsError(f"--keep {asked.keep:g}: must be a share from {LEAST_KEPT:g} to 1; 0.9 is nine of ten")
        return cls(known, begin, end, asked.campaigns, asked.keep, asked.quick, asked.study)


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
        told_of = _campaigns(club, timezone)
        days = days_to_replay(club, plan, {name: told.closed for name, told in told_of.items()}, progress)
    config = training_config(platform)
    if plan.quick:
        config = quick(config)
    if plan.keep is not None:
        config = replace(config, keep_responders=plan.keep)
    studied = [name for name, told in told_of.items() if told.closed] if plan.study else []
    nights = replay(
        club, timezone, days, config, platform.policy, progress=progress, stage=watch.stage, studied=studied
    )
    replays = list(nights)
    progress("figures and intervals")
    replayed = {name for night in replays for name in night.mailings.campaign_id.unique()}
    campaigns = {name: told for name, told in told_of.items() if name in replayed}
    with watch.stage("figures"):
        metrics = metrics_frame(replays, campaigns, draws=50 if plan.quick else 200)
    parts = [metrics, promise_row(config.keep_responders), stage_rows(asdict(watch))]
    return Backtest(scores_frame(replays), pd.concat(parts, ignore_index=True), campaigns, platform.source.name)


def days_to_replay(
    club: Club, plan: BacktestPlan, closed: Mapping[str, bool], progress: Callable[[str], None]
) -> dict[date, list[str]]:
    """Campaigns to replay by first day; a quick plan that names none leaves out those that are not `closed`, as their
    answers are not all in yet. Raises SettingsError where a named one is unknown, or none is left."""
    every = campaigns_to_replay(club, date.min, date.max)
    known = {name for names in every.values() for name in names}
    if unknown := [name for name in plan.campaigns if name not in known]:
        raise SettingsError(f"--campaigns: there is no campaign {', '.join(unknown)}")
    days = campaigns_to_replay(club, plan.first or date.min, plan.last, plan.campaigns)
    if not days:
        begun = f"from {plan.first} " if plan.first else ""
        named = f" named {', '.join(plan.campaigns)}" if plan.campaigns else ""
        known_days = f"; the first days there are reach from {min(every)} to {max(every)}" if every else ""
        raise SettingsError(f"no campaign{named} begins {begun}to {plan.last}{known_days}")
    if plan.quick and not plan.campaigns:
        over = {day: [c for c in named if closed[c]] for day, named in days.items()}
        days = {day: named for day, named in over.items() if named} or days
    if plan.first or plan.campaigns or len(days) <= NIGHTS:
        return days
    newest = sorted(days)[-NIGHTS:]
    progress(f"the newest {NIGHTS} of {len(days)} first days of campaigns; --from {min(days)} replays them all")
    return {day: days[day] for day in newest}


def quick(config: TrainingConfig) -> TrainingConfig:
    """Two of five bags and half the validation blocks, beside the same baselines: less steady, for a first look and for CI."""
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
