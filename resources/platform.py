"""Everything outside the core, put together in one place. Each part is made when it is first asked for, so that loading
the definitions opens nothing; tests build the same platform with other settings or another clock.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from ibis.backends.sql import SQLBackend

from ml.club import Club
from ml.night import Night
from ml.policy import Policy
from ml.shards import WHOLE, Shard
from ml.source_tables import MEMBERS, SOURCE_TABLES
from resources.database import open_database, schema_url
from resources.daytime import with_the_daytime
from resources.engine import open_duckdb, open_engine
from resources.erasure import erased_members
from resources.home import database_url, prepare_database, prepare_home
from resources.kept_models import KeptModels
from resources.lake import Lake
from resources.ledger_copy import LedgerCopy
from resources.marts import Marts
from resources.policy_file import policy_text
from resources.registry import Registry
from resources.settings import Settings, prepare_environment
from resources.sources import ClubSource, Invented, open_source
from resources.sources.simulated import SimulatedSource
from simulator.club import InventedClub

LIVING = timedelta(days=31)  # a club whose newest day is older than this has been handed over to be looked at

SHARDS = "shards"  # the note beside the lake's tables of members


def utc_now() -> datetime:
    """The clock: now, in UTC without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Platform:
    """The outside world of one installation. `now` is the clock."""

    settings: Settings
    now: Callable[[], datetime] = field(default=utc_now)

    @cached_property
    def engine(self) -> SQLBackend:
        """What runs the night's expressions. Raises EngineUnavailable."""
        if self.settings.engine == "duckdb":
            return self.reader
        prepare_environment()
        prepare_home(self.settings)
        return open_engine(self.settings)

    @cached_property
    def reader(self) -> Backend:
        """What reads and checks the club's own tables, whatever runs the night: DuckDB, with its readers of CSV and Parquet."""
        prepare_environment()
        prepare_home(self.settings)
        return open_duckdb(self.settings)

    @cached_property
    def lake(self) -> Lake:
        return Lake(self.settings.lake, self.engine)

    @cached_property
    def source(self) -> ClubSource:
        settings = self.settings
        club = InventedClub(settings.simulated_members, settings.simulated_seed, settings.simulated_weeks)
        return open_source(settings.source, self.reader, settings.timezone, Invented(club, settings.simulated))

    @cached_property
    def policy(self) -> Policy:
        """Raises PolicyError naming the file and every key at fault."""
        path = self.settings.policy
        return Policy.parse(policy_text(path, path.name), source=self.source.name)

    @cached_property
    def url(self) -> str:
        """The database, started and with its schemas up to date."""
        url = database_url(self.settings)
        prepare_database(url, mlflow_here=self.settings.mlflow_uri is None)
        return url

    @cached_property
    def marts(self) -> Marts:
        return Marts(open_database(self.url), self.policy.publishing)

    @cached_property
    def registry(self) -> Registry:
        uri = self.settings.mlflow_uri or schema_url(self.url, "mlflow")
        return Registry(
            uri,
            self.settings.home / "mlflow" / "artifacts",
            self.club_id,
            self.url,
            self.policy.retention.erased_model_days,
        )

    @cached_property
    def kept_models(self) -> KeptModels:
        return KeptModels(self.settings.home / "models" / self.club_id)

    @cached_property
    def ledger_copy(self) -> LedgerCopy:
        return LedgerCopy(self.settings.home / "ledger", self.marts.engine)

    @property
    def club_id(self) -> str:
        """Twelve digits that tell clubs apart by where their tables come from, without saying where."""
        where = self.settings.source
        if where == SimulatedSource.name:  # another number, another club
            where = str(
                (where, self.settings.simulated_members, self.settings.simulated_seed, self.settings.simulated_weeks)
            )
        return hashlib.sha256(where.encode()).hexdigest()[:12]

    @property
    def zone(self) -> ZoneInfo:
        """The club's time zone: the source's own where it has one."""
        return ZoneInfo(self.source.timezone)

    @property
    def mlflow_address(self) -> str:
        """Where MLflow's pages are: the server of the settings, or the one that `hemsil ui` starts."""
        return self.settings.mlflow_uri or f"http://127.0.0.1:{self.settings.mlflow_port}"

    def night(self, business_date: str) -> Night:
        return Night(date.fromisoformat(business_date), self.source.timezone)

    def is_living(self, night: Night) -> bool:
        """Whether the night is to be sent: not history that is run again, by the club's clock.

        Of a club that hands over new days, a night of the last month counts as tonight's: where its feeds die together, the night
        slides into the past with them, and must not be taken for history, which has no end.
        """
        back = LIVING if self.source.last_date is None else timedelta(0)
        return night.business_date >= self.now().replace(tzinfo=UTC).astimezone(self.zone).date() - back

    def tables(self) -> dict[str, ir.Table]:
        """The club's tables with what was said and sent in the daytime, without whoever has been erased."""
        engine = self.marts.engine
        return with_the_daytime(self.source.tables(), engine, erased_members(engine, self.settings.erasure_key))

    def shards(self, night: Night) -> int:
        """How many shards the night is worked through in, as its source tables were written. Raises NotInLake."""
        return int(self.lake.manifest(MEMBERS.name, night.key).notes.get(SHARDS, "1"))

    def club(self, night: Night, shard: Shard = WHOLE) -> Club:
        """What the night knows, from the lake; of a shard, what it knows of its members. Raises NotInLake when its source tables
        have not been written."""
        tables: dict[str, ir.Table] = {}
        for definition in SOURCE_TABLES:
            notes = self.lake.manifest(definition.name, night.key).notes
            if notes.get("recorded", "yes") == "yes":
                tables[definition.name] = self.lake.read(definition, night.key, shard)
        return Club.of(tables)
