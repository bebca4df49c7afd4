"""The stages of a night as the benchmarks run them: from a club's tables in the lake to the published batch, Dagster left out. How they are
measured is in night.py.
"""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.at_once import apart, work_through
from benchmarks.hundred_offers import NIGHT
from ml.club import Club, empty, visible
from ml.consent import may_be_profiled
from ml.examples import night_asks, training_asks, training_rows
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import ASKS, DECISIONS, OFFERS_TO_SEND, QUARANTINE, REASKS, SCORES, SUPPRESSIONS
from ml.model import RelevanceModel
from ml.night import Night
from ml.quality import check_tables
from ml.reask import reask_list
from ml.shards import Shard, shards_in
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table
from ml.training_config import TrainingConfig
from resources.decider import offers_of, suppressions_of
from resources.handover import publish_night
from resources.night_shards import (
    parts_of_features,
    prepare_decisions,
    prepare_features,
    shards_for,
    write_features,
    write_ledger,
)
from resources.platform import SHARDS, Platform
from resources.scorer import Chosen, score_night
from resources.settings import Settings, prepare_environment

BEGUN = time.perf_counter()
LEARNERS = 2_000  # members of the club that the model is trained on, once for all sizes
KEY = NIGHT.isoformat()
Stage = Callable[[Platform, Night, list[Shard]], int]


def read_sources(platform: Platform, night: Night, shards: list[Shard]) -> int:
    """Check the club's files and write them to the lake."""
    checked = check_tables(platform.source.tables(), platform.now(), platform.source.origins())
    known = visible(Club.of(checked.clean), night)
    count = shards_for(platform, known)
    rows = 0
    for table in SOURCE_TABLES:
        notes = {SHARDS: str(count), "recorded": "yes" if table.name in known.recorded else "no"}
        rows += platform.lake.write(table, KEY, getattr(known, table.name), notes=notes, shards=count).rows
    platform.lake.write(QUARANTINE, KEY, checked.quarantined)
    asks = night_asks(platform.club(night), night).select(*ASKS.names)
    platform.lake.write(ASKS, KEY, asks, shards=count)
    return rows


def make_features(platform: Platform, night: Night, shards: list[Shard]) -> int:
    _plan_of(platform, "features")
    each_shard(platform, "features", shards)
    parts = parts_of_features(platform.shards(night))
    return sum(_finish(platform, table, shards, parts[table.name]) for table in FEATURE_TABLES)


def make_scores(platform: Platform, night: Night, shards: list[Shard]) -> int:
    platform.lake.begin_parts(SCORES.name, KEY)
    each_shard(platform, "scores", shards)
    chosen = chosen_for(platform.settings.home.parent)
    notes = {"model_version": chosen.version, "threshold": chosen.threshold_note, "fallback_step": chosen.step}
    return _finish(platform, SCORES, shards, platform.shards(night), notes)


def make_decisions(platform: Platform, night: Night, shards: list[Shard]) -> int:
    _plan_of(platform, "decisions")
    each_shard(platform, "decisions", shards)
    return _finish(platform, DECISIONS, shards, platform.shards(night))


def make_lists(platform: Platform, night: Night, shards: list[Shard]) -> int:
    rows = platform.lake.write(REASKS, KEY, reask_list(platform.club(night), night, platform.policy)).rows
    for table in LISTS:
        platform.lake.begin_parts(table.name, KEY)
    each_shard(platform, "lists", shards)
    return rows + sum(_finish(platform, table, shards, platform.shards(night)) for table in LISTS)


def each_shard(platform: Platform, stage: str, shards: list[Shard]) -> None:
    """Work through a stage's shards, as many at once as the platform may (`HEMSIL_SHARDS_AT_ONCE`)."""
    # What was done for the club as a whole, the start of the process with it: it does not grow with the shards worked through.
    print(f"before_seconds {time.perf_counter() - BEGUN:.2f}\nbefore_cpu {_processor():.2f}", flush=True)
    at_once = min(platform.settings.shards_at_once, len(shards))
    print(f"workers {work_through(shards, at_once, _work_of, stage, platform.settings.home.parent)}")


def _processor() -> float:
    """Processor seconds of this process and of those it began that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _work_of(stage: str, folder: Path) -> Callable[[Shard], None]:
    platform = platform_of(folder)
    night, work = platform.night(KEY), OF_A_SHARD[stage]
    return lambda shard: work(platform, night, shard)


def _plan_of(platform: Platform, stage: str) -> None:
    """What is reckoned of the whole club beforehand, in a process that ends with it; of a club of one shard that is nothing."""
    folder = platform.settings.home.parent
    if platform.shards(platform.night(KEY)) > 1:
        print(f"plan {apart(_plan, stage, folder)}")
    else:
        _plan(stage, folder)


def _plan(stage: str, folder: Path) -> None:
    platform = platform_of(folder)
    {"features": prepare_features, "decisions": prepare_decisions}[stage](platform, platform.night(KEY))


def _features_of(platform: Platform, night: Night, shard: Shard) -> None:
    write_features(platform, night, shard, {})


def _scores_of(platform: Platform, night: Night, shard: Shard) -> None:
    chosen = chosen_for(platform.settings.home.parent)
    platform.lake.write_part(SCORES, KEY, shard, score_night(platform, night, chosen, shard))


def _decisions_of(platform: Platform, night: Night, shard: Shard) -> None:
    write_ledger(platform, night, shard, chosen_for(platform.settings.home.parent))


def _lists_of(platform: Platform, night: Night, shard: Shard) -> None:
    for table, rows_of in LISTS.items():
        platform.lake.write_part(table, KEY, shard, rows_of(platform, night, shard).order_by([*table.key]))


LISTS = {OFFERS_TO_SEND: offers_of, SUPPRESSIONS: suppressions_of}
OF_A_SHARD: dict[str, Callable[[Platform, Night, Shard], None]] = {
    "features": _features_of,
    "scores": _scores_of,
    "decisions": _decisions_of,
    "lists": _lists_of,
}


def _finish(
    platform: Platform, table: Table, done: list[Shard], parts: int, notes: Mapping[str, str] | None = None
) -> int:
    """Put the table together; the shards that were not worked through are empty."""
    for shard in shards_in(parts)[len(done) :]:
        platform.lake.write_part(table, KEY, shard, empty(table.schema))
    return platform.lake.finish_parts(table, KEY, parts, notes=notes).rows


def publish(platform: Platform, night: Night, shards: list[Shard]) -> int:
    done = publish_night(platform, night, f"bench-{time.time_ns()}", supersede=True)
    return done.offer_rows + done.suppression_rows


def train(platform: Platform, night: Night, shards: list[Shard]) -> int:
    """Train the model that all sizes are scored with."""
    club = platform.club(night)
    asks = training_asks(club, night).semi_join(may_be_profiled(club, platform.policy), "member_id")
    rows = training_rows(club, night, asks=asks)
    from ml.training import fit_model  # what a stage does not need, its process does not load

    fitted = fit_model(rows.mailings, rows.offers, night.as_of, TrainingConfig(), rows.kind)
    folder = platform.settings.home.parent.parent / "model"
    beside = folder.with_name(".model")
    beside.mkdir(exist_ok=True)
    for name, content in fitted.model.to_files().items():
        (beside / name).write_bytes(content)
    beside.rename(folder)
    return rows.offers.num_rows


STAGES: dict[str, Stage] = {
    "sources": read_sources,
    "features": make_features,
    "scores": make_scores,
    "decisions": make_decisions,
    "lists": make_lists,
    "publish": publish,
}


def chosen_for(folder: Path) -> Chosen:
    """The model that all sizes are scored with."""
    files = {path.name: path.read_bytes() for path in (folder.parent / "model").iterdir()}
    return Chosen(RelevanceModel.from_files(files), "1", "A", "measured")


def platform_of(folder: Path) -> Platform:
    """The platform of one size."""
    prepare_environment()
    return Platform(Settings(home=folder / "home", source=str(folder / "club"), database_url=None))


def run_stage(name: str, folder: Path, most: int) -> int:
    """One stage in this process, or its shards in some of its own; gives its rows."""
    platform = platform_of(folder)
    night = platform.night(KEY)
    shards = [] if name == "sources" else shards_in(platform.shards(night))[: most or None]
    if name == "train":
        return train(platform, night, shards)
    return STAGES[name](platform, night, shards)
