"""The data folder and the database made ready: folders with their modes, Dagster's home, the schemas, MLflow's tables.
Everything here may be done again at any time, also by several processes at once.
"""

import shutil
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from ml.errors import DatabaseUnavailable, OutOfSpace, SettingsError
from resources.database import ensure_schema, migrate, open_database, schema_url
from resources.settings import CHECKOUT, TOOL_ENVIRONMENT, Settings


def prepare_home(settings: Settings) -> None:
    """Make the data folder (0700: it holds personal data) and Dagster's home in it. Raises SettingsError."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (
            settings.lake,
            settings.reports,
            settings.exports,
            settings.dagster_home,
            settings.home / "mlflow",
        ):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(CHECKOUT / "dagster.yaml", settings.dagster_home / "dagster.yaml")
    except OSError as error:
        raise SettingsError(f"HEMSIL_HOME: {settings.home} cannot be used: {error.strerror}") from None


def check_space(settings: Settings) -> None:
    """Raises OutOfSpace where the disk of the data folder is too full for a night: half of one helps nobody."""
    free = shutil.disk_usage(settings.home).free / 1e9
    if free < settings.least_free_gb:
        raise OutOfSpace(
            f"{free:.1f} GB are free where the data folder is, and HEMSIL_LEAST_FREE_GB asks for {settings.least_free_gb:g}:"
            " make room, or let `hemsil retention` delete what is outlived; what was published still stands"
        )


def database_url(settings: Settings) -> str:
    """The PostgreSQL to use, started if it is the embedded one. Raises DatabaseUnavailable."""
    if settings.database_url:
        return settings.database_url
    from resources.embedded_postgres import EmbeddedPostgres

    prepare_home(settings)
    return EmbeddedPostgres(settings.home / "postgres", settings.pg_bin).up()


def prepare_database(url: str, mlflow_here: bool) -> None:
    """Bring the schemas `marts`, `dagster` and, unless there is an MLflow server, `mlflow` up to date.

    Raises DatabaseUnavailable when the database cannot be reached or the user may not create schemas.
    """
    engine = open_database(url)
    try:
        migrate(engine)
        ensure_schema(engine, "dagster")
        if mlflow_here:
            ensure_schema(engine, "mlflow")
            _prepare_mlflow(engine, schema_url(url, "mlflow"))
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(
            f"PostgreSQL could not be prepared: {type(error).__name__}: {_first_line(error)}"
        ) from None
    finally:
        engine.dispose()


def write_dotenv(settings: Settings, path: Path = CHECKOUT / ".env") -> list[str]:
    """Add to .env what Dagster's own commands need in the checkout; lines that are there are kept. Names of the added."""
    wanted = {"DAGSTER_HOME": str(settings.dagster_home), **TOOL_ENVIRONMENT}
    if settings.home != Settings.model_fields["home"].default:
        wanted["HEMSIL_HOME"] = str(settings.home)  # without it, Dagster's home and the lake would be in two places
    there = path.read_text() if path.exists() else ""
    named = {line.split("=", 1)[0].strip() for line in there.splitlines() if "=" in line}
    added = [name for name in wanted if name not in named]
    if added:
        lines = "".join(f"{name}={wanted[name]}\n" for name in added)
        path.write_text(there + ("\n" if there and not there.endswith("\n") else "") + lines)
        path.chmod(0o600)
    return added


def _prepare_mlflow(engine: Engine, url: str) -> None:
    """Make or upgrade MLflow's tables, once for each version of MLflow: the schema's comment says which it was done for.
    Processes take turns, as MLflow fails when two open a fresh store at once."""
    done = f"tables of MLflow {version('mlflow')}"
    with engine.begin() as held:
        held.execute(text("SELECT pg_advisory_xact_lock(hashtext('hemsil mlflow store'))"))
        comment = "SELECT obj_description('mlflow'::regnamespace, 'pg_namespace')"
        if held.execute(text(comment)).scalar() == done:
            return
        _upgrade_mlflow(url)
        held.execute(text(f"COMMENT ON SCHEMA mlflow IS '{done}'"))


def _upgrade_mlflow(url: str) -> None:
    import logging

    from mlflow.store.db import utils

    for name in ("alembic", "mlflow.store.db.utils"):
        logging.getLogger(name).setLevel(logging.WARNING)
    engine = create_engine(url, hide_parameters=True)
    try:
        if not utils._all_tables_exist(engine):
            utils._initialize_tables(engine)
        utils._upgrade_db(engine)
    finally:
        engine.dispose()


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]
