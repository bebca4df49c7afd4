"""The one code location: assets, checks, jobs, schedule, sensor and resources put together. `defs` is what Dagster loads; tests
call `build_definitions` with other parts. What an asset does belongs in assets/.
"""

from datetime import date, timedelta

import dagster as dg

from assets import audit, backtest, decisions, features, monitoring, publishing, scoring, search, sources, training
from assets.pictures import PICTURES
from assets.tables import ASSET_TABLES
from orchestration.jobs import JOBS
from orchestration.schedule import nightly_schedule
from orchestration.sensors import retraining_sensor
from orchestration.upkeep import RETENTION_SCHEDULE, retention_job
from resources.io_manager import lake_in_turn
from resources.platform import Platform
from resources.settings import Settings, prepare_environment, read_settings

ASSET_MODULES = (sources, features, training, scoring, decisions, publishing, monitoring, audit, backtest, search)
FIRST_NIGHT = date(2015, 1, 1)  # of a club whose source does not say when its history begins


def nights_of(platform: Platform) -> dg.DailyPartitionsDefinition:
    """The business dates there can be nights for: those of a historical source, else every day to and with today."""
    source = platform.source
    start = (source.first_date or FIRST_NIGHT).isoformat()
    if source.last_date:
        after = source.last_date + timedelta(days=1)  # Dagster's end is the first date that has no night
        return dg.DailyPartitionsDefinition(start_date=start, end_date=after.isoformat())
    return dg.DailyPartitionsDefinition(start_date=start, timezone=source.timezone, end_offset=1)


def build_definitions(platform: Platform) -> dg.Definitions:
    """Everything Dagster serves, for one platform. No database is opened: its parts are made when first used."""
    nights = nights_of(platform)
    found = dg.load_assets_from_modules(ASSET_MODULES)
    assets = [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=nights))
        if isinstance(asset, dg.AssetsDefinition)
        else asset
        for asset in found
    ]
    return dg.Definitions(
        assets=assets,
        asset_checks=dg.load_asset_checks_from_modules(ASSET_MODULES),
        jobs=[*JOBS, retention_job],
        schedules=[nightly_schedule(platform), RETENTION_SCHEDULE],
        sensors=[retraining_sensor(platform)],
        resources={"platform": platform, "lake": lake_in_turn(platform, ASSET_TABLES, PICTURES)},
        executor=executor_of(platform.settings),
    )


def executor_of(settings: Settings) -> dg.ExecutorDefinition:
    """How runs that Dagster launches go through their steps; another executor (Kubernetes, Docker, ...) is put here."""
    if settings.executor == "in_process":
        return dg.in_process_executor
    # A step's process is forked from one that has imported everything once; begun from nothing, each would import for five seconds.
    forked = {"forkserver": {"preload_modules": [__name__]}}
    return dg.multiprocess_executor.configured({"max_concurrent": settings.shards_at_once, "start_method": forked})


@dg.definitions
def defs() -> dg.Definitions:
    """The definitions of this installation, from its settings. Dagster calls it; importing this file does nothing."""
    prepare_environment()
    return build_definitions(Platform(read_settings()))
