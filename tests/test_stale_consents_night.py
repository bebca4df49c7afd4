"""Two whole nights on a club in PostgreSQL, with the clock stopped in the morning of the business date: one after the feed of consents
has died, and one after it lives again.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import dagster as dg
import pytest

from ml.lake_tables import OFFERS_TO_SEND, SUPPRESSIONS
from ml.reasons import Reason
from resources.platform import Platform
from tests.clubs import write_database_club
from tests.installation import Installation, installation
from tests.postgres import PostgresServer
from tests.situations import NIGHT, POLICY, Written, written
from tests.test_database_source import execute

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
MORNING = datetime.combine(NIGHT, time(2, 30))  # UTC; the business date began at 22:00 the evening before
GROUPS = ("sources", "features", "training", "scoring", "decisions")
STRICTER = [str(code) for code in list(Reason)[: list(Reason).index(Reason.CONSENT_STALE) + 1]]


@pytest.fixture(scope="module")
def club() -> Written:
    return written()


@pytest.fixture(scope="module")
def at(postgres_server: PostgresServer, club: Written) -> Iterator[Installation]:
    source = postgres_server.new_database()
    write_database_club(source, {name: frame.where(frame.notna(), None) for name, frame in club.frames().items()})
    execute(source, "CREATE TABLE deliveries (table_name text, delivered_at timestamptz)")
    with installation({"HEMSIL_SOURCE": source}) as made:
        (made.folder / "policy.toml").write_text(POLICY)
        yield made


def verdicts(at: Installation, delivered: datetime) -> dict[tuple[str, str], str]:
    """The night's verdicts by campaign and member ("" = offered), after a delivery of consents at an instant, UTC."""
    execute(at.settings.source, f"INSERT INTO deliveries VALUES ('consents', '{delivered.isoformat()}Z')")
    with at.as_environment():
        from orchestration.definitions import build_definitions

        platform = Platform(at.settings, now=lambda: MORNING)
        definitions = build_definitions(platform)
        wanted = dg.AssetSelection.groups(*GROUPS).resolve(definitions.resolve_asset_graph())
        with dg.DagsterInstance.get() as instance:
            done = definitions.resolve_job_def("nightly").execute_in_process(
                instance=instance, partition_key=NIGHT.isoformat(), asset_selection=sorted(wanted),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )  # fmt: skip
        assert done.success
        read = platform.lake.read
        sent = read(OFFERS_TO_SEND, NIGHT.isoformat()).to_pyarrow().to_pylist()
        stopped = read(SUPPRESSIONS, NIGHT.isoformat()).to_pyarrow().to_pylist()
    offered = {(row["campaign_id"], row["member_id"]): "" for row in sent}
    return offered | {(row["campaign_id"], row["member_id"]): row["reason"] for row in stopped}


def test_a_dead_feed_of_consents_stops_all_but_service_and_a_living_one_nothing(
    at: Installation, club: Written
) -> None:
    dead = verdicts(at, MORNING - timedelta(hours=30))  # 25.5 hours before the business date began
    assert dead.keys() == club.expected.keys()
    service = {asked for asked in dead if asked[0] == "recall"}
    assert {dead[asked] for asked in dead.keys() - service} <= set(STRICTER)
    assert list(dead.values()).count("CONSENT_STALE") > 40
    assert {asked: dead[asked] for asked in service} == {asked: club.expected[asked] for asked in service}
    assert verdicts(at, MORNING - timedelta(hours=20)) == club.expected
