"""Is this installation safe to run: folders, database, roles, the tools' switches, addresses. Each finding says how to mend
it. What a night does is no business of this file; whether one is missing is watch.py's.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import alembic.config
import alembic.script
import sqlalchemy as sa
import yaml
from sqlalchemy.engine import Connection

from ml.errors import HemsilError
from resources.database import MIGRATIONS, ROLES, reaching
from resources.engine import java_version, lacking_for_spark
from resources.erasure import erased_members
from resources.grants import EVERYBODY, excesses, ledgers_unguarded
from resources.packages import differing, installed, locked
from resources.platform import Platform
from resources.settings import CHECKOUT, TOOL_ENVIRONMENT, Settings

LOOPBACK = {"127.0.0.1", "::1", "localhost"}
LISTENS = "0A"  # state of a socket in /proc/net/tcp


@dataclass(frozen=True)
class Finding:
    """One thing examined. `mend` says what to do about it, and is empty where nothing is wrong."""

    what: str
    words: str
    mend: str = ""

    @property
    def well(self) -> bool:
        return not self.mend


def examine(platform: Platform, environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    """Every finding, as soon as it is made. Nothing is changed; a part that cannot be examined is a finding itself."""
    settings = platform.settings
    yield from _folders(settings)
    yield _space(settings)
    yield _packages((CHECKOUT / "requirements.lock").read_text(), installed())
    yield from _switches(environment)
    yield _dagster_config(settings)
    yield _registry_address(settings)
    yield from _ports(settings, Path("/proc/net"))
    yield _engine(settings)
    try:
        yield Finding("policy", f"version {platform.policy.version}")
    except HemsilError as error:
        yield Finding("policy", str(error), "mend the key it names; `hemsil policy check` tells when it is right")
    try:
        yield from _database(platform)
    except HemsilError as error:
        yield Finding("database", str(error), "start PostgreSQL, or mend HEMSIL_DATABASE_URL")


def _folders(settings: Settings) -> Iterator[Finding]:
    for path in (settings.home, settings.lake, settings.reports, settings.exports, settings.home / "mlflow"):
        if not path.exists():
            yield Finding(f"folder {path.name}", "is not there", "run `hemsil setup`")
            continue
        open_to = path.stat().st_mode & 0o077
        words = (
            "for its owner alone" if not open_to else f"may be entered by others (mode {path.stat().st_mode & 0o777:o})"
        )
        yield Finding(f"folder {path.name}", words, f"chmod 700 {path}" if open_to else "")
    for path in (settings.erasure_key, CHECKOUT / ".env"):
        if path.exists():
            open_to = path.stat().st_mode & 0o077
            words = "for its owner alone" if not open_to else "may be read by others"
            yield Finding(f"file {path.name}", words, f"chmod 600 {path}" if open_to else "")


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.home if settings.home.exists() else settings.home.parent).free / 1e9
    mend = "" if free >= settings.least_free_gb else "make room, or let `hemsil retention` delete what is outlived"
    return Finding(
        "free space", f"{free:.1f} GB where the data folder is; {settings.least_free_gb:g} are asked for", mend
    )


def _packages(lock: str, found: Mapping[str, str]) -> Finding:
    wrong = list(differing(lock, found))
    if not wrong:
        return Finding("packages", f"{len(locked(lock))} as locked")
    told = "; ".join(wrong[:3]) + (f"; and {len(wrong) - 3} more" if len(wrong) > 3 else "")
    return Finding(
        "packages", told, "remove .venv and run `make setup`: models and figures were made with what is locked"
    )


def _switches(environment: Mapping[str, str]) -> Iterator[Finding]:
    """What the tools are told by the environment: ours where nothing else is set there."""
    for name, safe in TOOL_ENVIRONMENT.items():
        if name.startswith("MLFLOW_HTTP") or "PROGRESS" in name or "SUPPRESS" in name or name == "GIT_PYTHON_REFRESH":
            continue
        found = environment.get(name, safe)
        mend = "" if found.lower() == safe.lower() else f"unset {name}, or set it to {safe}"
        yield Finding(name, found, mend)
    pickle = environment.get("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false").lower()
    yield Finding(
        "MLflow's pickle loading", pickle, "" if pickle == "false" else "unset MLFLOW_ALLOW_PICKLE_DESERIALIZATION"
    )
    hosts = environment.get("MLFLOW_SERVER_ALLOWED_HOSTS", "")
    wide = "*" in hosts.split(",")
    yield Finding(
        "MLflow's allowed hosts",
        hosts or "this machine's own",
        "name the hosts in MLFLOW_SERVER_ALLOWED_HOSTS" if wide else "",
    )


def _engine(settings: Settings) -> Finding:
    if settings.engine == "duckdb":
        return Finding("engine", "DuckDB, in the process")
    lacking = lacking_for_spark(settings.engine)
    words = f"{settings.engine}, with Java {java_version()}" if not lacking else "; ".join(lacking)
    return Finding("engine", words, "mend what it names, or unset HEMSIL_ENGINE" if lacking else "")


def _dagster_config(settings: Settings) -> Finding:
    path = settings.dagster_home / "dagster.yaml"
    if not path.exists():
        return Finding("dagster.yaml", "is not in the data folder", "run `hemsil setup`")
    text = path.read_text()
    config = yaml.safe_load(text) or {}
    if "postgresql://" in text or "password" in text.replace("no password stands here", ""):
        return Finding("dagster.yaml", "holds an address or a password", "run `hemsil setup`, which writes it anew")
    if config.get("telemetry", {}).get("enabled", True):
        return Finding("dagster.yaml", "telemetry is on", "set telemetry: {enabled: false}")
    if not config.get("run_monitoring", {}).get("max_runtime_seconds"):
        return Finding("dagster.yaml", "runs have no end", "set run_monitoring: {max_runtime_seconds: 14400}")
    return Finding("dagster.yaml", "no secrets, no telemetry, runs are bounded")


def _registry_address(settings: Settings) -> Finding:
    if settings.mlflow_uri is None:
        return Finding("MLflow", "in the same PostgreSQL; its pages on 127.0.0.1 alone")
    address = urlsplit(settings.mlflow_uri)
    if address.scheme == "http" and address.hostname not in LOOPBACK:
        return Finding(
            "MLflow", f"{address.hostname} is reached without encryption", "use https:// in HEMSIL_MLFLOW_URI"
        )
    return Finding("MLflow", f"{address.scheme}://{address.hostname or ''}")


def _ports(settings: Settings, proc: Path) -> Iterator[Finding]:
    named = {settings.ui_port: "Dagster", settings.mlflow_port: "MLflow", settings.reports_port: "reports"}
    wide = set(_open_to_all(proc))
    for port, name in named.items():
        mend = f"whoever listens on port {port} must be told --host 127.0.0.1" if port in wide else ""
        yield Finding(f"port {port} ({name})", "answers other machines" if mend else "not open to other machines", mend)


def _open_to_all(proc: Path) -> Iterator[int]:
    """Ports that a process of this machine listens on at another address than loopback's (Linux tells in /proc)."""
    for table in ("tcp", "tcp6"):
        path = proc / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            here = address.endswith("7F") or address in ("0" * 24 + "01000000", "0000000000000000FFFF00000100007F")
            if state == LISTENS and not here:
                yield int(port, 16)


def _database(platform: Platform) -> Iterator[Finding]:
    engine = platform.marts.engine
    with reaching(engine), engine.connect() as connection:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        newest = alembic.script.ScriptDirectory.from_config(config).get_current_head()
        found = connection.scalar(sa.text("SELECT version_num FROM platform.schema_version"))
        yield Finding("schema", f"version {found}", "" if found == newest else "run `hemsil db up`")
        yield from _roles(connection)
        yield _guards(connection)
    try:
        erased = erased_members(engine, platform.settings.erasure_key)
        yield Finding("erased members", f"{len(erased.digests)}, and the key that recognises them is there")
    except HemsilError as error:
        yield Finding("erased members", str(error), "put the key back from its copy")


def _roles(connection: Connection) -> Iterator[Finding]:
    beyond = list(excesses(connection))
    for role in (*ROLES, EVERYBODY):
        if role != EVERYBODY and connection.scalar(sa.text("SELECT to_regrole(:role) IS NULL"), {"role": role}):
            mend = f"let an administrator run CREATE ROLE {role} NOLOGIN; SELECT platform.grant_roles()"
            yield Finding(f"role {role}", "is not there", mend)
            continue
        own = [(what, statement) for who, what, statement in beyond if who == role]
        named = "; ".join(what for what, _ in own[:3]) + (f"; and {len(own) - 3} more" if len(own) > 3 else "")
        words = f"may do more than its own work: {named}" if own else "may do its own work alone"
        yield Finding(f"role {role}", words, "; ".join(statement for _, statement in own[:3]))


def _guards(connection: Connection) -> Finding:
    off = ledgers_unguarded(connection)
    if not off:
        return Finding("ledger's guards", "rows can be added, and neither changed nor removed")
    mend = "; ".join(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in off)
    return Finding("ledger's guards", f"are off for {', '.join(off)}", mend)
