"""Every setting, read from `HEMSIL_*` variables here and nowhere else, checked, with its meaning. docs/settings.md is
made from this file. What a marketer may change is not here but in policy.toml.
"""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from ml.errors import SettingsError

CHECKOUT = Path(__file__).resolve().parent.parent

# Masters of Spark by their own names for them; several of one cluster are told with commas between.
ENGINES = r"duckdb|local\[(\d+|\*)\]|local-cluster\[\d+,\d+,\d+\]|spark://[^\s:,/]+:\d{1,5}(,[^\s:,/]+:\d{1,5})*"

# What the tools must find in the environment before they are imported: quiet threads, no telemetry, no job execution.
TOOL_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "PASSIVE",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is down is said to be down within a minute, not ten
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "GIT_PYTHON_REFRESH": "quiet",
}


class Settings(BaseSettings):
    """The settings of one installation. Variables are named HEMSIL_ and the field's name in capitals."""

    model_config = SettingsConfigDict(env_prefix="HEMSIL_", frozen=True, extra="ignore")

    home: Path = Field(
        default=CHECKOUT / ".hemsil",
        description="Data folder: lake, models, reports, embedded PostgreSQL. Holds personal data; made with mode 0700.",
    )
    source: str = Field(
        default="complete-journey",
        repr=False,
        description="Where the club's tables come from: complete-journey, simulated (an invented club), a folder of Parquet or CSV files named as the tables, or a SQLAlchemy URL.",
    )
    timezone: str = Field(
        default="Europe/Oslo",
        description="The club's local time zone, in which a business date begins. The Complete Journey has its own.",
    )
    simulated_members: int = Field(
        default=3_000, ge=100, le=10_000_000, description="Members of the invented club, with HEMSIL_SOURCE=simulated."
    )
    simulated_seed: int = Field(
        default=1, ge=0, lt=2**63, description="Seed of the invented club: another seed, another club."
    )
    simulated_weeks: int = Field(default=52, ge=12, le=520, description="Weeks of history that the invented club has.")
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL to use, as postgresql://user:password@host:port/database. Empty: an embedded one in the data folder.",
        repr=False,
    )
    mlflow_uri: str | None = Field(
        default=None,
        description="MLflow tracking server to use. Empty: the same PostgreSQL, with models in the data folder.",
        repr=False,
    )
    policy: Path = Field(default=CHECKOUT / "policy.toml", description="The policy file.")
    pg_bin: Path | None = Field(
        default=None,
        description="Folder with initdb, pg_ctl and postgres for the embedded PostgreSQL. Empty: those of the installed wheel, else Debian's.",
    )
    engine: str = Field(
        default="duckdb",
        description="What runs features, examples, scoring and decisions: duckdb (in the process), or Apache Spark as local[2] (threads on this machine), local-cluster[2,1,1024] (workers, cores and MB of each, for tests) or spark://host:port.",
    )
    memory_limit: str = Field(
        default="4GB", pattern=r"^\d+(MB|GB)$", description="Most memory DuckDB, or Spark's driver, may use."
    )
    threads: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=1024,
        description="Threads for DuckDB and XGBoost. Empty: all cores there are.",
    )
    members_a_shard: int = Field(
        default=12_500,
        ge=1,
        le=10_000_000,
        description="Members that a night's features, scores and decisions are made of at a time. A club of more is worked through in shards of about so many.",
    )
    executor: Literal["in_process", "multiprocess"] = Field(
        default="in_process",
        description="How Dagster runs the steps of a run that it launches itself: one after the other in one process, or several at a time in processes of their own (see shards_at_once).",
    )
    shards_at_once: int = Field(
        default=2,
        ge=1,
        le=1024,
        description="Most processes of one run at a time, with HEMSIL_EXECUTOR=multiprocess. Each may use HEMSIL_THREADS and HEMSIL_MEMORY_LIMIT.",
    )
    least_free_gb: float = Field(
        default=1.0,
        ge=0.1,
        le=100_000,
        description="Free space on the data folder's disk below which no night begins, in GB.",
    )
    unsubscribe_url: str = Field(
        default="",
        description="Address at which a member stops e-mails with one POST (RFC 8058), as https://club.example/stop?m={member_id}&c={campaign_id}; exports then carry it.",
    )
    ui_port: int = Field(default=3000, ge=1, le=65535, description="Port of the Dagster UI on this machine.")
    mlflow_port: int = Field(default=5000, ge=1, le=65535, description="Port of MLflow's UI on this machine.")
    reports_port: int = Field(default=3001, ge=1, le=65535, description="Port of the reports on this machine.")

    @field_validator("engine")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if not re.fullmatch(ENGINES, value):
            raise ValueError(f"{value!r} is none of duckdb, local[2], local-cluster[2,1,1024] and spark://host:7077")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("is not an IANA time zone such as Europe/Oslo")
        return value

    @field_validator("home", "policy", mode="after")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: str | None) -> str | None:
        if value and not value.startswith(("postgresql://", "postgresql+psycopg2://")):
            raise ValueError("must begin with postgresql:// (PostgreSQL is the only database)")
        return value or None

    @field_validator("unsubscribe_url")
    @classmethod
    def _one_click(cls, value: str) -> str:
        if value and (not value.startswith("https://") or "{member_id}" not in value):
            raise ValueError("must begin with https:// and have {member_id} in it")
        return value

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def lake(self) -> Path:
        return self.home / "lake"

    @property
    def reports(self) -> Path:
        return self.home / "reports"

    @property
    def simulated(self) -> Path:
        return self.home / "simulated"

    @property
    def exports(self) -> Path:
        return self.home / "exports"

    @property
    def erasure_key(self) -> Path:
        return self.home / "keys" / "erasure.key"

    @property
    def dagster_home(self) -> Path:
        return self.home / "dagster"


def read_settings() -> Settings:
    """Settings from the environment and, below it, the checkout's .env. Raises SettingsError naming every bad variable."""
    try:
        return Settings(_env_file=CHECKOUT / ".env")
    except ValidationError as error:
        faults = (
            f"HEMSIL_{str(e['loc'][0]).upper()}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors(include_input=False)
        )
        raise SettingsError("; ".join(faults)) from None


def prepare_environment() -> None:
    """Put what the tools must find into this process's environment. Values that are already there are kept."""
    for name, value in TOOL_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
