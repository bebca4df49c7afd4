"""What a night costs, by stage and size: the invented club of hundred_offers.py from its lake tables to the published batch, each
stage in a process of its own, whose time, processor time and peak memory the operating system tells.

    python -m benchmarks.night --members 10000 100000 [--shards 2] [--limit 900] [--save docs/measured/night.csv]

Stages that were measured before are not measured again (--again does), so an interrupted run is taken up where it stopped. With
--shards only so many shards of the three sharded stages are worked through, and the row says so: the stages after them then see that part of
the members, and a figure for the whole is an extrapolation. Dagster has no part in it.
"""

import argparse
import json
import os
import platform as machine
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.figures import save
from benchmarks.hundred_offers import CAMPAIGNS, NIGHT, OFFERS_EACH, write_club
from ml.club import Club, empty, visible
from ml.consent import may_be_profiled
from ml.examples import night_asks, training_asks, training_rows
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import ASKS, DECISIONS, OFFERS_TO_SEND, QUARANTINE, REASKS, SCORES, SUPPRESSIONS
from ml.model import RelevanceModel
from ml.night import Night
from ml.quality import check_tables
from ml.reask import reask_list
from ml.shards import Shard, shard_count, shards_in
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table
from ml.training import TrainingConfig, fit_model
from resources.decider import offers_of, suppressions_of
from resources.embedded_postgres import EmbeddedPostgres
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
    prepare_features(platform, night)
    for shard in shards:
        write_features(platform, night, shard, {})
    parts = parts_of_features(platform.shards(night))
    return sum(_finish(platform, table, shards, parts[table.name]) for table in FEATURE_TABLES)


def make_scores(platform: Platform, night: Night, shards: list[Shard]) -> int:
    chosen = chosen_for(platform.settings.home.parent)
    platform.lake.begin_parts(SCORES.name, KEY)
    for shard in shards:
        platform.lake.write_part(SCORES, KEY, shard, score_night(platform, night, chosen, shard))
    notes = {"model_version": chosen.version, "threshold": chosen.threshold_note, "fallback_step": chosen.step}
    return _finish(platform, SCORES, shards, platform.shards(night), notes)


def make_decisions(platform: Platform, night: Night, shards: list[Shard]) -> int:
    prepare_decisions(platform, night)
    for shard in shards:
        write_ledger(platform, night, shard, chosen_for(platform.settings.home.parent))
    return _finish(platform, DECISIONS, shards, platform.shards(night))


def make_lists(platform: Platform, night: Night, shards: list[Shard]) -> int:
    rows = platform.lake.write(REASKS, KEY, reask_list(platform.club(night), night, platform.policy)).rows
    for table, rows_of in ((OFFERS_TO_SEND, offers_of), (SUPPRESSIONS, suppressions_of)):
        platform.lake.begin_parts(table.name, KEY)
        for shard in shards:
            listed = rows_of(platform, night, shard).order_by([*table.key])
            platform.lake.write_part(table, KEY, shard, listed)
        rows += _finish(platform, table, shards, platform.shards(night))
    return rows


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
COUNTED = (
    "features",
    "scores",
    "decisions",
    "lists",
    "publish",
)  # what a night's time is, once its tables are in the lake


def chosen_for(folder: Path) -> Chosen:
    """The model that all sizes are scored with."""
    files = {path.name: path.read_bytes() for path in (folder.parent / "model").iterdir()}
    return Chosen(RelevanceModel.from_files(files), "1", "A", "measured")


def platform_of(folder: Path) -> Platform:
    """The platform of one size."""
    prepare_environment()
    return Platform(Settings(home=folder / "home", source=str(folder / "club"), database_url=None))


def run_stage(name: str, folder: Path, most: int) -> int:
    """One stage in this process; gives its rows."""
    platform = platform_of(folder)
    night = platform.night(KEY)
    shards = [] if name == "sources" else shards_in(platform.shards(night))[: most or None]
    if name == "train":
        return train(platform, night, shards)
    return STAGES[name](platform, night, shards)


def measured(name: str, folder: Path, most: int, limit: float) -> dict[str, Any]:
    """One stage in a process of its own: seconds, processor seconds, peak memory in GB, rows; state "done" or what went wrong."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.night",
        "--stage",
        name,
        "--folder",
        str(folder),
        "--shards",
        str(most),
    ]
    with (folder / f"{name}.log").open("w+") as said:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        state = "done"
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - start > limit:
                state = f"stopped after {limit:.0f} s"
                os.killpg(child.pid, signal.SIGKILL)
                pid, status, used = os.wait4(child.pid, 0)
                break
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        said.seek(0)
        last = next((line for line in said.read().splitlines() if line.startswith("rows ")), "rows 0")
    if status and state == "done":
        state = f"failed: see {folder / name}.log"
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_gb": round(used.ru_maxrss / 1e6, 2),
        "rows": int(last.split()[1]),
        "state": state,
    }


def measure(members: int, work: Path, most: int, limit: float, again: bool) -> list[dict[str, Any]]:
    """All stages of one size; a stage that did not end ends the size."""
    folder = work / str(members)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the embedded PostgreSQL's user must come through
    if not (folder / "club").exists():
        write_club(members, folder / "club")
    found = []
    for name in STAGES:
        told = folder / f"{name}.json"
        if again or not told.exists():
            result = measured(name, folder, most, limit)
            told.write_text(json.dumps(result | {"most": most}))
        result = json.loads(told.read_text())
        shards = shard_count(members, Settings(home=folder / "home").members_a_shard)
        done = min(result.pop("most") or shards, shards)
        pairs = members * CAMPAIGNS * OFFERS_EACH
        found.append(
            {"members": members, "pairs": pairs, "shards": shards, "shards_done": done, "stage": name, **result}
        )
        print(", ".join(f"{key} {value}" for key, value in found[-1].items()), flush=True)
        if result["state"] != "done":
            break
    EmbeddedPostgres(folder / "home" / "postgres").down()
    return found


def _train_once(work: Path, limit: float) -> None:
    if (work / "model").exists():
        return
    folder = work / str(LEARNERS)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "club").exists():
        write_club(LEARNERS, folder / "club")
    for name in ("sources", "train"):
        result = measured(name, folder, 0, limit)
        if result["state"] != "done":
            raise SystemExit(f"the model could not be trained: {result['state']}")


def main() -> None:
    """Print each stage as it is done, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--shards", type=int, default=0, help="work through so many shards only; 0 = all")
    parser.add_argument("--limit", type=float, default=3600, help="most seconds a stage may take")
    parser.add_argument(
        "--work", type=Path, default=Path("/tmp/hemsil-bench"), help="folder for clubs, lakes and results"
    )
    parser.add_argument("--again", action="store_true", help="measure again what was measured before")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        print(f"rows {run_stage(given.stage, given.folder, given.shards)}")
        return
    given.work.mkdir(parents=True, exist_ok=True)
    given.work.chmod(0o755)
    _train_once(given.work, given.limit)
    found = []
    for members in given.members:
        found += measure(members, given.work, given.shards, given.limit, given.again)
    if given.save:
        save_with_machine(found, given.save)


def save_with_machine(found: list[dict[str, Any]], path: Path) -> None:
    """Write the rows with the machine and the versions they were measured on."""
    where = {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB, {machine.machine()}",
        "versions": f"Python {machine.python_version()}, DuckDB {version('duckdb')}, XGBoost {version('xgboost')}, pyarrow {version('pyarrow')}",
        "load": f"{os.getloadavg()[0]:.1f}",
    }
    save([row | where for row in found], path)


if __name__ == "__main__":
    main()
