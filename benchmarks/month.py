"""A month of nights on an invented club, run as the schedule runs them: every tick of its own cron, with the clock stopped at
each, the run it asks for, and the sensor's look after it. Nobody does anything by hand.

    python -m benchmarks.month [--nights 30] [--members 2000] [--home FOLDER] [--save docs/measured/month.csv]

Each morning the club hands over what it knows by then, as files; labels mature as the weeks go by. What must come of it is in
tests/test_month.py. The data folder is a temporary one, and removed, unless --home names one to be looked at afterwards.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster._utils.schedules import schedule_execution_time_iterator  # what the daemon itself asks for the ticks

from benchmarks.figures import save
from ml.performance import ALL, PERFORMANCE
from ml.source_tables import SOURCE_TABLES
from orchestration.definitions import build_definitions
from orchestration.schedule import nightly_schedule
from resources.embedded_postgres import EmbeddedPostgres
from resources.lake import Lake
from resources.platform import Platform
from resources.registry import CHAMPION
from resources.settings import prepare_environment, read_settings
from resources.sources.simulated import write_tables
from resources.watched_nights import DRIFT_VERDICT
from simulator.club import InventedClub
from simulator.plan import LAST_MONDAY

MEMBERS = 2_000  # of 600, 10 had answered by the 17th night: too few for a figure
# The club is small, so little must be enough; few and small models, as each night trains one.
POLICY = """
[training]
least_mailings = 200
least_responses = 20
[model]
bags = 2
most_rounds = 80
"""
WEEKS = 20  # of history before the last night
HANDED_OVER = timedelta(hours=1)  # before the tick
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Played:
    """What one tick came to. Figures of `performance` are those of all versions and ages; None where not known.

    batches   published for the date
    trained   version registered by the night; None where none was
    model     version that scored, "rules" where rules did
    asked     the reason for which the sensor asked for a training after the night; "" where it did not
    champion  who is champion after all of it
    """

    night: date
    succeeded: bool
    seconds: float
    batches: int = 0
    step: str = ""
    model: str = ""
    model_age_days: int | None = None
    trained: str | None = None
    promoted: bool = False
    leads: bool = False
    why: str = ""
    drift: str = ""
    against_last_nights: str = ""
    quarantined: int = 0
    mailings: int | None = None
    answers: int | None = None
    auc: float | None = None
    kept: float | None = None
    asked: str = ""
    champion: str | None = None
    failed: str = ""


@dataclass
class Month:
    """An installation whose club hands over its tables anew each morning. `home` is its data folder."""

    home: Path
    club: InventedClub
    policy: str = POLICY

    @property
    def variables(self) -> dict[str, str]:
        """What Dagster's own storage, too, finds the installation by."""
        return {
            "HEMSIL_HOME": str(self.home / "home"),
            "HEMSIL_SOURCE": str(self.home / "club"),
            "HEMSIL_POLICY": str(self.home / "policy.toml"),
            "DAGSTER_HOME": str(self.home / "home" / "dagster"),
        }

    def ticks(self, nights: int) -> list[datetime]:
        """The schedule's own times, of the last so many nights that the club has."""
        schedule = nightly_schedule(Platform(read_settings()))
        first = LAST_MONDAY - timedelta(days=nights - 1)
        begin = datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()
        times = schedule_execution_time_iterator(begin, schedule.cron_schedule, schedule.execution_timezone)
        return [next(times) for _ in range(nights)]

    def play(self, nights: int) -> Iterator[Played]:
        """Tick after tick; each is told when its night is over."""
        os.environ.update(self.variables)
        prepare_environment()
        everything = self.home / "everything"
        if not everything.exists():
            write_tables(self.club, everything)
        (self.home / "policy.toml").write_text(self.policy)
        (self.home / "club").mkdir(exist_ok=True)
        cursor = None
        for tick in self.ticks(nights):
            hand_over(everything, self.home / "club", tick - HANDED_OVER)
            at = tick.astimezone(UTC).replace(tzinfo=None)
            platform = Platform(read_settings(), now=lambda at=at: at)
            _ = platform.url  # Dagster's storage is in it
            with dg.DagsterInstance.get() as instance:
                played, cursor = night_of(platform, instance, tick, cursor)
            yield played


def night_of(
    platform: Platform, instance: dg.DagsterInstance, tick: datetime, cursor: str | None
) -> tuple[Played, str | None]:
    """Evaluate the tick, run what it asks for, and let the sensor look at what came of it."""
    repository = build_definitions(platform).get_repository_def()
    context = dg.build_schedule_context(instance, repository_def=repository, scheduled_execution_time=tick)
    [request] = repository.get_schedule_def("nightly_at_four").evaluate_tick(context).run_requests or []
    began = time.perf_counter()
    result = _run(repository, instance, "nightly", request)
    told = _told(platform, result, str(request.partition_key))
    look = dg.build_sensor_context(instance, cursor=cursor, repository_def=repository)
    answer = repository.get_sensor_def("retrain_when_due").evaluate_tick(look)
    asked = ""
    for out_of_turn in answer.run_requests or []:
        asked = out_of_turn.tags["hemsil/why"]
        _run(repository, instance, "retrain", out_of_turn)
    seconds = round(time.perf_counter() - began, 1)
    champion = platform.registry.alias(CHAMPION)
    return Played(succeeded=result.success, seconds=seconds, asked=asked, champion=champion, **told), answer.cursor


def _run(
    repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, job: str, request: dg.RunRequest
) -> dg.ExecuteInProcessResult:
    return repository.get_job(job).execute_in_process(
        instance=instance,
        partition_key=request.partition_key,
        tags=request.tags,
        raise_on_error=False,
        run_config=QUIET,
    )


def _told(platform: Platform, result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    night = date.fromisoformat(key)
    if not result.success:
        error = next(event.step_failure_data.error for event in result.all_events if event.is_step_failure)
        while error.cause is not None:
            error = error.cause
        return {"night": night, "failed": error.message.strip()}
    said = {name: _metadata(result, name) for name in ("challenger", "champion", "drift")}
    batch = platform.marts.published(night)
    assert batch is not None
    with platform.marts.engine.begin() as connection:
        # Not by the view, which hides batches whose consents are years old by the database's own clock.
        steps = (
            connection.exec_driver_sql(
                "SELECT fallback_step FROM platform.batches WHERE business_date = %s AND state = 'published'", (night,)
            )
            .scalars()
            .all()
        )
    return {
        "night": night,
        "batches": len(steps),
        "step": " ".join(steps),
        "model": batch.model_version,
        "model_age_days": batch.model_age_days,
        "trained": said["challenger"].get("version"),
        "promoted": said["champion"]["promoted"],
        "leads": said["champion"].get("champion", False),
        "why": said["champion"]["why"],
        "drift": platform.lake.manifest("drift", key).notes[DRIFT_VERDICT],
        "against_last_nights": said["drift"]["against the last nights"],
        "quarantined": platform.lake.manifest("quarantine", key).rows,
        **_performance(platform.lake, key),
    }


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    [done] = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in done.metadata.items()}


def _performance(lake: Lake, key: str) -> dict[str, Any]:
    rows = lake.read(PERFORMANCE, key).to_pandas()
    whole = rows[(rows.model_version == ALL) & (rows.label_age == ALL)].set_index("figure")
    values = {
        "mailings": whole.loc["auc", "mailings"],
        "answers": whole.loc["auc", "answers"],
        "auc": whole.loc["auc", "value"],
        "kept": whole.loc["kept", "value"],
    }
    return {name: None if value != value or value is None else value for name, value in values.items()}


def hand_over(everything: Path, club: Path, at: datetime) -> None:
    """Put what the club knows at an instant in the place of what it handed over before."""
    known = at.astimezone(UTC).replace(tzinfo=None)
    for table in SOURCE_TABLES:
        source, target = everything / f"{table.name}.parquet", club / f"{table.name}.parquet"
        cut = f"WHERE {table.known_from} < TIMESTAMP '{known}'" if table.known_from.endswith("_at") else ""
        columns = "*"
        if table.name == "cases":
            columns = f"* REPLACE (CASE WHEN closed_at < TIMESTAMP '{known}' THEN closed_at END AS closed_at)"
        duckdb.sql(f"COPY (SELECT {columns} FROM '{source}' {cut}) TO '{target}' (FORMAT parquet)")
        os.utime(target, (at.timestamp(), at.timestamp()))


def main() -> None:
    """Print each night as it is over, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    folder = given.home or Path(tempfile.mkdtemp(prefix="hemsil-month-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the embedded PostgreSQL's user must come through
    month, found = Month(folder, InventedClub(given.members, given.seed, WEEKS)), []
    try:
        for played in month.play(given.nights):
            print(
                ", ".join(f"{name} {value}" for name, value in asdict(played).items() if value not in (None, "")),
                flush=True,
            )
            found.append(played)
    finally:
        EmbeddedPostgres(folder / "home" / "postgres").down()
        if given.home is None:
            shutil.rmtree(folder, ignore_errors=True)
    save([asdict(played) for played in found], given.save)


if __name__ == "__main__":
    main()
