"""What every test may use. Fixtures of one subject stand in the module of that subject."""

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from ibis.backends.duckdb import Backend

from resources.engine import open_engine
from resources.settings import TOOL_ENVIRONMENT, Settings

for _name, _value in TOOL_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
for _name in [n for n in os.environ if n.startswith(("HEMSIL_", "DAGSTER_", "MLFLOW_TRACKING"))]:
    del os.environ[_name]  # a developer's own settings must not reach the tests

pytest_plugins = ["tests.postgres", "tests.promises"]
pytest.register_assert_rewrite("tests.source_contract", "tests.checked_clubs")

NOW = datetime(2026, 11, 20, 12, 0)


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty data folder that the embedded PostgreSQL's user may enter too (pytest's own folders are 0700)."""
    with tempfile.TemporaryDirectory(prefix="hemsil-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "home"


@pytest.fixture
def settings(home: Path) -> Settings:
    """Settings of a fresh data folder."""
    return Settings(home=home, threads=2, memory_limit="2GB")


@pytest.fixture(scope="session")
def engine() -> Iterator[Backend]:
    """One engine for tests that only compute."""
    with tempfile.TemporaryDirectory(prefix="hemsil-test-") as folder:
        yield open_engine(Settings(home=Path(folder), threads=2, memory_limit="2GB"))
