"""What every test may use. Fixtures of one subject stand in the module of that subject."""

import gc
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import ibis
import pytest
from ibis.backends.sql import SQLBackend

from resources.engine import lacking_for_spark, open_engine
from resources.settings import TOOL_ENVIRONMENT, Settings

for _name, _value in TOOL_ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)
for _name in [n for n in os.environ if n.startswith(("HEMSIL_", "DAGSTER_", "MLFLOW_TRACKING"))]:
    del os.environ[_name]  # a developer's own settings must not reach the tests

os.environ.setdefault("SPARK_CONF_DIR", str(Path(__file__).parent / "spark_conf"))

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


ON_SPARK = pytest.param("local[2]", id="spark", marks=[pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests marked both_engines run once on each engine, whether they ask for it by name or not."""
    if metafunc.definition.get_closest_marker("both_engines"):
        if "engine" not in metafunc.fixturenames:
            metafunc.fixturenames.append("engine")
        metafunc.parametrize("engine", [pytest.param("duckdb"), ON_SPARK], indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[SQLBackend]:
    """One engine for tests that only compute: DuckDB, and for tests marked both_engines Spark as well."""
    master = getattr(request, "param", "duckdb")
    lacking = lacking_for_spark(master) if master != "duckdb" else []
    if lacking:
        pytest.skip("; ".join(lacking))
    with tempfile.TemporaryDirectory(prefix="hemsil-test-") as folder:
        yield open_engine(Settings(home=Path(folder), threads=2, memory_limit="2GB", engine=master))


@pytest.fixture(autouse=True)
def _default_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where a test runs on both engines, small tables in memory are computed with by the one whose turn it is."""
    if request.node.get_closest_marker("both_engines") is None:
        yield
        return
    usual = ibis.options.default_backend
    ibis.set_backend(request.getfixturevalue("engine"))
    yield
    ibis.options.default_backend = usual


def pytest_collection_finish() -> None:
    """What was imported by now stays: without this the collector looks through all of it again at every thousandth new object, of which
    expressions make hundred thousands."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end it goes after all, or DuckDB complains of what was left."""
    gc.unfreeze()
