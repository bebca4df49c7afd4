"""Where Dagster keeps its runs: dagster-postgres, in schema `dagster` of the one PostgreSQL. dagster.yaml names this
class, so that Dagster's own commands find the database by the same settings as ours, and start the embedded one.
"""

from typing import Any

import yaml
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from resources.home import database_url
from resources.settings import read_settings


class HemsilPostgresStorage(DagsterPostgresStorage):
    """dagster-postgres at the URL of the settings. It takes no configuration, so no password is ever in dagster.yaml,
    in a process's arguments or in a run's metadata."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData | None, config_value: dict[str, Any]
    ) -> DagsterPostgresStorage:
        from resources.database import ensure_schema, open_database, schema_url

        database = database_url(read_settings())
        engine = open_database(database)
        ensure_schema(engine, "dagster")  # Dagster's own commands may be the first to come to a fresh database
        engine.dispose()
        url = schema_url(database, "dagster")
        config = yaml.safe_dump({"postgres_url": url, "should_autocreate_tables": True})
        inner = ConfigurableClassData("dagster_postgres", "DagsterPostgresStorage", config)
        return DagsterPostgresStorage(postgres_url=url, should_autocreate_tables=True, inst_data=inner)
